import type { QualityVerdict, Verdict } from '#lake/batch.ts'
import { qualityEvaluated } from '#lake/events.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import type { Lake } from '#lake/lake.ts'
import { recordRun } from '#lake/quality-history.ts'
import { placeStaged } from './place.ts'

/**
 * What the rules said, for everyone to see: rows of the results table, a run in the quality history and an event. Of a halted batch this is
 * all that is written. Repeating it changes nothing: the commit has an id, the run is written once, and the event may come twice.
 */
export async function recordQuality(lake: Lake, verdict: Verdict, commitId: string): Promise<void> {
  const { quality } = verdict
  if (quality === undefined) return
  // A ruleset of analyzers alone has no rules to tell of.
  if (quality.results.files.length > 0) await publishResults(lake, { verdict, results: quality.results, commitId })
  await recordRun(lake, verdict)
  await lake.bus.publish([qualityEvaluated(lake, { ...verdict, quality })])
}

interface Results {
  readonly verdict: Verdict
  readonly results: QualityVerdict['results']
  readonly commitId: string
}

/** A batch has one verdict, so its rows never replace others: a plain append, after which no file of the table need be looked at. */
async function publishResults(lake: Lake, { verdict, results, commitId }: Results): Promise<CommitResult> {
  const { batch, dataset } = verdict
  const { table, tableUuid, files } = results
  const summary = { 'sluice.batch': batch, 'sluice.dataset': dataset }
  const placed = await placeStaged(lake, { table, tableUuid, files, batch, rawObjects: [], summary, commitId })
  return commit(lake, table, { commitId, summary }, () => stageAppend(placed))
}
