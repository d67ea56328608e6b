// Every case of the file has the outcomes, metrics, reasons and row results that it states, which were written down from the language's
// reference and not from what the code gives. Each type of rule is among them.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { RULE_NAMES } from '#lake/dqdl/rule-types.ts'
import { checkEvaluate, type EvaluateCase } from '../../../conformance/dqdl-evaluate.ts'

const lines = readFileSync(new URL('cases/evaluate.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
const cases = lines.map(line => JSON.parse(line) as EvaluateCase & { readonly name: string })

test.each(cases.map(each => [each.name, each] as const))('%s', async (_name, wanted) => {
  expect(await checkEvaluate(wanted)).toEqual([])
})

test('there are enough of them, under names of their own, for every type of rule', () => {
  expect(cases.length).toBeGreaterThanOrEqual(200)
  expect(new Set(cases.map(each => each.name)).size).toBe(cases.length)
  const texts = cases.map(each => each.ruleset).join('\n')
  expect(RULE_NAMES.filter(name => !new RegExp(`\\b${name}\\b`).test(texts))).toEqual([])
})

test('what a case does not get, it tells', async () => {
  const [first] = cases
  if (!first) throw new Error('there is no case')
  const problems = await checkEvaluate({ ...first, expect: { rules: { 0: { outcome: 'Failed' } }, row_count: 99 } })
  expect(problems).toEqual([expect.stringContaining('expected Failed, got Passed'), 'row_count: expected 99, got 4'])
})
