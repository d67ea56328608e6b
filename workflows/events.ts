import {
  BATCH_REJECTED,
  DATASET_STATUS_CHANGED,
  LAKE_RECONCILED,
  QUALITY_EVALUATED,
  RAW_BATCH_READY,
  REPLAY_FINISHED,
  TABLE_COMMITTED,
  TABLE_COMPACTED,
} from '#lake/events.ts'

/** `detail-type` of the event that `refine` publishes when it gives up: the batch is neither in the table nor rejected. */
export const BATCH_FAILED = 'Batch Failed'

/** A batch could not be refined after all retries. Its verdict and commit are written once, so it may simply be started again. */
export interface BatchFailed {
  readonly dataset: string
  readonly batch: string
  readonly stage: 'quality' | 'cdc-apply' | 'publish' | 'route' | 'announce'
  readonly error: string
  readonly cause: string
  /** ARN of the execution of `refine`. */
  readonly execution: string
}

/** `detail-type` of the event that `compact` publishes when groups or steps of it failed. The table is as readable as before. */
export const COMPACTION_FAILED = 'Compaction Failed'

/** Groups that were finished are committed all the same; whatever was left out is small files as before, and due again. */
export interface CompactionFailed {
  readonly table: string
  /** Empty when the plan itself failed. */
  readonly run: string
  readonly stage: 'plan' | 'rewrite' | 'commit'
  readonly error: string
  readonly cause: string
  /** ARN of the execution of `compact`. */
  readonly execution: string
}

/** `detail-type` of the event that `maintain` publishes when a step failed for some of its tables. */
export const MAINTENANCE_FAILED = 'Maintenance Failed'

/** The other tables were maintained. Each step may be repeated: nothing is half done that the next run does not finish. */
export interface MaintenanceFailed {
  /** Names, with commas between them. */
  readonly tables: string
  readonly error: string
  readonly cause: string
  /** ARN of the execution of `maintain`. */
  readonly execution: string
}

/** `detail-type` of the event that `replay` publishes when some of its batches failed, or all of it. */
export const REPLAY_FAILED = 'Replay Failed'

/** What is committed stays. The report names the batches; resuming the replay tries them again. */
export interface ReplayFailed {
  readonly replay: string
  readonly error: string
  readonly cause: string
  /** ARN of the execution of `replay`. */
  readonly execution: string
}

/** Every `detail-type` on Sluice's bus: published by code (`lake/events.ts`) or by a workflow. */
export const DETAIL_TYPES = [
  RAW_BATCH_READY,
  TABLE_COMMITTED,
  BATCH_REJECTED,
  QUALITY_EVALUATED,
  BATCH_FAILED,
  TABLE_COMPACTED,
  COMPACTION_FAILED,
  MAINTENANCE_FAILED,
  REPLAY_FINISHED,
  REPLAY_FAILED,
  LAKE_RECONCILED,
  DATASET_STATUS_CHANGED,
] as const
