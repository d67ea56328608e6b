import { inflateSync } from 'node:zlib'
import type { ChangeSource } from '#lake/dataset-changes.ts'
import { AvroInput } from '../decode/avro-input.ts'
import { type AvroToJson, avroToJson } from '../decode/avro-json.ts'
import { ByteWriter } from '../decode/byte-writer.ts'
import { linesOf } from '../decode/lines.ts'
import { LineFile } from '../decode/records.ts'
import { withQuotedNumbers } from './splitter.ts'

/**
 * Writes the records of a topic whose events are Avro frames with their events as JSON, each beside the schema of its row, in the form of the
 * JSON converter: from there on they take its way. One line for each line, so that places stay what they are.
 */
export async function framesAsJson(path: string, target: string, changes: ChangeSource): Promise<void> {
  const schemas = new Schemas(changes.avro)
  const fields = changes.wrapper === 'kinesis' ? ['data'] : ['key', 'value']
  const lines = await LineFile.create(target)
  try {
    for await (const { bytes } of linesOf(path)) {
      const text = bytes.toString('utf8')
      if (text.trim() === '') continue
      lines.write(`${JSON.stringify(unframed(text, fields, schemas))}\n`)
      await lines.drain()
    }
  } finally {
    await lines.close()
  }
}

function unframed(line: string, fields: readonly string[], schemas: Schemas): object {
  let record: Readonly<Record<string, unknown>>
  try {
    record = JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return { fault: 'the record around the event is no JSON' }
  }
  const result: Record<string, unknown> = { ...record }
  for (const field of fields) {
    const bytes = frameOf(record, field)
    if (bytes === undefined) continue
    delete result[`${field}Base64`]
    try {
      result[field] = schemas.json(bytes)
    } catch (error) {
      result['fault'] = error instanceof Error ? error.message : String(error)
    }
  }
  return result
}

/** Bytes that happen to be UTF-8 were kept as text. What begins like JSON is JSON: keys may have another converter than values. */
function frameOf(record: Readonly<Record<string, unknown>>, field: string): Buffer | undefined {
  const base64 = record[`${field}Base64`]
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  const text = record[field]
  return typeof text === 'string' && MAGIC.has(text.charCodeAt(0)) ? Buffer.from(text, 'utf8') : undefined
}

/** First bytes of the frames of Confluent and Glue. */
const MAGIC: ReadonlySet<number> = new Set([0, 3])

interface Frame {
  readonly id: string
  readonly body: Buffer
}

/** Confluent: 0, four bytes of id. Glue: 3, the compression (0 none, 5 zlib), sixteen bytes of UUID. */
function frame(bytes: Buffer): Frame {
  if (bytes[0] === 0 && bytes.length >= 5) return { id: String(bytes.readUInt32BE(1)), body: bytes.subarray(5) }
  if (bytes[0] === 3 && bytes.length >= 18) {
    const hex = bytes.toString('hex', 2, 18)
    const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    if (bytes[1] === 0) return { id, body: bytes.subarray(18) }
    if (bytes[1] === 5) return { id, body: inflateSync(bytes.subarray(18), { maxOutputLength: FRAME_BYTES_MAX }) }
  }
  throw new Error('the event begins like no frame of Confluent or Glue')
}

const FRAME_BYTES_MAX = 67_108_864

interface Known {
  readonly write: AvroToJson
  /** What the JSON converter would put beside the record. */
  readonly connect: string
}

class Schemas {
  readonly #texts: ReadonlyMap<string, string>
  readonly #known = new Map<string, Known>()
  readonly #out = new ByteWriter()

  constructor(avro: ChangeSource['avro']) {
    this.#texts = new Map(Object.entries(avro).map(([id, text]) => [id.toLowerCase(), text]))
  }

  json(bytes: Buffer): string {
    const { id, body } = frame(bytes)
    const { write, connect } = this.#find(id)
    const input = new AvroInput(body)
    this.#out.length = 0
    write(input, this.#out, 0)
    if (input.left > 0)
      throw new Error(`the frame has ${input.left} bytes after its record: schema ${id} is not its schema`)
    const payload = withQuotedNumbers(this.#out.written.toString('utf8'), undefined)
    return `{"schema":${connect},"payload":${payload}}`
  }

  #find(id: string): Known {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const text = this.#texts.get(id)
    if (text === undefined) throw new Error(`schema ${id} is not among those of source.changes.avro`)
    const found = { write: avroToJson(text), connect: JSON.stringify(connectSchema(JSON.parse(text))) }
    this.#known.set(id, found)
    return found
  }
}

// --- Avro's schema as one of Kafka Connect ----------------------------------------------------------------------------

interface AvroRecord {
  readonly type?: unknown
  readonly name?: string
  readonly fields?: readonly { readonly name: string; readonly type: unknown }[]
  readonly 'connect.name'?: string
}

/**
 * Only what says how values are written: the logical types that Debezium names. Decimals and Avro's own logical types are text already. A type
 * that was defined before is named only, as `after` of an envelope is after `before`.
 */
function connectSchema(schema: unknown, names = new Map<string, object>()): object {
  const type = branchOf(schema)
  if (typeof type === 'string') return names.get(type) ?? names.get(type.split('.').at(-1) ?? '') ?? { type }
  const record = type as AvroRecord
  if (record.fields === undefined) {
    const name = record['connect.name']
    const kept = name !== undefined && !name.endsWith('.Decimal')
    return { type: record.type, ...(kept ? { name } : {}) }
  }
  const fields = record.fields.map(field => ({ ...connectSchema(field.type, names), field: field.name }))
  const found = { type: 'struct', fields }
  if (record.name !== undefined) names.set(record.name.split('.').at(-1) ?? '', found)
  return found
}

/** Optional fields are unions with null. */
function branchOf(schema: unknown): unknown {
  return Array.isArray(schema) ? (schema.find(branch => branch !== 'null') ?? 'null') : schema
}
