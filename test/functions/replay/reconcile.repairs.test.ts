// Repairs end: what fails in one repair after the other is left to people and told of, without keeping others from being repaired; a repair whose
// execution died is gone on with. A reconciliation that dies at any call has harmed nothing, and the ones after it bring every row once.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ingest } from '#functions/ingest/ingest.ts'
import { type DatasetAccount, type ReconcileReport, reconcile } from '#functions/replay/replay.ts'
import { defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { systemClock } from '#lake/system.ts'
import { startLocal } from '#local/run.ts'
import { created } from '../ingest/landing.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls, dieAt, READS } from '../mortal.ts'
import { ids, landed, replayed } from './replaying.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true } },
})
const HOUR_MS = 3_600_000
const line = (id: number): string => `{"id": ${id}}\n`

/** Raw objects that cannot be read; and nothing gets into a batch while `noBatches` holds. */
let locked: Set<string>
let noBatches = false
let lake: MemoryLake
beforeEach(() => {
  lake = newLake()
})
afterEach(() => lake.dispose())

function newLake(): MemoryLake {
  locked = new Set()
  const base = memoryLake({
    storageFaults: async (moment, uri) => {
      if (noBatches && moment === 'before put' && uri.includes('/batches/'))
        throw new LakeError('unavailable', 'killed')
    },
  })
  const stage: Lake['storage']['stage'] = async (uri, folder, options) => {
    if (locked.has(uri)) throw new LakeError('access-denied', 'the key is gone')
    return base.storage.stage(uri, folder, options)
  }
  const storage = { ...base.storage, stage }
  return { ...base, storage, clock: { ...base.clock, sleep: systemClock.sleep } } as MemoryLake
}

const look = (on: Lake, repair = false): Promise<ReconcileReport> =>
  reconcile(on, { datasets: [orders], landing: true, graceMinutes: 0, repair })

/** A day later, with a pipeline that takes up what is told. */
async function dayAfter(on = lake): Promise<DatasetAccount> {
  on.clock.advance(25 * HOUR_MS)
  const runner = startLocal(on, [orders], { windowMs: 1 })
  const report = await look(on, true)
  await runner.idle()
  await on.workflows.idle()
  await runner.close()
  return report.datasets[0] as DatasetAccount
}

async function rawUri(key: string): Promise<string> {
  for await (const { uri } of lake.storage.list(`${lake.zones.raw}/orders/`))
    if ((await lake.storage.head(uri))?.metadata['source-key'] === key) return uri
  throw new Error(`${key} is not in raw`)
}

const repairs = (): number => new Set(lake.workflows.started.map(({ name }) => name)).size

test('after three repairs that failed no other is begun, and what is lost later is repaired all the same', async () => {
  await landed(lake, [orders], { key: 'orders/bad', text: line(1), refined: false })
  const bad = await rawUri('orders/bad')
  locked.add(bad)
  for (const begun of [1, 2, 3]) {
    const account = await dayAfter()
    expect(account).toMatchObject({ unrefined: { count: 1 }, givenUp: 0 })
    expect(repairs()).toBe(begun)
  }
  const given = await dayAfter()
  expect(given).toMatchObject({ unrefined: { count: 1 }, givenUp: 1 })
  expect(given.failed).toMatch(/^reconcile-orders-/)
  expect(given.replay).toBeUndefined()
  expect(repairs()).toBe(3)
  await landed(lake, [orders], { key: 'orders/later', text: line(2), refined: false })
  expect(await dayAfter()).toMatchObject({ unrefined: { count: 2 }, givenUp: 1 })
  expect(await ids(lake)).toEqual([2])
  expect(repairs()).toBe(4)
  // Once it is mended, somebody replays what is missing.
  locked.clear()
  await replayed(lake, [orders], { dataset: 'orders' })
  expect(await ids(lake)).toEqual([1, 2])
  expect(await look(lake)).toMatchObject({ unaccounted: 0, datasets: [{ givenUp: 0 }] })
})

test('a repair whose execution died is gone on with a day later, and not for ever', async () => {
  await landed(lake, [orders], { key: 'orders/a', text: line(1), refined: false })
  const names = () => lake.workflows.started.map(({ name }) => name)
  const { replay } = (await look(lake, true)).datasets[0] as DatasetAccount
  await look(lake, true)
  expect(names()).toEqual([`${replay}-1`])
  for (const started of [2, 3, 3]) {
    lake.clock.advance(25 * HOUR_MS)
    expect((await look(lake, true)).datasets[0]?.replay).toBe(replay)
    expect(names()).toHaveLength(started)
  }
  expect(names().at(-1)).toBe(`${replay}-3`)
})

test('an object that was lost between raw and its batch counts once, however it is looked at', async () => {
  noBatches = true
  await lake.storage.put(`${lake.zones.landing}/orders/a`, Buffer.from(line(1)))
  await ingest(lake, [orders], created(lake, 'orders/a')).catch(() => undefined)
  noBatches = false
  const both = await look(lake)
  expect(both).toMatchObject({
    unaccounted: 1,
    landing: { missing: 1 },
    datasets: [{ unbatched: { count: 1 }, inLanding: 1 }],
  })
  const alone = await reconcile(lake, { datasets: [orders], landing: false, graceMinutes: 0, repair: false })
  expect(alone.unaccounted).toBe(1)
  // Landing forgets what it held; raw does not.
  await lake.storage.delete(`${lake.zones.landing}/orders/a`)
  await lake.storage.purge(`${lake.zones.landing}/orders/a`)
  expect(await look(lake)).toMatchObject({ unaccounted: 1, landing: { missing: 0 }, datasets: [{ inLanding: 0 }] })
})

/** One object of each way to get lost, and one that arrived. */
async function lossy(): Promise<MemoryLake> {
  const own = newLake()
  await landed(own, [orders], { key: 'orders/arrives', text: line(1) })
  await landed(own, [orders], { key: 'orders/refine', text: line(2), refined: false })
  noBatches = true
  await own.storage.put(`${own.zones.landing}/orders/batch`, Buffer.from(line(3)))
  await ingest(own, [orders], created(own, 'orders/batch')).catch(() => undefined)
  noBatches = false
  await own.storage.put(`${own.zones.landing}/orders/event`, Buffer.from(line(4)))
  return own
}

test('dying at any call of a repair, then reconciled on the following days', { timeout: KILLS_TIMEOUT }, async () => {
  const telling = (on: Lake) => look({ ...on, deadLetters: { ...on.deadLetters, send: async () => undefined } }, true)
  const first = await lossy()
  const calls = await countCalls(first, telling, READS)
  first.dispose()
  expect(calls).toBeGreaterThan(5)
  const stride = killStride(4)
  for (let at = 0; at < calls; at += stride)
    for (const side of ['before', 'after'] as const) {
      const own = await lossy()
      const where = `${side} call ${at}`
      expect(await dieAt(own, { at, side, spared: READS }, telling), where).toBe('dead')
      await dayAfter(own)
      await dayAfter(own)
      expect(await ids(own), where).toEqual([1, 2, 3, 4])
      expect((await look(own)).unaccounted, where).toBe(0)
      own.dispose()
    }
})
