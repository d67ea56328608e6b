import {
  claimUri,
  hashText,
  type LandedRecord,
  landedUri,
  type RawObject,
  readDocument,
  writeDocumentOnce,
} from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { isLakeError, type LakeError } from '#lake/errors.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { rawId, type SourceVersion } from '#lake/raw-id.ts'
import { ignoredKey, type Router } from '#lake/route.ts'
import { copyToRaw, type Incoming } from './copy.ts'
import { rejectObject } from './dead-letter.ts'
import type { Arrival } from './event.ts'

/** A batch that an earlier run made of an object. */
export interface KnownBatch {
  readonly dataset: string
  readonly batch: string
}

/** What became of one arrival. `batch` is set where an earlier run got as far as a landed record. */
export type Landing =
  | { readonly kind: 'fresh'; readonly dataset: Dataset; readonly object: RawObject }
  | {
      readonly kind: 'duplicate'
      readonly dataset: Dataset
      readonly object: RawObject
      /** The raw object that first brought these bytes under this key. */
      readonly of: RawObject
      readonly batch: KnownBatch | undefined
    }
  | { readonly kind: 'seen'; readonly batch: KnownBatch | undefined }
  | { readonly kind: 'superseded' }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown }

export interface LandOptions {
  readonly route: Router
  /** Holds local disk while an object is staged. */
  readonly hold: <R>(bytes: number, work: () => Promise<R>) => Promise<R>
}

/** Brings one landing version into raw and claims its content. Never throws: neighbours must not suffer. */
export async function land(lake: Lake, arrival: Arrival, options: LandOptions): Promise<Landing> {
  const ignored = ignoredKey(arrival.key)
  if (ignored !== undefined) return { kind: 'ignored', reason: ignored }
  try {
    const info = await lake.storage.head(arrival.uri, arrival.version === undefined ? {} : { version: arrival.version })
    if (info === undefined) return { kind: 'superseded' }
    if (info.bytes === 0) return { kind: 'ignored', reason: 'empty' }
    return await landVersion(lake, arrival, { info, ...options })
  } catch (error) {
    return { kind: 'failed', error }
  }
}

/** What a version is known by, and what an earlier run wrote of it. */
interface Version {
  readonly arrival: Arrival
  readonly source: SourceVersion
  readonly record?: LandedRecord | undefined
}

export const sourceOf = ({ bucket, key }: Arrival, info: ObjectInfo): SourceVersion => ({
  bucket,
  key,
  version: info.version,
  landedMs: Math.max(0, info.modifiedMs),
})

async function landVersion(
  lake: Lake,
  arrival: Arrival,
  { info, route, hold }: LandOptions & { readonly info: ObjectInfo },
): Promise<Landing> {
  const source = sourceOf(arrival, info)
  const dataset = route(arrival.key)
  if (dataset === undefined)
    return rejectVersion(
      lake,
      { arrival, source },
      { reason: 'no-dataset', message: 'no dataset has a source.match for this key' },
    )
  // Judged on the HEAD, before any byte is read: the size in the event is only what its sender says.
  const bytesMax = dataset.limits.objectBytesMax
  if (info.bytes > bytesMax) {
    const message = `${info.bytes} bytes, limits.objectBytesMax is ${bytesMax}`
    return rejectVersion(lake, { arrival, source }, { dataset: dataset.name, reason: 'too-large', message })
  }
  const bring = () => hold(info.bytes, () => copyToRaw(lake, { dataset, source, info }))
  return landFile(lake, { arrival, source, info, dataset, bring })
}

export interface Bringing extends Omit<Version, 'record'>, Incoming {
  /** Creates the raw object; undefined when the version is gone. */
  readonly bring: () => Promise<RawObject | undefined>
}

/** Brings a version, or a part of one, into raw and claims its content, unless an earlier run got as far as a landed record. */
export async function landFile(lake: Lake, bringing: Bringing): Promise<Landing> {
  const { arrival, source, dataset } = bringing
  const record = await recordOf(lake, bringing)
  if (record !== undefined && record.outcome.kind !== 'rejected') return seen(lake, record)
  try {
    const object = await bringing.bring()
    return object === undefined ? { kind: 'superseded' } : await claim(lake, bringing, object)
  } catch (error) {
    if (!isLakeError(error) || mayHeal(error)) throw error
    return reject(
      lake,
      { arrival, source, record },
      { dataset: dataset.name, reason: error.kind, message: error.message },
    )
  }
}

/** A rejection is judged anew: the dataset may have been added, or its limit raised, since. Anything else is settled. */
export async function rejectVersion(lake: Lake, version: Omit<Version, 'record'>, refusal: Refusal): Promise<Landing> {
  const record = await recordOf(lake, version)
  if (record !== undefined && record.outcome.kind !== 'rejected') return seen(lake, record)
  return reject(lake, { ...version, record }, refusal)
}

const recordOf = (lake: Lake, { arrival, source }: Omit<Version, 'record'>): Promise<LandedRecord | undefined> =>
  readDocument<LandedRecord>(lake, landedUri(lake, arrival.uri, rawId(source)))

const seen = async (lake: Lake, record: LandedRecord): Promise<Landing> => ({
  kind: 'seen',
  batch: await batchOf(lake, record),
})

/** Missing permissions heal too, once somebody grants them: the queue retries and then keeps the message, the data is not to blame. */
function mayHeal(error: LakeError): boolean {
  return error.retryable || error.kind === 'access-denied'
}

interface Claim {
  readonly rawObject: string
  readonly object: RawObject
}

/**
 * The same bytes under the same key count once: producers upload again when they are unsure. A `replace` extract is exempt,
 * since going back to an older extract is a change and applying one twice is none.
 */
async function claim(lake: Lake, { dataset, source }: Incoming, object: RawObject): Promise<Landing> {
  if (dataset.publish.mode === 'replace') return { kind: 'fresh', dataset, object }
  const uri = claimUri(lake, dataset.name, hashText(source.key, object.sha256))
  const first = (await writeDocumentOnce<Claim>(lake, uri, { rawObject: object.id, object })).object
  if (first.id === object.id) return { kind: 'fresh', dataset, object: first }
  const record = await readDocument<LandedRecord>(lake, landedUri(lake, first.sourceUri, first.id))
  return { kind: 'duplicate', dataset, object, of: first, batch: record && (await batchOf(lake, record)) }
}

/** The batch that holds the object's rows, through the first delivery if this one was a duplicate. */
async function batchOf(lake: Lake, record: LandedRecord): Promise<KnownBatch | undefined> {
  const { outcome, dataset } = record
  if (dataset === undefined || outcome.kind === 'rejected') return undefined
  if (outcome.kind === 'batched') return { dataset, batch: outcome.batch }
  const first = await readDocument<LandedRecord>(lake, landedUri(lake, record.sourceUri, outcome.of))
  return first?.outcome.kind === 'batched' ? { dataset, batch: first.outcome.batch } : undefined
}

interface Refusal {
  readonly dataset?: string
  readonly reason: string
  readonly message: string
}

async function reject(lake: Lake, version: Version, { dataset, reason, message }: Refusal): Promise<Landing> {
  if (version.record !== undefined) return { kind: 'seen', batch: undefined }
  const { source, arrival } = version
  await rejectObject(lake, {
    sourceUri: arrival.uri,
    sourceVersion: source.version,
    rawObject: rawId(source),
    dataset,
    outcome: { kind: 'rejected', reason, message },
  })
  return { kind: 'rejected', reason }
}
