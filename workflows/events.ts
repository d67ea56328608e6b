import {
  BATCH_REJECTED,
  type BatchRejected,
  RAW_BATCH_READY,
  type RawBatchReady,
  TABLE_COMMITTED,
} from '#lake/events.ts'

/** `detail-type` of the event that `refine` publishes when it gives up: the batch is neither in the table nor rejected. */
export const BATCH_FAILED = 'Batch Failed'

/** A batch could not be refined after all retries. `sluice replay` or a redrive of the execution starts it again. */
export interface BatchFailed {
  readonly dataset: string
  readonly batch: string
  readonly stage: 'quality' | 'publish' | 'route' | 'announce'
  readonly error: string
  readonly cause: string
  /** ARN of the execution of `refine`. */
  readonly execution: string
}

/** Every `detail-type` on Sluice's bus: by code (`lake/events.ts`) or by a workflow. */
export const DETAIL_TYPES = [RAW_BATCH_READY, TABLE_COMMITTED, BATCH_REJECTED, BATCH_FAILED] as const

/** What `refine` is started with: EventBridge's envelope around "Raw Batch Ready". */
export interface RefineInput {
  readonly source: string
  readonly 'detail-type': typeof RAW_BATCH_READY
  readonly detail: RawBatchReady
}

/** A JSON template of the workflow language that gives a `T` when it is evaluated. */
export type Templated<T> = { readonly [Field in keyof T]: string }
export type { BatchRejected }
