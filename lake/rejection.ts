import type { Lake, Uri } from './lake.ts'

/** What ingest could not take and why: `ops/dead-letters/ingest/<id>.json`. Bytes stay where they are, in landing. */
export interface Rejection {
  readonly reason: string
  readonly message: string
  readonly recordedMs: number
  readonly sourceUri?: Uri
  readonly sourceVersion?: string
  /** The queue message as it came, cut at 64 KB. */
  readonly body?: string
  /** Somebody has decided: it was sent again, or is not wanted. Rejected once more, it is as open as before. */
  readonly settled?: { readonly how: 'redriven' | 'dropped'; readonly atMs: number }
}

export const rejectionsPrefix = (lake: Pick<Lake, 'zones'>): Uri => `${lake.zones.ops}/dead-letters/ingest/`
export const rejectionUri = (lake: Pick<Lake, 'zones'>, id: string): Uri => `${rejectionsPrefix(lake)}${id}.json`
