import { ident, join, path, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { TableName } from '#lake/lake.ts'
import type { Stamp } from './stamp.ts'
import { keyNames, sameKey } from './task.ts'
import { isOlder } from './truncates.ts'

/** The two columns that the hand-over table has beside those of the table: which run a row is of, and what it is there. */
export const RUN = '_handover_run'
export const PART = '_handover_part'

/** `key`: one of the batch. `row`: as Athena found it in the table. `remove` and `put`: what the fold makes of it. */
export type Part = 'key' | 'row' | 'remove' | 'put'

export interface Statement {
  readonly table: TableName
  readonly handOver: TableName
  readonly run: string
  readonly key: readonly string[]
  /** What tells one state of a row from another, beside the key. */
  readonly state: readonly string[]
  /** All columns of the table. */
  readonly columns: readonly string[]
  /** Of a batch with a truncate: rows older than it go, whatever their key. */
  readonly truncate?: Stamp | undefined
}

/**
 * Copies the rows of the batch's keys into the hand-over table. With a truncate also those of which columns may be older than it, and one of
 * those that are older as a whole, by which the fold sees that there are any.
 *
 * Both statements are written in what Athena and DuckDB have in common, so that the tests run them as they are.
 */
export function locateSql(statement: Statement): Sql {
  const { table, handOver, run, key, columns, truncate } = statement
  const from = sql`FROM ${ident(table)} t`
  const select = sql`SELECT ${keyNames(columns, 't')}, ${run}, 'row'`
  const keys = handedSql(statement, ['key'])
  const found = [sql`${select} ${from} JOIN (${keys}) k ON ${sameKey(key, 't', 'k')}`]
  if (truncate !== undefined) {
    const others = sql`${select} ${from} LEFT JOIN (${keys}) k ON ${sameKey(key, 't', 'k')} WHERE ${path('k', key[0] as string)} IS NULL`
    found.push(
      sql`${others} AND ${path('t', '_authors')} IS NOT NULL`,
      sql`(${others} AND ${path('t', '_authors')} IS NULL AND ${isOlder(truncate)} LIMIT 1)`,
    )
  }
  return sql`INSERT INTO ${ident(handOver)} (${keyNames([...columns, RUN, PART])}) ${join(found, ' UNION ALL ')}`
}

/**
 * Takes the rows out of the table that the fold saw go, and puts those in that it made: all of them, or none when a row of the batch's keys
 * is not any more what the fold saw. A row that is taken out is known by its key, its version and all else that says which state it is in.
 */
export function mergeSql(statement: Statement): Sql {
  const { table, handOver, run, key, state, columns } = statement
  const made = sql`SELECT ${keyNames(columns)}, ${ident(PART)} FROM ${ident(handOver)} WHERE ${ident(RUN)} = ${run} AND ${ident(PART)} = 'put'`
  const source = sql`SELECT s.* FROM (${made} UNION ALL ${removesSql(statement)}) s WHERE (SELECT count(*) FROM (${changedSql(statement)}) d) = 0`
  const isSame = state.map(name => sql`${path('t', name)} IS NOT DISTINCT FROM ${path('s', name)}`)
  return sql`MERGE INTO ${ident(table)} t USING (${source}) s ON ${path('s', PART)} = 'remove' AND ${sameKey(key, 't', 's')} AND ${join(isSame, ' AND ')}
WHEN MATCHED THEN DELETE
WHEN NOT MATCHED AND ${path('s', PART)} = 'put' THEN INSERT (${keyNames(columns)}) VALUES (${keyNames(columns, 's')})`
}

/** Each state once: a row of the table that several rows of the source match fails the statement. */
function removesSql({ table, handOver, run, key, state, columns, truncate }: Statement): Sql {
  const known = new Set([...key, ...state])
  const names = columns.filter(name => known.has(name))
  const removed = sql`SELECT ${keyNames(names)} FROM ${ident(handOver)} WHERE ${ident(RUN)} = ${run} AND ${ident(PART)} = 'remove'`
  const older =
    truncate === undefined
      ? sql``
      : sql` UNION SELECT ${keyNames(names, 't')} FROM ${ident(table)} t WHERE ${isOlder(truncate)}`
  const filled = columns.map(name => (known.has(name) ? path('r', name) : sql`NULL AS ${ident(name)}`))
  return sql`SELECT ${join(filled, ', ')}, 'remove' AS ${ident(PART)} FROM (${removed}${older}) r`
}

/** The states in which the table differs from what the fold saw. */
function changedSql(statement: Statement): Sql {
  const { table, handOver, run, key, state, truncate } = statement
  const names = [...key, ...state]
  const from = sql`SELECT ${keyNames(names, 't')} FROM ${ident(table)} t`
  const keys = handedSql(statement, ['key', 'row'])
  const own = sql`${from} JOIN (${keys}) k ON ${sameKey(key, 't', 'k')}`
  const others = sql` UNION ALL ${from} WHERE ${path('t', '_authors')} IS NOT NULL`
  const current = truncate === undefined ? own : sql`${own}${others}`
  const seen = sql`SELECT ${keyNames(names)} FROM ${ident(handOver)} WHERE ${ident(RUN)} = ${run} AND ${ident(PART)} = 'row'`
  return sql`SELECT * FROM (SELECT * FROM (${current}) n EXCEPT ${seen}) a UNION ALL SELECT * FROM (${seen} EXCEPT SELECT * FROM (${current}) c) b`
}

function handedSql({ handOver, run, key }: Statement, parts: readonly Part[]): Sql {
  const wanted = join(
    parts.map(part => sql`${part}`),
    ', ',
  )
  return sql`SELECT DISTINCT ${keyNames(key)} FROM ${ident(handOver)} WHERE ${ident(RUN)} = ${run} AND ${ident(PART)} IN (${wanted})`
}
