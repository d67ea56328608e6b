import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { assert, LakeError } from '../errors.ts'
import {
  type AvroComplex,
  type AvroRecord,
  type AvroSchema,
  type AvroValue,
  keyValue,
  type Names,
  remember,
  resolve,
} from './avro-schema.ts'

const RECORDS_PER_BLOCK = 4_000

/**
 * An object container file (Avro 1.12, "Object Container Files"), deflate. The schema goes into the header as it is: the
 * libraries drop the attributes that Iceberg readers need. No records still make a valid file.
 */
export function encodeAvro(
  schema: AvroSchema,
  records: Iterable<AvroRecord>,
  metadata: Readonly<Record<string, string>> = {},
): Buffer {
  const encode = encoder(schema, new Map())
  // Block by block, so that records that are read from another file need never be in memory together.
  const blocks: ReturnType<typeof encodeBlock>[] = []
  for (const batch of batches(records)) blocks.push(encodeBlock(batch, encode))
  const header = { 'avro.schema': JSON.stringify(schema), 'avro.codec': 'deflate', ...metadata }
  // Sixteen bytes that cannot stand in the data by chance; taken from the content, so that equal input gives equal bytes.
  const hash = createHash('md5').update(JSON.stringify(header))
  for (const block of blocks) hash.update(block.data)
  const sync = hash.digest()
  const out = new Writer(1_024 + blocks.reduce((bytes, block) => bytes + block.data.length + 40, 0))
  out.raw(Buffer.from('Obj\x01', 'latin1'))
  writeHeader(out, header)
  out.raw(sync)
  for (const block of blocks) {
    out.long(block.count)
    out.bytes(block.data)
    out.raw(sync)
  }
  return out.done()
}

function writeHeader(out: Writer, header: Readonly<Record<string, string>>): void {
  const entries = Object.entries(header)
  out.long(entries.length)
  for (const [key, value] of entries) {
    out.bytes(Buffer.from(key, 'utf8'))
    out.bytes(Buffer.from(value, 'utf8'))
  }
  out.long(0)
}

function* batches(records: Iterable<AvroRecord>): Generator<readonly AvroRecord[]> {
  let batch: AvroRecord[] = []
  for (const record of records) {
    batch.push(record)
    if (batch.length < RECORDS_PER_BLOCK) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function encodeBlock(
  records: readonly AvroRecord[],
  encode: Encoder,
): { readonly count: number; readonly data: Buffer } {
  const block = new Writer(65_536)
  for (const record of records) encode(block, record)
  return { count: records.length, data: deflateRawSync(block.done()) }
}

type Encoder = (out: Writer, value: AvroValue | undefined) => void

function encoder(schema: AvroSchema, names: Names): Encoder {
  if (typeof schema === 'string') return primitiveEncoder(schema, names)
  if (Array.isArray(schema)) return unionEncoder(schema as readonly AvroSchema[], names)
  return complexEncoder(schema as AvroComplex, names)
}

function unionEncoder(branches: readonly AvroSchema[], names: Names): Encoder {
  assert(branches.length === 2 && branches[0] === 'null', 'Iceberg writes only unions of null and one type')
  const some = encoder(branches[1] as AvroSchema, names)
  return (out, value) => {
    if (value === null || value === undefined) return out.long(0)
    out.long(1)
    some(out, value)
  }
}

function complexEncoder(schema: AvroComplex, names: Names): Encoder {
  remember(names, schema)
  switch (schema.type) {
    case 'record':
      return recordEncoder(schema, names)
    case 'array':
      return arrayEncoder(schema, names)
    case 'fixed':
      return (out, value) => {
        assert(Buffer.isBuffer(value) && value.length === schema.size, `${schema.name}: ${schema.size} bytes expected`)
        out.raw(value)
      }
    default:
      return encoder(schema.type, names)
  }
}

function recordEncoder(schema: AvroComplex, names: Names): Encoder {
  const fields = (schema.fields ?? []).map(field => ({ name: field.name, encode: encoder(field.type, names) }))
  return (out, value) => {
    const record = value as AvroRecord
    for (const field of fields) field.encode(out, record[field.name])
  }
}

function arrayEncoder(schema: AvroComplex, names: Names): Encoder {
  const pair = keyValue(schema)
  if (pair) {
    const [key, value] = [encoder(pair[0].type, names), encoder(pair[1].type, names)]
    return (out, map) => {
      const entries = map as ReadonlyMap<number, AvroValue>
      if (entries.size > 0) out.long(entries.size)
      for (const entry of entries) {
        key(out, entry[0])
        value(out, entry[1])
      }
      out.long(0)
    }
  }
  const item = encoder(schema.items as AvroSchema, names)
  return (out, list) => {
    const items = list as readonly AvroValue[]
    if (items.length > 0) out.long(items.length)
    for (const element of items) item(out, element)
    out.long(0)
  }
}

function primitiveEncoder(type: string, names: Names): Encoder {
  switch (type) {
    case 'boolean':
      return (out, value) => out.byte(value ? 1 : 0)
    case 'int':
      return (out, value) => {
        assert(typeof value === 'number' && value === (value | 0), `an int expected, not ${String(value)}`)
        out.long(value)
      }
    case 'long':
      return (out, value) => {
        assert(typeof value === 'bigint', `a long expected, not ${String(value)}`)
        out.long(value)
      }
    case 'float':
      return (out, value) => out.raw(fill(4, buffer => buffer.writeFloatLE(value as number)))
    case 'double':
      return (out, value) => out.raw(fill(8, buffer => buffer.writeDoubleLE(value as number)))
    case 'string':
      return (out, value) => out.bytes(Buffer.from(value as string, 'utf8'))
    case 'bytes':
      return (out, value) => out.bytes(value as Buffer)
    case 'map':
    case 'enum':
      throw new LakeError('unsupported', `Iceberg's files hold no Avro ${type}`)
    default:
      return encoder(resolve(names, type), names)
  }
}

function fill(bytes: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes)
  write(buffer)
  return buffer
}

/** A growing buffer; `long` is Avro's zig-zag variable-length integer. */
class Writer {
  private buffer: Buffer
  private at = 0

  constructor(bytes: number) {
    this.buffer = Buffer.allocUnsafe(bytes)
  }

  done(): Buffer {
    return this.buffer.subarray(0, this.at)
  }

  byte(value: number): void {
    this.reserve(1)
    this.buffer[this.at++] = value
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  bytes(bytes: Uint8Array): void {
    this.long(bytes.length)
    this.raw(bytes)
  }

  long(value: number | bigint): void {
    this.reserve(10)
    const small = Number(value)
    // Within 30 bits the zig-zag stays a 32-bit integer; most counts are, and bigint arithmetic costs ten times as much.
    if (small >= -0x2000_0000 && small <= 0x1fff_ffff) this.varint((small << 1) ^ (small >> 31))
    else this.bigVarint(BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n)))
  }

  private varint(zigzag: number): void {
    let rest = zigzag
    while (rest > 127) {
      this.buffer[this.at++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.buffer[this.at++] = rest
  }

  private bigVarint(zigzag: bigint): void {
    let rest = zigzag
    while (rest > 127n) {
      this.buffer[this.at++] = Number(rest & 127n) | 128
      rest >>= 7n
    }
    this.buffer[this.at++] = Number(rest)
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, this.at + bytes))
    this.buffer.copy(larger, 0, 0, this.at)
    this.buffer = larger
  }
}
