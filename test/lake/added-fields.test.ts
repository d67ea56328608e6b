// What ExtractNewRecordState adds is found under the names that it is declared to have, and names under which nothing could be found are refused.
import { expect, test } from 'vitest'
import { addedFieldsOf, placesOf } from '../../lake/added-fields.ts'
import { defineDataset } from '../../lake/dataset.ts'
import type { ChangeSourceSpec } from '../../lake/dataset-changes.ts'

const declare = (changes: ChangeSourceSpec) =>
  defineDataset({
    name: 'customers',
    source: { system: 'shop', format: 'ndjson', match: 'cdc/**', changes },
    columns: { id: 'long', Lsn: { type: 'string', from: 'Position' } },
    publish: { mode: 'merge', key: 'id' },
  }).source.changes

const flattened: ChangeSourceSpec = { shape: 'flattened', wrapper: 'kafka', connector: 'postgresql' }

test('undeclared, both have two underscores and the names that they have in the source', () => {
  const changes = declare(flattened)
  expect(changes?.addFields).toEqual({ prefix: '__', names: {} })
  expect(changes?.addHeaders).toEqual({ prefix: '__', names: {} })
  expect(placesOf(addedFieldsOf(undefined), 'lsn')).toEqual(['__lsn', '__source_lsn'])
})

test('a new name replaces the old one behind the prefix, of the field as it was written', () => {
  const added = addedFieldsOf({ prefix: 'm_', names: { lsn: 'log_position', 'source.ts_ms': 'at' } })
  expect(placesOf(added, 'lsn')).toEqual(['m_log_position', 'm_source_lsn'])
  expect(placesOf(added, 'ts_ms')).toEqual(['m_ts_ms', 'm_at'])
  expect(placesOf(added, 'op')).toEqual(['m_op', 'm_source_op'])
})

test('without a prefix only what is named is no column', () => {
  const added = addedFieldsOf({ prefix: '', names: { 'source.sequence': 'seq' } })
  expect(placesOf(added, 'sequence')).toEqual(['seq'])
  expect(placesOf(added, 'table')).toEqual([])
  expect(declare({ ...flattened, addFields: added })?.addFields).toEqual(added)
})

const REFUSED: readonly (readonly [string, ChangeSourceSpec, RegExp])[] = [
  ['an envelope', { shape: 'debezium', addFields: {} }, /addFields applies to shape 'flattened'/],
  ['headers of files', { ...flattened, wrapper: 'none', addHeaders: {} }, /addHeaders applies to wrapper 'kafka'/],
  ['headers of Kinesis', { ...flattened, wrapper: 'kinesis', addHeaders: {} }, /addHeaders applies to wrapper 'kafka'/],
  [
    'a misspelt setting',
    { ...flattened, addFields: { prefixes: '_' } as ChangeSourceSpec['addFields'] & object },
    /addFields\.prefixes is not a setting; the settings are prefix, names/,
  ],
  ['a prefix that is none', { ...flattened, addFields: { prefix: 'a b' } }, /addFields\.prefix must be letters/],
  ['no prefix and no names', { ...flattened, addHeaders: { prefix: '' } }, /addHeaders\.prefix is empty: say in names/],
  [
    'a name that nothing reads',
    { ...flattened, addFields: { names: { lns: 'x' } } },
    /addFields\.names names "lns", which nothing here reads: leave it out\. What is read of postgresql is op, .*lsn/,
  ],
  ["another connector's", { ...flattened, addFields: { names: { pos: 'x' } } }, /names "pos", which nothing here/],
  ['a new name that is none', { ...flattened, addFields: { names: { op: '' } } }, /names\.op must be the new name/],
  ['a name with a quote', { ...flattened, addFields: { names: { op: 'o"p' } } }, /names\.op must be the new name/],
  ['one name for two', { ...flattened, addFields: { names: { op: 'LSN' } } }, /puts op and lsn both at "__lsn"/],
  [
    'a column that differs by case',
    { ...flattened, addFields: { prefix: '', names: { lsn: 'lsn' } } },
    /puts a field at "lsn", which differs from the column "Lsn" by case alone/,
  ],
  [
    'a name in the source that differs by case',
    { ...flattened, addFields: { prefix: '', names: { lsn: 'position' } } },
    /at "position", which differs from the column "Position"/,
  ],
  [
    'no version anywhere',
    { ...flattened, wrapper: 'none', addFields: { prefix: '', names: { op: 'op' } } },
    /names none of lsn, sequence: without a version nothing tells/,
  ],
]

test.each(REFUSED)('%s is refused', (_name, changes, reason) => {
  expect(() => declare(changes)).toThrow(reason)
})
