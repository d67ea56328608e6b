// A file is put where ingest takes it for the wanted dataset, and nowhere when no key would do: the refusal names the patterns.
import { expect, test } from 'vitest'
import { planPut } from '../../cli/put-plan.ts'
import { defineDataset } from '../../lake/dataset.ts'

const dataset = (name: string, match: readonly string[]) =>
  defineDataset({ name, source: { system: 'shop', format: 'ndjson', match }, columns: { id: 'long' } })

const DATASETS = [
  dataset('orders', ['orders/**']),
  dataset('returns', ['orders/returns/*.ndjson', 'back/*.ndjson']),
  dataset('visits', ['web/**/visits-*.json']),
  dataset('exact', ['one/file.json']),
]

const keys = (files: readonly string[], name: string): readonly string[] =>
  planPut(DATASETS, { files, dataset: name, as: undefined }).map(each => each.key)

test.each([
  ['orders', 'a.csv', 'orders/a.csv'],
  ['orders', '/somewhere/else/a.csv', 'orders/a.csv'],
  ['orders', 'with space.json', 'orders/with space.json'],
  ['returns', 'x.ndjson', 'orders/returns/x.ndjson'], // a dataset's own folder is not always one that it takes
  ['visits', 'visits-1.json', 'web/visits-1.json'],
  ['exact', 'file.json', 'one/file.json'],
])('%s takes %s as %s', (name, file, key) => {
  expect(keys([file], name)).toEqual([key])
})

test('the folder of a stream is not for files: events are sent', () => {
  const stream = { eventTime: 'at' } as const
  const columns = { at: 'timestamptz' } as const
  const only = defineDataset({ name: 'only', source: { system: 'web', format: 'ndjson', stream }, columns })
  const both = defineDataset({
    name: 'both',
    source: { system: 'web', format: 'ndjson', match: 'b/*.json', stream },
    columns,
  })
  const plan = (file: string, dataset: string) => planPut([only, both], { files: [file], dataset, as: undefined })
  expect(refusal(() => plan('a.json', 'only'))).toEqual({
    message: 'only takes single events, and no files',
    next: 'send its lines instead: sluice send a.json --dataset only',
  })
  expect(plan('a.json', 'both').map(each => each.key)).toEqual(['b/a.json'])
  expect(refusal(() => plan('a.csv', 'both')).message).toBe('both takes no file of the name a.csv')
})

test.each([
  ['returns', 'x.csv', 'returns takes no file of the name x.csv', 'it takes orders/returns/*.ndjson, back/*.ndjson: '],
  ['exact', 'other.json', 'exact takes no file of the name other.json', 'it takes one/file.json: '],
  ['visits', 'a.json', 'visits takes no file of the name a.json', 'it takes web/**/visits-*.json: '],
  ['order', 'a', 'there is no dataset order', 'did you mean orders?'],
  ['zzz', 'a', 'there is no dataset zzz', 'there are orders, returns, visits, exact'],
  ['orders', '_SUCCESS', 'ingest ignores orders/_SUCCESS: success-marker', 'give it another name with --as KEY'],
])('%s does not take %s', (name, file, message, next) => {
  expect(refusal(() => keys([file], name))).toEqual({ message, next: expect.stringContaining(next) })
})

test('two files of one name would be one object', () => {
  expect(refusal(() => keys(['a/x.json', 'b/x.json'], 'orders')).message).toBe(
    'two of the files would be orders/x.json in landing',
  )
})

test('a key of the own choice decides the dataset', () => {
  const plan = planPut(DATASETS, { files: ['export.txt'], dataset: undefined, as: 'back/1.ndjson' })
  expect(plan).toEqual([{ file: 'export.txt', key: 'back/1.ndjson', dataset: DATASETS[1] }])
})

test.each([
  ['orders', 'back/1.ndjson', 'the key back/1.ndjson belongs to returns'],
  ['orders', 'elsewhere/1.ndjson', 'the key elsewhere/1.ndjson belongs to no dataset'],
  [undefined, 'elsewhere/1.ndjson', 'the key elsewhere/1.ndjson belongs to no dataset'],
  [undefined, 'orders/../../x', '--as orders/../../x is no landing key'],
  [undefined, '/orders/x', '--as /orders/x is no landing key'],
  [undefined, 'orders/', '--as orders/ is no landing key'],
  [undefined, 'orders/_SUCCESS', 'ingest ignores orders/_SUCCESS: success-marker'],
])('--dataset %s --as %s is refused', (name, as, message) => {
  expect(refusal(() => planPut(DATASETS, { files: ['f'], dataset: name, as })).message).toBe(message)
})

test('which dataset and which file must be clear', () => {
  expect(refusal(() => planPut(DATASETS, { files: ['f'], dataset: undefined, as: undefined }))).toEqual({
    message: 'which dataset the files are for is not said',
    next: 'give --dataset NAME: orders, returns, visits, exact',
  })
  expect(refusal(() => planPut(DATASETS, { files: ['f', 'g'], dataset: 'orders', as: 'orders/x' })).message).toBe(
    '--as names the key of one file',
  )
})

function refusal(work: () => unknown): { readonly message: string; readonly next: unknown } {
  try {
    work()
  } catch (error) {
    if (error instanceof Error && 'context' in error)
      return { message: error.message, next: (error.context as { readonly next: unknown }).next }
    throw error
  }
  throw new Error('not refused')
}
