import { memoryLake } from '#lake/disk/disk-lake.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { manifestsOf } from '#lake/iceberg/snapshot.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { ensureTable, type TableDefinition } from '#lake/iceberg/table-definition.ts'
import type { DataFile, ManifestFile, PartitionValue, ScanFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'

/** A table in memory whose files only manifests know: for tests of what commits do, not of what files hold. */
export interface FileTable {
  readonly lake: Lake
  readonly open: () => Promise<Table>
  /** Commits under an id of its own. */
  readonly commit: (stage: Staged | ((base: Table) => Staged | Promise<Staged>), on?: Lake) => Promise<CommitResult>
  readonly append: (...names: readonly string[]) => Promise<CommitResult>
  readonly live: () => Promise<readonly ScanFile[]>
  /** Short names of the live data files, sorted. */
  readonly names: () => Promise<readonly string[]>
  readonly manifests: () => Promise<readonly ManifestFile[]>
  readonly snapshotId: () => Promise<bigint | null>
}

/** Unpartitioned, or partitioned by the identity of the text column `p`. */
export async function fileTable(more: Partial<TableDefinition> = {}): Promise<FileTable> {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', [column('n', 'long'), column('p', 'string')], more))
  const open = (): Promise<Table> => openTable(lake, 't')
  const live = async (): Promise<readonly ScanFile[]> => liveFiles(lake, await open(), { statistics: 'all' })
  const change: FileTable['commit'] = (stage, on = lake) =>
    commit(on, 't', { commitId: lake.ids.uuid() }, typeof stage === 'function' ? stage : () => stage)
  return {
    lake,
    open,
    live,
    commit: change,
    append: (...names) => change(stageAppend(names.map(name => dataFile(name)))),
    names: async () => (await live()).map(each => shortName(each.file)).sort(),
    manifests: async () => manifestsOf(lake, currentSnapshot((await open()).metadata)),
    snapshotId: async () => (await open()).metadata['current-snapshot-id'] ?? null,
  }
}

export const BY_P: Partial<TableDefinition> = { partitionBy: [{ column: 'p', transform: { name: 'identity' } }] }

export const uriOf = (name: string): string => `s3://memory-tables/tables/t/data/${name}.parquet`
export const shortName = (file: DataFile): string => file.file_path.replace(/.*\/|\.parquet$/g, '')

/** With a partition value: a file of the table partitioned by `p`. */
export function dataFile(name: string, partition?: PartitionValue, more: Partial<DataFile> = {}): DataFile {
  return manifestOnly(uriOf(name), { ...(partition === undefined ? {} : { partition: [partition] }), ...more })
}

/** A position delete file of one data file, or of its whole partition. */
export function deleteFile(name: string, of: DataFile | undefined, more: Partial<DataFile> = {}): DataFile {
  return manifestOnly(uriOf(name), {
    content: 1,
    record_count: 1n,
    file_size_in_bytes: 7n,
    sort_order_id: null,
    ...(of ? { partition: of.partition, referenced_data_file: of.file_path } : {}),
    ...more,
  })
}
