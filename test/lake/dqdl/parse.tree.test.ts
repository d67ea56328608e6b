// Contract: the tree holds what a text means apart from how it is written: values without their escapes, the raw text beside them,
// variables resolved under their name, places as offsets into the text.
import { describe, expect, test } from 'vitest'
import type { Condition, SimpleRule } from '#lake/dqdl/ast.ts'
import { labelsOf } from '#lake/dqdl/ast.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import { RULE_TYPES, ruleTypeOf } from '#lake/dqdl/rule-types.ts'

function parse(text: string) {
  const { ruleset, diagnostics } = parseRuleset(text, { mode: 'aws' })
  if (ruleset === undefined) throw new Error(diagnostics.map(each => each.message).join('\n'))
  return ruleset
}

function ruleOf(text: string, preamble = ''): SimpleRule {
  const [rule] = parse(`${preamble}Rules = [ ${text} ]`).rules
  if (rule?.kind !== 'rule') throw new Error('a composite')
  return rule
}

const conditionOf = (text: string, preamble = ''): Condition | undefined =>
  ruleOf(`ColumnValues "c" ${text}`, preamble).condition

describe('texts', () => {
  test.each([
    ['= "a"', 'a', 'a'],
    ['= "a\\"b"', 'a"b', 'a\\"b'],
    ['= "C:\\\\x"', 'C:\\x', 'C:\\\\x'],
    ['= "it\\\'s"', "it's", "it\\'s"],
    ['= "\\d"', '\\d', '\\d'],
    ['matches "\\d+\\."', '\\d+\\.', '\\d+\\.'],
    ['in ["a\\"b"]', 'a"b', 'a"b'],
    ['in ["C:\\\\x"]', 'C:\\x', 'C:\\x'],
    ['in ["\\d"]', 'd', 'd'],
    ['in ["a\\\nb"]', 'a\nb', 'a\\\nb'],
  ])('%j', (text, value, raw) => {
    expect(conditionOf(text)).toMatchObject({ kind: 'string', operands: [{ kind: 'text', value, raw }] })
  })

  test('in a list AWS drops the backslash before the closing quote, and we know what was meant', () => {
    expect(conditionOf('in ["C:\\"]')).toMatchObject({ operands: [{ value: 'C:\\', raw: 'C:' }] })
  })

  test('parameters', () => {
    expect(ruleOf('IsComplete "a\\"b"').parameters).toEqual([
      { value: 'a"b', raw: 'a\\"b', quoted: true, connector: undefined, variable: undefined },
    ])
    expect(ruleOf('ColumnCorrelation of a AND "b" > 0').parameters).toEqual([
      { value: 'a', raw: 'a', quoted: false, connector: 'of', variable: undefined },
      { value: 'b', raw: 'b', quoted: true, connector: 'AND', variable: undefined },
    ])
  })
})

describe('variables', () => {
  test('a text as a parameter', () => {
    expect(ruleOf('CustomSql $x', 'x = "select \\"a\\" from primary"\n').parameters).toEqual([
      {
        value: 'select "a" from primary',
        raw: 'select \\"a\\" from primary',
        quoted: true,
        connector: undefined,
        variable: 'x',
      },
    ])
  })

  test('a list, in which keywords are texts as they are to AWS', () => {
    expect(conditionOf('not in $x', 'x = ["a\\"b", NULL]\n')).toEqual({
      kind: 'string',
      operator: 'not in',
      operands: [
        { kind: 'text', value: 'a"b', raw: 'a\\"b' },
        { kind: 'text', value: 'NULL', raw: 'NULL' },
      ],
      variable: 'x',
    })
  })
})

describe('conditions', () => {
  test.each([
    ['= NULL', { kind: 'number', operands: [{ kind: 'null' }] }],
    ['in [NULL]', { kind: 'number', operands: [{ kind: 'null' }] }],
    ['in [1, NULL]', { kind: 'number', operands: [{ kind: 'literal', text: '1', value: 1 }, { kind: 'null' }] }],
    ['in ["a", NULL]', { kind: 'string', operands: [{ value: 'a' }, { kind: 'keyword', keyword: 'NULL' }] }],
    ['in ["2024-01-01", null]', { kind: 'date', operands: [{ kind: 'date', text: '2024-01-01' }, { kind: 'null' }] }],
    ['in [EMPTY, NULL]', { kind: 'string', operands: [{ keyword: 'EMPTY' }, { keyword: 'NULL' }] }],
    ['> now()', { kind: 'date', operands: [{ kind: 'now', offset: undefined }] }],
    [
      '> (now() + 3 hours)',
      { kind: 'date', operands: [{ kind: 'now', offset: { sign: '+', duration: { amount: 3, unit: 'hours' } } }] },
    ],
    ['> "9:30 AM"', { kind: 'date', operands: [{ kind: 'time', text: '9:30 AM', minutes: 570 }] }],
    ['> "12:15 AM"', { kind: 'date', operands: [{ kind: 'time', minutes: 15 }] }],
    ['> "12:15 PM"', { kind: 'date', operands: [{ kind: 'time', minutes: 735 }] }],
    ['> "23:59"', { kind: 'date', operands: [{ kind: 'time', minutes: 1439 }] }],
    ['> "24:00"', { kind: 'date', operands: [{ kind: 'time', minutes: 0 }] }],
    ['> -1.50', { kind: 'number', operands: [{ kind: 'literal', text: '-1.50', value: -1.5 }] }],
  ])('%j', (text, expected) => {
    expect(conditionOf(text)).toMatchObject(expected)
  })

  test('a bare integer of FileSize is in bytes', () => {
    expect(ruleOf('FileSize between 1 and -2').condition).toEqual({
      kind: 'size',
      operator: 'between',
      operands: [
        { amount: 1, unit: undefined },
        { amount: -2, unit: undefined },
      ],
    })
  })

  test('operators associate to the left, parentheses are remembered', () => {
    const literal = (value: number) => ({ kind: 'literal', text: String(value), value })
    expect(ruleOf('RowCount > 2 + 3 * (4 - 1)').condition).toMatchObject({
      operands: [
        {
          operator: '*',
          left: { operator: '+', left: literal(2), right: literal(3), inParentheses: false },
          right: { operator: '-', left: literal(4), right: literal(1), inParentheses: true },
        },
      ],
    })
  })
})

test('suffixes', () => {
  const { where, threshold, tags, labels } = ruleOf(
    'ColumnValues "c" = 1 where "a = \\"b\\"" labels=["k"="v"] with Threshold > 0.5 with x = "a\\"b" with y = 1.50 with z = 1 + 2',
  )
  expect(where).toBe('a = \\"b\\"')
  expect(threshold).toEqual({
    kind: 'number',
    operator: '>',
    operands: [{ kind: 'literal', text: '0.5', value: 0.5 }],
  })
  expect(tags).toEqual([
    { name: 'x', value: 'a"b', text: '"a\\"b"' },
    { name: 'y', value: 1.5, text: '1.50' },
    { name: 'z', value: '1+2', text: '1+2' },
  ])
  expect(labels).toEqual({ k: 'v' })
})

test('a label of a rule takes the place of the default', () => {
  const ruleset = parse('DefaultLabels = ["a"="1", "b"="2"] Rules = [ RowCount > 1 labels=["b"="3"], RowCount > 2 ]')
  expect(ruleset.rules.map(rule => labelsOf(ruleset, rule))).toEqual([
    { a: '1', b: '3' },
    { a: '1', b: '2' },
  ])
})

test('places are those of the text', () => {
  const text =
    'x = "a"\nRules = [ (RowCount > 1) and (IsComplete $x), Mean "m" > 0 where "y" ] Analyzers = [ RowCount ]'
  const { variables, rules, analyzers } = parse(text)
  const at = ({ span }: { readonly span: { readonly start: number; readonly end: number } }) =>
    text.slice(span.start, span.end)
  expect(variables.map(at)).toEqual(['x = "a"'])
  expect(rules.map(at)).toEqual(['(RowCount > 1) and (IsComplete $x)', 'Mean "m" > 0 where "y"'])
  expect(rules.flatMap(rule => (rule.kind === 'composite' ? rule.rules.map(at) : []))).toEqual([
    'RowCount > 1',
    'IsComplete $x',
  ])
  expect(analyzers.map(at)).toEqual(['RowCount'])
})

test('a rule type is found by its name and the number of its parameters', () => {
  expect(ruleTypeOf('FileMatch', 0)?.conditions).toEqual(['string'])
  expect(ruleTypeOf('FileMatch', 2)?.conditions).toEqual([])
  expect(ruleTypeOf('FileMatch', 3)).toBeUndefined()
  expect(ruleTypeOf('DatasetMatch', 2)?.excludedFromRows).toBe(true)
  expect(ruleTypeOf('DatasetMatch', 3)?.excludedFromRows).toBeUndefined()
  expect(ruleTypeOf('IsUnique', 9)).toBe(ruleTypeOf('IsUnique', 1))
  const published = 33 + ['Range', 'DuplicateRowCount', 'Distribution'].length
  expect(new Set(RULE_TYPES.map(each => each.name)).size).toBe(published)
})
