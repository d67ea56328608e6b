import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { quarantineTableName } from '../dataset.ts'
import type { Session } from '../duckdb/engine.ts'
import type { Sql } from '../duckdb/sql.ts'
import { currentSchema } from '../iceberg/metadata.ts'
import { scanSql } from '../iceberg/read-files.ts'
import { liveFiles } from '../iceberg/scan.ts'
import { projected, stageColumns } from '../iceberg/stage-columns.ts'
import { loadTable, type Table } from '../iceberg/table.ts'
import type { Lake } from '../lake.ts'

/** The quarantine of a dataset as it is at one moment. */
export interface OpenQuarantine {
  readonly table: Table
  readonly session: Session
  /** A SELECT of the columns that were asked for. */
  readonly rows: Sql
  /** A scratch folder of this work's own. */
  readonly folder: string
}

/** Half of the memory is DuckDB's, as in every function: the rest holds what is outside its limit. */
const ENGINE_SHARE = 0.5

/** Hands some columns of a dataset's quarantined records to `work`; undefined when the dataset never had any. The raw bytes are most of a table, so they are fetched when they are named. */
export async function withQuarantine<T>(
  lake: Lake,
  { dataset, columns }: { readonly dataset: string; readonly columns: readonly string[] },
  work: (opened: OpenQuarantine) => Promise<T>,
): Promise<T | undefined> {
  const table = await loadTable(lake, quarantineTableName({ name: dataset }))
  if (table === undefined) return undefined
  const folder = join(lake.limits.scratch, `quarantine-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const session = await openSession(lake, folder)
    try {
      const schema = projected(currentSchema(table.metadata), columns)
      const ids = schema.fields.map(field => field.id)
      const files = await stageColumns(lake, await liveFiles(lake, table), { folder, columns: ids })
      return await work({ table, session, rows: scanSql(schema, files), folder })
    } finally {
      await session.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export const openSession = (lake: Lake, folder: string): Promise<Session> =>
  lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes * ENGINE_SHARE),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
