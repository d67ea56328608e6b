// Contract: the command runs every line of a file of cases, names each failure with what was expected and what came, ends with the count,
// and exits with 1 when one failed and with 2 when it was not told what to run.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

test.each([[[]], [['dqdl-parse']], [['nonsense', 'x']]])('told %j it says how', args => {
  expect(run(...args)).toMatchObject({
    status: 2,
    stdout: '',
    stderr: 'usage: npm run conformance -- dqdl-parse|dqdl-evaluate FILE\n',
  })
})
