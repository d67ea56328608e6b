import type { StagedChanges } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { ChangeFiles } from './task.ts'

const FILES_AT_ONCE = 4

/** Half of the memory is for the buffers of files, the fold and everything else that is not DuckDB's. */
export function openSession(lake: Lake, folder: string): Promise<Session> {
  return lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
}

/** Brings the change rows of a batch to local disk. */
export async function stageChangeFiles(
  lake: Lake,
  session: Session,
  { changes, folder }: { readonly changes: StagedChanges; readonly folder: string },
): Promise<ChangeFiles> {
  const { files } = changes
  const staged = await mapParallel(files, FILES_AT_ONCE, ({ uri, sha256 }) =>
    lake.storage.stage(uri, folder, { sha256 }),
  )
  const paths = staged.map(({ path }) => path)
  const rows = files.reduce((sum, each) => sum + each.rows, 0)
  const bytes = files.reduce((sum, each) => sum + each.bytes, 0)
  if (paths.length === 0) return { uris: [], paths, rows, bytes, columns: new Set() }
  const { columns } = await session.read(
    sql`FROM read_parquet(${paths}, union_by_name = true, hive_partitioning = false) LIMIT 0`,
  )
  return { uris: files.map(({ uri }) => uri), paths, rows, bytes, columns: new Set(columns.map(({ name }) => name)) }
}
