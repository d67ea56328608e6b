// A version that is delivered again changes nothing: no raw object, batch or record more. Until its batch is committed the batch is
// announced again, because the first announcement may have been lost; afterwards nothing happens at all.
import { expect, test } from 'vitest'
import { ingest } from '../../../functions/ingest/ingest.ts'
import { commitUri, manifestUri, type RawObject } from '../../../lake/batch.ts'
import { memoryLake } from '../../../lake/disk/disk-lake.ts'
import type { Lake } from '../../../lake/lake.ts'
import { created, dataset, drop, landed, manifests, orders, queue, returns, uris } from './landing.ts'

const everything = async (lake: Lake) => [...(await uris(lake, lake.zones.raw)), ...(await uris(lake, lake.zones.ops))]

test('before the commit the same batch is announced again, after it nothing is', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  const event = queue(created(lake, 'orders/a', 'v1'))
  const first = await ingest(lake, [orders], event)
  const before = await everything(lake)

  const second = await ingest(lake, [orders], event)
  expect(second).toMatchObject({ records: 1, landed: 0, suppressed: 1, batchItemFailures: [] })
  expect(second.batches).toEqual(first.batches)
  expect(lake.bus.published).toHaveLength(2)
  expect(await everything(lake)).toEqual(before)

  await lake.storage.put(commitUri(lake, 'orders', first.batches[0]?.batch ?? ''), Buffer.from('{}'))
  expect(await ingest(lake, [orders], event)).toMatchObject({ suppressed: 1, batches: [] })
  expect(lake.bus.published).toHaveLength(2)
})

test('after the commit not even the manifest is needed', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  const event = queue(created(lake, 'orders/a', 'v1'))
  const batch = (await ingest(lake, [orders], event)).batches[0]?.batch ?? ''
  await lake.storage.delete(manifestUri(lake, 'orders', batch))
  await expect(ingest(lake, [orders], created(lake, 'orders/a', 'v1'))).rejects.toThrow(
    'neither a manifest nor a commit',
  )
  await lake.storage.put(commitUri(lake, 'orders', batch), Buffer.from('{}'))
  expect(await ingest(lake, [orders], event)).toMatchObject({ suppressed: 1, batchItemFailures: [] })
})

test('delivered a month later, other objects beside it: only those are batched', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  await ingest(lake, [orders], queue(created(lake, 'orders/a', 'v1')))
  lake.clock.advance(31 * 86_400_000)
  const { version } = await drop(lake, 'orders/b', '2')
  const report = await ingest(
    lake,
    [orders],
    queue(created(lake, 'orders/b', version), created(lake, 'orders/a', 'v1')),
  )
  expect(report).toMatchObject({ landed: 1, suppressed: 1 })
  const held = (await manifests(lake)).map(({ objects }) => objects.map(object => object.sourceUri.at(-1)))
  expect(held.toSorted()).toEqual([['a'], ['b']])
})

test('twice in one event is once, and both messages are done', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  const event = queue(created(lake, 'orders/a', 'v1'), created(lake, 'orders/a', 'v1'), created(lake, 'orders/a'))
  expect(await ingest(lake, [orders], event)).toMatchObject({
    records: 3,
    landed: 1,
    suppressed: 2,
    batchItemFailures: [],
  })
  expect((await manifests(lake)).map(({ objects }) => objects.length)).toEqual([1])
})

test('the same event handled twice at one time makes one batch', async () => {
  const lake = memoryLake()
  const keys = ['orders/a', 'orders/b', 'orders/c']
  for (const key of keys) await drop(lake, key, key)
  const event = queue(...keys.map(key => created(lake, key)))
  await Promise.all([ingest(lake, [orders], event), ingest(lake, [orders], event)])
  expect(await manifests(lake)).toHaveLength(1)
  expect(await uris(lake, lake.zones.raw)).toHaveLength(3)
  expect(await landed(lake)).toHaveLength(3)
})

test('overlapping events at one time: batches agree on what they share, and every recorded batch is announced', async () => {
  const lake = memoryLake()
  const keys = ['orders/a', 'orders/b', 'orders/c']
  for (const key of keys) await drop(lake, key, key)
  const [a, b, c] = keys.map(key => created(lake, key))
  await Promise.all([ingest(lake, [orders], queue(a, b)), ingest(lake, [orders], queue(b, c))])
  const objects = (await manifests(lake)).flatMap(batch => batch.objects)
  const byId = Map.groupBy(objects, (object: RawObject) => object.id)
  expect(byId.size).toBe(3)
  for (const same of byId.values()) for (const object of same) expect(object).toEqual(same[0])
  const announced = new Set(lake.bus.published.map(event => event.detail['batch']))
  for (const { outcome } of await landed(lake)) expect(announced).toContain(outcome.kind === 'batched' && outcome.batch)
})

test('the same bytes uploaded again under the same key are in raw, but in no batch', async () => {
  const lake = memoryLake()
  const first = await drop(lake, 'orders/a', '1')
  await ingest(lake, [orders], queue(created(lake, 'orders/a', first.version)))
  lake.clock.advance(1_000)
  const again = await drop(lake, 'orders/a', '1')
  const event = queue(created(lake, 'orders/a', again.version))
  expect(await ingest(lake, [orders], event)).toMatchObject({ landed: 0, duplicates: 1 })
  expect(await manifests(lake)).toHaveLength(1)
  expect(await uris(lake, lake.zones.raw)).toHaveLength(2)
  const record = (await landed(lake)).find(each => each.sourceVersion === again.version)
  const original = (await landed(lake)).find(each => each.sourceVersion === first.version)
  expect(record?.outcome).toMatchObject({ kind: 'duplicate', of: original?.rawObject })
  expect(await ingest(lake, [orders], event)).toMatchObject({ duplicates: 0, suppressed: 1 })
})

test('the same bytes twice in one event are one object in one batch', async () => {
  const lake = memoryLake()
  await drop(lake, 'orders/a', '1')
  await drop(lake, 'orders/a', '1')
  const report = await ingest(lake, [orders], queue(created(lake, 'orders/a', 'v1'), created(lake, 'orders/a', 'v2')))
  expect(report).toMatchObject({ landed: 1, duplicates: 1 })
  expect((await manifests(lake)).map(({ objects }) => objects.length)).toEqual([1])
})

test('the same bytes under two keys, or of two datasets, are two objects', async () => {
  const lake = memoryLake()
  for (const key of ['orders/a', 'orders/b', 'returns/a']) await drop(lake, key, '1')
  const report = await ingest(
    lake,
    [orders, returns],
    queue(created(lake, 'orders/a'), created(lake, 'orders/b'), created(lake, 'returns/a')),
  )
  expect(report).toMatchObject({ landed: 3, duplicates: 0 })
})

test('an extract that goes back to older bytes is a change, so replace datasets know no duplicates', async () => {
  const lake = memoryLake()
  const extract = dataset('orders', { publish: 'replace' })
  for (const text of ['old', 'new', 'old']) await drop(lake, 'orders/all', text)
  const event = queue(...['v1', 'v2', 'v3'].map(version => created(lake, 'orders/all', version)))
  expect(await ingest(lake, [extract], event)).toMatchObject({ landed: 3, duplicates: 0 })
})

test('a duplicate of a delivery that died after its claim brings that one along', async () => {
  let dead = true
  const lake = memoryLake({
    storageFaults: (moment, uri) => {
      if (dead && moment === 'before put' && uri.endsWith('/manifest.json')) throw new Error('died')
    },
  })
  await drop(lake, 'orders/a', '1')
  await ingest(lake, [orders], queue(created(lake, 'orders/a', 'v1')))
  expect(await manifests(lake)).toEqual([])
  dead = false
  const { version } = await drop(lake, 'orders/a', '1')
  expect(await ingest(lake, [orders], queue(created(lake, 'orders/a', version)))).toMatchObject({ duplicates: 1 })
  expect((await manifests(lake)).flatMap(batch => batch.objects.map(object => object.sourceVersion))).toEqual(['v1'])
  expect(lake.bus.published).toHaveLength(1)
  expect(await ingest(lake, [orders], queue(created(lake, 'orders/a', 'v1')))).toMatchObject({ suppressed: 1 })
  expect(await manifests(lake)).toHaveLength(1)
})
