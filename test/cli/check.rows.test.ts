// --rows writes every row of the data, in its order, with the columns that Glue adds: the rules that it passes, fails and skips, and
// whether it failed any. Every format holds the same; lists are JSON in CSV. What stood in the file before is replaced at once or not at all.
import { readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { openSession } from '../lake/iceberg/fixture.ts'
import { type CheckBench, checkBench } from './check-bench.ts'

let bench: CheckBench
beforeAll(() => {
  bench = checkBench()
  bench.write('people.csv', 'id,name,age\n3,"Ann, ""A""",30\n1,,\n2,Cy,150\n')
})
afterAll(() => bench.remove())

const RULES = 'RowCount = 3, IsComplete "name", ColumnValues "age" < 100 where "age is not null", IsUnique "id"'
const [COUNT, COMPLETE, AGE, UNIQUE] = RULES.split(', ') as [string, string, string, string]
const write = (target: string, data = 'people.csv') => bench.check(RULES, ['--data', data, '--rows', target])

/** Of the three rows above. */
const JUDGED = [
  { DataQualityRulesPass: [COMPLETE, AGE, UNIQUE], DataQualityRulesFail: [], DataQualityEvaluationResult: 'Passed' },
  { DataQualityRulesPass: [AGE, UNIQUE], DataQualityRulesFail: [COMPLETE], DataQualityEvaluationResult: 'Failed' },
  { DataQualityRulesPass: [COMPLETE, UNIQUE], DataQualityRulesFail: [AGE], DataQualityEvaluationResult: 'Failed' },
].map(row => ({ ...row, DataQualityRulesSkip: [COUNT] }))
const PEOPLE = [
  { id: 3, name: 'Ann, "A"', age: 30 },
  { id: 1, name: null, age: null },
  { id: 2, name: 'Cy', age: 150 },
]
const EXPECTED = PEOPLE.map((person, at) => ({ ...person, ...JUDGED[at] }))

const linesOf = (text: string): readonly unknown[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))

test('NDJSON, in the order of the file; the report says where it is', async () => {
  const ran = await write('out.ndjson')
  expect(ran.code).toBe(1)
  expect(ran.out).toContain('row-level results are in out.ndjson\n')
  const rows = linesOf(String(bench.read('out.ndjson')))
  expect(rows).toEqual(EXPECTED)
  expect(Object.keys(rows[0] as object)).toEqual([
    'id',
    'name',
    'age',
    'DataQualityRulesPass',
    'DataQualityRulesFail',
    'DataQualityRulesSkip',
    'DataQualityEvaluationResult',
  ])
})

test('JSON is one array', async () => {
  await write('out.json')
  expect(JSON.parse(String(bench.read('out.json')))).toEqual(EXPECTED)
})

test('packed', async () => {
  await write('out.ndjson.gz')
  await write('out.ndjson.zst')
  expect(linesOf(String(gunzipSync(bench.read('out.ndjson.gz'))))).toEqual(EXPECTED)
  expect(linesOf(String(zstdDecompressSync(bench.read('out.ndjson.zst'))))).toEqual(EXPECTED)
})

test('CSV: lists are JSON', async () => {
  await write('out.csv')
  const field = (list: readonly string[]): string => {
    const json = JSON.stringify(list)
    return json.includes('"') ? `"${json.replaceAll('"', '""')}"` : json
  }
  expect(String(bench.read('out.csv'))).toBe(
    [
      'id,name,age,DataQualityRulesPass,DataQualityRulesFail,DataQualityRulesSkip,DataQualityEvaluationResult',
      `3,"Ann, ""A""",30,${field([COMPLETE, AGE, UNIQUE])},[],${field([COUNT])},Passed`,
      `1,,,${field([AGE, UNIQUE])},${field([COMPLETE])},${field([COUNT])},Failed`,
      `2,Cy,150,${field([COMPLETE, UNIQUE])},${field([AGE])},${field([COUNT])},Failed`,
      '',
    ].join('\n'),
  )
})

test('Parquet, with lists and the types of the columns', async () => {
  await write('out.parquet')
  const session = await openSession(bench.folder)
  const path = join(bench.folder, 'out.parquet')
  const rows = await session.rows(
    sql`SELECT * REPLACE (id::INTEGER AS id, age::INTEGER AS age) FROM ${path} ORDER BY file_row_number`,
  )
  const types = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${path})`)
  await session.close()
  expect(rows).toEqual(EXPECTED)
  expect(types.map(type => type['column_type'])).toEqual([
    'BIGINT',
    'VARCHAR',
    'BIGINT',
    'VARCHAR[]',
    'VARCHAR[]',
    'VARCHAR[]',
    'VARCHAR',
  ])
})

test('results of an earlier check give way to new ones', async () => {
  await write('first.ndjson')
  const ran = await bench.check('ColumnValues "age" > 0 where "age is not null"', [
    '--data',
    'first.ndjson',
    '--rows',
    'second.ndjson',
  ])
  expect(ran.code).toBe(0)
  const rows = linesOf(String(bench.read('second.ndjson'))) as readonly Record<string, unknown>[]
  expect(rows.map(row => row['DataQualityEvaluationResult'])).toEqual(['Passed', 'Passed', 'Passed'])
  expect(Object.keys(rows[0] ?? {})).toHaveLength(7)
})

test('rules without a word on rows skip all of them, and a rule that cannot be evaluated fails none of the others', async () => {
  await bench.check('RowCount = 3, IsComplete "nowhere", IsComplete "name"', [
    '--data',
    'people.csv',
    '--rows',
    'skip.ndjson',
  ])
  const rows = linesOf(String(bench.read('skip.ndjson'))) as readonly Record<string, unknown>[]
  expect(rows[0]).toMatchObject({ DataQualityRulesPass: ['IsComplete "name"'], DataQualityEvaluationResult: 'Passed' })
  expect(rows[0]?.['DataQualityRulesSkip']).toEqual(['RowCount = 3', 'IsComplete "nowhere"'])
})

test('more rows than the engine takes at once keep their order', async () => {
  const count = 300_000
  bench.write('many.csv', `n\n${Array.from({ length: count }, (_each, at) => count - at).join('\n')}\n`)
  const ran = await bench.check('IsUnique "n", ColumnValues "n" <= 299999', [
    '--data',
    'many.csv',
    '--rows',
    'many.parquet',
  ])
  expect(ran.code).toBe(1)
  const session = await openSession(bench.folder)
  const [row] = await session.rows(
    sql`SELECT count(*)::INTEGER AS rows, count_if(n <> ${count} - file_row_number)::INTEGER AS moved,
      count_if(DataQualityEvaluationResult = 'Failed')::INTEGER AS failed FROM ${join(bench.folder, 'many.parquet')}`,
  )
  await session.close()
  expect(row).toEqual({ rows: count, moved: 0, failed: 1 })
})

test('values that a format has no place for are kept as text', async () => {
  const session = await openSession(bench.folder)
  await session.run(
    sql`COPY (SELECT 'nan'::DOUBLE AS d, {a: [1, 2]} AS s, 18446744073709551615::UBIGINT AS u) TO ${join(bench.folder, 'odd.parquet')} (FORMAT parquet)`,
  )
  await session.close()
  await bench.check('RowCount = 1', ['--data', 'odd.parquet', '--rows', 'odd.ndjson'])
  expect(String(bench.read('odd.ndjson'))).toMatch(/^\{"d":"nan","s":\{"a":\[1,2\]\},"u":18446744073709551615,/)
  await bench.check('RowCount = 1', ['--data', 'odd.parquet', '--rows', 'odd.csv'])
  expect(String(bench.read('odd.csv'))).toContain('\nnan,"{""a"":[1,2]}",18446744073709551615,')
})

test('an empty file has no rows to write', async () => {
  bench.write('none.csv', '')
  const ran = await bench.check('RowCount = 0', ['--data', 'none.csv', '--rows', 'none.ndjson'])
  expect(ran.code).toBe(0)
  expect(String(bench.read('none.ndjson'))).toBe('')
})

test('a column has the name of the place of a row', async () => {
  bench.write('row.csv', 'row,ROW_1,_dq0\n2,x,y\n1,x,y\n')
  await bench.check('IsUnique "row"', ['--data', 'row.csv', '--rows', 'row.csv.gz'])
  expect(String(gunzipSync(bench.read('row.csv.gz')))).toMatch(
    /^row,ROW_1,_dq0,DataQualityRulesPass,.*\n2,x,y,.*\n1,x,y,/,
  )
})

test('nothing is written over the data, by no name of it', async () => {
  symlinkSync(join(bench.folder, 'people.csv'), join(bench.folder, 'other-name.csv'))
  const before = String(bench.read('people.csv'))
  for (const target of ['people.csv', './people.csv', 'other-name.csv']) {
    const ran = await write(target)
    expect(ran.err).toContain(`--rows ${target} would write over the data`)
    expect(ran.code).toBe(2)
  }
  bench.write('reference.csv', 'id\n1\n')
  const source = ['--data', 'people.csv', '--source', 'r=reference.csv', '--rows', 'reference.csv']
  expect((await bench.check('RowCountMatch "r" > 0', source)).code).toBe(2)
  expect(String(bench.read('people.csv'))).toBe(before)
  expect(readdirSync(bench.folder).filter(name => name.endsWith('.partial'))).toEqual([])
})
