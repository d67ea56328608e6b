// A replay takes the raw objects that its mode, dates and key name, through the steps of refine, under the contract of today. Rows are in
// the table once, however often it runs; a repetition of the same bytes is never taken; what does not fit is in quarantine.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { control, replayProgress } from '#functions/replay/replay.ts'
import { defineDataset } from '#lake/dataset.ts'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import { ids, landed, planned, refusedReasons, replayed, replayLake } from './replaying.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true }, amount: 'long' },
})
const today = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true }, amount: { type: 'long', from: 'total', default: 7 } },
})

let lake: MemoryLake
beforeEach(() => {
  lake = replayLake()
})
afterEach(() => lake.dispose())

const line = (id: number, rest = ''): string => `{"id": ${id}${rest}}\n`

test('all: each object again, each row once, and a second replay changes nothing', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: line(1) + line(2) })
  await landed(lake, [orders], { key: 'orders/b', text: `${line(3)}junk\n` })
  const { plan, execution } = await replayed(lake, [orders], { dataset: 'orders', mode: 'all' })
  expect(execution?.status).toBe('SUCCEEDED')
  expect(plan).toMatchObject({ objects: 2, items: 1, left: { accounted: 0, duplicates: 0, underWay: 0 } })
  await replayed(lake, [orders], { dataset: 'orders', mode: 'all' }, { id: 'r2' })
  expect(await ids(lake)).toEqual([1, 2, 3])
  expect(await refusedReasons(lake)).toEqual(['json junk'])
  expect((await replayProgress(lake, 'r2')).report).toMatchObject({ committed: 1, rows: 3, quarantined: 1, failed: 0 })
})

test('the contract of today makes old raw fit, and quarantine gives it back', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: line(1, ', "amount": "much"') + line(2, ', "amount": 5') })
  expect(await ids(lake)).toEqual([2])
  const mended = defineDataset({
    name: 'orders',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
    columns: { id: { type: 'long', required: true }, total: 'long', amount: 'string' },
  })
  const { execution } = await replayed(lake, [mended], { dataset: 'orders', mode: 'all', into: 'orders_v2' })
  expect(execution?.status).toBe('SUCCEEDED')
  expect(await ids(lake, 'orders_v2')).toEqual([1, 2])
  expect(await refusedReasons(lake, 'orders_v2__quarantine')).toEqual([])
  expect(await ids(lake), 'the table itself is as before').toEqual([2])
})

test('missing: what no commit accounts for, and what was halted is no such thing', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: line(1) })
  await landed(lake, [orders], { key: 'orders/b', text: line(2), refined: false })
  const { plan } = await replayed(lake, [today], { dataset: 'orders' })
  expect(plan).toMatchObject({ mode: 'missing', objects: 1, left: { accounted: 1 } })
  expect(await ids(lake)).toEqual([1, 2])
  expect(await planned(lake, [today], { dataset: 'orders' }, { id: 'r2' })).toMatchObject({ objects: 0, items: 0 })
})

test('failed: batches that were halted, once the rules are mended', async () => {
  const strict = { ...orders, quality: strictRules() }
  await landed(lake, [strict], { key: 'orders/a', text: line(1) })
  await landed(lake, [orders], { key: 'orders/b', text: line(2) })
  expect(await ids(lake)).toEqual([2])
  expect((await planned(lake, [orders], { dataset: 'orders' })).left.accounted).toBe(2)
  const { plan } = await replayed(lake, [orders], { dataset: 'orders', mode: 'failed' }, { id: 'r2' })
  expect(plan).toMatchObject({ objects: 1, left: { accounted: 1 } })
  expect(await ids(lake)).toEqual([1, 2])
})

const strictRules = () =>
  defineDataset({
    name: 'orders',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
    columns: { id: 'long' },
    quality: 'Rules = [ RowCount > 10 ]',
  }).quality

test('a batch that began a moment ago is left to whoever is at it', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: line(1), refined: false })
  expect(await planned(lake, [orders], { dataset: 'orders', grace: 60 })).toMatchObject({
    objects: 0,
    left: { underWay: 1 },
  })
  lake.clock.advance(3_600_001)
  expect(await planned(lake, [orders], { dataset: 'orders', grace: 60 })).toMatchObject({
    objects: 1,
    left: { underWay: 0 },
  })
})

test('the same bytes under the same key count once, in every mode and in a table beside too', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: line(1) })
  await landed(lake, [orders], { key: 'orders/a', text: line(1) })
  for (const given of [{ mode: 'all' }, { mode: 'missing' }, { mode: 'all', into: 'orders_v2' }]) {
    const { plan } = await replayed(
      lake,
      [orders],
      { dataset: 'orders', ...given },
      { id: JSON.stringify(given).replaceAll(/\W/g, '') },
    )
    expect(plan.left.duplicates, JSON.stringify(given)).toBe(1)
  }
  expect(await ids(lake)).toEqual([1])
  expect(await ids(lake, 'orders_v2')).toEqual([1])
})

test('days of ingest, both included, and what the landing keys begin with', async () => {
  const day = 86_400_000
  for (const key of ['orders/de/1', 'orders/fr/2', 'orders/de/3', 'orders/fr/4']) {
    await landed(lake, [orders], { key, text: line(Number(key.at(-1))) })
    lake.clock.advance(day)
  }
  const objectsOf = async (given: object, id: string) =>
    (await planned(lake, [orders], { dataset: 'orders', mode: 'all', ...given }, { id, dryRun: true })).objects
  expect(await objectsOf({ from: '2026-01-02', to: '2026-01-03' }, 'a')).toBe(2)
  expect(await objectsOf({ from: '2026-01-04' }, 'b')).toBe(1)
  expect(await objectsOf({ to: '2026-01-01' }, 'c')).toBe(1)
  expect(await objectsOf({ key: 'orders/de/' }, 'd')).toBe(2)
  expect(await objectsOf({ key: 'orders/de/', from: '2026-01-02' }, 'e')).toBe(1)
})

test('a replay that is paused holds what has not begun; resumed, it goes on; stopped, it does not', async () => {
  for (const at of [1, 2, 3]) await landed(lake, [orders], { key: `orders/${at}`, text: line(at) })
  const limits = { objectsMax: 1, bytesMax: 1_000 }
  const plan = await planned(lake, [orders], { dataset: 'orders', mode: 'all', into: 'beside' }, { limits })
  await control(lake, plan.id, 'start')
  await control(lake, plan.id, 'pause')
  const { executed } = await import('./replaying.ts')
  await executed(lake, [orders], plan.id, 1)
  expect(await replayProgress(lake, plan.id)).toMatchObject({
    state: 'paused',
    done: { items: 0 },
    report: { waiting: 3 },
  })
  expect((await control(lake, plan.id, 'resume')).generation).toBe(2)
  expect((await executed(lake, [orders], plan.id, 2)).status).toBe('SUCCEEDED')
  expect(await replayProgress(lake, plan.id)).toMatchObject({ state: 'finished', done: { items: 3 } })
  expect(await ids(lake, 'beside')).toEqual([1, 2, 3])
  await expect(control(lake, plan.id, 'pause')).rejects.toThrow('replay r1 is finished')
  await expect(control(lake, plan.id, 'resume')).rejects.toThrow('replay r1 is finished')
})
