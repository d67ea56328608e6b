// What a batch staged goes when the batch is committed and every file of it is older than the lifecycle rule of a bucket allows. Batches
// that are halted or half done stay, whatever their age, and so does everything that no batch made.
import { expect, test } from 'vitest'
import { sweepStaging } from '#functions/sweep/sweep.ts'
import { commitUri } from '#lake/batch.ts'
import type { Lake } from '#lake/lake.ts'
import { DAY_MS, memoryLake, store } from './swept.ts'

async function stagedKeys(lake: Lake): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const { uri } of lake.storage.list(`${lake.zones.staging}/`))
    keys.push(uri.slice(lake.zones.staging.length + 1))
  return keys
}

const stage = (lake: Lake, key: string) => store(lake, `${lake.zones.staging}/${key}`)

async function scene() {
  const lake = memoryLake()
  for (const batch of ['b1', 'b2', 'b3'])
    for (const name of ['table/0.parquet', 'verdict.json']) await stage(lake, `orders/${batch}/${name}`)
  await stage(lake, 'orders/loose.json')
  await stage(lake, 'other/b1/verdict.json')
  for (const batch of ['b1', 'b3']) await store(lake, commitUri(lake, 'orders', batch))
  return lake
}

test('committed and old', async () => {
  const lake = await scene()
  lake.clock.advance(20 * DAY_MS)
  await stage(lake, 'orders/b3/again.parquet')
  expect((await sweepStaging(lake)).batches).toBe(0)
  lake.clock.advance(1 * DAY_MS + 1)
  const would = await sweepStaging(lake, { dryRun: true })
  expect(would).toEqual({ dryRun: true, batches: 1, deleted: { files: 2, bytes: 20 }, uncommitted: 2 })
  expect(await stagedKeys(lake)).toHaveLength(9)
  expect(await sweepStaging(lake)).toEqual({ ...would, dryRun: false })
  expect(await stagedKeys(lake)).toEqual([
    'orders/b2/table/0.parquet',
    'orders/b2/verdict.json',
    'orders/b3/again.parquet',
    'orders/b3/table/0.parquet',
    'orders/b3/verdict.json',
    'orders/loose.json',
    'other/b1/verdict.json',
  ])
  expect(await sweepStaging(lake)).toMatchObject({ batches: 0, uncommitted: 2 })
})

test('another age', async () => {
  const lake = await scene()
  lake.clock.advance(2 * DAY_MS)
  expect((await sweepStaging(lake, { olderThanDays: 1 })).batches).toBe(2)
})
