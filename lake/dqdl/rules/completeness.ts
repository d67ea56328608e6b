import { sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, judgeMetric, judgeShare, numberCondition, numberOf } from '../check.ts'
import type { Field } from '../relation.ts'
import { isCheck, metricName, over, rowUnder, scopeOf } from '../rule-columns.ts'

/** Completeness and IsComplete: the share of values that are not null. Empty text is a value. */
export function completeness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [field] = scope.fields as readonly [Field]
  const name = metricName(rule, 'Completeness')
  return {
    aggregates: { rows: over(sql`count(*)`, scope.where), present: over(sql`count(${field.sql})`, scope.where) },
    row: rowUnder(sql`${field.sql} IS NOT NULL`, scope.where),
    judge: values => {
      const rows = numberOf(values['rows']) ?? 0
      const value = rows === 0 ? undefined : (numberOf(values['present']) ?? 0) / rows
      const condition = numberCondition(rule)
      return condition ? judgeMetric(context, condition, { name, value }) : judgeShare(context, rule, { name, value })
    },
  }
}
