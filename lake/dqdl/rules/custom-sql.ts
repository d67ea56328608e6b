import { ident, join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  errorOf,
  failed,
  judgeMetric,
  judgeShare,
  numberCondition,
  numberOf,
  problem,
} from '../check.ts'
import type { Statement } from '../custom-sql.ts'
import { fieldOf, kindOf } from '../relation.ts'
import { tuple } from '../rule-columns.ts'
import { comparableSides, countedRows, type Pair } from './references.ts'

type Ready = Exclude<Statement, { problem: string }>

/** CustomSql: with a condition the number that a statement gives, without one the rows of the primary that it gives. */
export function customSql(rule: SimpleRule, context: CheckContext): Check {
  const statement = context.statements?.get(rule.parameters[0]?.raw ?? '')
  const isNumber = rule.condition !== undefined
  if (!statement) return problem('the statement has not been read')
  if ('problem' in statement) return isNumber ? problem(statement.problem) : brokenRows(statement.problem)
  return isNumber ? numberOfStatement(rule, context, statement) : rowsOfStatement(rule, context, statement)
}

/** A statement that cannot be run fails every row, as in Glue. */
const brokenRows = (reason: string): Check => ({
  row: { test: sql`FALSE`, where: undefined },
  judge: () => errorOf(reason),
})

function numberOfStatement(rule: SimpleRule, context: CheckContext, { sql: statement, columns }: Ready): Check {
  const condition = numberCondition(rule)
  const [column, ...others] = columns
  if (!condition) return problem('CustomSql takes a condition on a number')
  if (!column || others.length > 0)
    return { judge: () => failed(`Custom SQL did not return exactly 1 column, but ${columns.length}`) }
  if (kindOf(column.type) !== 'number')
    return { judge: () => failed(`Custom SQL did not return a number, but ${column.type}`) }
  return {
    queries: [sql`SELECT count(*) AS found, any_value(CAST(cell AS DOUBLE)) AS cell FROM (${statement}) AS t(cell)`],
    judge: values => {
      const found = numberOf(values['found']) ?? 0
      if (found !== 1) return failed(`Custom SQL did not return exactly 1 row, but ${found}`)
      return judgeMetric(context, condition, { name: 'Dataset.*.CustomSQL', value: numberOf(values['cell']) })
    },
  }
}

function rowsOfStatement(rule: SimpleRule, context: CheckContext, { sql: statement, columns }: Ready): Check {
  const pairs = columns.map(({ name, type }, at) => {
    const mine = fieldOf(context.relation, name)
    return mine && { mine, theirs: { sql: ident(`c${at}`), type } }
  })
  const extra = columns.filter((_column, at) => pairs[at] === undefined).map(({ name }) => name)
  if (extra.length === columns.length)
    return brokenRows(
      `The output from CustomSQL must contain at least one column that matches the input dataset. Columns not found: ${extra.join(', ')}`,
    )
  if (extra.length > 0)
    return brokenRows(
      `The columns returned from the SQL statement should only belong to the primary table. Columns not found: ${extra.join(', ')}`,
    )
  const sides = (pairs as readonly Pair[]).map(comparableSides)
  const named = sql`(${statement}) AS t(${names('c', columns)})`
  const theirs = sides.map(([, right]) => right)
  const test = sql`${tuple(sides.map(([left]) => left))} IN (SELECT ${tuple(theirs)} FROM ${named})`
  return {
    queries: [joinedQuery(context, sides, named)],
    row: { test, where: undefined, counted: countedRows },
    judge: values => {
      const rows = numberOf(values['kept']) ?? 0
      if (rows === 0) return failed('Custom SQL rule could not be evaluated due to data frame being empty')
      const value = (numberOf(values['pairs']) ?? 0) / rows
      return judgeShare(context, rule, { name: 'Dataset.*.CustomSQL.Compliance', value })
    },
  }
}

const names = (letter: string, list: readonly unknown[]): Sql =>
  join(
    list.map((_each, at) => ident(`${letter}${at}`)),
    ', ',
  )

/**
 * Glue joins the primary with what the statement gives, on all returned columns and null to null, and counts the rows of the join: duplicates
 * on both sides multiply. Counted by groups here, so that the join itself stays small.
 */
function joinedQuery({ relation }: CheckContext, sides: readonly (readonly [Sql, Sql])[], named: Sql): Sql {
  const grouped = (columns: readonly Sql[], from: Sql): Sql =>
    sql`SELECT ${join([...columns.map((column, at) => sql`${column} AS ${ident(`k${at}`)}`), sql`count(*) AS n`], ', ')} FROM ${from} GROUP BY ALL`
  const same = sides.map((_side, at) => sql`p.${ident(`k${at}`)} IS NOT DISTINCT FROM r.${ident(`k${at}`)}`)
  const primary = grouped(
    sides.map(([left]) => left),
    relation.source,
  )
  const returned = grouped(
    sides.map(([, right]) => right),
    named,
  )
  return sql`SELECT (SELECT count(*) FROM ${relation.source}) AS kept, COALESCE(sum(p.n), 0) AS good, COALESCE(sum(p.n * r.n), 0) AS pairs FROM (${primary}) AS p JOIN (${returned}) AS r ON ${join(same, ' AND ')}`
}
