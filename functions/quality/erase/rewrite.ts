import { formatDocument, readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { type ErasedCounts, type ErasedObject, erasedObjects, erasedUri, type LedgerRun } from '#lake/erasure.ts'
import { sha256File } from '#lake/file-hash.ts'
import type { Lake } from '#lake/lake.ts'
import { sharers } from '#lake/route.ts'
import type { Ledger } from './ledger.ts'
import type { ObjectHit, RawSearch } from './objects.ts'
import { openRecordBench } from './records.ts'
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
  { found: { hits, named }, erasure, ledger }: RawWork,
): Promise<LedgerRun['objects']> {
  const { dataset } = request
  await using bench = await openRecordBench(lake, dataset)
  const done: LedgerRun['objects'][number][] = []
  const alone = named.filter(({ object }) => !hits.some(hit => hit.object.uri === object.uri))
  for (const hit of [...hits, ...alone]) {
    const { object, found, lead } = hit
    const path = await bench.without(object, found)
    const sha256 = await sha256File(path)
    // First what is to go: should it end here, a replay leaves these records out of the old bytes, too.
    await noteErased(lake, request, { hit, erasure, sha256 })
    const { metadata = {} } = (await lake.storage.head(object.uri)) ?? {}
    const written = await lake.storage.upload(path, object.uri, {
      metadata: { ...metadata, 'source-key': unnamedKey(request, metadata), 'content-sha256': sha256 },
      tags: { zone: 'raw', dataset: lead.name, 'source-system': lead.source.system, 'data-class': lead.dataClass },
      sha256,
    })
    done.push({
      uri: object.uri,
      versionBefore: object.version,
      sha256Before: object.sha256,
      version: written.version,
      sha256,
      ordinals: found.ordinals,
    })
    await ledger.write({ objects: [...done] })
  }
  // Those of a run that died as well.
  for (const { uri, erasures } of (await erasedObjects(lake, dataset.name)).values())
    if (erasures.some(each => each.erasure === erasure)) await lake.storage.purge(uri)
  return done
}

function unnamedKey(request: EraseRequest, metadata: Readonly<Record<string, string>>): string {
  const key = metadata['source-key'] ?? ''
  return isNamed(request, key) ? unnamed(request, key) : key
}

interface Noting {
  readonly hit: ObjectHit
  readonly erasure: string
  readonly sha256: string
}

/** For each dataset that has the object in its batches. The one whose records they are comes last: by it a run that died is recognised. */
async function noteErased(lake: Lake, { dataset, datasets }: EraseRequest, { hit, ...work }: Noting): Promise<void> {
  const { object, found, lead } = hit
  const key = object.sourceUri.slice(lake.zones.landing.length + 1)
  const holders = [lead, ...sharers(datasets)(lead, key)].filter(each => each.name !== dataset.name)
  for (const holder of holders) {
    await using bench = await openRecordBench(lake, holder)
    await note(lake, holder, { hit, ...work, counts: await bench.accountOf(object, found.ordinals) })
  }
  const { quarantined, skipped } = found
  await note(lake, dataset, { hit, ...work, counts: { quarantined, ...(skipped === 0 ? {} : { skipped }) } })
}

async function note(
  lake: Lake,
  dataset: Dataset,
  { hit, erasure, sha256, counts }: Noting & { readonly counts: ErasedCounts },
): Promise<void> {
  const { object, found } = hit
  const uri = erasedUri(lake, dataset.name, object.id)
  const before = await readDocument<ErasedObject>(lake, uri)
  const known = new Set(before?.erasures.flatMap(each => each.ordinals))
  const isNew =
    found.ordinals.some(ordinal => !known.has(ordinal)) || !before?.erasures.some(each => each.erasure === erasure)
  const written: ErasedObject = {
    rawObject: object.id,
    uri: object.uri,
    sha256s: [...new Set([...(before?.sha256s ?? [object.sha256]), sha256])],
    erasures: [
      ...(before?.erasures ?? []),
      ...(isNew ? [{ erasure, atMs: lake.clock.nowMs(), ordinals: found.ordinals, ...counts }] : []),
    ],
  }
  await lake.storage.put(uri, Buffer.from(formatDocument(written)), { contentType: 'application/json' })
}
