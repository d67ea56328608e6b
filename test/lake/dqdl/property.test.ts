// Random small tables and rules: the outcomes of all rules, what they say of each row and how many rows they count agree with a second
// evaluator that looks at one row after the other.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { type Column, type Comparison, judgeSlowly, type Row, type TestRule, type Where } from './row-by-row.ts'
import { contextOf, evaluateRules, openTables, type Tables } from './table.ts'

let tables: Tables
beforeAll(async () => {
  tables = await openTables()
})
afterAll(() => tables.close())

// --- Tables --------------------------------------------------------------------------------------------------------

const NUMBERS = [-1, 0, 1, 2, 5]
const TEXTS = ['', ' ', 'a', 'b', 'A', 'añ😀', "it's"]
const DAYS = ['2024-02-29', '2024-03-01', '2023-12-31']
const orNull = <T>(values: readonly T[]): fc.Arbitrary<T | null> =>
  fc.option(fc.constantFrom(...values), { nil: null, freq: 3 })

const table: fc.Arbitrary<readonly Row[]> = fc
  .array(fc.record({ n: orNull(NUMBERS), x: orNull([0.5, 1, 1.5, -2]), s: orNull(TEXTS), d: orNull(DAYS) }), {
    maxLength: 7,
  })
  .map(rows => rows.map((row, id) => ({ id, ...row })))

function rowsSql(rows: readonly Row[]): Sql {
  const values = rows.map(({ id, n, x, s, d }) => sql`(${id}, ${n}, ${x}, ${s}, ${d})`)
  const all = [sql`(0, NULL, NULL, NULL, NULL)`, ...values]
  const typed = sql`CAST(id AS INTEGER) AS id, CAST(n AS INTEGER) AS n, CAST(x AS DOUBLE) AS x, CAST(s AS VARCHAR) AS s, CAST(d AS DATE) AS d`
  return sql`SELECT ${typed} FROM (VALUES ${join(all, ', ')}) AS v(id, n, x, s, d) OFFSET 1`
}

// --- Rules ---------------------------------------------------------------------------------------------------------

const where: fc.Arbitrary<Where> = fc.letrec<{ where: Where }>(tie => ({
  where: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ kind: fc.constant('null' as const), column: fc.constantFrom<Column>('n', 's', 'd') }),
    fc.record({
      kind: fc.constant('compare' as const),
      column: fc.constantFrom<Column>('id', 'n'),
      sign: fc.constantFrom('=' as const, '<' as const, '>=' as const),
      value: fc.constantFrom(...NUMBERS),
    }),
    fc.record({
      kind: fc.constant('compare' as const),
      column: fc.constant<Column>('s'),
      sign: fc.constant('=' as const),
      value: fc.constantFrom(...TEXTS),
    }),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('where'), right: tie('where') }),
    fc.record({ kind: fc.constant('not' as const), inner: tie('where') }),
  ),
})).where

const ORDERED = ['>', '>=', '<', '<=', 'between', 'not between'] as const
const EQUAL = ['=', '!=', 'in', 'not in'] as const

function comparison<T extends number | string>(
  values: readonly T[],
  ordered: boolean,
  nulls: boolean,
): fc.Arbitrary<Comparison> {
  const operators = ordered ? [...ORDERED, ...EQUAL] : EQUAL
  return fc
    .record({
      operator: fc.constantFrom<Comparison['operator']>(...operators),
      operands: fc.array(fc.constantFrom(...values), { minLength: 2, maxLength: 3 }),
      hasNull: fc.boolean(),
    })
    .map(({ operator, operands, hasNull }) => {
      const isList = operator === 'in' || operator === 'not in'
      const count = isList ? operands.length : operator.endsWith('between') ? 2 : 1
      return { operator, operands: operands.slice(0, count), hasNull: nulls && isList && hasNull }
    })
}

/** Between the values that metrics take, so that the last bit of a double decides nothing. */
const FRACTIONS = [-0.17, 0.13, 0.34, 0.61, 0.97, 1.27, 3.3]
const LIMITS = comparison(FRACTIONS, true, false).filter(({ operator }) => !EQUAL.some(each => each === operator))
const COUNTS = comparison([0, 1, 2, 3, 4], true, false)

const optionalWhere = fc.option(where, { nil: undefined })
const columns = (names: readonly Column[], max: number): fc.Arbitrary<readonly Column[]> =>
  fc.uniqueArray(fc.constantFrom(...names), { minLength: 1, maxLength: max })

const anyRule: fc.Arbitrary<TestRule> = fc.oneof(
  fc.record({ kind: fc.constant('IsComplete' as const), columns: columns(['n', 's', 'd'], 1), where: optionalWhere }),
  fc.record({
    kind: fc.constantFrom('IsUnique' as const, 'IsPrimaryKey' as const),
    columns: columns(['id', 'n', 's', 'd'], 2),
    where: optionalWhere,
  }),
  fc.record({
    kind: fc.constantFrom('Completeness' as const, 'UniqueValueRatio' as const),
    columns: columns(['n', 's', 'd'], 1),
    comparison: LIMITS,
    where: optionalWhere,
  }),
  fc.record({
    kind: fc.constant('Uniqueness' as const),
    columns: columns(['n', 's', 'd'], 2),
    comparison: LIMITS,
    where: optionalWhere,
  }),
  // Glue takes the entropy of all rows, whatever `where` says.
  fc.record({
    kind: fc.constant('Entropy' as const),
    columns: columns(['n', 's'], 1),
    comparison: LIMITS,
    where: fc.constant(undefined),
  }),
  fc.record({
    kind: fc.constant('DistinctValuesCount' as const),
    columns: columns(['n', 's', 'd'], 1),
    comparison: COUNTS,
    where: optionalWhere,
  }),
  fc.record({
    kind: fc.constant('RowCount' as const),
    columns: fc.constant([]),
    comparison: COUNTS,
    where: optionalWhere,
  }),
  fc.record({
    kind: fc.constant('DuplicateRowCount' as const),
    columns: columns(['n', 's', 'd'], 2),
    comparison: COUNTS,
    where: optionalWhere,
  }),
  fc.record({
    kind: fc.constantFrom('Mean' as const, 'Sum' as const, 'StandardDeviation' as const, 'Range' as const),
    columns: columns(['n', 'x'], 1),
    comparison: LIMITS,
    where: optionalWhere,
  }),
  // The bounds of `!=` and lists look at all lengths, those of the others at the extremes: the same for whole tables.
  fc.record({
    kind: fc.constant('ColumnLength' as const),
    columns: fc.constant(['s' as const]),
    comparison: COUNTS,
    where: optionalWhere,
  }),
  ...(
    [
      ['n', NUMBERS, true],
      ['x', [0.5, 1, 1.5, -2], true],
      ['s', TEXTS.filter(text => text !== ''), false],
      ['d', DAYS, true],
    ] as const
  ).map(([column, values, ordered]) =>
    fc.record({
      kind: fc.constant('ColumnValues' as const),
      columns: fc.constant([column]),
      comparison: comparison<number | string>(values, ordered, true),
      where: optionalWhere,
    }),
  ),
)

// --- Their text ----------------------------------------------------------------------------------------------------

function printWhere(given: Where): string {
  switch (given.kind) {
    case 'null':
      return `${given.column} is null`
    case 'not':
      return `not (${printWhere(given.inner)})`
    case 'compare': {
      const value = typeof given.value === 'string' ? `'${given.value.replaceAll("'", "''")}'` : given.value
      return `${given.column} ${given.sign} ${value}`
    }
    default:
      return `(${printWhere(given.left)}) ${given.kind} (${printWhere(given.right)})`
  }
}

function printComparison({ operator, operands, hasNull }: Comparison): string {
  const texts = [
    ...operands.map(value => (typeof value === 'string' ? `"${value}"` : String(value))),
    ...(hasNull ? ['NULL'] : []),
  ]
  if (operator === 'in' || operator === 'not in') return `${operator} [${texts.join(',')}]`
  return `${operator} ${texts.join(' and ')}`
}

function printRule(rule: TestRule): string {
  const condition = 'comparison' in rule ? ` ${printComparison(rule.comparison)}` : ''
  const filter = rule.where ? ` where "${printWhere(rule.where)}"` : ''
  return `${[rule.kind, ...rule.columns.map(column => `"${column}"`)].join(' ')}${condition}${filter}`
}

// --- The properties ------------------------------------------------------------------------------------------------

const count = (rows: readonly boolean[], value: boolean): number => rows.filter(each => each === value).length

test('simple rules', async () => {
  await fc.assert(
    fc.asyncProperty(table, fc.array(anyRule, { minLength: 1, maxLength: 12 }), async (rows, rules) => {
      const relation = await tables.table(rowsSql(rows))
      const evaluation = await evaluateRules(tables.session, rules.map(printRule), contextOf(relation))
      const slow = rules.map(rule => judgeSlowly(rule, rows))
      expect(evaluation.rules.map(({ text, outcome }) => [text, outcome])).toEqual(
        evaluation.rules.map(({ text }, at) => [text, slow[at]?.passes ? 'Passed' : 'Failed']),
      )
      expect(evaluation.rules.map(each => each.counts)).toEqual(
        slow.map(each => each.rows && { passed: count(each.rows, true), failed: count(each.rows, false), skipped: 0 }),
      )
      const found = await tables.session.rows(sql`SELECT * FROM (${evaluation.rows}) ORDER BY id`)
      const failed = rows.map((_row, at) =>
        evaluation.rules.flatMap(({ text }, rule) => (slow[rule]?.rows?.[at] === false ? [text] : [])),
      )
      expect(found.map(row => row['DataQualityRulesFail'])).toEqual(failed)
    }),
    { numRuns: 150 },
  )
})

test('composites', async () => {
  await fc.assert(
    fc.asyncProperty(table, anyRule, anyRule, fc.constantFrom('and', 'or'), async (rows, left, right, operator) => {
      const relation = await tables.table(rowsSql(rows))
      const text = `(${printRule(left)}) ${operator} (${printRule(right)})`
      const evaluation = await evaluateRules(tables.session, [text], contextOf(relation))
      const [one, other] = [judgeSlowly(left, rows), judgeSlowly(right, rows)]
      const combine = (a: boolean, b: boolean): boolean => (operator === 'and' ? a && b : a || b)
      expect(evaluation.rules[0]?.outcome).toBe(combine(one.passes, other.passes) ? 'Passed' : 'Failed')
      const both = one.rows && other.rows && one.rows.map((a, at) => combine(a, other.rows?.[at] === true))
      expect(evaluation.rules[0]?.counts).toEqual(
        both && { passed: count(both, true), failed: count(both, false), skipped: 0 },
      )
    }),
    { numRuns: 100 },
  )
})
