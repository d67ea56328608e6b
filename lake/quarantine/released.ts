import { readDocument, writeDocumentOnce } from '../batch.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import type { JudgedRecords, Ordinals } from './selection.ts'

/**
 * `ops/released/<dataset>/<raw object>-<release>.json`: records that a release has made rows of, though their object says that a stream could not
 * process them. A replay knows by it that somebody has decided.
 */
interface Released {
  readonly rawObject: string
  readonly records: Ordinals
}

const prefixOf = (lake: Lake, dataset: string, rawObject: string): Uri =>
  `${lake.zones.ops}/released/${dataset}/${rawObject}-`

const AT_ONCE = 8

/** Written once the records are rows: whoever dies before it is repeated. */
export async function writeReleased(
  lake: Lake,
  {
    dataset,
    release,
    judged,
  }: { readonly dataset: string; readonly release: string; readonly judged: readonly JudgedRecords[] },
): Promise<void> {
  const passed = judged.filter(each => each.applied.length > 0)
  await mapParallel(passed, AT_ONCE, ({ rawObject, applied }) =>
    writeDocumentOnce<Released>(lake, `${prefixOf(lake, dataset, rawObject)}${release}.json`, {
      rawObject,
      records: applied,
    }),
  )
}

/** All records of the object that were ever released; undefined when none was. */
export async function releasedRecords(lake: Lake, dataset: string, rawObject: string): Promise<Ordinals | undefined> {
  const found: Uri[] = []
  for await (const { uri } of lake.storage.list(prefixOf(lake, dataset, rawObject))) found.push(uri)
  const documents = await mapParallel(found, AT_ONCE, uri => readDocument<Released>(lake, uri))
  const records = documents.flatMap(document => document?.records ?? [])
  return records.length === 0 ? undefined : records
}
