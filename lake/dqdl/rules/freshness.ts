import { type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, failed, judgeShare, numberOf, passed, problem } from '../check.ts'
import { compareSql, hoursOf } from '../condition-sql.ts'
import type { Field } from '../relation.ts'
import { isCheck, metricName, over, rowUnder, scopeOf } from '../rule-columns.ts'

/** DataFreshness: the age of every value, in hours with two digits, satisfies the condition. Null has no age and fails. */
export function dataFreshness(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const { condition } = rule
  if (condition?.kind !== 'duration') return problem('DataFreshness needs a duration')
  const [field] = scope.fields as readonly [Field]
  const test = compareSql(
    ageHours(field, context.nowMs),
    condition.operator,
    condition.operands.map(each => sql`CAST(${hoursOf(each)} AS DOUBLE)`),
  )
  const name = metricName(rule, 'DataFreshness.Compliance')
  return {
    aggregates: { rows: over(sql`count(*)`, scope.where), good: over(sql`count_if(${test})`, scope.where) },
    row: rowUnder(test, scope.where),
    judge: values => {
      const rows = numberOf(values['rows']) ?? 0
      // An empty table has no value that is too old.
      if (rows === 0)
        return { ...passed(), reason: rule.where === undefined ? 'the table has no rows' : 'no row matched where' }
      const value = (numberOf(values['good']) ?? 0) / rows
      return value === 1
        ? passed({ [name]: 1 })
        : failed(`${name} is ${value}: every value must be that fresh`, {
            ...judgeShare(context, rule, { name, value }).metrics,
          })
    },
  }
}

function ageHours(field: Field, nowMs: number): Sql {
  const age = sql`(${nowMs} - epoch_ms(TRY_CAST(${field.sql} AS TIMESTAMP)))`
  return sql`round(CAST(${age} AS DOUBLE) / 3600000, 2)`
}
