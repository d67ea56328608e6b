// Proposals from a profile: what is always so is said, what chance made so is not. Numbers are written as the language can read
// them, at round ends outside of what was seen; rules on values look away from nulls.
import { expect, test } from 'vitest'
import type { ColumnProfile } from '../../cli/check-profile.ts'
import { proposalsFor } from '../../cli/check-proposals.ts'

const NOW_MS = Date.UTC(2024, 5, 15)

const BASE: ColumnProfile = {
  name: 'c',
  kind: 'number',
  rows: 1_000,
  present: 1_000,
  distinct: 300,
  numbers: undefined,
  days: undefined,
  lengths: undefined,
  values: undefined,
  looks: [],
}

/** Of a column with these traits, without those that every table has. */
function rulesOf(column: Partial<ColumnProfile>): readonly string[] {
  const columns = [{ ...BASE, ...column }]
  return proposalsFor({ rows: 1_000, columns }, { countsColumns: false, nowMs: NOW_MS })
    .map(each => each.rule)
    .slice(1)
}

const range = (least: number, most: number): Partial<ColumnProfile> => ({ numbers: { least, most, areWhole: false } })

test.each([
  [0, 100, ['ColumnValues "c" >= 0', 'ColumnValues "c" <= 110']],
  [1, 100, ['ColumnValues "c" >= 0', 'ColumnValues "c" <= 110']],
  [50, 100, ['ColumnValues "c" between 45 and 105']],
  [-5, 5, ['ColumnValues "c" between -6 and 6']],
  [-0.0031, 0.0012, ['ColumnValues "c" between -0.0036 and 0.0017']],
  [1_000_000, 1_000_000, ['ColumnValues "c" between 900000 and 1100000']],
  [0, 0, ['ColumnValues "c" >= 0', 'ColumnValues "c" <= 0.1']],
  [-1e300, 1e300, []],
  [Number.NEGATIVE_INFINITY, 1, []],
  [1e-20, 2e-20, []],
])('numbers from %d to %d', (least, most, rules) => {
  expect(rulesOf(range(least, most))).toEqual(['IsComplete "c"', ...rules])
})

test.each([
  [1_000, 'IsComplete "c"'],
  [999, 'Completeness "c" > 0.998'],
  [950, 'Completeness "c" > 0.9'],
  [500, 'Completeness "c" > 0.45'],
  [1, 'Completeness "c" > 0'],
])('%d of 1,000 present', (present, rule) => {
  expect(rulesOf({ kind: 'other', present })).toEqual([rule])
})

test('a column of nothing but nulls is not spoken of', () => {
  expect(rulesOf({ present: 0 })).toEqual([])
})

test('rules on values look away from nulls', () => {
  expect(rulesOf({ present: 900, ...range(50, 100) })[1]).toBe(
    'ColumnValues "c" between 45 and 105 where "`c` is not null"',
  )
})

test.each([
  ['2020-03-04', '2024-06-15', ['ColumnValues "c" >= "2020-01-01"', 'ColumnValues "c" <= now()']],
  ['2020-03-04', '2024-06-16', ['ColumnValues "c" >= "2020-01-01"']],
  ['-0044-03-15', '2024-06-16', []],
])('days from %s to %s: the future is no mistake where it is there already', (first, last, rules) => {
  expect(rulesOf({ kind: 'date', days: { first, last } })).toEqual(['IsComplete "c"', ...rules])
})

test.each([
  ['of which each was seen often', 5, ['1', '2'], true],
  ['that are new every other time', 500, ['1', '2'], false],
  ['that may be any', 5, undefined, false],
])('a list of values %s', (_what, factor, values, isListed) => {
  const rules = rulesOf({
    kind: 'text',
    rows: 10 * factor,
    present: factor === 500 ? 8 : 1_000,
    values,
    lengths: { least: 1, most: 1 },
  })
  expect(rules.some(rule => rule.includes(' in ["1", "2"]'))).toBe(isListed)
})

test('the key is the column that is called one', () => {
  const unique = { ...BASE, distinct: 1_000, numbers: { least: 1, most: 1_000, areWhole: true } }
  const columns = ['serial', 'orderId', 'valid'].map(name => ({ ...unique, name }))
  const rules = proposalsFor({ rows: 1_000, columns }, { countsColumns: true, nowMs: NOW_MS }).map(each => each.rule)
  expect(rules).toEqual([
    'RowCount > 0',
    'ColumnCount = 3',
    'IsComplete "serial"',
    'IsUnique "serial"',
    'IsPrimaryKey "orderId"',
    'IsComplete "valid"',
    'IsUnique "valid"',
  ])
})

test('fractions and prose are no keys, however different they are', () => {
  expect(rulesOf({ distinct: 1_000, ...range(50, 100) })).not.toContain('IsPrimaryKey "c"')
  expect(rulesOf({ kind: 'text', distinct: 1_000, lengths: { least: 10, most: 400 } })).toEqual([
    'IsComplete "c"',
    'ColumnLength "c" between 0 and 600',
  ])
})

test('text that may be empty, and text of one length', () => {
  expect(rulesOf({ kind: 'text', lengths: { least: 0, most: 9 } })[1]).toBe('ColumnLength "c" <= 20')
  expect(rulesOf({ kind: 'text', lengths: { least: 3, most: 3 } })[1]).toBe('ColumnLength "c" = 3')
})
