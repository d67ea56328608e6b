// Trouble with one object is handed back to the queue as that object's messages and no others; errors that no retry heals become
// rejections instead. Without a queue the error is thrown, so that the caller's own retry sees it. A retry then lands everything once.
import { expect, test } from 'vitest'
import { ingest } from '../../../functions/ingest/ingest.ts'
import { memoryLake } from '../../../lake/disk/disk-lake.ts'
import type { StorageMoment } from '../../../lake/disk/memory-storage.ts'
import { type ErrorKind, LakeError } from '../../../lake/errors.ts'
import type { Lake } from '../../../lake/lake.ts'
import { created, dataset, drop, landed, manifests, orders, queue, returns, uris } from './landing.ts'

/** A lake where one storage call fails as long as `trouble.on`. */
function troubled(moment: StorageMoment, part: string, error: unknown) {
  const trouble = { on: true }
  const lake = memoryLake({
    storageFaults: (now, uri) => {
      if (trouble.on && now === moment && uri.includes(part)) throw error
    },
  })
  return { lake, trouble }
}

const error = (kind: ErrorKind) => new LakeError(kind, `${kind} on purpose`)

async function threeOrders(lake: Lake) {
  for (const name of ['a', 'b', 'c']) await drop(lake, `orders/${name}`, name)
  return queue(...['a', 'b', 'c'].map(name => created(lake, `orders/${name}`)))
}

test.each([
  ['before head', 'landing/orders/b', error('throttled')],
  ['before stage', 'landing/orders/b', error('unavailable')],
  ['before stage', 'landing/orders/b', error('access-denied')],
  ['before stage', 'landing/orders/b', new TypeError('a bug')],
  ['after head', 'landing/orders/b', error('unavailable')],
] as const)('%s %s: its message comes again, its neighbours land now', async (moment, part, thrown) => {
  const { lake, trouble } = troubled(moment, part, thrown)
  const event = await threeOrders(lake)
  const report = await ingest(lake, [orders], event)
  expect(report).toMatchObject({ landed: 2, failed: 1, rejected: 0, batchItemFailures: [{ itemIdentifier: 'm2' }] })
  trouble.on = false
  expect(await ingest(lake, [orders], event)).toMatchObject({ landed: 1, suppressed: 2, batchItemFailures: [] })
  const held = (await manifests(lake)).flatMap(batch => batch.objects.map(object => object.sourceUri.at(-1)))
  expect(held.toSorted()).toEqual(['a', 'b', 'c'])
})

test('a terminal error rejects its object with the kind as reason', async () => {
  const { lake } = troubled('before stage', 'landing/orders/b', error('unsupported'))
  const report = await ingest(lake, [orders], await threeOrders(lake))
  expect(report).toMatchObject({ landed: 2, rejected: 1, reasons: { unsupported: 1 }, batchItemFailures: [] })
  expect((await landed(lake)).filter(record => record.outcome.kind === 'rejected')).toMatchObject([
    { dataset: 'orders', outcome: { reason: 'unsupported', message: 'unsupported on purpose' } },
  ])
})

test('a missing bucket is not mistaken for a superseded object', async () => {
  const { lake } = troubled('before stage', 'landing/orders/b', error('not-found'))
  expect(await ingest(lake, [orders], await threeOrders(lake))).toMatchObject({ superseded: 0, rejected: 1 })
})

test.each(['after upload', 'after put'] as const)('an answer lost %s: the retry finds what it wrote', async moment => {
  const { lake, trouble } = troubled(moment, moment === 'after upload' ? '/orders/' : 'claims', error('unavailable'))
  const event = await threeOrders(lake)
  expect(await ingest(lake, [orders], event)).toMatchObject({ landed: 0, failed: 3 })
  trouble.on = false
  expect(await ingest(lake, [orders], event)).toMatchObject({ landed: 3, failed: 0 })
  expect(await uris(lake, lake.zones.raw)).toHaveLength(3)
})

test('another object under the raw name fails as a checksum, and is left as it is', async () => {
  const lake = memoryLake()
  const event = await threeOrders(lake)
  const squatted = memoryLake()
  await threeOrders(squatted)
  await ingest(lake, [orders], event)
  const [uri = ''] = await uris(lake, lake.zones.raw)
  await squatted.storage.put(uri, Buffer.from('other'), { metadata: { 'content-sha256': 'other' } })
  expect(await ingest(squatted, [orders], event)).toMatchObject({ landed: 2, rejected: 1, reasons: { checksum: 1 } })
  expect(Buffer.from(await squatted.storage.get(uri)).toString()).toBe('other')
})

test('a body that is cut short is fetched again, never landed', async () => {
  const whole = memoryLake()
  const event = await threeOrders(whole)
  const lake: Lake = {
    ...whole,
    storage: {
      ...whole.storage,
      stage: async (uri, folder, options) => ({ ...(await whole.storage.stage(uri, folder, options)), bytes: 0 }),
    },
  }
  expect(await ingest(lake, [orders], event)).toMatchObject({ landed: 0, failed: 3 })
  expect(await uris(whole, whole.zones.raw)).toEqual([])
})

test('when the event bus is down, every message comes again and the batch is announced then', async () => {
  const working = memoryLake()
  const lake: Lake = {
    ...working,
    bus: {
      publish: async () => {
        throw error('throttled')
      },
    },
  }
  const event = await threeOrders(lake)
  const report = await ingest(lake, [orders], event)
  expect(report).toMatchObject({ landed: 0, failed: 3, batches: [] })
  expect(report.batchItemFailures.map(each => each.itemIdentifier)).toEqual(['m1', 'm2', 'm3'])
  expect(await ingest(working, [orders], event)).toMatchObject({ suppressed: 3, batchItemFailures: [] })
  expect(working.bus.published).toHaveLength(1)
})

test('trouble with one dataset fails its messages only', async () => {
  const { lake } = troubled('before put', 'batches/orders', error('unavailable'))
  await drop(lake, 'orders/a', '1')
  await drop(lake, 'returns/a', '1')
  const event = queue(created(lake, 'orders/a'), created(lake, 'returns/a'), created(lake, 'elsewhere/a'))
  expect(await ingest(lake, [orders, returns], event)).toMatchObject({
    landed: 1,
    superseded: 1,
    failed: 1,
    batchItemFailures: [{ itemIdentifier: 'm1' }],
  })
})

test('a catalog that cannot register a partition holds its dataset back', async () => {
  const catalogTrouble = { on: true }
  const lake = memoryLake({
    catalogFaults: moment => {
      if (catalogTrouble.on && moment === 'before addPartitions') throw error('throttled')
    },
  })
  const registered = dataset('orders', { raw: { partitions: 'registered' } })
  const event = await threeOrders(lake)
  expect(await ingest(lake, [registered], event)).toMatchObject({ landed: 0, failed: 3 })
  catalogTrouble.on = false
  expect(await ingest(lake, [registered], event)).toMatchObject({ landed: 3, failed: 0 })
})

test('a dead letter that cannot be written is tried again', async () => {
  const { lake, trouble } = troubled('before put', 'dead-letters', error('unavailable'))
  await drop(lake, 'elsewhere/a', '1')
  const event = queue({ no: 'event' }, created(lake, 'elsewhere/a'))
  const report = await ingest(lake, [orders], event)
  expect(report).toMatchObject({ failed: 2, rejected: 0 })
  expect(report.batchItemFailures).toHaveLength(2)
  trouble.on = false
  expect(await ingest(lake, [orders], event)).toMatchObject({ rejected: 2, batchItemFailures: [] })
})

test('two messages of one object fail together, and each is named once', async () => {
  const { lake } = troubled('before stage', 'landing/orders/a', error('throttled'))
  await drop(lake, 'orders/a', '1')
  const report = await ingest(lake, [orders], queue(created(lake, 'orders/a'), created(lake, 'orders/a')))
  expect(report.batchItemFailures).toEqual([{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }])
})

test('without a queue the error is thrown', async () => {
  const { lake } = troubled('before stage', 'landing/orders/a', error('throttled'))
  await drop(lake, 'orders/a', '1')
  await expect(ingest(lake, [orders], created(lake, 'orders/a'))).rejects.toThrow('throttled on purpose')
})
