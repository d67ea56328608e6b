// The rows that match are those that DuckDB finds for the same condition written by hand, and reading only the files that a plan keeps
// loses none of them: for every type, partitioned and not.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ColumnType } from '#lake/dataset.ts'
import { join, Sql, sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import { parseWhere, whereSql } from '#lake/iceberg/where.ts'
import { appendRows, column, definition, type Workbench, workbench } from './fixture.ts'

const TYPES: Readonly<Record<string, ColumnType>> = {
  n: 'int',
  big: 'long',
  price: 'decimal(12,2)',
  f: 'float',
  d: 'double',
  word: 'string',
  ok: 'boolean',
  day: 'date',
  moment: 'timestamptz',
  local: 'timestamp',
  clock: 'time',
  key: 'uuid',
  bytes: 'binary',
}

const VALUES = [
  sql`(1, 10, 1.50, 1.5, 1.1, 'apple', true, '2024-02-29', '2024-02-29 12:30:00+00', '2024-02-29 12:30:00', '12:30:00', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', '\\x01')`,
  sql`(-1, -9223372036854775808, -0.01, 'NaN', 'NaN', 'apricot', false, '1969-12-31', '1969-12-31 23:59:59.999999+00', '1969-12-31 23:59:59.999999', '00:00:00', '00000000-0000-0000-0000-000000000000', '')`,
  sql`(2, 9223372036854775807, 0.00, '-0.0', 'Infinity', 'appl', true, '2024-03-01', '2024-03-01 00:00:00+00', '2024-03-01 00:00:00', '23:59:59.999999', 'ffffffff-ffff-4fff-bfff-ffffffffffff', '\\xFF\\xFF')`,
  sql`(0, 0, 9999999999.99, 0.0, -1e300, 'ap''p🙂le and a long tail after it', false, '0001-01-01', '2024-02-29 12:30:00.000001+00', '9999-12-31 23:59:59', '12:30:00.000001', 'f79c3e09-677c-4bbd-a479-3f349cb785e8', '\\x01\\x00')`,
  sql`(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
  sql`(2147483647, 10, 1.50, 1.1, 1.1, '', NULL, '2024-02-29', NULL, '2024-02-29 12:30:00', NULL, NULL, NULL)`,
]

/** What a person writes, and the same in DuckDB's own words. */
const CASES: readonly (readonly [string, string])[] = [
  ['n <> 1', 'n <> 1'],
  ['n > 0 and n <= 2', 'n > 0 AND n <= 2'],
  ['n not in (0, 1)', 'n NOT IN (0, 1)'],
  ['n is null', 'n IS NULL'],
  ['n is not null', 'n IS NOT NULL'],
  ['n between -1 and 1', 'n BETWEEN -1 AND 1'],
  ['big = 9223372036854775807', 'big = 9223372036854775807'],
  ['big < -9223372036854775807', 'big < -9223372036854775807'],
  ['price >= 1.50', "price >= '1.50'::DECIMAL(12,2)"],
  ['price = 9999999999.99', "price = '9999999999.99'::DECIMAL(12,2)"],
  ['f = 1.1', "f = '1.1'::FLOAT"],
  ['f <= 0', "f <= '0'::FLOAT"],
  ["f = 'NaN'", "f = 'NaN'::FLOAT"],
  ["d > 'Infinity'", "d > 'Infinity'::DOUBLE"],
  ["d <> 'NaN'", "d <> 'NaN'::DOUBLE"],
  ['d = 1.1', "d = '1.1'::DOUBLE"],
  ["word like 'appl%'", "word LIKE 'appl%'"],
  ["word like 'ap''p🙂%'", "word LIKE 'ap''p🙂%'"],
  ["word starts with 'ap'", "word LIKE 'ap%'"],
  ["word <> 'apple'", "word <> 'apple'"],
  ["word = ''", "word = ''"],
  ["word in ('apple', 'x')", "word IN ('apple', 'x')"],
  ["word > 'apple'", "word > 'apple'"],
  ['ok = true', 'ok'],
  ['ok <> true', 'NOT ok'],
  ["day < '1970-01-01'", "day < DATE '1970-01-01'"],
  ["day <> date '2024-02-29'", "day <> DATE '2024-02-29'"],
  ["moment > '2024-02-29 12:30'", "moment > '2024-02-29 12:30:00+00'::TIMESTAMPTZ"],
  ["moment = '2024-02-29 13:30:00.000001+01'", "moment = '2024-02-29 12:30:00.000001+00'::TIMESTAMPTZ"],
  ["local <= '1969-12-31 23:59:59.999999'", "local <= TIMESTAMP '1969-12-31 23:59:59.999999'"],
  ["clock >= '12:30:00.000001'", "clock >= TIME '12:30:00.000001'"],
  ["key = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'", "key = 'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID"],
  ["bytes > X'01'", "bytes > '\\x01'::BLOB"],
  ["bytes <> X''", "bytes <> ''::BLOB"],
]

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

const columns = Object.entries(TYPES).map(([name, type]) => column(name, type))
const TABLES = [
  definition('plain', columns),
  definition('by_value', columns, {
    partitionBy: ['n', 'ok'].map(name => ({ column: name, transform: { name: 'identity' } })),
  }),
  definition('by_text', columns, { partitionBy: [{ column: 'word', transform: { name: 'truncate', width: 4 } }] }),
  definition('by_time', columns, {
    partitionBy: [
      { column: 'day', transform: { name: 'month' } },
      { column: 'moment', transform: { name: 'hour' } },
      { column: 'big', transform: { name: 'bucket', width: 4 } },
    ],
  }),
]
const NAMES = Object.keys(TYPES).join(', ')
const CASTS = columns
  .map(({ name, type }) => `CAST(v.${name} AS ${duckdbType(String(type)).text}) AS ${name}`)
  .join(', ')

/** Written in this file, so it may stand in a statement. */
const rowSql = (values: Sql): Sql => sql`SELECT ${Sql.trusted(CASTS)} FROM (VALUES ${values}) v(${Sql.trusted(NAMES)})`
const allRows = join(VALUES.map(rowSql), ' UNION ALL ')

const found = (source: Sql, condition: Sql) =>
  bench.session.rows(sql`SELECT * FROM (${source}) WHERE ${condition} ORDER BY ALL`)

describe.each(TABLES)('$name', table => {
  let kept = 0
  beforeAll(async () => {
    await createTable(bench.lake, table)
    // A commit for each row, so that there are files to leave out.
    for (const values of VALUES) await appendRows(bench, table.name, rowSql(values))
  })

  test.each(CASES)('%s', async (written, byHand) => {
    const opened = await openTable(bench.lake, table.name)
    const where = parseWhere(written, currentSchema(opened.metadata))
    const plan = await planScan(bench.lake, opened, { where })
    kept += plan.files.length
    const local = await stageFiles(bench.lake, plan.files, `${bench.root}/work`)
    const expected = await found(allRows, Sql.trusted(byHand))
    expect(await found(scanSql(plan.schema, local), whereSql(where, plan.schema))).toEqual(expected)
  })

  test('files were left out', () => {
    expect(kept).toBeGreaterThan(0)
    expect(kept).toBeLessThan((CASES.length * VALUES.length) / 2)
  })
})
