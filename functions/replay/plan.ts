import { type BatchLimits, batchCuts } from '#lake/batch-limits.ts'
import { PRICES } from '#lake/prices.ts'
import type { Estimate, ListedObject } from '#lake/replay-documents.ts'

/** Objects of one batch. */
export interface PlannedItem {
  readonly objects: readonly ListedObject[]
  readonly bytes: number
}

/** Cuts objects into batches in the order in which they come, which is that of their landing; holds one batch at a time. */
export async function* planItems(
  objects: AsyncIterable<ListedObject>,
  limits?: BatchLimits,
): AsyncGenerator<PlannedItem> {
  const begins = batchCuts(limits)
  let open: ListedObject[] = []
  for await (const object of objects) {
    if (begins(object.bytes) && open.length > 0) {
      yield itemOf(open)
      open = []
    }
    open.push(object)
  }
  if (open.length > 0) yield itemOf(open)
}

const itemOf = (objects: readonly ListedObject[]): PlannedItem => ({
  objects,
  bytes: objects.reduce((sum, object) => sum + object.bytes, 0),
})

// --- Cost ----------------------------------------------------------------------------------------------------------

/** The memory of the functions, as stacks/plan.ts deploys them, in GB of 1,024 MB. */
const GB = { quality: 3_538 / 1_024, publish: 1_769 / 1_024, replay: 1_769 / 1_024 } as const
/** Of the raw object as it is stored: a quarter of what two cores do with gzipped NDJSON from local disk (`npm run bench`), because S3 is slower. */
const QUALITY_BYTES_PER_SECOND = 8_000_000
/** What is published is copied inside S3, but files that hold earlier rows of the objects are written anew. */
const PUBLISH_BYTES_PER_SECOND = 25_000_000
/** Start of a process, documents, the table's metadata. */
const SECONDS = { quality: 4, publish: 4, replay: 1 } as const
/** The function of the replay is asked before a batch and after it. */
const REPLAY_CALLS = 2
/** States of one batch that is published, and of the machine around all of them. */
const TRANSITIONS = { item: 8, run: 6 } as const
/** A HEAD and a staged read of each object; documents, staged files and their copies, metadata. */
const READS = { object: 3, item: 40 } as const
const WRITES_PER_ITEM = 25

/** What a replay costs on AWS: an estimate on the dear side, of Lambda, Step Functions and S3 requests. Storage of new files comes on top. */
export function estimate(amount: {
  readonly objects: number
  readonly bytes: number
  readonly items: number
}): Estimate {
  const { objects, bytes, items } = amount
  if (objects === 0) return { gbSeconds: 0, dollars: 0 }
  const gbSeconds =
    items * (SECONDS.quality * GB.quality + SECONDS.publish * GB.publish + REPLAY_CALLS * SECONDS.replay * GB.replay) +
    (bytes / QUALITY_BYTES_PER_SECOND) * GB.quality +
    (bytes / PUBLISH_BYTES_PER_SECOND) * GB.publish
  const dollars =
    gbSeconds * PRICES.lambdaGbSecond +
    items * (REPLAY_CALLS + 2) * PRICES.lambdaRequest +
    (items * TRANSITIONS.item + TRANSITIONS.run) * PRICES.stateTransition +
    (objects * READS.object + items * READS.item) * PRICES.s3Read +
    items * WRITES_PER_ITEM * PRICES.s3Write
  return { gbSeconds: Math.round(gbSeconds), dollars }
}
