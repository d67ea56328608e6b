import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { RawBatchReady } from '#lake/events.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { router, sharers } from '#lake/route.ts'
import { isStreamError } from '#lake/stream.ts'
import { streamRouter } from '#lake/stream-route.ts'
import { byteGate } from './byte-gate.ts'
import { rejectMessage } from './dead-letter.ts'
import { type Arrival, DIRECT, type EventReading, readEvent } from './event.ts'
import { ingestRecords } from './ingest-records.ts'
import { type Landing, land } from './land.ts'
import { landDiscarded } from './land-discarded.ts'
import { landErrors } from './land-errors.ts'
import { printable } from './printable.ts'
import { makeReady, makeShared, type Unbatched } from './ready.ts'
import { readRecords } from './record-event.ts'
import type { BatchItemFailures, IngestReport } from './report.ts'

export type { BatchItemFailures, IngestReport } from './report.ts'

const OBJECTS_AT_ONCE = 8
/** Half of the 10 GB that a Lambda's disk may have; one object may be larger, then it is staged alone. */
const STAGED_BYTES_MAX = 5_000_000_000

interface Landed {
  readonly arrival: Arrival
  readonly landing: Landing
}

/**
 * Landing objects of one S3 event become raw objects and batches of them, each version once, however often and in whatever
 * order events arrive. Failures that may heal are handed back to the queue; without a queue the first one is thrown.
 */
export async function ingest(
  lake: Lake,
  datasets: readonly Dataset[],
  event: unknown,
  options: { readonly account?: string } = {},
): Promise<IngestReport & BatchItemFailures> {
  const records = readRecords(event)
  if (records !== undefined) return ingestRecords(lake, datasets, records)
  const route = router(datasets)
  const reading = readEvent(event, { landing: lake.zones.landing, ...options })
  warnOfRefused(lake, reading)
  const unread = await rejectInvalid(lake, reading)
  const hold = byteGate(STAGED_BYTES_MAX)
  const streams = streamRouter(datasets)
  const landed = await mapParallel(reading.arrivals, OBJECTS_AT_ONCE, async arrival => {
    const landings = isStreamError(arrival.key)
      ? await landErrors(lake, arrival, { datasets, streams, hold })
      : ((await landDiscarded(lake, arrival, { datasets })) ?? [await land(lake, arrival, { route, hold })])
    return landings.map(landing => ({ arrival, landing }))
  })
  const { settled, batches } = await makeAllReady(lake, datasets, landed.flat())
  const report = summary(reading, { settled, unread, batches })
  lake.log.info('ingested', { ...report, batches: batches.map(({ batch }) => batch) })
  return { ...report, batchItemFailures: failures(lake, settled, unread) }
}

// --- Steps ---------------------------------------------------------------------------------------------------------

function warnOfRefused(lake: Lake, reading: EventReading): void {
  for (const { reason, place } of reading.refused)
    lake.log.warn('event refused', { security: true, reason, place: printable(place) })
}

interface Unread {
  readonly message: string
  readonly error: unknown
}

/** Messages that are no event; the ones that could not even be put aside are returned. */
async function rejectInvalid(lake: Lake, reading: EventReading): Promise<readonly Unread[]> {
  const unread = await mapParallel(reading.invalid, OBJECTS_AT_ONCE, async message => {
    try {
      await rejectMessage(lake, message)
      return []
    } catch (error) {
      return [{ message: message.message, error }]
    }
  })
  return unread.flat()
}

/** Dataset by dataset, so that trouble with one fails its own messages only. */
async function makeAllReady(
  lake: Lake,
  datasets: readonly Dataset[],
  landed: readonly Landed[],
): Promise<{ readonly settled: readonly Landed[]; readonly batches: readonly RawBatchReady[] }> {
  const byDataset = Map.groupBy(landed, each => datasets.find(({ name }) => name === datasetOf(each.landing)))
  const settled: Landed[] = [...(byDataset.get(undefined) ?? [])]
  const share = sharers(datasets)
  const batches: RawBatchReady[] = []
  for (const [dataset, members] of byDataset) {
    if (dataset === undefined) continue
    try {
      const unbatched = unbatchedOf(dataset, members)
      batches.push(...(await makeAllShared(lake, { share, members, unbatched })))
      batches.push(...(await makeReady(lake, unbatched)))
      settled.push(...members)
    } catch (error) {
      settled.push(...members.map(({ arrival }) => ({ arrival, landing: { kind: 'failed' as const, error } })))
    }
  }
  return { settled, batches }
}

interface Shared {
  readonly share: ReturnType<typeof sharers>
  readonly members: readonly Landed[]
  readonly unbatched: Unbatched
}

/** For the other tables of a stream, whose objects are those of the first. */
async function makeAllShared(lake: Lake, { share, members, unbatched }: Shared): Promise<readonly RawBatchReady[]> {
  const ids = new Set(unbatched.objects.map(({ id }) => id))
  const fresh = members.flatMap(({ arrival, landing }) =>
    landing.kind === 'fresh' && ids.has(landing.object.id)
      ? share(unbatched.dataset, arrival.key).map(dataset => ({ dataset, object: landing.object }))
      : [],
  )
  const batches: RawBatchReady[] = []
  for (const [dataset, each] of Map.groupBy(fresh, ({ dataset }) => dataset)) {
    const objects = new Map(each.map(({ object }) => [object.id, object]))
    batches.push(...(await makeShared(lake, dataset, [...objects.values()])))
  }
  return batches
}

function datasetOf(landing: Landing): string | undefined {
  switch (landing.kind) {
    case 'fresh':
    case 'duplicate':
      return landing.dataset.name
    case 'seen':
      return landing.batch?.dataset
    default:
      return undefined
  }
}

/** A duplicate whose first delivery never got into a batch brings that one along: its own message may never come back. */
function unbatchedOf(dataset: Dataset, members: readonly Landed[]): Unbatched {
  const objects = new Map<string, RawObject>()
  const duplicates: { object: RawObject; of: string }[] = []
  const known = new Set<string>()
  for (const { landing } of members) {
    if (landing.kind === 'fresh') objects.set(landing.object.id, landing.object)
    if (landing.kind === 'duplicate') {
      duplicates.push({ object: landing.object, of: landing.of.id })
      if (landing.batch === undefined) objects.set(landing.of.id, landing.of)
    }
    if ((landing.kind === 'seen' || landing.kind === 'duplicate') && landing.batch) known.add(landing.batch.batch)
  }
  return { dataset, objects: [...objects.values()], duplicates, known: [...known] }
}

// --- The answer ----------------------------------------------------------------------------------------------------

interface Outcome {
  readonly settled: readonly Landed[]
  readonly unread: readonly Unread[]
  readonly batches: readonly RawBatchReady[]
}

function summary(reading: EventReading, { settled, unread, batches }: Outcome): IngestReport {
  const count = (kind: Landing['kind']): number => settled.filter(({ landing }) => landing.kind === kind).length
  const messages = settled.reduce((sum, { arrival }) => sum + arrival.messages.length, 0)
  // With and without a version id, two arrivals may turn out to be one object.
  const landed = new Set(settled.flatMap(({ landing }) => (landing.kind === 'fresh' ? [landing.object.id] : []))).size
  const repeated = messages - settled.length + count('fresh') - landed
  const reasons = [
    ...reading.ignored,
    ...reading.refused.map(each => each.reason),
    ...reading.invalid.map(() => 'event-invalid'),
    ...settled.flatMap(({ landing }) => ('reason' in landing ? [landing.reason] : [])),
  ]
  const counts = {
    landed,
    duplicates: count('duplicate'),
    suppressed: count('seen') + repeated,
    superseded: count('superseded'),
    rejected: count('rejected') + reading.invalid.length - unread.length,
    ignored: count('ignored') + reading.ignored.length,
    refused: reading.refused.length,
    failed: count('failed') + unread.length,
  }
  return {
    records: Object.values(counts).reduce((sum, each) => sum + each, 0),
    ...counts,
    reasons: Object.fromEntries([...Map.groupBy(reasons, reason => reason)].map(([name, all]) => [name, all.length])),
    batches,
  }
}

function failures(
  lake: Lake,
  settled: readonly Landed[],
  unread: readonly Unread[],
): BatchItemFailures['batchItemFailures'] {
  const failed = [
    ...unread,
    ...settled.flatMap(({ arrival, landing }) =>
      landing.kind === 'failed'
        ? arrival.messages.map(message => ({ message, error: landing.error, place: printable(arrival.key) }))
        : [],
    ),
  ]
  for (const { error, ...where } of failed) lake.log.error('to be delivered again', { ...where, error: String(error) })
  const direct = failed.find(({ message }) => message === DIRECT)
  if (direct !== undefined) throw direct.error
  return [...new Set(failed.map(({ message }) => message))].map(itemIdentifier => ({ itemIdentifier }))
}
