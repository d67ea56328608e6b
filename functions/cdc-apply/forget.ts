import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashText } from '#lake/batch.ts'
import { type Dataset, tombstoneTableName } from '#lake/dataset.ts'
import type { ChangePublish } from '#lake/dataset-change-publish.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { metricsRange } from '#lake/iceberg/predicate.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'
import { openSession } from './staging.ts'

/** Old tombstones go once they are older than they must be by this share, so that it is done now and then and not after every batch. */
const SLACK = 0.125
/** So many files are read by every batch; then they become one. */
const FILES_MAX = 64
const HOUR_US = 3_600_000_000

/**
 * Forgets deletes that are older than the dataset keeps them, and writes down up to which version: a change of an unknown key that is not
 * newer may be of a row that was deleted, and is put aside. What somebody else rewrites meanwhile is left to the next batch.
 */
export async function forgetOld(lake: Lake, dataset: Dataset, publish: ChangePublish): Promise<void> {
  const table = await loadTable(lake, tombstoneTableName(dataset))
  if (table === undefined) return
  const nowUs = Math.floor(lake.clock.nowMs()) * 1_000
  const keptUs = nowUs - publish.tombstoneHours * HOUR_US
  const live = await liveFiles(lake, table, { statistics: ['_deleted_at'] })
  const isOld = live.some(file => oldestUs(table, file) < keptUs - publish.tombstoneHours * HOUR_US * SLACK)
  if (live.length <= FILES_MAX && !isOld) return
  const folder = join(lake.limits.scratch, `cdc-forget-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await openSession(lake, folder)
  try {
    await rewrite(lake, session, { table, live, folder, keptUs, nowUs })
  } catch (error) {
    if (!isLakeError(error, 'conflict')) throw error
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function oldestUs(table: Table, { file }: ScanFile): number {
  const { id } = columnByName(currentSchema(table.metadata), '_deleted_at')
  return Number(metricsRange(file, id, 'timestamptz').lower ?? Number.POSITIVE_INFINITY)
}

interface Rewrite {
  readonly table: Table
  readonly live: readonly ScanFile[]
  readonly folder: string
  readonly keptUs: number
  readonly nowUs: number
}

async function rewrite(lake: Lake, session: Session, task: Rewrite): Promise<void> {
  const { table, live, folder } = task
  const schema = currentSchema(table.metadata)
  const local = await stageFiles(lake, live, join(folder, 'files'))
  const written = await writeDataFiles(session, {
    source: remembered(sql`(${scanSql(schema, local)})`, task),
    schema,
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
    folder: join(folder, 'written'),
  })
  const added = await placeFiles(lake, table, written, lake.ids.uuid())
  const paths = live.map(({ file }) => file.file_path).toSorted()
  const commitId = hashText('forget', table.name, ...paths).slice(0, 40)
  await commit(lake, table.name, { commitId }, () => stageOverwrite({ added, removed: live }))
}

/** Deletes that are young enough, all truncates, and the newest position of what is forgotten. */
function remembered(rows: Sql, { keptUs, nowUs }: Rewrite): Sql {
  const isForgotten = sql`_kind = 'delete' AND epoch_us(_deleted_at) < ${keptUs}`
  const position = sql`CASE WHEN _kind = 'forgotten' THEN _version ELSE substr(_version, 1, length(_version) - 2) END`
  const newest = sql`SELECT 'forgotten' AS _kind, max(${position}) AS _version, make_timestamptz(${nowUs}) AS _deleted_at FROM ${rows} WHERE _kind = 'forgotten' OR (${isForgotten}) HAVING max(${position}) <> ''`
  return sql`SELECT * FROM ${rows} WHERE _kind <> 'forgotten' AND NOT (${isForgotten}) UNION ALL BY NAME ${newest}`
}
