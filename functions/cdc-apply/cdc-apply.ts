import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BatchManifest,
  type ChangeCounts,
  type ChangeReport,
  changesUri,
  datasetInto,
  hashText,
  manifestUri,
  readDocument,
  type StagedChanges,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import type { Lake } from '#lake/lake.ts'
import { countsIn } from './counts.ts'
import { forgetOld } from './forget.ts'
import { stagedLate } from './late.ts'
import { stageMerge } from './merge.ts'
import { openSession, stageChangeFiles } from './staging.ts'

export { type SnapshotRows, type SweepReport, type SweepRequest, snapshotsOf, sweepAbsent } from './sweep.ts'

/** Raised when a batch would give another table than before, so that applying it again is no repetition of its earlier commit. */
const GENERATION = '1'

/** The report without the files that wait for `publish`: their 64-bit sizes do not pass through a state machine. */
export interface Applied extends Omit<ChangeReport, 'quarantine'> {
  /** An earlier run has reported the batch. */
  readonly repeated: boolean
}

/**
 * Folds the change rows of a batch into the table of its dataset: current rows by key, or their history. One commit, whatever the batch
 * holds; applying it again finds that commit and changes nothing. Quarantine, quality results and the commit report are for `publish`.
 */
export async function cdcApply(lake: Lake, dataset: Dataset, input: { readonly batch: string }): Promise<Applied> {
  const { batch } = input
  const done = await readDocument<ChangeReport>(lake, changesUri(lake, dataset.name, batch))
  if (done !== undefined) return answerOf(done, { repeated: true })
  const { manifest, verdict, changes } = await documentsOf(lake, dataset, batch)
  const into = datasetInto(dataset, manifest)
  const rawObjects = verdict.objects.map(each => each.rawObject)
  const commitId = hashText('cdc-apply', GENERATION, into.name, batch, ...rawObjects.toSorted()).slice(0, 40)
  const result = await merged(lake, into, { manifest, verdict, changes, commitId })
  const quarantine = await stagedLate(lake, into.name, batch)
  const report: ChangeReport = {
    batch,
    dataset: dataset.name,
    table: into.name,
    tableUuid: result.table.metadata['table-uuid'],
    commitId,
    snapshotId: String(result.snapshot['snapshot-id']),
    counts: countsOf(verdict, result),
    committedMs: result.snapshot['timestamp-ms'],
    ...newestEventOf(result),
    ...(quarantine === undefined ? {} : { quarantine }),
  }
  const written = await writeDocumentOnce(lake, changesUri(lake, dataset.name, batch), report)
  return answerOf(written, { repeated: written !== report })
}

function answerOf(report: ChangeReport, { repeated }: Pick<Applied, 'repeated'>): Applied {
  const { quarantine: _, ...answer } = report
  return { ...answer, repeated }
}

function newestEventOf({ snapshot }: CommitResult): Pick<ChangeReport, 'newestEventMs'> {
  const newestUs = snapshot.summary['sluice.changes-newest-event-us']
  return newestUs === undefined ? {} : { newestEventMs: Number(BigInt(newestUs) / 1_000n) }
}

interface Documents {
  readonly manifest: BatchManifest
  readonly verdict: Verdict
  readonly changes: StagedChanges
}

async function documentsOf(lake: Lake, dataset: Dataset, batch: string): Promise<Documents> {
  const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, dataset.name, batch))
  const verdict = await readDocument<Verdict>(lake, verdictUri(lake, dataset.name, batch))
  const context = { dataset: dataset.name, batch }
  if (manifest === undefined || verdict === undefined)
    throw new LakeError(
      'not-found',
      `batch ${batch} has no ${manifest === undefined ? 'manifest' : 'verdict'}`,
      context,
    )
  if (verdict.status !== 'pass')
    throw new LakeError('contract-broken', `batch ${batch} was halted and cannot be applied`, context)
  if (verdict.changes === undefined)
    throw new LakeError('contract-broken', `batch ${batch} was decoded as rows, not as changes: replay it`, context)
  return { manifest, verdict, changes: verdict.changes }
}

interface Work {
  readonly manifest: BatchManifest
  readonly verdict: Verdict
  readonly changes: StagedChanges
  readonly commitId: string
}

async function merged(
  lake: Lake,
  dataset: Dataset,
  { manifest, verdict, changes, commitId }: Work,
): Promise<CommitResult> {
  const { publish } = dataset
  if (publish.mode !== 'merge' && publish.mode !== 'history')
    throw new LakeError(
      'contract-broken',
      `${dataset.name} is published by '${publish.mode}', which takes no changes`,
      {
        dataset: dataset.name,
      },
    )
  const folder = join(lake.limits.scratch, `cdc-apply-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await openSession(lake, folder)
  try {
    const files = await stageChangeFiles(lake, session, { changes, folder })
    const task = {
      lake,
      session,
      dataset,
      publish,
      batch: verdict.batch,
      objects: manifest.objects,
      folder,
      changes: files,
    }
    const summary = { 'sluice.batch': verdict.batch, 'sluice.raw-objects': String(verdict.objects.length) }
    const result = await commit(lake, dataset.name, { commitId, summary }, base => stageMerge(task, base))
    await forgetOld(lake, dataset, publish)
    return result
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** With what quality said of the records before: those that are no rows, and those that it refused. */
function countsOf({ objects, changes }: Verdict, { snapshot }: CommitResult): ChangeCounts {
  const total = (of: (each: Verdict['objects'][number]) => number): number =>
    objects.reduce((sum, each) => sum + of(each), 0)
  const { late, skipped, ...folded } = countsIn(snapshot.summary)
  return {
    received: total(each => each.read - (each.elsewhere ?? 0)) + (changes?.swept ?? 0),
    ...folded,
    skipped: skipped + total(each => each.skipped ?? 0),
    deadLetters: late + total(each => each.quarantined),
  }
}
