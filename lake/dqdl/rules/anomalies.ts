import { expectationOf } from '../anomaly.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, errorOf, failed, passed, problem } from '../check.ts'
import { measured } from '../measured.ts'

/** DetectAnomalies: whether a metric fits its own history. `of RowCount`, `of Completeness of "email"`. */
export function detectAnomalies(
  rule: SimpleRule,
  context: CheckContext,
  checkOf: (rule: SimpleRule, context: CheckContext) => Check,
): Check {
  const [metric, ...columns] = rule.parameters
  const inner = metric && measured(metric.value, columns)
  if (!inner) return problem(`there is no metric ${rule.parameters.map(each => each.value).join(' ')}`)
  const check = checkOf(inner, context)
  return {
    ...check,
    row: undefined,
    judge: values => {
      const { metrics, reason } = check.judge(values)
      const measures = Object.entries(metrics)
      if (measures.length === 0) return errorOf(reason ?? 'the metric has no value')
      const strange = measures.flatMap(([name, value]) => {
        const { method, expected, low, high } = expectationOf(context.history(name), context.nowMs)
        const fits = value >= low && value <= high
        return fits ? [] : [`${name} is ${value}; its history (${method}) expects ${expected}, from ${low} to ${high}`]
      })
      return strange.length === 0 ? passed(metrics) : failed(strange.join('; '), metrics)
    },
  }
}
