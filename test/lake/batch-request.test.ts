// Only a listed dataset and a batch id reach the stories: whoever may invoke a function may send it anything, and the
// batch becomes part of keys.
import { expect, test } from 'vitest'
import { batchRequest } from '#lake/batch-request.ts'
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
