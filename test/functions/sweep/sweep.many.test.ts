// Thousands of files are listed page by page; one run takes no more orphans than it may, says that there are more, and the next goes on.
import { expect, test } from 'vitest'
import { type SweepProgress, sweep } from '#functions/sweep/sweep.ts'
import { UriSet } from '#lake/iceberg/uri-set.ts'
import { commitFiles, DAY_MS, dataFiles, memoryLake, newTable, store } from './swept.ts'

const uriAt = (index: number): string => `s3://memory-tables/tables/t/data/part=${index % 7}/${index}.parquet`

test('of 6,000 files every third is live', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const all = Array.from({ length: 6_000 }, (_each, index) => uriAt(index))
  for (const uri of all) await store(lake, uri, 3)
  const live = all.filter((_uri, index) => index % 3 === 0)
  await commitFiles(lake, 't', live)
  lake.clock.advance(4 * DAY_MS)
  const progress: SweepProgress[] = []
  const onProgress = (each: SweepProgress): void => {
    progress.push(each)
  }
  const first = await sweep(lake, { table: 't' }, { orphansMax: 2_500, onProgress })
  expect(first).toMatchObject({ deleted: { files: 2_500, bytes: 7_500 }, more: true, live: { files: 2_004 } })
  const second = await sweep(lake, { table: 't' }, { orphansMax: 2_500 })
  expect(second).toMatchObject({ deleted: { files: 1_500, bytes: 4_500 }, more: false })
  expect(await dataFiles(lake, 't')).toHaveLength(2_000)
  expect(await sweep(lake, { table: 't' })).toMatchObject({ deleted: { files: 0 }, missing: { files: 0 } })
  expect(progress.at(-1)).toEqual({ doing: 'delete', files: 2_500 })
  expect(progress.filter(each => each.doing === 'list').at(-1)?.files).toBe(6_004)
})

test('300,000 URIs in the set are told apart', () => {
  const set = new UriSet()
  for (let index = 0; index < 300_000; index++)
    if (!set.add(uriAt(index), index % 2 === 0)) throw new Error(`confused ${index}`)
  expect(set.add(uriAt(5))).toBe(false)
  expect(set.size).toBe(300_000)
  expect(set.unseen).toBe(150_000)
  for (let index = 0; index < 300_000; index += 3) if (!set.see(uriAt(index))) throw new Error(`lost ${index}`)
  expect(set.unseen).toBe(100_000)
  for (let index = 300_000; index < 400_000; index++) if (set.has(uriAt(index))) throw new Error(`invented ${index}`)
  expect([set.isSeen(uriAt(3)), set.isSeen(uriAt(4)), set.isUnseen(uriAt(4)), set.isUnseen(uriAt(5))]).toEqual([
    true,
    false,
    true,
    false,
  ])
})
