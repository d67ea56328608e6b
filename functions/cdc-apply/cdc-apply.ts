import { type ChangeReport, changesUri, readDocument } from '#lake/batch.ts'
import type { MergeStep } from '#lake/batch-request.ts'
import type { Dataset } from '#lake/dataset.ts'
import { isLakeError } from '#lake/errors.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import type { Lake } from '#lake/lake.ts'
import { forgetOld } from './forget.ts'
import { clearHandOver, continueHandOver, type HandOver, isHandedOver } from './hand-over.ts'
import { type Applied, answerOf, type Job, jobOf, reported, summaryOfJob, withTask } from './job.ts'
import { stageMerge } from './merge.ts'
import type { MergeTask } from './task.ts'

export type { HandOver } from './hand-over.ts'
export type { Applied } from './job.ts'
export { type SnapshotRows, type SweepReport, type SweepRequest, snapshotsOf, sweepAbsent } from './sweep.ts'

/**
 * Folds the change rows of a batch into the table of its dataset: current rows by key, or their history. One commit, whatever the batch
 * holds; applying it again finds that commit and changes nothing. Quarantine, quality results and the commit report are for `publish`.
 * Everything is done here, however much of the table it touches: the function that is deployed takes `cdcApplyStep`.
 */
export async function cdcApply(lake: Lake, dataset: Dataset, input: { readonly batch: string }): Promise<Applied> {
  const { batch } = input
  const done = await readDocument<ChangeReport>(lake, changesUri(lake, dataset.name, batch))
  if (done !== undefined) return answerOf(done, { repeated: true })
  const job = await jobOf(lake, dataset, batch)
  return reported(lake, job, await withTask(lake, job, task => merged(task, job)))
}

/**
 * As `cdcApply`, for a state machine that has Athena beside it: a batch that outgrows the function is handed over. The answer then is a
 * statement to run, and this is called again with its `step` afterwards, until the answer is the report.
 */
export async function cdcApplyStep(
  lake: Lake,
  dataset: Dataset,
  { batch, step }: { readonly batch: string; readonly step?: MergeStep | undefined },
): Promise<Applied | HandOver> {
  const done = await readDocument<ChangeReport>(lake, changesUri(lake, dataset.name, batch))
  if (done !== undefined) {
    await clearHandOver(lake, done.table, batch)
    return answerOf(done, { repeated: true })
  }
  const job = await jobOf(lake, dataset, batch)
  const isBegun = step !== undefined || (await isHandedOver(lake, job))
  const result = (isBegun ? undefined : await mergedHere(lake, job)) ?? (await continueHandOver(lake, job, step))
  if ('statement' in result) return result
  const report = await reported(lake, job, result)
  await clearHandOver(lake, job.dataset.name, batch)
  return report
}

/** undefined: it is too much for one function. */
async function mergedHere(lake: Lake, job: Job): Promise<CommitResult | undefined> {
  const bytesMax = job.publish.mergeBytesMax
  try {
    return await withTask(lake, job, task => merged({ ...task, bytesMax }, job))
  } catch (error) {
    if (!isLakeError(error, 'outgrown')) throw error
    lake.log.info('the merge is handed over', { dataset: job.dataset.name, batch: job.batch, ...error.context })
    return undefined
  }
}

async function merged(task: MergeTask, job: Job): Promise<CommitResult> {
  const { lake, dataset, publish } = task
  const options = { commitId: job.commitId, summary: summaryOfJob(job) }
  const result = await commit(lake, dataset.name, options, base => stageMerge(task, base))
  await forgetOld(lake, dataset, publish)
  return result
}
