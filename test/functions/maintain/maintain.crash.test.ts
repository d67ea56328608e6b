// Expiring and rewriting manifests may die before or after any call to the world: readers see the same files, no file is deleted, and a
// repetition finishes what was begun.
import { expect, test } from 'vitest'
import { expireSnapshots, rewriteManifests } from '#functions/maintain/maintain.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { manifestOnly } from '../../lake/iceberg/fixture.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { DAY_MS, newTable, store, stored } from '../sweep/swept.ts'

const append = (lake: Lake, id: string) =>
  commit(lake, 't', { commitId: id }, async () =>
    stageAppend([manifestOnly(await store(lake, `s3://memory-tables/tables/t/data/${id}.parquet`))]),
  )

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await newTable(lake, 't', { 'commit.manifest-merge.enabled': 'false' })
  for (let index = 0; index < 11; index++) await append(lake, `c${index}`)
  lake.clock.advance(6 * DAY_MS)
  await append(lake, 'last')
  return lake
}

const pathsOf = async (lake: Lake): Promise<readonly string[]> =>
  (await liveFiles(lake, await openTable(lake, 't'))).map(({ file }) => file.file_path).toSorted()

test.each([
  ['expiring', (lake: Lake) => expireSnapshots(lake, { table: 't' }), 1],
  ['rewriting manifests', (lake: Lake) => rewriteManifests(lake, { table: 't' }), 13],
])('%s: dying at any call, then again', async (_what, work, snapshots) => {
  const whole = await scene()
  const live = await pathsOf(whole)
  const calls = await countCalls(whole, work)
  expect(calls).toBeGreaterThan(5)
  for (let at = 0; at < calls; at++)
    for (const side of ['before', 'after'] as const) {
      const where = `${side} call ${at}`
      const lake = await scene()
      const files = await stored(lake)
      expect(await dieAt(lake, { at, side }, work), where).toBe('dead')
      expect(await pathsOf(lake), where).toEqual(live)
      await work(lake)
      expect(await pathsOf(lake), where).toEqual(live)
      expect((await openTable(lake, 't')).metadata.snapshots, where).toHaveLength(snapshots)
      expect(await stored(lake), where).toEqual(expect.arrayContaining([...files]))
      expect((await append(lake, 'c0')).alreadyCommitted, where).toBe(true)
    }
})
