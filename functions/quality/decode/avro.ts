import avro, { type Schema as AvroSchema, type Type } from 'avsc'
import type { Session } from '#lake/duckdb/engine.ts'
import { head, unreadable } from './inflate.ts'
import { decodeJson } from './json.ts'
import { LineFile } from './records.ts'
import type { ScannedObject } from './scanned.ts'
import type { DecodeTask } from './typed-copy.ts'

/**
 * Avro object container files. Rows come out of the library one at a time and are written as JSON at once, in which form
 * they take the way of JSON; the raw form of a refused row is that JSON. 64-bit integers and decimals keep every digit.
 */
export async function decodeAvro(session: Session, task: DecodeTask): Promise<ScannedObject> {
  if ((await head(task.path, 4)).toString('latin1') !== 'Obj\x01')
    throw unreadable('format_mismatch', 'the file is no Avro object container')
  const lines = await LineFile.create(`${task.base}.avro.ndjson`)
  try {
    await writeRecords(task.path, lines)
  } finally {
    await lines.close()
  }
  return decodeJson(session, { ...task, path: lines.path })
}

async function writeRecords(path: string, lines: LineFile): Promise<void> {
  let type: Type | undefined
  const decoder = avro.createFileDecoder(path, {
    parseHook: (schema: AvroSchema) =>
      avro.Type.forSchema(schema, { registry: { long: exactLong }, wrapUnions: true, noAnonymousTypes: false }),
  })
  decoder.on('metadata', (writer: Type) => {
    type = writer
  })
  try {
    for await (const record of decoder as AsyncIterable<unknown>) {
      lines.write(`${renderJson(type as Type, record)}\n`)
      await lines.drain()
    }
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw /codec/i.test(message)
      ? unreadable('codec', 'Avro codecs other than null and deflate are not supported', cause)
      : unreadable('corrupt', `the file is no readable Avro: ${message.slice(0, 200)}`, cause)
  }
}

/** The library's own long is a JavaScript number and refuses what is beyond 2^53. */
const exactLong = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (left: bigint, right: bigint) => (left < right ? -1 : left > right ? 1 : 0),
})

// --- Avro values as JSON text --------------------------------------------------------------------------------------

interface SchemaNode {
  readonly type?: unknown
  readonly logicalType?: string
  readonly scale?: number
}

function renderJson(type: Type, value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (avro.Type.isType(type, 'union:wrapped')) {
    const [name, inner] = Object.entries(value as Record<string, unknown>)[0] as [string, unknown]
    const branch = (type as unknown as { types: readonly Type[] }).types.find(each => each.branchName === name)
    return renderJson(branch as Type, inner)
  }
  const node = type.schema({ exportAttrs: true }) as SchemaNode | string
  const logical = typeof node === 'object' ? node.logicalType : undefined
  switch (type.typeName) {
    case 'record':
      return renderRecord(type, value as Record<string, unknown>)
    case 'array':
      return `[${(value as readonly unknown[]).map(each => renderJson((type as unknown as { itemsType: Type }).itemsType, each)).join(',')}]`
    case 'map': {
      const inner = (type as unknown as { valuesType: Type }).valuesType
      return `{${Object.entries(value as Record<string, unknown>)
        .map(([key, each]) => `${JSON.stringify(key)}:${renderJson(inner, each)}`)
        .join(',')}}`
    }
    case 'bytes':
    case 'fixed':
      return logical === 'decimal'
        ? decimalText(value as Buffer, (node as SchemaNode).scale ?? 0)
        : JSON.stringify((value as Buffer).toString('base64'))
    case 'float':
    case 'double':
      return Number.isFinite(value) ? String(value) : JSON.stringify(String(value))
    default:
      return logical === undefined
        ? typeof value === 'bigint'
          ? value.toString()
          : JSON.stringify(value)
        : temporalText(logical, value)
  }
}

function renderRecord(type: Type, value: Record<string, unknown>): string {
  const fields = (type as unknown as { fields: readonly { readonly name: string; readonly type: Type }[] }).fields
  return `{${fields.map(field => `${JSON.stringify(field.name)}:${renderJson(field.type, value[field.name])}`).join(',')}}`
}

/** Two's complement, big endian (Avro spec, "Decimal"). */
function decimalText(bytes: Buffer, scale: number): string {
  const unsigned = BigInt(`0x${bytes.toString('hex') || '0'}`)
  const unscaled = BigInt.asIntN(bytes.length * 8, unsigned)
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}

function temporalText(logical: string, value: unknown): string {
  switch (logical) {
    case 'date':
      return JSON.stringify(new Date(Number(value) * 86_400_000).toISOString().slice(0, 10))
    case 'timestamp-millis':
      return JSON.stringify(instantText(BigInt(value as bigint) * 1_000n, 'Z'))
    case 'timestamp-micros':
      return JSON.stringify(instantText(BigInt(value as bigint), 'Z'))
    case 'local-timestamp-millis':
      return JSON.stringify(instantText(BigInt(value as bigint) * 1_000n, ''))
    case 'local-timestamp-micros':
      return JSON.stringify(instantText(BigInt(value as bigint), ''))
    case 'time-millis':
      return JSON.stringify(instantText(BigInt(value as number) * 1_000n, '').slice(11))
    case 'time-micros':
      return JSON.stringify(instantText(BigInt(value as bigint), '').slice(11))
    default:
      return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
  }
}

function instantText(micros: bigint, zone: string): string {
  const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = Number((micros - rest) / 1_000_000n)
  return `${new Date(seconds * 1_000).toISOString().slice(0, 19)}.${rest.toString().padStart(6, '0')}${zone}`
}
