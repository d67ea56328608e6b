// The SQL of a transform, which places rows, and the pure function, which plans scans, give the same partition for every value:
// where they differ a scan skips files that hold matching rows.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Transform } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { literal, sql } from '#lake/duckdb/sql.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { applyTransform } from '#lake/iceberg/transform.ts'
import { transformSql } from '#lake/iceberg/transform-sql.ts'
import { fromText, type Value } from '#lake/iceberg/value.ts'
import { type Workbench, workbench } from './fixture.ts'

let bench: Workbench
let session: Session
beforeAll(async () => {
  bench = await workbench()
  session = bench.session
})
afterAll(() => bench.close())

const TEXTS: Readonly<Record<string, readonly string[]>> = {
  int: ['0', '1', '-1', '34', '2147483647', '-2147483648', '-2147483640'],
  long: [
    '0',
    '-1',
    '34',
    '4294967296',
    '-4294967297',
    '1510871468000000',
    '9223372036854775807',
    '-9223372036854775808',
  ],
  date: ['1970-01-01', '1969-12-31', '2017-11-16', '0001-01-01', '9999-12-31', '1900-02-28', '2000-02-29'],
  time: ['00:00:00', '22:31:08', '23:59:59.999999'],
  timestamp: ['1970-01-01 00:00:00', '1969-12-31 23:59:59.999999', '2017-11-16 22:31:08.000001', '0001-01-01 00:00:00'],
  timestamptz: ['1970-01-01 00:00:00+00', '1969-12-31 23:59:59.999999+00', '2017-11-16 22:31:08+00'],
  'decimal(9,2)': ['0.00', '14.20', '-14.20', '0.01', '-0.01', '9999999.99', '-9999999.99'],
  'decimal(38,10)': ['0.0000000000', '-0.0000000001', '9999999999999999999999999999.9999999999', '-1.0000000000'],
  string: ['', 'iceberg', 'é𝒳𝒴z', "it's", '__HIVE_DEFAULT_PARTITION__', '日本語テキスト'],
  uuid: [
    'f79c3e09-677c-4bbd-a479-3f349cb785e7',
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
  ],
  binary: ['00010203', '', 'FF', 'FFFFFFFFFF'],
}

const TIMES = ['year', 'month', 'day'].map(name => ({ name }) as Transform)
const bucket = (width: number): Transform => ({ name: 'bucket', width })
const truncate = (width: number): Transform => ({ name: 'truncate', width })
const CASES: readonly (readonly [string, readonly Transform[]])[] = [
  ['int', [bucket(16), bucket(7), truncate(10), truncate(1)]],
  ['long', [bucket(16), bucket(1000), truncate(10), truncate(1000)]],
  ['date', [...TIMES, bucket(16)]],
  ['time', [bucket(16)]],
  ['timestamp', [...TIMES, { name: 'hour' }, bucket(16)]],
  ['timestamptz', [...TIMES, { name: 'hour' }, bucket(16)]],
  ['decimal(9,2)', [bucket(16), truncate(10), truncate(150)]],
  ['decimal(38,10)', [bucket(16), truncate(3)]],
  ['string', [bucket(16), truncate(1), truncate(3)]],
  ['uuid', [bucket(16)]],
  ['binary', [bucket(16), truncate(2)]],
]

test.for(CASES)('%s', async ([type, transforms]) => {
  for (const transform of transforms) {
    const texts = TEXTS[type] as readonly string[]
    const values = texts.map(text =>
      type === 'binary' ? sql`unhex(${text})` : sql`CAST(${literal(text)} AS ${duckdbType(type)})`,
    )
    const expressions = values.map(
      (value, index) => sql`${transformSql(transform, type, value)} AS ${literal(String(index))}`,
    )
    const [row] = await session.rows(sql`SELECT ${expressions.reduce((left, right) => sql`${left}, ${right}`)}`)
    const found = texts.map((_text, index) => String(row?.[String(index)]))
    const wanted = texts.map(text => asText(applyTransform(transform, type, fromText(type, text) as Value)))
    expect({ transform, found }).toEqual({ transform, found: wanted })
  }
})

/** The SQL form of bytes is hex digits. */
const asText = (value: Value | null | undefined): string =>
  Buffer.isBuffer(value) ? value.toString('hex').toUpperCase() : String(value)

test('null stays null', async () => {
  for (const transform of [bucket(4), truncate(4), { name: 'identity' } as const]) {
    const [row] = await session.rows(
      sql`SELECT ${transformSql(transform, 'string', sql`CAST(NULL AS VARCHAR)`)} AS text`,
    )
    expect(row?.['text']).toBeNull()
    const [number] = await session.rows(
      sql`SELECT ${transformSql(transform, 'long', sql`CAST(NULL AS BIGINT)`)} AS number`,
    )
    expect(number?.['number']).toBeNull()
  }
})

test('a column of many rows buckets as single values do', async () => {
  const hash = transformSql(bucket(16), 'long', sql`v`)
  const rows = await session.rows(
    sql`SELECT v::VARCHAR AS v, ${hash} AS b FROM (SELECT i * 7919 - 4000000 AS v FROM range(1000) r(i))`,
  )
  const wrong = rows.filter(row => row['b'] !== applyTransform(bucket(16), 'long', BigInt(String(row['v']))))
  expect(rows).toHaveLength(1000)
  expect(wrong).toEqual([])
})
