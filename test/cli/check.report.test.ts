// A check prints a line for each rule with its outcome, what it measured and why it failed, whole at any width, and a sum. It
// exits with 0 when all rules passed, 1 when one failed or could not be evaluated. `--json` says the same to programs, in one document.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CheckBench, checkBench } from './check-bench.ts'

let bench: CheckBench
beforeAll(() => {
  bench = checkBench()
  bench.write('people.csv', 'id,name,age\n1,Ann,30\n2,Bob,\n3,Cy,150\n4,Di,41\n')
})
afterAll(() => bench.remove())

const DATA = ['--data', 'people.csv']

test('all rules passed: 0, and no column of reasons', async () => {
  const ran = await bench.check('RowCount = 4, IsComplete "name"', DATA)
  expect(ran.err).toBe('')
  expect(ran.code).toBe(0)
  expect(ran.out.replace(/in [\d.]+ s/, 'in 1 s')).toBe(
    [
      'people.csv  4 rows, 3 columns',
      '',
      '   rule               metrics',
      '   ─────────────────  ──────────────',
      '✓  RowCount = 4       RowCount 4',
      '✓  IsComplete "name"  Completeness 1',
      '',
      '✓ score 1: 2 of 2 rules passed, in 1 s',
      '',
    ].join('\n'),
  )
})

test('a rule that fails or cannot be evaluated: 1, with the reason and the number of rows', async () => {
  const ran = await bench.check('IsComplete "age", IsComplete "nowhere", RowCount > 0', DATA)
  expect(ran.code).toBe(1)
  const [failed, broken, passed] = ran.out.split('\n').filter(line => /^[✓✗!] {2}/.test(line))
  expect(failed).toMatch(/^✗ {2}IsComplete "age" +Completeness 0\.75 +.+\(1 of 4 rows\)$/)
  expect(broken).toMatch(/^! {2}IsComplete "nowhere" +Column nowhere does not exist in the dataset$/)
  expect(passed).toMatch(/^✓ {2}RowCount > 0 +RowCount 4$/)
  expect(ran.out).toMatch(/✗ score 0\.333333: 1 of 3 rules passed, 1 failed, 1 could not be evaluated, in /)
})

test('an error alone is no success', async () => {
  expect((await bench.check('Mean "nowhere" > 1', DATA)).code).toBe(1)
})

test('rows that a threshold lets fail are told of', async () => {
  const ran = await bench.check('ColumnValues "age" < 100 with threshold > 0.4', DATA)
  expect(ran.code).toBe(0)
  expect(ran.out).toMatch(/✓ .* 2 of 4 rows fail\n/)
})

test.each([80, 60, 44])('at %d columns lines are broken, and no word of them is lost', async columns => {
  const rule = 'ColumnValues "name" in ["Ann", "Bob", "somebody else entirely"] where "age > 18"'
  const ran = await bench.check(`${rule}, IsComplete "a_column_with_a_name_that_is_longer_than_its_cell"`, DATA, {
    columns,
  })
  for (const line of ran.out.split('\n').filter(each => !each.includes('score')))
    expect(line.length).toBeLessThanOrEqual(columns)
  // Read downwards in its column, the rule is whole again.
  const text = ran.out.replaceAll(/\s/g, '')
  for (const word of ['"somebody', 'entirely"]', 'where', '18"', 'Compliance']) expect(text).toContain(word)
  expect(ran.out).not.toContain('…')
})

test('--full breaks no line', async () => {
  const list = Array.from({ length: 40 }, (_each, at) => `"name ${at}"`).join(',')
  const ran = await bench.check(`ColumnValues "name" not in [${list}]`, [...DATA, '--full'], { columns: 60 })
  expect(ran.out).toContain(`✓  ColumnValues "name" not in [${list}]  `)
})

test('colours stand beside the text, not in its width', async () => {
  const ran = await bench.check('RowCount = 4, RowCount = 5, Mean "no" > 1', DATA, { colour: true, columns: 80 })
  expect(ran.out).toContain('\x1b[32m✓\x1b[39m  RowCount = 4')
  expect(ran.out).toContain('\x1b[31m✗\x1b[39m  RowCount = 5')
  expect(ran.out).toContain('\x1b[33m!\x1b[39m  Mean')
})

test('what comes from rules and data has no power over the terminal', async () => {
  bench.write('evil.csv', 'a\u001b[31m,b\n1,2\n')
  const ran = await bench.check('IsComplete "a\u001b[31m", ColumnExists "\u202eb"', ['--data', 'evil.csv'])
  for (const sign of ['\u001b', '\u202e']) expect(ran.out).not.toContain(sign)
  expect(ran.out).toContain('IsComplete "a\\u{1b}[31m"')
})

test('warnings stand first, with file, line and caret; they cost nothing', async () => {
  bench.write('warned.dqdl', 'Rules = [ RowCount > 0 ] ]\n')
  const ran = await bench.run(['check', 'warned.dqdl', ...DATA])
  expect(ran.code).toBe(0)
  const lines = ran.out.split('\n')
  expect(lines[0]).toMatch(/^warned\.dqdl:1:26: warning: /)
  expect(lines[1]).toBe('  Rules = [ RowCount > 0 ] ]')
  expect(lines[2]).toBe(`  ${' '.repeat(25)}^`)
  expect(ran.out).toContain('✓ score 1')
})

test('mistakes in the rules: 2, all of them with line and caret, and nothing is evaluated', async () => {
  bench.write('wrong.dqdl', 'Rules = [\n  RowCont > 0,\n  IsComplete "id" and IsUnique "id"\n]\n')
  const ran = await bench.run(['check', 'wrong.dqdl', ...DATA])
  expect(ran.code).toBe(2)
  expect(ran.out).toBe('')
  expect(ran.err).toMatch(/^wrong\.dqdl:2:3: error: .*\n {2} {2}RowCont > 0,\n {4}\^/)
  expect(ran.err).toMatch(/wrong\.dqdl:3:\d+: error: /)
  expect(ran.err).toContain('wrong.dqdl has 2 mistakes; no rule was evaluated')
  const json = await bench.run(['check', 'wrong.dqdl', ...DATA, '--json'])
  expect(json.code).toBe(2)
  expect(JSON.parse(json.out)).toMatchObject({ valid: false, diagnostics: [{ line: 2, column: 3 }, { line: 3 }] })
})

test('--mode aws takes what AWS takes; lenient is the default', async () => {
  bench.write('windows.dqdl', 'Rules = [ RowCount > 0 ]\r\n# end')
  expect((await bench.run(['check', 'windows.dqdl', ...DATA])).code).toBe(0)
  bench.write('windows.dqdl', 'Rules = [\r\n RowCount > 0 ]')
  expect((await bench.run(['check', 'windows.dqdl', ...DATA])).code).toBe(0)
  expect((await bench.run(['check', 'windows.dqdl', ...DATA, '--mode', 'lenient'])).code).toBe(0)
  const aws = await bench.run(['check', 'windows.dqdl', ...DATA, '--mode', 'aws'])
  expect(aws.code).toBe(2)
  expect(aws.err).toContain('windows.dqdl:1:10: error: ')
})

test('--json: one document with rules, metrics, counts and score', async () => {
  const document = await bench.judge(
    'RowCount between 1 and 10 labels=["owner"="shop"], IsComplete "age", Mean "nowhere" > avg(last(3))',
    DATA,
  )
  expect(Object.keys(document)).toEqual([
    'ruleset',
    'valid',
    'data',
    'outcome',
    'score',
    'counts',
    'rules',
    'analyzers',
    'metrics',
    'diagnostics',
    'notes',
    'rowsFile',
  ])
  expect(document).toMatchObject({
    ruleset: 'rules.dqdl',
    valid: true,
    data: { name: 'people.csv', rows: 4, columns: 3 },
    outcome: 'Failed',
    counts: { rules: 3, passed: 1, failed: 1, errored: 1 },
    analyzers: [],
    diagnostics: [],
    rowsFile: null,
  })
  expect(document.score).toBeCloseTo(1 / 3)
  expect(document.rules[0]).toMatchObject({
    rule: 'RowCount between 1 and 10 labels=["owner"="shop"]',
    outcome: 'Passed',
    reason: null,
    metrics: { 'Dataset.*.RowCount': 4 },
    labels: { owner: 'shop' },
    rows: null,
  })
  expect(document.rules[1]).toMatchObject({ outcome: 'Failed', rows: { passed: 3, failed: 1, skipped: 0 } })
  expect(document.rules[1]?.reason).toEqual(expect.any(String))
  expect(document.rules[2]).toMatchObject({ outcome: 'Error', metrics: {} })
  expect(document.metrics).toMatchObject({ 'Column.age.Completeness': 0.75 })
})

test('analyzers are measured, and have no verdict', async () => {
  bench.write('analyzers.dqdl', 'Analyzers = [ RowCount, Completeness "age" ]\n')
  const ran = await bench.run(['check', 'analyzers.dqdl', ...DATA])
  expect(ran.code).toBe(0)
  expect(ran.out).toMatch(/analyzer +metrics\n.*\n +RowCount +RowCount 4\n +Completeness "age" +Completeness 0\.75\n/)
})

test('without a history, rules that ask for one are told what that means', async () => {
  const document = await bench.judge('RowCount > avg(last(3)), DetectAnomalies "RowCount", RowCount > 1', DATA)
  expect(document.notes).toEqual([expect.stringContaining('2 rules compare with earlier runs')])
  expect((await bench.judge('RowCount > 1', DATA)).notes).toEqual([])
})

test('a ruleset of 1,000 rules', async () => {
  const rules = Array.from({ length: 1_000 }, (_each, at) => `ColumnValues "id" < ${at + 1}`).join(',\n')
  const document = await bench.judge(rules, DATA)
  // The largest id is 4: the rules of 1 to 4 fail.
  expect(document.counts).toEqual({ rules: 1_000, passed: 996, failed: 4, errored: 0 })
  expect(document.rules.findIndex(rule => rule.outcome === 'Passed')).toBe(4)
})

test('a check of files leaves nothing behind', async () => {
  await bench.check('RowCount > 0', DATA)
  expect(existsSync(join(bench.folder, '.sluice'))).toBe(false)
})
