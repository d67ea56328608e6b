// What a rule refused counts as halted until another batch has brought its rows into the table that is there, and once however many replays were
// halted for the same reason. What was committed and is replayed in vain is not halted at all. The oldest object in landing that nobody took is told.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { measureDataset } from '#functions/watch/measure.ts'
import { statusOf } from '#functions/watch/watch.ts'
import { defineDataset } from '#lake/dataset.ts'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import { landed, planned, replayed, replayLake } from '../replay/replaying.ts'

const spec = {
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: 'long' },
} as const
const orders = defineDataset(spec)
const strict = defineDataset({ ...spec, quality: 'Rules = [ RowCount > 10 ]' })

let lake: MemoryLake
beforeEach(() => {
  lake = replayLake()
})
afterEach(() => lake.dispose())

const backlog = async (dataset = strict) => (await measureDataset(lake, dataset)).backlog
const failed = { dataset: 'orders', mode: 'failed' }

test('halted, until a replay under mended rules has brought the rows', async () => {
  await landed(lake, [strict], { key: 'orders/a', text: '{"id": 1}\n' })
  await landed(lake, [orders], { key: 'orders/b', text: '{"id": 2}\n' })
  expect(await backlog()).toMatchObject({ batches: 0, halted: 1 })
  await replayed(lake, [orders], failed)
  expect(await backlog()).toMatchObject({ batches: 0, halted: 0 })
  expect((await statusOf(lake, [orders])).status).toBe('ok')
})

test('a replay that is halted again is one thing to decide, and the next one mends both', async () => {
  await landed(lake, [strict], { key: 'orders/a', text: '{"id": 1}\n' })
  await replayed(lake, [strict], failed)
  expect(await backlog()).toMatchObject({ halted: 1 })
  await replayed(lake, [orders], failed, { id: 'r2' })
  expect(await backlog()).toMatchObject({ halted: 0 })
})

test('a replay of what is in the table leaves nothing outside when a rule halts it', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: '{"id": 1}\n' })
  await landed(lake, [orders], { key: 'orders/b', text: '{"id": 2}\n' })
  await replayed(lake, [strict], { dataset: 'orders', mode: 'all' })
  expect(await backlog()).toMatchObject({ halted: 0 })
})

test('a batch that died waits until a replay of what is missing has brought it', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: '{"id": 1}\n', refined: false })
  expect(await backlog(orders)).toMatchObject({ batches: 1, objects: 1 })
  await replayed(lake, [orders], { dataset: 'orders' })
  expect(await backlog(orders)).toMatchObject({ batches: 0, oldestMs: undefined })
})

test('rows in a table beside, or in one that is gone, mend nothing', async () => {
  await landed(lake, [strict], { key: 'orders/a', text: '{"id": 1}\n' })
  await replayed(lake, [orders], { dataset: 'orders', mode: 'all', into: 'beside' })
  expect(await backlog()).toMatchObject({ halted: 1 })
})

test('a replay that was only planned mends nothing', async () => {
  await landed(lake, [strict], { key: 'orders/a', text: '{"id": 1}\n' })
  await planned(lake, [orders], failed)
  expect(await backlog()).toMatchObject({ halted: 1 })
})

test('what nobody has taken from landing is counted, and alarming after an hour', async () => {
  const put = (key: string) => lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from('{"id": 1}\n'))
  await landed(lake, [orders], { key: 'orders/a', text: '{"id": 1}\n' })
  await put('orders/_SUCCESS')
  expect(await statusOf(lake, [orders])).toMatchObject({ landing: { objects: 0, oldestMs: undefined }, findings: [] })
  const { modifiedMs } = await put('orders/b')
  lake.clock.advance(59 * 60_000)
  await put('orders/c')
  const young = await statusOf(lake, [orders])
  expect(young).toMatchObject({ status: 'ok', landing: { objects: 2, oldestMs: modifiedMs }, findings: [] })
  lake.clock.advance(2 * 60_000)
  const old = await statusOf(lake, [orders])
  expect(old).toMatchObject({ status: 'alarm', findings: [{ level: 'alarm', code: 'landing-waits' }] })
  expect(old.findings[0]?.message).toBe('2 objects in landing were never taken, the oldest has waited for 1 h 1 min')
})

test('the queue is asked where there is one, and nothing is said where it is not known', async () => {
  const asked = (waiting: () => Promise<number | undefined>) => ({
    ...lake,
    deadLetters: { ...lake.deadLetters, waiting },
  })
  const of = async (waiting: () => Promise<number | undefined>) => (await statusOf(asked(waiting), [])).landing
  expect(await of(async () => 7)).toEqual({ objects: 7, oldestMs: undefined })
  const { LakeError } = await import('#lake/errors.ts')
  expect(await of(() => Promise.reject(new LakeError('unsupported', 'no queue')))).toBeUndefined()
})
