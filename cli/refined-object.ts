import {
  type BatchManifest,
  type ChangeCounts,
  type CommitReport,
  commitUri,
  manifestUri,
  type ObjectOutcome,
  readDocument,
  type Verdict,
  verdictUri,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { countRows } from '#lake/iceberg/count-rows.ts'
import { rawObjectMax } from '#lake/iceberg/raw-object-max.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { accountOf, type Settlement, type Settlements, settlementsOf } from '#lake/quarantine/account.ts'
import { type ReplayBatch, replaysHolding } from '#lake/replay-holding.ts'

/** How far the batch is that holds a version: of several the last that was committed to the dataset's table. */
export type Refined = Far & {
  /** All batches that hold it, in the order in which they began, when there are several. */
  readonly batches: readonly HoldingBatch[]
}

type Far =
  | { readonly kind: 'landed'; readonly batch: string }
  /** Nothing of the batch is anywhere; `outcome` is what the verdict said before it was halted. */
  | { readonly kind: 'halted'; readonly batch: string; readonly reason: string; readonly outcome?: ObjectOutcome }
  | { readonly kind: 'staged'; readonly batch: string; readonly outcome: ObjectOutcome | undefined }
  | {
      readonly kind: 'committed'
      readonly batch: string
      /** As it stands now. */
      readonly outcome: ObjectOutcome | undefined
      /** What came of its quarantined records since, the earliest first. */
      readonly since: readonly Settled[]
      readonly committedMs: number
      readonly table: string
      /** Decimal text of the 64-bit id. */
      readonly snapshot: string
      readonly quarantineSnapshot: string | undefined
      /** What became of all change events of the batch; undefined where rows are no changes. */
      readonly changes: ChangeCounts | undefined
    }

/** A release or a drop, and what it did with the records of one object. */
export type Settled = Pick<Settlements, 'action' | 'release' | 'reason' | 'committedMs'> &
  Pick<Settlement, 'taken' | 'outcome'>

export interface HoldingBatch {
  readonly batch: string
  /** undefined of the one that ingest made. */
  readonly replay: string | undefined
  /** Another table than the dataset's own, which it is for. */
  readonly into: string | undefined
  readonly state: Far['kind']
  readonly committedMs: number | undefined
}

export interface Place {
  /** The one that ingest made. */
  readonly batch: string
  readonly rawObject: string
}

interface Work extends Place {
  readonly dataset: string
  /** Those that are declared; undefined where only the batch that ingest made is of interest. */
  readonly datasets: readonly Dataset[] | undefined
}

const BATCHES_AT_ONCE = 8

/** The account of a raw object as it stands: after the batch that brought its rows last, and what came of its records since. */
export async function refinedObject(lake: Lake, work: Work): Promise<Refined> {
  const { dataset, rawObject } = work
  const table = await loadTable(lake, dataset)
  const replays = work.datasets === undefined ? [] : await replaysHolding(lake, { dataset, rawObjects: [rawObject] })
  const found = await mapParallel(
    [{ batch: work.batch, replay: undefined, table: dataset }, ...replays],
    BATCHES_AT_ONCE,
    each => readBatch(lake, dataset, each),
  )
  const begun = found.filter((each, at) => at === 0 || each.isBegun)
  const counts = batchThatCounts(begun, { dataset, uuid: table?.metadata['table-uuid'] })
  const far = await farOf(lake, counts, { ...work, table })
  return { ...far, batches: begun.length === 1 ? [] : begun.map(each => holdingOf(each, dataset)) }
}

interface Found {
  readonly held: Pick<ReplayBatch, 'batch' | 'table'> & { readonly replay: string | undefined }
  readonly isBegun: boolean
  readonly commit: CommitReport | undefined
  readonly verdict: Verdict | undefined
}

async function readBatch(lake: Lake, dataset: string, held: Found['held']): Promise<Found> {
  const { batch } = held
  const commit = await readDocument<CommitReport>(lake, commitUri(lake, dataset, batch))
  const verdict = commit === undefined ? await readDocument<Verdict>(lake, verdictUri(lake, dataset, batch)) : undefined
  const isBegun =
    commit !== undefined || (await readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch))) !== undefined
  return { held, isBegun, commit, verdict }
}

/**
 * The last commit to the table that the dataset has now, which a swap may have put in its place; without one the last batch that
 * was for the dataset's own table.
 */
function batchThatCounts(
  found: readonly Found[],
  { dataset, uuid }: { readonly dataset: string; readonly uuid: string | undefined },
): Found {
  const committed = found
    .filter(({ commit }) => commit !== undefined && commit.tableUuid === uuid)
    .toSorted((left, right) => (left.commit?.committedMs ?? 0) - (right.commit?.committedMs ?? 0))
  return committed.at(-1) ?? (found.findLast(each => each.held.table === dataset) as Found)
}

const stateOf = ({ commit, verdict }: Found): Far['kind'] =>
  commit !== undefined
    ? 'committed'
    : verdict === undefined
      ? 'landed'
      : verdict.status === 'pass'
        ? 'staged'
        : 'halted'

function holdingOf(found: Found, dataset: string): HoldingBatch {
  const { batch, replay, table } = found.held
  const into = table === dataset ? undefined : table
  return { batch, replay, into, state: stateOf(found), committedMs: found.commit?.committedMs }
}

async function farOf(
  lake: Lake,
  { held: { batch }, commit, verdict }: Found,
  { table, ...work }: Work & { readonly table: Table | undefined },
): Promise<Far> {
  const { dataset, rawObject } = work
  const own = (objects: readonly ObjectOutcome[]): ObjectOutcome | undefined =>
    objects.find(object => object.rawObject === rawObject)
  if (commit === undefined) {
    if (verdict === undefined) return { kind: 'landed', batch }
    const outcome = own(verdict.objects)
    if (verdict.status === 'pass') return { kind: 'staged', batch, outcome }
    return { kind: 'halted', batch, reason: verdict.reason ?? 'a quality rule halted it', ...(outcome && { outcome }) }
  }
  const settlements = await settlementsOf(lake, dataset, batch)
  const changes = settlements.flatMap(each => each.objects)
  const first = own(commit.objects)
  const account = first && accountOf(first, changes)
  const isThere = table !== undefined && commit.tableUuid === table.metadata['table-uuid']
  return {
    kind: 'committed',
    batch,
    outcome: account && isThere ? await asReplaced(lake, account, { ...work, table }) : account,
    since: settlements.flatMap(each => settledOf(each, rawObject)),
    committedMs: commit.committedMs,
    table: dataset,
    snapshot: commit.snapshotId,
    quarantineSnapshot: commit.quarantineSnapshotId,
    changes: commit.changes,
  }
}

/** A newer extract takes rows out of the table and is in no account of theirs: those that are left are counted there. */
async function asReplaced(
  lake: Lake,
  outcome: ObjectOutcome,
  { dataset, datasets, table }: Work & { readonly table: Table },
): Promise<ObjectOutcome> {
  const { rawObject, applied, superseded } = outcome
  const isReplaced = datasets?.find(each => each.name === dataset)?.publish.mode === 'replace'
  if (!isReplaced || applied === 0 || rawObjectMax(table) === rawObject) return outcome
  const left = Math.min(applied, await countRows(lake, dataset, { rawObjects: [rawObject] }))
  return { ...outcome, applied: left, superseded: superseded + applied - left }
}

function settledOf({ objects, ...about }: Settlements, rawObject: string): readonly Settled[] {
  return objects
    .filter(each => each.rawObject === rawObject)
    .map(({ taken, outcome }) => ({ ...about, taken, outcome }))
}
