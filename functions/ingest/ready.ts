import {
  type BatchManifest,
  commitUri,
  formatDocument,
  type LandedRecord,
  landedUri,
  manifestUri,
  type RawObject,
  readDocument,
  writeDocumentOnce,
} from '#lake/batch.ts'
import { type Dataset, rawTableName } from '#lake/dataset.ts'
import { assert, LakeError } from '#lake/errors.ts'
import { type RawBatchReady, rawBatchReady } from '#lake/events.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { rawPartitionLocation, rawTable } from '#lake/raw-table.ts'
import { ingestPartition } from './name.ts'
import { planBatches } from './plan.ts'

const RECORDS_AT_ONCE = 16

/** Raw objects of one dataset that no batch is known to hold yet, and what earlier runs left half done. */
export interface Unbatched {
  readonly dataset: Dataset
  readonly objects: readonly RawObject[]
  readonly duplicates: readonly { readonly object: RawObject; readonly of: string }[]
  /** Batches of other objects of the same event: a run that died may have put some of `objects` into them as well. */
  readonly known: readonly string[]
}

/**
 * Partitions, manifests, landed records, events, in this order: dying between any two leaves something that the next run
 * finds and finishes. Returns the batches that were announced.
 */
export async function makeReady(lake: Lake, unbatched: Unbatched): Promise<readonly RawBatchReady[]> {
  const { dataset, objects } = unbatched
  await registerPartitions(lake, dataset, objects)
  const known = objects.length === 0 ? [] : await readKnown(lake, unbatched)
  const held = new Set(known.flatMap(batch => batch.objects.map(object => object.id)))
  const fresh = objects.filter(object => !held.has(object.id))
  const planned = planBatches(dataset.name, fresh)
  await mapParallel(planned, RECORDS_AT_ONCE, batch =>
    writeDocumentOnce(lake, manifestUri(lake, dataset.name, batch.id), batch),
  )
  const named = await recordLanded(lake, unbatched, [...known, ...planned])
  return announce(lake, { dataset: dataset.name, batches: new Set([...unbatched.known, ...named]), planned })
}

/**
 * Batches of the same raw objects for another table of their stream. They are made before the objects are recorded as landed: whoever dies
 * between the two makes them again, and the same objects always make the same batches.
 */
export async function makeShared(
  lake: Lake,
  dataset: Dataset,
  objects: readonly RawObject[],
): Promise<readonly RawBatchReady[]> {
  const planned = planBatches(dataset.name, objects)
  await mapParallel(planned, RECORDS_AT_ONCE, batch =>
    writeDocumentOnce(lake, manifestUri(lake, dataset.name, batch.id), batch),
  )
  return announce(lake, { dataset: dataset.name, batches: new Set(planned.map(({ id }) => id)), planned })
}

/** The Hive table is made by the stack; on a folder, and should someone drop it, here. */
async function registerPartitions(lake: Lake, dataset: Dataset, objects: readonly RawObject[]): Promise<void> {
  if (dataset.raw.partitions !== 'registered' || objects.length === 0) return
  const name = rawTableName(dataset)
  if ((await lake.catalog.hiveTable(name)) === undefined)
    await lake.catalog.putHiveTable(name, rawTable(lake.zones.raw, dataset))
  const partitions = new Map(
    objects.map(object => {
      const { date, hour } = ingestPartition(object.landedMs)
      return [
        `${date} ${hour}`,
        { values: [date, hour], location: rawPartitionLocation(lake.zones.raw, dataset, { date, hour }) },
      ]
    }),
  )
  await lake.catalog.addPartitions(name, [...partitions.values()])
}

async function readKnown(lake: Lake, { dataset, known }: Unbatched): Promise<readonly BatchManifest[]> {
  const manifests = await mapParallel(known, RECORDS_AT_ONCE, batch =>
    readDocument<BatchManifest>(lake, manifestUri(lake, dataset.name, batch)),
  )
  return manifests.filter(manifest => manifest !== undefined)
}

/**
 * Returns the batches that the records name: another run may have been first, and then its batch is the one that counts.
 * Duplicates last: their record says "nothing to do", which is true only once the first delivery is recorded.
 */
async function recordLanded(
  lake: Lake,
  { dataset, objects, duplicates }: Unbatched,
  batches: readonly BatchManifest[],
): Promise<readonly string[]> {
  const batchByObject = new Map(batches.flatMap(batch => batch.objects.map(object => [object.id, batch.id] as const)))
  const named = await mapParallel(objects, RECORDS_AT_ONCE, async object => {
    const batch = batchByObject.get(object.id)
    assert(batch !== undefined, `${object.id} was planned into no batch`)
    const first = await record(lake, {
      ...origin(object, dataset.name),
      outcome: { kind: 'batched', batch, rawUri: object.uri },
    })
    return first.outcome.kind === 'batched' ? first.outcome.batch : batch
  })
  await mapParallel(duplicates, RECORDS_AT_ONCE, ({ object, of }) =>
    record(lake, { ...origin(object, dataset.name), outcome: { kind: 'duplicate', of, rawUri: object.uri } }),
  )
  return named
}

function origin(object: RawObject, dataset: string): Omit<LandedRecord, 'outcome'> {
  return { sourceUri: object.sourceUri, sourceVersion: object.sourceVersion, rawObject: object.id, dataset }
}

/** The first record stays, except that a rejection which no longer holds gives way. */
async function record(lake: Lake, landed: LandedRecord): Promise<LandedRecord> {
  const uri = landedUri(lake, landed.sourceUri, landed.rawObject)
  const first = await writeDocumentOnce(lake, uri, landed)
  if (first.outcome.kind !== 'rejected') return first
  await lake.storage.put(uri, Buffer.from(formatDocument(landed)), { contentType: 'application/json' })
  return landed
}

interface Announcement {
  readonly dataset: string
  readonly batches: ReadonlySet<string>
  readonly planned: readonly BatchManifest[]
}

/** An earlier run may have died before its event; after the commit nobody needs one. Refining a batch twice changes nothing. */
async function announce(lake: Lake, { dataset, batches, planned }: Announcement): Promise<readonly RawBatchReady[]> {
  const open = await mapParallel([...batches], RECORDS_AT_ONCE, async batch => {
    if ((await lake.storage.head(commitUri(lake, dataset, batch))) !== undefined) return undefined
    return planned.find(each => each.id === batch) ?? (await readManifest(lake, dataset, batch))
  })
  const events = open.flatMap(batch => (batch === undefined ? [] : [rawBatchReady(lake, batch)]))
  if (events.length > 0) await lake.bus.publish(events)
  return events.map(event => event.detail)
}

async function readManifest(lake: Lake, dataset: string, batch: string): Promise<BatchManifest> {
  const uri = manifestUri(lake, dataset, batch)
  const manifest = await readDocument<BatchManifest>(lake, uri)
  if (manifest === undefined)
    throw new LakeError('not-found', 'a landed record names a batch that has neither a manifest nor a commit', { uri })
  return manifest
}
