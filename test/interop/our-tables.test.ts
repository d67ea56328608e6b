// Contract: PyIceberg appends to, overwrites and deletes from tables that Sluice made, in its own way (whole files), and our scan
// finds after each step what PyIceberg finds.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '#lake/duckdb/sql.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import {
  appendRows,
  column,
  definition,
  deleteRows,
  readRows,
  type Workbench,
  workbench,
} from '../lake/iceberg/fixture.ts'
import { compactTable } from '../lake/iceberg/lives.ts'
import { workWithPyIceberg } from './pyiceberg.ts'

const COLUMNS = [
  column('id', 'long'),
  column('region', 'string'),
  column('day', 'date'),
  column('amount', 'decimal(18,4)'),
]

const SOURCE = sql`SELECT i::BIGINT AS id, CASE i % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'süd / west' END AS region,
  DATE '1969-12-30' + (i % 4)::INT AS day, (i * 1.0001)::DECIMAL(18,4) AS amount FROM range(24) r(i)`

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

const row = (id: string, region: string | null, day: string) => ({ id, region, day, amount: '0.5000' })

test.for([
  { table: 'plain', by: [] },
  { table: 'by_region', by: [{ column: 'region', transform: { name: 'identity' } }] },
  {
    table: 'by_month_and_bucket',
    by: [
      { column: 'day', transform: { name: 'month' } },
      { column: 'id', transform: { name: 'bucket', width: 4 } },
    ],
  },
] as const)('$table', async ({ table, by }) => {
  await ensureTable(
    bench.lake,
    definition(table, COLUMNS, { partitionBy: by, sortBy: [{ column: 'id', direction: 'asc' }] }),
  )
  await appendRows(bench, table, SOURCE)
  const same = async (
    step: Readonly<Record<string, unknown>>,
    ids: (id: number) => boolean,
    added: readonly string[],
  ) => {
    const steps = [{ ...step }, { do: 'rows', order: 'id' }].map(each => ({ ...each, table }) as never)
    const [, found] = await workWithPyIceberg({ lake: bench.root }, steps)
    const ours = await readRows(bench, table, sql`id`)
    expect(ours).toEqual(found)
    const wanted = [...Array(24).keys()].filter(ids).map(String)
    expect(ours.map(each => each['id'])).toEqual([...wanted, ...added])
  }
  await same({ do: 'append', rows: [row('100', 'north', '1969-12-31'), row('101', null, '1970-01-01')] }, () => true, [
    '100',
    '101',
  ])
  await same({ do: 'delete', filter: 'id = 4 or id = 5' }, id => id !== 4 && id !== 5, ['100', '101'])
  const left = (id: number) => id !== 4 && id !== 5 && id % 3 !== 0
  const replaced = [row('102', 'north', '1970-01-02')]
  await same({ do: 'overwrite', rows: replaced, filter: "region = 'north'" }, left, ['101', '102'])
  await same({ do: 'delete', filter: "day < '1970-01-01'" }, id => left(id) && id % 4 >= 2, ['101', '102'])
  await appendRows(bench, table, sql`SELECT 103 AS id, 'x' AS region, DATE '1970-01-01' AS day, 0.5 AS amount`)
  await same({ do: 'delete', filter: 'id = 1000' }, id => left(id) && id % 4 >= 2, ['101', '102', '103'])
  await deleteRows(bench, table, sql`id IN (2, 102)`)
  const rest = (id: number) => left(id) && id % 4 >= 2 && id !== 2
  await same({ do: 'append', rows: [row('104', null, '1970-01-03')] }, rest, ['101', '103', '104'])
  for (const first of [200, 212, 224, 236, 248])
    await appendRows(
      bench,
      table,
      sql`SELECT i AS id, 'x' AS region, DATE '1970-01-05' AS day, 0.5 AS amount FROM range(${first}, ${first + 12}) r(i)`,
    )
  await deleteRows(bench, table, sql`id > 200`)
  await compactTable(bench, table)
  await same({ do: 'delete', filter: 'id = 101' }, rest, ['103', '104', '200'])
  const { metadata } = await openTable(bench.lake, table)
  const operations = metadata.snapshots.map(snapshot => snapshot.summary['operation'])
  expect(operations).toEqual(expect.arrayContaining(['append', 'overwrite', 'delete', 'replace']))
})

test('every type, nested ones too', async () => {
  const scalars = [
    'boolean',
    'int',
    'long',
    'float',
    'double',
    'decimal(9,2)',
    'decimal(38,10)',
    'date',
    'time',
  ] as const
  const more = ['timestamp', 'timestamptz', 'uuid', 'binary', 'string'] as const
  const columns = [
    column('id', 'long'),
    ...[...scalars, ...more].map((type, index) => column(`c${index}`, type)),
    column('li', { list: 'string' }),
    column('st', { struct: [column('a', 'int'), column('in', { struct: [column('b', 'string')] })] }),
    column('m', { map: { key: 'string', value: 'double' } }),
  ]
  await ensureTable(bench.lake, definition('types', columns))
  await appendRows(
    bench,
    'types',
    sql`SELECT 1 AS id, true AS c0, -2147483648 AS c1, -9223372036854775808 AS c2, -0.0::FLOAT AS c3, 'nan'::DOUBLE AS c4, -1.25 AS c5,
      9999999999999999999999999999.9999999999 AS c6, DATE '0001-01-01' AS c7, TIME '23:59:59.999999' AS c8,
      TIMESTAMP '1969-12-31 23:59:59.999999' AS c9, TIMESTAMPTZ '1969-12-31 23:59:59.999999+00' AS c10,
      'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID AS c11, unhex('00FF') AS c12, 'é𝒳' AS c13,
      ['x', NULL] AS li, {'a': NULL::INTEGER, 'in': {'b': 'b'}} AS st, MAP {'k': 0.5, 'l': NULL} AS m
      UNION ALL BY NAME SELECT 2 AS id`,
  )
  const [found] = await workWithPyIceberg({ lake: bench.root }, [{ do: 'rows', table: 'types', order: 'id' }])
  const ours = await readRows(bench, 'types', sql`id`)
  expect(ours[0]).toMatchObject({
    c2: '-9223372036854775808',
    c6: '9999999999999999999999999999.9999999999',
    c13: 'é𝒳',
  })
  expect(found).toEqual(ours)
})
