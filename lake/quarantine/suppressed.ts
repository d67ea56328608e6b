import { formatDocument, readDocument } from '../batch.ts'
import { LakeError } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import type { Ordinals, SelectedRecords } from './selection.ts'

/** Records that a drop took out of quarantine: `ops/suppressed/<dataset>/<raw object>-<batch of the drop>.json`. */
export interface Suppressed extends SelectedRecords {
  /** Those of the records that the drop itself took out; others were gone when it came to that. */
  readonly taken: Ordinals
  readonly reason: string | undefined
  readonly atMs: number
}

const prefixOf = (lake: Lake, dataset: string): Uri => `${lake.zones.ops}/suppressed/${dataset}/`

const uriOf = (
  lake: Lake,
  dataset: string,
  { rawObject, drop }: { readonly rawObject: string; readonly drop: string },
) => `${prefixOf(lake, dataset)}${rawObject}-${drop}.json`

export interface Drop {
  readonly dataset: string
  /** The batch that drops. */
  readonly drop: string
  readonly records: readonly Suppressed[]
}

const AT_ONCE = 8

/**
 * Written before each attempt of the commit with what that attempt takes. The records of the first attempt stay: a replay may have left them out
 * since, and they must not turn up in no account.
 */
export async function writeSuppressed(lake: Lake, { dataset, drop, records }: Drop): Promise<void> {
  await mapParallel(records, AT_ONCE, async each => {
    const uri = uriOf(lake, dataset, { rawObject: each.rawObject, drop })
    const first = await readDocument<Suppressed>(lake, uri)
    const document: Suppressed = first === undefined ? each : { ...first, taken: each.taken }
    await lake.storage.put(uri, Buffer.from(formatDocument(document)), { contentType: 'application/json' })
  })
}

/** What one drop wrote down of these objects. */
export async function suppressedBy(
  lake: Lake,
  {
    dataset,
    drop,
    rawObjects,
  }: { readonly dataset: string; readonly drop: string; readonly rawObjects: readonly string[] },
): Promise<readonly Suppressed[]> {
  const documents = await mapParallel(rawObjects, AT_ONCE, rawObject =>
    readDocument<Suppressed>(lake, uriOf(lake, dataset, { rawObject, drop })),
  )
  return documents.filter(each => each !== undefined)
}

/** Objects of a batch landed near each other, so this is far more than lies between them. */
const LISTED_MAX = 100_000

/** All records of these objects that were ever dropped, from one listing of the names between the first and the last of them. */
export async function suppressedRecords(
  lake: Lake,
  dataset: string,
  rawObjects: readonly string[],
): Promise<ReadonlyMap<string, Ordinals>> {
  const wanted = new Set(rawObjects)
  const sorted = rawObjects.toSorted()
  const [first, last] = [sorted[0], sorted.at(-1)]
  if (first === undefined || last === undefined) return new Map()
  const prefix = prefixOf(lake, dataset)
  const found: Uri[] = []
  let listed = 0
  for await (const { uri } of lake.storage.list(prefix, { startAfter: `${prefix}${first}` })) {
    const id = uri.slice(prefix.length).split('-')[0] as string
    if (id > last) break
    if (++listed > LISTED_MAX)
      throw new LakeError(
        'unsupported',
        `more than ${LISTED_MAX} dropped objects of ${dataset} landed among those of the batch`,
        { dataset },
      )
    if (wanted.has(id)) found.push(uri)
  }
  const documents = await mapParallel(found, AT_ONCE, uri => readDocument<Suppressed>(lake, uri))
  const byObject = Map.groupBy(
    documents.filter(each => each !== undefined && each.records.length > 0) as readonly Suppressed[],
    each => each.rawObject,
  )
  return new Map([...byObject].map(([id, each]) => [id, each.flatMap(({ records }) => records)]))
}
