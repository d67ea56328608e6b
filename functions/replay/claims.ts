import { claimUri, hashText, type LandedRecord, type RawObject, readDocument, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { ListedObject } from '#lake/replay-documents.ts'
import { isLongKey, rawObject } from './raw-objects.ts'

const OBJECTS_AT_ONCE = 32

interface Claim {
  readonly rawObject: string
  readonly object: RawObject
}

/**
 * Ids of those objects that repeat another one: the same bytes under the same key count once. As `ingest` does, it claims the bytes for
 * an object that nobody has claimed them for, so that a repetition which lands later is known as one; a dry run only looks. Full
 * extracts are exempt, as they are when they land.
 */
export async function claimObjects(
  lake: Lake,
  dataset: Dataset,
  work: { readonly objects: readonly ListedObject[]; readonly dryRun: boolean },
): Promise<ReadonlySet<string>> {
  if (dataset.publish.mode === 'replace') return new Set()
  const long = new Set<string>()
  const repeated = await mapParallel(work.objects, OBJECTS_AT_ONCE, async listed => {
    const object = await rawObject(lake, listed)
    const key = object.sourceUri.slice(lake.zones.landing.length + 1)
    if (isLongKey(key)) long.add(object.id)
    return isLongKey(key) || (await isFirst(lake, dataset, { object, key, dryRun: work.dryRun })) ? [] : [object.id]
  })
  return new Set([...repeated.flat(), ...(await recordedDuplicates(lake, long))])
}

interface Bytes {
  readonly object: RawObject
  readonly key: string
  readonly dryRun: boolean
}

async function isFirst(lake: Lake, dataset: Dataset, { object, key, dryRun }: Bytes): Promise<boolean> {
  const uri = claimUri(lake, dataset.name, hashText(key, object.sha256))
  const claim = { rawObject: object.id, object }
  const first = dryRun ? await readDocument<Claim>(lake, uri) : await writeDocumentOnce<Claim>(lake, uri, claim)
  return first === undefined || first.rawObject === object.id
}

/** Of a key that is too long for metadata only its hash is known, so the record of its landing has to be looked for by the id. */
async function recordedDuplicates(lake: Lake, ids: ReadonlySet<string>): Promise<readonly string[]> {
  const duplicates: string[] = []
  if (ids.size === 0) return duplicates
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/landed/`)) {
    const id = uri.slice(uri.lastIndexOf('/') + 1, -'.json'.length)
    if (!ids.has(id)) continue
    const record = await readDocument<LandedRecord>(lake, uri)
    if (record?.outcome.kind === 'duplicate') duplicates.push(id)
  }
  return duplicates
}
