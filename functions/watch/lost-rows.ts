import type { CommittedOutcome } from '#lake/batch-folders.ts'
import { ancestors, COMMIT_ID } from '#lake/iceberg/metadata.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Snapshot, TableMetadata } from '#lake/iceberg/types.ts'
import type { Lake, TableName } from '#lake/lake.ts'

interface Committed {
  readonly outcomes: readonly CommittedOutcome[]
  /** Only what others did since then is counted; all that the history still tells when absent. */
  readonly countFromMs: number | undefined
}

/**
 * Rows that were committed and that the table has lost, as its history tells: those of batches whose commit the present state was not built
 * from (somebody rolled the table back), and those that commits of other programs took out. Of what was before the oldest snapshot that is
 * retained, nothing is said. Reads metadata alone.
 */
export async function lostRows(lake: Lake, name: TableName, { outcomes, countFromMs }: Committed): Promise<number> {
  const table = await loadTable(lake, name)
  if (table === undefined) return outcomes.reduce((sum, each) => sum + each.applied, 0)
  const chain = ancestors(table.metadata)
  const applied = new Set(chain.map(snapshot => String(snapshot['snapshot-id'])))
  const horizonMs = horizonOf(table.metadata, chain)
  const undone = outcomes.filter(each => each.committedMs >= horizonMs && !applied.has(each.snapshotId))
  const own = new Set(outcomes.map(each => each.snapshotId))
  const foreign = chain.filter(snapshot => {
    const isOwn = snapshot.summary[COMMIT_ID] !== undefined || own.has(String(snapshot['snapshot-id']))
    return !isOwn && snapshot['timestamp-ms'] >= (countFromMs ?? 0)
  })
  return undone.reduce((sum, each) => sum + each.applied, 0) + foreign.reduce((sum, each) => sum + rowsLess(each), 0)
}

/** From then on a commit that counts is in the chain. */
function horizonOf({ 'current-snapshot-id': current }: TableMetadata, chain: readonly Snapshot[]): number {
  const oldest = chain.at(-1)
  if (current === undefined || oldest === undefined) return 0
  return oldest['parent-snapshot-id'] === undefined ? 0 : oldest['timestamp-ms']
}

/** By how many rows the table is smaller after a commit. A rewrite moves rows; rows that files lost to deletes before are none of its doing. */
function rowsLess({ summary }: Snapshot): number {
  if (summary['operation'] !== 'delete' && summary['operation'] !== 'overwrite') return 0
  const of = (key: string): number => Number(summary[key] ?? 0)
  const out = of('deleted-records') - of('removed-position-deletes') + of('added-position-deletes')
  return Math.max(0, out - of('added-records'))
}
