// A table that is partitioned and sorted in another way from now on keeps its old files: they are read beside the new ones and each is
// pruned by the spec that it was written under. ClickHouse agrees with pruning on and off.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PartitionField, SortField } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { updateSpec } from '#lake/iceberg/spec-change.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import {
  appendRows,
  type ClickHouse,
  clickHouse,
  column,
  definition,
  readRows,
  type Workbench,
  workbench,
} from './fixture.ts'

let bench: Workbench
let reader: ClickHouse
beforeAll(async () => {
  bench = await workbench()
  reader = clickHouse(bench.root)
})
afterAll(async () => {
  process.chdir('/')
  await bench.close()
})

const COLUMNS = [column('day', 'date'), column('id', 'long'), column('name', 'string')]

async function declare(partitionBy: readonly PartitionField[], sortBy: readonly SortField[]): Promise<void> {
  await ensureTable(bench.lake, definition('t', COLUMNS, { partitionBy, sortBy }))
}

const rows = (start: number): ReturnType<typeof sql> =>
  sql`SELECT DATE '2024-01-30' + (i // 2)::INT AS day, ${start} + i AS id, 'n' || ((i * 7) % 8) AS name FROM range(8) r(i)`

const specsOf = async (where: readonly Predicate[]): Promise<readonly number[]> =>
  (await planScan(bench.lake, await openTable(bench.lake, 't'), { where })).files.map(live => live.file.spec_id).sort()

describe('three specs and two sort orders', () => {
  beforeAll(async () => {
    await declare([{ column: 'day', transform: { name: 'month' } }], [{ column: 'name', direction: 'desc' }])
    await appendRows(bench, 't', rows(0))
    await declare([{ column: 'day', transform: { name: 'day' } }], [{ column: 'id', direction: 'asc' }])
    await appendRows(bench, 't', rows(100))
    await declare([], [])
    await appendRows(bench, 't', rows(200))
  })

  test('the table remembers all of them', async () => {
    const { metadata } = await openTable(bench.lake, 't')
    expect(metadata['partition-specs'].map(spec => spec.fields.map(field => [field.name, field['field-id']]))).toEqual([
      [['day_month', 1000]],
      [['day_day', 1001]],
      [],
    ])
    expect(metadata).toMatchObject({ 'default-spec-id': 2, 'last-partition-id': 1001, 'default-sort-order-id': 0 })
    const plan = await planScan(bench.lake, await openTable(bench.lake, 't'))
    expect(plan.files.map(live => [live.file.spec_id, live.file.sort_order_id]).sort()).toEqual([
      ...[0, 0].map(spec => [spec, 1]),
      ...[1, 1, 1, 1].map(spec => [spec, 2]),
      [2, 0],
    ])
  })

  test('all rows are read', async () => {
    expect((await readRows(bench, 't', sql`id`)).map(row => row['id'])).toEqual(
      [0, 100, 200].flatMap(start => Array.from({ length: 8 }, (_each, i) => String(start + i))),
    )
  })

  const date = (text: string): number => Date.parse(text) / 86_400_000
  test.for([
    ["day = '2024-01-31'", { column: 'day', op: 'in', values: [date('2024-01-31')] }, [0, 1, 2]],
    ["day >= '2024-02-01'", { column: 'day', op: '>=', value: date('2024-02-01') }, [0, 1, 1, 2]],
    ["day < '2024-01-01'", { column: 'day', op: '<', value: date('2024-01-01') }, []],
    ['id < 50', { column: 'id', op: '<', value: 50n }, [0, 0]],
  ] as const)('each is pruned by its own: %s', async ([where, predicate, specs]) => {
    expect(await specsOf([predicate])).toEqual(specs)
    const ours = (await readRows(bench, 't', sql`id`, { where: [predicate] })).map(row => row['id'])
    for (const pruning of [0, 1]) {
      const settings = `SETTINGS use_iceberg_partition_pruning = ${pruning}`
      const theirs = reader.query(
        `SELECT id FROM icebergLocal('tables/t') WHERE ${where} ORDER BY id ${settings}`,
        'JSONCompactColumns',
      )
      const found = (JSON.parse(theirs) as (string | number)[][])[0] ?? []
      expect(ours).toEqual(expect.arrayContaining(found.map(String)))
    }
  })

  test('a spec that was declared before is taken again', async () => {
    await declare([{ column: 'day', transform: { name: 'month' } }], [{ column: 'name', direction: 'desc' }])
    const { metadata } = await openTable(bench.lake, 't')
    expect([
      metadata['default-spec-id'],
      metadata['default-sort-order-id'],
      metadata['partition-specs'].length,
    ]).toEqual([0, 1, 3])
  })
})

test('the fields of a struct partition and sort a table too, and a column of the same name does not', async () => {
  const columns = [column('n', 'string'), column('s', { struct: [column('n', 'string')] })]
  await ensureTable(bench.lake, definition('nested', columns))
  await updateTable(bench.lake, 'nested', base => {
    const spec = updateSpec(base, [{ type: 'add', column: 's.n', transform: { name: 'identity' } }])
    const order = { transform: 'truncate[1]', 'source-id': 3, direction: 'desc', 'null-order': 'nulls-last' } as const
    return base['default-spec-id'] === 0
      ? {
          ...spec,
          'sort-orders': [...base['sort-orders'], { 'order-id': 1, fields: [order] }],
          'default-sort-order-id': 1,
        }
      : base
  })
  await appendRows(bench, 'nested', sql`SELECT 'other' AS n, {'n': unnest(['b', 'a', 'b'])} AS s`)
  const plan = await planScan(bench.lake, await openTable(bench.lake, 'nested'))
  const found = plan.files.map(({ file }) => [file.partition[0], file.record_count, file.sort_order_id])
  expect(found.toSorted()).toEqual([
    ['a', 1n, 1],
    ['b', 2n, 1],
  ])
})

test('rows are in the order that another engine declared, by a transform of a field inside a struct', async () => {
  const { schema } = evolveSchema(undefined, [column('s', { struct: [column('at', 'timestamp')] }), column('i', 'int')])
  const field = { transform: 'day', 'source-id': 3, direction: 'desc', 'null-order': 'nulls-last' } as const
  const [written] = await writeDataFiles(bench.session, {
    source: sql`SELECT {'at': TIMESTAMP '2024-01-01' + INTERVAL (i % 3) DAY + INTERVAL (i) HOUR} AS s, i FROM range(12) r(i)
      UNION ALL SELECT NULL, 99`,
    schema,
    spec: { 'spec-id': 0, fields: [] },
    sortOrder: {
      'order-id': 7,
      fields: [field, { ...field, transform: 'identity', 'source-id': 2, direction: 'asc' }],
    },
    folder: join(bench.root, 'work', 'sorted'),
  })
  expect(written?.file.sort_order_id).toBe(7)
  const rows = await bench.session.rows(
    sql`SELECT i FROM read_parquet(${String(written?.path)}, file_row_number = true) ORDER BY file_row_number`,
  )
  expect(rows.map(row => row['i'])).toEqual([2, 5, 8, 11, 1, 4, 7, 10, 0, 3, 6, 9, 99])
})

test('a transform that nobody knows is read and not written', async () => {
  await ensureTable(bench.lake, definition('odd', COLUMNS))
  await appendRows(bench, 'odd', rows(0))
  await updateTable(bench.lake, 'odd', base => {
    const field = { 'source-id': 2, 'field-id': 1000, name: 'id_zorder', transform: 'zorder[3]' }
    return base['default-spec-id'] === 0
      ? {
          ...base,
          'partition-specs': [...base['partition-specs'], { 'spec-id': 1, fields: [field] }],
          'default-spec-id': 1,
        }
      : base
  })
  expect(await readRows(bench, 'odd', sql`id`)).toHaveLength(8)
  await expect(appendRows(bench, 'odd', rows(10))).rejects.toMatchObject({
    kind: 'unsupported',
    message: expect.stringContaining('zorder[3]'),
  })
})
