import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, sql } from '#lake/duckdb/sql.ts'
import { type LocalFile, scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan, type ScanOptions } from '#lake/iceberg/scan.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Call } from './command.ts'

export interface LakeSession {
  readonly session: Session
  /** A folder of this run's own. */
  readonly folder: string
}

/** An engine that may read the tables' files and its own scratch folder, and nothing else of this machine. */
export async function withLakeSession<T>(
  { lake }: Pick<Call, 'lake'>,
  label: string,
  work: (opened: LakeSession) => Promise<T>,
): Promise<T> {
  const folder = join(lake.limits.scratch, `${label}-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const { threads, memoryBytes } = lake.limits
    const folders = [folder, lake.zones.tables.slice('file://'.length)]
    const session = await lake.engine.open({ threads, memoryBytes, folders, scratch: folder })
    try {
      return await work({ session, folder })
    } finally {
      await session.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface TableView extends Pick<ScanOptions, 'snapshot' | 'where'> {
  readonly table: Table
  readonly name: string
}

/** A view over the live files of one moment: what is committed while it is read is not seen. `where` leaves out files, not rows. */
export async function makeView(
  { lake }: Pick<Call, 'lake'>,
  { session, folder }: LakeSession,
  { table, name, ...options }: TableView,
): Promise<readonly LocalFile[]> {
  const plan = await planScan(lake, table, options)
  const files = await stageFiles(lake, plan.files, folder)
  await session.run(sql`CREATE VIEW ${ident(name)} AS ${scanSql(plan.schema, files)}`)
  return files
}
