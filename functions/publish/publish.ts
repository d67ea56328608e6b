import {
  type BatchManifest,
  type CommitReport,
  commitUri,
  datasetInto,
  hashText,
  manifestUri,
  type ObjectOutcome,
  readDocument,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import { type TableCommitted, tableCommitted } from '#lake/events.ts'
import type { CommitResult } from '#lake/iceberg/commit.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { QUALITY_RESULTS } from '#lake/quality-results.ts'
import { compactionDue, isSmall } from '#lake/small-files.ts'
import { publishAppend } from './append.ts'
import { publishOnce } from './append-once.ts'
import { appliedChanges } from './changes.ts'
import { recordQuality } from './record.ts'
import { lateRows, publishReplace, supersede } from './replace.ts'
import { type PublishedSelection, publishSelection } from './selection.ts'

export interface PublishReport {
  readonly dataset: string
  readonly batch: string
  /** Decimal text of the 64-bit id; undefined of a batch that was halted, of which only what the rules said is recorded. */
  readonly snapshotId: string | undefined
  readonly rows: number
}

/** Raised when a batch would give other rows than before, so that publishing it again is no repetition of its earlier commit. */
const GENERATION = '1'

/**
 * Commits what passed the gate, one commit for the table, after one for its quarantine: a refused record counts only beside
 * rows that are there. Publishing a batch again finds its commits in the tables' history and changes nothing.
 */
export async function publish(lake: Lake, dataset: Dataset, input: { readonly batch: string }): Promise<PublishReport> {
  const done = await readDocument<CommitReport>(lake, commitUri(lake, dataset.name, input.batch))
  const report = done ?? (await commitBatch(lake, dataset, input.batch))
  if (report === undefined) return { dataset: dataset.name, batch: input.batch, snapshotId: undefined, rows: 0 }
  const files = await filesOf(lake, dataset, report.table)
  await lake.bus.publish([tableCommitted(report, { table: report.table, ...files })])
  return {
    dataset: dataset.name,
    batch: report.batch,
    snapshotId: report.snapshotId,
    rows: report.objects.reduce((sum, each) => sum + each.applied, 0),
  }
}

/** undefined when the gate halted the batch. */
async function commitBatch(lake: Lake, dataset: Dataset, batch: string): Promise<CommitReport | undefined> {
  const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, dataset.name, batch))
  const verdict = await readDocument<Verdict>(lake, verdictUri(lake, dataset.name, batch))
  if (manifest === undefined || verdict === undefined)
    throw new LakeError('not-found', `batch ${batch} has no ${manifest === undefined ? 'manifest' : 'verdict'}`, {
      dataset: dataset.name,
      batch,
    })
  const { quality } = verdict
  // Records that are judged again are in quarantine as they were: their rules had nothing new to say.
  if (verdict.status !== 'pass' && manifest.selection !== undefined) return undefined
  if (verdict.status !== 'pass' && quality === undefined)
    throw new LakeError('contract-broken', `batch ${batch} was halted and cannot be published`, {
      dataset: dataset.name,
      batch,
    })
  const contribution = {
    batch,
    rawObjects: verdict.objects.map(each => each.rawObject),
    summary: summaryOf(dataset, verdict),
  }
  const results = commitIdOf(QUALITY_RESULTS, contribution)
  if (verdict.status !== 'pass') {
    await recordQuality(lake, verdict, results)
    return undefined
  }
  const into = datasetInto(dataset, manifest)
  const { quarantine, target, objects, settled, changes } = await publishTables(lake, into, {
    manifest,
    verdict,
    contribution,
  })
  await recordQuality(lake, verdict, results)
  const report: CommitReport = {
    batch,
    dataset: dataset.name,
    table: into.name,
    tableUuid: target.table.metadata['table-uuid'],
    commitId: commitIdOf(into.name, contribution),
    snapshotId: String(target.snapshot['snapshot-id']),
    quarantineSnapshotId: quarantine && String(quarantine.snapshot['snapshot-id']),
    objects,
    committedMs: target.snapshot['timestamp-ms'],
    ...changes,
    ...(settled === undefined ? {} : { settled }),
  }
  return writeDocumentOnce(lake, commitUri(lake, dataset.name, batch), report)
}

export interface Contribution {
  readonly batch: string
  /** Ids of the raw objects whose rows the commit brings; what they brought before goes. */
  readonly rawObjects: readonly string[]
  readonly summary: Readonly<Record<string, string>>
}

interface BatchWork {
  readonly manifest: BatchManifest
  readonly verdict: Verdict
  readonly contribution: Contribution
}

async function publishTables(lake: Lake, dataset: Dataset, work: BatchWork): Promise<PublishedSelection> {
  if (work.manifest.selection !== undefined) return publishSelection(lake, dataset, { ...work, commitIdOf })
  const quarantine = await publishQuarantine(lake, dataset, work)
  const { result, ...published } = await publishTarget(lake, dataset, work)
  return { target: result, quarantine, ...published }
}

/** Without refused records there is nothing to write, but an earlier run of these objects may have left some. */
async function publishQuarantine(
  lake: Lake,
  dataset: Dataset,
  { verdict, contribution }: BatchWork,
): Promise<CommitResult | undefined> {
  const name = quarantineTableName(dataset)
  const late = isOfChanges(dataset)
    ? (await appliedChanges(lake, verdict.dataset, verdict.batch)).report.quarantine
    : undefined
  const staged = verdict.quarantine ?? late
  if (staged === undefined && (await loadTable(lake, name)) === undefined) return undefined
  return publishAppend(lake, {
    ...contribution,
    table: name,
    tableUuid: staged?.tableUuid,
    files: [...(verdict.quarantine?.files ?? []), ...(late?.files ?? [])],
    commitId: commitIdOf(name, contribution),
  })
}

const isOfChanges = ({ publish: { mode } }: Dataset): boolean => mode === 'merge' || mode === 'history'

async function publishTarget(lake: Lake, dataset: Dataset, { verdict, contribution }: BatchWork): Promise<Published> {
  const { table, tableUuid, files } = verdict.target
  const work = { ...contribution, table, tableUuid, files, commitId: commitIdOf(table, contribution) }
  if (dataset.publish.mode === 'append') {
    const { dedupe } = dataset.publish
    const result = await (dedupe ? publishOnce(lake, work, dedupe) : publishAppend(lake, work))
    return { result, objects: supersede(verdict.objects, lateRows(result.snapshot.summary)) }
  }
  if (dataset.publish.mode === 'replace')
    return publishReplace(lake, work, { scope: dataset.publish.scope, objects: verdict.objects })
  const { result, report } = await appliedChanges(lake, verdict.dataset, verdict.batch)
  return { result, objects: verdict.objects, changes: { commitId: report.commitId, changes: report.counts } }
}

interface Published {
  readonly result: CommitResult
  readonly objects: readonly ObjectOutcome[]
  /** Of a table that change events feed, whose commit is that of `cdc-apply`. */
  readonly changes?: Required<Pick<CommitReport, 'commitId' | 'changes'>>
}

/**
 * H(table, sorted inputs, code generation): the same work always has the same id. The batch is part of
 * it, because the same objects in another batch are work of their own: a replay after the contract was mended.
 */
function commitIdOf(table: string, { batch, rawObjects }: Contribution): string {
  return hashText('publish', GENERATION, table, batch, ...rawObjects.toSorted()).slice(0, 40)
}

function summaryOf(dataset: Dataset, verdict: Verdict): Readonly<Record<string, string>> {
  const total = (of: 'read' | 'applied' | 'quarantined' | 'superseded' | 'suppressed'): string =>
    String(verdict.objects.reduce((sum, each) => sum + (each[of] ?? 0), 0))
  return {
    'sluice.batch': verdict.batch,
    'sluice.raw-objects': String(verdict.objects.length),
    'sluice.contract-version': String(dataset.contract.version),
    'sluice.records-read': total('read'),
    'sluice.records-applied': total('applied'),
    'sluice.records-quarantined': total('quarantined'),
    'sluice.records-superseded': total('superseded'),
    'sluice.records-suppressed': total('suppressed'),
  }
}

/** Of all partitions, because late data makes small files in any of them; without statistics a plan of many files takes a second or two. */
async function filesOf(
  lake: Lake,
  dataset: Dataset,
  name: string,
): Promise<Pick<TableCommitted, 'smallFiles' | 'compactionDue'>> {
  const table = await loadTable(lake, name)
  const files = table === undefined ? [] : await liveFiles(lake, table)
  const smallFiles = files.filter(file => isSmall(file, dataset.compaction)).length
  return { smallFiles, compactionDue: compactionDue(files, dataset.compaction) }
}
