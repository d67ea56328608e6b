// Contract: PyIceberg reads the tables that Sluice writes, whole, by partition and by predicate, and finds what DuckDB finds in
// the source; and a reading that differs is reported as a difference, so that silence means agreement.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PartitionField, Transform } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { appendRows, column, definition, type Workbench, workbench } from '../lake/iceberg/fixture.ts'
import { readByPyIceberg, type TableExpectation } from './pyiceberg.ts'

const COLUMNS = [
  column('id', 'long'),
  column('region', 'string'),
  column('day', 'date'),
  column('moment', 'timestamptz'),
  column('amount', 'decimal(18,4)'),
  column('ratio', 'double'),
]

const SOURCE = sql`SELECT
  i::BIGINT AS id,
  CASE i % 4 WHEN 0 THEN 'north' WHEN 1 THEN 'süd / west' WHEN 2 THEN NULL ELSE 'a=b%2F' END AS region,
  DATE '1969-12-30' + (i % 5)::INT AS day,
  TIMESTAMPTZ '1969-12-31 22:00:00+00' + INTERVAL (i * 17) MINUTE AS moment,
  (i * 1.0001)::DECIMAL(18,4) AS amount,
  CASE WHEN i % 10 = 0 THEN NULL ELSE i / 8 END::DOUBLE AS ratio
  FROM range(1000) r(i)`

const transform = (name: Transform['name'], width = 0): Transform =>
  name === 'bucket' || name === 'truncate' ? { name, width } : { name }

const PARTITIONED = [
  { table: 'plain', fields: [], by: sql`''` },
  {
    table: 'by_region',
    fields: [{ column: 'region', transform: transform('identity') }],
    by: sql`'region=' || coalesce(region, 'null')`,
  },
  { table: 'by_day', fields: [{ column: 'day', transform: transform('day') }], by: sql`'day_day=' || day` },
  {
    table: 'by_month_and_region',
    fields: [
      { column: 'moment', transform: transform('month') },
      { column: 'region', transform: transform('truncate', 2) },
    ],
    by: sql`'moment_month=' || strftime(moment, '%Y-%m') || '/region_trunc=' || coalesce(left(region, 2), 'null')`,
  },
] as const

const FILTERS = [
  { theirs: 'id >= 990', ours: sql`id >= 990` },
  { theirs: "region = 'süd / west'", ours: sql`region = 'süd / west'` },
  { theirs: 'region IS NULL', ours: sql`region IS NULL` },
  { theirs: "day < '1970-01-01' AND amount > '100.5000'", ours: sql`day < DATE '1970-01-01' AND amount > 100.5` },
  { theirs: "moment = '1970-01-01T00:00:00+00:00'", ours: sql`moment = TIMESTAMPTZ '1970-01-01 00:00:00+00'` },
  { theirs: 'id < 0', ours: sql`id < 0` },
]

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

describe('PyIceberg agrees with the source', () => {
  for (const { table, fields, by } of PARTITIONED)
    test(table, async () => {
      const [reading] = await readByPyIceberg([await expectation(table, fields, by)])
      expect(reading?.differences).toEqual([])
    })
})

test('what PyIceberg reads otherwise than expected is a difference', async () => {
  const right = await expectation('differing', [{ column: 'day', transform: transform('day') }], sql`'day_day=' || day`)
  const { 'day_day=1970-01-02': _left, ...partitions } = right.partitions ?? {}
  const wrong: TableExpectation = {
    ...right,
    rows: right.rows + 1,
    sums: { ...right.sums, amount: '1.0000' },
    partitions: { ...partitions, 'day_day=1999-01-01': { rows: 1 } },
    predicates: [{ filter: 'id >= 990', rows: 9 }],
  }
  const [reading] = await readByPyIceberg([wrong])
  expect(reading?.differences).toEqual([
    'table: expected 1001 rows, PyIceberg reads 1000',
    expect.stringMatching(/^table: expected sum\(amount\) = 1\.0000, PyIceberg reads 499549\.95/),
    "partition 'day_day=1970-01-02' is not expected",
    "partition 'day_day=1999-01-01' is missing",
    'filter id >= 990: expected 9 rows, PyIceberg reads 10',
  ])
})

/** Makes the table and asks DuckDB, of the source, what a reader must find in it. */
async function expectation(
  name: string,
  partitionBy: readonly PartitionField[],
  by: typeof SOURCE,
): Promise<TableExpectation> {
  await ensureTable(bench.lake, definition(name, COLUMNS, { partitionBy }))
  const table = await appendRows(bench, name, SOURCE)
  const rows = async (where: typeof SOURCE, group: typeof SOURCE) =>
    bench.session.rows(sql`SELECT ${group} AS part, count(*)::INT AS n, sum(id)::VARCHAR AS id, sum(amount)::VARCHAR AS amount,
      sum(ratio)::VARCHAR AS ratio FROM (${SOURCE}) WHERE ${where} GROUP BY ALL`)
  const totals = (row: Record<string, unknown> | undefined) => ({
    rows: Number(row?.['n'] ?? 0),
    sums: { id: text(row?.['id']), amount: text(row?.['amount']), ratio: text(row?.['ratio']) },
  })
  const partitions = (await rows(sql`TRUE`, by)).map(row => [String(row['part']), totals(row)] as const)
  const predicates = []
  for (const { theirs, ours } of FILTERS) predicates.push({ filter: theirs, ...totals((await rows(ours, sql`1`))[0]) })
  return {
    metadata: table.entry.metadataLocation,
    ...totals((await rows(sql`TRUE`, sql`1`))[0]),
    partitions: Object.fromEntries(partitions),
    predicates,
  }
}

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value))
