// A dry run that is told which snapshots would expire counts what the real one then deletes; a real one never takes anybody's word for it.
import { expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import { append, DAY_MS, dataFiles, expireAll, memoryLake, newTable, replaceAll } from './swept.ts'

async function scene() {
  const lake = memoryLake()
  await newTable(lake, 't')
  const { metadata } = await append(lake, 't', 'a', 'b')
  await replaceAll(lake, 't', 'c')
  lake.clock.advance(4 * DAY_MS)
  return { lake, without: [String(metadata['current-snapshot-id'])] }
}

test('the dry run and the real one agree', async () => {
  const { lake, without } = await scene()
  const would = await sweep(lake, { table: 't', dryRun: true, without })
  expect(would.orphans).toMatchObject({ data: { files: 2, bytes: 20 }, metadata: { files: 2 } })
  await expireAll(lake, 't')
  expect((await sweep(lake, { table: 't' })).orphans).toEqual(would.orphans)
})

test('the real one keeps what the table still reaches', async () => {
  const { lake, without } = await scene()
  expect((await sweep(lake, { table: 't', without })).deleted.files).toBe(0)
  expect(await dataFiles(lake, 't')).toEqual(['a', 'b', 'c'])
})
