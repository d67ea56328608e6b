// What a rule's outcome means for the batch, as a table: rules about every row put rows aside, rules about the whole or about a share judge the
// batch, errors fail closed, and the label `severity` overrides.
import { expect, test } from 'vitest'
import { type Consequence, consequenceOf } from '#functions/quality/consequence.ts'
import type { QualitySettings } from '#lake/dataset.ts'
import { type Labels, labelsOf, type Rule } from '#lake/dqdl/ast.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'

function parsed(text: string): { readonly rule: Rule; readonly labels: Labels } {
  const { ruleset } = parseRuleset(`Rules = [ ${text} ]`, { mode: 'lenient' })
  const rule = ruleset?.rules[0]
  if (!ruleset || !rule) throw new Error(`no rule: ${text}`)
  return { rule, labels: labelsOf(ruleset, rule) }
}

type Case = readonly [rule: string, result: string, halt: Consequence, warn: Consequence]

// onFailure: halt | warn, both with rows: quarantine.
const CASES: readonly Case[] = [
  ['IsComplete "a"', 'Passed rows', 'none', 'none'],
  ['IsComplete "a"', 'Failed rows', 'quarantine', 'quarantine'],
  ['IsComplete "a"', 'Error', 'halt', 'none'],
  ['RowCount > 5', 'Failed', 'halt', 'none'],
  ['RowCount > 5', 'Passed', 'none', 'none'],
  ['Completeness "a" > 0.9', 'Failed rows', 'halt', 'none'],
  ['Completeness "a" = 1.0', 'Failed rows', 'quarantine', 'quarantine'],
  ['Completeness "a" >= 1', 'Failed rows', 'quarantine', 'quarantine'],
  ['Completeness "a" > 1', 'Failed rows', 'halt', 'none'],
  ['Completeness "a" between 0.9 and 1.1', 'Failed rows', 'halt', 'none'],
  ['Uniqueness "a" "b" > 0.5', 'Failed rows', 'halt', 'none'],
  ['UniqueValueRatio "a" = 1', 'Failed rows', 'quarantine', 'quarantine'],
  ['ReferentialIntegrity "a" "t.b" = 1.0', 'Failed rows', 'quarantine', 'quarantine'],
  ['ReferentialIntegrity "a" "t.b" = 1.0', 'Failed', 'halt', 'none'],
  ['ReferentialIntegrity "a" "t.b" > 0.9', 'Failed rows', 'halt', 'none'],
  ['ColumnValues "a" = 1', 'Failed rows', 'quarantine', 'quarantine'],
  ['ColumnValues "a" > 1 with threshold > 0.5', 'Failed rows', 'halt', 'none'],
  ['ColumnValues "a" > 1 with threshold = 1.0', 'Failed rows', 'quarantine', 'quarantine'],
  ['(IsComplete "a") and (ColumnValues "b" > 0)', 'Failed rows', 'quarantine', 'quarantine'],
  ['(IsComplete "a") and (Completeness "b" > 0.5)', 'Failed rows', 'halt', 'none'],
  ['(IsComplete "a") or (RowCount > 0)', 'Failed', 'halt', 'none'],
  ['IsComplete "a" labels=["severity"="warn"]', 'Failed rows', 'none', 'none'],
  ['IsComplete "a" labels=["severity"="warn"]', 'Error', 'none', 'none'],
  ['IsComplete "a" labels=["severity"="halt"]', 'Failed rows', 'halt', 'halt'],
  ['RowCount > 5 labels=["severity"="halt"]', 'Failed', 'halt', 'halt'],
  ['RowCount > 5 labels=["severity"="halt"]', 'Error', 'halt', 'halt'],
  ['RowCount > 5 labels=["severity"="halt"]', 'Passed', 'none', 'none'],
  ['RowCount > 5 labels=["severity"="quarantine"]', 'Failed', 'halt', 'none'],
  ['Completeness "a" > 0.9 labels=["severity"="quarantine"]', 'Failed rows', 'quarantine', 'quarantine'],
  ['RowCount > 5 labels=["severity"="critical"]', 'Failed', 'halt', 'none'],
]

const consequence = (
  text: string,
  result: string,
  settings: Pick<QualitySettings, 'onFailure' | 'rows'>,
): Consequence => {
  const { rule, labels } = parsed(text)
  const [outcome, rows] = result.split(' ') as ['Passed' | 'Failed' | 'Error', string | undefined]
  return consequenceOf(rule, { outcome, labels, rowLevel: rows !== undefined }, settings)
}

test.each(CASES)('%s: %s', (rule, result, halt, warn) => {
  expect(consequence(rule, result, { onFailure: 'halt', rows: 'quarantine' })).toBe(halt)
  expect(consequence(rule, result, { onFailure: 'warn', rows: 'quarantine' })).toBe(warn)
  // Rows that are kept are kept, unless the rule says otherwise; nothing else changes.
  const kept = halt === 'quarantine' && !rule.includes('severity') ? 'none' : halt
  expect(consequence(rule, result, { onFailure: 'halt', rows: 'keep' })).toBe(kept)
})
