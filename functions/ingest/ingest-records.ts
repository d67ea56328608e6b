import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hashText, type RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { RawBatchReady } from '#lake/events.ts'
import { sha256File } from '#lake/file-hash.ts'
import type { Lake } from '#lake/lake.ts'
import { router, sharers } from '#lake/route.ts'
import { uploadRaw } from './copy.ts'
import { rejectMessage } from './dead-letter.ts'
import { makeReady, makeShared } from './ready.ts'
import type { EventRecord } from './record-event.ts'
import type { BatchItemFailures, IngestReport } from './report.ts'

/**
 * Records of Kafka or Kinesis become one raw object for each dataset and invocation, and a batch of it. The object is named after the records
 * that it holds, so that a repeated invocation makes no other; records that come again in another cut are sorted out by their positions.
 */
export async function ingestRecords(
  lake: Lake,
  datasets: readonly Dataset[],
  records: readonly EventRecord[],
): Promise<IngestReport & BatchItemFailures> {
  const route = router(datasets)
  const routed = Map.groupBy(records, record => route(`${record.place}/${record.ordinal}.ndjson`))
  const outcome = { landed: 0, rejected: 0, failed: [] as EventRecord[], batches: [] as RawBatchReady[] }
  for (const [dataset, own] of routed) {
    try {
      if (dataset === undefined) outcome.rejected += await rejectAll(lake, own)
      else {
        outcome.batches.push(...(await landRecords(lake, { dataset, datasets, records: own })))
        outcome.landed += own.length
      }
    } catch (error) {
      // Kafka takes no answer about single records: the invocation fails and is repeated.
      if (own.some(({ item }) => item === undefined)) throw error
      lake.log.error('to be delivered again', { records: own.length, error: String(error) })
      outcome.failed.push(...own)
    }
  }
  const report = reportOf(records, outcome)
  lake.log.info('ingested', { ...report, batches: outcome.batches.map(({ batch }) => batch) })
  return { ...report, batchItemFailures: firstOfEachShard(outcome.failed) }
}

interface Outcome {
  readonly landed: number
  readonly rejected: number
  readonly failed: readonly EventRecord[]
  readonly batches: readonly RawBatchReady[]
}

function reportOf(records: readonly EventRecord[], { landed, rejected, failed, batches }: Outcome): IngestReport {
  return {
    ...{ records: records.length, landed, rejected, failed: failed.length, batches },
    ...{ duplicates: 0, suppressed: 0, superseded: 0, ignored: 0, refused: 0 },
    reasons: rejected === 0 ? {} : { 'no-dataset': rejected },
  }
}

/** Kinesis goes back to the first record of a shard that is named, and delivers all that follow. */
function firstOfEachShard(failed: readonly EventRecord[]): BatchItemFailures['batchItemFailures'] {
  const shards = Map.groupBy(failed, ({ place }) => place)
  return [...shards.values()].flatMap(([first]) => (first?.item === undefined ? [] : [{ itemIdentifier: first.item }]))
}

async function rejectAll(lake: Lake, records: readonly EventRecord[]): Promise<number> {
  for (const { place, ordinal, line } of records)
    await rejectMessage(lake, {
      message: ordinal,
      reason: `no dataset has a source.match for ${place}/${ordinal}.ndjson`,
      body: line,
    })
  return records.length
}

interface Landing {
  readonly dataset: Dataset
  readonly datasets: readonly Dataset[]
  readonly records: readonly EventRecord[]
}

async function landRecords(lake: Lake, { dataset, datasets, records }: Landing): Promise<readonly RawBatchReady[]> {
  const object = await putRecords(lake, dataset, records)
  const batches: RawBatchReady[] = []
  const key = `${records[0]?.place}/${records[0]?.ordinal}.ndjson`
  for (const other of sharers(datasets)(dataset, key)) batches.push(...(await makeShared(lake, other, [object])))
  const unbatched = { dataset, objects: [object], duplicates: [], known: [] }
  return [...batches, ...(await makeReady(lake, unbatched))]
}

/** Named after the records, so that the same ones make the same object. */
export async function putRecords(lake: Lake, dataset: Dataset, records: readonly EventRecord[]): Promise<RawObject> {
  const folder = join(lake.limits.scratch, `ingest-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const path = join(folder, 'records.ndjson')
    await writeFile(path, records.map(({ line }) => `${line}\n`).join(''))
    const landedMs = Math.max(0, ...records.map(({ timestampMs }) => timestampMs ?? 0)) || lake.clock.nowMs()
    const key = nameOf(records)
    const [bucket = ''] = key.split('/')
    const source = { bucket, key, version: '1', landedMs }
    const bytes = records.reduce((sum, { line }) => sum + Buffer.byteLength(line) + 1, 0)
    const info = { uri: `${lake.zones.landing}/${key}`, version: '1', bytes, modifiedMs: landedMs, metadata: {} }
    return await uploadRaw(lake, { dataset, source, info }, { path, bytes, sha256: await sha256File(path) })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** `kafka/topic/partition/first-last.ndjson`; where records of several partitions came together, with a hash of all their places. */
function nameOf(records: readonly EventRecord[]): string {
  const lanes = Map.groupBy(records, ({ place }) => place)
  const ranges = [...lanes].map(([place, own]) => `${place}/${own[0]?.ordinal}-${own.at(-1)?.ordinal}`)
  const all = hashText(...records.map(({ place, ordinal }) => `${place}/${ordinal}`)).slice(0, 12)
  return `${ranges[0]}-${all}.ndjson`
}
