import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Dataset } from '#lake/dataset.ts'
import type { ChangePublish } from '#lake/dataset-change-publish.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, type Sql, sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { scanSql } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { openSession } from './staging.ts'
import { keyNames } from './task.ts'

/** Rows of a table that one snapshot of the source read, and that nothing changed since. */
export interface SnapshotRows {
  readonly position: string
  readonly rows: number
  readonly firstIngestedMs: number
  readonly lastIngestedMs: number
}

/** The rows of a table as a snapshot leaves them. */
export interface Absences {
  /** Older than the snapshot, and not read by it. */
  readonly absent: number
  /** Lower in the log than the snapshot, but ingested with it or after it. */
  readonly later: number
  /** Changed after the snapshot. */
  readonly changed: number
  /** Keys of some that are absent. */
  readonly examples: readonly string[]
}

/** A table's keys, versions and times, opened to be looked through; nothing else of it is fetched. */
export interface OpenRows {
  readonly session: Session
  readonly folder: string
  readonly table: Table
  readonly publish: ChangePublish
  readonly rows: Sql
}

const EXAMPLES = 10
/** Snapshots that read rows one by one, as incremental ones do, have a position for each. */
const SNAPSHOTS_MAX = 100

export async function withRows<T>(
  lake: Lake,
  { table, dataset, publish }: { readonly table: Table; readonly dataset: Dataset; readonly publish: ChangePublish },
  work: (opened: OpenRows) => Promise<T>,
): Promise<T> {
  const folder = join(lake.limits.scratch, `cdc-sweep-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await openSession(lake, folder)
  try {
    const isHistory = dataset.publish.mode === 'history'
    const state = isHistory ? ['_is_current', '_valid_from'] : publish.deletes === 'soft' ? ['_deleted'] : []
    const schema = projected(currentSchema(table.metadata), [...publish.key, '_version', '_ingested_at', ...state])
    const columns = schema.fields.map(({ id }) => id)
    const local = await stageColumns(lake, await liveFiles(lake, table), { folder, columns })
    const live = isHistory
      ? sql`_is_current`
      : publish.deletes === 'soft'
        ? sql`NOT COALESCE(_deleted, false)`
        : sql`true`
    const eventUs = isHistory ? sql`epoch_us(_valid_from)` : sql`NULL::BIGINT`
    const rows = sql`(SELECT ${keyNames(publish.key)}, ${live} AS _s_live, substr(_version, 1, length(_version) - 2) AS _s_position, ends_with(_version, '.0') AS _s_snapshot, epoch_us(_ingested_at) AS _s_ingested_us, ${eventUs} AS _s_event_us FROM (${scanSql(schema, local)}) WHERE _version IS NOT NULL)`
    return await work({ session, folder, table, publish, rows })
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The snapshots that rows of the table come from, the newest first. */
export async function snapshotsIn({ session, rows }: OpenRows): Promise<readonly SnapshotRows[]> {
  const found = await session.rows(
    sql`SELECT _s_position AS position, count(*) AS rows, min(_s_ingested_us) AS first, max(_s_ingested_us) AS last FROM ${rows} WHERE _s_snapshot AND _s_live AND _s_position <> '' GROUP BY 1 ORDER BY 1 DESC LIMIT ${SNAPSHOTS_MAX}`,
  )
  return found.map(row => ({
    position: String(row['position']),
    rows: Number(row['rows']),
    firstIngestedMs: Number(row['first']) / 1_000,
    lastIngestedMs: Number(row['last']) / 1_000,
  }))
}

/**
 * Rows that a snapshot did not read: lower in the log, and ingested before it. A row that came with it or later stays, whatever its position
 * says: a transaction that was open while the snapshot was taken wrote below it and is in the stream after it.
 */
export async function absencesIn({ session, rows, publish }: OpenRows, snapshot: SnapshotRows): Promise<Absences> {
  const { older, absent } = conditions(snapshot)
  const [counted] = await session.rows(
    sql`SELECT count(*) FILTER (${absent}) AS absent, count(*) FILTER (${older} AND NOT ${absent}) AS later, count(*) FILTER (NOT _s_snapshot AND _s_position > ${snapshot.position}) AS changed FROM ${rows} WHERE _s_live`,
  )
  const text = joinSql(
    publish.key.map(name => sql`${ident(name)}::VARCHAR`),
    ', ',
  )
  const examples = await session.rows(
    sql`SELECT concat_ws(', ', ${text}) AS key FROM ${rows} WHERE _s_live AND ${absent} ORDER BY ALL LIMIT ${EXAMPLES}`,
  )
  return {
    absent: Number(counted?.['absent']),
    later: Number(counted?.['later']),
    changed: Number(counted?.['changed']),
    examples: examples.map(row => String(row['key'])),
  }
}

/** The keys of those rows, with the time that the snapshot says of itself where the table keeps times. */
export function absentSql({ rows, publish }: OpenRows, snapshot: SnapshotRows): Sql {
  const taken = sql`SELECT min(_s_event_us) FROM ${rows} WHERE _s_snapshot AND _s_position = ${snapshot.position}`
  return sql`SELECT ${keyNames(publish.key)}, (${taken}) AS _event_us FROM ${rows} WHERE _s_live AND ${conditions(snapshot).absent}`
}

function conditions({ position, firstIngestedMs }: SnapshotRows): { readonly older: Sql; readonly absent: Sql } {
  const older = sql`(_s_position < ${position})`
  return { older, absent: sql`(${older} AND _s_ingested_us < ${BigInt(Math.round(firstIngestedMs * 1_000))})` }
}
