// A dataset's gate is checked where it is declared: rules are parsed then and there, a typo fails with its line and column, doubts are kept as
// warnings, and what follows a failure has a default.
import { describe, expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '../../lake/dataset.ts'
import { isLakeError, type LakeError } from '../../lake/errors.ts'

const declare = (quality: unknown) =>
  defineDataset({
    name: 'orders',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
    columns: { id: 'long' },
    quality: quality as NonNullable<DatasetSpec<'id'>['quality']>,
  }).quality

function refusal(quality: unknown): LakeError {
  try {
    declare(quality)
  } catch (error) {
    if (isLakeError(error, 'dataset-invalid')) return error
    throw error
  }
  throw new Error('it was taken')
}

test('a ruleset as text', () => {
  const rules = 'Rules = [ IsComplete "id", RowCount > 0 ]'
  expect(declare(rules)).toMatchObject({ rules, warnings: [], onFailure: 'halt', rows: 'quarantine' })
  expect(declare(rules)?.ruleset.rules).toHaveLength(2)
})

test('a ruleset and what follows when it fails', () => {
  const rules = 'Rules = [ RowCount > 0 ]'
  expect(declare({ rules, onFailure: 'warn' })).toMatchObject({ onFailure: 'warn', rows: 'quarantine' })
  expect(declare({ rules, rows: 'keep' })).toMatchObject({ onFailure: 'halt', rows: 'keep' })
})

test('none', () => {
  expect(declare(undefined)).toBeUndefined()
})

describe('refused', () => {
  test('a typo, with the place and the fix', () => {
    const error = refusal('Rules = [\n  RowCount > 0,\n  IsCompleet "id"\n]')
    expect(error.context).toMatchObject({ dataset: 'orders', field: 'quality' })
    expect(error.message).toMatch(/^dataset "orders": quality is no DQDL ruleset:\n3:3: error: /)
    expect(error.message).toContain('\n    IsCompleet "id"\n    ^')
    expect(error.message).toContain('IsComplete')
  })

  test('all errors at once', () => {
    const { message } = refusal('Rules = [ Nope, RowCount, IsComplete "id" and IsUnique "id" ]')
    expect(message.match(/error: /g)?.length).toBeGreaterThanOrEqual(2)
  })

  test.each([
    ['quality', ''],
    ['quality', 'Rules = []'],
    ['quality', { rules: 'IsComplete "id"' }],
    ['quality.rules', {}],
    ['quality.rules', { rules: 7 }],
    ['quality.onFailure', { rules: 'Rules = [ RowCount > 0 ]', onFailure: 'stop' }],
    ['quality.rows', { rules: 'Rules = [ RowCount > 0 ]', rows: 'drop' }],
    ['quality.row', { rules: 'Rules = [ RowCount > 0 ]', row: 'keep' }],
  ])('%s: %j', (field, quality) => {
    expect(refusal(quality).context['field']).toBe(field)
  })
})

describe('warnings are kept', () => {
  test('what AWS would not take, or would never read', () => {
    const crlf = declare('Rules = [\r\n RowCount > 0\r\n]')
    expect(crlf?.warnings).not.toEqual([])
    const dropped = declare('Analyzers = [ RowCount ] Rules = [ RowCount > 5 ]')
    expect(dropped?.warnings.join()).toContain('1:26: warning: ')
    expect(dropped?.ruleset.rules).toEqual([])
  })

  test('a severity that has no meaning', () => {
    const odd = declare(
      'DefaultLabels=["severity"="high"] Rules = [ RowCount > 0, RowCount > 1 labels=["severity"="warn"] ]',
    )
    expect(odd?.warnings).toEqual([
      'RowCount > 0: the severity "high" has no meaning here; halt, quarantine, warn have one',
    ])
  })
})
