import { ident, join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  numberCondition,
  numberOf,
  type Values,
} from '../check.ts'
import type { Relation } from '../relation.ts'
import { isCheck, metricName, over, rowUnder, type Scope, scopeOf } from '../rule-columns.ts'

/**
 * Uniqueness, IsUnique, UniqueValueRatio and IsPrimaryKey count the keys of groups: a key that is all null is no key, a partly
 * null one is. One grouping serves all rules over the same columns and rows.
 */
export function uniqueness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  return {
    queries: [groupCounts(context.relation, scope)],
    ...(rule.type.name === 'IsPrimaryKey' ? { aggregates: presentCounts(scope) } : {}),
    ...(rule.type.name === 'UniqueValueRatio' ? {} : { row: rowTest(rule, scope) }),
    judge: values => judgeKeys(rule, context, values),
  }
}

function groupCounts(relation: Relation, scope: Scope): Sql {
  const keys = join(
    scope.fields.map(field => field.sql),
    ', ',
  )
  const where = scope.where === undefined ? someKey(scope) : sql`${scope.where} AND ${someKey(scope)}`
  const groups = sql`SELECT count(*) AS n FROM ${relation.source} WHERE ${where} GROUP BY ${keys}`
  return sql`SELECT count(*) AS keys, count(*) FILTER (WHERE n = 1) AS single, COALESCE(sum(n), 0) AS keyed FROM (${groups})`
}

const someKey = ({ fields }: Scope): Sql =>
  sql`(${join(
    fields.map(field => sql`${field.sql} IS NOT NULL`),
    ' OR ',
  )})`

function presentCounts({ fields, where }: Scope): Check['aggregates'] {
  const present = fields.map((field, at) => [`present${at}`, over(sql`count(${field.sql})`, where)] as const)
  return { rows: over(sql`count(*)`, where), ...Object.fromEntries(present) }
}

/** A row is unique when no other has its key; a row without a key breaks nothing. */
function rowTest(rule: SimpleRule, scope: Scope): Sql {
  const keys = join(
    scope.fields.map(field => field.sql),
    ', ',
  )
  // Rows that `where` leaves out are not counted against those that it keeps.
  const counted = scope.where === undefined ? sql`count(*)` : sql`count(*) FILTER (WHERE ${scope.where})`
  const single = sql`(NOT ${someKey(scope)} OR ${counted} OVER (PARTITION BY ${keys}) = 1)`
  if (rule.type.name !== 'IsPrimaryKey') return rowUnder(single, scope.where)
  const complete = join(
    scope.fields.map(field => sql`${field.sql} IS NOT NULL`),
    ' AND ',
  )
  return rowUnder(sql`(${single} AND ${complete})`, scope.where)
}

function judgeKeys(rule: SimpleRule, context: CheckContext, values: Values): Judgement {
  const count = (name: string): number => numberOf(values[name]) ?? 0
  const base = rule.type.name === 'UniqueValueRatio' ? count('keys') : count('keyed')
  const value = base === 0 ? undefined : count('single') / base
  const name = metricName(rule, rule.type.name === 'UniqueValueRatio' ? 'UniqueValueRatio' : 'Uniqueness')
  if (rule.type.name === 'IsPrimaryKey') return judgePrimaryKey(rule, context, { values, name, value })
  const condition = numberCondition(rule)
  return condition ? judgeMetric(context, condition, { name, value }) : judgeShare(context, rule, { name, value })
}

function judgePrimaryKey(
  rule: SimpleRule,
  context: CheckContext,
  { values, name, value }: { readonly values: Values; readonly name: string; readonly value: number | undefined },
): Judgement {
  const rows = numberOf(values['rows']) ?? 0
  const shares = rule.parameters.map((parameter, at) => ({
    name: `Column.${parameter.value}.Completeness`,
    share: rows === 0 ? undefined : (numberOf(values[`present${at}`]) ?? 0) / rows,
  }))
  const others = Object.fromEntries(shares.flatMap(each => (each.share === undefined ? [] : [[each.name, each.share]])))
  const judged = judgeShare(context, rule, { name, value })
  const metrics = { ...others, ...judged.metrics }
  const incomplete = shares.find(each => each.share !== undefined && each.share < 1)
  if (incomplete) return failed(`${incomplete.name} is ${incomplete.share}, wanted = 1.0`, metrics)
  return { ...judged, metrics }
}

/** DuplicateRowCount: all rows of groups larger than one, over the named columns or over all. */
export function duplicateRows(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const { relation } = context
  const keys =
    scope.fields.length > 0 ? scope.fields.map(field => field.sql) : relation.columns.map(each => ident(each.name))
  const where = scope.where === undefined ? sql`` : sql` WHERE ${scope.where}`
  const groups = sql`SELECT count(*) AS n FROM ${relation.source}${where} GROUP BY ${join(keys, ', ')}`
  const condition = numberCondition(rule)
  const name = rule.parameters.length === 0 ? 'Dataset.*.DuplicateRowCount' : metricName(rule, 'DuplicateRowCount')
  return {
    queries: [sql`SELECT COALESCE(sum(n) FILTER (WHERE n > 1), 0) AS duplicates FROM (${groups})`],
    judge: values =>
      condition
        ? judgeMetric(context, condition, { name, value: numberOf(values['duplicates']) ?? 0 })
        : failed('the rule has no condition'),
  }
}
