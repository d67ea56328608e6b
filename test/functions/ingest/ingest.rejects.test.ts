// What ingest does not take is never dropped in silence: it is counted with a reason, and what was meant as data is in a landed record
// and a dead letter. Neighbours are not disturbed, and a rejection that no longer holds gives way.
import { expect, test } from 'vitest'
import { ingest } from '../../../functions/ingest/ingest.ts'
import { type LogLine, memoryLake } from '../../../lake/disk/disk-lake.ts'
import type { Lake } from '../../../lake/lake.ts'
import type { Rejection } from '../../../lake/rejection.ts'
import { created, dataset, documents, drop, landed, manifests, orders, queue, uris } from './landing.ts'

const letters = (lake: Lake) => documents<Rejection>(lake, `${lake.zones.ops}/dead-letters/ingest/`)

test('an object without a dataset', async () => {
  const lake = memoryLake()
  await drop(lake, 'elsewhere/a', '1')
  const event = queue(created(lake, 'elsewhere/a'))
  const report = await ingest(lake, [orders], event)
  expect(report).toMatchObject({ rejected: 1, reasons: { 'no-dataset': 1 }, batchItemFailures: [] })
  expect(await uris(lake, lake.zones.raw)).toEqual([])
  expect(await landed(lake)).toMatchObject([
    { sourceVersion: 'v1', outcome: { kind: 'rejected', reason: 'no-dataset' } },
  ])
  expect(await letters(lake)).toMatchObject([
    { reason: 'no-dataset', sourceUri: 's3://memory-landing/elsewhere/a', sourceVersion: 'v1' },
  ])
  expect(await ingest(lake, [orders], event)).toMatchObject({ rejected: 0, suppressed: 1 })
  expect(await letters(lake)).toHaveLength(1)
})

test('once a dataset matches, the same delivery lands', async () => {
  const lake = memoryLake()
  await drop(lake, 'returns/a', '1')
  const event = queue(created(lake, 'returns/a'))
  await ingest(lake, [orders], event)
  expect(await ingest(lake, [orders, dataset('returns')], event)).toMatchObject({ landed: 1 })
  expect(await landed(lake)).toMatchObject([{ dataset: 'returns', outcome: { kind: 'batched' } }])
  expect(await ingest(lake, [orders, dataset('returns')], event)).toMatchObject({ landed: 0, suppressed: 1 })
})

test('an object above the limit is refused before a byte of it is read, whatever size the event tells', async () => {
  const reads: string[] = []
  const lake = memoryLake({
    storageFaults: (moment, uri) => {
      if ((moment === 'before stage' || moment === 'before get') && uri.startsWith('s3://memory-landing'))
        reads.push(uri)
    },
  })
  const small = dataset('orders', { limits: { objectBytesMax: 4 } })
  await drop(lake, 'orders/exact', '1234')
  await drop(lake, 'orders/above', '12345')
  const report = await ingest(lake, [small], queue(created(lake, 'orders/exact'), created(lake, 'orders/above')))
  expect(report).toMatchObject({ landed: 1, rejected: 1, reasons: { 'too-large': 1 } })
  expect(reads).toEqual(['s3://memory-landing/orders/exact'])
  expect(await letters(lake)).toMatchObject([{ message: '5 bytes, limits.objectBytesMax is 4' }])
})

test('empty objects, markers and what jobs leave behind are ignored by name', async () => {
  const lake = memoryLake()
  const keys = ['orders/', 'orders/_SUCCESS', 'orders/.a.crc', 'orders/_temporary/0/a', 'orders/empty']
  for (const key of keys) await drop(lake, key, key === 'orders/empty' ? '' : 'x')
  const report = await ingest(lake, [orders], queue(...keys.map(key => created(lake, key))))
  expect(report).toMatchObject({ records: 5, ignored: 5, landed: 0, batchItemFailures: [] })
  expect(report.reasons).toEqual({
    'folder-marker': 1,
    'success-marker': 1,
    'checksum-file': 1,
    temporary: 1,
    empty: 1,
  })
  expect([...(await uris(lake, lake.zones.raw)), ...(await uris(lake, lake.zones.ops))]).toEqual([])
})

test('an object or a version that is gone is superseded, and nobody tries again', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/deleted', '1')
  await lake.storage.delete(`${lake.zones.landing}/orders/deleted`)
  const report = await ingest(
    lake,
    [orders],
    queue(created(lake, 'orders/deleted'), created(lake, 'orders/never'), created(lake, 'orders/deleted', 'v99')),
  )
  expect(report).toMatchObject({ superseded: 3, batchItemFailures: [] })
})

test('an object that goes away between HEAD and GET is superseded too', async () => {
  const lake: Lake = memoryLake({
    storageFaults: async (moment, uri) => {
      if (moment === 'before stage') await lake.storage.delete(uri)
    },
  })
  const withoutVersions: Lake = {
    ...lake,
    storage: {
      ...lake.storage,
      head: uri => lake.storage.head(uri),
      stage: (uri, folder) => lake.storage.stage(uri, folder),
    },
  }
  await drop(lake, 'orders/a', '1')
  expect(await ingest(withoutVersions, [orders], queue(created(lake, 'orders/a')))).toMatchObject({
    superseded: 1,
    batchItemFailures: [],
  })
})

test('forged events: other buckets and accounts are refused, logged on one line for security, and leave no trace in the lake', async () => {
  const lines: LogLine[] = []
  const lake = memoryLake({ log: line => lines.push(line) })
  const forged = created(lake, 'orders/a\r\nlevel=info')
  const other = { ...forged, detail: { bucket: { name: 'raw-bucket' }, object: { key: 'orders/a\r\n{}' } } }
  const report = await ingest(lake, [orders], queue(forged, other), { account: '999999999999' })
  expect(report).toMatchObject({ refused: 2, reasons: { 'other-account': 2 }, batchItemFailures: [] })
  expect(await ingest(lake, [orders], queue(other))).toMatchObject({ refused: 1, reasons: { 'other-bucket': 1 } })
  const security = lines.filter(line => line.level === 'warn')
  expect(security).toHaveLength(3)
  expect(security[2]?.fields).toEqual({
    security: true,
    reason: 'other-bucket',
    place: 'raw-bucket/orders/a\\u{d}\\u{a}{}',
  })
  expect(await uris(lake, lake.zones.ops)).toEqual([])
})

test('a message that is no event becomes a dead letter with its body, once; its neighbour lands', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  const event = queue({ hello: 'world' }, created(lake, 'orders/a'), {
    'detail-type': 'Object Created',
    source: 'aws.s3',
  })
  for (let delivery = 0; delivery < 2; delivery++) {
    const report = await ingest(lake, [orders], event)
    expect(report).toMatchObject({ records: 3, rejected: 2, reasons: { 'event-invalid': 2 }, batchItemFailures: [] })
  }
  const found = await letters(lake)
  expect(found).toHaveLength(2)
  expect(found.map(letter => letter.body)).toContain('{"hello":"world"}')
  expect(await manifests(lake)).toHaveLength(1)
})

test('a dead letter holds at most 64 KB of a message', async () => {
  const lake = memoryLake()
  await ingest(lake, [orders], queue('x'.repeat(200_000)))
  expect((await letters(lake))[0]?.body).toHaveLength(65_536)
})

test('datasets that claim the same keys are refused before anything is read', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  const rival = dataset('rival', { source: { system: 'shop', format: 'ndjson', match: 'orders/**' } })
  await expect(ingest(lake, [orders, rival], queue(created(lake, 'orders/a')))).rejects.toThrow('equally specific')
  expect(await uris(lake, lake.zones.ops)).toEqual([])
})
