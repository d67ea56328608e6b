import { BATCH_REJECTED, RAW_BATCH_READY, TABLE_COMMITTED } from '#lake/events.ts'

/** `detail-type` of the event that `refine` publishes when it gives up: the batch is neither in the table nor rejected. */
export const BATCH_FAILED = 'Batch Failed'

/** A batch could not be refined after all retries. Its verdict and commit are written once, so it may simply be started again. */
export interface BatchFailed {
  readonly dataset: string
  readonly batch: string
  readonly stage: 'quality' | 'publish' | 'route' | 'announce'
  readonly error: string
  readonly cause: string
  /** ARN of the execution of `refine`. */
  readonly execution: string
}

/** Every `detail-type` on Sluice's bus: published by code (`lake/events.ts`) or by a workflow. */
export const DETAIL_TYPES = [RAW_BATCH_READY, TABLE_COMMITTED, BATCH_REJECTED, BATCH_FAILED] as const
