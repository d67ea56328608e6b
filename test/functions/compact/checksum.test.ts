// A checksum is the same for the same rows in any order, and another as soon as one value of one row is another one, at any
// depth: null for a default, −0.0 for 0.0, NaN for null, an empty list for none, or two values that changed places.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checksumOf, tallied } from '#functions/compact/checksum.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import type { IcebergType, Schema } from '#lake/iceberg/types.ts'
import { openSession, type Workbench, workbench } from '../../lake/iceberg/fixture.ts'

let bench: Workbench
let session: Session
beforeAll(async () => {
  bench = await workbench()
  session = await openSession(bench.root)
})
afterAll(async () => {
  await session.close()
  await bench.close()
})

const schemaOf = (...types: readonly IcebergType[]): Schema => ({
  type: 'struct',
  'schema-id': 0,
  fields: types.map((type, at) => ({ id: at + 1, name: `c${at}`, required: false, type })),
})
const sumOf = async (schema: Schema, source: Sql): Promise<string> => {
  const { rows, sum } = await checksumOf(session, schema, source)
  return `${rows} ${sum}`
}

const struct = (type: IcebergType): IcebergType => ({
  type: 'struct',
  fields: [{ id: 9, name: 'a', required: false, type }],
})
const list = (element: IcebergType): IcebergType => ({
  type: 'list',
  'element-id': 9,
  'element-required': false,
  element,
})
const map = (value: IcebergType): IcebergType => ({
  type: 'map',
  'key-id': 8,
  key: 'string',
  'value-id': 9,
  'value-required': false,
  value,
})

describe('sees', () => {
  test.each<[string, IcebergType, Sql, Sql]>([
    ['null for zero', 'int', sql`0::INTEGER`, sql`NULL::INTEGER`],
    ['null for an empty text', 'string', sql`''`, sql`NULL::VARCHAR`],
    ['a negative zero', 'double', sql`0.0::DOUBLE`, sql`'-0.0'::DOUBLE`],
    ['a negative zero of 32 bits', 'float', sql`0.0::FLOAT`, sql`'-0.0'::FLOAT`],
    ['NaN for null', 'double', sql`'nan'::DOUBLE`, sql`NULL::DOUBLE`],
    ['NaN for zero', 'double', sql`'nan'::DOUBLE`, sql`0::DOUBLE`],
    [
      'a microsecond',
      'timestamptz',
      sql`TIMESTAMPTZ '2024-01-01 00:00:00.000001+00'`,
      sql`TIMESTAMPTZ '2024-01-01 00:00:00+00'`,
    ],
    [
      'the last of 38 digits',
      'decimal(38,0)',
      sql`99999999999999999999999999999999999998::DECIMAL(38,0)`,
      sql`99999999999999999999999999999999999999::DECIMAL(38,0)`,
    ],
    ['a null struct for one of nulls', struct('int'), sql`NULL::STRUCT(a INTEGER)`, sql`{'a': NULL::INTEGER}`],
    [
      'the same one level down',
      struct(struct('int')),
      sql`{'a': NULL::STRUCT(a INTEGER)}`,
      sql`{'a': {'a': NULL::INTEGER}}`,
    ],
    ['a negative zero in a struct', struct('double'), sql`{'a': 0.0::DOUBLE}`, sql`{'a': '-0.0'::DOUBLE}`],
    ['an empty list for none', list('int'), sql`[]::INTEGER[]`, sql`NULL::INTEGER[]`],
    ['a list of a null for an empty one', list('int'), sql`[NULL]::INTEGER[]`, sql`[]::INTEGER[]`],
    ['the order of a list', list('int'), sql`[1, 2]`, sql`[2, 1]`],
    ['which inner list is empty', list(list('int')), sql`[[], [1]]::INTEGER[][]`, sql`[[1], []]::INTEGER[][]`],
    ['an inner list for a null', list(list('int')), sql`[[]]::INTEGER[][]`, sql`[NULL]::INTEGER[][]`],
    ['a negative zero in a list', list('double'), sql`[0.0::DOUBLE]`, sql`['-0.0'::DOUBLE]`],
    ['a null struct in a list', list(struct('int')), sql`[NULL]::STRUCT(a INTEGER)[]`, sql`[{'a': NULL::INTEGER}]`],
    ['an empty map for none', map('int'), sql`MAP {}::MAP(VARCHAR, INTEGER)`, sql`NULL::MAP(VARCHAR, INTEGER)`],
    ['a null value of a map', map('int'), sql`MAP {'k': 0::INTEGER}`, sql`MAP {'k': NULL::INTEGER}`],
    ['another key', map('int'), sql`MAP {'k': 0::INTEGER}`, sql`MAP {'l': 0::INTEGER}`],
    ['a negative zero in a map', map('double'), sql`MAP {'k': 0.0::DOUBLE}`, sql`MAP {'k': '-0.0'::DOUBLE}`],
    [
      'a list in a struct in a list',
      list(struct(list('float'))),
      sql`[{'a': [0.0::FLOAT]}]`,
      sql`[{'a': ['-0.0'::FLOAT]}]`,
    ],
  ])('%s', async (_what, type, left, right) => {
    const schema = schemaOf(type)
    const [one, other] = [
      await sumOf(schema, sql`SELECT ${left} AS c0`),
      await sumOf(schema, sql`SELECT ${right} AS c0`),
    ]
    expect(one).not.toBe(other)
    expect(await sumOf(schema, sql`SELECT ${left} AS c0`)).toBe(one)
  })

  test('values that changed places between columns, or between rows', async () => {
    const schema = schemaOf('int', 'int')
    const sums = await Promise.all(
      [
        sql`SELECT * FROM (VALUES (1, 2), (3, 4)) v(c0, c1)`,
        sql`SELECT * FROM (VALUES (2, 1), (3, 4)) v(c0, c1)`,
        sql`SELECT * FROM (VALUES (1, 4), (3, 2)) v(c0, c1)`,
        sql`SELECT * FROM (VALUES (1, 2), (1, 2)) v(c0, c1)`,
        sql`SELECT * FROM (VALUES (3, 4), (3, 4)) v(c0, c1)`,
      ].map(source => sumOf(schema, source)),
    )
    expect(new Set(sums).size).toBe(5)
  })

  test('a pair of equal rows that is lost, which XOR would not', async () => {
    const rows = sql`SELECT * FROM (VALUES (1), (2), (2)) v(c0)`
    const { sum } = await checksumOf(session, schemaOf('int'), rows)
    expect(sum).not.toBe((await checksumOf(session, schemaOf('int'), sql`SELECT 1 AS c0`)).sum)
  })
})

describe('is the same', () => {
  const schema = schemaOf('long', 'string', list('double'))
  const rows = sql`SELECT range AS c0, CASE WHEN range % 7 <> 0 THEN 'v' || range END AS c1, [range / 3, NULL] AS c2 FROM range(100_000)`

  test('in any order and from any number of threads', async () => {
    const sorted = await sumOf(schema, sql`SELECT * FROM (${rows}) ORDER BY c1 DESC`)
    expect(await sumOf(schema, rows)).toBe(sorted)
    expect(sorted).toMatch(/^100000 \d+$/)
  })

  test('of no rows at all', async () => {
    expect(await sumOf(schema, sql`SELECT * FROM (${rows}) WHERE false`)).toBe('0 0')
  })

  // Each plan puts something of its own between the rows and the COPY.
  test.each<[string, (source: Sql) => Sql]>([
    ['as they come', source => source],
    ['sorted behind it', source => sql`SELECT * FROM (${source}) ORDER BY c0 DESC`],
    ['sorted by another column', source => sql`SELECT * FROM (${source}) ORDER BY c1, c0`],
    ['with a helper column', source => sql`SELECT *, c0 % 3 AS part FROM (${source}) ORDER BY part`],
  ])('tallied on the way into a COPY: %s', async (name, around) => {
    const wanted = await checksumOf(session, schema, rows)
    session.takeTally()
    await session.run(
      sql`COPY (${around(tallied(schema, rows))}) TO ${`${bench.root}/work/${name.replaceAll(' ', '-')}.parquet`} (FORMAT parquet)`,
    )
    expect(session.takeTally()).toEqual(wanted)
    expect(session.takeTally()).toEqual({ rows: 0n, sum: 0n })
  })

  test('tallied above an anti join: rows that it leaves out are not counted', async () => {
    const left = sql`SELECT * FROM (${rows}) r ANTI JOIN (SELECT range * 5 AS gone FROM range(20_000)) d ON r.c0 = d.gone`
    const wanted = await checksumOf(session, schema, left)
    session.takeTally()
    await session.run(sql`COPY (${tallied(schema, left)}) TO ${`${bench.root}/work/anti.parquet`} (FORMAT parquet)`)
    expect(wanted.rows).toBe(80_000n)
    expect(session.takeTally()).toEqual(wanted)
  })
})
