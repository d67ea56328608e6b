// All aggregates are computed in one scan of the table, equal ones once; groupings over the same columns and rows are shared. What one
// rule breaks costs the others nothing but a few scans.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluate } from '#lake/dqdl/evaluate.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { isLakeError, LakeError } from '#lake/errors.ts'
import { contextOf, openTables, rulesetOf, type Tables } from './table.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
})
afterAll(() => tables.close())

/** The session, and the statements that it was given. */
function watched(session: Session): { readonly session: Session; readonly statements: string[] } {
  const statements: string[] = []
  const rows: Session['rows'] = statement => {
    statements.push(statement.text)
    return session.rows(statement)
  }
  return { session: { ...session, rows }, statements }
}

const times = (statements: readonly string[], pattern: RegExp): number =>
  statements.filter(each => pattern.test(each)).length

test('one scan for the aggregates of all rules, one grouping for all rules over a key', async () => {
  const relation = await tables.table(sql`SELECT unnest([1, 2, 2]) AS k, unnest([1.5, NULL, 2.5]) AS v`)
  const { session, statements } = watched(tables.session)
  const ruleset = rulesetOf(`Rules = [
    RowCount = 3, IsComplete "v", Completeness "v" > 0.5, Mean "v" > 1, ColumnValues "v" > 1, ColumnValues "v" between 1 and 9,
    IsUnique "k", Uniqueness "k" > 0.1, UniqueValueRatio "k" > 0, DistinctValuesCount "k" = 2, Entropy "k" > 0,
    (IsComplete "k") and (Sum "v" > 1), (IsComplete "k") or (IsComplete "v"), IsUnique "k" "v"
  ] Analyzers = [ Sum "v", AllStatistics "k" ]`)
  const { rules } = await evaluate(session, ruleset, contextOf(relation))
  expect(rules.map(each => each.outcome)).not.toContain('Error')
  expect(statements.length).toBe(3)
  expect(times(statements, /GROUP BY ALL/)).toBe(2)
  // Count of rows, of v and of k, whoever asks for them.
  expect(statements[0]?.split('count(*)').length).toBe(2)
  expect(statements[0]?.split('count("v")').length).toBe(2)
})

test('a rule that fails to run is an error by itself, and 60 others have their results', async () => {
  const relation = await tables.table(sql`SELECT unnest(range(10)) AS n, 'x' AS t`)
  const { session, statements } = watched(tables.session)
  const good = Array.from({ length: 60 }, (_each, at) => `ColumnValues "n" != ${100 + at}`)
  const text = [...good.slice(0, 30), 'RowCount > 0 where "year(t) = 1"', ...good.slice(30)].join(', ')
  const { rules } = await evaluate(session, rulesetOf(`Rules = [ ${text} ]`), contextOf(relation))
  expect(rules.filter(each => each.outcome === 'Passed').length).toBe(60)
  expect(rules.filter(each => each.outcome === 'Error').map(each => each.text)).toEqual([
    'RowCount > 0 where "year(t) = 1"',
  ])
  expect(statements.length).toBeLessThan(20)
})

test('memory that runs out is no fault of a rule: the evaluation fails, to be tried again', async () => {
  const relation = await tables.table(sql`SELECT 1 AS n`)
  const broken: Session = {
    ...tables.session,
    rows: () => Promise.reject(new LakeError('out-of-memory', 'Out of Memory Error: 500MB')),
  }
  const error = await evaluate(broken, rulesetOf('Rules = [ Mean "n" > 0 ]'), contextOf(relation)).catch(
    (thrown: unknown) => thrown,
  )
  expect(isLakeError(error, 'out-of-memory')).toBe(true)
})

test('the score is the share of rules that passed, and metrics are named apart by where', async () => {
  const relation = await tables.table(sql`SELECT unnest([1, 2, NULL]) AS n`)
  const ruleset = rulesetOf('Rules = [ IsComplete "n", IsComplete "n" where "n > 0", RowCount > 9, IsComplete "x" ]')
  const { score, metrics } = await evaluate(tables.session, ruleset, contextOf(relation))
  expect(score).toBe(0.25)
  expect(metrics).toEqual({
    'Column.n.Completeness': 2 / 3,
    'Column.n.Completeness where n > 0': 1,
    'Dataset.*.RowCount': 3,
  })
})

test('labels: the defaults of the ruleset, overridden by those of the rule', async () => {
  const relation = await tables.table(sql`SELECT 1 AS n`)
  const ruleset = rulesetOf(
    'DefaultLabels = ["team"="a", "severity"="halt"]\nRules = [ RowCount > 0 labels=["severity"="warn"], RowCount > 1 ]',
  )
  const { rules } = await evaluate(tables.session, ruleset, contextOf(relation))
  expect(rules.map(each => each.labels)).toEqual([
    { team: 'a', severity: 'warn' },
    { team: 'a', severity: 'halt' },
  ])
})
