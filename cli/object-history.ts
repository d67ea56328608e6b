import {
  type BatchManifest,
  type LandedRecord,
  landedPrefix,
  manifestUri,
  type RawObject,
  readDocument,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Lake, ObjectInfo, Uri } from '#lake/lake.ts'
import { ignoredKey } from '#lake/route.ts'
import { ulidMs } from '#lake/ulid.ts'
import { type Place, type Refined, refinedObject } from './refined-object.ts'

/** What became of one landing object, version by version, the oldest first. */
export interface ObjectHistory {
  readonly uri: Uri
  readonly versions: readonly VersionHistory[]
}

export interface VersionHistory {
  readonly version: string
  readonly landedMs: number
  readonly dataset: string | undefined
  readonly rawObject: string | undefined
  readonly fate: Fate
}

/** In the order in which a version goes through the pipeline. */
export type Fate =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string; readonly message: string }
  | {
      readonly kind: 'duplicate'
      readonly of: string
      readonly rawUri: Uri
      /** What became of the version that it repeats. */
      readonly first: Refined | undefined
    }
  | { readonly kind: 'batched'; readonly rawUri: Uri; readonly bytes: number | undefined; readonly refined: Refined }

/**
 * undefined when there is no such object in landing and never was one that ingest has seen. Without the declared datasets it tells of the
 * batch in which each version came; with them also of what came later: replays, and newer extracts that took its rows out.
 */
export async function objectHistory(
  lake: Lake,
  uri: Uri,
  datasets?: readonly Dataset[],
): Promise<ObjectHistory | undefined> {
  const records: LandedRecord[] = []
  for await (const object of lake.storage.list(landedPrefix(lake, uri))) {
    const record = await readDocument<LandedRecord>(lake, object.uri)
    if (record !== undefined) records.push(record)
  }
  const versions = await Promise.all(records.map(record => versionOf(lake, record, datasets)))
  const current = await lake.storage.head(uri)
  const isKnown = current === undefined || records.some(record => record.sourceVersion === current.version)
  if (!isKnown) versions.push(unrecorded(lake, current))
  if (versions.length === 0) return undefined
  return { uri, versions: versions.toSorted((a, b) => a.landedMs - b.landedMs) }
}

async function versionOf(lake: Lake, record: LandedRecord, datasets?: readonly Dataset[]): Promise<VersionHistory> {
  const { rawObject, dataset } = record
  const fate = await fateOf(lake, record, place => refinedObject(lake, { ...place, dataset: dataset ?? '', datasets }))
  return { version: record.sourceVersion, landedMs: ulidMs(rawObject), dataset, rawObject, fate }
}

async function fateOf(
  lake: Lake,
  { outcome, dataset = '', sourceUri, rawObject }: LandedRecord,
  refined: (place: Place) => Promise<Refined>,
): Promise<Fate> {
  switch (outcome.kind) {
    case 'rejected':
      return outcome
    case 'batched': {
      const object = await objectIn(lake, dataset, { batch: outcome.batch, rawObject })
      const far = await refined({ batch: outcome.batch, rawObject })
      return { kind: 'batched', rawUri: outcome.rawUri, bytes: object?.bytes, refined: far }
    }
    case 'duplicate': {
      const first = await readDocument<LandedRecord>(lake, `${landedPrefix(lake, sourceUri)}${outcome.of}.json`)
      if (first?.outcome.kind !== 'batched') return { ...outcome, first: undefined }
      const of = { batch: first.outcome.batch, rawObject: outcome.of }
      return { ...outcome, first: await refined(of) }
    }
  }
}

async function objectIn(lake: Lake, dataset: string, { batch, rawObject }: Place): Promise<RawObject | undefined> {
  const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch))
  return manifest?.objects.find(object => object.id === rawObject)
}

/** Ingest writes nothing down of what it ignores: the object itself says so. */
function unrecorded(lake: Lake, object: ObjectInfo): VersionHistory {
  const reason = object.bytes === 0 ? 'empty' : ignoredKey(object.uri.slice(lake.zones.landing.length + 1))
  return {
    version: object.version,
    landedMs: object.modifiedMs,
    dataset: undefined,
    rawObject: undefined,
    fate: reason === undefined ? { kind: 'waiting' } : { kind: 'ignored', reason },
  }
}
