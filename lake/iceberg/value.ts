import { assert } from '../errors.ts'
import { decimalBytes, parsePrimitive } from './primitive.ts'
import type { PartitionValue, PrimitiveType } from './types.ts'

/**
 * A value of a primitive type: int and date (days) are numbers; long, time and timestamps (microseconds) and the unscaled
 * value of a decimal are bigints; uuid, fixed and binary are bytes.
 */
export type Value = boolean | number | bigint | string | Buffer

/** Single-value binary serialization (spec, appendix D): the form of bounds and partition summaries. */
export function toBinary(type: PrimitiveType, value: Value): Buffer {
  switch (parsePrimitive(type).kind) {
    case 'boolean':
      return Buffer.from([value ? 1 : 0])
    case 'int':
    case 'date':
      return fill(4, buffer => buffer.writeInt32LE(Number(value)))
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return fill(8, buffer => buffer.writeBigInt64LE(BigInt(value as bigint)))
    case 'float':
      return fill(4, buffer => buffer.writeFloatLE(Number(value)))
    case 'double':
      return fill(8, buffer => buffer.writeDoubleLE(Number(value)))
    case 'string':
      return Buffer.from(value as string, 'utf8')
    case 'decimal':
      return minimalBytes(value as bigint)
    case 'uuid':
    case 'fixed':
    case 'binary':
      return value as Buffer
  }
}

/** The inverse. Bounds written before a promotion are shorter: 4 bytes under a long or a double (spec, "Schema Evolution"). */
export function fromBinary(type: PrimitiveType, bytes: Buffer): Value {
  switch (parsePrimitive(type).kind) {
    case 'boolean':
      return bytes[0] !== 0
    case 'int':
    case 'date':
      return bytes.readInt32LE(0)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return bytes.length === 4 ? BigInt(bytes.readInt32LE(0)) : bytes.readBigInt64LE(0)
    case 'float':
      return bytes.readFloatLE(0)
    case 'double':
      return bytes.length === 4 ? bytes.readFloatLE(0) : bytes.readDoubleLE(0)
    case 'string':
      return bytes.toString('utf8')
    case 'decimal':
      return bigEndian(bytes)
    case 'uuid':
    case 'fixed':
    case 'binary':
      return bytes
  }
}

/** The Avro form that manifests hold partition values in: decimals as fixed of the precision's size. */
export function toPartition(type: PrimitiveType, value: Value | null): PartitionValue {
  if (value === null) return null
  const primitive = parsePrimitive(type)
  return primitive.kind === 'decimal' ? twosComplement(value as bigint, decimalBytes(primitive.precision)) : value
}

export function fromPartition(type: PrimitiveType, value: PartitionValue): Value | null {
  if (value === null) return null
  const { kind } = parsePrimitive(type)
  if (kind === 'decimal') return bigEndian(value as Buffer)
  // A column that was promoted from int to long leaves ints in manifests of older schemas.
  return kind === 'long' ? BigInt(value as bigint) : value
}

/** The spec's order: strings by UTF-8 bytes, binary unsigned, −0.0 before 0.0. */
export function compareValues(left: Value, right: Value): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right as string))
  if (Buffer.isBuffer(left)) return Buffer.compare(left, right as Buffer)
  if (left < right) return -1
  if (left > right) return 1
  return typeof left === 'number' ? Number(Object.is(right, -0)) - Number(Object.is(left, -0)) : 0
}

/** The fewest big-endian two's complement bytes of an unscaled decimal: what is hashed and what bounds hold. */
export function minimalBytes(unscaled: bigint): Buffer {
  let bytes = 1
  while (unscaled < -(1n << BigInt(8 * bytes - 1)) || unscaled >= 1n << BigInt(8 * bytes - 1)) bytes++
  return twosComplement(unscaled, bytes)
}

/**
 * Reads DuckDB's text of a value, as COPY's RETURN_STATS gives it. undefined where Iceberg has no such value (infinite dates,
 * years beyond 9999): the caller then writes no bound, which is always safe.
 */
export function fromText(type: PrimitiveType, text: string): Value | undefined {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return text === '1' || text === 'true'
    case 'int':
      return Number(text)
    case 'long':
      return BigInt(text)
    case 'float':
    case 'double':
      return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text)
    case 'decimal':
      return unscaledFromText(text, primitive.scale)
    case 'date':
      return daysFromText(text)
    case 'time':
      return timeFromText(text)
    case 'timestamp':
    case 'timestamptz':
      return timestampFromText(text)
    case 'string':
      return text
    case 'uuid':
      return Buffer.from(text.replaceAll('-', ''), 'hex')
    case 'fixed':
    case 'binary':
      return Buffer.from(text, 'hex')
  }
}

function unscaledFromText(text: string, scale: number): bigint | undefined {
  const parts = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text)
  if (!parts) return undefined
  const unscaled = BigInt(`${parts[2]}${(parts[3] ?? '').padEnd(scale, '0')}`)
  return parts[1] ? -unscaled : unscaled
}

function daysFromText(text: string): number | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text)
  return parts ? utcMs(parts.slice(1, 4)) / 86_400_000 : undefined
}

function timeFromText(text: string): bigint | undefined {
  const parts = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/.exec(text)
  if (!parts) return undefined
  const seconds = (Number(parts[1]) * 60 + Number(parts[2])) * 60 + Number(parts[3])
  return BigInt(seconds) * 1_000_000n + micros(parts[4])
}

function timestampFromText(text: string): bigint | undefined {
  const parts = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?$/.exec(text)
  return parts ? BigInt(utcMs(parts.slice(1, 7))) * 1000n + micros(parts[7]) : undefined
}

const micros = (fraction = ''): bigint => BigInt(fraction.padEnd(6, '0'))

function utcMs(parts: readonly string[]): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number)
  // Date.UTC takes the years 0 to 99 for 1900 to 1999, so such years are set apart.
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second))
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime()
}

function twosComplement(value: bigint, bytes: number): Buffer {
  const hex = BigInt.asUintN(8 * bytes, value).toString(16)
  assert(BigInt.asIntN(8 * bytes, value) === value, `${value} does not fit ${bytes} bytes`)
  return Buffer.from(hex.padStart(2 * bytes, '0'), 'hex')
}

function bigEndian(bytes: Buffer): bigint {
  return bytes.length === 0 ? 0n : BigInt.asIntN(8 * bytes.length, BigInt(`0x${bytes.toString('hex')}`))
}

function fill(bytes: number, write: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes)
  write(buffer)
  return buffer
}
