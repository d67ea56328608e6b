// Data files are what their manifest entries say: one file for each partition, whatever its value looks like, all columns inside,
// sorted, with counts, bounds and split offsets that agree with the rows.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PartitionField, SortField } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { copyToParquet, describeDataFile } from '#lake/iceberg/data-file.ts'
import { partitionColumns, partitionFolder, partitionSpecFor, sortOrderFor, UNSORTED } from '#lake/iceberg/partition.ts'
import { columnByName, evolveSchema } from '#lake/iceberg/schema.ts'
import { fromBinary } from '#lake/iceberg/value.ts'
import { type WrittenFile, writeDataFiles } from '#lake/iceberg/write-files.ts'
import { column, type Workbench, workbench } from './fixture.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

const { schema } = evolveSchema(undefined, [
  column('s', 'string'),
  column('n', 'long'),
  column('f', 'double'),
  column('l', { list: 'int' }),
  column('_raw_object', 'string'),
])

async function write(
  source: Sql,
  how: {
    readonly by?: readonly PartitionField[]
    readonly sort?: readonly SortField[]
    readonly fileBytesTarget?: number
    readonly rowGroupRows?: number
  } = {},
): Promise<readonly WrittenFile[]> {
  const { by = [], sort = [], ...rest } = how
  return writeDataFiles(bench.session, {
    source,
    schema,
    spec: partitionSpecFor(schema, by),
    sortOrder: sort.length === 0 ? UNSORTED : sortOrderFor(schema, sort),
    folder: join(bench.root, 'work', bench.lake.ids.uuid()),
    ...rest,
  })
}

const full = (values: Sql): Sql =>
  sql`SELECT s, n, n / 2.0 AS f, [n::INT, NULL] AS l, 'raw-' || n AS _raw_object, 'not a column of the table' AS extra FROM (VALUES ${values}) t(s, n)`

describe('partitions', () => {
  const long = 'ü'.repeat(300)

  test('by text: null, empty, the name that stands for null, slashes, and more than a folder name holds', async () => {
    const rows = sql`(NULL, 1), ('', 2), ('__HIVE_DEFAULT_PARTITION__', 3), ('a/b=%2F ..', 4), (${long}, 5), (${`${long}x`}, 6), ('t', 7), ('null', 8)`
    const files = await write(full(rows), { by: [{ column: 's', transform: { name: 'identity' } }] })
    const found = files.map(each => [each.file.partition[0], each.file.record_count])
    expect(new Map(found as [string | null, bigint][])).toEqual(
      new Map(
        [null, '', '__HIVE_DEFAULT_PARTITION__', 'a/b=%2F ..', long, `${long}x`, 't', 'null'].map(value => [value, 1n]),
      ),
    )
    for (const each of files) {
      const [row] = await bench.session.rows(
        sql`SELECT count(*)::INT AS n, any_value(s) AS s FROM read_parquet(${each.path}, hive_partitioning = false)`,
      )
      expect([row?.['n'], row?.['s']]).toEqual([1, each.file.partition[0]])
    }
    const columns = partitionColumns(partitionSpecFor(schema, [{ column: 's', transform: { name: 'identity' } }]), [
      schema,
    ])
    const folders = files.map(each => partitionFolder(columns, each.file.partition))
    expect(folders.every(folder => Buffer.byteLength(folder) < 200 && !folder.slice(2).includes('/'))).toBe(true)
  })

  test('one file for each, of many in any order', async () => {
    const source = full(sql`('x', 0)`)
    const many = sql`SELECT * REPLACE (i AS n) FROM (${source}), range(5000) r(i) ORDER BY hash(i)`
    const files = await write(many, { by: [{ column: 'n', transform: { name: 'bucket', width: 8 } }] })
    expect(files.map(each => each.file.partition[0]).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(files.reduce((sum, each) => sum + each.rows, 0)).toBe(5000)
  })
})

describe('metrics', () => {
  test('counts, bounds and offsets', async () => {
    const [written] = await write(full(sql`('b', 3), ('a', NULL), (NULL, -7)`))
    const { file } = written as WrittenFile
    const id = (name: string): number => columnByName(schema, name).id
    expect([file.record_count, file.spec_id, file.sort_order_id, file.file_path]).toEqual([3n, 0, 0, ''])
    expect(file.value_counts.get(id('s'))).toBe(3n)
    expect(file.null_value_counts.get(id('s'))).toBe(1n)
    expect(file.nan_value_counts.get(id('f'))).toBe(0n)
    expect(fromBinary('long', file.lower_bounds.get(id('n')) as Buffer)).toBe(-7n)
    expect(fromBinary('long', file.upper_bounds.get(id('n')) as Buffer)).toBe(3n)
    expect(file.upper_bounds.get(id('s'))?.toString()).toBe('b')
    expect(file.split_offsets).toEqual([4n])
    const element = 6
    expect([file.value_counts.has(element), file.lower_bounds.has(element)]).toEqual([true, false])
  })

  test('the raw object is bounded by its whole id', async () => {
    const id = '01J8ZQ7M3N9V5T2B4C6D8F0G1H'
    const [written] = await write(sql`SELECT 's' AS s, 1 AS n, 'nan'::DOUBLE AS f, [1] AS l, ${id} AS _raw_object`)
    const { lower_bounds, upper_bounds, nan_value_counts } = (written as WrittenFile).file
    const raw = columnByName(schema, '_raw_object').id
    expect([lower_bounds.get(raw)?.toString(), upper_bounds.get(raw)?.toString()]).toEqual([id, id])
    const nan = columnByName(schema, 'f').id
    expect([lower_bounds.has(nan), nan_value_counts.has(nan)]).toEqual([false, false])
  })

  test('a file of a COPY of the caller’s own is described the same way', async () => {
    const path = join(bench.root, 'work', 'own.parquet')
    const copied = await copyToParquet(bench.session, { source: full(sql`('a', 1)`), schema, path })
    const file = await describeDataFile(bench.session, copied, { schema, specId: 4, partition: ['p'] })
    expect(file).toMatchObject({
      spec_id: 4,
      partition: ['p'],
      record_count: 1n,
      file_size_in_bytes: BigInt(copied.bytes),
    })
  })
})

test('rows are in the declared order, and row groups do not overlap', async () => {
  const source = sql`SELECT 's' AS s, (i * 7919) % 10000 AS n, 0.5 AS f, NULL AS l, 'r' AS _raw_object FROM range(10000) r(i)`
  const [written] = await write(source, { sort: [{ column: 'n', direction: 'asc' }], rowGroupRows: 2048 })
  const { file, path } = written as WrittenFile
  expect(file.sort_order_id).toBe(1)
  expect(file.split_offsets?.length).toBeGreaterThan(3)
  const groups = await bench.session.rows(
    sql`SELECT stats_min_value::BIGINT AS low, stats_max_value::BIGINT AS high FROM parquet_metadata(${path}) WHERE path_in_schema = 'n' ORDER BY row_group_id`,
  )
  const overlaps = groups.filter(
    (group, index) => index > 0 && BigInt(String(group['low'])) <= BigInt(String(groups[index - 1]?.['high'])),
  )
  expect(overlaps).toEqual([])
})

test('an unpartitioned table is cut into files near the target', async () => {
  const source = sql`SELECT md5(i::VARCHAR) AS s, i AS n, random() AS f, NULL AS l, 'r' AS _raw_object FROM range(200000) r(i)`
  const files = await write(source, { fileBytesTarget: 1_000_000, rowGroupRows: 10_000 })
  expect(files.length).toBeGreaterThan(4)
  expect(files.reduce((sum, each) => sum + each.rows, 0)).toBe(200_000)
})

test('no rows, no files', async () => {
  const none = sql`SELECT * FROM (${full(sql`('a', 1)`)}) WHERE false`
  expect(await write(none)).toEqual([])
  expect(await write(none, { by: [{ column: 's', transform: { name: 'identity' } }] })).toEqual([])
})
