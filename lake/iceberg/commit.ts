import { assert, isLakeError, LakeError } from '../errors.ts'
import type { Lake, TableName } from '../lake.ts'
import { appliedSnapshots, checkRequirement, snapshotById, succeed } from './metadata.ts'
import { encodeMetadata } from './metadata-file.ts'
import type { Staged } from './operations/staged.ts'
import { newDraft, writeSnapshot } from './snapshot.ts'
import { icebergEntry, metadataUri, openTable, type Table } from './table.ts'
import type { Snapshot, TableMetadata } from './types.ts'

/** The key of a snapshot summary that says whose work the snapshot is. */
export const COMMIT_ID = 'sluice.commit-id'

export interface CommitOptions {
  /** H(table, sorted inputs, code generation, part of work): equal for every repetition of the same work. */
  readonly commitId: string
  /** Further entries of the snapshot summary. */
  readonly summary?: Readonly<Record<string, string>>
  readonly attemptsMax?: number
}

export interface CommitResult {
  readonly table: Table
  readonly snapshot: Snapshot
  /** The work was in the table's history before this call could swap, by an earlier run or by a swap whose answer was lost. */
  readonly alreadyCommitted: boolean
  readonly attempts: number
}

/**
 * Applies a staged change exactly once. Before every attempt the history is searched for the commit id; then `stage` describes
 * the change on the table as it is, and one compare-and-swap decides. Nothing is ever deleted: a file that a lost race leaves
 * behind may belong to a commit that still arrives (apache/iceberg#7151), and only the sweeper can tell, later.
 * Fails with `conflict` or `commit-unknown` when the attempts are used up.
 */
export async function commit(
  lake: Lake,
  name: TableName,
  options: CommitOptions,
  stage: (base: Table) => Promise<Staged> | Staged,
): Promise<CommitResult> {
  const draft = newDraft(lake)
  const summary = { ...options.summary, [COMMIT_ID]: options.commitId }
  const { table, swapped, attempts } = await swapUntilSettled(lake, name, {
    attemptsMax: options.attemptsMax,
    isSettled: base => appliedBy(base, options.commitId) !== undefined,
    change: async (base, number) => {
      checkWritable(base)
      const staged = await stage(base)
      for (const requirement of staged.requirements) checkRequirement(base.metadata, requirement)
      return writeSnapshot(lake, base, staged, { draft, number, summary })
    },
  })
  const snapshot = swapped ? snapshotById(table.metadata, draft.snapshotId) : appliedBy(table, options.commitId)
  assert(snapshot, 'a settled commit is in the history')
  return { table, snapshot, alreadyCommitted: !swapped, attempts }
}

function appliedBy(table: Table, commitId: string): Snapshot | undefined {
  return appliedSnapshots(table.metadata).find(snapshot => snapshot.summary[COMMIT_ID] === commitId)
}

/**
 * Changes metadata without a snapshot: schema, partition spec, sort order, properties. `change` must give back what it was given
 * when nothing is left to do; that is how a repetition ends.
 */
export async function updateTable(
  lake: Lake,
  name: TableName,
  change: (metadata: TableMetadata) => TableMetadata,
  options: { readonly attemptsMax?: number } = {},
): Promise<Table> {
  const { table } = await swapUntilSettled(lake, name, {
    attemptsMax: options.attemptsMax,
    isSettled: base => change(base.metadata) === base.metadata,
    change: async base => {
      checkWritable(base)
      return change(base.metadata)
    },
  })
  return table
}

function checkWritable(base: Table): void {
  if (base.metadata['format-version'] === 2) return
  throw new LakeError('unsupported', `${base.name} is a version 1 table: Sluice reads it and writes version 2 only`, {
    table: base.name,
  })
}

// --- The one retry loop --------------------------------------------------------------------------------------------

/** Enough for a score of writers that all commit at once; the waits below add up to about a minute. */
const ATTEMPTS_MAX = 12
const BACKOFF_MS = 100
const BACKOFF_MS_MAX = 10_000

interface Work {
  readonly attemptsMax: number | undefined
  /** Whether the table's history shows that the work is done. */
  readonly isSettled: (base: Table) => boolean
  readonly change: (base: Table, attempt: number) => Promise<TableMetadata>
}

interface Settled {
  readonly table: Table
  /** Whether a swap of this call did it, and said so. */
  readonly swapped: boolean
  readonly attempts: number
}

async function swapUntilSettled(lake: Lake, name: TableName, work: Work): Promise<Settled> {
  const attemptsMax = work.attemptsMax ?? ATTEMPTS_MAX
  let base = await openTable(lake, name)
  const uuid = base.metadata['table-uuid']
  for (let attempt = 1; ; attempt++) {
    if (base.metadata['table-uuid'] !== uuid)
      throw new LakeError('conflict', `${name} was dropped and created anew during a commit`, { table: name })
    if (work.isSettled(base)) return { table: base, swapped: false, attempts: attempt - 1 }
    const next = await work.change(base, attempt)
    const outcome = await swapOnce(lake, base, next)
    if (outcome.kind === 'swapped') return { table: outcome.table, swapped: true, attempts: attempt }
    lake.log.warn('the swap of a table did not succeed', { table: name, attempt, kind: outcome.error.kind })
    if (attempt < attemptsMax) await lake.clock.sleep(backoffMs(lake, attempt))
    base = await openTable(lake, name)
    if (attempt >= attemptsMax) {
      if (work.isSettled(base)) return { table: base, swapped: false, attempts: attempt }
      throw exhausted(name, attempt, outcome.error)
    }
  }
}

type Outcome =
  | { readonly kind: 'swapped'; readonly table: Table }
  | { readonly kind: 'undecided'; readonly error: LakeError }

/** Writes the metadata file under a name of this attempt's own, never used again, and swaps exactly once. */
async function swapOnce(lake: Lake, base: Table, next: TableMetadata): Promise<Outcome> {
  const previous = base.entry.metadataLocation
  const metadata = succeed(base.metadata, next, { location: previous, nowMs: lake.clock.nowMs() })
  const location = metadataUri(metadata, previous, lake.ids.uuid())
  await lake.storage.put(location, encodeMetadata(metadata), { contentType: 'application/json' })
  try {
    await lake.catalog.swap(base.name, base.entry, icebergEntry(metadata, location))
  } catch (error) {
    // A conflict can be our own success that the client retried, and an unknown answer can arrive late: history decides both.
    if (isLakeError(error) && UNDECIDED.has(error.kind)) return { kind: 'undecided', error }
    throw error
  }
  // The token stays that of the entry that was swapped away: asking for the new one could fail after the commit has succeeded.
  const entry = { ...base.entry, metadataLocation: location }
  return { kind: 'swapped', table: { name: base.name, entry, metadata } }
}

const UNDECIDED: ReadonlySet<LakeError['kind']> = new Set(['conflict', 'commit-unknown', 'throttled', 'unavailable'])

function backoffMs(lake: Lake, attempt: number): number {
  const ceiling = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (attempt - 1))
  return ceiling * (0.5 + lake.ids.random() / 2)
}

/** Only the last answer counts: whatever was in flight before it expected a table that has moved on since, or was looked for. */
function exhausted(name: TableName, attempts: number, last: LakeError): LakeError {
  const kind = last.kind === 'conflict' ? 'conflict' : 'commit-unknown'
  return new LakeError(
    kind,
    `${name}: ${attempts} attempts to commit, none of which is known to have succeeded`,
    { table: name, attempts },
    { cause: last },
  )
}
