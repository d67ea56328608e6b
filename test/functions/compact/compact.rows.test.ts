// A compaction changes which files rows are in, and nothing else: every value of every column is there before and after it, for us
// and for ClickHouse, deleted rows stay deleted, and what is written has the size, the codec, the order and the partition that were
// asked for. Compacting again does nothing.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { currentSnapshot, setPartitionSpec } from '#lake/iceberg/metadata.ts'
import { partitionSpecFor } from '#lake/iceberg/partition.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { fromBinary } from '#lake/iceberg/value.ts'
import {
  appendRows,
  type ClickHouse,
  clickHouse,
  column,
  type Workbench,
  workbench,
} from '../../lake/iceberg/fixture.ts'
import { counts, dataset, deleteRows, live, rows, rowsSql, smallFiles, snapshots, tableOf } from './compacting.ts'

let bench: Workbench
let house: ClickHouse
beforeAll(async () => {
  bench = await workbench()
  house = clickHouse(bench.root)
})
afterAll(() => bench.close())

/** What ClickHouse reads of the columns that it can read: a count and a sum over all of them. */
const foreign = (name: string): string =>
  house.query(
    `SELECT count(), sum(id), sum(cityHash64(id, part, text, amount, isNaN(ratio), ratio, at, tags, _raw_object, _raw_row)) FROM icebergLocal('tables/${name}')`,
    'TSV',
  )

async function compacted(name: string, ...[request, options]: Partial<[object, object]>) {
  const [before, seen] = [await rows(bench, name), foreign(name)]
  const report = await compact(bench.lake, { table: name, ...request }, options)
  expect(await rows(bench, name)).toEqual(before)
  expect(foreign(name)).toBe(seen)
  expect(report.rows).toBeLessThanOrEqual(before.length)
  expect(report).toMatchObject({ givenUp: [], unfinished: [] })
  const again = await compact(bench.lake, { table: name, ...request }, options)
  expect(again.committed).toEqual([])
  return report
}

test('small files become one, row for row', async () => {
  await smallFiles(bench, 'plain', { files: 6 })
  const report = await compacted('plain')
  expect(report).toMatchObject({ committed: [0], before: { files: 6 }, after: { files: 1 }, rows: 60 })
  expect(await counts(bench.lake, 'plain')).toEqual({ data: 1, deletes: 0 })
  const [snapshot] = (await snapshots(bench.lake, 'plain')).slice(-1)
  expect(snapshot?.summary).toMatchObject({
    operation: 'replace',
    'deleted-data-files': '6',
    'added-data-files': '1',
    'total-records': '60',
    'sluice.compaction-run': report.run,
    'sluice.compaction-groups': '0',
  })
  expect(report.snapshotIds).toEqual([String(snapshot?.['snapshot-id'])])
})

test('deleted rows stay deleted, and the delete files go', async () => {
  await smallFiles(bench, 'deleted', { files: 6 })
  await deleteRows(bench, 'deleted', sql`id % 10 IN (3, 4)`)
  await deleteRows(bench, 'deleted', sql`id < 12`)
  expect((await counts(bench.lake, 'deleted')).deletes).toBeGreaterThan(0)
  expect(await compacted('deleted')).toMatchObject({ before: { files: 6 }, after: { files: 1 }, rows: 38 })
  expect(await counts(bench.lake, 'deleted')).toEqual({ data: 1, deletes: 0 })
  const [snapshot] = (await snapshots(bench.lake, 'deleted')).slice(-1)
  expect(snapshot?.summary).toMatchObject({ 'total-delete-files': '0', 'total-position-deletes': '0' })
})

test('a file of which too much is deleted is rewritten by itself', async () => {
  await smallFiles(bench, 'holey', { files: 1 })
  await deleteRows(bench, 'holey', sql`id < 3`)
  expect(await compacted('holey')).toMatchObject({ before: { files: 1 }, after: { files: 1 }, rows: 7 })
})

test('files of which all rows are deleted leave none behind', async () => {
  await smallFiles(bench, 'gone', { files: 5 })
  await deleteRows(bench, 'gone', sql`true`)
  expect(await compacted('gone')).toMatchObject({ before: { files: 5 }, after: { files: 0 }, rows: 0 })
  expect(await counts(bench.lake, 'gone')).toEqual({ data: 0, deletes: 0 })
})

describe('results', () => {
  test('are of even size near the target, and rows keep their order in time', async () => {
    const properties = { 'write.target-file-size-bytes': '60000' }
    await smallFiles(bench, 'sized', { files: 0, properties })
    for (let at = 0; at < 40; at++) await appendRows(bench, 'sized', rowsSql(at * 1_250, at * 1_250 + 1_250))
    const report = await compacted('sized')
    const files = await live(bench.lake, 'sized')
    expect(files.length).toBe(report.after.files)
    expect(files.length).toBeGreaterThan(1)
    for (const { file } of files) {
      expect(Number(file.file_size_in_bytes)).toBeGreaterThan(45_000)
      expect(Number(file.file_size_in_bytes)).toBeLessThan(108_000)
    }
    const ranges = files.map(({ file }) =>
      [file.lower_bounds, file.upper_bounds].map(map => Number(fromBinary('long', map.get(1) as Buffer))),
    )
    const sorted = ranges.toSorted(([left = 0], [right = 0]) => left - right)
    for (const [at, [low]] of sorted.entries()) expect(low).toBe(at === 0 ? 0 : Number(sorted[at - 1]?.[1]) + 1)
  })

  test('of a large file are cut', async () => {
    const properties = { 'write.target-file-size-bytes': '60000', 'write.parquet.compression-codec': 'zstd' }
    await smallFiles(bench, 'large', { files: 0, properties })
    await appendRows(bench, 'large', rowsSql(0, 40_000))
    const [before] = await live(bench.lake, 'large')
    expect(Number(before?.file.file_size_in_bytes)).toBeGreaterThan(300_000)
    const report = await compact(
      { ...bench.lake, limits: { ...bench.lake.limits, memoryBytes: 80_000_000 } },
      { table: 'large' },
    )
    expect(report.after.files).toBeGreaterThan(3)
    expect(report.rows).toBe(40_000)
  })

  test.each(['zstd', 'snappy'] as const)('are compressed as %s when the dataset says so', async codec => {
    const name = `as_${codec}`
    await smallFiles(bench, name, { files: 5 })
    await compacted(name, {}, { datasets: [dataset(name, { codec })] })
    const [only] = await live(bench.lake, name)
    const path = only?.file.file_path.slice('file://'.length) as string
    const codecs = await bench.session.rows(sql`SELECT DISTINCT compression FROM parquet_metadata(${path})`)
    expect(codecs.map(row => row['compression'])).toEqual([codec.toUpperCase()])
  })

  test('keep their partition, each group its own', async () => {
    const partitionBy = [{ column: 'part', transform: { name: 'identity' } }] as const
    await smallFiles(bench, 'parted', { files: 6, partitionBy, part: sql`CASE WHEN i % 3 < 2 THEN i % 3 END` })
    const report = await compacted('parted')
    expect(report).toMatchObject({ committed: [0, 1, 2], before: { files: 18 }, after: { files: 3 } })
    const partitions = (await live(bench.lake, 'parted')).map(({ file }) => file.partition[0])
    expect(partitions.toSorted()).toEqual([0, 1, null])
  })

  test('of files of an older spec are in partitions of the current one', async () => {
    await smallFiles(bench, 'respecced', { files: 5 })
    await updateTable(bench.lake, 'respecced', metadata => {
      const spec = partitionSpecFor(
        metadata.schemas[0] as never,
        [{ column: 'part', transform: { name: 'identity' } }],
        metadata['partition-specs'],
      )
      return metadata['default-spec-id'] === spec['spec-id'] ? metadata : setPartitionSpec(metadata, spec)
    })
    const report = await compacted('respecced')
    expect(report).toMatchObject({ before: { files: 5 }, after: { files: 2 } })
    const files = await live(bench.lake, 'respecced')
    expect(files.map(({ file }) => [file.spec_id, ...file.partition]).toSorted()).toEqual([
      [1, 0],
      [1, 1],
    ])
  })

  test('are written under the schema of today', async () => {
    await smallFiles(bench, 'evolved', { files: 5 })
    const wider = tableOf('evolved')
    const columns = [
      ...wider.columns.map(each => (each.name === 'part' ? column('part', 'long') : each)),
      column('later', 'string'),
    ]
    await ensureTable(bench.lake, { ...wider, columns })
    await compacted('evolved')
    const [only] = await live(bench.lake, 'evolved')
    expect(only?.file.lower_bounds.get(2)).toHaveLength(8)
    const { metadata } = await openTable(bench.lake, 'evolved')
    expect(currentSnapshot(metadata)?.['schema-id']).toBe(1)
  })

  test('keep the age of the rows: the sequence number of the plan', async () => {
    await smallFiles(bench, 'aged', { files: 5 })
    const before = currentSnapshot((await openTable(bench.lake, 'aged')).metadata)
    await compacted('aged')
    const [only] = await live(bench.lake, 'aged')
    expect(only?.sequence_number).toBe(before?.['sequence-number'])
    expect(only?.file_sequence_number).toBe((before?.['sequence-number'] ?? 0n) + 1n)
  })
})

describe('in order', () => {
  const sortBy = [
    { column: 'text', direction: 'desc' },
    { column: 'id', direction: 'asc' },
  ] as const
  const unsorted = { files: 0, properties: { 'write.target-file-size-bytes': '60000' } }

  async function shuffled(name: string): Promise<void> {
    await smallFiles(bench, name, unsorted)
    for (let at = 0; at < 6; at++)
      await appendRows(bench, name, sql`SELECT * FROM (${rowsSql(0, 40_000)}) WHERE id % 6 = ${at} ORDER BY hash(id)`)
    await ensureTable(bench.lake, tableOf(name, { sortBy, properties: unsorted.properties }))
  }

  test('sorted: rows of each file and of all files one after the other, and files say so', async () => {
    await shuffled('sorted')
    await compacted('sorted', { strategy: 'sort' })
    const files = await live(bench.lake, 'sorted')
    expect(new Set(files.map(({ file }) => file.sort_order_id))).toEqual(new Set([1]))
    for (const { file } of files) {
      const path = file.file_path.slice('file://'.length)
      const inFile = sql`SELECT text, id, row_number() OVER () AS place FROM read_parquet(${path}, file_row_number = true) ORDER BY file_row_number`
      const [row] = await bench.session.rows(
        sql`SELECT count(*)::INTEGER AS wrong FROM (SELECT place, row_number() OVER (ORDER BY text DESC NULLS LAST, id) AS wanted FROM (${inFile})) WHERE place <> wanted`,
      )
      expect(row?.['wrong']).toBe(0)
    }
  })

  test('z-ordered: the bounds of files are narrow for each column, and clustered files are left alone', async () => {
    await shuffled('curved')
    await compacted('curved', { strategy: 'zorder' })
    const files = await live(bench.lake, 'curved')
    expect(files.map(({ file }) => file.sort_order_id)).toEqual(files.map(() => 0))
    expect(files.every(({ file }) => /-z[0-9a-f]{8}-\d{5}\.parquet$/.test(file.file_path))).toBe(true)
    expect(files.length).toBeGreaterThan(2)
  })

  test('a table without an order cannot be sorted', async () => {
    await smallFiles(bench, 'orderless', { files: 1 })
    await expect(compact(bench.lake, { table: 'orderless', strategy: 'sort' })).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringContaining('declare sortBy'),
    })
  })
})
