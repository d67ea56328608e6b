import {
  type BatchManifest,
  type CommitReport,
  manifestUri,
  type QualityVerdict,
  type Verdict,
  verdictUri,
} from './batch.ts'
import type { Lake, LakeEvent, TableName, Uri } from './lake.ts'

/** EventBridge `source` of everything that Sluice publishes; adapters set it, rules match on it. */
export const EVENT_SOURCE = 'sluice'

/** EventBridge `detail-type`s, as rules spell them. */
export const RAW_BATCH_READY = 'Raw Batch Ready'
export const TABLE_COMMITTED = 'Table Committed'
export const BATCH_REJECTED = 'Batch Rejected'
export const TABLE_COMPACTED = 'Table Compacted'
export const DATASET_STATUS_CHANGED = 'Dataset Status Changed'
export const REPLAY_FINISHED = 'Replay Finished'
export const LAKE_RECONCILED = 'Lake Reconciled'
/** As AWS Glue Data Quality calls it, so that rules written for it need another source and nothing else. */
export const QUALITY_EVALUATED = 'Data Quality Evaluation Results Available'

/** A batch manifest stands in `ops/`: the raw objects can be refined. */
export interface RawBatchReady {
  readonly dataset: string
  readonly batch: string
  readonly manifest: Uri
  readonly objects: number
  readonly bytes: number
}

/** A table has a new snapshot. Counts are of this commit; `smallFiles` and `compactionDue` are of the table after it. */
export interface TableCommitted {
  readonly dataset: string
  readonly table: TableName
  readonly batch: string
  readonly commitId: string
  /** Decimal text of the 64-bit id: JSON numbers would round it. */
  readonly snapshotId: string
  readonly rows: number
  readonly quarantined: number
  readonly smallFiles: number
  /** Some partition has as many small files as the dataset's `compaction.minFiles`, or a file has too many deletes. */
  readonly compactionDue: boolean
}

/** A quality rule halted the batch: nothing of it is in the table. */
export interface BatchRejected {
  readonly dataset: string
  readonly batch: string
  readonly reason: string
  readonly verdict: Uri
}

/**
 * The rules of a dataset were evaluated over a batch. The fields are those of Glue's real events, whose names differ from its documentation
 * (https://docs.aws.amazon.com/glue/latest/dg/data-quality-alerts.html says `rulesSucceeded`); the last three are Sluice's own.
 */
export interface QualityEvaluated {
  readonly context: {
    readonly contextType: 'GLUE_JOB'
    readonly jobId: string
    readonly jobName: string
    readonly evaluationContext: string
  }
  readonly resultId: string
  readonly rulesetNames: readonly string[]
  /** FAILED when any rule did not pass; a batch may be published all the same. */
  readonly state: 'SUCCEEDED' | 'FAILED'
  readonly score: number
  readonly numRulesSucceeded: number
  readonly numRulesFailed: number
  readonly numRulesSkipped: number
  readonly dataset: string
  readonly batch: string
  readonly verdict: Uri
}

/** Rows of a table are in other files now. Nothing that follows a table's rows has to do with it, and it starts no compaction. */
export interface TableCompacted {
  readonly table: TableName
  readonly run: string
  /** Decimal text; several after partial progress. */
  readonly snapshotIds: readonly string[]
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** Groups that were left as they are, because somebody else changed their files meanwhile. */
  readonly groupsGivenUp: number
}

export type DatasetStatus = 'ok' | 'warning' | 'alarm'

/** The watch found a dataset in another state than before: late, incomplete, or well again. */
export interface DatasetStatusChanged {
  readonly dataset: string
  readonly status: DatasetStatus
  readonly was: DatasetStatus
  readonly findings: readonly {
    readonly level: 'alarm' | 'warning'
    readonly code: string
    readonly message: string
    readonly next: string
  }[]
}

/** A replay is through all of its batches, or was paused or stopped on the way. Counts are of all its executions together. */
export interface ReplayFinished {
  readonly replay: string
  readonly dataset: string
  readonly table: TableName
  readonly items: number
  readonly committed: number
  readonly halted: number
  readonly failed: number
  readonly waiting: number
  readonly rows: number
  readonly quarantined: number
}

/** Landing and raw were compared with what accounts for them, and something was amiss. What can be taken up again is on its way. */
export interface LakeReconciled {
  readonly unaccounted: number
  /** Objects in landing that nobody had taken. */
  readonly landing: number
  readonly datasets: readonly {
    readonly dataset: string
    readonly unbatched: number
    readonly unrefined: number
    readonly vanished: number
    /** Of these: what one repair after the other has failed on. */
    readonly givenUp: number
    readonly replay?: string
  }[]
  readonly report: Uri
}

/** An event of one known type; assignable to `LakeEvent`. */
export interface TypedEvent<Type extends string, Detail> extends LakeEvent {
  readonly 'detail-type': Type
  readonly detail: Readonly<Record<string, unknown>> & Detail
}

export function rawBatchReady(lake: Lake, batch: BatchManifest): TypedEvent<typeof RAW_BATCH_READY, RawBatchReady> {
  return {
    'detail-type': RAW_BATCH_READY,
    detail: {
      dataset: batch.dataset,
      batch: batch.id,
      manifest: manifestUri(lake, batch.dataset, batch.id),
      objects: batch.objects.length,
      bytes: batch.objects.reduce((sum, object) => sum + object.bytes, 0),
    },
  }
}

/** `smallFiles` and `compactionDue` come from the table as it is, everything else from the report. */
export function tableCommitted(
  report: CommitReport,
  options: { readonly table: TableName; readonly smallFiles: number; readonly compactionDue: boolean },
): TypedEvent<typeof TABLE_COMMITTED, TableCommitted> {
  const count = (of: 'applied' | 'quarantined'): number => report.objects.reduce((sum, each) => sum + each[of], 0)
  return {
    'detail-type': TABLE_COMMITTED,
    detail: {
      dataset: report.dataset,
      table: options.table,
      batch: report.batch,
      commitId: report.commitId,
      snapshotId: report.snapshotId,
      rows: count('applied'),
      quarantined: count('quarantined'),
      smallFiles: options.smallFiles,
      compactionDue: options.compactionDue,
    },
  }
}

export function batchRejected(lake: Lake, verdict: Verdict): TypedEvent<typeof BATCH_REJECTED, BatchRejected> {
  return {
    'detail-type': BATCH_REJECTED,
    detail: {
      dataset: verdict.dataset,
      batch: verdict.batch,
      reason: verdict.reason ?? 'halted by a quality rule',
      verdict: verdictUri(lake, verdict.dataset, verdict.batch),
    },
  }
}

export function qualityEvaluated(
  lake: Lake,
  { dataset, batch, quality }: Pick<Verdict, 'dataset' | 'batch'> & { readonly quality: QualityVerdict },
): TypedEvent<typeof QUALITY_EVALUATED, QualityEvaluated> {
  const passed = quality.rules.filter(rule => rule.outcome === 'Passed').length
  const failed = quality.rules.length - passed
  return {
    'detail-type': QUALITY_EVALUATED,
    detail: {
      context: { contextType: 'GLUE_JOB', jobId: batch, jobName: 'quality', evaluationContext: dataset },
      resultId: batch,
      rulesetNames: [dataset],
      state: failed === 0 ? 'SUCCEEDED' : 'FAILED',
      score: quality.score,
      numRulesSucceeded: passed,
      numRulesFailed: failed,
      // A rule that cannot be evaluated has failed, and none is left out.
      numRulesSkipped: 0,
      dataset,
      batch,
      verdict: verdictUri(lake, dataset, batch),
    },
  }
}

/** What of a compaction's report goes into its event. */
interface Compacted {
  readonly table: TableName
  readonly run: string
  readonly snapshotIds: readonly string[]
  readonly before: { readonly files: number; readonly bytes: number }
  readonly after: { readonly files: number; readonly bytes: number }
  readonly givenUp: readonly unknown[]
}

export function tableCompacted(report: Compacted): TypedEvent<typeof TABLE_COMPACTED, TableCompacted> {
  return {
    'detail-type': TABLE_COMPACTED,
    detail: {
      table: report.table,
      run: report.run,
      snapshotIds: report.snapshotIds,
      filesBefore: report.before.files,
      filesAfter: report.after.files,
      bytesBefore: report.before.bytes,
      bytesAfter: report.after.bytes,
      groupsGivenUp: report.givenUp.length,
    },
  }
}

export function datasetStatusChanged(
  change: DatasetStatusChanged,
): TypedEvent<typeof DATASET_STATUS_CHANGED, DatasetStatusChanged> {
  return { 'detail-type': DATASET_STATUS_CHANGED, detail: { ...change } }
}

export function replayFinished(report: ReplayFinished): TypedEvent<typeof REPLAY_FINISHED, ReplayFinished> {
  const { replay, dataset, table, items, committed, halted, failed, waiting, rows, quarantined } = report
  return {
    'detail-type': REPLAY_FINISHED,
    detail: { replay, dataset, table, items, committed, halted, failed, waiting, rows, quarantined },
  }
}

export function lakeReconciled(found: LakeReconciled): TypedEvent<typeof LAKE_RECONCILED, LakeReconciled> {
  return { 'detail-type': LAKE_RECONCILED, detail: { ...found } }
}
