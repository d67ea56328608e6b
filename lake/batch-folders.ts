import { type CommitReport, commitUri, type ObjectOutcome, readDocument } from './batch.ts'
import { erasedObjects, withoutErased } from './erasure.ts'
import type { Lake } from './lake.ts'
import { mapParallel } from './parallel.ts'
import { accountOf, settlementsOf } from './quarantine/account.ts'
import { ULID_ENTROPY_BYTES, ulid } from './ulid.ts'

/** What stands in `ops/batches/<dataset>/<batch>/`. */
export interface BatchFolder {
  readonly batch: string
  /** By name, with the time when each was written. */
  readonly documents: ReadonlyMap<string, number>
}

export interface BatchWindow {
  /** Batches whose first object landed at that time or later; all of them when absent. */
  readonly fromMs?: number | undefined
}

/** The batches of a dataset in the order of their ids, which is the order in which their first objects landed. */
export async function* batchFolders(
  { storage, zones }: Lake,
  dataset: string,
  { fromMs }: BatchWindow = {},
): AsyncGenerator<BatchFolder> {
  const prefix = `${zones.ops}/batches/${dataset}/`
  const startAfter = fromMs === undefined ? {} : { startAfter: `${prefix}${firstIdAt(fromMs)}` }
  let open: { batch: string; documents: Map<string, number> } | undefined
  for await (const object of storage.list(prefix, startAfter)) {
    const [batch, name] = object.uri.slice(prefix.length).split('/')
    if (batch === undefined || name === undefined) continue
    if (open?.batch !== batch) {
      if (open !== undefined) yield open
      open = { batch, documents: new Map() }
    }
    open.documents.set(name, object.modifiedMs)
  }
  if (open !== undefined) yield open
}

/** No id of that millisecond or later sorts before it. */
export const firstIdAt = (ms: number): string => ulid(Math.max(0, Math.floor(ms)), new Uint8Array(ULID_ENTROPY_BYTES))

const REPORTS_AT_ONCE = 16

/** What became of a raw object, and the commit that brought its rows last. */
export interface CommittedOutcome extends ObjectOutcome {
  /** Decimal text of the 64-bit id. */
  readonly snapshotId: string
  readonly committedMs: number
}

/**
 * What became of every raw object of the batches in that table, with all that came of its quarantined records since, and without those that
 * were erased since: the last outcome of each, because a replayed object counts once.
 */
export async function outcomesOf(
  lake: Lake,
  dataset: string,
  { batches, tableUuid }: { readonly batches: readonly string[]; readonly tableUuid: string | undefined },
): Promise<ReadonlyMap<string, CommittedOutcome>> {
  const found = await mapParallel(batches, REPORTS_AT_ONCE, batch =>
    readDocument<CommitReport>(lake, commitUri(lake, dataset, batch)),
  )
  const ordered = found
    .filter(report => report !== undefined)
    // What a release or a drop reports are changes of other batches' accounts.
    .filter(report => report.tableUuid === tableUuid && report.settled === undefined)
    .toSorted((left, right) => left.committedMs - right.committedMs)
  const settlements = await mapParallel(ordered, REPORTS_AT_ONCE, async ({ batch, quarantineSnapshotId }) =>
    // What never was in quarantine has not come out of it.
    quarantineSnapshotId === undefined ? [] : settlementsOf(lake, dataset, batch),
  )
  const erased = await erasedObjects(lake, dataset)
  return new Map(
    ordered.flatMap(({ objects, committedMs, snapshotId }, at) => {
      const byObject = Map.groupBy(
        (settlements[at] ?? []).flatMap(each => each.objects),
        each => each.rawObject,
      )
      return objects.map(each => {
        const outcome = accountOf(each, byObject.get(each.rawObject) ?? [])
        const left = withoutErased(outcome, committedMs, erased.get(each.rawObject))
        return [each.rawObject, { ...left, snapshotId, committedMs }] as const
      })
    }),
  )
}
