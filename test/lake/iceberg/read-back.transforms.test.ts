// An engine that is not ours reads every partition transform with every predicate and finds the rows that DuckDB finds in the
// source, with its pruning on and off, and so does our own scan: wrong partition values, bounds or summaries would lose rows
// silently.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Transform } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles, planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { appendRows, type ClickHouse, clickHouse, column, definition, type Workbench, workbench } from './fixture.ts'

const COLUMNS = [
  column('id', 'long'),
  column('small', 'int'),
  column('region', 'string'),
  column('ts', 'timestamptz'),
  column('plain', 'timestamp'),
  column('amount', 'decimal(9,2)'),
  column('wide', 'decimal(38,10)'),
  column('mark', 'uuid'),
  column('dt', 'date'),
  column('flag', 'boolean'),
  column('bin', 'binary'),
]

const SOURCE = sql`SELECT
  CASE i WHEN 7 THEN 9223372036854775807 WHEN 8 THEN -9223372036854775808 ELSE i * 37 - 7400 END::BIGINT AS id,
  (i % 23 - 11)::INT AS small,
  CASE i % 10 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN '__HIVE_DEFAULT_PARTITION__' WHEN 3 THEN 'a/b=c d%2F' WHEN 4 THEN '日本語のとても長い地域名で二百五十五バイトを超えるものをここに書いておくことにするとよい'
    WHEN 5 THEN 'null' WHEN 6 THEN '𝒳𝒴𝒵 and more' ELSE 'reg' || chr(65 + (i % 3)::INT) || 'é' END AS region,
  CASE WHEN i % 29 = 0 THEN NULL ELSE TIMESTAMPTZ '1969-12-30 20:30:00.000001+00' + INTERVAL (i * 601) SECOND END AS ts,
  TIMESTAMP '1968-01-31 23:59:59.999999' + INTERVAL (i * 3) DAY AS plain,
  ((i % 7) - 3.5)::DECIMAL(9,2) AS amount,
  CASE i % 4 WHEN 0 THEN -9999999999999999999999999999.9999999999 WHEN 1 THEN 9999999999999999999999999999.9999999999 ELSE (i % 4) - 2.5 END::DECIMAL(38,10) AS wide,
  ('00000000-0000-4000-' || CASE WHEN i % 2 = 0 THEN '8' ELSE 'b' END || '000-' || lpad((i % 3)::VARCHAR, 12, '0'))::UUID AS mark,
  DATE '1968-06-03' + (i * 3)::INT AS dt,
  CASE WHEN i % 5 = 0 THEN NULL ELSE i % 2 = 0 END AS flag,
  unhex(repeat(CASE WHEN i % 2 = 0 THEN 'FF' ELSE '0A' END, (i % 3 + 1)::INT)) AS bin
  FROM range(240) r(i)`

/** The same condition for DuckDB, which reads the source, and for ClickHouse, which reads the table. */
const PREDICATES: readonly {
  readonly ours: Sql
  readonly theirs: string
  /** What our scan is told of it. */
  readonly where?: readonly Predicate[]
  /** The column whose values before 1970 the condition asks for. */
  readonly before1970?: string
}[] = [
  { ours: sql`TRUE`, theirs: '1' },
  {
    ours: sql`id = 34 * 37 - 7400`,
    theirs: 'id = 34 * 37 - 7400',
    where: [{ column: 'id', op: 'in', values: [-6142n] }],
  },
  { ours: sql`id = 9223372036854775807`, theirs: 'id = 9223372036854775807' },
  { ours: sql`id < -7000`, theirs: 'id < -7000', where: [{ column: 'id', op: '<', value: -7000n }] },
  {
    ours: sql`id BETWEEN -10 AND 300`,
    theirs: 'id BETWEEN -10 AND 300',
    where: [
      { column: 'id', op: '>=', value: -10n },
      { column: 'id', op: '<=', value: 300n },
    ],
  },
  { ours: sql`small = -11`, theirs: 'small = -11' },
  { ours: sql`small > 5`, theirs: 'small > 5', where: [{ column: 'small', op: '>', value: 5 }] },
  { ours: sql`region IS NULL`, theirs: 'region IS NULL', where: [{ column: 'region', op: 'is-null' }] },
  { ours: sql`region = ''`, theirs: "region = ''", where: [{ column: 'region', op: 'in', values: [''] }] },
  { ours: sql`region = '__HIVE_DEFAULT_PARTITION__'`, theirs: "region = '__HIVE_DEFAULT_PARTITION__'" },
  { ours: sql`region = 'null'`, theirs: "region = 'null'" },
  { ours: sql`region > 'regA'`, theirs: "region > 'regA'", where: [{ column: 'region', op: '>', value: 'regA' }] },
  { ours: sql`region >= '𝒳𝒴'`, theirs: "region >= '𝒳𝒴'", where: [{ column: 'region', op: '>=', value: '𝒳𝒴' }] },
  { ours: sql`starts_with(region, '日本語')`, theirs: "startsWith(region, '日本語')" },
  {
    ours: sql`ts < TIMESTAMPTZ '1970-01-01 00:00:00+00'`,
    theirs: "ts < toDateTime64('1970-01-01 00:00:00', 6, 'UTC')",
    where: [{ column: 'ts', op: '<', value: 0n }],
    before1970: 'ts',
  },
  {
    ours: sql`ts >= TIMESTAMPTZ '1969-12-31 23:00:00+00' AND ts < TIMESTAMPTZ '1970-01-01 01:10:00+00'`,
    theirs:
      "ts >= toDateTime64('1969-12-31 23:00:00', 6, 'UTC') AND ts < toDateTime64('1970-01-01 01:10:00', 6, 'UTC')",
    where: [
      { column: 'ts', op: '>=', value: -3_600_000_000n },
      { column: 'ts', op: '<', value: 4_200_000_000n },
    ],
    before1970: 'ts',
  },
  {
    ours: sql`plain <= TIMESTAMP '1968-03-01 00:00:00'`,
    theirs: "plain <= toDateTime64('1968-03-01 00:00:00', 6, 'UTC')",
    before1970: 'plain',
  },
  {
    ours: sql`amount = -2.5`,
    theirs: "amount = toDecimal64('-2.5', 2)",
    where: [{ column: 'amount', op: 'in', values: [-250n] }],
  },
  {
    ours: sql`amount > 1.5`,
    theirs: "amount > toDecimal64('1.5', 2)",
    where: [{ column: 'amount', op: '>', value: 150n }],
  },
  { ours: sql`wide < -1`, theirs: "wide < toDecimal128('-1', 10)" },
  {
    ours: sql`wide > 1`,
    theirs: "wide > toDecimal128('1', 10)",
    where: [{ column: 'wide', op: '>', value: 10_000_000_000n }],
  },
  {
    ours: sql`dt = DATE '1969-12-31'`,
    theirs: "dt = toDate32('1969-12-31')",
    where: [{ column: 'dt', op: 'in', values: [-1] }],
    before1970: 'dt',
  },
  {
    ours: sql`dt < DATE '1969-02-01'`,
    theirs: "dt < toDate32('1969-02-01')",
    where: [{ column: 'dt', op: '<', value: -334 }],
    before1970: 'dt',
  },
  { ours: sql`dt > DATE '1970-03-31'`, theirs: "dt > toDate32('1970-03-31')" },
  { ours: sql`flag`, theirs: 'flag', where: [{ column: 'flag', op: 'in', values: [true] }] },
  { ours: sql`flag IS NULL`, theirs: 'flag IS NULL' },
]

/** ClickHouse throws on any filter by uuid in a table partitioned by uuid, so its predicates leave that column out. */
const CASES: readonly { readonly table: string; readonly column: string; readonly transform: Transform }[] = [
  { table: 'identity_long', column: 'small', transform: { name: 'identity' } },
  { table: 'identity_text', column: 'region', transform: { name: 'identity' } },
  { table: 'identity_decimal', column: 'amount', transform: { name: 'identity' } },
  { table: 'identity_wide', column: 'wide', transform: { name: 'identity' } },
  { table: 'identity_uuid', column: 'mark', transform: { name: 'identity' } },
  { table: 'identity_bool', column: 'flag', transform: { name: 'identity' } },
  { table: 'identity_binary', column: 'bin', transform: { name: 'identity' } },
  { table: 'year_date', column: 'dt', transform: { name: 'year' } },
  { table: 'year_plain', column: 'plain', transform: { name: 'year' } },
  { table: 'month_date', column: 'dt', transform: { name: 'month' } },
  { table: 'month_ts', column: 'ts', transform: { name: 'month' } },
  { table: 'day_ts', column: 'ts', transform: { name: 'day' } },
  { table: 'hour_ts', column: 'ts', transform: { name: 'hour' } },
  { table: 'bucket_long', column: 'id', transform: { name: 'bucket', width: 16 } },
  { table: 'bucket_int', column: 'small', transform: { name: 'bucket', width: 5 } },
  { table: 'bucket_text', column: 'region', transform: { name: 'bucket', width: 4 } },
  { table: 'bucket_decimal', column: 'amount', transform: { name: 'bucket', width: 3 } },
  { table: 'bucket_date', column: 'dt', transform: { name: 'bucket', width: 8 } },
  { table: 'bucket_ts', column: 'ts', transform: { name: 'bucket', width: 8 } },
  { table: 'truncate_long', column: 'id', transform: { name: 'truncate', width: 1000 } },
  { table: 'truncate_int', column: 'small', transform: { name: 'truncate', width: 4 } },
  { table: 'truncate_text', column: 'region', transform: { name: 'truncate', width: 4 } },
  { table: 'truncate_decimal', column: 'amount', transform: { name: 'truncate', width: 150 } },
]

let bench: Workbench
let reader: ClickHouse
const expected = new Map<string, number>()

beforeAll(async () => {
  bench = await workbench()
  reader = clickHouse(bench.root)
  await bench.session.run(sql`CREATE TABLE source AS ${SOURCE}`)
  for (const { ours, theirs } of PREDICATES) {
    const [row] = await bench.session.rows(sql`SELECT count(*)::INT AS n FROM source WHERE ${ours}`)
    expected.set(theirs, Number(row?.['n']))
  }
})

afterAll(async () => {
  process.chdir('/')
  await bench.close()
})

const PRUNING_OFF = 'SETTINGS use_iceberg_partition_pruning = 0, input_format_parquet_filter_push_down = 0'
const TIME_PARTS: ReadonlySet<string> = new Set(['year', 'month', 'day', 'hour'])

const count = (table: string, where: string, settings: string): number =>
  Number(reader.query(`SELECT count() FROM icebergLocal('tables/${table}') WHERE ${where} ${settings}`, 'TSV'))

describe('ClickHouse agrees with the source rows', () => {
  test('the source has rows on both sides of every condition', () => {
    const oneSided = [...expected].slice(1).filter(([, rows]) => rows === 0 || rows === 240)
    expect(oneSided).toEqual([])
    expect(expected.get('1')).toBe(240)
  })

  test.for(CASES)('$transform.name of $column ($table)', async ({ table, column: name, transform }) => {
    await ensureTable(bench.lake, definition(table, COLUMNS, { partitionBy: [{ column: name, transform }] }))
    await appendRows(bench, table, sql`SELECT * FROM source`)
    const wrong = PREDICATES.flatMap(({ theirs, before1970 }) => {
      // Its year, month, day and hour clamp what is before 1970 to 0 when it prunes (ClickHouse/ClickHouse#119579).
      const settings = before1970 === name && TIME_PARTS.has(transform.name) ? [PRUNING_OFF] : ['', PRUNING_OFF]
      return settings.map(setting => ({
        theirs,
        setting,
        found: count(table, theirs, setting),
        wanted: expected.get(theirs),
      }))
    }).filter(each => each.found !== each.wanted)
    expect(wrong).toEqual([])
  })
})

describe('our scan agrees with the source rows', () => {
  test.for(CASES)('$transform.name of $column ($table)', async ({ table: name, column: partitioned }) => {
    const table = await openTable(bench.lake, name)
    const all = await liveFiles(bench.lake, table)
    for (const { ours, theirs, where } of PREDICATES) {
      if (!where) continue
      const plan = await planScan(bench.lake, table, { where })
      const local = await stageFiles(bench.lake, plan.files, bench.root)
      const scan = scanSql(plan.schema, local)
      const [row] = await bench.session.rows(sql`SELECT count(*)::INT AS n FROM (${scan}) WHERE ${ours}`)
      expect({ theirs, found: row?.['n'] }).toEqual({ theirs, found: expected.get(theirs) })
      const prunes = where[0]?.column === partitioned && !name.startsWith('bucket')
      if (prunes) expect({ theirs, fewer: plan.files.length < all.length }).toEqual({ theirs, fewer: true })
    }
  })
})
