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
import type { ChangePublish } from '#lake/dataset-change-publish.ts'
import { LakeError } from '#lake/errors.ts'
import type { CommitResult } from '#lake/iceberg/commit.ts'
import type { Lake } from '#lake/lake.ts'
import { countsIn } from './counts.ts'
import { stagedLate } from './late.ts'
import { openSession, stageChangeFiles } from './staging.ts'
import type { MergeTask } from './task.ts'

/** Raised when a batch would give another table than before, so that applying it again is no repetition of its earlier commit. */
const GENERATION = '1'

/** One batch of change rows, and where it goes. */
export interface Job {
  /** By whose name the documents of the batch are kept. */
  readonly owner: string
  readonly dataset: Dataset
  readonly publish: ChangePublish
  readonly batch: string
  readonly manifest: BatchManifest
  readonly verdict: Verdict
  readonly changes: StagedChanges
  /** Of the commit that brings the batch into the table; of a batch that is handed over, of the one that closes it. */
  readonly commitId: string
}

export async function jobOf(lake: Lake, owner: Dataset, batch: string): Promise<Job> {
  const { manifest, verdict, changes } = await documentsOf(lake, owner, batch)
  const dataset = datasetInto(owner, manifest)
  const { publish } = dataset
  if (publish.mode !== 'merge' && publish.mode !== 'history')
    throw new LakeError(
      'contract-broken',
      `${dataset.name} is published by '${publish.mode}', which takes no changes`,
      { dataset: dataset.name },
    )
  const rawObjects = verdict.objects.map(each => each.rawObject)
  const commitId = hashText('cdc-apply', GENERATION, dataset.name, batch, ...rawObjects.toSorted()).slice(0, 40)
  return { owner: owner.name, dataset, publish, batch, manifest, verdict, changes, commitId }
}

type Documents = Pick<Job, 'manifest' | 'verdict' | 'changes'>

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

/** Does work on the change rows of the batch, in a session and a folder that end with it. */
export async function withTask<T>(
  lake: Lake,
  { dataset, publish, batch, manifest, changes }: Job,
  work: (task: MergeTask) => Promise<T>,
): Promise<T> {
  const folder = join(lake.limits.scratch, `cdc-apply-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await openSession(lake, folder)
  try {
    const files = await stageChangeFiles(lake, session, { changes, folder })
    const bytesMax = Number.POSITIVE_INFINITY
    const { objects } = manifest
    return await work({ lake, session, dataset, publish, batch, objects, folder, changes: files, bytesMax })
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What the snapshot says beside the counts. */
export const summaryOfJob = ({ batch, verdict }: Job): Readonly<Record<string, string>> => ({
  'sluice.batch': batch,
  'sluice.raw-objects': String(verdict.objects.length),
})

/** The report without the files that wait for `publish`: their 64-bit sizes do not pass through a state machine. */
export interface Applied extends Omit<ChangeReport, 'quarantine'> {
  /** An earlier run has reported the batch. */
  readonly repeated: boolean
}

export function answerOf(report: ChangeReport, { repeated }: Pick<Applied, 'repeated'>): Applied {
  const { quarantine: _, ...answer } = report
  return { ...answer, repeated }
}

export async function reported(lake: Lake, job: Job, result: CommitResult): Promise<Applied> {
  const { owner, dataset, batch, commitId } = job
  const quarantine = await stagedLate(lake, dataset.name, batch)
  const report: ChangeReport = {
    batch,
    dataset: owner,
    table: dataset.name,
    tableUuid: result.table.metadata['table-uuid'],
    commitId,
    snapshotId: String(result.snapshot['snapshot-id']),
    counts: countsOf(job.verdict, result),
    committedMs: result.snapshot['timestamp-ms'],
    ...newestEventOf(result),
    ...(quarantine === undefined ? {} : { quarantine }),
  }
  const written = await writeDocumentOnce(lake, changesUri(lake, owner, batch), report)
  return answerOf(written, { repeated: written !== report })
}

function newestEventOf({ snapshot }: CommitResult): Pick<ChangeReport, 'newestEventMs'> {
  const newestUs = snapshot.summary['sluice.changes-newest-event-us']
  return newestUs === undefined ? {} : { newestEventMs: Number(BigInt(newestUs) / 1_000n) }
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
