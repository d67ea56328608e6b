import type { PartitionColumn } from './partition.ts'
import { metricsRange, type Predicate, partitionRange, type Range } from './predicate.ts'
import type { Search } from './pruning.ts'
import { applyTransform } from './transform.ts'
import type { DataFile } from './types.ts'
import { compareValues, type Value } from './value.ts'

/** Whether every row of the file matches, by its metrics or by its partition; in doubt, no (Iceberg's StrictMetricsEvaluator and strict projection). */
export function surelyMatches(file: DataFile, { tests, columns }: Search): boolean {
  return tests.every(({ predicate, id, type }) => {
    if (allMatch(metricsRange(file, id, type), predicate)) return true
    const fields = columns.get(file.spec_id) ?? []
    return fields.some(
      (column, index) => column.field['source-id'] === id && partitionMatches(file, predicate, { column, index }),
    )
  })
}

/** Whether every value within the range matches. Bounds may be wider than the values, which is on the safe side. */
export function allMatch(range: Range, predicate: Predicate): boolean {
  switch (predicate.op) {
    case 'is-null':
      return range.hasNotNull === false
    case 'not-null':
      return range.hasNull === false
    case 'in':
      return range.hasNull === false && range.hasNaN === false && isOneOf(range, predicate.values)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return range.hasNull === false && allCompare(range, predicate.op, predicate.value)
    default:
      return false
  }
}

function isOneOf({ lower, upper }: Range, values: readonly Value[]): boolean {
  if (lower === undefined || upper === undefined || order(lower, upper) !== 0) return false
  return values.some(value => order(value, lower) === 0)
}

type Comparison = '<' | '<=' | '>' | '>='

function allCompare({ lower, upper, hasNaN }: Range, op: Comparison, value: Value): boolean {
  if (Number.isNaN(value)) return false
  if (op === '>') return lower !== undefined && order(lower, value) > 0
  if (op === '>=') return lower !== undefined && order(lower, value) >= 0
  // NaN is greater than every number (DuckDB, Spark), and the bounds leave it out.
  if (typeof value === 'number' && hasNaN !== false) return false
  return upper !== undefined && (op === '<' ? order(upper, value) < 0 : order(upper, value) <= 0)
}

/** As SQL compares: −0.0 equals 0.0. */
const order = (left: Value, right: Value): number => (left === right ? 0 : compareValues(left, right))

/** All rows of a file have the same partition value, so the field decides when all values of that partition match. */
function partitionMatches(
  file: DataFile,
  predicate: Predicate,
  { column, index }: { readonly column: PartitionColumn; readonly index: number },
): boolean {
  const { transform, source, type } = column
  const range = partitionRange(file, index, type)
  if (!source || transform.name === 'void' || transform.name === 'unknown') return false
  if (transform.name === 'identity') return allMatch(range, predicate)
  // Every other transform gives null for null and for nothing else.
  if (predicate.op === 'is-null' || predicate.op === 'not-null') return allMatch(range, predicate)
  if (transform.name === 'bucket' || range.lower === undefined || !('value' in predicate)) return false
  return isBeyond(range.lower, predicate, value => applyTransform(transform, source.type, value) as Value)
}

/**
 * The transforms that are left round down and keep the order: what lies in an earlier partition than 5 is less than 5, and what lies in a later
 * one is greater. Of values that can be counted, `x <= 5` says `x < 6`, so a month is matched by its last day.
 */
function isBeyond(
  partition: Value,
  { op, value }: Extract<Predicate, { readonly value: Value }>,
  partitionOf: (value: Value) => Value,
): boolean {
  switch (op) {
    case '<':
      return order(partition, partitionOf(value)) < 0
    case '<=':
      return order(partition, partitionOf(next(value, 1))) < 0
    case '>':
      return order(partition, partitionOf(value)) > 0
    case '>=':
      return order(partition, partitionOf(next(value, -1))) > 0 || startsAt(partition, value)
    default:
      return false
  }
}

/** The transforms of numbers are of int, date or bigint values. Text stays as it is, which is on the safe side. */
function next(value: Value, step: 1 | -1): Value {
  if (typeof value === 'bigint') return value + BigInt(step)
  return typeof value === 'number' ? value + step : value
}

/** Text that was cut to the very value, or to a greater one, is not less than it. */
const startsAt = (partition: Value, value: Value): boolean =>
  (typeof value === 'string' || Buffer.isBuffer(value)) && order(partition, value) >= 0
