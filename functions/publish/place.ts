import type { StagedDataFile } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import { dataFileUri, openTable, type Table } from '#lake/iceberg/table.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { Contribution } from './publish.ts'

/** A contribution to one table: the files that hold it and the identity of its commit. */
export interface TableWork extends Contribution {
  readonly table: string
  /** Of the table that the files were written for; undefined when there are none. */
  readonly tableUuid: string | undefined
  readonly files: readonly StagedDataFile[]
  readonly commitId: string
}

const COPIES_AT_ONCE = 8

/**
 * Copies staged files to their place in the table, under names of this run's own: a path that was live once must never be
 * added again (spec, "Manifests"), and a run that dies leaves its copies to the sweeper.
 */
export async function placeStaged(lake: Lake, work: TableWork): Promise<readonly DataFile[]> {
  const table = await openTable(lake, work.table)
  checkIdentity(table, work)
  const run = lake.ids.uuid()
  return mapParallel(work.files, COPIES_AT_ONCE, async (staged, at) => {
    const uri = dataFileUri(table, staged.file, `${run}-${String(at).padStart(5, '0')}.parquet`)
    await lake.storage.copy(staged.uri, uri)
    return { ...staged.file, file_path: uri }
  })
}

export function checkIdentity(table: Table, work: Pick<TableWork, 'table' | 'tableUuid' | 'batch'>): void {
  if (work.tableUuid === undefined || work.tableUuid === table.metadata['table-uuid']) return
  throw new LakeError(
    'contract-broken',
    `${work.table} was dropped and created anew after batch ${work.batch} was staged: replay the batch`,
    { table: work.table, batch: work.batch },
  )
}
