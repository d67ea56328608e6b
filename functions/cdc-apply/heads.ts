import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { changesSql, kindSql, oldKeyNames } from './change-rows.ts'
import { type Attempt, keyNames } from './task.ts'

export interface Part {
  readonly number: number
  readonly of: number
}

/**
 * What the guard must know of the records of a part of the keys, in `heads`, and of their keys, in `keyed`: how many records each has,
 * whether they are whole and plain, and which of them is the newest if they are plain. Whole records tell a whole row or a delete, and need
 * no look at other keys or at a truncate; plain ones are of the log besides. `folds`: no key is either.
 */
export async function readHeads(
  attempt: Attempt,
  { folds, ...part }: Part & { readonly folds: boolean },
): Promise<void> {
  const { session, publish, changes } = attempt
  const key = keyNames(publish.key)
  await session.run(sql`CREATE OR REPLACE TEMP TABLE heads AS SELECT _s_row, ${key}, _op AS _s_op, COALESCE(_position, '') AS _s_position, ${folds ? sql`false` : wholeSql(attempt)} AS _s_whole, _s_whole AND ${kindSql} = 1 AS _s_plain
    FROM (${changesSql(changes)}) WHERE _op <> 'truncate' AND ${inPart(attempt, part)}`)
  const left = sql`SELECT ${oldKeyNames(publish.key)}, NULL AS _s_row, NULL AS _s_op, NULL AS _s_position, false AS _s_whole, false AS _s_plain FROM (${changesSql(changes)}) WHERE _old_key IS NOT NULL AND ${part.number === 0}`
  const touching = sql`SELECT ${key}, _s_row, _s_op, _s_position, _s_whole, _s_plain FROM heads UNION ALL BY NAME ${left}`
  await session.run(sql`CREATE OR REPLACE TEMP TABLE keyed AS SELECT ${key}, count(_s_row) AS _s_records, bool_and(_s_whole) AS _s_whole, bool_and(_s_plain) AS _s_plain, min(_s_position) AS _s_oldest, max(_s_position) AS _s_newest, arg_max(2 * _s_row + (_s_op = 'delete')::BIGINT, _s_position) AS newest, newest // 2 AS _s_winner, CASE newest % 2 WHEN 1 THEN 'delete' ELSE 'upsert' END AS _s_op
    FROM (${touching}) GROUP BY ${key}`)
}

/** In history every record is a row of its own; a soft delete keeps the values of the row, which the record does not have. */
function wholeSql({ publish, floors }: Attempt): Sql {
  if (publish.mode === 'history') return sql`false`
  const whole = sql`len(COALESCE(_kept, [])) = 0 AND _old_key IS NULL`
  const soft = publish.deletes === 'soft' ? sql` AND _op <> 'delete'` : sql``
  const floor =
    floors.truncated === undefined ? sql`` : sql` AND ${kindSql} = 1 AND _position > ${floors.truncated.position}`
  return sql`COALESCE(${whole}${soft}${floor}, false)`
}

/** Keys that rows move between stay together, in the first part. */
function inPart({ publish, changes }: Attempt, { number, of }: Part): Sql {
  if (of === 1) return sql`true`
  const hashed = sql`hash(${keyNames(publish.key)}) % ${of} = ${number}`
  const moves = sql`SELECT ${keyNames(publish.key)}, _old_key FROM (${changesSql(changes)}) WHERE _old_key IS NOT NULL`
  const moving = sql`(${keyNames(publish.key)}) IN (SELECT (${keyNames(publish.key)}) FROM (${moves}) UNION ALL SELECT (${keyNames(publish.key, '_old_key')}) FROM (${moves}))`
  return number === 0 ? sql`(${hashed} OR ${moving})` : sql`(${hashed} AND NOT ${moving})`
}
