import { ident, join, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  type Judgement,
  judgeMetric,
  judgeRatio,
  notMet,
  numberCondition,
  problem,
  type RowTest,
} from '../check.ts'
import type { Relation } from '../relation.ts'
import { allKnown, isCheck, metricName, type Scope, scopeOf, someKnown, tuple } from '../rule-columns.ts'
import { type Groups, groupsOf, groupsQuery } from './groups.ts'

/** Uniqueness, IsUnique and IsPrimaryKey: the share of rows with a key whose key no other row has. */
export function uniqueness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const isPrimaryKey = rule.type.name === 'IsPrimaryKey'
  return {
    queries: [groupsQuery(context.relation, scope)],
    row: rowTest(context.relation, scope, isPrimaryKey),
    judge: values => {
      const groups = groupsOf(values, scope.fields.length)
      const value = groups.keyed === 0 ? undefined : groups.single / groups.keyed
      const judged = judgeRatio(context, rule, { name: metricName(rule, 'Uniqueness'), value })
      return isPrimaryKey ? withCompleteness(judged, rule, groups) : judged
    },
  }
}

/**
 * A row breaks uniqueness when its key occurs again, and a row without a key breaks nothing. Only the keys that occur again are
 * looked up, usually few; a window over all rows would sort or hash the whole table.
 */
function rowTest(relation: Relation, { fields, where }: Scope, isPrimaryKey: boolean): RowTest {
  const values = fields.map(field => field.sql)
  const [only] = values
  const key = only !== undefined && values.length === 1 ? only : tuple(values)
  const some = someKnown(values)
  const kept = where === undefined ? some : sql`${where} AND ${some}`
  const repeated = sql`SELECT ${key} FROM ${relation.source} WHERE ${kept} GROUP BY ${join(values, ', ')} HAVING count(*) > 1`
  const single = sql`(NOT ${some} OR ${key} NOT IN (${repeated}))`
  return {
    test: isPrimaryKey ? sql`(${allKnown(values)} AND ${single})` : single,
    where,
    counted: row => {
      const groups = groupsOf(row, fields.length)
      const good = isPrimaryKey ? groups.singleWhole : groups.kept - (groups.keyed - groups.single)
      return { kept: groups.kept, good }
    },
  }
}

/** A primary key is unique and complete in every column; both metrics are reported. */
function withCompleteness(judged: Judgement, rule: SimpleRule, { kept, present }: Groups): Judgement {
  if (kept === 0) return judged
  const shares = rule.parameters.map((parameter, at) => ({
    name: `Column.${parameter.value}.Completeness`,
    share: (present[at] ?? 0) / kept,
  }))
  const metrics = { ...judged.metrics, ...Object.fromEntries(shares.map(each => [each.name, each.share])) }
  const incomplete = shares.find(each => each.share < 1)
  if (!incomplete || judged.outcome === 'Error') return { ...judged, metrics }
  const reasons = [judged.reason, `${notMet(incomplete.share)} (${incomplete.name})`]
  return failed(reasons.filter(each => each !== undefined).join('; '), metrics)
}

/** Values that occur once, of all distinct values; null is none. */
export function uniqueValueRatio(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  return {
    queries: [groupsQuery(context.relation, scope)],
    judge: values => {
      const { keys, single } = groupsOf(values, scope.fields.length)
      const value = keys === 0 ? undefined : single / keys
      return judgeRatio(context, rule, { name: metricName(rule, 'UniqueValueRatio'), value })
    },
  }
}

/** DuplicateRowCount: all rows of groups larger than one, over the named columns or over all. */
export function duplicateRows(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('DuplicateRowCount needs a condition')
  const { relation } = context
  const all = relation.columns.map(({ name, type }) => ({ sql: ident(name), type }))
  const fields = scope.fields.length > 0 ? scope.fields : all
  const names = rule.parameters.map(each => each.value).join(',')
  const name = names === '' ? 'Dataset.*.DuplicateRowCount' : `Multicolumn.${names}.DuplicateRowCount`
  if (fields.length === 0) return { judge: () => judgeMetric(context, condition, { name, value: 0 }) }
  return {
    queries: [groupsQuery(relation, { fields, where: scope.where })],
    judge: values => judgeMetric(context, condition, { name, value: groupsOf(values, fields.length).repeated }),
  }
}
