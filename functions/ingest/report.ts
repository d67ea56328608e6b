import type { RawBatchReady } from '#lake/events.ts'

/**
 * Every record of the event is counted in exactly one of the numbers from `landed` to `failed`; `records` is their sum. An object of stream errors
 * counts once for each dataset that has records in it.
 */
export interface IngestReport {
  readonly records: number
  /** Copied into raw and put into a batch. */
  readonly landed: number
  /** The same bytes under the same key as an earlier version: in raw, not in a batch. */
  readonly duplicates: number
  /** Delivered before, or twice in this event. */
  readonly suppressed: number
  /** Overwritten or deleted before it could be read. */
  readonly superseded: number
  /** Put aside with a reason, in `ops/dead-letters/ingest/`. */
  readonly rejected: number
  readonly ignored: number
  /** Outside the landing zone: a matter of security. */
  readonly refused: number
  /** To be delivered again. */
  readonly failed: number
  /** Of the ignored, refused and rejected. */
  readonly reasons: Readonly<Record<string, number>>
  /** Announced by this run, those again that an earlier run left without a commit. */
  readonly batches: readonly RawBatchReady[]
}

/** The answer that SQS wants (ReportBatchItemFailures): the messages to deliver again. */
export interface BatchItemFailures {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}
