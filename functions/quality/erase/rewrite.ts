import { formatDocument, readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type ErasedCounts, type ErasedObject, erasedObjects, erasedUri, type LedgerRun } from '#lake/erasure.ts'
import { LakeError } from '#lake/errors.ts'
import { sha256File } from '#lake/file-hash.ts'
import type { Lake } from '#lake/lake.ts'
import { sharers } from '#lake/route.ts'
import type { Ledger } from './ledger.ts'
import type { ObjectHit, RawSearch } from './objects.ts'
import { type FoundRecords, openRecordBench, type RecordBench } from './records.ts'
import { type EraseRequest, isNamed, unnamed } from './request.ts'

export interface RawWork {
  readonly found: RawSearch
  readonly erasure: string
  readonly ledger: Ledger
}

/** The one place where a raw object is written twice. Its id stays, and with it the ids of all that came of it. */
export async function eraseRaw(
  lake: Lake,
  request: EraseRequest,
  { found: { hits, named, old }, erasure, ledger }: RawWork,
): Promise<LedgerRun['objects']> {
  const { dataset } = request
  await using bench = await openRecordBench(lake, dataset)
  const done: LedgerRun['objects'][number][] = []
  const alone = named.filter(({ object }) => !hits.some(hit => hit.object.uri === object.uri))
  for (const hit of [...hits, ...alone]) {
    done.push(await eraseObject(lake, request, { hit, erasure, bench }))
    await ledger.write({ objects: [...done] })
  }
  // Those of a run that died as well.
  for (const { uri, erasures } of (await erasedObjects(lake, dataset.name)).values())
    if (erasures.some(each => each.erasure === erasure)) await lake.storage.purge(uri)
  for (const uri of old) await lake.storage.purge(uri)
  return done
}

interface ObjectWork {
  readonly hit: ObjectHit
  readonly erasure: string
  readonly bench: RecordBench
}

const ROUNDS_MAX = 10

/**
 * First what is to go is noted: should it end here, a replay leaves these records out of the old bytes, too. Whoever erases from the same object
 * at the same time may have written back what is to go: each takes along what all have noted, and does so again when there is more by then.
 */
async function eraseObject(
  lake: Lake,
  request: EraseRequest,
  { hit, erasure, bench }: ObjectWork,
): Promise<LedgerRun['objects'][number]> {
  const { object, found } = hit
  await noteErased(lake, request, { hit, erasure, sha256s: [object.sha256] })
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const all = await notedBy(lake, request, hit)
    const path = await bench.without(object, all)
    const sha256 = await sha256File(path)
    await noteErased(lake, request, { hit, erasure, sha256s: [object.sha256, sha256] })
    const written = await uploadAnew(lake, request, { hit, path, sha256 })
    const { ordinals } = await notedBy(lake, request, hit)
    if (ordinals.length > all.ordinals.length) continue
    const before = { versionBefore: object.version, sha256Before: object.sha256 }
    return { uri: object.uri, ...before, version: written.version, sha256, ordinals: found.ordinals }
  }
  throw new LakeError('conflict', `${object.uri}: other erasures write it at the same time`, {
    uri: object.uri,
    next: 'run it again once they are done',
  })
}

/** What is to go from the object by all erasures. */
async function notedBy(lake: Lake, { dataset }: EraseRequest, { object, found }: ObjectHit): Promise<FoundRecords> {
  const noted = (await erasedObjects(lake, dataset.name, id => id === object.id)).get(object.id)
  const erasures = noted?.erasures ?? []
  const places = new Map(
    [...found.places, ...erasures.flatMap(each => each.places ?? [])].map(place => [Number(place.ordinal), place]),
  )
  const ordinals = new Set([...found.ordinals, ...erasures.flatMap(each => each.ordinals)])
  return { ...found, ordinals: [...ordinals].toSorted((a, b) => a - b), places: [...places.values()] }
}

async function uploadAnew(
  lake: Lake,
  request: EraseRequest,
  { hit, path, sha256 }: { readonly hit: ObjectHit; readonly path: string; readonly sha256: string },
) {
  const { object, lead } = hit
  const { metadata = {} } = (await lake.storage.head(object.uri)) ?? {}
  return lake.storage.upload(path, object.uri, {
    metadata: { ...metadata, 'source-key': unnamedKey(request, metadata), 'content-sha256': sha256 },
    tags: { zone: 'raw', dataset: lead.name, 'source-system': lead.source.system, 'data-class': lead.dataClass },
    sha256,
  })
}

function unnamedKey(request: EraseRequest, metadata: Readonly<Record<string, string>>): string {
  const key = metadata['source-key'] ?? ''
  return isNamed(request, key) ? unnamed(request, key) : key
}

interface Noting {
  readonly hit: ObjectHit
  readonly erasure: string
  /** Of the bytes that may be there. */
  readonly sha256s: readonly string[]
}

/** For each dataset that has the object in its batches. The one whose records they are comes last: by it a run that died is recognised. */
async function noteErased(lake: Lake, { dataset, datasets }: EraseRequest, { hit, ...work }: Noting): Promise<void> {
  const { object, found, lead } = hit
  const key = object.sourceUri.slice(lake.zones.landing.length + 1)
  const holders = [lead, ...sharers(datasets)(lead, key)].filter(each => each.name !== dataset.name)
  for (const holder of holders)
    await note(lake, holder, { hit, ...work, countsOf: async () => countsFor(lake, holder, hit) })
  const { quarantined, skipped } = found
  const counts = { quarantined, ...(skipped === 0 ? {} : { skipped }) }
  await note(lake, dataset, { hit, ...work, countsOf: async () => counts })
}

async function countsFor(lake: Lake, holder: Dataset, { object, found }: ObjectHit): Promise<ErasedCounts> {
  await using bench = await openRecordBench(lake, holder)
  // Awaited here: the bench goes with this function.
  return await bench.accountOf(object, found.ordinals)
}

/** A run that goes on with another finds what that has noted, and adds what it has found since. */
async function note(
  lake: Lake,
  dataset: Dataset,
  { hit, erasure, sha256s, countsOf }: Noting & { readonly countsOf: () => Promise<ErasedCounts> },
): Promise<void> {
  const { object, found } = hit
  const uri = erasedUri(lake, dataset.name, { rawObject: object.id, erasure })
  const before = await readDocument<ErasedObject>(lake, uri)
  const known = new Set(before?.erasures.flatMap(each => each.ordinals))
  const isNew = before === undefined || found.ordinals.some(ordinal => !known.has(ordinal))
  const places = found.places.map(({ ordinal, offset, length }) => ({
    ...{ ordinal: Number(ordinal), offset: Number(offset), length: Number(length) },
  }))
  const own = isNew
    ? [{ erasure, atMs: lake.clock.nowMs(), ordinals: found.ordinals, places, ...(await countsOf()) }]
    : []
  const written: ErasedObject = {
    ...{ rawObject: object.id, uri: object.uri },
    sha256s: [...new Set([...(before?.sha256s ?? []), ...sha256s])],
    erasures: [...(before?.erasures ?? []), ...own],
  }
  await lake.storage.put(uri, Buffer.from(formatDocument(written)), { contentType: 'application/json' })
}
