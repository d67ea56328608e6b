import { landedPrefix, type RawObject } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { keysOfRows, keyTextOf } from '#lake/erase-rows.ts'
import { erasedObjects } from '#lake/erasure.ts'
import { LakeError } from '#lake/errors.ts'
import { globMatches } from '#lake/glob.ts'
import type { Lake, ObjectInfo, Uri } from '#lake/lake.ts'
import { leadersOf, router } from '#lake/route.ts'
import { sideTablesOf } from '#lake/side-tables.ts'
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
  /** Of a stream of changes: the keys of all rows of the subject. */
  readonly keys: readonly string[]
}

export interface LandingSearch {
  readonly objects: number
  /** `waits`: ingest has not taken it up yet. */
  readonly hits: readonly { readonly uri: Uri; readonly waits: boolean }[]
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
  let objects = 0
  for (const lead of [dataset, ...leadersOf(dataset, datasets)])
    for await (const { uri } of lake.storage.list(`${lake.zones.raw}/${lead.name}/`)) {
      const info = await lake.storage.head(uri)
      if (info === undefined || !mayFeed(dataset, lead, info)) continue
      objects++
      const object = rawObjectOf(lake, dataset, info)
      if (isNamed(request, info.metadata['source-key'] ?? '')) named.push({ object, lead, found: NOTHING })
      const found = await bench.find(object, { parts, keys })
      if (found.ordinals.length > 0) hits.push({ object, lead, found })
    }
  return { objects, named, hits }
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

export async function searchLanding(
  lake: Lake,
  bench: RecordBench,
  { request, keys }: Seeking,
): Promise<LandingSearch> {
  const { dataset, parts } = request
  const route = router([dataset])
  const hits: { uri: Uri; waits: boolean }[] = []
  let objects = 0
  for await (const info of lake.storage.list(`${lake.zones.landing}/`)) {
    if (route(info.uri.slice(lake.zones.landing.length + 1)) === undefined || info.bytes === 0) continue
    objects++
    const object = { ...rawObjectOf(lake, dataset, info), sourceUri: info.uri }
    const isHit = isNamed(request, info.uri) || (await bench.find(object, { parts, keys })).ordinals.length > 0
    if (!isHit) continue
    hits.push({ uri: info.uri, waits: !(await wasTaken(lake, info.uri)) })
  }
  return { objects, hits }
}

async function wasTaken(lake: Lake, uri: Uri): Promise<boolean> {
  for await (const _ of lake.storage.list(landedPrefix(lake, uri))) return true
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
