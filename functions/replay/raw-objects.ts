import type { RawObject } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import type { ListedObject } from '#lake/replay-documents.ts'
import { ulidMs } from '#lake/ulid.ts'

export interface DateRange {
  readonly from?: string | undefined
  readonly to?: string | undefined
}

const KEY = /^ingest_date=(\d{4}-\d{2}-\d{2})\/ingest_hour=\d{2}\/([0-7][0-9A-HJKMNP-TV-Z]{25})\.[a-z.]+$/

/**
 * Raw objects of a dataset by the day of their ingest, in the order of landing, as a listing of the partitions has them: what is in a
 * partition was landed on its day, whatever time S3 gives to the object.
 */
export async function* rawObjects(lake: Lake, dataset: string, { from, to }: DateRange): AsyncGenerator<ListedObject> {
  const prefix: Uri = `${lake.zones.raw}/${dataset}/`
  const options = from === undefined ? {} : { startAfter: `${prefix}ingest_date=${from}` }
  for await (const { uri, bytes } of lake.storage.list(prefix, options)) {
    const [, date = '', id] = KEY.exec(uri.slice(prefix.length)) ?? []
    if (id === undefined) continue
    if (to !== undefined && date > to) return
    yield { id, uri, bytes }
  }
}

const LONG_KEY = 'sha256:'

/** Whether metadata holds the hash of a landing key in its place (functions/ingest/name.ts). */
export const isLongKey = (key: string): boolean => key.startsWith(LONG_KEY)

/**
 * A raw object as its own metadata describes it, in the version that is there. Fails with `not-found` when there is none, and with
 * `unsupported` when `ingest` did not write it: bytes that nobody has taken the checksum of are not refined.
 */
export async function rawObject(lake: Lake, { id, uri }: Pick<ListedObject, 'id' | 'uri'>): Promise<RawObject> {
  const info = await lake.storage.head(uri)
  if (info === undefined)
    throw new LakeError('not-found', `the raw object ${uri} was listed and is not there any more`, { uri })
  const sha256 = info.metadata['content-sha256']
  const key = info.metadata['source-key']
  if (sha256 === undefined || key === undefined)
    throw new LakeError('unsupported', `${uri} has no checksum or no origin in its metadata: ingest did not write it`, {
      uri,
      next: 'put the file into landing instead',
    })
  return {
    id,
    uri,
    version: info.version,
    bytes: info.bytes,
    sha256,
    sourceUri: `${lake.zones.landing}/${key}`,
    sourceVersion: info.metadata['source-version-id'] ?? '',
    landedMs: ulidMs(id),
    contractVersion: Number(info.metadata['data-contract-version'] ?? 0),
  }
}
