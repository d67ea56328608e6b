// A dataset says how its change events look, and is refused, with the reason, where their order could not be told.
import { expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '../../lake/dataset.ts'
import type { ChangeSourceSpec } from '../../lake/dataset-changes.ts'

type Source = DatasetSpec<'id' | 'name' | 'price'>['source']
type Publish = DatasetSpec<'id' | 'name' | 'price'>['publish']

function declare(source: Partial<Source>, publish: Publish = { mode: 'merge', key: 'id' }) {
  return defineDataset({
    name: 'customers',
    source: { system: 'shop', format: 'ndjson', match: 'cdc/**', ...source },
    columns: { id: 'long', name: 'string', price: 'double' },
    publish,
  })
}
const debezium: ChangeSourceSpec = { shape: 'debezium' }

test('a Debezium envelope needs no more than its shape and a key', () => {
  const { source, publish } = declare({ changes: debezium })
  expect(source.changes).toMatchObject({
    shape: 'debezium',
    wrapper: 'none',
    tables: [],
    placeholder: '__debezium_unavailable_value',
    nulls: 'value',
    absent: 'null',
  })
  expect(publish).toEqual({
    mode: 'merge',
    key: ['id'],
    deletes: 'hard',
    tombstoneHours: 168,
    mergeBytesMax: 4 * 1024 ** 3,
  })
})

test('files of DMS have no header and write NULL for null, unless they are declared otherwise', () => {
  const dms: ChangeSourceSpec = { shape: 'dms' }
  expect(declare({ format: 'csv', changes: dms }).source.csv).toMatchObject({ header: false, null: 'NULL' })
  const custom = declare({ format: 'csv', changes: dms, csv: { header: true } })
  expect(custom.source.csv).toMatchObject({ header: true, null: 'NULL' })
})

const REFUSED: readonly (readonly [string, Partial<Source>, Publish | undefined, RegExp])[] = [
  ['merge without changes', {}, undefined, /source\.changes is missing: 'merge' applies change events/],
  ['changes that are appended', { changes: debezium }, 'append', /publish must be 'merge' or 'history'/],
  ['no key', { changes: debezium }, { mode: 'merge', key: [] }, /publish\.key is missing/],
  ['a key that is no column', { changes: debezium }, { mode: 'merge', key: 'uid' }, /"uid", which is not a declared/],
  ['a key that is not exact', { changes: debezium }, { mode: 'merge', key: 'price' }, /keys must be exact/],
  ['soft history', { changes: debezium }, { mode: 'history', key: 'id', deletes: 'soft' }, /history keeps every row/],
  [
    'flattened without a version',
    { changes: { shape: 'flattened' } },
    undefined,
    /Without a version nothing tells a late/,
  ],
  [
    'flattened MongoDB',
    { changes: { shape: 'flattened', connector: 'mongodb' } },
    undefined,
    /no version but a clock, which steps back/,
  ],
  [
    'inserts only',
    { format: 'csv', changes: { shape: 'dms', dms: { operations: 'inserts' } } },
    undefined,
    /deletes never arrive/,
  ],
  [
    'transaction files of all tables',
    { format: 'csv', changes: { shape: 'dms', dms: { transactionFiles: true } } },
    undefined,
    /such files hold rows of every table/,
  ],
  ['Debezium in CSV', { format: 'csv', changes: debezium }, undefined, /source\.format must be 'ndjson'/],
  ['frames in files', { changes: { shape: 'debezium', avro: { 1: '{}' } } }, undefined, /frames are single records/],
  [
    'a table without schema',
    { changes: { shape: 'debezium', tables: 'orders' } },
    undefined,
    /e\.g\. 'public\.orders'/,
  ],
  [
    'an epoch twice',
    { changes: { shape: 'debezium', epochs: { field: 'server_id', order: ['1', '1'] } } },
    undefined,
    /names a value twice/,
  ],
]

test.each(REFUSED)('%s is refused', (_name, source, publish, reason) => {
  expect(() => declare(source, publish)).toThrow(reason)
})

test('names that Sluice keeps for itself, and defaults, are refused', () => {
  const spec = {
    source: { system: 's', format: 'ndjson', match: 'x', changes: debezium },
    publish: { mode: 'merge', key: 'id' },
  } as const
  expect(() => defineDataset({ ...spec, name: 'a', columns: { id: 'long', _version: 'string' } })).toThrow(
    /columns\._version is a name that Sluice keeps for itself/,
  )
  expect(() =>
    defineDataset({ ...spec, name: 'a', columns: { id: 'long', state: { type: 'string', default: 'new' } } }),
  ).toThrow(/a change event without the column says NULL/)
})

test('a setting that is misspelt is refused', () => {
  const misspelt = { shape: 'debezium', placeholders: 'x' } as ChangeSourceSpec
  expect(() => declare({ changes: misspelt })).toThrow(/source\.changes\.placeholders is not a setting/)
})
