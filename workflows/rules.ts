import { EVENT_SOURCE, RAW_BATCH_READY } from '#lake/events.ts'

/** An EventBridge pattern: the leaves are arrays of values or operators, any of which may match. */
export type EventPattern = { readonly [field: string]: EventPattern | readonly unknown[] }

/**
 * An object was written to the landing bucket. The bucket is pinned by name, so that what Sluice itself writes to its
 * other zones can never start `ingest` again. Once EventBridge is switched on, a bucket sends every kind of event
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html): deletions, tags and restores are left out here.
 */
export const landingObjectCreated = (bucket: string): EventPattern => ({
  source: ['aws.s3'],
  'detail-type': ['Object Created'],
  detail: { bucket: { name: [bucket] } },
})

/** `ingest` has written a batch manifest: `refine` may start. On Sluice's own bus. */
export const rawBatchReady: EventPattern = {
  source: [EVENT_SOURCE],
  'detail-type': [RAW_BATCH_READY],
  detail: { dataset: [{ exists: true }], batch: [{ exists: true }] },
}
