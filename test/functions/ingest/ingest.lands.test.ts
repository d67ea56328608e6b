// A landing object becomes one raw object with the exact bytes, its origin in metadata, one batch manifest that names it, one landed
// record, and one "Raw Batch Ready" event that points at the manifest: on the memory lake and on a folder alike.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { ingest } from '../../../functions/ingest/ingest.ts'
import { manifestUri, readDocument } from '../../../lake/batch.ts'
import { diskLake, memoryLake } from '../../../lake/disk/disk-lake.ts'
import { created, dataset, drop, landed, landedOf, manifests, orders, queue, returns, uris } from './landing.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-ingest-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const lakes = [
  ['memory', () => memoryLake({ startMs: Date.UTC(2024, 1, 29, 23, 59, 59) })],
  ['a folder', () => diskLake(join(folder, 'lake'))],
] as const

describe.each(lakes)('on %s', (_name, open) => {
  test('one object, from event to event', async () => {
    const lake = open()
    const text = '{"id":1}\n{"id":2}\n'
    const { version, modifiedMs } = await drop(lake, 'orders/day one+ü.json', text)
    const report = await ingest(lake, [orders, returns], queue(created(lake, 'orders/day one+ü.json', version)))
    expect(report).toMatchObject({ records: 1, landed: 1, failed: 0, batchItemFailures: [] })

    const [manifest] = await manifests(lake)
    const [object] = manifest?.objects ?? []
    expect(manifest?.dataset).toBe('orders')
    expect(object).toMatchObject({
      bytes: 18,
      sha256: 'c63f6dd68b68601e7315ea40d28bc34e55379e4fa65f82b1d32228429aeafcde',
      sourceUri: `${lake.zones.landing}/orders/day one+ü.json`,
      sourceVersion: version,
      landedMs: modifiedMs,
      contractVersion: 1,
    })
    const [date, hour] = new Date(modifiedMs).toISOString().split(/[T:]/)
    expect(object?.uri).toBe(`${lake.zones.raw}/orders/ingest_date=${date}/ingest_hour=${hour}/${object?.id}.ndjson`)

    const raw = await lake.storage.head(object?.uri ?? '')
    expect(raw).toMatchObject({ bytes: 18, version: object?.version })
    expect(raw?.metadata).toEqual({
      'source-system': 'shop',
      'data-contract-version': '1',
      dataset: 'orders',
      'source-key': 'orders/day one+ü.json',
      'source-version-id': version,
      'content-sha256': object?.sha256,
      'landed-at': new Date(modifiedMs).toISOString(),
    })
    expect(Buffer.from(await lake.storage.get(object?.uri ?? '')).toString()).toBe(text)

    expect(await landedOf(lake, 'orders/day one+ü.json', object?.id ?? '')).toEqual({
      sourceUri: `${lake.zones.landing}/orders/day one+ü.json`,
      sourceVersion: version,
      rawObject: object?.id,
      dataset: 'orders',
      outcome: { kind: 'batched', batch: manifest?.id, rawUri: object?.uri },
    })
    const pointer = {
      dataset: 'orders',
      batch: manifest?.id,
      manifest: manifestUri(lake, 'orders', manifest?.id ?? ''),
      objects: 1,
      bytes: 18,
    }
    expect(lake.bus.published).toEqual([{ 'detail-type': 'Raw Batch Ready', detail: pointer }])
    expect(report.batches).toEqual([pointer])
    expect(await readDocument(lake, pointer.manifest)).toEqual(manifest)
  })
})

test('objects of one event are batched by dataset, and each message of it is done', async () => {
  const lake = memoryLake()
  const keys = ['orders/1', 'returns/1', 'orders/2', 'orders/3']
  const events = []
  for (const key of keys) events.push(created(lake, key, (await drop(lake, key, `{"id":"${key}"}`)).version))
  const report = await ingest(lake, [orders, returns], queue(...events))
  expect(report).toMatchObject({ records: 4, landed: 4, batchItemFailures: [] })
  expect(report.batches.map(({ dataset: name, objects }) => [name, objects])).toEqual([
    ['orders', 3],
    ['returns', 1],
  ])
})

test('an event without a version id takes the current version; S3 notifications and bare events land the same way', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a b', 'old')
  await drop(lake, 'orders/a b', 'new!')
  const bucket = { name: 'memory-landing' }
  const event = {
    Records: [{ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put', s3: { bucket, object: { key: 'orders/a+b' } } }],
  }
  expect(await ingest(lake, [orders], event)).toMatchObject({ landed: 1 })
  expect(await ingest(lake, [orders], created(lake, 'orders/a b'))).toMatchObject({ landed: 0, suppressed: 1 })
  const [manifest] = await manifests(lake)
  expect(manifest?.objects.map(object => object.bytes)).toEqual([4])
})

test('the version that the event names is read, not the key', async () => {
  const lake = memoryLake()
  const first = await drop(lake, 'orders/a', 'first')
  await drop(lake, 'orders/a', 'second one')
  await ingest(lake, [orders], queue(created(lake, 'orders/a', first.version)))
  const [manifest] = await manifests(lake)
  expect(manifest?.objects[0]).toMatchObject({ bytes: 5, sourceVersion: first.version })
})

test('the extension tells the compression that the bytes have, whatever the key says', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/plain.json.gz', '{"id":1}')
  await lake.storage.put(`${lake.zones.landing}/orders/packed.json`, gzipSync('{"id":1}'))
  await ingest(lake, [orders], queue(created(lake, 'orders/plain.json.gz'), created(lake, 'orders/packed.json')))
  const names = (await uris(lake, `${lake.zones.raw}/`)).map(uri => uri.slice(uri.indexOf('.')))
  expect(names.toSorted()).toEqual(['.ndjson', '.ndjson.gz'])
})

test("the producer's contract version travels with the object, unreadable and unaccepted ones too", async () => {
  const lake = memoryLake()
  const versioned = dataset('orders', { contract: { version: 3, accepts: { min: 2, max: 3 } } })
  const declared = { a: undefined, b: '2', c: '7', d: 'latest' }
  for (const [name, version] of Object.entries(declared))
    await drop(
      lake,
      `orders/${name}`,
      name,
      version === undefined ? {} : { metadata: { 'data-contract-version': version } },
    )
  const keys = Object.keys(declared).map(name => created(lake, `orders/${name}`))
  expect(await ingest(lake, [versioned], queue(...keys))).toMatchObject({ landed: 4, rejected: 0 })
  const [manifest] = await manifests(lake)
  const versions = manifest?.objects.map(object => [object.sourceUri.at(-1), object.contractVersion]) ?? []
  expect(Object.fromEntries(versions)).toEqual({ a: 3, b: 2, c: 7, d: 0 })
})

test('registered partitions: the table is there, each hour once; projected ones need no catalog', async () => {
  const lake = memoryLake({ startMs: Date.UTC(2024, 4, 6, 7) })
  const registered = dataset('orders', { raw: { partitions: 'registered' } })
  const events = []
  for (const key of ['orders/1', 'orders/2', 'orders/3', 'returns/1']) {
    events.push(created(lake, key, (await drop(lake, key, key)).version))
    if (key === 'orders/2') lake.clock.advance(3_600_000)
  }
  await ingest(lake, [registered, returns], queue(...events))
  await ingest(lake, [registered, returns], queue(...events))
  expect(await lake.catalog.tables()).toEqual(['orders__raw'])
  expect(await lake.catalog.partitions('orders__raw')).toEqual([
    { values: ['2024-05-06', '07'], location: `${lake.zones.raw}/orders/ingest_date=2024-05-06/ingest_hour=07/` },
    { values: ['2024-05-06', '08'], location: `${lake.zones.raw}/orders/ingest_date=2024-05-06/ingest_hour=08/` },
  ])
})

test('2,500 objects in one second: all are landed once, in batches of at most 1,000', async () => {
  const lake = memoryLake()
  const events = []
  for (let index = 0; index < 2_500; index++)
    events.push(created(lake, `orders/${index}`, (await drop(lake, `orders/${index}`, `${index}`)).version))
  const report = await ingest(lake, [orders], queue(...events))
  expect(report).toMatchObject({ records: 2_500, landed: 2_500, batchItemFailures: [] })
  expect(report.batches.map(batch => batch.objects)).toEqual([1_000, 1_000, 500])
  expect(new Set((await landed(lake)).map(record => record.rawObject)).size).toBe(2_500)
})
