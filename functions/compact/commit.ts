import { hashText } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import { tableCompacted } from '#lake/events.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { appliedSnapshots } from '#lake/iceberg/metadata.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { danglingDeletes, type Staged } from '#lake/iceberg/operations/staged.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { bytesOf } from './candidates.ts'
import { type GroupResult, type PlanDocument, readFiles, readPlan, readResult, type Size } from './documents.ts'
import { checkIdentity } from './rewrite-group.ts'

export interface CompactReport {
  readonly table: string
  readonly run: string
  /** Decimal text; of a repetition those of the earlier run. */
  readonly snapshotIds: readonly string[]
  /** Groups whose files are in the table now, and those that are not, with what came between. */
  readonly committed: readonly number[]
  readonly givenUp: readonly { readonly group: number; readonly reason: string }[]
  /** Groups that nobody has finished rewriting, those of Athena left out. */
  readonly unfinished: readonly number[]
  /** Of the groups that were committed. */
  readonly before: Size
  readonly after: Size
  readonly rows: number
}

/** Raised when the same group sets would be committed in another way. */
const GENERATION = '1'

/** Keys of the snapshot summary: which groups of which run a snapshot holds, so that a repetition knows its own work. */
const RUN = 'sluice.compaction-run'
const GROUPS = 'sluice.compaction-groups'

/** As Iceberg's partial-progress.max-commits. */
const COMMITS_MAX = 10

/**
 * Commits the groups of a run that were finished, all in one snapshot or in up to ten when partial progress was asked for. A group
 * whose files were rewritten, removed or deleted from meanwhile is given up: its files stay as they are, and the next run plans anew.
 */
export async function commitCompaction(
  lake: Lake,
  { table: name, run }: { readonly table: TableName; readonly run: string },
): Promise<CompactReport> {
  const plan = await readPlan(lake, name, run)
  checkAge(lake, plan)
  const { finished, unfinished } = await finishedGroups(lake, plan)
  const done: Done[] = []
  const givenUp: CompactReport['givenUp'][number][] = []
  for (const part of partsOf(finished, plan)) {
    const outcome = await commitPart(lake, plan, part)
    done.push(...outcome.done)
    givenUp.push(...outcome.givenUp)
  }
  const report = reportOf(plan, { done, givenUp, unfinished })
  if (done.length > 0) await lake.bus.publish([tableCompacted(report)])
  return report
}

/**
 * Files that no table knows of are swept some days after they were written: a commit so late would point at nothing. Far above the
 * twelve hours that a run may take, far below the sweeper's days of grace.
 */
const AGE_MS_MAX = 24 * 3_600_000

function checkAge(lake: Lake, plan: PlanDocument): void {
  if (lake.clock.nowMs() - plan.plannedMs <= AGE_MS_MAX) return
  throw new LakeError('unsupported', `compaction ${plan.run} of ${plan.table} is too old to be committed: plan anew`, {
    table: plan.table,
    run: plan.run,
  })
}

/** A group with its result and the files that it takes the place of. */
interface Finished extends GroupResult {
  readonly inputs: readonly ScanFile[]
}

const READS_AT_ONCE = 8

async function finishedGroups(
  lake: Lake,
  plan: PlanDocument,
): Promise<{ readonly finished: readonly Finished[]; readonly unfinished: readonly number[] }> {
  const ours = plan.groups.filter(entry => entry.route === 'function')
  const results = await mapParallel(ours, READS_AT_ONCE, async (entry): Promise<Finished | undefined> => {
    const result = await readResult(lake, { table: plan.table, run: plan.run, group: entry.group })
    return result && { ...result, inputs: await readFiles(lake, entry) }
  })
  return {
    finished: results.filter(result => result !== undefined),
    unfinished: ours.filter((_entry, at) => results[at] === undefined).map(entry => entry.group),
  }
}

function partsOf(finished: readonly Finished[], plan: PlanDocument): readonly (readonly Finished[])[] {
  if (finished.length === 0) return []
  if (!plan.partialProgress) return [finished]
  const size = Math.ceil(plan.groups.length / COMMITS_MAX)
  return Array.from({ length: Math.ceil(finished.length / size) }, (_, at) =>
    finished.slice(at * size, (at + 1) * size),
  )
}

// --- One commit ----------------------------------------------------------------------------------------------------

interface Done {
  readonly result: Finished
  readonly snapshotId: bigint
}

interface Judged {
  /** Committed by an earlier run of this step. */
  readonly earlier: readonly Done[]
  readonly ready: readonly Finished[]
  readonly givenUp: CompactReport['givenUp']
}

type Outcome = Pick<CompactReport, 'givenUp'> & { readonly done: readonly Done[] }

async function commitPart(lake: Lake, plan: PlanDocument, part: readonly Finished[]): Promise<Outcome> {
  const commitId = hashText('compact', GENERATION, plan.table, plan.run, ...part.map(({ group }) => String(group)))
  const nothingLeft = new LakeError('conflict', 'no group of the commit is left')
  let judged: Judged | undefined
  try {
    const { snapshot } = await commit(lake, plan.table, { commitId: commitId.slice(0, 40) }, async base => {
      const live = await liveFiles(lake, base)
      judged = judge(base, live, { plan, part })
      if (judged.ready.length === 0) throw nothingLeft
      return staged(plan, judged.ready, live)
    })
    const snapshotId = snapshot['snapshot-id']
    // A repetition finds its commit in the history and stages nothing: the table itself tells what that brought.
    const { earlier, ready, givenUp } = judged ?? (await judgeNow(lake, plan, part))
    return { done: [...earlier, ...ready.map(result => ({ result, snapshotId }))], givenUp }
  } catch (error) {
    if (error !== nothingLeft) throw error
    return { done: judged?.earlier ?? [], givenUp: judged?.givenUp ?? [] }
  }
}

async function judgeNow(lake: Lake, plan: PlanDocument, part: readonly Finished[]): Promise<Judged> {
  const table = await openTable(lake, plan.table)
  return judge(table, await liveFiles(lake, table), { plan, part })
}

/** What can be committed onto the table as it is now. */
function judge(
  base: Table,
  live: readonly ScanFile[],
  { plan, part }: { readonly plan: PlanDocument; readonly part: readonly Finished[] },
): Judged {
  checkIdentity(base, plan.tableUuid)
  const byPath = new Map(live.map(each => [each.file.file_path, each]))
  const ours = committedBy(base, plan.run)
  const earlier: Done[] = []
  const ready: Finished[] = []
  const givenUp: Judged['givenUp'][number][] = []
  for (const result of part) {
    const snapshotId = byPath.get(result.added[0]?.file_path ?? '')?.snapshot_id ?? ours.get(result.group)
    const reason = snapshotId === undefined ? changeOf(result.inputs, byPath, plan.startSequence) : undefined
    if (snapshotId !== undefined) earlier.push({ result, snapshotId })
    else if (reason === undefined) ready.push(result)
    else givenUp.push({ group: result.group, reason })
  }
  return { earlier, ready, givenUp }
}

/** The groups of a run that are in the history; one that left no rows has no file to know it by. */
function committedBy({ metadata }: Table, run: string): ReadonlyMap<number, bigint> {
  const ours = appliedSnapshots(metadata).filter(({ summary }) => summary[RUN] === run)
  return new Map(
    ours.flatMap(({ summary, 'snapshot-id': id }) =>
      (summary[GROUPS] ?? '').split(',').map(group => [Number(group), id] as const),
    ),
  )
}

/**
 * Why the rows that were rewritten are not those of the table any more: a file is gone, deletes came that name it, or deletes that
 * were applied are gone. Equality deletes that came since also apply to what was written (use-starting-sequence-number).
 */
function changeOf(
  inputs: readonly ScanFile[],
  live: ReadonlyMap<string, ScanFile>,
  startSequence: bigint,
): string | undefined {
  const binding = ({ deletes }: ScanFile): readonly string[] =>
    deletes
      .filter(each => each.file.content === 1 || each.sequence_number <= startSequence)
      .map(each => each.file.file_path)
  for (const input of inputs) {
    const { file_path } = input.file
    const now = live.get(file_path)
    if (now === undefined || now.sequence_number !== input.sequence_number)
      return `${file_path} is not in the table any more`
    const [before, after] = [new Set(binding(input)), new Set(binding(now))]
    if (before.symmetricDifference(after).size > 0)
      return `rows of ${file_path} were deleted meanwhile, or brought back`
  }
  return undefined
}

/** Delete files go with the last file that they applied to; those that are younger than the plan go on to apply to what was written. */
function staged(plan: PlanDocument, ready: readonly Finished[], live: readonly ScanFile[]): Staged {
  const removed = ready.flatMap(({ inputs }) => inputs)
  const dangling = new Set(danglingDeletes(live, removed).map(file => file.file_path))
  const applied = removed.flatMap(({ deletes }) => deletes).map(each => [each.file.file_path, each] as const)
  const removedDeletes = [...new Map(applied).values()].filter(
    each => dangling.has(each.file.file_path) && each.sequence_number <= plan.startSequence,
  )
  return stageReplace({ added: ready.flatMap(({ added }) => added), removed, removedDeletes }, plan.startSequence, {
    since: plan.snapshotId,
    summary: { [RUN]: plan.run, [GROUPS]: ready.map(({ group }) => group).join(',') },
  })
}

// --- The report ----------------------------------------------------------------------------------------------------

function reportOf(
  plan: PlanDocument,
  { done, givenUp, unfinished }: Outcome & { readonly unfinished: readonly number[] },
): CompactReport {
  const inputs = done.flatMap(({ result }) => result.inputs.map(({ file }) => file))
  const added = done.flatMap(({ result }) => result.added)
  return {
    table: plan.table,
    run: plan.run,
    snapshotIds: [...new Set(done.map(({ snapshotId }) => String(snapshotId)))],
    committed: done.map(({ result }) => result.group),
    givenUp,
    unfinished,
    before: { files: inputs.length, bytes: bytesOf(inputs) },
    after: { files: added.length, bytes: bytesOf(added) },
    rows: done.reduce((sum, { result }) => sum + Number(result.rows), 0),
  }
}
