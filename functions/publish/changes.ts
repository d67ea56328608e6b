import { type ChangeReport, changesUri, readDocument } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import type { CommitResult } from '#lake/iceberg/commit.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'

export interface AppliedChanges {
  readonly result: CommitResult
  readonly report: ChangeReport
}

/** The commit by which `cdc-apply` brought a batch of change events into its table, before this batch came here. */
export async function appliedChanges(lake: Lake, dataset: string, batch: string): Promise<AppliedChanges> {
  const report = await readDocument<ChangeReport>(lake, changesUri(lake, dataset, batch))
  if (report === undefined)
    throw new LakeError('contract-broken', `the changes of batch ${batch} are not applied: cdc-apply comes first`, {
      dataset,
      batch,
    })
  const snapshot = {
    'snapshot-id': BigInt(report.snapshotId),
    'sequence-number': 0n,
    'timestamp-ms': report.committedMs,
    'manifest-list': '',
    summary: {},
  }
  const table = await openTable(lake, report.table)
  return { result: { table, snapshot, alreadyCommitted: true, attempts: 0 }, report }
}
