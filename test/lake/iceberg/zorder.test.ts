// A Z-order interleaves the bits of keys that keep the order of each column: along one column alone it is that column's order with
// nulls first, for two columns it is the Z-curve bit by bit, and any box of values of all columns is in few pieces of the result.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Cell } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { type ZColumn, zOrdered } from '#lake/iceberg/zorder.ts'
import { type Workbench, workbench } from './fixture.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

async function sorted(source: Sql, columns: readonly ZColumn[], show: Sql): Promise<readonly Cell[]> {
  const z = await zOrdered(bench.session, { source, columns })
  const rows = await bench.session.rows(sql`SELECT ${show} AS v FROM (${z.source}) ORDER BY ${join(z.terms, ', ')}`)
  return rows.map(row => row['v'] as Cell)
}

describe('one column', () => {
  test.each<[string, string, Sql]>([
    ['int', 'int', sql`VALUES (NULL), (-2147483648), (-1), (0), (1), (2147483647)`],
    [
      'long',
      'long',
      sql`VALUES (NULL), (-9223372036854775808), (-1), (0), (9223372036854775806), (9223372036854775807)`,
    ],
    ['boolean', 'boolean', sql`VALUES (NULL), (false), (true)`],
    [
      'date',
      'date',
      sql`VALUES (NULL), (DATE '0001-01-01'), (DATE '1969-12-31'), (DATE '1970-01-01'), (DATE '9999-12-31')`,
    ],
    ['time', 'time', sql`VALUES (NULL), (TIME '00:00:00'), (TIME '00:00:00.000001'), (TIME '23:59:59.999999')`],
    [
      'timestamptz',
      'timestamptz',
      sql`VALUES (NULL), (TIMESTAMPTZ '1960-01-01 00:00:00+00'), (TIMESTAMPTZ '2024-01-01 00:00:00+00'), (TIMESTAMPTZ '2024-01-01 00:00:00.000001+00')`,
    ],
    [
      'decimal',
      'decimal(12,2)',
      sql`SELECT v::DECIMAL(12,2) AS v FROM (VALUES (NULL), (-9999999999.99), (-0.01), (0), (9999999999.99)) t(v)`,
    ],
    [
      'long decimal',
      'decimal(38,0)',
      sql`SELECT v::DECIMAL(38,0) AS v FROM (VALUES (NULL), ('-99999999999999999999999999999999999999'), ('0'), ('99999999999999999999999999999999999999')) t(v)`,
    ],
    [
      'double',
      'double',
      sql`SELECT v::DOUBLE AS v FROM (VALUES (NULL), ('-1.7e308'), ('-1e300'), ('0'), ('1.7e308'), ('nan')) t(v)`,
    ],
    ['float', 'float', sql`SELECT v::FLOAT AS v FROM (VALUES (NULL), ('-1e30'), ('-0.5'), ('1e30')) t(v)`],
    ['string', 'string', sql`VALUES (NULL), ('user_1'), ('user_10'), ('user_2'), ('user_é'), ('user_😀')`],
    ['short strings', 'string', sql`VALUES (NULL), (''), ('a'), ('ab'), ('b')`],
    [
      'uuid',
      'uuid',
      sql`SELECT v::UUID AS v FROM (VALUES (NULL), ('00000000-0000-0000-0000-000000000001'), ('7fffffff-0000-0000-0000-000000000000'), ('80000000-0000-0000-0000-000000000000')) t(v)`,
    ],
    ['binary', 'binary', sql`SELECT unhex(v) AS v FROM (VALUES (NULL), ('00'), ('01FF'), ('0200'), ('FF')) t(v)`],
    ['all null', 'string', sql`VALUES (NULL::VARCHAR), (NULL)`],
    ['all equal', 'double', sql`VALUES (1.5::DOUBLE), (1.5)`],
  ])('%s', async (_name, type, values) => {
    const text = sql`CAST(v AS VARCHAR)`
    const ordered = await bench.session.rows(
      sql`SELECT ${text} AS v FROM (SELECT * FROM (${values}) t(v)) ORDER BY row_number() OVER ()`,
    )
    const shuffled = sql`SELECT * FROM (SELECT * FROM (${values}) t(v)) ORDER BY hash(v)`
    expect(await sorted(shuffled, [{ path: ['v'], type }], text)).toEqual(ordered.map(row => row['v']))
  })

  test('a key begins where the rows differ, and is exact to the microsecond', async () => {
    const source = sql`SELECT TIMESTAMP '2024-01-01' + to_microseconds(range) AS v FROM range(1000) ORDER BY hash(range)`
    const shown = await sorted(source, [{ path: ['v'], type: 'timestamp' }], sql`epoch_us(v) % 1000`)
    expect(shown.map(Number)).toEqual(Array.from({ length: 1000 }, (_, at) => at))
  })
})

describe('several columns', () => {
  test('two: the Z-curve of an 4 × 4 square', async () => {
    const square = sql`SELECT x.range AS x, y.range AS y FROM range(4) x, range(4) y ORDER BY hash(x.range, y.range)`
    const columns = [
      { path: ['x'], type: 'long' },
      { path: ['y'], type: 'long' },
    ]
    expect(await sorted(square, columns, sql`concat(x, y)`)).toEqual([
      ...['00', '01', '10', '11', '02', '03', '12', '13'],
      ...['20', '21', '30', '31', '22', '23', '32', '33'],
    ])
  })

  test.each([2, 3, 4, 5, 8, 9])('%i: every column is clustered, whatever its type', async count => {
    const types = ['long', 'string', 'double', 'date'] as const
    const made = (at: number): Sql =>
      ({
        long: sql`(hash(i, ${at}) % 1000)::BIGINT`,
        string: sql`'key_' || lpad((hash(i, ${at}) % 1000)::VARCHAR, 4, '0')`,
        double: sql`(hash(i, ${at}) % 1000) / 7.0`,
        date: sql`DATE '2024-01-01' + (hash(i, ${at}) % 1000)::INTEGER`,
      })[types[at % 4] as 'long']
    const columns = Array.from({ length: count }, (_, at) => ({ path: [`c${at}`], type: types[at % 4] as string }))
    const source = sql`SELECT ${join(
      columns.map(({ path: [name = ''] }, at) => sql`${made(at)} AS ${ident(name)}`),
      ', ',
    )} FROM range(4096) r(i)`
    const z = await zOrdered(bench.session, { source, columns })
    // Of 16 pieces of the curve, how many can hold one value of a column, by their bounds.
    const pieces = sql`SELECT *, (row_number() OVER (ORDER BY ${join(z.terms, ', ')}) - 1) // 256 AS piece FROM (${z.source})`
    for (const {
      path: [name = ''],
    } of columns.slice(0, Math.min(count, 4))) {
      const column = ident(name)
      const [row] = await bench.session.rows(
        sql`SELECT avg(touched) AS touched FROM (SELECT v, count(*) FILTER (v BETWEEN low AND high) AS touched
          FROM (SELECT DISTINCT ${column} AS v FROM (${source})), (SELECT min(${column}) AS low, max(${column}) AS high FROM (${pieces}) GROUP BY piece) GROUP BY v)`,
      )
      // Unsorted all 16 would have to be read; on the curve 16 pieces halve two columns twice, or four columns once.
      expect(Number(row?.['touched'])).toBeLessThan(count === 2 ? 9 : count <= 4 ? 13 : 15)
    }
  })
})
