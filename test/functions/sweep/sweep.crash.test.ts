// The sweeper may die before or after any call to the world: the table reads the same, and the next sweep ends with what an undisturbed one
// leaves. Objects that cannot be deleted are counted and keep none of the others.
import { expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import { LakeError } from '#lake/errors.ts'
import { countCalls, dieAt } from '../mortal.ts'
import {
  append,
  checkReadable,
  DAY_MS,
  dataFiles,
  expireAll,
  memoryLake,
  newTable,
  replaceAll,
  store,
} from './swept.ts'

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await newTable(lake, 't')
  await append(lake, 't', 'a', 'b')
  await append(lake, 't', 'c')
  await replaceAll(lake, 't', 'd')
  await expireAll(lake, 't')
  for (const name of ['x', 'y']) await store(lake, `${lake.zones.tables}/t/data/${name}.parquet`)
  lake.clock.advance(4 * DAY_MS)
  await store(lake, `${lake.zones.tables}/t/data/young.parquet`)
  return lake
}

const work = (lake: MemoryLake | Parameters<typeof sweep>[0]) => sweep(lake, { table: 't' })

test('dying at any call, then sweeping again', async () => {
  const calls = await countCalls(await scene(), work)
  expect(calls).toBeGreaterThan(12)
  for (let at = 0; at < calls; at++)
    for (const side of ['before', 'after'] as const) {
      const lake = await scene()
      expect(await dieAt(lake, { at, side }, work), `${side} call ${at}`).toBe('dead')
      expect(await checkReadable(lake, 't'), `${side} call ${at}`).toHaveLength(1)
      await sweep(lake, { table: 't' })
      expect(await dataFiles(lake, 't'), `${side} call ${at}`).toEqual(['d', 'young'])
      expect(await checkReadable(lake, 't'), `${side} call ${at}`).toHaveLength(1)
    }
})

test('two sweeps at the same time', async () => {
  const lake = await scene()
  await Promise.all([work(lake), work(lake)])
  expect(await dataFiles(lake, 't')).toEqual(['d', 'young'])
})

test('objects that cannot be deleted are counted with their reason, and the next sweep finds them again', async () => {
  const lake = await scene()
  const refusing = (kind: 'access-denied' | 'throttled', name: string): MemoryLake => ({
    ...lake,
    storage: {
      ...lake.storage,
      delete: async uri => {
        if (uri.endsWith(name)) throw new LakeError(kind, 'no')
        await lake.storage.delete(uri)
      },
    },
  })
  const report = await work(refusing('access-denied', 'x.parquet'))
  expect(report.failed).toEqual({ files: 1, reasons: ['access-denied'] })
  expect(report.orphans.data.files).toBe(5)
  expect(await dataFiles(lake, 't')).toEqual(['d', 'x', 'young'])
  expect((await work(refusing('throttled', 'nothing'))).deleted).toEqual({ files: 1, bytes: 10 })
})

test('when a thousand cannot be deleted, it gives up and says that there is more', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  for (let index = 0; index < 2_100; index++) await store(lake, `${lake.zones.tables}/t/data/${index}.parquet`)
  lake.clock.advance(4 * DAY_MS)
  let asked = 0
  const storage = {
    ...lake.storage,
    delete: async () => {
      asked++
      throw new LakeError('access-denied', 'no')
    },
  }
  expect(await work({ ...lake, storage })).toMatchObject({ failed: { files: 1_000 }, more: true })
  expect(asked).toBe(1_000)
})
