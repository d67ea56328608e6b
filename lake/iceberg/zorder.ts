import type { Row, Session } from '../duckdb/engine.ts'
import { path as columnPath, ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { parsePrimitive } from './primitive.ts'
import { transformSql } from './transform-sql.ts'
import type { PrimitiveType } from './types.ts'

export interface ZColumn {
  /** Its name, after those of the structs that it is in. */
  readonly path: readonly string[]
  readonly type: PrimitiveType
}

/** More columns than this get so few bits each that none of them is clustered. */
export const Z_COLUMNS_MAX = 8

/**
 * A SELECT and the terms that sort it along a Z-curve: rows that are near each other in all of the columns come near each other, so
 * the bounds of row groups and files are narrow for every one of them. Each column becomes an unsigned 64-bit key in its own order, and
 * the bits of the keys are interleaved. A key begins at the highest bit in which the rows differ (without that, microseconds since 1970
 * would only vary far behind a text's first letter): whole numbers and times exactly, floating-point numbers and long decimals in
 * proportion, text and binary by the eight bytes after the prefix that all rows share. Nulls come first.
 */
export async function zOrdered(
  session: Session,
  task: {
    readonly source: Sql
    readonly columns: readonly ZColumn[]
    /** The same rows, read once for the bounds of the columns; `source` when absent. */
    readonly rows?: Sql
  },
): Promise<{ readonly source: Sql; readonly terms: readonly Sql[] }> {
  const columns = task.columns.slice(0, Z_COLUMNS_MAX)
  const bounds = await boundsOf(session, task.rows ?? task.source, columns)
  const keys = columns.map((column, at) => keyOf(column, bounds, at))
  const names = columns.map((_column, at) => ident(`_sluice_z${at}`))
  // Zero is for null alone: one unit of 2^64 less for the lowest value.
  const named = keys.map(
    (key, at) =>
      sql`CASE WHEN (${key}) IS NULL THEN 0::UBIGINT ELSE greatest(${key}, 1::UBIGINT) END AS ${names[at] as Sql}`,
  )
  return { source: sql`SELECT *, ${join(named, ', ')} FROM (${task.source})`, terms: interleaved(names) }
}

// --- Keys ----------------------------------------------------------------------------------------------------------

type Kind = 'whole' | 'real' | 'bytes'

function kindOf(type: PrimitiveType): Kind {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'float':
    case 'double':
      return 'real'
    case 'decimal':
      // The difference of two with 38 digits does not fit 128 bits.
      return primitive.precision > 18 ? 'real' : 'whole'
    case 'string':
    case 'uuid':
    case 'binary':
    case 'fixed':
      return 'bytes'
    default:
      return 'whole'
  }
}

const BOUND_BYTES = 64

async function boundsOf(session: Session, source: Sql, columns: readonly ZColumn[]): Promise<Row> {
  const values = columns.flatMap((column, at) => {
    const value = comparable(column)
    const bound = (of: Sql): Sql => (kindOf(column.type) === 'bytes' ? sql`hex(${of})` : sql`CAST(${of} AS VARCHAR)`)
    return [
      sql`${bound(sql`min(${value})`)} AS ${ident(`low${at}`)}`,
      sql`${bound(sql`max(${value})`)} AS ${ident(`high${at}`)}`,
    ]
  })
  const [row] = await session.rows(sql`SELECT ${join(values, ', ')} FROM (${source})`)
  return row ?? {}
}

/** What bounds are taken of: values beyond them end up at the ends of the curve. */
function comparable({ path, type }: ZColumn): Sql {
  const value = columnPath(...path)
  switch (kindOf(type)) {
    case 'whole':
      return whole(type, value)
    case 'real':
      return sql`CASE WHEN isfinite(CAST(${value} AS DOUBLE)) THEN CAST(${value} AS DOUBLE) END`
    case 'bytes':
      return sql`(${bytes(type, value)})[1:${BOUND_BYTES}]`
  }
}

const whole = (type: PrimitiveType, value: Sql): Sql =>
  type === 'boolean' ? sql`CAST(${value} AS INTEGER)` : transformSql({ name: 'identity' }, type, value)

function bytes(type: PrimitiveType, value: Sql): Sql {
  if (type === 'string') return sql`encode(${value})`
  return type === 'uuid' ? sql`unhex(replace(CAST(${value} AS VARCHAR), '-', ''))` : value
}

function keyOf(column: ZColumn, bounds: Row, at: number): Sql {
  const [low, high] = [bounds[`low${at}`], bounds[`high${at}`]]
  if (typeof low !== 'string' || typeof high !== 'string') return sql`NULL::UBIGINT`
  const value = columnPath(...column.path)
  switch (kindOf(column.type)) {
    case 'whole':
      return aligned(sql`CAST(${whole(column.type, value)} AS HUGEINT)`, BigInt(low), BigInt(high))
    case 'real':
      return proportional(value, Number(low), Number(high))
    case 'bytes':
      return afterPrefix(bytes(column.type, value), low, high)
  }
}

/** The distance from the lowest value, shifted so that the largest begins with a one at bit 63; nothing is rounded. */
function aligned(value: Sql, low: bigint, high: bigint): Sql {
  const spare = 64 - (high - low).toString(2).length
  return sql`CAST((${value} - CAST(${String(low)} AS HUGEINT)) * CAST(${String(1n << BigInt(Math.max(0, spare)))} AS HUGEINT) AS UBIGINT)`
}

/** The largest double below 2^64. */
const KEY_MAX = 2 ** 64 - 2 ** 11

/** By halves, because the difference of two doubles can be infinite. NaN is greater than every number, as in DuckDB. */
function proportional(value: Sql, low: number, high: number): Sql {
  const real = sql`CAST(${value} AS DOUBLE)`
  const span = high / 2 - low / 2
  const share =
    span > 0
      ? sql`CASE WHEN isnan(${real}) THEN 1 ELSE least(1, greatest(0, (${real} / 2 - (${low / 2})) / ${span})) END`
      : sql`0`
  // Beside it least() and greatest() would take a null for 0.
  return sql`CASE WHEN ${value} IS NOT NULL THEN CAST(floor((${share}) * ${KEY_MAX}) AS UBIGINT) END`
}

const KEY_DIGITS = 16

/** Hex digits of the bytes that follow the common prefix of the lowest and the highest value: everything between has it as well. */
function afterPrefix(value: Sql, low: string, high: string): Sql {
  const shared = sharedBytes(low, high)
  const number = (digits: string): bigint =>
    BigInt(`0x${digits.slice(2 * shared, 2 * shared + KEY_DIGITS).padEnd(KEY_DIGITS, '0')}`)
  const digits = sql`rpad(hex((${value})[${shared + 1}:${shared + KEY_DIGITS / 2}]), ${KEY_DIGITS}, '0')`
  return aligned(sql`CAST(CAST('0x' || ${digits} AS UBIGINT) AS HUGEINT)`, number(low), number(high))
}

function sharedBytes(left: string, right: string): number {
  let at = 0
  while (at < left.length && left.slice(at, at + 2) === right.slice(at, at + 2)) at += 2
  return at / 2
}

// --- Bits ----------------------------------------------------------------------------------------------------------

/**
 * The interleaved keys as words of 64 bits, the highest first. Each key gives a word as many of its bits as there is room for, spread
 * to every second, fourth or eighth place.
 */
function interleaved(keys: readonly Sql[]): readonly Sql[] {
  const stride = keys.length <= 1 ? 1 : keys.length === 2 ? 2 : keys.length <= 4 ? 4 : 8
  const bits = 64 / stride
  return Array.from({ length: stride }, (_, word) => {
    const parts = keys.map((key, at) => {
      const chunk = sql`((${key} >> ${64 - bits * (word + 1)}) & ${(1n << BigInt(bits)) - 1n}::UBIGINT)`
      return sql`(${spread(chunk, bits, stride)} << ${stride - 1 - at})`
    })
    return parts.reduce((all, part) => sql`(${all} | ${part})`)
  })
}

/** The usual halving: the upper half of every block moves up until each bit stands alone. */
function spread(chunk: Sql, bits: number, stride: number): Sql {
  let value = chunk
  for (let block = bits / 2; block >= 1 && stride > 1; block /= 2) {
    const moved = sql`(${value} << ${block * (stride - 1)})`
    value = sql`((${value} | ${moved}) & ${blocks(block, stride)}::UBIGINT)`
  }
  return value
}

/** Ones in blocks of so many bits, one block at every `block × stride`. */
function blocks(block: number, stride: number): bigint {
  let mask = 0n
  for (let at = 0; at < 64; at += block * stride) mask |= ((1n << BigInt(block)) - 1n) << BigInt(at)
  return mask
}
