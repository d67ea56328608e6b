import type { NumberCondition, NumberOperand } from './ast.ts'

/** The values that a metric had in earlier runs, the most recent first: what `last(k)` reads. At most `count` of them. */
export type Last = (count: number) => readonly number[]

/** An operand that cannot be computed: an unknown function, a list where a number is wanted. */
export interface Incomputable {
  readonly problem: string
}

export const isIncomputable = (value: unknown): value is Incomputable =>
  typeof value === 'object' && value !== null && 'problem' in value

/**
 * Whether a metric satisfies a condition, by exact comparison of doubles: `between` excludes both ends, `not between` includes
 * them, with reversed ends it holds for everything, and nothing compares with NULL.
 */
export function holds(condition: NumberCondition, metric: number, last: Last = () => []): boolean | Incomputable {
  const operands = condition.operands.map(operand => computeNumber(operand, last))
  const problem = operands.find(isIncomputable)
  if (problem) return problem
  const [first = Number.NaN, second = Number.NaN] = operands as readonly number[]
  switch (condition.operator) {
    case '>':
      return metric > first
    case '>=':
      return metric >= first
    case '<':
      return metric < first
    case '<=':
      return metric <= first
    case '=':
      return metric === first
    case '!=':
      return metric !== first
    case 'between':
      return metric > first && metric < second
    case 'not between':
      return metric <= first || metric >= second
    case 'in':
      return operands.some(each => each === metric)
    case 'not in':
      return operands.every(each => each !== metric)
    case 'matches':
    case 'not matches':
      return { problem: `a number cannot be compared with ${condition.operator}` }
  }
}

/** The value of an operand; NaN for NULL. */
export function computeNumber(operand: NumberOperand, last: Last): number | Incomputable {
  const value = compute(operand, last)
  if (!Array.isArray(value)) return value as number | Incomputable
  // `last(1)` is its only value; a longer list needs a function around it.
  if (value.length <= 1) return value[0] ?? 0
  return { problem: `${value.length} values stand where one is wanted: take avg, median, max, min, sum or std of them` }
}

type Computed = number | readonly number[] | Incomputable

function compute(operand: NumberOperand, last: Last): Computed {
  switch (operand.kind) {
    case 'literal':
      return operand.value
    case 'null':
      return Number.NaN
    case 'binary':
      return computeBinary(operand, last)
    case 'call':
      return computeCall(operand, last)
  }
}

function computeBinary(operand: Extract<NumberOperand, { kind: 'binary' }>, last: Last): Computed {
  const [left, right] = [computeNumber(operand.left, last), computeNumber(operand.right, last)]
  if (isIncomputable(left)) return left
  if (isIncomputable(right)) return right
  switch (operand.operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
  }
}

function computeCall({ name, arguments: given }: Extract<NumberOperand, { kind: 'call' }>, last: Last): Computed {
  const values = given.map(argument => compute(argument, last))
  const problem = values.find(isIncomputable)
  if (problem) return problem
  if (name === 'last') return lastValues(values, last)
  const aggregate = AGGREGATES.get(name)
  // No history is 0.0, as in Glue.
  if (aggregate) return numbersOf(values).length === 0 ? 0 : aggregate(numbersOf(values))
  if (name === 'abs') return absolute(values)
  if (name === 'index') return indexed(values)
  return {
    problem: `the function ${name} is not known: there are ${['last', ...AGGREGATES.keys(), 'abs', 'index'].join(', ')}`,
  }
}

const LAST_MAX = 1_000

function lastValues(values: readonly Computed[], last: Last): Computed {
  const [count = 1] = numbersOf(values)
  if (values.length > 1 || !Number.isInteger(count) || count < 1 || count > LAST_MAX)
    return { problem: `last takes a whole number from 1 to ${LAST_MAX}` }
  return last(count)
}

/** Of each value: `max(abs(last(3)))`. */
function absolute(values: readonly Computed[]): Computed {
  const [value = 0] = values
  if (values.length > 1) return { problem: 'abs takes one value, or last(k)' }
  return Array.isArray(value) ? value.map(each => Math.abs(each)) : Math.abs(value as number)
}

function indexed(values: readonly Computed[]): Computed {
  const [list, at] = values
  if (!Array.isArray(list) || typeof at !== 'number' || !Number.isInteger(at) || at < 0 || values.length > 2)
    return { problem: 'index takes last(k) and a whole number from 0, the most recent' }
  return list[at] ?? 0
}

const numbersOf = (values: readonly Computed[]): readonly number[] =>
  values.flatMap(value => (Array.isArray(value) ? value : [value as number]))

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length

/** Of no values NaN. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function deviation(values: readonly number[]): number {
  const center = mean(values)
  return Math.sqrt(mean(values.map(value => (value - center) ** 2)))
}

/** Those of Glue's documentation; `average` and `multiply` come from the tests of AWS's parser. */
const AGGREGATES: ReadonlyMap<string, (values: readonly number[]) => number> = new Map([
  ['avg', mean],
  ['average', mean],
  ['median', median],
  ['max', (values: readonly number[]) => Math.max(...values)],
  ['min', (values: readonly number[]) => Math.min(...values)],
  ['sum', sum],
  ['multiply', (values: readonly number[]) => values.reduce((all, value) => all * value, 1)],
  ['std', deviation],
])
