import { decimalText, type PartitionColumn } from '#lake/iceberg/partition.ts'
import { parsePrimitive } from '#lake/iceberg/primitive.ts'
import type { PartitionValue, PrimitiveType } from '#lake/iceberg/types.ts'
import { fromPartition, type Value } from '#lake/iceberg/value.ts'

/**
 * A partition as the WHERE of Athena's OPTIMIZE, which may name partition columns alone
 * (https://docs.aws.amazon.com/athena/latest/ug/optimize-statement.html): equality for identity, a range for year, month, day and
 * hour. What no condition on the column says (bucket, truncate) is left out, and the statement takes other partitions as well, which
 * costs more and harms nothing. undefined when nothing is left.
 */
export function partitionWhere(
  columns: readonly PartitionColumn[],
  partition: readonly PartitionValue[],
): string | undefined {
  const conditions = columns.flatMap((column, at) => conditionOf(column, partition[at] ?? null))
  return conditions.length === 0 ? undefined : conditions.join(' AND ')
}

function conditionOf(column: PartitionColumn, stored: PartitionValue): readonly string[] {
  const { source, transform } = column
  if (source?.path.length !== 1 || transform.name === 'void') return []
  const name = source.path.join('')
  const quoted = `"${name.replaceAll('"', '""')}"`
  const value = fromPartition(column.type, stored)
  if (value === null) return [`${quoted} IS NULL`]
  switch (transform.name) {
    case 'identity': {
      const literal = athenaLiteral(source.type, value)
      return literal === undefined ? [] : [`${quoted} = ${literal}`]
    }
    case 'year':
    case 'month':
    case 'day':
    case 'hour': {
      const [from, to] = [startMs(transform.name, Number(value)), startMs(transform.name, Number(value) + 1)]
      return [`${quoted} >= ${timeLiteral(source.type, from)} AND ${quoted} < ${timeLiteral(source.type, to)}`]
    }
    default:
      return []
  }
}

/** Where the n-th year, month, day or hour after 1970 begins. */
function startMs(unit: 'year' | 'month' | 'day' | 'hour', count: number): number {
  switch (unit) {
    case 'year':
      return Date.UTC(1970 + count, 0)
    case 'month':
      return Date.UTC(1970, count)
    case 'day':
      return count * 86_400_000
    case 'hour':
      return count * 3_600_000
  }
}

function timeLiteral(type: PrimitiveType, ms: number): string {
  const text = new Date(ms).toISOString()
  if (type === 'date') return `DATE '${text.slice(0, 10)}'`
  return timestampLiteral(type, text.slice(0, 23).replace('T', ' '))
}

/** Athena has `timestamptz` as `timestamp(6) with time zone`, whose literals name the zone. */
const timestampLiteral = (type: PrimitiveType, text: string): string =>
  type === 'timestamptz' ? `TIMESTAMP '${text} UTC'` : `TIMESTAMP '${text}'`

function athenaLiteral(type: PrimitiveType, value: Value): string | undefined {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
    case 'int':
    case 'long':
      return String(value)
    case 'string':
      return `'${String(value).replaceAll("'", "''")}'`
    case 'date':
      return timeLiteral('date', Number(value) * 86_400_000)
    case 'decimal':
      return `DECIMAL '${decimalText(value as bigint, primitive.scale)}'`
    case 'timestamp':
    case 'timestamptz': {
      const micros = value as bigint
      const rest = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
      const seconds = new Date(Number((micros - rest) / 1000n)).toISOString().slice(0, 19).replace('T', ' ')
      return timestampLiteral(type, `${seconds}.${String(rest).padStart(6, '0')}`)
    }
    default:
      return undefined
  }
}
