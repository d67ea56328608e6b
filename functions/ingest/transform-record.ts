import type { PartitionKeys } from '#lake/stream.ts'
import { misfitOf } from '#lake/stream-fit.ts'
import { partitionOf } from '#lake/stream-partition.ts'
import { readRecord, type StreamEvent } from '#lake/stream-record.ts'
import { type StreamDataset, type StreamRouter, unwrapped } from '#lake/stream-route.ts'

/** What becomes of one record. */
export type Transformed =
  | { readonly kind: 'ok'; readonly data: Buffer; readonly keys: PartitionKeys; readonly events: number }
  | { readonly kind: 'dropped'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

export const failed = (reason: string): Transformed => ({ kind: 'failed', reason })

/**
 * One record as lines of its dataset. Firehose delivers a record to one place, so all of its events have to be for one dataset, and the first
 * that fits says which hour. Events that do not fit go along with those that do: `quality` puts them aside with their bytes and
 * the reason. A record without any that fits fails as a whole. Never throws.
 */
export function transformRecord(router: StreamRouter, data: Buffer, arrivalMs: number): Transformed {
  const reading = readRecord(data)
  if (reading.kind === 'none') return { kind: 'dropped', reason: reading.reason }
  if (reading.kind === 'unreadable') return failed(reading.reason)
  const owner = ownerOf(router, reading.dataset, reading.events)
  if (typeof owner === 'string') return failed(owner)
  const events = reading.events.map(event => unwrapped(owner, event))
  if (!events.every(event => event !== undefined)) return failed('no-envelope')
  const judged = events.map(event => ({ event, misfit: misfitOf(owner, event.fields) }))
  const fitting = judged.find(({ misfit }) => misfit === undefined)
  if (fitting === undefined) return failed(judged[0]?.misfit?.reason ?? 'not_object')
  return {
    kind: 'ok',
    data: Buffer.from(`${events.map(({ text }) => text).join('\n')}\n`),
    keys: partitionOf(owner, fitting.event.fields, arrivalMs),
    events: events.length,
  }
}

/** The one dataset of all events, or why there is none. What cannot be read has no say. */
function ownerOf(
  router: StreamRouter,
  named: string | undefined,
  events: readonly StreamEvent[],
): StreamDataset | string {
  if (named !== undefined) return router.named(named) ?? 'no-dataset'
  const readable = events.flatMap(({ fields }) => (fields === undefined ? [] : [router.routed(fields)]))
  if (readable.length === 0) return 'not_object'
  const [first] = readable
  if (first === undefined || readable.includes(undefined)) return 'no-dataset'
  return readable.every(each => each === first) ? first : 'several-datasets'
}
