import { inflateRawSync } from 'node:zlib'
import { LakeError } from '../errors.ts'
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

/** Reads an object container file of any writer by the schema in its own header. Fails with `table-corrupt` or `unsupported`. */
export function decodeAvro(bytes: Buffer, keyOf: FieldKey = field => field.name): AvroFile {
  if (bytes.toString('latin1', 0, 4) !== 'Obj\x01') throw corrupt('it does not begin as an Avro file')
  try {
    return decodeContainer(bytes, keyOf)
  } catch (cause) {
    if (cause instanceof RangeError || cause instanceof SyntaxError) throw corrupt('it ends early or is damaged', cause)
    throw cause
  }
}

function decodeContainer(bytes: Buffer, keyOf: FieldKey): AvroFile {
  const input = new Reader(bytes, 4)
  const metadata = readHeader(input)
  const schema = JSON.parse(metadata['avro.schema'] ?? '') as AvroSchema
  const decode = decoder(schema, { names: new Map(), keyOf })
  const sync = input.take(16)
  const records: AvroRecord[] = []
  while (!input.ended()) {
    const count = input.int()
    const block = new Reader(decompress(input.take(input.int()), metadata['avro.codec']), 0)
    for (let index = 0; index < count; index++) records.push(decode(block) as AvroRecord)
    if (!block.ended() || !sync.equals(input.take(16))) throw corrupt('a block does not end where it should')
  }
  return { metadata, schema, records }
}

function readHeader(input: Reader): Record<string, string> {
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

type Decoder = (input: Reader) => AvroValue

interface Scope {
  readonly names: Names
  readonly keyOf: FieldKey
}

function decoder(schema: AvroSchema, scope: Scope): Decoder {
  if (typeof schema === 'string') return primitiveDecoder(schema, scope)
  if (Array.isArray(schema)) {
    const branches = (schema as readonly AvroSchema[]).map(branch => decoder(branch, scope))
    return input => {
      const branch = branches[input.int()]
      if (!branch) throw corrupt('a union has no such branch')
      return branch(input)
    }
  }
  return complexDecoder(schema as AvroComplex, scope)
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
  const fields = (schema.fields ?? []).map(field => ({ key: scope.keyOf(field), decode: decoder(field.type, scope) }))
  return input => {
    const record: Record<string, AvroValue> = {}
    for (const field of fields) record[field.key] = field.decode(input)
    return record
  }
}

function arrayDecoder(schema: AvroComplex, scope: Scope): Decoder {
  const pair = keyValue(schema)
  if (pair) return mapDecoder(decoder(pair[0].type, scope) as (input: Reader) => number, decoder(pair[1].type, scope))
  const item = decoder(schema.items as AvroSchema, scope)
  return input => {
    const items: AvroValue[] = []
    for (let count = input.blockCount(); count > 0; count = input.blockCount())
      for (let index = 0; index < count; index++) items.push(item(input))
    return items
  }
}

const mapDecoder =
  (key: (input: Reader) => number, value: Decoder): Decoder =>
  input =>
    readEntries(input, key, value)

function readEntries<K extends number | string>(
  input: Reader,
  key: (input: Reader) => K,
  value: Decoder,
): ReadonlyMap<K, AvroValue> {
  const entries = new Map<K, AvroValue>()
  for (let count = input.blockCount(); count > 0; count = input.blockCount())
    for (let index = 0; index < count; index++) {
      const name = key(input)
      entries.set(name, value(input))
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

/** A cursor; reading past the end throws RangeError. */
class Reader {
  private readonly buffer: Buffer
  private at: number

  constructor(buffer: Buffer, at: number) {
    this.buffer = buffer
    this.at = at
  }

  ended(): boolean {
    return this.at >= this.buffer.length
  }

  take(bytes: number): Buffer {
    if (bytes < 0 || this.at + bytes > this.buffer.length) throw new RangeError('past the end')
    this.at += bytes
    return this.buffer.subarray(this.at - bytes, this.at)
  }

  text(): string {
    return this.take(this.int()).toString('utf8')
  }

  /** Arrays and maps come in blocks; a negative count is followed by the block's size in bytes. */
  blockCount(): number {
    const count = this.int()
    if (count < 0) this.int()
    return Math.abs(count)
  }

  int(): number {
    return Number(this.varint())
  }

  long(): bigint {
    const value = this.varint()
    return typeof value === 'bigint' ? value : BigInt(value)
  }

  /** Seven groups of 7 bits stay exact in a double, which costs a tenth of bigint arithmetic; longer ones go on as bigint. */
  private varint(): number | bigint {
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.nextByte()
      value += (byte & 127) * scale
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    return this.varintTail(BigInt(value))
  }

  private varintTail(low: bigint): bigint {
    let zigzag = low
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.nextByte()
      zigzag |= BigInt(byte & 127) << shift
      if (byte < 128) return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
    }
    throw new RangeError('a number of more than 64 bits')
  }

  private nextByte(): number {
    const byte = this.buffer[this.at++]
    if (byte === undefined) throw new RangeError('past the end')
    return byte
  }
}
