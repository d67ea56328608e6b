// A table that was rebuilt takes the place of its dataset's own in one step, with its quarantine, once the counts were seen. It is refused
// while the new one lacks anything; a commit in between is never lost; killed anywhere and asked again, it ends as one of the two.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { swapTables } from '#functions/replay/replay.ts'
import { defineDataset } from '#lake/dataset.ts'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { ids, landed, refined, refusedReasons, replayed, replayLake } from './replaying.ts'

const source = { system: 'shop', format: 'ndjson', match: 'orders/**' } as const
const before = defineDataset({
  name: 'orders',
  source,
  columns: { id: { type: 'long', required: true }, amount: 'long' },
})
/** Another type, which the table that is there could not take on. */
const after = defineDataset({
  name: 'orders',
  source,
  columns: { id: { type: 'long', required: true }, amount: 'string' },
})

let lake: MemoryLake
beforeEach(async () => {
  lake = await scene()
})
afterEach(() => lake.dispose())

/** Row 2 is in quarantine by the old contract, and row 1 alone in the table; the rebuilt one has both. */
async function scene(): Promise<MemoryLake> {
  const made = replayLake()
  await landed(made, [before], { key: 'orders/a', text: '{"id": 1}\n{"id": 2, "amount": "much"}\n' })
  const { execution } = await replayed(made, [after], { dataset: 'orders', mode: 'all', into: 'orders_v2' })
  expect(execution?.status).toBe('SUCCEEDED')
  return made
}

const swap = (on: Lake = lake, dryRun = false) => swapTables(on, { datasets: [after], table: 'orders_v2', dryRun })

test('the counts, and nothing else, until somebody says so', async () => {
  const report = await swap(lake, true)
  expect(report).toMatchObject({
    swapped: false,
    live: { table: 'orders', rows: 1, quarantined: 1, objects: 1 },
    side: { table: 'orders_v2', rows: 2, quarantined: 0, objects: 1 },
    lacking: { count: 0 },
  })
  expect(await ids(lake)).toEqual([1])
})

test('swapped, with its quarantine; what lands from then on goes into the new table; and back again', async () => {
  expect((await swap()).swapped).toBe(true)
  expect([await ids(lake), await ids(lake, 'orders_v2')]).toEqual([[1, 2], [1]])
  expect(await refusedReasons(lake)).toEqual([])
  expect(await refusedReasons(lake, 'orders_v2__quarantine')).toHaveLength(1)
  await landed(lake, [after], { key: 'orders/b', text: '{"id": 3, "amount": "3"}\njunk\n' })
  expect(await ids(lake)).toEqual([1, 2, 3])
  expect(await refusedReasons(lake)).toEqual(['json junk'])
  await expect(swap(), 'the old one lacks what has landed').rejects.toThrow(
    'orders_v2 lacks a raw object that orders has',
  )
})

test('twice is back where it was', async () => {
  const uuids = async () => [
    (await openTable(lake, 'orders')).metadata['table-uuid'],
    (await openTable(lake, 'orders_v2')).metadata['table-uuid'],
  ]
  const first = await uuids()
  await swap()
  expect(await uuids()).toEqual(first.toReversed())
  await swap()
  expect(await uuids()).toEqual(first)
})

test('an object that landed since is lacking; a replay of what is missing brings it', async () => {
  await landed(lake, [before], { key: 'orders/b', text: '{"id": 3}\n' })
  await expect(swap()).rejects.toMatchObject({
    kind: 'conflict',
    context: { next: 'bring it up to date: sluice replay --dataset orders --into orders_v2' },
  })
  await replayed(lake, [after], { dataset: 'orders', into: 'orders_v2' }, { id: 'r2' })
  expect((await swap()).swapped).toBe(true)
  expect(await ids(lake)).toEqual([1, 2, 3])
})

test('a commit while it swaps: everything goes back, and the next look refuses', async () => {
  let isFirst = true
  const busy: Lake = {
    ...lake,
    catalog: {
      ...lake.catalog,
      load: lake.catalog.load,
      swap: async (name, expected, entry) => {
        if (name === 'orders' && isFirst) {
          isFirst = false
          await landed(lake, [before], { key: 'orders/b', text: '{"id": 3}\n' })
        }
        return lake.catalog.swap(name, expected, entry)
      },
    },
  }
  await expect(swap(busy)).rejects.toThrow('orders_v2 lacks a raw object')
  expect(await ids(lake)).toEqual([1, 3])
  expect(await refusedReasons(lake)).toHaveLength(1)
  expect(await refusedReasons(lake, 'orders_v2__quarantine')).toEqual([])
})

test('a batch that was staged for the table before is not published into the other one', async () => {
  const [batch = ''] = await landed(lake, [before], { key: 'orders/b', text: '{"id": 3}\n', refined: false })
  const { quality } = await import('#functions/quality/quality.ts')
  await quality(lake, before, { batch })
  await swap()
  await expect(refined(lake, [after], { dataset: 'orders', batch })).rejects.toThrow('dropped and created anew')
  await replayed(lake, [after], { dataset: 'orders' }, { id: 'r2' })
  expect(await ids(lake)).toEqual([1, 2, 3])
})

test('killed at any call, then asked again', { timeout: KILLS_TIMEOUT }, async () => {
  const undisturbed = await scene()
  const calls = await countCalls(undisturbed, on => swap(on))
  undisturbed.dispose()
  expect(calls).toBeGreaterThan(30)
  const stride = killStride(9)
  for (let at = 0; at < calls; at += stride)
    for (const side of ['before', 'after'] as const) {
      const bed = await scene()
      const where = `${side} call ${at}`
      await dieAt(bed, { at, side }, on => swap(on))
      // As whoever runs it again finds it: half done is finished first, and done is not done again.
      if ((await ids(bed)).length === 1 || (await ids(bed, 'orders_v2')).length === 2) await swap(bed)
      expect([await ids(bed), await ids(bed, 'orders_v2')], where).toEqual([[1, 2], [1]])
      expect(
        [(await refusedReasons(bed)).length, (await refusedReasons(bed, 'orders_v2__quarantine')).length],
        where,
      ).toEqual([0, 1])
      bed.dispose()
    }
})

test('a table that no replay has built', async () => {
  await expect(swapTables(lake, { datasets: [after], table: 'orders', dryRun: false })).rejects.toMatchObject({
    kind: 'not-found',
  })
})
