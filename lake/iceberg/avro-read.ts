import { inflateRawSync } from 'node:zlib'
import { LakeError } from '../errors.ts'
import { AvroCursor } from './avro-cursor.ts'
import {
  type AvroComplex,
  type AvroField,
  type AvroRecord,
  type AvroSchema,
  type AvroValue,
  keyValue,
  type Names,
  remember,
  resolve,
} from './avro-schema.ts'

export interface AvroFile {
  readonly metadata: Readonly<Record<string, string>>
  readonly schema: AvroSchema
  readonly records: readonly AvroRecord[]
}

/** What a record's field is called in memory: writers differ in names and agree in `field-id`. */
export type FieldKey = (field: AvroField) => string

export interface AvroReading {
  /** The field's own name when absent. */
  readonly keyOf?: FieldKey
  /** Fields that are not wanted are passed over and take no memory; all are when absent. */
  readonly isWanted?: (field: AvroField) => boolean
  /** Of maps by number, the only keys to keep; all when absent. */
  readonly mapKeys?: ReadonlySet<number> | undefined
}

/** Reads an object container file of any writer by the schema in its own header. Fails with `table-corrupt` or `unsupported`. */
export function decodeAvro(bytes: Buffer, keyOf?: FieldKey): AvroFile {
  const { records, ...header } = openAvro(bytes, keyOf ? { keyOf } : {})
  return { ...header, records: [...records] }
}

/** As decodeAvro, record by record, for whoever does not want all of them or all of each. */
export function openAvro(
  bytes: Buffer,
  reading: AvroReading = {},
): Omit<AvroFile, 'records'> & { readonly records: Iterable<AvroRecord> } {
  if (bytes.toString('latin1', 0, 4) !== 'Obj\x01') throw corrupt('it does not begin as an Avro file')
  try {
    const input = new AvroCursor(bytes, 4)
    const metadata = readHeader(input)
    const schema = JSON.parse(metadata['avro.schema'] ?? '') as AvroSchema
    const decode = decoder(schema, { names: new Map(), ...reading })
    return { metadata, schema, records: readRecords(input, decode, metadata['avro.codec']) }
  } catch (cause) {
    throw explained(cause)
  }
}

function* readRecords(input: AvroCursor, decode: Decoder, codec: string | undefined): Generator<AvroRecord> {
  try {
    const sync = input.take(16)
    while (!input.ended()) {
      const count = input.int()
      const block = new AvroCursor(decompress(input.take(input.int()), codec), 0)
      for (let index = 0; index < count; index++) yield decode(block) as AvroRecord
      if (!block.ended() || !sync.equals(input.take(16))) throw corrupt('a block does not end where it should')
    }
  } catch (cause) {
    throw explained(cause)
  }
}

function explained(cause: unknown): unknown {
  const isDamage = cause instanceof RangeError || cause instanceof SyntaxError
  return isDamage ? corrupt('it ends early or is damaged', cause) : cause
}

function readHeader(input: AvroCursor): Record<string, string> {
  const metadata: Record<string, string> = {}
  for (let count = input.blockCount(); count > 0; count = input.blockCount())
    for (let index = 0; index < count; index++) {
      const key = input.text()
      metadata[key] = input.text()
    }
  return metadata
}

function decompress(block: Buffer, codec = 'null'): Buffer {
  if (codec === 'null') return block
  if (codec === 'deflate') return inflateRawSync(block)
  throw new LakeError(
    'unsupported',
    `a manifest is compressed with ${codec}; Sluice reads null and deflate (set write.avro.compression-codec=gzip in its writer)`,
    { codec },
  )
}

const corrupt = (why: string, cause?: unknown): LakeError =>
  new LakeError('table-corrupt', `an Avro file of the table cannot be read: ${why}`, {}, { cause })

type Decoder = (input: AvroCursor) => AvroValue

interface Scope extends AvroReading {
  readonly names: Names
}

function decoder(schema: AvroSchema, scope: Scope): Decoder {
  if (typeof schema === 'string') return primitiveDecoder(schema, scope)
  if (Array.isArray(schema)) {
    const branches = (schema as readonly AvroSchema[]).map(branch => decoder(branch, scope))
    return input => chosen(branches, input)(input)
  }
  return complexDecoder(schema as AvroComplex, scope)
}

function chosen<T>(branches: readonly T[], input: AvroCursor): T {
  const branch = branches[input.int()]
  if (branch === undefined) throw corrupt('a union has no such branch')
  return branch
}

function complexDecoder(schema: AvroComplex, scope: Scope): Decoder {
  remember(scope.names, schema)
  switch (schema.type) {
    case 'record':
      return recordDecoder(schema, scope)
    case 'array':
      return arrayDecoder(schema, scope)
    case 'map': {
      const value = decoder(schema.values as AvroSchema, scope)
      return input => readEntries(input, text => text.text(), value)
    }
    case 'fixed':
      return input => Buffer.from(input.take(schema.size ?? 0))
    case 'enum':
      return input => schema.symbols?.[input.int()] ?? null
    default:
      return decoder(schema.type, scope)
  }
}

function recordDecoder(schema: AvroComplex, scope: Scope): Decoder {
  const fields = (schema.fields ?? []).map(field => {
    // Before the decoder, because a type may be defined in a field that is passed over and mentioned in a later one.
    const skip = skipper(field.type, scope)
    const isWanted = scope.isWanted?.(field) ?? true
    return { key: scope.keyOf?.(field) ?? field.name, skip, decode: isWanted ? decoder(field.type, scope) : undefined }
  })
  return input => {
    const record: Record<string, AvroValue> = {}
    for (const { key, decode, skip } of fields)
      if (decode) record[key] = decode(input)
      else skip(input)
    return record
  }
}

function arrayDecoder(schema: AvroComplex, scope: Scope): Decoder {
  const pair = keyValue(schema)
  if (pair) {
    const [key, value] = pair.map(field => decoder(field.type, scope)) as [(input: AvroCursor) => number, Decoder]
    const keys = scope.mapKeys
    if (!keys) return input => readEntries(input, key, value)
    const only = { isWanted: (id: number) => keys.has(id), skipValue: skipper(pair[1].type, scope) }
    return input => readEntries(input, key, value, only)
  }
  const item = decoder(schema.items as AvroSchema, scope)
  return input => {
    const items: AvroValue[] = []
    for (let count = input.blockCount(); count > 0; count = input.blockCount())
      for (let index = 0; index < count; index++) items.push(item(input))
    return items
  }
}

function readEntries<K extends number | string>(
  input: AvroCursor,
  key: (input: AvroCursor) => K,
  value: Decoder,
  only?: { readonly isWanted: (key: K) => boolean; readonly skipValue: Skipper },
): ReadonlyMap<K, AvroValue> {
  const entries = new Map<K, AvroValue>()
  for (let count = input.blockCount(); count > 0; count = input.blockCount())
    for (let index = 0; index < count; index++) {
      const name = key(input)
      if (only && !only.isWanted(name)) only.skipValue(input)
      else entries.set(name, value(input))
    }
  return entries
}

function primitiveDecoder(type: string, scope: Scope): Decoder {
  switch (type) {
    case 'null':
      return () => null
    case 'boolean':
      return input => input.take(1)[0] === 1
    case 'int':
      return input => input.int()
    case 'long':
      return input => input.long()
    case 'float':
      return input => input.take(4).readFloatLE(0)
    case 'double':
      return input => input.take(8).readDoubleLE(0)
    case 'string':
      return input => input.text()
    case 'bytes':
      // A copy: a view would keep the whole inflated block alive for one bound.
      return input => Buffer.from(input.take(input.int()))
    default:
      return decoder(resolve(scope.names, type), scope)
  }
}

// --- Passing over --------------------------------------------------------------------------------------------------

type Skipper = (input: AvroCursor) => void

function skipper(schema: AvroSchema, scope: Scope): Skipper {
  if (typeof schema === 'string') return primitiveSkipper(schema, scope)
  if (Array.isArray(schema)) {
    const branches = (schema as readonly AvroSchema[]).map(branch => skipper(branch, scope))
    return input => chosen(branches, input)(input)
  }
  return complexSkipper(schema as AvroComplex, scope)
}

function complexSkipper(schema: AvroComplex, scope: Scope): Skipper {
  remember(scope.names, schema)
  switch (schema.type) {
    case 'record': {
      const fields = (schema.fields ?? []).map(field => skipper(field.type, scope))
      return input => {
        for (const skip of fields) skip(input)
      }
    }
    case 'array': {
      const item = skipper(schema.items as AvroSchema, scope)
      return input => input.skipBlocks(item)
    }
    case 'map': {
      const value = skipper(schema.values as AvroSchema, scope)
      return input =>
        input.skipBlocks(() => {
          input.skip(input.int())
          value(input)
        })
    }
    case 'fixed':
      return input => input.skip(schema.size ?? 0)
    case 'enum':
      return input => input.skipVarint()
    default:
      return skipper(schema.type, scope)
  }
}

function primitiveSkipper(type: string, scope: Scope): Skipper {
  switch (type) {
    case 'null':
      return () => undefined
    case 'boolean':
      return input => input.skip(1)
    case 'int':
    case 'long':
      return input => input.skipVarint()
    case 'float':
      return input => input.skip(4)
    case 'double':
      return input => input.skip(8)
    case 'string':
    case 'bytes':
      return input => input.skip(input.int())
    default:
      return skipper(resolve(scope.names, type), scope)
  }
}
