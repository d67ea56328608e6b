// Contract: a condition compares doubles exactly, `between` without its ends and `not between` with them; operators have one precedence;
// functions work on what they are given and on earlier values of the metric, the most recent first; what cannot be computed says why.
import { describe, expect, test } from 'vitest'
import type { NumberCondition } from '#lake/dqdl/ast.ts'
import { computeNumber, holds, isIncomputable } from '#lake/dqdl/number.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'

function conditionOf(text: string): NumberCondition {
  const [rule] = parseRuleset(`Rules = [ RowCount ${text} ]`, { mode: 'aws' }).ruleset?.rules ?? []
  if (rule?.kind !== 'rule' || rule.condition?.kind !== 'number') throw new Error(`no condition on a number: ${text}`)
  return rule.condition
}

/** Ten runs, the most recent first. */
const HISTORY = [10, 8, 6, 4, 2, 1, 1, 1, 1, 1]
const last = (count: number): readonly number[] => HISTORY.slice(0, count)

function computed(expression: string, read: (count: number) => readonly number[] = last) {
  const [operand] = conditionOf(`= ${expression}`).operands
  return operand && computeNumber(operand, read)
}

describe('operators', () => {
  test.each([
    ['> 5', [6, 5.0001], [5, 4]],
    ['>= 5', [5, 6], [4.9999]],
    ['< 5', [4], [5, 6]],
    ['<= 5', [5, 4], [5.0001]],
    ['= 1.0', [1], [0.9999999999999999, 1.0000000000000002]],
    ['!= 1.0', [0.9999999999999999], [1]],
    ['between 1 and 3', [1.0001, 2, 2.9999], [1, 3, 0, 4]],
    ['not between 1 and 3', [1, 3, 0, 4], [1.0001, 2]],
    ['between 3 and 1', [], [1, 2, 3]],
    ['not between 3 and 1', [0, 1, 2, 3, 4], []],
    ['in [1, 2]', [1, 2], [1.5, 3]],
    ['not in [1, 2]', [1.5, 3], [1, 2]],
    ['= 0', [0, -0], [1]],
    ['in [1 + 1, avg(2, 4)]', [2, 3], [1]],
  ])('%s', (text, passing, failing) => {
    const condition = conditionOf(text)
    expect(passing.filter(value => holds(condition, value) !== true)).toEqual([])
    expect(failing.filter(value => holds(condition, value) !== false)).toEqual([])
  })

  test('nothing compares with NULL, and no metric that is none satisfies an order', () => {
    for (const text of ['= NULL', '> NULL', '<= NULL', 'between NULL and 5', 'in [NULL]', '= NULL + 1'])
      expect(holds(conditionOf(text), 1)).toBe(false)
    for (const text of ['> 1', '< 1', '= 1', 'between 0 and 2', 'not between 0 and 2', 'in [1]', 'in [NULL]'])
      expect(holds(conditionOf(text), Number.NaN)).toBe(false)
  })
})

describe('expressions', () => {
  test.each([
    ['2 + 3 * 4', 20],
    ['2 + (3 * 4)', 14],
    ['10 - 4 - 3', 3],
    ['10 - (4 - 3)', 9],
    ['12 / 4 / 3', 1],
    ['8.0 * (5.0 - (1.0 + (4.0 / 2.0)))', 16],
    ['-3 - -2', -1],
    ['0.1 + 0.2', 0.30000000000000004],
    ['1 / 0', Number.POSITIVE_INFINITY],
    ['avg(1, 2, 6)', 3],
    ['average(1, 2, 6)', 3],
    ['median(5, 1, 9)', 5],
    ['median(5, 1, 9, 2)', 3.5],
    ['max(1, 7, 3)', 7],
    ['min(4, 2, 3)', 2],
    ['sum(1, 2, 3)', 6],
    ['std(2, 4, 4, 4, 5, 5, 7, 9)', 2],
    ['abs(-4)', 4],
    ['multiply(1, 2, 3)', 6],
    ['multiply(avg(2, 4), avg(10, 20))', 45],
  ])('%s', (text, expected) => {
    expect(computed(text)).toBe(expected)
  })
})

describe('earlier values', () => {
  test.each([
    ['last()', 10],
    ['last(1)', 10],
    ['avg(last(5))', 6],
    ['max(last(10)) - min(last(10))', 9],
    ['sum(last(3), 1)', 25],
    ['median(last(4))', 7],
    ['index(last(3), 0)', 10],
    ['index(last(3), 2)', 6],
    ['index(last(3), 3)', 0],
    ['max(abs(last(3)))', 10],
    ['avg(last(100))', 3.5],
    ['avg(last(5)) * 0.5 + 1', 4],
    ['avg(last(1 + 1))', 9],
  ])('%s', (text, expected) => {
    expect(computed(text)).toBe(expected)
  })

  test('without history everything is 0, as in Glue', () => {
    for (const text of ['last(1)', 'last(9)', 'avg(last(9))', 'max(last(9))', 'std(last(9))', 'index(last(3), 0)'])
      expect(computed(text, () => [])).toBe(0)
    expect(holds(conditionOf('> avg(last(10)) * 0.8'), 1)).toBe(true)
  })

  test('the history is asked for no more than the condition reads', () => {
    const asked: number[] = []
    computed('avg(last(7)) + last(1)', count => {
      asked.push(count)
      return []
    })
    expect(asked).toEqual([7, 1])
  })
})

describe('what cannot be computed', () => {
  test.each([
    ['last(3)', '3 values stand where one is wanted'],
    ['last(3) + 1', '3 values stand where one is wanted'],
    ['abs(last(3))', '3 values stand where one is wanted'],
    ['abs(1, 2)', 'abs takes one value'],
    ['last(0)', 'last takes a whole number from 1 to 1000'],
    ['last(1.5)', 'last takes a whole number'],
    ['last(1001)', 'last takes a whole number'],
    ['last(1, 2)', 'last takes a whole number'],
    ['index(1, 2)', 'index takes last(k)'],
    ['index(last(3), -1)', 'index takes last(k)'],
    ['index(last(3))', 'index takes last(k)'],
    ['percentile(1, 2)', 'the function percentile is not known: there are last, avg'],
    ['avg(percentile(1))', 'the function percentile is not known'],
    ['1 + f()', 'the function f is not known'],
  ])('%s', (text, expected) => {
    const value = computed(text)
    expect(isIncomputable(value) ? value.problem : value).toContain(expected)
    expect(isIncomputable(holds(conditionOf(`between 0 and ${text}`), 1, last))).toBe(true)
  })

  test('a number against a pattern', () => {
    const condition: NumberCondition = { ...conditionOf('= 1'), operator: 'matches' }
    expect(holds(condition, 1)).toEqual({ problem: 'a number cannot be compared with matches' })
  })
})
