import type { NumberCondition, Operator, Parameter, SimpleRule } from './ast.ts'
import { type RuleType, ruleTypeOf } from './rule-types.ts'

/**
 * A metric as a rule without a verdict: the rule of that name over these columns, with a condition that makes it report all that it
 * measures. undefined when the name is of no metric.
 */
export function measured(name: string, parameters: readonly Parameter[]): SimpleRule | undefined {
  const type = ruleTypeOf(name, parameters.length)
  return type?.conditions.includes('number') ? ruleOf(type, parameters) : undefined
}

/** Rules that report the smallest and the largest value only when both are asked for. */
const BY_EXTREMES: ReadonlySet<string> = new Set(['ColumnValues', 'ColumnLength'])

function ruleOf(type: RuleType, parameters: readonly Parameter[]): SimpleRule {
  const zero = { kind: 'literal', text: '0', value: 0 } as const
  const operator: Operator = BY_EXTREMES.has(type.name) ? 'between' : '>='
  const condition: NumberCondition = { kind: 'number', operator, operands: [zero, zero] }
  return {
    kind: 'rule',
    type,
    parameters,
    condition,
    where: undefined,
    threshold: undefined,
    tags: [],
    labels: {},
    span: { start: 0, end: 0 },
  }
}
