import { ident, join, path, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ChangeFiles } from './task.ts'

/** Rows of a file that a number has room for beside that of the file. */
export const FILE = 1_099_511_627_776

/** All change rows of the batch with their number, `_s_row`. */
export function changesSql({ paths }: Pick<ChangeFiles, 'paths'>): Sql {
  return sql`SELECT *, (list_position(${paths}, _s_file) - 1) * ${FILE} + file_row_number AS _s_row FROM read_parquet(${paths}, union_by_name = true, hive_partitioning = false, filename = '_s_file', file_row_number = true)`
}

export const numberSql = (file: Sql, row: Sql): Sql => sql`${file} * ${FILE} + ${row}`
export const fileOf = (number: bigint): number => Number(number / BigInt(FILE))
export const rowOf = (number: bigint): bigint => number % BigInt(FILE)

// --- The key that a moved row had before ---------------------------------------------------------------------------

/** Under the names of the key. */
export const oldKeyNames = (names: readonly string[]): Sql =>
  join(
    names.map(name => sql`${path('_old_key', name)} AS ${ident(name)}`),
    ', ',
  )

/** Whether a row of `keys` is the key that the change row `change` moves a row away from. */
export const isOldKey = (names: readonly string[], keys: string, change: string): Sql =>
  join(
    names.map(name => sql`${path(keys, name)} = ${path(change, '_old_key', name)}`),
    ' AND ',
  )

// --- The stamp of a change row, as columns -------------------------------------------------------------------------

export const kindSql = sql`(CASE WHEN _snapshot THEN 0 WHEN _op = 'delete' AND _position IS NULL THEN 2 ELSE 1 END)`
/** A lane without a name is before all others. */
export const laneSql = sql`(CASE WHEN _lane = '' THEN '' ELSE substr(md5(_lane), 1, 8) END)`
export const contentSql = sql`substr(_content, 1, 12)`
/** `placeOf`. */
export const placeSql = sql`concat(${laneSql}, '.', _ordinal, '.', ${contentSql})`
/** `versionOf`. */
export const versionSql = sql`concat(COALESCE(_position, ''), '.', ${kindSql})`
