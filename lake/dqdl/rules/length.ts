import { type Sql, sql } from '../../duckdb/sql.ts'
import type { NumberCondition, SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  errorOf,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  lastOf,
  numberCondition,
  numberOf,
  passed,
  problem,
  type Values,
} from '../check.ts'
import { compareNumber } from '../condition-sql.ts'
import { isIncomputable } from '../number.ts'
import type { Field } from '../relation.ts'
import { asText, isCheck, metricName, over, rowUnder, scopeOf } from '../rule-columns.ts'

/** Lengths of text in characters; null has length 0. */
export function columnLength(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('ColumnLength needs a condition')
  const [field] = scope.fields as readonly [Field]
  const length = sql`CAST(length(COALESCE(${asText(field)}, '')) AS DOUBLE)`
  const test = compareNumber(length, condition, lastOf(context, metricName(rule, 'MaximumLength')))
  if (isIncomputable(test)) return problem(test.problem)
  return {
    aggregates: aggregatesOf(length, { test, where: scope.where }),
    row: rowUnder(test, scope.where),
    judge: values => judgeLength(rule, context, { condition, values }),
  }
}

function aggregatesOf(
  length: Sql,
  { test, where }: { readonly test: Sql; readonly where: Sql | undefined },
): Check['aggregates'] {
  return {
    rows: over(sql`count(*)`, where),
    least: over(sql`min(${length})`, where),
    most: over(sql`max(${length})`, where),
    good: over(sql`count_if(${test})`, where),
  }
}

function judgeLength(
  rule: SimpleRule,
  context: CheckContext,
  { condition, values }: { readonly condition: NumberCondition; readonly values: Values },
): Judgement {
  const [least, most] = [numberOf(values['least']), numberOf(values['most'])]
  const minimum = { name: metricName(rule, 'MinimumLength'), value: least }
  const maximum = { name: metricName(rule, 'MaximumLength'), value: most }
  switch (condition.operator) {
    case '>':
    case '>=':
      return judgeMetric(context, condition, minimum)
    case '<':
    case '<=':
      return judgeMetric(context, condition, maximum)
    case 'between':
    case '=':
      return both(judgeMetric(context, condition, minimum), judgeMetric(context, condition, maximum))
    default: {
      const rows = numberOf(values['rows']) ?? 0
      const value = rows === 0 ? undefined : (numberOf(values['good']) ?? 0) / rows
      return judgeShare(context, rule, { name: metricName(rule, 'LengthCompliance'), value })
    }
  }
}

/** Two metrics of one rule, both of which must hold. */
export function both(left: Judgement, right: Judgement): Judgement {
  const metrics = { ...left.metrics, ...right.metrics }
  const bad = [left, right].filter(each => each.outcome !== 'Passed')
  if (bad.length === 0) return passed(metrics)
  const reason = bad.map(each => each.reason).join('; ')
  return bad.some(each => each.outcome === 'Error') ? errorOf(reason, metrics) : failed(reason, metrics)
}
