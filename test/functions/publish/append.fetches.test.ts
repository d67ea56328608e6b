// To find rows of an earlier run only the ids of raw objects are fetched, and only files that hold such rows are fetched whole.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { lines } from '../quality/batches.ts'
import { applied, orders, rows } from './refining.ts'

const dataset = orders()
const many = (seed: number) =>
  lines(...Array.from({ length: 20_000 }, (_, index) => ({ id: seed * 1e6 + index, v: `${Math.sin(index + seed)}` })))

test('bytes that publishing fetches', async () => {
  const lake = memoryLake()
  try {
    await applied(lake, dataset, 'b1', { 1: many(1), 3: many(3) })
    await applied(lake, dataset, 'b2', { 2: lines({ id: 2, v: 'x' }), 5: many(5) })
    await applied(lake, dataset, 'b3', { 6: many(6), 8: many(8) })
    const { files } = await planScan(lake, await openTable(lake, 'orders'))
    const sizes = new Map(files.map(({ file }) => [file.file_path, Number(file.file_size_in_bytes)]))
    expect(Math.min(...sizes.values())).toBeGreaterThan(200_000)

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
    const watched = { ...lake, storage: { ...lake.storage, get, stage } }
    const shares = () => {
      const list = [...fetched].map(([uri, bytes]) => bytes / (sizes.get(uri) ?? 1))
      fetched.clear()
      return list
    }

    // Between the ids of the third file, and in none: one file is looked at.
    await applied(watched, dataset, 'b4', { 7: lines({ id: 7, v: 'x' }) })
    const [looked, ...others] = shares()
    expect(others).toEqual([])
    expect(looked).toBeLessThan(0.4)
    expect(looked).toBeGreaterThan(0)

    // Between the ids of the first two files, and in the second alone, which is written anew.
    await applied(watched, dataset, 'b5', { 2: lines({ id: 2, v: 'x' }) })
    const both = shares().toSorted()
    expect(both).toHaveLength(2)
    expect(both[0]).toBeLessThan(0.4)
    expect(both[1]).toBeGreaterThan(1)
    expect(await rows(lake)).toHaveLength(100_002)
  } finally {
    lake.dispose()
  }
})
