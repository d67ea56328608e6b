// Only a listed dataset and a batch id reach the stories: whoever may invoke a function may send it anything, and the
// batch becomes part of keys.
import { expect, test } from 'vitest'
import { batchRequest, mergeStep } from '#lake/batch-request.ts'
import { defineDataset } from '#lake/dataset.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: 'long' },
})
const batch = '01JGFJJZ00ABCDEFGHJKMNPQRS'

test('a listed dataset and the id of a batch pass', () => {
  expect(batchRequest([orders], { dataset: 'orders', batch })).toEqual({ dataset: orders, batch })
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['text', 'orders'],
  ['another dataset', { dataset: 'users', batch }],
  ['a property of every object', { dataset: 'constructor', batch }],
  ['no batch', { dataset: 'orders' }],
  ['a number', { dataset: 'orders', batch: 1 }],
  ['a path', { dataset: 'orders', batch: '../../01JGFJJZ00ABCDEFGHJKMN' }],
  ['a longer id', { dataset: 'orders', batch: `${batch}0` }],
  ['a lower-case id', { dataset: 'orders', batch: batch.toLowerCase() }],
])('%s does not', (_name, event) => {
  expect(() => batchRequest([orders], event)).toThrow(expect.objectContaining({ kind: 'event-invalid' }))
})

const run = '3a6b8f6e-8d5e-4d5c-9e0b-2f1f3c1a7b10'

test('the step of a merge passes as it was answered, and need not be there', () => {
  expect(mergeStep({ dataset: 'orders', batch })).toBeUndefined()
  expect(mergeStep({ step: { run, round: 3, more: 1 } })).toEqual({ run, round: 3 })
})

test.each<[string, unknown]>([
  ['null', null],
  ['a run alone', { run }],
  ['a path', { run: '../../verdict', round: 1 }],
  ['a quote', { run: `${run.slice(0, -1)}'`, round: 1 }],
  ['a round of text', { run, round: '1' }],
  ['round 0', { run, round: 0 }],
  ['half a round', { run, round: 1.5 }],
])('%s is no step', (_name, step) => {
  expect(() => mergeStep({ step })).toThrow(expect.objectContaining({ kind: 'event-invalid' }))
})
