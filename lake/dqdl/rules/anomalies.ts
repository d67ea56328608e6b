import { expectationOf } from '../anomaly.ts'
import type { Parameter, SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, errorOf, failed, passed, problem } from '../check.ts'
import { ruleTypeOf } from '../rule-types.ts'
import { checkOf } from './registry.ts'

/** DetectAnomalies: whether a metric fits its own history. `of RowCount`, `of Completeness of "email"`. */
export function detectAnomalies(rule: SimpleRule, context: CheckContext): Check {
  const [metric, ...columns] = rule.parameters
  const inner = metric && measured(metric, columns)
  if (!inner) return problem(`there is no metric ${rule.parameters.map(each => each.value).join(' ')}`)
  const check = checkOf(inner, context)
  return {
    ...check,
    row: undefined,
    judge: values => {
      const { metrics, reason } = check.judge(values)
      const [name, value] = Object.entries(metrics)[0] ?? []
      if (name === undefined || value === undefined) return errorOf(reason ?? 'the metric has no value')
      const { method, expected, low, high } = expectationOf(context.history(name), context.nowMs)
      if (value >= low && value <= high) return passed(metrics)
      return failed(`${name} is ${value}; its history (${method}) expects ${expected}, from ${low} to ${high}`, metrics)
    },
  }
}

/** The metric as a rule that always holds. */
function measured(metric: Parameter, columns: readonly Parameter[]): SimpleRule | undefined {
  const type = ruleTypeOf(metric.value, columns.length)
  if (!type?.conditions.includes('number')) return undefined
  const zero = { kind: 'literal', text: '0', value: 0 } as const
  return {
    kind: 'rule',
    type,
    parameters: columns,
    condition: { kind: 'number', operator: '>=', operands: [zero] },
    where: undefined,
    threshold: undefined,
    tags: [],
    labels: {},
    span: { start: 0, end: 0 },
  }
}
