import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { changesSql, FILE, placeSql } from './change-rows.ts'
import type { Counts } from './counts.ts'
import { type Attempt, keyNames, sameKey, urisSql } from './task.ts'

/**
 * Sorts out the keys that need the fold, in `folded`: those with a record that is not plain, with two records of one position, with a row
 * that is not plain or as new as one of the records, with a tombstone, or so old that their tombstone may be forgotten. Of all others the
 * newest record decides by its position alone, which the set-based form does at once.
 */
export async function sortOut({ session, publish, floors }: Attempt): Promise<void> {
  const key = keyNames(publish.key)
  const several = sql`SELECT ${keyNames(publish.key, 'h')}, h._s_position FROM heads h SEMI JOIN (FROM keyed WHERE _s_records > 1 AND _s_plain) k ON ${sameKey(publish.key, 'h', 'k')}`
  const late =
    floors.forgotten === undefined
      ? sql``
      : sql` UNION SELECT ${key} FROM keyed k WHERE _s_oldest <= ${floors.forgotten} AND NOT EXISTS (FROM hits h WHERE ${sameKey(publish.key, 'h', 'k')})`
  await session.run(sql`CREATE OR REPLACE TEMP TABLE folded AS SELECT (row_number() OVER () - 1)::BIGINT AS _s_number, 0::BIGINT AS _s_chunk, ${keyNames(publish.key, 'k')}, k._s_records, k._s_whole FROM keyed k SEMI JOIN (
    SELECT ${key} FROM keyed WHERE NOT _s_plain
    UNION SELECT ${key} FROM (${several}) GROUP BY ${key}, _s_position HAVING count(*) > 1
    UNION SELECT ${key} FROM hits WHERE NOT _s_plain
    UNION SELECT ${key} FROM hits GROUP BY ${key} HAVING count(*) > 1
    UNION SELECT ${keyNames(publish.key, 'h')} FROM hits h JOIN keyed k ON ${sameKey(publish.key, 'h', 'k')} WHERE k._s_records = 1 AND concat(k._s_newest, '.1') = h._s_version
    UNION SELECT ${keyNames(publish.key, 'h')} FROM hits h JOIN (${several}) r ON ${sameKey(publish.key, 'h', 'r')} WHERE concat(r._s_position, '.1') = h._s_version
    UNION SELECT ${key} FROM tombstones t SEMI JOIN keyed k ON ${sameKey(publish.key, 't', 'k')} WHERE t._kind = 'delete'${late}) f ON ${sameKey(publish.key, 'f', 'k')}`)
}

/** Guards all other keys, in `winners`: the record that makes the row of each key, and the row that it takes the place of. */
export async function guardPlain(attempt: Attempt): Promise<Partial<Counts>> {
  const { session, publish } = attempt
  await session.run(sql`CREATE OR REPLACE TEMP TABLE guarded AS SELECT ${keyNames(publish.key, 'k')}, k._s_records, k._s_winner, k._s_newest, k._s_op, h._s_file, h._s_pos, h._s_version, h._s_version IS NULL OR concat(k._s_newest, '.1') > h._s_version AS _s_wins
    FROM (FROM keyed k ANTI JOIN folded f ON ${sameKey(publish.key, 'k', 'f')}) k LEFT JOIN hits h ON ${sameKey(publish.key, 'h', 'k')}`)
  await session.run(
    sql`CREATE OR REPLACE TEMP TABLE winners AS SELECT _s_winner AS _s_row FROM guarded WHERE _s_wins AND _s_op = 'upsert'`,
  )
  await session.run(sql`INSERT INTO gone SELECT _s_file, _s_pos FROM guarded WHERE _s_wins AND _s_file IS NOT NULL`)
  await session.run(gravesSql(attempt))
  const [single] = await session.rows(
    sql`SELECT count(*) FILTER (_s_wins) AS applied, count(*) FILTER (NOT _s_wins) AS stale FROM guarded WHERE _s_records = 1`,
  )
  const [several] =
    await session.rows(sql`SELECT count(*) FILTER (newer > 0) AS applied, COALESCE(sum(newer), 0) - count(*) FILTER (newer > 0) AS superseded, COALESCE(sum(_s_records - newer), 0) AS stale
    FROM (SELECT g._s_records, count(*) FILTER (g._s_version IS NULL OR concat(h._s_position, '.1') > g._s_version) AS newer FROM heads h JOIN (FROM guarded WHERE _s_records > 1) g ON ${sameKey(publish.key, 'h', 'g')} GROUP BY ${keyNames(publish.key, 'g')}, g._s_records)`)
  const count = (name: string): number => Number(single?.[name] ?? 0) + Number(several?.[name] ?? 0)
  return { applied: count('applied'), superseded: count('superseded'), stale: count('stale') }
}

/** Deletes that win, with the place of the row that they end: that of the newest record before them, or of the table. */
function gravesSql(attempt: Attempt): Sql {
  const { publish, changes } = attempt
  const dead = sql`FROM guarded WHERE _s_wins AND _s_op = 'delete'`
  const told = sql`SELECT ${keyNames(publish.key, 'h')}, arg_max(h._s_row, h._s_position) AS row, max(h._s_position) AS position FROM heads h JOIN (${dead} AND _s_records > 1) g ON ${sameKey(publish.key, 'h', 'g')} WHERE h._s_op = 'upsert' AND (g._s_version IS NULL OR concat(h._s_position, '.1') > g._s_version) GROUP BY ALL`
  const image = (place: Sql, version: Sql): Sql =>
    sql`json_object('s', json_array(${place}), 'a', json_array(${version}, ''))::VARCHAR`
  return sql`INSERT INTO graves SELECT ${keyNames(publish.key, 'g')}, 'delete', concat(g._s_newest, '.1'), c.place, CASE WHEN u.row IS NOT NULL THEN ${image(sql`b.uri, u.row % ${FILE}`, sql`concat(u.position, '.1')`)} WHEN g._s_file IS NOT NULL THEN ${image(sql`p.uri, g._s_pos`, sql`g._s_version`)} END, c._event_us
    FROM (${dead}) g JOIN (SELECT _s_row, ${placeSql} AS place, _event_us FROM (${changesSql(changes)}) WHERE _op = 'delete') c ON c._s_row = g._s_winner
      LEFT JOIN (${told}) u ON ${sameKey(publish.key, 'u', 'g')} LEFT JOIN (${urisSql(attempt)}) b ON b.number = u.row // ${FILE} LEFT JOIN (${urisSql(attempt)}) p ON p.number = g._s_file`
}
