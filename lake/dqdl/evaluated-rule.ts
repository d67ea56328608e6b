import type { Condition, DateOperand, NumberOperand, Rule } from './ast.ts'
import { dayOf, instantOf } from './condition-sql.ts'
import { computeNumber, isIncomputable, type Last } from './number.ts'
import { printRule } from './printer.ts'

/** What the dynamic parts of a rule stand for. */
export interface Moment {
  readonly nowMs: number
  /** Earlier values of the metric that a rule reads. */
  readonly last: (rule: Rule) => Last
}

/** The text of a rule with its dynamic parts replaced by what they were: `last(k)` and its kind by numbers, `now()` by the day. */
export const printEvaluated = (rule: Rule, moment: Moment): string => printRule(evaluatedRule(rule, moment))

function evaluatedRule(rule: Rule, moment: Moment): Rule {
  if (rule.kind === 'composite') return { ...rule, rules: rule.rules.map(each => evaluatedRule(each, moment)) }
  const condition = rule.condition && evaluatedCondition(rule.condition, moment, moment.last(rule))
  return { ...rule, condition }
}

function evaluatedCondition(condition: Condition, { nowMs }: Moment, last: Last): Condition {
  switch (condition.kind) {
    case 'number':
      return { ...condition, operands: condition.operands.map(operand => evaluatedNumber(operand, last)) }
    case 'date':
      return { ...condition, operands: condition.operands.map(operand => evaluatedDate(operand, nowMs)) }
    default:
      return condition
  }
}

function evaluatedNumber(operand: NumberOperand, last: Last): NumberOperand {
  if (operand.kind === 'literal' || operand.kind === 'null') return operand
  const value = computeNumber(operand, last)
  return isIncomputable(value) ? operand : { kind: 'literal', text: String(value), value }
}

function evaluatedDate(operand: DateOperand, nowMs: number): DateOperand {
  if (operand.kind !== 'now') return operand
  const instant = instantOf(operand, nowMs)
  return isIncomputable(instant) ? operand : { kind: 'date', text: dayOf(instant) }
}
