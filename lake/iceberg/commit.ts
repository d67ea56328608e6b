import { assert, isLakeError, LakeError } from '../errors.ts'
import type { Lake, TableName } from '../lake.ts'
import { type AppliedCommits, appliedCommits } from './applied-commits.ts'
import { checkWritableVersion } from './format-version.ts'
import { COMMIT_ID, checkRequirement, snapshotById, succeed } from './metadata.ts'
import { encodeMetadata } from './metadata-file.ts'
import type { Staged } from './operations/staged.ts'
import { icebergEntry, metadataUri, openTable, type Table } from './table.ts'
import type { Snapshot, TableMetadata } from './types.ts'
import { checkValidations } from './validate.ts'
import { newDraft } from './write-manifest.ts'
import { writeSnapshot } from './write-snapshot.ts'

export { COMMIT_ID }

export interface CommitOptions {
  /** H(table, sorted inputs, code generation, part of work): equal for every repetition of the same work. */
  readonly commitId: string
  /** Further entries of the snapshot summary. */
  readonly summary?: Readonly<Record<string, string>>
  readonly attemptsMax?: number
}

export interface CommitResult {
  readonly table: Table
  /**
   * The one that did the work. When it has expired meanwhile, what was remembered of it: its id, sequence number and time, and of its
   * summary the commit id and what a repetition must know (`REMEMBERED_SUMMARY`). Its manifest list is the empty text then.
   */
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
  const applied: AppliedCommits = appliedCommits(lake)
  let earlier: Snapshot | undefined
  const { table, swapped, attempts } = await swapUntilSettled(lake, name, {
    attemptsMax: options.attemptsMax,
    isSettled: async base => {
      earlier = await applied.find(base, options.commitId)
      return earlier !== undefined
    },
    change: async (base, number) => {
      checkWritableVersion(base.name, base.metadata)
      const staged = await stage(base)
      for (const requirement of staged.requirements) checkRequirement(base.metadata, requirement)
      await checkValidations(lake, base, staged)
      return writeSnapshot(lake, base, staged, { draft, number, summary })
    },
  })
  const snapshot = swapped ? snapshotById(table.metadata, draft.snapshotId) : earlier
  assert(snapshot, 'a settled commit is in the history')
  return { table, snapshot, alreadyCommitted: !swapped, attempts }
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
      checkWritableVersion(base.name, base.metadata)
      return change(base.metadata)
    },
  })
  return table
}

// --- The one retry loop --------------------------------------------------------------------------------------------

/** Enough for a score of writers that all commit at once; the waits below add up to about a minute. */
const ATTEMPTS_MAX = 12
const BACKOFF_MS = 100
const BACKOFF_MS_MAX = 10_000

interface Work {
  readonly attemptsMax: number | undefined
  /** Whether the table's history shows that the work is done. */
  readonly isSettled: (base: Table) => boolean | Promise<boolean>
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
    if (await work.isSettled(base)) return { table: base, swapped: false, attempts: attempt - 1 }
    const next = await work.change(base, attempt)
    const outcome = await swapOnce(lake, base, next)
    if (outcome.kind === 'swapped') return { table: outcome.table, swapped: true, attempts: attempt }
    lake.log.warn('the swap of a table did not succeed', { table: name, attempt, kind: outcome.error.kind })
    if (attempt < attemptsMax) await lake.clock.sleep(backoffMs(lake, attempt))
    base = await openTable(lake, name)
    if (attempt >= attemptsMax) {
      if (await work.isSettled(base)) return { table: base, swapped: false, attempts: attempt }
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
