// A plan says what it kept and what it left out, and by what: manifests by their partitions, files by their partition or by their bounds;
// and which deletes there are to apply. Statistics that nobody asked for are not read.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { liveFiles, planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { toBinary } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { commitForeign } from './foreign-commit.ts'

const COLUMNS = [column('p', 'string'), column('k', 'long'), column('s', 'string')]

function data(name: string, partition: string, [lower, upper]: readonly [bigint, bigint]): DataFile {
  const counts = new Map([1, 2, 3].map(id => [id, 10n]))
  return manifestOnly(name, {
    partition: [partition],
    file_size_in_bytes: 1_000n,
    column_sizes: counts,
    value_counts: counts,
    null_value_counts: new Map([1, 2, 3].map(id => [id, 0n])),
    lower_bounds: new Map([
      [2, toBinary('long', lower)],
      [3, Buffer.from('a')],
    ]),
    upper_bounds: new Map([
      [2, toBinary('long', upper)],
      [3, Buffer.from('b')],
    ]),
    split_offsets: [4n],
  })
}

/** Two manifests of two files each and one of deletes. */
async function lakeOfFour(): Promise<Lake> {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', COLUMNS, { partitionBy: [{ column: 'p', transform: { name: 'identity' } }] }))
  await commitForeign(lake, 't', { data: [data('a1', 'a', [0n, 9n]), data('a2', 'a', [10n, 19n])] })
  await commitForeign(lake, 't', { data: [data('b1', 'b', [0n, 9n]), data('c1', 'c', [0n, 9n])] })
  await commitForeign(lake, 't', {
    deletes: [
      manifestOnly('p', { content: 1, partition: ['a'], record_count: 3n, file_size_in_bytes: 50n }),
      manifestOnly('e', { content: 2, partition: ['b'], record_count: 7n, file_size_in_bytes: 60n, equality_ids: [2] }),
    ],
  })
  return lake
}

test('without predicates everything is kept', async () => {
  const lake = await lakeOfFour()
  const { kept, skipped, deletes } = await planScan(lake, await openTable(lake, 't'))
  expect(kept).toEqual({ manifests: 2, files: 4, bytes: 4_000n })
  const none = { files: 0, bytes: 0n }
  expect(skipped).toEqual({ manifests: 0, unread: 0, ...none, byPartition: none, byBounds: none })
  expect(deletes).toEqual({ files: 2, bytes: 110n, positions: 3n, equalities: 7n })
})

test('what is left out is counted by the reason', async () => {
  const lake = await lakeOfFour()
  const table = await openTable(lake, 't')
  const inB = await planScan(lake, table, { where: [{ column: 'p', op: 'in', values: ['b'] }] })
  expect(inB.kept).toEqual({ manifests: 1, files: 1, bytes: 1_000n })
  expect(inB.skipped).toMatchObject({ manifests: 1, unread: 2, files: 1, bytes: 1_000n })
  expect(inB.skipped.byPartition).toEqual({ files: 1, bytes: 1_000n })
  expect(inB.deletes).toEqual({ files: 1, bytes: 60n, positions: 0n, equalities: 7n })
  const high = await planScan(lake, table, { where: [{ column: 'k', op: '>', value: 9n }] })
  expect(high.files.map(live => live.file.file_path)).toEqual(['a2'])
  expect(high.skipped.byBounds).toEqual({ files: 3, bytes: 3_000n })
  expect(high.deletes).toEqual({ files: 1, bytes: 50n, positions: 3n, equalities: 0n })
})

test('files carry the statistics that were asked for, and those that chose them', async () => {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', COLUMNS, { partitionBy: [{ column: 'p', transform: { name: 'identity' } }] }))
  const file = data('a1', 'a', [0n, 9n])
  const table = await commitForeign(lake, 't', { data: [file] })
  const ids = async (options: Parameters<typeof planScan>[2]): Promise<readonly number[]> => {
    const [live] = await liveFiles(lake, table, options)
    expect(live?.file.lower_bounds.get(2)).toEqual(
      live?.file.lower_bounds.has(2) ? file.lower_bounds.get(2) : undefined,
    )
    return [...(live?.file.value_counts.keys() ?? [])]
  }
  expect(await ids({})).toEqual([])
  expect(await ids({ where: [{ column: 'k', op: 'in', values: [5n] }] })).toEqual([2])
  expect(await ids({ statistics: ['s'] })).toEqual([3])
  expect(await ids({ statistics: ['s'], where: [{ column: 'k', op: 'in', values: [5n] }] })).toEqual([2, 3])
  const [whole] = await liveFiles(lake, table, { statistics: 'all' })
  expect(whole?.file).toEqual(file)
})
