// --suggest prints a ruleset that parses in AWS's mode and passes on the data that it was made from, each rule with its reason. It says
// what is worth saying: keys, nulls, lists, ranges, looks; and leaves out what chance or the language makes worthless.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRuleset } from '../../lake/dqdl/parser.ts'
import { sql } from '../../lake/duckdb/sql.ts'
import { createTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, openSession } from '../lake/iceberg/fixture.ts'
import { type CheckBench, checkBench } from './check-bench.ts'

let bench: CheckBench
beforeAll(() => {
  bench = checkBench()
})
afterAll(() => bench.remove())

const suggest = async (data: string): Promise<string> => {
  const ran = await bench.run(['check', '--suggest', '--data', data])
  expect(ran.err).toBe('')
  expect(ran.code).toBe(0)
  return ran.out
}

/** The rules alone. */
const rulesFor = async (data: string): Promise<readonly string[]> => {
  const ran = await bench.run(['check', '--suggest', data, '--json'])
  return JSON.parse(ran.out).rules.map((each: { readonly rule: string }) => each.rule)
}

const VEGA = join(import.meta.dirname, '../../node_modules/vega-datasets/data')

test.each([
  'movies.json',
  'cars.json',
  'penguins.json',
  'airports.csv',
  'birdstrikes.csv',
  'seattle-weather.csv',
  'stocks.csv',
  'unemployment.tsv',
  'zipcodes.csv',
  'us-employment.csv',
  'github.csv',
  'flare.json',
  'monarchs.json',
])('%s: what is proposed parses and passes', async name => {
  bench.write(name, readFileSync(join(VEGA, name)))
  const text = await suggest(name)
  const parsed = parseRuleset(text, { mode: 'aws' })
  expect(parsed.diagnostics).toEqual([])
  const rules = parsed.ruleset?.rules.length ?? 0
  expect(rules).toBeGreaterThanOrEqual(4)
  // A reason before each, and one line on the whole.
  expect(text.match(/^ *# \S/gm)).toHaveLength(rules + 1)
  bench.write('proposed.dqdl', text)
  const ran = await bench.run(['check', 'proposed.dqdl', '--data', name, '--mode', 'aws'])
  expect(ran.out).toContain(`✓ score 1: ${rules} of ${rules} rules passed`)
  expect(ran.code).toBe(0)
})

test('all kinds of columns', async () => {
  const rows = Array.from({ length: 100 }, (_each, at) =>
    [
      at + 1,
      `user${at}@example.org`,
      `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`,
      ['new', 'paid', 'it"s \\ odd'][at % 3]
        ?.replace(/.*"/, found => `"${found.replaceAll('"', '""')}`)
        .replace(/odd$/, 'odd"'),
      at % 2,
      at === 7 ? '' : 1000 + at * 3.5,
      `2024-01-${String((at % 28) + 1).padStart(2, '0')}`,
      `${String((at % 12) + 1).padStart(2, '0')}/${String((at % 28) + 1).padStart(2, '0')}/2023`,
      String(at * 7 + 100).padStart(5, '0'),
      at % 4 === 0 ? '' : `note ${'x'.repeat(at % 49)}`,
      '',
    ].join(','),
  )
  bench.write('kinds.csv', ['order_id,mail,ref,status,flag,price,day,us_day,zip,note,nothing', ...rows].join('\n'))
  const rules = await rulesFor('kinds.csv')
  expect(rules).toEqual([
    'RowCount > 0',
    'ColumnCount = 11',
    'IsPrimaryKey "order_id"',
    'IsComplete "mail"',
    'IsUnique "mail"',
    'ColumnValues "mail" matches "[^@ ]+@[^@ ]+[.][^@ ]+"',
    'IsComplete "ref"',
    'IsUnique "ref"',
    expect.stringMatching(/^ColumnValues "ref" matches "\[0-9a-fA-F\]\{8\}-/),
    'IsComplete "status"',
    'ColumnValues "status" in ["it\\"s \\\\ odd", "new", "paid"]',
    'IsComplete "flag"',
    'ColumnValues "flag" in [0, 1]',
    'Completeness "price" > 0.98',
    'ColumnValues "price" between 960 and 1390 where "`price` is not null"',
    'IsComplete "day"',
    'ColumnValues "day" >= "2024-01-01"',
    'ColumnValues "day" <= now()',
    'IsComplete "us_day"',
    'ColumnDataType "us_day" = "DATE" with format = "MM/dd/yyyy"',
    'IsComplete "zip"',
    'IsUnique "zip"',
    'ColumnDataType "zip" = "INTEGER"',
    'ColumnLength "zip" = 5',
    'Completeness "note" > 0.675',
    'ColumnLength "note" between 0 and 80 where "`note` is not null"',
  ])
})

test('names that rules cannot hold cost their rules and no others', async () => {
  const names = [
    '"2024-01-01"',
    '"a ""quoted"" one"',
    "it's",
    '"back`tick"',
    'back\\slash',
    'last\\',
    '"line\nend"',
    'plain',
  ]
  const row = (at: number): string => names.map((_name, each) => (at === 0 && each > 0 ? '' : `v${at}`)).join(',')
  bench.write('names.csv', [names.join(','), ...Array.from({ length: 20 }, (_each, at) => row(at))].join('\n'))
  const text = await suggest('names.csv')
  expect(parseRuleset(text, { mode: 'aws' }).diagnostics).toEqual([])
  expect(text).toContain('Completeness "plain" > 0.9')
  expect(text).toContain('Completeness "it\'s" > 0.9')
  bench.write('names.dqdl', text)
  expect((await bench.run(['check', 'names.dqdl', '--data', 'names.csv'])).code).toBe(0)
})

test('a handful of rows has no keys, and a range of one value has two ends', async () => {
  bench.write('few.csv', 'id,n\n1,5\n2,5\n3,5\n')
  expect(await rulesFor('few.csv')).toEqual([
    'RowCount > 0',
    'ColumnCount = 2',
    'IsComplete "id"',
    expect.stringMatching(/^ColumnValues "id" between 0\.\d+ and 3\.\d+$/),
    'IsComplete "n"',
    expect.stringMatching(/^ColumnValues "n" between \d(\.\d)? and \d(\.\d)?$/),
  ])
})

test('no rows: only what can be said of none', async () => {
  bench.write('header.csv', 'a,b\n')
  expect(await rulesFor('header.csv')).toEqual(['ColumnCount = 2'])
  bench.write('empty.csv', '')
  expect(await rulesFor('empty.csv')).toEqual(['ColumnCount = 0'])
})

test('a table of the lake, without the columns of the pipeline', async () => {
  const lake = checkBench()
  const session = await openSession(lake.folder)
  await createTable(lake.lake, definition('users', [column('id', 'long'), column('_raw_object', 'string')]))
  const maker = { root: lake.folder, lake: lake.lake, session, close: async () => undefined }
  await appendRows(maker, 'users', sql`SELECT range AS id, 'x' AS _raw_object FROM range(1, 51)`)
  const ran = await lake.run(['check', '--suggest', 'users'])
  await session.close()
  lake.remove()
  expect(ran.out).toContain('RowCount > 0')
  expect(ran.out).toContain('IsPrimaryKey "id"')
  expect(ran.out).not.toContain('_raw_object')
  expect(ran.out).not.toContain('ColumnCount')
})

test('a reason cannot end the comment that it stands in', async () => {
  bench.write('from\nRules = [ RowCount = 9 ].csv', 'a\n1\n')
  const text = await suggest('from\nRules = [ RowCount = 9 ].csv')
  expect(text).toMatch(/^# Proposed for from\\nRules/)
  expect(parseRuleset(text, { mode: 'aws' }).ruleset?.rules).toHaveLength(4)
})
