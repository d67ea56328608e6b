// Contract: the command runs every line of a file of cases, names each failure with what was expected and what came, ends with the count,
// and exits with 1 when one failed and with 2 when it was not told what to run.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'conformance-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['conformance/run.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

function file(...lines: readonly string[]): string {
  const path = join(folder, `${lines.length}.jsonl`)
  writeFileSync(path, `${lines.join('\n')}\n`)
  return path
}

const good = '{"name": "one", "ruleset": "Rules = [ RowCount > 1 ]", "valid": true, "rule_count": 1}'

test('all pass', () => {
  expect(run('dqdl-parse', file(good, '', good))).toMatchObject({ status: 0, stdout: '2 passed, 0 failed\n' })
})

test('our own cases pass', () => {
  expect(run('dqdl-parse', 'test/lake/dqdl/cases/parse.jsonl')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^\d+ passed, 0 failed\n$/),
  })
})

test('a folder of cases is run file by file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-cdc-'))
  const own = 'test/functions/cdc-apply/cases'
  for (const name of ['pg_lsn_above_2_53.json', 'pg_bad_values_are_put_aside_one_by_one.json'])
    copyFileSync(join(root, own, name), join(folder, name))
  const wrong = JSON.parse(readFileSync(join(root, own, 'pg_lsn_above_2_53.json'), 'utf8'))
  writeFileSync(join(folder, 'wrong.json'), JSON.stringify({ ...wrong, name: 'wrong', expected_rows: [] }))
  const { status, stdout } = run('cdc', folder)
  expect(status).toBe(1)
  expect(stdout).toBe(
    'FAIL wrong.json: wrong\n  public.customers has [["id","1"],["name","newer"]]\n2 passed, 1 failed\n',
  )
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

test('each file that is no case says what is wrong with it, and the others are run, those of folders below too', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-form-'))
  mkdirSync(join(folder, 'below'))
  const text = readFileSync(join(root, 'test/functions/cdc-apply/cases/pg_lsn_above_2_53.json'), 'utf8')
  const right = JSON.parse(text)
  const files: Readonly<Record<string, string>> = {
    'below/right.json': text,
    'broken.json': '{"name": "broken", oops',
    'empty.json': '',
    'event.json': JSON.stringify({ ...right, batches: [[{ topic: 't' }]] }),
    'expected.json': JSON.stringify({ ...right, expected_rows: undefined, expected_stats: undefined }),
    'invariant.json': JSON.stringify({ ...right, invariants: ['shuffle'] }),
    'option.json': JSON.stringify({ ...right, options: { modee: 'scd2' } }),
    'expectation.json': JSON.stringify({ ...right, expected_row: [] }),
    'table.json': JSON.stringify({ ...right, expected_tables: { 'public.other': [{ id: 1 }] } }),
    'type.json': JSON.stringify({ ...right, columns: { id: 'GEOGRAPHY' } }),
    'list.json': '[]',
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const { status, stdout } = run('cdc', folder)
  expect(status).toBe(1)
  expect(stdout).toMatch(/\n1 passed, 10 failed\n$/)
  for (const problem of [
    /^FAIL broken\.json: broken\n {2}SyntaxError: Expected double-quoted/m,
    /^FAIL empty\.json: \n {2}SyntaxError: Unexpected end/m,
    /^FAIL event\.json: .*\n {2}event 1 of batch 1 must be \{ topic, partition, offset, key, value \}/m,
    /^FAIL expected\.json: .*\n {2}expected_rows must be a list of rows, is missing\n {2}expected_stats must be/m,
    /^FAIL invariant\.json: .*\n {2}invariants must be a list of replay, .*, is \["shuffle"\]$/m,
    /^FAIL option\.json: .*\n {2}options has modee, which no case has; known are mode, /m,
    /^FAIL expectation\.json: .*\n {2}the case has expected_row, which no case has; known are expected_rows, /m,
    /^FAIL table\.json: .*\n {2}rows of public\.other are expected, but the case fills only public\.customers$/m,
    /^FAIL type\.json: .*\n {2}Error: the case has a column of type GEOGRAPHY, which no table can have$/m,
    /^FAIL list\.json: \[\]\n {2}a case is a JSON object$/m,
  ])
    expect(stdout).toMatch(problem)
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

test('a folder without cases fails, and a file may be one case', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-none-'))
  expect(run('cdc', folder)).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('has no cases') })
  expect(run('cdc', 'test/functions/cdc-apply/cases/pg_lsn_above_2_53.json')).toMatchObject({
    status: 0,
    stdout: '1 passed, 0 failed\n',
  })
  rmSync(folder, { recursive: true, force: true })
}, 120_000)

test('a failure is named, and so is a line that is no case', () => {
  const bad = '{"name": "says \\"no\\"", "ruleset": "Rules = [ RowCount ]", "valid": true}'
  const { status, stdout } = run('dqdl-parse', file(good, bad, '{"ruleset": "x"', good))
  expect(status).toBe(1)
  expect(stdout).toMatch(
    /^FAIL line 2: says "no"\n {2}valid: expected true, got false\n {2}1:20: error: expected a cond/,
  )
  expect(stdout).toContain('\nFAIL line 3: {"ruleset": "x"\n  SyntaxError')
  expect(stdout.endsWith('\n2 passed, 2 failed\n')).toBe(true)
})

test('a document that is no case says what it lacks, and a file that is not there ends it', () => {
  const { status, stdout } = run('dqdl-parse', file('{"cases": [{"name": "x"}]}', '[]', good))
  expect(status).toBe(1)
  expect(stdout).toContain('  the case lacks ruleset, valid\n')
  expect(stdout).toContain('  a case is a JSON object\n')
  expect(stdout.endsWith('\n1 passed, 2 failed\n')).toBe(true)
  expect(run('dqdl-evaluate', join(folder, 'nowhere.jsonl'))).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringMatching(/^cannot read .*nowhere\.jsonl: ENOENT[^\n]*\n$/),
  })
})

const table = '"primary": {"columns": [{"name": "a", "type": "varchar(3)"}], "rows": [["x"], [null]]}'
const rows = (expect: string): string =>
  `{"call": "rows", "ruleset": "Rules = [ IsComplete \\"a\\", RowCount > 0 ]", ${table}, "expect": ${expect}}`
const text = '"IsComplete \\"a\\""'

test('lists of rules may be asserted for all rows, for some, by one text, by their length, and by whether there are any', () => {
  const held = [
    `{"row_pass": [[${text}], []], "row_fail": [[], [${text}]], "row_skip": [["RowCount > 0"], ["RowCount > 0"]]}`,
    `{"row_pass": {"0": [${text}]}, "row_fail": {"1": ${text}, "0": false}, "row_skip": 1}`,
    '{"row_skip": true, "row_fail": {"1": 1}}',
  ]
  expect(run('dqdl-evaluate', file(...held.map(rows))).stdout).toBe('3 passed, 0 failed\n')
  const broken = [
    `{"row_pass": [[${text}]]}`,
    `{"row_pass": {"1": ${text}}}`,
    '{"row_fail": true}',
    '{"row_skip": 2}',
    '{"row_skip": {"7": []}}',
  ]
  const { stdout } = run('dqdl-evaluate', file(...broken.map(rows)))
  expect(stdout).toContain(`row_pass[1]: expected ${text}, got []`)
  expect(stdout).toMatch(/row_pass: expected 1 rows, got 2[\s\S]*row_fail\[0\][\s\S]*row_skip\[1\][\s\S]*row_skip\[7\]/)
  expect(stdout.endsWith('\n0 passed, 5 failed\n')).toBe(true)
})

test.each([[[]], [['dqdl-parse']], [['nonsense', 'x']]])('told %j it says how', args => {
  expect(run(...args)).toMatchObject({
    status: 2,
    stdout: '',
    stderr: 'usage: npm run conformance -- dqdl-parse|dqdl-evaluate|cdc|cdc-athena FILE|FOLDER\n',
  })
})
