import { type BatchManifest, type LandedRecord, landedUri, parseDocument, readDocument } from '../../../lake/batch.ts'
import { type DatasetSpec, defineDataset } from '../../../lake/dataset.ts'
import type { Lake, ObjectInfo, Uri, WriteOptions } from '../../../lake/lake.ts'

/** What the tests of ingest land and look at; every value that a test checks stands in the test. */

export const orders = dataset('orders')
export const returns = dataset('returns')

export function dataset(name: string, extra: Partial<DatasetSpec<'id'>> = {}) {
  return defineDataset({
    name,
    source: { system: 'shop', format: 'ndjson', match: `${name}/**` },
    columns: { id: 'long' },
    ...extra,
  })
}

export function drop(lake: Lake, key: string, text: string, options: WriteOptions = {}): Promise<ObjectInfo> {
  return lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(text), options)
}

/** The EventBridge event of one landed version. */
export function created(lake: Lake, key: string, version?: string): Readonly<Record<string, unknown>> {
  return {
    version: '0',
    'detail-type': 'Object Created',
    source: 'aws.s3',
    account: '111122223333',
    detail: {
      bucket: { name: lake.zones.landing.slice(lake.zones.landing.lastIndexOf('/') + 1) },
      object: { key, size: 1, ...(version === undefined ? {} : { 'version-id': version }) },
    },
  }
}

/** An SQS event with messages m1, m2, … */
export function queue(...bodies: readonly unknown[]): Readonly<Record<string, unknown>> {
  return {
    Records: bodies.map((body, index) => ({
      messageId: `m${index + 1}`,
      eventSource: 'aws:sqs',
      body: JSON.stringify(body),
    })),
  }
}

export async function uris(lake: Lake, prefix: Uri): Promise<readonly Uri[]> {
  const found: Uri[] = []
  for await (const { uri } of lake.storage.list(prefix)) found.push(uri)
  return found
}

export async function documents<T>(lake: Lake, prefix: Uri): Promise<readonly T[]> {
  const all = await uris(lake, prefix)
  return Promise.all(
    all.map(async uri => parseDocument(Buffer.from(await lake.storage.get(uri)).toString('utf8')) as T),
  )
}

export async function manifests(lake: Lake): Promise<readonly BatchManifest[]> {
  const all = await uris(lake, `${lake.zones.ops}/batches/`)
  const found = await Promise.all(
    all.filter(uri => uri.endsWith('/manifest.json')).map(uri => readDocument<BatchManifest>(lake, uri)),
  )
  return found.filter(manifest => manifest !== undefined)
}

export function landed(lake: Lake): Promise<readonly LandedRecord[]> {
  return documents<LandedRecord>(lake, `${lake.zones.ops}/landed/`)
}

export function landedOf(lake: Lake, key: string, rawObject: string): Promise<LandedRecord | undefined> {
  return readDocument<LandedRecord>(lake, landedUri(lake, `${lake.zones.landing}/${key}`, rawObject))
}
