import { ident, type Sql, sql } from '#lake/duckdb/sql.ts'
import { FILE } from './change-rows.ts'
import type { Counts } from './counts.ts'
import { type Attempt, keyNames, urisSql } from './task.ts'

/**
 * Judges, of the keys in `folded`, those whose records stand in one plain order, and takes them out: whole rows of one lane, or all of the
 * log, against one whole row or one delete, so that the newest record and that state decide. First loads, replays, and deletes with a record
 * without a value after them are such. All others are left to the fold, whose outcomes these are.
 */
export async function guardOrdered(attempt: Attempt): Promise<Partial<Counts>> {
  const { session, floors } = attempt
  await session.run(sql`CREATE OR REPLACE TEMP TABLE states AS ${STATES}`)
  await session.run(sql`CREATE OR REPLACE TEMP TABLE ordered AS ${orderedSql(judgedSql(floors.forgotten))}`)
  await session.run(
    sql`INSERT INTO gone SELECT s.file, s.pos FROM ordered o JOIN states s USING (key) WHERE o.winner IS NOT NULL AND s.live`,
  )
  await session.run(sql`INSERT INTO winners SELECT winner FROM ordered WHERE winner_op = 'upsert'`)
  await session.run(gravesSql(attempt))
  const [counted] = await session.rows(
    sql`SELECT count(winner) AS applied, sum(newer) - count(winner) AS superseded, sum(stale) AS stale, sum(duplicate) AS duplicate, sum(skipped) AS skipped, sum(prevented) AS prevented FROM ordered`,
  )
  await session.run(sql`DELETE FROM folded WHERE _s_number IN (SELECT key FROM ordered)`)
  await session.run(sql`DROP TABLE states`)
  await session.run(sql`DROP TABLE ordered`)
  for (const gathered of ['records', 'stored', 'buried'])
    await session.run(
      sql`CREATE OR REPLACE TEMP TABLE ${ident(gathered)} AS FROM ${ident(gathered)} t SEMI JOIN folded f ON f._s_number = t.key`,
    )
  const count = (name: string): number => Number(counted?.[name] ?? 0)
  return {
    ...{ applied: count('applied'), superseded: count('superseded'), stale: count('stale') },
    ...{ duplicate: count('duplicate'), skipped: count('skipped'), resurrectionsPrevented: count('prevented') },
  }
}

// --- What is known of a key ----------------------------------------------------------------------------------------

/** `compareStamps(r, k) > 0`. */
const NEWER = sql`CASE
  WHEN r.position <> '' AND k.position <> '' AND split_part(r.position, '.', 1) <> split_part(k.position, '.', 1) THEN r.position > k.position
  WHEN (r.kind = 0 AND r.position = '') <> (k.kind = 0 AND k.position = '') THEN k.kind = 0 AND k.position = ''
  WHEN r.lane = k.lane AND (r.kind <> 1 OR k.kind <> 1) THEN r.ordinal > k.ordinal
  ELSE (r.position, r.kind, r.lane, r.ordinal) > (k.position, k.kind, k.lane, k.ordinal) END`

/** `stampOf(version, place)`, as columns. */
const STAMP = sql`left(version, length(version) - 2) AS position, right(version, 1)::TINYINT AS kind, split_part(place, '.', 1) AS lane,
  substr(place, length(split_part(place, '.', 1)) + 2, length(place) - length(split_part(place, '.', 1)) - length(split_part(place, '.', -1)) - 2) AS ordinal,
  split_part(place, '.', -1) AS content`

/**
 * The row or the delete of each key, its stamp taken apart. Not simple: several of either, a row of several authors or of another writer, one
 * that is older than the delete, a deleted row of which something is unknown.
 */
const STATES = sql`WITH
  r AS (SELECT *, ${STAMP} FROM (SELECT key, count(*) = 1 AND bool_and(authors IS NULL AND NOT deleted AND place <> '..') AS simple, any_value(version) AS version, any_value(place) AS place, any_value(file) AS file, any_value(pos) AS pos FROM stored GROUP BY key)),
  k AS (SELECT *, ${STAMP} FROM (SELECT key, count(*) = 1 AND bool_and(COALESCE(json_extract(image, '$.c'), '{}')::VARCHAR = '{}' AND image IS NOT NULL) AS simple, any_value(version) AS version, any_value(place) AS place, any_value(image) AS image FROM buried GROUP BY key))
  SELECT * FROM (SELECT r.* REPLACE (r.simple AND (k.key IS NULL OR (k.simple AND ${NEWER})) AS simple), true AS live, NULL AS image FROM r LEFT JOIN k ON k.key = r.key)
  UNION ALL BY NAME SELECT *, false AS live FROM k ANTI JOIN r ON r.key = k.key`

// --- The records of a key ------------------------------------------------------------------------------------------

/** Each record against what is known of its key before the batch; `fits` where that is plain. */
function judgedSql(forgotten: string | undefined): Sql {
  const late =
    forgotten === undefined ? sql`false` : sql`(k.key IS NULL AND r.kind <> 2 AND r.position <= ${forgotten})`
  const same = sql`(r.content = k.content AND r.lane = k.lane AND r.ordinal = k.ordinal)`
  const again = sql`(r.content = k.content AND r.position <> '' AND r.position = k.position AND r.kind = k.kind AND (r.lane <> k.lane OR r.ordinal <> k.ordinal))`
  const behind = sql`(k.kind = 2 AND r.lane = k.lane AND r.position > k.position AND NOT ${NEWER})`
  return sql`SELECT r.*, f._s_records AS records, COALESCE(k.live, true) AS live, k.key IS NULL OR ${NEWER} AS newer, COALESCE(${same}, false) AS same,
      COALESCE(k.simple, true) AND NOT ${late} AND NOT COALESCE(${again}, false) AND NOT COALESCE(${behind}, false) AND (r.kind <> 2 OR k.key IS NULL OR k.live OR r.lane = k.lane) AS fits
    FROM records r JOIN (FROM folded WHERE _s_whole) f ON f._s_number = r.key LEFT JOIN states k ON k.key = r.key`
}

/**
 * Records of a key in their order: those of the log by position; else all by their place in the one lane that they share, if a load comes
 * first, positions of the log rise, nothing that is newer than the state comes before what is older, and a record without a value follows
 * a delete. That last one may count as older than a row of another lane, and ends it all the same.
 */
const severalSql = (judged: Sql): Sql => sql`
  SELECT * REPLACE (fits AND (logged OR one_lane) AND loads <= 1 AND turn IS DISTINCT FROM before.turn AND (kind <> 0 OR position <> '' OR before IS NULL)
      AND (position = '' OR split_part(position, '.', 1) >= COALESCE(epoch_before, '')) AND (kind <> 1 OR position > COALESCE(logged_before, ''))
      AND CASE WHEN kind <> 2 THEN newer OR NOT COALESCE(newer_before, false) WHEN newer THEN COALESCE(before.newer AND before.op = 'delete', false) ELSE NOT COALESCE(before.newer AND before.op = 'upsert', false) END AS fits)
  FROM (SELECT *, lag({turn: turn, newer: newer, op: op}) OVER w AS before, bool_or(newer) OVER past AS newer_before, max(CASE WHEN kind = 1 THEN position END) OVER past AS logged_before, max(split_part(position, '.', 1)) OVER past AS epoch_before
    FROM (SELECT *, CASE WHEN logged THEN position ELSE ordinal END AS turn
      FROM (SELECT *, bool_and(kind = 1) OVER k AS logged, min(lane) OVER k = max(lane) OVER k AS one_lane, count_if(kind = 0) OVER k AS loads FROM (${judged}) WHERE records > 1 WINDOW k AS (PARTITION BY key)))
    WINDOW w AS (PARTITION BY key ORDER BY turn), past AS (PARTITION BY key ORDER BY turn ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))`

/** The keys in order, with the record that wins, the last one that has a row and the one without a value that ends it, and the counts. */
function orderedSql(judged: Sql): Sql {
  const alone = sql`SELECT *, '' AS turn FROM (${judged}) WHERE records = 1 AND (kind <> 2 OR NOT newer)`
  return sql`SELECT key, arg_max(n, turn) FILTER (newer AND kind <> 2) AS winner, arg_max(op, turn) FILTER (newer AND kind <> 2) AS winner_op,
      arg_max(n, turn) FILTER (newer AND op = 'upsert') AS last_row, CASE WHEN max(turn) FILTER (kind = 2) > max(turn) FILTER (newer AND kind <> 2) THEN arg_max(n, turn) FILTER (kind = 2) END AS ending,
      count_if(newer AND kind <> 2) AS newer, count_if(newer AND kind = 2) AS skipped, count_if(same) AS duplicate, count_if(NOT newer AND NOT same) AS stale, count_if(NOT newer AND NOT same AND NOT live AND op = 'upsert') AS prevented
    FROM (${alone} UNION ALL BY NAME ${severalSql(judged)}) GROUP BY key HAVING bool_and(fits)`
}

/** Deletes that win, where the row that they end was. */
function gravesSql(attempt: Attempt): Sql {
  const { publish } = attempt
  const place = (alias: Sql): Sql => sql`concat(${alias}.lane, '.', ${alias}.ordinal, '.', ${alias}.content)`
  const image = (place: Sql, author: Sql): Sql =>
    sql`json_object('s', json_array(${place}), 'a', json_array(${author}))::VARCHAR`
  return sql`INSERT INTO graves SELECT ${keyNames(publish.key, 'f')}, 'delete', concat(w.position, '.', CASE WHEN e.n IS NULL THEN w.kind ELSE 2 END), CASE WHEN e.n IS NULL THEN ${place(sql`w`)} ELSE ${place(sql`e`)} END,
      CASE WHEN p.n IS NOT NULL THEN ${image(sql`pu.uri, p.n % ${FILE}`, sql`concat(p.position, '.', p.kind), ${place(sql`p`)}`)} WHEN s.live THEN ${image(sql`su.uri, s.pos`, sql`s.version, s.place`)} ELSE s.image END, w.event_us
    FROM ordered o JOIN records w ON w.n = o.winner JOIN folded f ON f._s_number = o.key LEFT JOIN records e ON e.n = o.ending LEFT JOIN records p ON p.n = o.last_row LEFT JOIN states s ON s.key = o.key
      LEFT JOIN (${urisSql(attempt)}) pu ON pu.number = p.n // ${FILE} LEFT JOIN (${urisSql(attempt)}) su ON su.number = s.file
    WHERE o.winner_op = 'delete'`
}
