import { type Sql, sql } from '../../duckdb/sql.ts'
import type { NumberCondition, SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  lastOf,
  numberCondition,
  numberOf,
  problem,
  type Values,
} from '../check.ts'
import { compareSql, numbersOf } from '../condition-sql.ts'
import { isIncomputable } from '../number.ts'
import type { Field } from '../relation.ts'
import { asText, countGood, countRows, isCheck, metricName, over, scopeOf } from '../rule-columns.ts'

/** Lengths of text in characters; null has length 0, as documented. */
export function columnLength(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const condition = numberCondition(rule)
  if (!condition) return problem('ColumnLength needs a condition')
  if (condition.operands.some(operand => operand.kind === 'null'))
    return problem('a length is a number, and the condition compares it with NULL')
  const [field] = scope.fields as readonly [Field]
  const length = sql`COALESCE(${lengthOf(field)}, 0)`
  const numbers = numbersOf(condition, lastOf(context, metricName(rule, historic(condition))))
  if (isIncomputable(numbers)) return problem(numbers.problem)
  const test = compareSql(
    length,
    condition.operator,
    numbers.map(number => sql`${number}`),
  )
  const { where } = scope
  return {
    aggregates: {
      rows: countRows(where),
      good: countGood(test, where),
      least: over(sql`min(${length})`, where),
      most: over(sql`max(${length})`, where),
    },
    row: { test, where },
    judge: values => judgeLength(rule, context, { condition, values }),
  }
}

const lengthOf = (field: Field): Sql =>
  /^BLOB$/i.test(field.type) ? sql`octet_length(${field.sql})` : sql`length(${asText(field)})`

const historic = ({ operator }: NumberCondition): string =>
  ['>', '>=', '=', 'between'].includes(operator)
    ? 'MinimumLength'
    : operator === '<' || operator === '<='
      ? 'MaximumLength'
      : 'LengthCompliance'

function judgeLength(
  rule: SimpleRule,
  context: CheckContext,
  { condition, values }: { readonly condition: NumberCondition; readonly values: Values },
): Judgement {
  const minimum = { name: metricName(rule, 'MinimumLength'), value: numberOf(values['least']) }
  const maximum = { name: metricName(rule, 'MaximumLength'), value: numberOf(values['most']) }
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
function both(left: Judgement, right: Judgement): Judgement {
  const metrics = { ...left.metrics, ...right.metrics }
  const bad = [left, right].filter(each => each.outcome !== 'Passed')
  const reason = bad.map(each => each.reason).join('; ')
  const error = bad.find(each => each.outcome === 'Error')
  if (error) return { ...error, metrics }
  return bad.length === 0 ? { outcome: 'Passed', metrics } : failed(reason, metrics)
}
