// Data is read as it is: every format gives the same rows, packed or not, whatever the file is called. A column of CSV is a number
// or a date only when all of its values are, so that nothing in them changes. What cannot be read is told, and is never a failed rule.
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { openSession } from '../lake/iceberg/fixture.ts'
import { type CheckBench, checkBench } from './check-bench.ts'

let bench: CheckBench
beforeAll(async () => {
  bench = checkBench()
  const session = await openSession(bench.folder)
  await session.run(
    sql`COPY (SELECT * FROM (VALUES (1, 'Ann', 1.5), (2, NULL, NULL)) t(id, name, share)) TO ${join(bench.folder, 'plain.parquet')} (FORMAT parquet)`,
  )
  await session.close()
})
afterAll(() => bench.remove())

const CSV = 'id,name,share\n1,Ann,1.5\n2,,\n'
const NDJSON = '{"id":1,"name":"Ann","share":1.5}\n{"id":2,"name":null}\n'
const ARRAY = '[{"id":1,"name":"Ann","share":1.5},\n {"id":2,"name":null,"share":null}]'
/** Holds for the rows of all of these, and for no others. */
const RULES = `RowCount = 2, ColumnCount = 3, Sum "id" = 3, Mean "share" = 1.5, Completeness "name" = 0.5,
  ColumnValues "name" in ["Ann", NULL]`

test.each([
  ['a.csv', CSV],
  ['semicolon.csv', CSV.replaceAll(',', ';')],
  ['a.tsv', CSV.replaceAll(',', '\t')],
  ['windows.csv', CSV.replaceAll('\n', '\r\n')],
  ['mixed-ends.csv', CSV.replace('\n', '\r\n')],
  ['marked.csv', `\ufeff${CSV}`],
  ['blank-first.csv', `\n\n${CSV}`],
  ['a.csv.gz', gzipSync(CSV)],
  ['a.csv.zst', zstdCompressSync(CSV)],
  ['a.ndjson', NDJSON],
  ['a.jsonl', NDJSON],
  ['lines.json', NDJSON],
  ['marked.ndjson', `\ufeff${NDJSON}`],
  ['a.json', ARRAY],
  ['marked.json', `\ufeff${ARRAY}`],
  ['a.json.gz', gzipSync(ARRAY)],
  ['a.ndjson.zst', zstdCompressSync(NDJSON)],
])('%s', async (name, content) => {
  bench.write(name, content)
  const { rules } = await bench.judge(RULES, ['--data', name])
  expect(rules.filter(rule => rule.outcome !== 'Passed')).toEqual([])
})

test('Parquet', async () => {
  expect(await bench.outcomes(RULES, ['--data', 'plain.parquet'])).toEqual(Array(6).fill('Passed'))
})

test.each(["it's [1] *.csv", 'a "quoted" ?.csv', '--dash.csv', 'ünïcode 名.csv', '; drop table x.csv', 'a{b}$(c).csv'])(
  'a file called %s',
  async name => {
    bench.write(name, CSV)
    // Another file that the name would match if it were a pattern.
    bench.write('it s 1 x.csv', 'other\n1\n')
    expect(await bench.outcomes('RowCount = 2, ColumnExists "share"', [`--data=./${name}`])).toEqual([
      'Passed',
      'Passed',
    ])
  },
)

test('a link is followed', async () => {
  bench.write('target.csv', CSV)
  symlinkSync(join(bench.folder, 'target.csv'), join(bench.folder, 'link.csv'))
  expect(await bench.outcomes('RowCount = 2', ['--data', 'link.csv'])).toEqual(['Passed'])
})

test('line ends, quotes and delimiters in quotes; an empty field is null, an empty text is none', async () => {
  bench.write('quoted.csv', 'id,"the, name"\n1,"a\nb ""c"", d"\n2,""\n3,\n')
  const rules = `RowCount = 3, ColumnCount = 2, Completeness "the, name" > 0.6, Completeness "the, name" < 0.7,
    ColumnValues "the, name" in ["a\nb \\"c\\", d", EMPTY, NULL]`
  const { rules: judged } = await bench.judge(rules, ['--data', 'quoted.csv'])
  expect(judged.filter(rule => rule.outcome !== 'Passed')).toEqual([])
})

test('types: only what no value changes by', async () => {
  bench.write(
    'typed.csv',
    [
      'whole,zip,fraction,big,word,day,time,truth,sparse,empty,sign',
      '1,007,1.50,12345678901234567890,1,2024-02-29,2024-01-01T10:00:00Z,true,,,+1',
      '-20,123,-0.5e3,1,n/a,2023-12-31,2024-01-02 11:30,FALSE,"",,2',
      '3,010,.25,2,3,2024-01-01,2024-01-03 12:00:00.5,true,7,,3',
    ].join('\n'),
  )
  const rules = `
    ColumnValues "whole" between -21 and 4, Sum "fraction" between -498.3 and -498.2,
    ColumnValues "zip" in ["007", "123", "010"], ColumnLength "zip" = 3,
    ColumnValues "big" in ["12345678901234567890", "1", "2"],
    ColumnValues "word" in ["1", "n/a", "3"], ColumnDataType "word" = "INTEGER" with threshold > 0.6,
    ColumnValues "day" > "2023-12-30", ColumnValues "time" >= "2024-01-01",
    ColumnValues "truth" in ["true", "false"],
    Completeness "sparse" < 0.4, Sum "sparse" = 7, Completeness "empty" = 0,
    ColumnValues "sign" in ["+1", "2", "3"]`
  const { rules: judged } = await bench.judge(rules, ['--data', 'typed.csv'])
  expect(judged.filter(rule => rule.outcome !== 'Passed')).toEqual([])
  // Text is not compared as numbers.
  const [zip, word] = await bench.outcomes('ColumnValues "zip" > 1, ColumnValues "word" > 0', ['--data', 'typed.csv'])
  expect([zip, word]).not.toContain('Passed')
})

test('a value behind the first thousands counts for the type, too', async () => {
  const rows = Array.from({ length: 5_000 }, (_each, at) => String(at + 1))
  bench.write('late.csv', ['n', ...rows, 'unknown'].join('\n'))
  expect(
    await bench.outcomes('RowCount = 5001, ColumnValues "n" not in ["5000"] with threshold < 1.0', [
      '--data',
      'late.csv',
    ]),
  ).toEqual(['Passed', 'Passed'])
  bench.write('clean.csv', ['n', ...rows].join('\n'))
  expect(await bench.outcomes('Sum "n" = 12502500', ['--data', 'clean.csv'])).toEqual(['Passed'])
})

test('names that a header gives twice are told, and can be checked', async () => {
  bench.write('twice.csv', 'a,A,,a\n1,2,3,4\n')
  const document = await bench.judge('Sum "a" = 1, Sum "A_1" = 2, Sum "column3" = 3, Sum "a_2" = 4', [
    '--data',
    'twice.csv',
  ])
  expect(document.rules.map(rule => rule.outcome)).toEqual(Array(4).fill('Passed'))
  expect(document.notes).toHaveLength(2)
  expect(document.notes[0]).toContain('"A_1"')
})

test('text in JSON stays as it is written', async () => {
  bench.write(
    'texts.json',
    JSON.stringify([
      { u: '550E8400-E29B-41D4-A716-446655440000', d: '2024-01-01', n: '007', mixed: 300, deep: { a: [1] } },
      { u: 'AA0E8400-E29B-41D4-A716-446655440000', d: '2024-02-30', n: '8', mixed: 'x', deep: { a: [] } },
    ]),
  )
  const rules = `ColumnValues "u" matches "[0-9A-F-]{36}", ColumnLength "d" = 10, ColumnValues "n" in ["007", "8"],
    ColumnValues "mixed" in ["300", "x"], IsComplete "deep"`
  expect(await bench.outcomes(rules, ['--data', 'texts.json'])).toEqual(Array(5).fill('Passed'))
})

test.each([
  ['empty.csv', ''],
  ['empty.tsv', '\n\n'],
  ['empty.ndjson', ''],
  ['empty.json', '[]'],
  ['spaces.json', ' [ ]\n'],
  ['empty.csv.gz', gzipSync('')],
])('%s has no rows and no columns: rules say what that means', async (name, content) => {
  bench.write(name, content)
  expect(await bench.outcomes('RowCount > 0, RowCount = 0, ColumnCount = 0, IsComplete "a"', ['--data', name])).toEqual(
    ['Failed', 'Passed', 'Passed', 'Error'],
  )
})

test('a header alone has columns and no rows', async () => {
  bench.write('header.csv', 'a,b\n')
  expect(await bench.outcomes('RowCount = 0, ColumnCount = 2', ['--data', 'header.csv'])).toEqual(['Passed', 'Passed'])
})

test.each([
  [
    'ragged.csv',
    'a,b\n1,2\n3\n',
    /^error: ragged\.csv, line 3: 1 fields where the header has 2\nnext: {2}correct the line/,
  ],
  ['open.csv', 'a,b\n1,"2\n', /^error: open\.csv, line 2: a quote that does not end/],
  [
    'latin.csv',
    Buffer.from('a,b\n1,caf\xe9\n', 'latin1'),
    /^error: latin\.csv, line 2: bytes that are not UTF-8\nnext: {2}save it as UTF-8/,
  ],
  ['broken.json', '[{"a":1},{"a":', /^error: broken\.json: .*\nnext: {2}correct the file/],
  ['broken.ndjson', '{"a":1}\n{a}\n', /^error: broken\.ndjson: .*in line 2: .*\nnext:/],
  ['text.parquet', 'a,b\n1,2\n', /^error: text\.parquet is no Parquet file that can be read\nnext:/],
  ['empty.parquet', '', /^error: empty\.parquet is no Parquet file that can be read\nnext:/],
  [
    'unpacked.csv.gz',
    'a,b\n1,2\n',
    /^error: unpacked\.csv\.gz cannot be read: .*\nnext: {2}check that it is packed as its name says/,
  ],
  ['unpacked.json.zst', '[]', /^error: unpacked\.json\.zst cannot be read: .*\nnext: {2}check that it is packed/],
])('%s cannot be read: 2, with what to do', async (name, content, message) => {
  bench.write(name, content)
  const ran = await bench.check('RowCount > 0', ['--data', name])
  expect(ran.err).toMatch(message)
  expect(ran.err.trimEnd().split('\n')).toHaveLength(2)
  expect(ran.code).toBe(2)
  expect(ran.out).toBe('')
})
