import { sql } from '../../duckdb/sql.ts'
import type { NumberCondition, SimpleRule } from '../ast.ts'
import {
  type Check,
  type CheckContext,
  failed,
  type Judgement,
  judgeMetric,
  judgeShare,
  noRows,
  notMet,
  numberOf,
  problem,
  type Values,
} from '../check.ts'
import { isIncomputable } from '../number.ts'
import { type Field, kindOf } from '../relation.ts'
import { countGood, countRows, isCheck, metricName, over, type Scope, scopeOf } from '../rule-columns.ts'
import { valueTest } from './value-tests.ts'

/** ColumnValues: every value satisfies the condition, or the share that the threshold wants. */
export function columnValues(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [field] = scope.fields as readonly [Field]
  const { condition } = rule
  if (!condition) return problem('ColumnValues needs a condition')
  const test = valueTest(field, condition, { rule, context })
  if (isIncomputable(test)) return problem(test.problem)
  const number = condition.kind === 'number' && isExtreme(rule, condition, context) ? condition : undefined
  if (number && kindOf(field.type) !== 'number')
    return problem(
      `${rule.parameters[0]?.value} is ${field.type}, and the condition compares its extremes with a number`,
    )
  const { where } = scope
  return {
    aggregates: {
      rows: countRows(where),
      good: countGood(test, where),
      ...(number ? extremes(scope, field) : {}),
    },
    row: { test, where },
    judge: values => judgeValues(rule, context, { values, number }),
  }
}

/** Tests of the smallest and largest value: Glue takes no threshold for these, though its documentation makes no exception. */
function isExtreme(rule: SimpleRule, { operator, operands }: NumberCondition, context: CheckContext): boolean {
  if (operands.some(operand => operand.kind === 'null')) return false
  if (rule.threshold && context.thresholds === 'documented') return false
  return ['>', '>=', '<', '<=', '=', 'between'].includes(operator)
}

const extremes = ({ where }: Scope, { sql: value }: Field): Check['aggregates'] => ({
  present: where === undefined ? sql`count(${value})` : countGood(sql`${value} IS NOT NULL`, where),
  least: over(sql`min(${value})`, where),
  most: over(sql`max(${value})`, where),
})

interface Judged {
  readonly values: Values
  /** The condition, where it is one on the extremes. */
  readonly number: NumberCondition | undefined
}

function judgeValues(rule: SimpleRule, context: CheckContext, { values, number }: Judged): Judgement {
  const rows = numberOf(values['rows']) ?? 0
  const { condition } = rule
  // Deequ has no metric for a table without rows, except for dates, which are judged as those that `where` leaves.
  if (rows === 0)
    return rule.where === undefined && condition?.kind !== 'date' ? failed('the table has no rows') : noRows()
  const good = (numberOf(values['good']) ?? 0) / rows
  if (number) return judgeExtremes(rule, context, { values, number, good })
  const isPattern = condition?.operator === 'matches' || condition?.operator === 'not matches'
  const name = metricName(rule, isPattern ? 'PatternMatch' : 'ColumnValues.Compliance')
  return judgeShare(context, rule, { name, value: good })
}

/** The smallest value, the largest or both must satisfy the condition, and no value may be null. */
function judgeExtremes(
  rule: SimpleRule,
  context: CheckContext,
  { values, number, good }: Judged & { readonly number: NumberCondition; readonly good: number },
): Judgement {
  const nulls = (numberOf(values['rows']) ?? 0) - (numberOf(values['present']) ?? 0)
  const judged = extremesOf(number.operator).map(([metric, key]) =>
    judgeMetric(context, number, { name: metricName(rule, metric), value: numberOf(values[key]) }),
  )
  const compliance = number.operator === 'between' ? { [metricName(rule, 'ColumnValues.Compliance')]: good } : {}
  const metrics = { ...Object.assign({}, ...judged.map(each => each.metrics)), ...compliance } as Judgement['metrics']
  const error = judged.find(each => each.outcome === 'Error')
  if (error) return { ...error, metrics }
  const reasons = [
    ...judged.flatMap(each => (each.outcome === 'Passed' ? [] : [each.reason])),
    ...(nulls === 0 ? [] : [notMet('NULL')]),
  ]
  return reasons.length === 0 ? { outcome: 'Passed', metrics } : failed(reasons.join('; '), metrics)
}

function extremesOf(operator: NumberCondition['operator']): readonly (readonly [metric: string, key: string])[] {
  const [least, most] = [['Minimum', 'least'] as const, ['Maximum', 'most'] as const]
  if (operator === '>' || operator === '>=') return [least]
  return operator === '<' || operator === '<=' ? [most] : [least, most]
}
