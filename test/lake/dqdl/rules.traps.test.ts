// Where DuckDB reads a value, a pattern or a statistic otherwise than Spark, the rules go with Spark.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '#lake/duckdb/sql.ts'
import { contextOf, evaluateRules, openTables, type Tables } from './table.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
})
afterAll(() => tables.close())

/** The outcome of one rule over a table of a single value in the column `t`. */
async function outcomeOf(rule: string, value: string): Promise<string> {
  const relation = await tables.table(sql`SELECT ${value} AS t`)
  const { rules } = await evaluateRules(tables.session, [rule], contextOf(relation))
  return rules[0]?.outcome ?? 'none'
}

/** DuckDB's own answer to the same question, which must be the other one: the trap is still there. */
async function duckdbSays(expression: ReturnType<typeof sql>): Promise<unknown> {
  const [row] = await tables.session.rows(sql`SELECT ${expression} AS answer`)
  return row?.['answer']
}

test('whole numbers: neither exponents nor hexadecimal nor underscores; a fraction is cut off, not rounded', async () => {
  expect(await duckdbSays(sql`TRY_CAST('1e3' AS INTEGER)`)).toBe(1000)
  for (const text of ['1e3', '0x1F', '1_000'])
    expect([text, await outcomeOf('ColumnDataType "t" = "INTEGER"', text)]).toEqual([text, 'Failed'])
  expect(await duckdbSays(sql`TRY_CAST('2147483647.9' AS INTEGER)`)).toBe(null)
  expect(await outcomeOf('ColumnDataType "t" = "INTEGER"', '2147483647.9')).toBe('Passed')
})

test('fractions may end in d or f', async () => {
  expect(await duckdbSays(sql`TRY_CAST('12.5d' AS DOUBLE)`)).toBe(null)
  expect(await outcomeOf('ColumnDataType "t" = "DOUBLE"', '12.5d')).toBe('Passed')
})

test('a year and a month are dates, also with one digit and white space around', async () => {
  expect(await duckdbSays(sql`TRY_CAST('2023-01' AS DATE)`)).toBe(null)
  for (const text of ['2023', '2023-01', ' 2023-01-01', '2023-1-5', '\t2023-01-01\n'])
    expect([text, await outcomeOf('ColumnDataType "t" = "DATE"', text)]).toEqual([text, 'Passed'])
})

test('empty text matches no pattern', async () => {
  expect(await duckdbSays(sql`regexp_full_match('', 'a*')`)).toBe(true)
  expect(await outcomeOf('ColumnValues "t" matches "a*"', '')).toBe('Failed')
})

test('only spaces are white: a tab and a no-break space are not', async () => {
  expect(await duckdbSays(sql`trim(chr(160))`)).toBe('')
  expect(await outcomeOf('ColumnValues "t" in [WHITESPACES_ONLY]', '\u00a0')).toBe('Failed')
  expect(await outcomeOf('ColumnValues "t" in [WHITESPACES_ONLY]', '\t')).toBe('Failed')
  expect(await outcomeOf('ColumnValues "t" in [WHITESPACES_ONLY]', '  ')).toBe('Passed')
})

test('patterns of Java that RE2 refuses are told before anything runs', async () => {
  const relation = await tables.table(sql`SELECT 'ab' AS t`)
  const { rules } = await evaluateRules(tables.session, ['ColumnValues "t" matches "(?=a).*"'], contextOf(relation))
  expect(rules).toMatchObject([
    {
      outcome: 'Error',
      reason: 'the regular expression "(?=a).*" uses a look-ahead, which RE2 does not have',
      rowLevel: false,
    },
  ])
})

test('entropy is in nats, deviations are of the population', async () => {
  const relation = await tables.table(sql`SELECT unnest([1, 2, 3, 4]) AS n`)
  const rules = ['Entropy "n" > 0', 'StandardDeviation "n" > 0', 'Variance "n" > 0']
  const { metrics } = await evaluateRules(tables.session, rules, contextOf(relation))
  expect(metrics['Column.n.Entropy']).toBeCloseTo(Math.log(4), 12)
  expect(metrics['Column.n.Variance']).toBeCloseTo(1.25, 12)
  expect(metrics['Column.n.StandardDeviation']).toBeCloseTo(Math.sqrt(1.25), 12)
})

test('a dotted name is the column of that name, or else a field', async () => {
  const relation = await tables.table(sql`SELECT NULL::INTEGER AS "a.b", {'b': 1, 'c': 2} AS a`)
  const rules = ['IsComplete "a.b"', 'IsComplete "a.c"', 'IsComplete "`a.b`"', 'IsComplete "a.d"']
  const { rules: results } = await evaluateRules(tables.session, rules, contextOf(relation))
  expect(results.map(each => each.outcome)).toEqual(['Failed', 'Passed', 'Failed', 'Error'])
})
