import { applyTransform, type Transform } from './transform.ts'
import type { DataFile, PartitionSummary } from './types.ts'
import { compareValues, fromBinary, fromPartition, type Value } from './value.ts'

/** A condition on one column of a primitive type, its values in the form of `value.ts`. A scan takes the conjunction of several. */
export type Predicate =
  | { readonly column: string; readonly op: 'in'; readonly values: readonly Value[] }
  | { readonly column: string; readonly op: '<' | '<=' | '>' | '>=' | '!='; readonly value: Value }
  | { readonly column: string; readonly op: 'starts-with'; readonly value: string }
  | { readonly column: string; readonly op: 'is-null' | 'not-null' }

/** What is known of the values of a column in some files. Whatever is unknown is undefined. */
export interface Range {
  readonly lower: Value | undefined
  readonly upper: Value | undefined
  readonly hasNull: boolean | undefined
  readonly hasNotNull: boolean | undefined
  readonly hasNaN: boolean | undefined
}

/** Whether a row within the range can match; in doubt, yes. */
export function mayMatch(range: Range, predicate: Predicate): boolean {
  switch (predicate.op) {
    case 'is-null':
      return range.hasNull !== false
    case 'not-null':
      return range.hasNotNull !== false
    case 'in':
      return range.hasNotNull !== false && predicate.values.some(value => mayHold(range, value))
    case '!=':
      return range.hasNotNull !== false && !holdsOnly(range, predicate.value)
    case 'starts-with':
      return range.hasNotNull !== false && mayStartWith(range, predicate.value)
    default:
      return range.hasNotNull !== false && mayCompare(range, predicate.op, predicate.value)
  }
}

function mayHold({ lower, upper }: Range, value: Value): boolean {
  if (Number.isNaN(value)) return true
  return (lower === undefined || order(lower, value) <= 0) && (upper === undefined || order(upper, value) >= 0)
}

/** Bounds that are cut are apart, so equal ones are the only value there is; NaN is in no bounds. */
function holdsOnly({ lower, upper, hasNaN }: Range, value: Value): boolean {
  if (lower === undefined || upper === undefined || Number.isNaN(value)) return false
  if (typeof value === 'number' && hasNaN !== false) return false
  return order(lower, value) === 0 && order(upper, value) === 0
}

function mayStartWith({ lower, upper }: Range, prefix: string): boolean {
  const lowEnough = lower === undefined || order(lower, prefix) <= 0 || String(lower).startsWith(prefix)
  return lowEnough && (upper === undefined || order(upper, prefix) >= 0)
}

function mayCompare(range: Range, op: '<' | '<=' | '>' | '>=', value: Value): boolean {
  const { lower, upper } = range
  if (Number.isNaN(value)) return true
  if (op === '<') return lower === undefined || order(lower, value) < 0
  if (op === '<=') return lower === undefined || order(lower, value) <= 0
  // Bounds leave NaN out, and DuckDB counts it as greater than every number.
  if (typeof value === 'number' && range.hasNaN !== false) return true
  if (op === '>') return upper === undefined || order(upper, value) > 0
  return upper === undefined || order(upper, value) >= 0
}

/** As SQL compares: −0.0 equals 0.0. */
function order(left: Value, right: Value): number {
  return left === right ? 0 : compareValues(left, right)
}

/**
 * The predicate as one on partition values that every matching row's partition satisfies (an inclusive projection); undefined when the
 * transform says nothing about it.
 */
export function project(predicate: Predicate, transform: Transform, type: string): Predicate | undefined {
  if (transform.name === 'void' || transform.name === 'unknown') return undefined
  if (transform.name === 'identity') return predicate
  const partitionOf = (value: Value): Value => applyTransform(transform, type, value) as Value
  switch (predicate.op) {
    case 'is-null':
    case 'not-null':
      return predicate
    case 'in':
      return { ...predicate, values: predicate.values.map(partitionOf) }
    case '!=':
      // Other values share the partition of this one.
      return undefined
    case 'starts-with':
      return projectPrefix(predicate, transform, partitionOf)
    default:
      // Hashes keep no order, and what comes before the lowest value has none.
      return transform.name === 'bucket'
        ? undefined
        : projectOrder({ ...predicate, op: predicate.op }, type, partitionOf)
  }
}

interface Comparison {
  readonly column: string
  readonly op: '<' | '<=' | '>' | '>='
  readonly value: Value
}

/** All transforms but bucket round down and keep the order: `x < 5` means that x is at most 4, so its partition is at most that of 4. */
function projectOrder(
  { column, op, value }: Comparison,
  type: string,
  partitionOf: (value: Value) => Value,
): Predicate {
  switch (op) {
    case '<':
      return { column, op: '<=', value: partitionOf(neighbour(value, type, -1)) }
    case '>':
      return { column, op: '>=', value: partitionOf(neighbour(value, type, 1)) }
    default:
      return { column, op, value: partitionOf(value) }
  }
}

/** What a truncated text begins with is the prefix, or as much of it as there is room for. */
function projectPrefix(
  predicate: Extract<Predicate, { readonly op: 'starts-with' }>,
  transform: Transform,
  partitionOf: (value: Value) => Value,
): Predicate | undefined {
  if (transform.name !== 'truncate') return undefined
  const { column, value } = predicate
  return [...value].length <= transform.width ? predicate : { column, op: 'in', values: [partitionOf(value)] }
}

/** The next value of a type whose values can be counted; text and bytes stay as they are. */
function neighbour(value: Value, type: string, step: 1 | -1): Value {
  if (typeof value === 'bigint') return value + BigInt(step)
  return typeof value === 'number' && (type === 'int' || type === 'date') ? value + step : value
}

// --- Ranges of what manifests say ----------------------------------------------------------------------------------

/** Of one partition field over the files of a manifest. */
export function summaryRange(summary: PartitionSummary, type: string): Range {
  const bounds = type === 'uuid' ? { lower_bound: null, upper_bound: null } : summary
  return {
    lower: bounds.lower_bound === null ? undefined : fromBinary(type, bounds.lower_bound),
    upper: bounds.upper_bound === null ? undefined : fromBinary(type, bounds.upper_bound),
    hasNull: summary.contains_null,
    hasNotNull: undefined,
    hasNaN: isFloating(type) ? (summary.contains_nan ?? undefined) : false,
  }
}

/** Of one partition field of one file, whose rows all have the same value. */
export function partitionRange(file: DataFile, index: number, type: string): Range {
  const value = fromPartition(type, file.partition[index] ?? null)
  if (value === null) return { lower: undefined, upper: undefined, hasNull: true, hasNotNull: false, hasNaN: false }
  if (Number.isNaN(value)) return { lower: undefined, upper: undefined, hasNull: false, hasNotNull: true, hasNaN: true }
  return { lower: value, upper: value, hasNull: false, hasNotNull: true, hasNaN: false }
}

/** Of one column of a file, by its metrics. Bounds of a uuid are ignored, because writers disagree on its order. */
export function metricsRange(file: DataFile, id: number, type: string): Range {
  const values = file.value_counts.get(id)
  const nulls = file.null_value_counts.get(id)
  const nans = file.nan_value_counts.get(id)
  const [lower, upper] = type === 'uuid' ? [] : [file.lower_bounds.get(id), file.upper_bounds.get(id)]
  return {
    lower: lower === undefined ? undefined : fromBinary(type, lower),
    upper: upper === undefined ? undefined : fromBinary(type, upper),
    hasNull: nulls === undefined ? undefined : nulls > 0n,
    hasNotNull: values === undefined || nulls === undefined ? undefined : nulls < values,
    hasNaN: !isFloating(type) ? false : nans === undefined ? undefined : nans > 0n,
  }
}

const isFloating = (type: string): boolean => type === 'float' || type === 'double'
