// What all rules say of each row comes out of one pass, packed into bits: enough to split a file, and unpacked to the texts of the rules that
// a row passes, fails and is skipped by. It holds for any number of rules and any names of columns.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PackedRows, packRows } from '#lake/dqdl/row.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { contextOf, evaluateRules, openTables, type Tables } from './table.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
})
afterAll(() => tables.close())

async function unpack(packed: PackedRows): Promise<readonly unknown[]> {
  const { select, isFailed, passedRules, failedRules, skippedRules } = packed
  const rows = await tables.session.rows(
    sql`SELECT ${isFailed} AS bad, ${passedRules} AS pass, ${failedRules} AS fail, ${skippedRules} AS skip FROM (${select}) ORDER BY n`,
  )
  return rows.map(row => [row['bad'], row['pass'], row['fail'], row['skip']])
}

const rule = (text: string, outcome: Sql | undefined): { text: string; outcome: Sql | undefined } => ({ text, outcome })

test('a row is told by the rules that it passes, fails and is skipped by', async () => {
  const relation = await tables.table(sql`SELECT unnest([1, 2, 3]) AS n`)
  const rules = [
    rule('big', sql`n > 1`),
    rule('odd', sql`CASE WHEN n < 3 THEN n % 2 = 1 END`),
    rule('of the table', undefined),
    rule("it's all", sql`TRUE`),
  ]
  expect(await unpack(packRows(relation, rules, true))).toEqual([
    [true, ['odd', "it's all"], ['big'], ['of the table']],
    [true, ['big', "it's all"], ['odd'], ['of the table']],
    [false, ['big', "it's all"], [], ['of the table', 'odd']],
  ])
})

test('200 rules take four words, to the last bit of each', async () => {
  const relation = await tables.table(sql`SELECT unnest([0, 63, 64, 127, 199, 200]) AS n`)
  const rules = Array.from({ length: 200 }, (_each, at) => rule(`r${at}`, sql`n <> ${at}`))
  const packed = packRows(relation, rules, false)
  expect(packed.failures.length).toBe(4)
  const rows = (await unpack(packed)) as readonly (readonly [boolean, readonly string[], readonly string[], unknown])[]
  expect(rows.map(([bad, pass, fail]) => [bad, pass.length, fail])).toEqual([
    [true, 199, ['r0']],
    [true, 199, ['r63']],
    [true, 199, ['r64']],
    [true, 199, ['r127']],
    [true, 199, ['r199']],
    [false, 200, []],
  ])
})

test('without rules every row passes', async () => {
  const relation = await tables.table(sql`SELECT 1 AS n`)
  expect(await unpack(packRows(relation, [], false))).toEqual([[false, [], [], []]])
  expect(await unpack(packRows(relation, [rule('count', undefined)], false))).toEqual([[false, [], [], ['count']]])
})

test('the columns of bits have names that no column of the table has', async () => {
  const relation = await tables.table(sql`SELECT 1 AS n, 7 AS "_dq0", 8 AS "_DQ_1"`)
  const { select, failures } = packRows(relation, [rule('r', sql`n > 1`)], false)
  expect(await tables.session.rows(select)).toEqual([{ n: 1, _dq0: 7, _DQ_1: 8, [failures[0] as string]: '1' }])
})

test("Glue's four columns stand behind those of the table", async () => {
  const relation = await tables.table(sql`SELECT unnest([1, NULL]) AS n, 'x' AS "DataQualityRules"`)
  const { rows } = await evaluateRules(tables.session, ['IsComplete "n"', 'RowCount > 5'], contextOf(relation))
  expect(await tables.session.rows(sql`${rows} ORDER BY n NULLS LAST`)).toEqual([
    {
      n: 1,
      DataQualityRules: 'x',
      DataQualityRulesPass: ['IsComplete "n"'],
      DataQualityRulesFail: [],
      DataQualityRulesSkip: ['RowCount > 5'],
      DataQualityEvaluationResult: 'Passed',
    },
    {
      n: null,
      DataQualityRules: 'x',
      DataQualityRulesPass: [],
      DataQualityRulesFail: ['IsComplete "n"'],
      DataQualityRulesSkip: ['RowCount > 5'],
      DataQualityEvaluationResult: 'Failed',
    },
  ])
})

test('a rule that cannot be run is skipped by every row, and the others are told', async () => {
  const relation = await tables.table(sql`SELECT unnest(['a', NULL]) AS t`)
  const rules = ['IsComplete "t"', 'IsComplete "t" where "year(t) = 2024"']
  const evaluation = await evaluateRules(tables.session, rules, contextOf(relation))
  expect(evaluation.rules.map(each => [each.outcome, each.rowLevel])).toEqual([
    ['Failed', true],
    ['Error', false],
  ])
  const rows = await tables.session.rows(sql`SELECT "DataQualityEvaluationResult" AS result FROM (${evaluation.rows})`)
  expect(rows.map(each => each['result']).toSorted()).toEqual(['Failed', 'Passed'])
})
