// To find repeats only keys and lineage are fetched, of files that landed within the window and whose keys can be among those of the batch; no
// file is fetched whole, nor written anew, when nothing is repeated. More keys than a commit can compare are refused with what to do.
import { expect, test } from 'vitest'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { lines } from '../quality/batches.ts'
import { applied, orders, rows } from './refining.ts'

const dataset = orders({
  columns: { id: { type: 'long', required: true }, v: 'string', day: 'date' },
  publish: { mode: 'append', dedupe: { key: 'id', within: '1 minute' } },
})
const many = (seed: number) =>
  lines(
    ...Array.from({ length: 20_000 }, (_, index) => ({
      id: seed * 1e6 + index,
      v: `${Math.sin(index + seed)} ${Math.cos(index + seed)}`,
    })),
  )

/** The shares of the files of the table that a batch fetches, by the number of their object. */
async function shares(lake: MemoryLake, batch: string, objects: Parameters<typeof applied>[3]) {
  const { files } = await planScan(lake, await openTable(lake, 'orders'))
  const sizes = new Map(files.map(({ file }) => [file.file_path, Number(file.file_size_in_bytes)]))
  const fetched = new Map<string, number>()
  const count = (uri: string, bytes: number) => {
    if (sizes.has(uri)) fetched.set(uri, (fetched.get(uri) ?? 0) + bytes)
  }
  const get: typeof lake.storage.get = async (uri, options) => {
    const body = await lake.storage.get(uri, options)
    count(uri, body.length)
    return body
  }
  const stage: typeof lake.storage.stage = async (uri, folder, options) => {
    const staged = await lake.storage.stage(uri, folder, options)
    count(uri, staged.bytes)
    return staged
  }
  await applied({ ...lake, storage: { ...lake.storage, get, stage } } as MemoryLake, dataset, batch, objects)
  return [...fetched].map(([uri, bytes]) => bytes / (sizes.get(uri) ?? 1))
}

test('bytes that a commit fetches', async () => {
  const lake = memoryLake()
  await applied(lake, dataset, 'b1', { 1: many(1) })
  await applied(lake, dataset, 'b2', { 50: many(2) })
  await applied(lake, dataset, 'b3', { 51: many(3) })

  // The first landed too early, the third has other keys.
  const [looked, ...others] = await shares(lake, 'b4', {
    70: lines({ id: 2_000_005, v: 'repeat' }, { id: 2_500_000, v: 'new' }),
  })
  expect(others).toEqual([])
  expect(looked).toBeGreaterThan(0)
  expect(looked).toBeLessThan(0.4)
  expect(await rows(lake)).toHaveLength(60_001)

  expect(await shares(lake, 'b5', { 71: lines({ id: 9_000_000, v: 'of no file' }) })).toEqual([])
  lake.dispose()
})
