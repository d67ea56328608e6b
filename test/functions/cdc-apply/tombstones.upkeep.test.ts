// Contract: the side table of deletes is looked after like any other. Compaction makes one file of many, expiry and sweeping take what no snapshot needs,
// and none of it brings a deleted row back, forgets a delete before its time, or keeps one beyond it; batches that are applied meanwhile lose nothing.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { compact } from '#functions/compact/compact.ts'
import { expireSnapshots, rewriteManifests } from '#functions/maintain/maintain.ts'
import { sweep } from '#functions/sweep/sweep.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { applied, people, peopleRows, stageBatch } from './applying.ts'
import { play, type Recorded } from './source.ts'

const TOMBSTONES = 'people__tombstones'
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const KEYS = ['1', '2', '3', '4', '5']
const dataset = people({ publish: { mode: 'merge', key: 'id', tombstoneHours: 30 * 24 }, compaction: { minFiles: 3 } })
const { records } = play([
  ...KEYS.map(key => ({ do: 'upsert', key, bio: 'new' }) as const),
  ...KEYS.map(key => ({ do: 'delete', key, end: 'delete' }) as const),
  { do: 'upsert', key: '6', bio: 'new' },
])
const inserts = records.slice(0, KEYS.length)
const deletes = records.slice(KEYS.length, 2 * KEYS.length)
const last = records.at(-1) as Recorded

let lake = memoryLake()
beforeEach(async () => {
  for (const [at, record] of deletes.entries()) await applied(lake, dataset, `b${at}`, [record])
})
afterEach(() => {
  lake.dispose()
  lake = memoryLake()
})

const files = async (): Promise<number> => (await liveFiles(lake, await openTable(lake, TOMBSTONES))).length
const compacted = () => compact(lake, { table: TOMBSTONES }, { datasets: [dataset] })

/** The inserts come too late, whatever was done to the side table. */
async function stayDeleted(batch: string): Promise<void> {
  const { counts } = await applied(lake, dataset, batch, inserts)
  expect(counts).toMatchObject({ stale: KEYS.length, resurrectionsPrevented: KEYS.length, applied: 0, deadLetters: 0 })
  expect(await peopleRows(lake)).toEqual([])
}

test('one file of many, and every delete is remembered', async () => {
  expect(await files()).toBe(KEYS.length)
  await compacted()
  expect(await files()).toBe(1)
  await stayDeleted('b9')
})

test('old snapshots and the files that they alone needed go', async () => {
  await compacted()
  await lake.clock.sleep(10 * DAY_MS)
  await applied(lake, dataset, 'b8', [last])
  const { snapshots } = await expireSnapshots(lake, { table: TOMBSTONES })
  expect(snapshots.after).toBeLessThan(snapshots.before)
  await rewriteManifests(lake, { table: TOMBSTONES })
  const swept = await sweep(lake, { table: TOMBSTONES })
  expect(swept).toMatchObject({ missing: { files: 0 } })
  expect(swept.deleted.files).toBeGreaterThanOrEqual(KEYS.length)
  const { counts } = await applied(lake, dataset, 'b9', inserts)
  expect(counts).toMatchObject({ stale: KEYS.length, applied: 0 })
  expect(await peopleRows(lake)).toEqual(['6 n11 b11'])
})

test('a delete that is compacted is forgotten when it is time, as it would have been', async () => {
  await compacted()
  await lake.clock.sleep(40 * DAY_MS)
  await applied(lake, dataset, 'b8', [last])
  const { counts } = await applied(lake, dataset, 'b9', inserts)
  expect(counts).toMatchObject({ stale: 0, applied: 0, deadLetters: KEYS.length })
})

test('a batch that deletes while it is compacted loses nothing, nor does the compaction', async () => {
  await applied(lake, dataset, 'b6', [last])
  const gone: Recorded = { ...last, op: 'delete', stamp: { ...last.stamp, position: '00.0000ffff', content: 'gone' } }
  await stageBatch(lake, dataset, 'b7', [gone])
  await Promise.all([compacted(), cdcApply(lake, dataset, { batch: 'b7' })])
  expect(await files()).toBeLessThanOrEqual(2)
  expect((await applied(lake, dataset, 'b8', [last])).counts).toMatchObject({ stale: 1, resurrectionsPrevented: 1 })
  await stayDeleted('b9')
})
