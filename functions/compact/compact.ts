import { isLakeError, LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { type CompactReport, commitCompaction } from './commit.ts'
import { type CompactionPlanned, type PlanOptions, planCompaction } from './planning.ts'
import { type CompactionRequest, compactionStep } from './request.ts'
import { type GroupReport, rewriteGroup } from './rewrite-group.ts'

export { type CompactReport, commitCompaction } from './commit.ts'
export { type CompactionPlanned, type PlanOptions, planCompaction } from './planning.ts'
export type { CompactionRequest } from './request.ts'
export { type GroupReport, rewriteGroup } from './rewrite-group.ts'
export type { Bounds, Strategy } from './settings.ts'

/** How far a compaction is. Bytes and files are those of the inputs. */
export interface CompactionProgress {
  readonly group: number
  readonly groups: number
  readonly filesDone: number
  readonly files: number
  readonly bytesDone: number
  readonly bytes: number
}

export interface CompactOptions extends PlanOptions {
  readonly onPlanned?: ((planned: CompactionPlanned) => void) | undefined
  readonly onProgress?: ((progress: CompactionProgress) => void) | undefined
}

/**
 * Compacts a table in this process: plan, one group after the other, commit. No group is too large for it. A dry run plans and
 * changes nothing. Dies at any moment without harm: the table is as it was or compacted, and the next run plans what is left.
 */
export async function compact(
  lake: Lake,
  request: CompactionRequest,
  options: CompactOptions = {},
): Promise<CompactReport> {
  const bounds = { fileBytesMax: Number.POSITIVE_INFINITY, ...options.bounds }
  const planned = await planCompaction(lake, request, { ...options, bounds })
  options.onPlanned?.(planned)
  const { table, run, groups } = planned
  if (request.dryRun || groups.length === 0) return untouched(planned)
  const done = { files: 0, bytes: 0 }
  // With partial progress each tenth is committed as soon as it is there.
  const part = request.partialProgress ? Math.ceil(groups.length / 10) : groups.length
  const failures: unknown[] = []
  for (const { group } of groups) {
    const onProgress = (unit: { readonly files: number; readonly bytes: number }): void => {
      done.files += unit.files
      done.bytes += unit.bytes
      const { files, bytes } = planned.before
      options.onProgress?.({
        ...{ group, groups: groups.length, files, bytes },
        ...{ filesDone: done.files, bytesDone: done.bytes },
      })
    }
    // As in the state machine, a group that cannot be rewritten keeps no other from being committed.
    await rewriteGroup(lake, { table, run, group }, { onProgress }).catch((error: unknown) => failures.push(error))
    if ((group + 1) % part === 0 && group + 1 < groups.length) await commitCompaction(lake, { table, run })
  }
  const report = await commitCompaction(lake, { table, run })
  if (failures.length > 0) throw incomplete(planned, failures, report)
  return report
}

/** The first reason stands for all: what ails one file of a table mostly ails others. */
function incomplete(
  { table, groups }: CompactionPlanned,
  [first, ...others]: readonly unknown[],
  report: CompactReport,
): unknown {
  if (!isLakeError(first)) return first
  const failed = `${others.length + 1} of ${groups.length} groups of ${table} could not be rewritten`
  const rest =
    report.committed.length > 0
      ? `, ${report.committed.length} ${report.committed.length === 1 ? 'is' : 'are'} committed`
      : ''
  return new LakeError(first.kind, `${failed}${rest}: ${first.message}`, { table, ...first.context }, { cause: first })
}

function untouched({ table, run, groups }: CompactionPlanned): CompactReport {
  const none = { files: 0, bytes: 0 }
  return {
    ...{ table, run, snapshotIds: [], committed: [], givenUp: [], before: none, after: none, rows: 0 },
    unfinished: groups.map(({ group }) => group),
  }
}

/** One step of the workflow: `{ action: 'plan' | 'rewrite' | 'commit', table, run?, group?, … }`. */
export async function compactionAction(
  lake: Lake,
  event: unknown,
  options: PlanOptions = {},
): Promise<CompactionPlanned | GroupReport | CompactReport> {
  const step = compactionStep(event)
  switch (step.action) {
    case 'plan':
      return planCompaction(lake, step, options)
    case 'rewrite':
      return rewriteGroup(lake, step)
    case 'commit':
      return commitCompaction(lake, step)
  }
}
