// A key belongs to the dataset with the most specific matching glob, in whatever order the datasets are listed; two datasets that
// claim a key equally are refused before any event is read.
import { describe, expect, test } from 'vitest'
import { defineDataset } from '../../lake/dataset.ts'
import { LakeError } from '../../lake/errors.ts'
import { router } from '../../lake/route.ts'

const dataset = (name: string, ...match: readonly string[]) =>
  defineDataset({ name, source: { system: 'shop', format: 'ndjson', match }, columns: { id: 'long' } })

const everything = dataset('everything', '**')
const orders = dataset('orders', 'orders/**/*.json', 'legacy/orders-*.ndjson')
const returns = dataset('returns', 'orders/returns/*.json')

describe.each([
  ['as listed', [everything, orders, returns]],
  ['the other way round', [returns, orders, everything]],
])('%s', (_name, datasets) => {
  test.each([
    ['orders/a.json', 'orders'],
    ['orders/2024/a.json', 'orders'],
    ['orders/returns/a.json', 'returns'],
    ['orders/returns/2024/a.json', 'orders'],
    ['legacy/orders-1.ndjson', 'orders'],
    ['orders/a.csv', 'everything'],
    ['../../curated/x', 'everything'],
  ])('%s → %s', (key, name) => {
    expect(router(datasets)(key)?.name).toBe(name)
  })
})

test('a key that nothing matches has no dataset', () => {
  expect(router([orders])('orders/a.csv')).toBeUndefined()
  expect(router([])('orders/a.json')).toBeUndefined()
})

const ambiguous = (...datasets: Parameters<typeof router>[0]): LakeError => {
  try {
    router(datasets)
  } catch (error) {
    if (error instanceof LakeError) return error
  }
  throw new Error('not refused')
}

test('equally specific globs of two datasets that meet are refused, with both names and the fix', () => {
  const error = ambiguous(dataset('one', 'in/a*'), dataset('two', 'in/*a'))
  expect(error.kind).toBe('dataset-invalid')
  expect(error.retryable).toBe(false)
  expect(error.message).toBe(
    'datasets "one" and "two": source.match "in/a*" and "in/*a" are equally specific and match some of the same keys; give one ' +
      'of them a longer literal part',
  )
  expect(ambiguous(dataset('one', 'in/*.json'), dataset('two', 'in/*.json')).context).toMatchObject({ other: 'two' })
})

test('equally specific globs that no key matches both of are fine, and so is a dataset that overlaps itself', () => {
  expect(router([dataset('one', 'in/*.json'), dataset('two', 'in/*.avro')])('in/x.avro')?.name).toBe('two')
  expect(router([dataset('one', 'in/a*', 'in/*a')])('in/aa')?.name).toBe('one')
})

test('a glob with more than four `**` is refused, one with four is not', () => {
  expect(ambiguous(dataset('one', '**/a/**/b/**/c/**/d/**')).message).toContain('more than 4 "**"')
  expect(router([dataset('one', '**/a/**/b/**/c/**')])('a/b/c/x')?.name).toBe('one')
})
