import { type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, failed, noRows, numberOf, passed, problem } from '../check.ts'
import { compareSql, hoursOf } from '../condition-sql.ts'
import { type Field, kindOf } from '../relation.ts'
import { countGood, countRows, isCheck, metricName, scopeOf } from '../rule-columns.ts'

/**
 * DataFreshness: the age of every value, in hours with two digits, satisfies the condition. Null has no age and fails; without
 * rows there is nothing too old. Glue's open executor has no outcome for single rows.
 */
export function dataFreshness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const { condition } = rule
  if (condition?.kind !== 'duration') return problem('DataFreshness needs a duration')
  const [field] = scope.fields as readonly [Field]
  if (!['text', 'date', 'timestamp'].includes(kindOf(field.type)))
    return problem(`DataFreshness needs dates, times or text, and ${rule.parameters[0]?.value} is ${field.type}`)
  const { where } = scope
  const test = compareSql(
    ageHours(field, context.nowMs),
    condition.operator,
    condition.operands.map(each => sql`${hoursOf(each)}`),
  )
  const name = metricName(rule, 'DataFreshness.Compliance')
  return {
    aggregates: { rows: countRows(where), good: countGood(test, where) },
    row: context.thresholds === 'glue' ? undefined : { test, where },
    judge: values => {
      const rows = numberOf(values['rows']) ?? 0
      if (rows === 0) return noRows()
      const value = (numberOf(values['good']) ?? 0) / rows
      return value === 1
        ? passed({ [name]: 1 })
        : failed(`${(value * 100).toFixed(2)}% of rows passed`, { [name]: value })
    },
  }
}

function ageHours(field: Field, nowMs: number): Sql {
  const age = sql`(${nowMs} - epoch_ms(TRY_CAST(${field.sql} AS TIMESTAMP)))`
  return sql`round(${age} / 3600000, 2)`
}
