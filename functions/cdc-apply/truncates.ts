import { path, type Sql, sql } from '#lake/duckdb/sql.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import { changesSql, contentSql, fileOf, laneSql, rowOf } from './change-rows.ts'
import { type Counts, tally } from './counts.ts'
import { type Change, fold, type Outcome } from './fold.ts'
import { staged } from './hits.ts'
import type { Timed, TimedChange } from './line.ts'
import { guardColumns, refuseOutgrown } from './outgrown.ts'
import { compareStamps, isSameChange, placeOf, type Stamp, stampOf, versionOf } from './stamp.ts'
import { type Attempt, keyNames, type MergeTask, type Ref, sameKey } from './task.ts'

export interface Truncates {
  readonly counts: Partial<Counts>
  /** The truncate that counts, when it is newer than all before the batch. */
  readonly winner: Change<Ref> | undefined
  /** Those of earlier batches too: in a history each ends the rows before it. */
  readonly all: readonly Timed[]
}

/** Judges the truncates of the batch and remembers the newest, before anything else: it is a floor for all keys. */
export async function foldTruncates(attempt: Attempt): Promise<Truncates> {
  const { session } = attempt
  const truncates = await truncatesOf(attempt)
  const judged = attempt.publish.mode === 'history' ? await ends(attempt, truncates) : newest(attempt, truncates)
  for (const { stamp, eventUs } of judged.fresh)
    await session.run(
      sql`INSERT INTO graves (_kind, _version, _place, _event_us) VALUES ('truncate', ${versionOf(stamp)}, ${placeOf(stamp)}, ${eventUs})`,
    )
  return { counts: tally(judged.outcomes), winner: judged.fresh.at(-1), all: judged.all }
}

/** Of the batch, whatever was truncated before. */
export async function newestTruncate(task: MergeTask): Promise<Stamp | undefined> {
  const stamps = (await truncatesOf(task)).map(({ stamp }) => stamp)
  return stamps.toSorted(compareStamps).at(-1)
}

async function truncatesOf({ session, changes }: MergeTask): Promise<readonly Truncate[]> {
  if (changes.paths.length === 0) return []
  const rows = await session.rows(
    sql`SELECT _s_row, COALESCE(_position, '') AS position, ${laneSql} AS lane, _ordinal AS ordinal, ${contentSql} AS content, COALESCE(_event_us, epoch_us(_ingested_at)) AS event_us FROM (${changesSql(changes)}) WHERE _op = 'truncate'`,
  )
  return rows.map(row => {
    const number = BigInt(String(row['_s_row']))
    const text = (name: string): string => String(row[name])
    const stamp: Stamp = {
      ...{ position: text('position'), kind: 1, lane: text('lane'), ordinal: text('ordinal') },
      content: text('content'),
    }
    const source: Ref = `${fileOf(number)}:${rowOf(number)}`
    return { op: 'truncate' as const, stamp, key: '', kept: [], source, eventUs: BigInt(text('event_us')) }
  })
}

type Truncate = TimedChange<Ref>

interface Judged {
  readonly outcomes: readonly Outcome[]
  readonly fresh: readonly Truncate[]
  readonly all: readonly Timed[]
}

/** Of current rows nothing is left that is older than the newest truncate. */
function newest({ floors }: Attempt, truncates: readonly Truncate[]): Judged {
  const { outcomes, truncated } = fold<Ref>(truncates, { states: new Map(), ...floors })
  const fresh = truncates.filter(({ stamp }) => stamp === truncated).slice(0, 1)
  return { outcomes, fresh, all: [] }
}

/** In a history each of them ends the rows before it, however late it comes. */
async function ends({ session }: Attempt, truncates: readonly Truncate[]): Promise<Judged> {
  const rows = await session.rows(sql`SELECT _version, _place, _event_us FROM tombstones WHERE _kind = 'truncate'`)
  const known: Timed[] = rows.map(row => ({
    stamp: stampOf(String(row['_version']), String(row['_place'])),
    eventUs: row['_event_us'] === null ? null : BigInt(String(row['_event_us'])),
  }))
  const outcomes: Outcome[] = []
  const fresh: Truncate[] = []
  for (const truncate of truncates) {
    const isKnown = [...known, ...fresh].some(({ stamp }) => isSameChange(truncate.stamp, stamp))
    outcomes.push(isKnown ? 'duplicate' : 'applied')
    if (!isKnown) fresh.push(truncate)
  }
  return { outcomes, fresh, all: [...known, ...fresh] }
}

/**
 * Adds all rows to `gone` that are older than the truncate, but those of keys that are folded, and the keys of others to these where columns
 * are older than it. Answers the files that it looked at.
 */
export async function truncateRows(attempt: Attempt, { winner }: Truncates): Promise<readonly ScanFile[]> {
  const { lake, session, base, publish } = attempt
  if (winner === undefined) return []
  const files = await liveFiles(lake, base, {
    where: attempt.where ?? [],
    statistics: guardColumns(attempt),
    columnSizes: true,
  })
  const key = keyNames(publish.key)
  const names = [...publish.key, '_version', '_place', '_authors']
  refuseOutgrown(attempt, files, names)
  const { rows, places } = await staged(attempt, files, names)
  if (publish.mode === 'history') {
    await addKeys(attempt, sql`SELECT ${key} FROM (${rows})`)
    return files
  }
  await addKeys(attempt, sql`SELECT ${key} FROM (${rows}) WHERE _authors IS NOT NULL`)
  await session.run(
    sql`INSERT INTO gone SELECT u.number, t._pos FROM (${rows}) t JOIN (${places}) u ON u.path = t._file ANTI JOIN keyed k ON ${sameKey(publish.key, 't', 'k')} WHERE ${isOlder(winner.stamp)}`,
  )
  return files
}

async function addKeys({ session, publish }: Attempt, keys: ReturnType<typeof keyNames>): Promise<void> {
  await session.run(
    sql`INSERT INTO keyed BY NAME SELECT DISTINCT ${keyNames(publish.key)}, 0 AS _s_records, false AS _s_whole, false AS _s_plain FROM (${keys}) t ANTI JOIN keyed k ON ${sameKey(publish.key, 't', 'k')}`,
  )
}

/** As `compareStamps`: by the place in one lane when the row is not of the log, else by the position. In words that Athena has too. */
export function isOlder({ position, lane, ordinal }: Stamp): Sql {
  const [version, place] = [path('t', '_version'), path('t', '_place')]
  const own = sql`substr(${version}, 1, length(${version}) - 2)`
  const epoch = position.slice(0, position.indexOf('.'))
  return sql`COALESCE(CASE WHEN ${version} IS NULL OR ${version} = '.0' THEN true
    WHEN split_part(${version}, '.', 1) <> ${epoch} AND ${own} <> '' THEN ${own} < ${position}
    WHEN starts_with(${place}, ${`${lane}.`}) AND substr(${version}, length(${version}) - 1) <> '.1' THEN regexp_extract(${place}, '^[^.]*[.](.*)[.][^.]*$', 1) < ${ordinal}
    ELSE ${own} < ${position} END, true)`
}
