import type { Transform as DeclaredTransform } from '../dataset.ts'
import { LakeError } from '../errors.ts'
import { murmur3 } from './murmur3.ts'
import { parsePrimitive } from './primitive.ts'
import type { PrimitiveType } from './types.ts'
import { minimalBytes, toBinary, type Value } from './value.ts'

/** A partition transform (spec, "Partition Transforms"); `void` and `unknown` come only from other writers. */
export type Transform =
  | DeclaredTransform
  | { readonly name: 'void' }
  | { readonly name: 'unknown'; readonly text: string }

export function parseTransform(text: string): Transform {
  switch (text) {
    case 'identity':
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
    case 'void':
      return { name: text }
  }
  const sized = /^(bucket|truncate)\[(\d+)\]$/.exec(text)
  if (sized) return { name: sized[1] as 'bucket' | 'truncate', width: Number(sized[2]) }
  // Readers must ignore a transform they do not know (spec): it only costs pruning.
  return { name: 'unknown', text }
}

export const transformText = (transform: DeclaredTransform): string =>
  'width' in transform ? `${transform.name}[${transform.width}]` : transform.name

/** The type of the partition value. The spec calls day's an int; Iceberg writes and expects date. */
export function resultType(transform: Transform, source: PrimitiveType): PrimitiveType {
  switch (transform.name) {
    case 'identity':
    case 'truncate':
    case 'void':
      return source
    case 'day':
      return 'date'
    case 'bucket':
    case 'year':
    case 'month':
    case 'hour':
      return 'int'
    case 'unknown':
      return 'string'
  }
}

const SOURCES: Readonly<Record<DeclaredTransform['name'], ReadonlySet<string>>> = {
  identity: new Set(
    'boolean int long float double decimal date time timestamp timestamptz string uuid fixed binary'.split(' '),
  ),
  year: new Set(['date', 'timestamp', 'timestamptz']),
  month: new Set(['date', 'timestamp', 'timestamptz']),
  day: new Set(['date', 'timestamp', 'timestamptz']),
  hour: new Set(['timestamp', 'timestamptz']),
  bucket: new Set('int long decimal date time timestamp timestamptz string uuid fixed binary'.split(' ')),
  truncate: new Set(['int', 'long', 'decimal', 'string', 'binary']),
}

/** Fails with `dataset-invalid` when the spec does not define the transform for this type. */
export function checkTransform(transform: DeclaredTransform, source: PrimitiveType): void {
  if (SOURCES[transform.name].has(parsePrimitive(source).kind)) return
  throw new LakeError(
    'dataset-invalid',
    `a column of type ${source} cannot be partitioned by ${transformText(transform)}`,
    {
      type: source,
      transform: transformText(transform),
    },
  )
}

/** The partition value of a value, as a pure function: what a scan projects predicates with. undefined: unknown transform. */
export function applyTransform(transform: Transform, source: PrimitiveType, value: Value): Value | null | undefined {
  switch (transform.name) {
    case 'identity':
      return value
    case 'bucket':
      return (bucketHash(source, value) & 0x7fff_ffff) % transform.width
    case 'truncate':
      return truncate(source, value, transform.width)
    case 'year':
    case 'month':
    case 'day':
    case 'hour':
      return timePart(transform.name, source, value)
    case 'void':
      return null
    case 'unknown':
      return undefined
  }
}

/** Ints hash as longs, so that promoting a column keeps its buckets (spec, appendix B). */
export function bucketHash(source: PrimitiveType, value: Value): number {
  switch (parsePrimitive(source).kind) {
    case 'int':
    case 'long':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      return murmur3(toBinary('long', BigInt(value as bigint)))
    case 'decimal':
      return murmur3(minimalBytes(value as bigint))
    case 'string':
      return murmur3(Buffer.from(value as string, 'utf8'))
    default:
      return murmur3(value as Buffer)
  }
}

function truncate(source: PrimitiveType, value: Value, width: number): Value {
  if (typeof value === 'string') return firstCodePoints(value, width)
  if (Buffer.isBuffer(value)) return value.subarray(0, width)
  const [number, step] = [BigInt(value), BigInt(width)]
  const floor = number - (((number % step) + step) % step)
  // The spec leaves overflow open. Wrapping around, as Java does, would make the partition of the lowest values the highest one, and
  // readers that prune by range then lose the rows; staying at the lowest value keeps the order.
  if (source === 'int') return Number(highest(floor, -0x8000_0000n))
  return source === 'long' ? highest(floor, -(2n ** 63n)) : floor
}

const highest = (left: bigint, right: bigint): bigint => (left > right ? left : right)

function firstCodePoints(text: string, count: number): string {
  if (text.length <= count) return text
  let units = 0
  for (let seen = 0; seen < count && units < text.length; seen++)
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  return text.slice(0, units)
}

function timePart(part: 'year' | 'month' | 'day' | 'hour', source: PrimitiveType, value: Value): number {
  const hours = source === 'date' ? Number(value) * 24 : Number(floorDivide(value as bigint, 3_600_000_000n))
  if (part === 'hour') return hours
  const days = Math.floor(hours / 24)
  if (part === 'day') return days
  const date = new Date(days * 86_400_000)
  const years = date.getUTCFullYear() - 1970
  return part === 'year' ? years : years * 12 + date.getUTCMonth()
}

/** Values before 1970 are negative and belong to the earlier unit, while bigint division rounds toward zero. */
function floorDivide(value: bigint, unit: bigint): bigint {
  const quotient = value / unit
  return value % unit < 0n ? quotient - 1n : quotient
}
