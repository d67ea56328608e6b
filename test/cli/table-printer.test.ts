// A table fits its terminal: text is cut with … first, then columns are left out from the right and named. Numbers and times
// are never cut, because a part of a number is a wrong number. Without a terminal nothing is cut.
import { expect, test } from 'vitest'
import { hiddenNote, layoutTable, type TableColumn, type TableRow } from '../../cli/table-printer.ts'

const COLUMNS: readonly TableColumn[] = [{ name: 'name' }, { name: 'rows', numeric: true }, { name: 'note' }]
const ROWS: readonly TableRow[] = [
  ['flights', '3000000', 'departures and arrivals of half a year'],
  ['日本', '7', null],
]

function draw(
  columns: number | undefined,
  options: { full?: boolean; indent?: number; colour?: boolean } = {},
): string {
  const output = { columns, colour: options.colour ?? false, write: async () => true }
  const layout = layoutTable(output, { columns: COLUMNS, rows: ROWS }, options)
  return layout.header + ROWS.map(layout.line).join('') + layout.hidden.join(',')
}

test('text stands left, numbers right, wide characters take two columns', () => {
  expect(draw(undefined)).toBe(
    [
      'name        rows  note',
      '───────  ───────  ──────────────────────────────────────',
      'flights  3000000  departures and arrivals of half a year',
      '日本           7  NULL',
      '',
    ].join('\n'),
  )
})

test('text is cut to the width of the terminal', () => {
  expect(draw(40)).toBe(
    [
      'name        rows  note',
      '───────  ───────  ──────────────────────',
      'flights  3000000  departures and arriva…',
      '日本           7  NULL',
      '',
    ].join('\n'),
  )
})

test('columns that would be too narrow are left out and named; --full shows all', () => {
  expect(draw(28)).toBe(
    ['name        rows', '───────  ───────', 'flights  3000000', '日本           7', 'note'].join('\n'),
  )
  expect(draw(28, { full: true })).toBe(draw(undefined))
})

test('an indented table is as wide as the terminal and no wider', () => {
  const lines = draw(42, { indent: 2 }).split('\n')
  expect(lines[1]).toBe('  ───────  ───────  ──────────────────────')
  expect(lines[1]).toHaveLength(42)
})

test('numbers are never cut, even where nothing else fits', () => {
  const output = { columns: 5, colour: false, write: async () => true }
  const columns = [
    { name: 'n', numeric: true },
    { name: 'm', numeric: true },
  ]
  const layout = layoutTable(output, { columns, rows: [['9007199254740993', '1']] })
  expect(layout.line(['9007199254740993', '1'])).toBe('9007199254740993\n')
  expect(layout.hidden).toEqual(['m'])
})

test('a row that comes after the layout keeps its numbers whole and its text in its column', () => {
  const output = { columns: 30, colour: false, write: async () => true }
  const layout = layoutTable(output, { columns: COLUMNS.slice(0, 2), rows: [['abc', '1']] })
  expect(layout.line(['abcdefgh', '123456'])).toBe('abc…  123456\n')
})

test('NULL and the text NULL look different on a terminal', () => {
  const output = { columns: 80, colour: true, write: async () => true }
  const layout = layoutTable(output, { columns: [{ name: 'x' }], rows: [[null], ['NULL']] })
  expect(layout.line([null])).toBe('\x1b[2mNULL\x1b[22m\n')
  expect(layout.line(['NULL'])).toBe('NULL\n')
})

test('a long list of hidden columns is cut', () => {
  expect(hiddenNote([])).toBe('')
  expect(hiddenNote(['a', 'b'])).toBe('not shown, for want of room: a, b; --full shows all')
  expect(hiddenNote(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe(
    'not shown, for want of room: a, b, c, d, e, 2 more; --full shows all',
  )
})
