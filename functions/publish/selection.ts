import type { BatchManifest, CommitReport, ObjectOutcome, Verdict } from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { assert } from '#lake/errors.ts'
import type { CommitResult } from '#lake/iceberg/commit.ts'
import type { Lake } from '#lake/lake.ts'
import { type Settlement, writeSettlements } from '#lake/quarantine/account.ts'
import { settleDrop } from '#lake/quarantine/drop.ts'
import { writeReleased } from '#lake/quarantine/released.ts'
import type { JudgedRecords } from '#lake/quarantine/selection.ts'
import { settle, type Taken } from '#lake/quarantine/settle.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { appliedChanges } from './changes.ts'
import { publishDrop } from './drop.ts'
import type { Contribution } from './publish.ts'
import { publishRelease, type Released } from './release.ts'

export interface SelectionWork {
  readonly manifest: BatchManifest
  readonly verdict: Verdict
  readonly contribution: Contribution
  readonly commitIdOf: (table: string, contribution: Contribution) => string
}

export interface PublishedSelection {
  readonly target: CommitResult
  readonly quarantine: CommitResult | undefined
  readonly objects: readonly ObjectOutcome[]
  readonly settled?: CommitReport['settled']
  /** Of a table that change events feed, whose commit is that of `cdc-apply`. */
  readonly changes?: Required<Pick<CommitReport, 'commitId' | 'changes'>>
}

/**
 * Publishes records that were judged again, or drops them. The table comes first when rows enter it and last when they may have to leave:
 * whenever this ends halfway, a record is in the table or in quarantine, or in both until it is repeated, and never in neither.
 */
export async function publishSelection(lake: Lake, dataset: Dataset, work: SelectionWork): Promise<PublishedSelection> {
  const { manifest, verdict, contribution } = work
  const { selection } = manifest
  assert(selection, 'the batch has a selection')
  const { batch, summary } = contribution
  const name = quarantineTableName(dataset)
  const settling = { dataset: dataset.name, verdict, commitId: work.commitIdOf(name, contribution), summary }
  const release = { ...work, commitId: work.commitIdOf(dataset.name, contribution) }
  const isRelease = selection.action === 'release'
  const released: Released | undefined = dataset.source.changes
    ? await releasedChanges(lake, verdict)
    : isRelease
      ? await publishRelease(lake, dataset, release)
      : undefined
  const settled = isRelease ? await settle(lake, settling) : await settleDrop(lake, manifest, settling)
  const target = released?.result ?? (await publishDrop(lake, dataset, release))
  if (isRelease)
    await writeReleased(lake, { dataset: dataset.name, release: batch, judged: refusedByStream(lake, work) })
  const objects = settlementsOf(verdict, { taken: settled?.taken ?? [], late: released?.late ?? new Map() })
  const { action, reason } = selection
  const committedMs = target.snapshot['timestamp-ms']
  const about = { release: batch, action, ...(reason === undefined ? {} : { reason }), committedMs }
  await writeSettlements(lake, dataset.name, { ...about, objects })
  const taken = objects.reduce((sum, each) => sum + each.taken, 0)
  return {
    target,
    quarantine: settled?.result,
    objects: objects.map(each => each.outcome),
    settled: { action, taken },
    ...(released?.changes && { changes: released.changes }),
  }
}

/** Of other objects a replay decides anew, by the contract; these it would refuse whatever the contract says. */
function refusedByStream({ zones }: Lake, { manifest, verdict }: SelectionWork): readonly JudgedRecords[] {
  const refused = manifest.objects.filter(object => isStreamErrorUri(zones.landing, object.sourceUri))
  const ids = new Set(refused.map(object => object.id))
  return (verdict.judged ?? []).filter(each => ids.has(each.rawObject))
}

/** `cdc-apply` has brought them into the table, by their own versions: what comes late there changes nothing. */
async function releasedChanges(lake: Lake, { dataset, batch }: Verdict): Promise<Released> {
  const { result, report } = await appliedChanges(lake, dataset, batch)
  return { result, late: new Map(), changes: { commitId: report.commitId, changes: report.counts } }
}

/** Counted by what left the quarantine, because there each record is once. */
function settlementsOf(
  verdict: Verdict,
  { taken, late }: { readonly taken: readonly Taken[]; readonly late: ReadonlyMap<string, number> },
): readonly Settlement[] {
  return taken.map(({ rawObject, batch, taken: count, applied, refused, suppressed }) => {
    const superseded = Math.min(late.get(rawObject) ?? 0, applied)
    const reasons = verdict.objects.find(each => each.rawObject === rawObject)?.reasons ?? {}
    const outcome: ObjectOutcome = {
      rawObject,
      read: applied + refused + suppressed,
      applied: applied - superseded,
      quarantined: refused,
      superseded,
      suppressed,
      reasons: refused === 0 ? {} : reasons,
    }
    return { rawObject, of: batch, taken: count, outcome }
  })
}
