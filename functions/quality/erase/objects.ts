import type { RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { keysOfRows, keyTextOf } from '#lake/erase-rows.ts'
import { erasedObjects } from '#lake/erasure.ts'
import { isLakeError, LakeError } from '#lake/errors.ts'
import { globMatches } from '#lake/glob.ts'
import type { Lake, ObjectInfo, Uri } from '#lake/lake.ts'
import { leadersOf, router } from '#lake/route.ts'
import { sideTablesOf } from '#lake/side-tables.ts'
import { isStreamErrorUri } from '#lake/stream-error.ts'
import { isStreamed } from '#lake/stream-route.ts'
import { isTaken } from '#lake/taken.ts'
import { type FoundRecords, NOTHING, type RecordBench } from './records.ts'
import { checkKeys, type EraseRequest, isNamed, keyOf, matchOf } from './request.ts'

export interface ObjectHit {
  readonly object: RawObject
  readonly found: FoundRecords
  /** The dataset that it is kept under; another one's where tables of one stream of changes share their objects. */
  readonly lead: Dataset
}

export interface RawSearch {
  readonly objects: number
  readonly hits: readonly ObjectHit[]
  /** Objects that landed under a key which quotes the values, whatever is in them. */
  readonly named: readonly ObjectHit[]
  /** Objects of which an older version is still kept that has records of the subject: of an erasure that died. */
  readonly old: readonly Uri[]
  /** Of a stream of changes: the keys of all rows of the subject. */
  readonly keys: readonly string[]
}

export interface LandingSearch {
  readonly objects: number
  /** `waits`: ingest has not taken up each version of it yet. Of what was replaced or deleted only an older version is there. */
  readonly hits: readonly { readonly uri: Uri; readonly waits: boolean; readonly isCurrent: boolean }[]
}

/** A row that moves from key to key more often than this is none of a person. */
const ROUNDS_MAX = 16

interface Seeking {
  readonly request: EraseRequest
  readonly keys: readonly string[]
}

/**
 * Of a stream of changes, everything that ever was told of a row belongs together, under whatever key: what is found names further keys, and as long as
 * it does everything is looked through again. Others are looked through once.
 */
export async function searchRaw(lake: Lake, bench: RecordBench, { request, keys }: Seeking): Promise<RawSearch> {
  const known = new Set([...keys, ...(await knownKeys(lake, request))])
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    checkKeys(request, [...known])
    const found = await searchOnce(lake, bench, { request, keys: [...known] })
    const fresh = found.hits.flatMap(hit => hit.found.keys).filter(key => !known.has(key))
    if (fresh.length === 0) return { ...found, keys: [...known] }
    for (const key of fresh) known.add(key)
  }
  throw new LakeError('unsupported', `${request.dataset.name}: the keys of these rows lead to others without an end`, {
    dataset: request.dataset.name,
    rounds: ROUNDS_MAX,
  })
}

/** Keys that can be told without a look into raw: those that were asked for, and those of rows in tables. */
async function knownKeys(lake: Lake, request: EraseRequest): Promise<readonly string[]> {
  const { dataset, parts } = request
  const key = keyOf(dataset)
  if (key.length === 0) return []
  const match = matchOf(request, { keys: [], places: await placesOf(lake, request, []) })
  const found: string[] = []
  for (const name of [dataset.name, ...(await sideTablesOf(lake, dataset.name))])
    found.push(...(await keysOfRows(lake, name, { match, key, max: 1_000 })))
  const asked = key.map(name => ({
    value: parts.find(part => part.column === name)?.value,
    type: dataset.columns.find(column => column.name === name)?.type,
  }))
  const whole = asked.flatMap(({ value, type }) =>
    value === undefined || typeof type !== 'string' ? [] : [{ value, type }],
  )
  const own = whole.length === key.length ? await keyTextOf(lake, whole) : undefined
  return own === undefined ? found : [...found, own]
}

async function searchOnce(
  lake: Lake,
  bench: RecordBench,
  { request, keys }: Seeking,
): Promise<Omit<RawSearch, 'keys'>> {
  const { dataset, datasets, parts } = request
  const hits: ObjectHit[] = []
  const named: ObjectHit[] = []
  const old = new Set<Uri>()
  let objects = 0
  for (const lead of [dataset, ...leadersOf(dataset, datasets)])
    for await (const { uri, version, isCurrent } of lake.storage.versions(`${lake.zones.raw}/${lead.name}/`)) {
      const info = await lake.storage.head(uri, isCurrent ? {} : { version })
      if (info === undefined || !mayFeed(dataset, lead, info)) continue
      objects++
      const object = rawObjectOf(lake, dataset, info)
      if (!isCurrent) {
        if (await holdsSubject(request, object, () => bench.find(object, { parts, keys }, { version }))) old.add(uri)
        continue
      }
      if (isNamed(request, info.metadata['source-key'] ?? '')) named.push({ object, lead, found: NOTHING })
      const found = await bench.find(object, { parts, keys })
      if (found.ordinals.length > 0) hits.push({ object, lead, found })
    }
  return { objects, named, hits, old: [...old] }
}

/** Somebody else may destroy an older version meanwhile. */
async function holdsSubject(
  request: EraseRequest,
  { sourceUri }: RawObject,
  find: () => Promise<FoundRecords>,
): Promise<boolean> {
  if (isNamed(request, sourceUri)) return true
  try {
    return (await find()).ordinals.length > 0
  } catch (error) {
    if (isLakeError(error, 'not-found')) return false
    throw error
  }
}

const mayFeed = (dataset: Dataset, lead: Dataset, { metadata }: ObjectInfo): boolean =>
  lead.name === dataset.name || dataset.source.match.some(glob => globMatches(glob, metadata['source-key'] ?? ''))

/** From what its metadata says, as ingest wrote it. */
function rawObjectOf(
  lake: Lake,
  dataset: Dataset,
  { uri, version, bytes, metadata, modifiedMs }: ObjectInfo,
): RawObject {
  const name = uri.slice(uri.lastIndexOf('/') + 1)
  return {
    id: name.replace(/\..*$/, ''),
    uri,
    version,
    bytes,
    sha256: metadata['content-sha256'] ?? '',
    sourceUri: `${lake.zones.landing}/${metadata['source-key'] ?? ''}`,
    sourceVersion: metadata['source-version-id'] ?? '',
    landedMs: Date.parse(metadata['landed-at'] ?? '') || modifiedMs,
    contractVersion: Number(metadata['data-contract-version'] ?? dataset.contract.version),
  }
}

/** What was deleted or replaced as well, for as long as the store keeps it. */
export async function searchLanding(
  lake: Lake,
  bench: RecordBench,
  { request, keys }: Seeking,
): Promise<LandingSearch> {
  const { dataset, parts } = request
  const route = router([dataset])
  const mayHold = (uri: Uri): boolean =>
    route(uri.slice(lake.zones.landing.length + 1)) !== undefined ||
    (isStreamed(dataset) && isStreamErrorUri(lake.zones.landing, uri))
  const hits: LandingSearch['hits'][number][] = []
  let objects = 0
  for await (const info of lake.storage.versions(`${lake.zones.landing}/`)) {
    const { uri, version, isCurrent } = info
    if (!mayHold(uri) || info.bytes === 0) continue
    objects++
    const object = { ...rawObjectOf(lake, dataset, info), sourceUri: uri }
    const find = () => bench.find(object, { parts, keys }, { version })
    if (await holdsSubject(request, object, find)) hits.push({ uri, waits: await hasWaiting(lake, uri), isCurrent })
  }
  return { objects, hits }
}

/** A version that was replaced may wait for `ingest` as well, and destroying one of them may destroy the others. */
async function hasWaiting(lake: Lake, uri: Uri): Promise<boolean> {
  for await (const each of lake.storage.versions(uri))
    if (each.uri === uri && each.bytes > 0 && !(await isTaken(lake, each))) return true
  return false
}

/** `<raw id>:<ordinal>` of everything that was or is to be erased from the dataset's objects; a whole object is ordinal 0 in quarantine, too. */
export async function placesOf(
  lake: Lake,
  { dataset }: EraseRequest,
  hits: readonly ObjectHit[],
): Promise<readonly string[]> {
  const erased = [...(await erasedObjects(lake, dataset.name)).values()].flatMap(({ rawObject, erasures }) =>
    erasures.flatMap(each => each.ordinals.map(ordinal => `${rawObject}:${ordinal}`)),
  )
  const now = hits.flatMap(({ object, found }) => found.ordinals.map(ordinal => `${object.id}:${ordinal}`))
  return [...new Set([...erased, ...now])]
}
