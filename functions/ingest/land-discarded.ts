import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { isDiscarded } from '#lake/event-source.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { rawId } from '#lake/raw-id.ts'
import { router } from '#lake/route.ts'
import type { Arrival } from './event.ts'
import { putRecords } from './ingest-records.ts'
import { type Landing, rejectVersion, sourceOf } from './land.ts'
import { type EventRecord, readRecords } from './record-event.ts'

/** An invocation holds 6 MB; in a JSON text, quoted, with what is said of it. What is much larger nobody but a stranger wrote. */
const OBJECT_BYTES_MAX = 67_108_864

/**
 * Lands what an event source mapping gave up: an object with the whole invocation in it, which becomes the raw objects that the invocation
 * would have made. undefined: the object is none, and goes the way of every other. Never throws.
 */
export async function landDiscarded(
  lake: Lake,
  arrival: Arrival,
  { datasets }: { readonly datasets: readonly Dataset[] },
): Promise<readonly Landing[] | undefined> {
  if (!isDiscarded(arrival.key)) return undefined
  try {
    const info = await lake.storage.head(arrival.uri, arrival.version === undefined ? {} : { version: arrival.version })
    if (info === undefined) return [{ kind: 'superseded' }]
    const records = info.bytes > OBJECT_BYTES_MAX ? undefined : await recordsOf(lake, info)
    return records && (await landEach(lake, { arrival, info, records, datasets }))
  } catch (error) {
    return [{ kind: 'failed', error }]
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html; of Kafka it is the same. */
async function recordsOf(lake: Lake, { uri, version }: ObjectInfo): Promise<readonly EventRecord[] | undefined> {
  const invocation = parsed(Buffer.from(await lake.storage.get(uri, { version })).toString('utf8'))
  if (typeof invocation !== 'object' || invocation === null || !('payload' in invocation)) return undefined
  const { payload } = invocation
  const records = readRecords(typeof payload === 'string' ? parsed(payload) : payload)
  return records?.length === 0 ? undefined : records
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface Invocation {
  readonly arrival: Arrival
  readonly info: ObjectInfo
  readonly records: readonly EventRecord[]
  readonly datasets: readonly Dataset[]
}

async function landEach(lake: Lake, invocation: Invocation): Promise<readonly Landing[]> {
  const { arrival, info, records, datasets } = invocation
  const source = sourceOf(arrival, info)
  const route = router(datasets)
  const landings: Landing[] = []
  for (const [dataset, own] of Map.groupBy(records, ({ place, ordinal }) => route(`${place}/${ordinal}.ndjson`))) {
    if (dataset === undefined) {
      const message = `no dataset has a source.match for ${own[0]?.place}, of which it holds ${own.length} records`
      landings.push(await rejectVersion(lake, { arrival, source }, { reason: 'no-dataset', message }))
      continue
    }
    const of = await putRecords(lake, dataset, own)
    // The object itself brings nothing beside the one that its records are in now, which is what its record in landing says.
    const object: RawObject = { ...of, id: rawId(source), sourceUri: arrival.uri, sourceVersion: source.version }
    landings.push({ kind: 'fresh', dataset, object: of }, { kind: 'duplicate', dataset, object, of, batch: undefined })
  }
  return landings
}
