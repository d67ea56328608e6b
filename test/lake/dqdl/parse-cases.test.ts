// Contract: what AWS's parser takes, ours takes; what it refuses, ours refuses; and it prints, names and counts what AWS's model does.
// Each line of cases/parse.jsonl is one text and what becomes of it, in the format of the conformance suites.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { checkParse, type ParseCase } from '../../../conformance/dqdl-parse.ts'

const file = fileURLToPath(new URL('cases/parse.jsonl', import.meta.url))
const cases = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map(line => JSON.parse(line) as ParseCase)

test.each(cases.map(each => [each.name ?? each.ruleset, each] as const))('%s', (_name, given) => {
  expect(checkParse(given)).toEqual([])
})

test('the cases are many, of both verdicts and of both modes, each with a name of its own', () => {
  const count = (matches: (each: ParseCase) => boolean) => cases.filter(matches).length
  expect(cases.length).toBeGreaterThanOrEqual(800)
  expect(count(each => each.valid)).toBeGreaterThanOrEqual(300)
  expect(count(each => !each.valid)).toBeGreaterThanOrEqual(300)
  expect(count(each => each.mode === 'lenient')).toBeGreaterThanOrEqual(15)
  expect(new Set(cases.map(each => each.name)).size).toBe(cases.length)
})

test('a case fails by everything that it asserts', () => {
  const ruleset = 'Rules = [ RowCount > 1 where "a" labels=["k"="v"] ] Analyzers = [ ColumnCount ]'
  const wrong: ParseCase = {
    ruleset,
    valid: true,
    rule_count: 2,
    rule_types: { '0': 'Mean' },
    canonical: 'x',
    canonical_rules: { '0': 'x' },
    canonical_analyzers: { '0': 'x' },
    analyzer_count: 0,
    analyzer_types: { '0': 'Mean' },
    labels: { '0': {} },
    where: { '0': null },
    params: { '0': { a: 'b' } },
    metric: 2,
    passes: false,
  }
  const told = checkParse(wrong).map(line => line.replace(/:.*/s, ''))
  expect(told).toEqual([
    'rule_count',
    'analyzer_count',
    'canonical',
    'rule_types[0]',
    'canonical_rules[0]',
    'canonical_analyzers[0]',
    'analyzer_types[0]',
    'labels[0]',
    'where[0]',
    'params[0]',
    'passes',
  ])
  expect(checkParse({ ruleset, valid: false })).toEqual(['valid: expected false, got true'])
  expect(checkParse({ ruleset: 'x', valid: true })[0]).toMatch(/^valid: expected true, got false\n1:1: error: /)
  expect(checkParse({ ruleset: 'x', valid: false, error_contains: ['expected', 'no such'] })).toEqual([
    expect.stringMatching(/^error: expected "no such" in\n/),
  ])
  expect(checkParse({ ruleset: 'Rules = [ IsComplete "a" ]', valid: true, metric: 1, passes: true })).toEqual([
    'metric: the first rule has no condition on a number',
  ])
})
