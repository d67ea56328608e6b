import type { IngestReport } from '#functions/ingest/ingest.ts'
import type { LakeEvent } from '#lake/lake.ts'

/** What happened, for people to watch. */
export type LocalStep =
  | { readonly kind: 'ingested'; readonly report: IngestReport }
  | { readonly kind: 'state'; readonly dataset: string; readonly batch: string; readonly state: string }
  | {
      readonly kind: 'retry'
      readonly dataset: string
      readonly batch: string
      readonly state: string
      readonly error: string
      readonly cause: string
    }
  | { readonly kind: 'event'; readonly event: LakeEvent }
  | { readonly kind: 'notice'; readonly subject: string; readonly message: string }
  | {
      readonly kind: 'finished'
      readonly dataset: string
      readonly batch: string
      readonly status: string
      readonly error?: string
      readonly cause?: string
    }
  /** A state of a compaction was entered, or failed with an error and goes on. */
  | {
      readonly kind: 'compacting'
      readonly table: string
      readonly state: string
      readonly error?: string
      readonly cause?: string
    }
  | {
      readonly kind: 'compacted'
      readonly table: string
      readonly status: string
      readonly error?: string
      readonly cause?: string
    }
  | {
      readonly kind: 'replayed'
      readonly execution: string
      readonly status: string
      readonly error?: string
      readonly cause?: string
    }
  | { readonly kind: 'dead'; readonly message: string; readonly error: string }
