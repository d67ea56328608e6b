import { sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, judgeRatio, numberOf } from '../check.ts'
import type { Field } from '../relation.ts'
import { countGood, countRows, isCheck, metricName, scopeOf } from '../rule-columns.ts'

/** Completeness and IsComplete: the share of values that are not null. Empty text is a value. */
export function completeness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [{ sql: value }] = scope.fields as readonly [Field]
  const { where } = scope
  const test = sql`${value} IS NOT NULL`
  const good = where === undefined ? sql`count(${value})` : countGood(test, where)
  return {
    aggregates: { rows: countRows(where), good },
    row: { test, where, good },
    judge: values => {
      const rows = numberOf(values['rows']) ?? 0
      const share = rows === 0 ? undefined : (numberOf(values['good']) ?? 0) / rows
      return judgeRatio(context, rule, { name: metricName(rule, 'Completeness'), value: share })
    },
  }
}
