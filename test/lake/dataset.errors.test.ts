// A wrong declaration fails when its module is loaded, with one terminal error that names the dataset, the field and the fix.
import { describe, expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '../../lake/dataset.ts'
import { LakeError } from '../../lake/errors.ts'

const source = { system: 'shop', format: 'ndjson', match: 'orders/**' } as const

/** Declares what the type checker would refuse, as JavaScript users and computed declarations do. */
function refusal(change: Readonly<Record<string, unknown>>): LakeError {
  const spec = { name: 'orders', source, columns: { id: 'long', at: 'timestamp', tags: { list: 'string' } }, ...change }
  try {
    defineDataset(spec as unknown as DatasetSpec<string>)
  } catch (error) {
    if (error instanceof LakeError) return error
    throw error
  }
  throw new Error('was not refused')
}

test('the error is terminal, and says where and what in its context too', () => {
  const error = refusal({ evolution: 'ignore' })
  expect(error.kind).toBe('dataset-invalid')
  expect(error.retryable).toBe(false)
  expect(error.message).toBe(`dataset "orders": evolution must be 'add', 'widen', 'freeze' or 'discard'`)
  expect(error.context).toEqual({ dataset: 'orders', field: 'evolution' })
})

describe('names', () => {
  test.each(['Orders', '1orders', 'or-ders', '', 'ör', 'a'.repeat(101)])('%j cannot be a Glue table', name => {
    expect(refusal({ name }).context['field']).toBe('name')
  })
  test('the double underscore belongs to side tables', () => {
    expect(refusal({ name: 'orders__raw' }).message).toContain('side tables')
  })
  test('a missing name', () => {
    expect(refusal({ name: undefined }).message).toContain('name must be lower-case letters')
  })
  test('the longest name', () => {
    expect(defineDataset({ name: 'a'.repeat(100), source, columns: { id: 'long' } }).name).toHaveLength(100)
  })
})

test.each([
  ['columns', { columns: {} }, 'is empty: declare at least one column'],
  ['columns._id', { columns: { _id: 'long' } }, 'must not start with an underscore'],
  ['columns. ', { columns: { ' ': 'long' } }, '1 to 255 bytes'],
  ['columns.a\nb', { columns: { 'a\nb': 'long' } }, 'control characters'],
  ['columns.b', { columns: { a: 'long', b: { type: 'long', from: 'A' } } }, 'names must differ by more than case'],
  ['columns.ID', { columns: { id: 'long', ID: 'long' } }, 'names must differ by more than case'],
  ['columns.a', { columns: { a: 'decimal(39,2)' } }, 'precision must be 1 to 38'],
  ['columns.a', { columns: { a: 'decimal(4,5)' } }, 'scale at most the precision'],
  ['columns.a', { columns: { a: null } }, 'has no type'],
  ['columns.a', { columns: { a: {} } }, 'primitive type'],
  ['columns.a.key', { columns: { a: { map: { key: 'int', value: 'int' } } } }, 'JSON has no other keys'],
  ['columns.a.b', { columns: { a: { struct: { b: 'text' } } } }, 'which is no type'],
  ['columns.a.element', { columns: { a: { list: 'text' } } }, 'which is no type'],
  [
    'columns.a.format',
    { columns: { a: { type: 'long', format: 'epoch-millis' } } },
    'date, timestamp and timestamptz only',
  ],
  ['columns.a.format', { columns: { a: { type: 'date', format: 'YYYY-MM-DD' } } }, 'strptime'],
  ['columns.a.default', { columns: { a: { type: { list: 'int' }, default: 0 } } }, 'primitive type only'],
])('%s: %j', (field, change, fix) => {
  const error = refusal(change)
  expect(error.context['field']).toBe(field)
  expect(error.message).toContain(fix)
})

test.each([
  ['contract.version', { contract: { version: 0 } }, 'whole number from 1'],
  ['contract.version', { contract: { version: 1.5 } }, 'whole number from 1'],
  ['contract.accepts', { contract: { version: 3, accepts: { min: 1, max: 2 } } }, "contract's own version 3"],
  ['source.match', { source: { ...source, match: [] } }, 'landing keys'],
  ['source.match', { source: { ...source, match: ['a', ''] } }, 'landing keys'],
  ['source.system', { source: { ...source, system: 'shop|pos' } }, 'becomes an S3 tag'],
  ['source.system', { source: { ...source, system: undefined } }, 'becomes an S3 tag'],
  ['source.csv.delimiter', { source: { ...source, csv: { delimiter: '||' } } }, 'one printable ASCII character'],
  ['source.csv.quote', { source: { ...source, csv: { quote: "''" } } }, 'one printable ASCII character or empty'],
  ['publish.scope', { publish: { mode: 'replace', scope: 'partitions' } }, 'add partitionBy'],
  ['publish.scope', { publish: { mode: 'replace', scope: 'rows' } }, "'table' or 'partitions'"],
  ['limits.objectBytesMax', { limits: { objectBytesMax: 0 } }, 'above 0'],
  ['limits.recordBytesMax', { limits: { recordBytesMax: Number.NaN } }, 'above 0'],
  ['retention.minSnapshots', { retention: { minSnapshots: -1 } }, 'above 0'],
  ['raw.partitions', { raw: { partitions: 'crawled' } }, "'projection' or 'registered'"],
  ['compaction.strategy', { compaction: { strategy: 'hilbert' } }, "'binpack', 'sort' or 'zorder'"],
  ['compaction.strategy', { compaction: { strategy: 'zorder' } }, 'add sortBy'],
  ['compaction.codec', { compaction: { codec: 'lzo' } }, "'zstd' or 'snappy'"],
  ['compaction.targetFileBytes', { compaction: { targetFileBytes: 1_048_575 } }, '1 MiB'],
  ['compaction.targetFileBytes', { compaction: { targetFileBytes: 536_870_913 } }, '512 MiB'],
  ['compaction.targetFileBytes', { compaction: { targetFileBytes: Number.NaN } }, 'whole number'],
  ['compaction.minFiles', { compaction: { minFiles: 1 } }, 'from 2'],
  ['freshness.maxLagMinutes', { freshness: { maxLagMinutes: 0 } }, 'above 0'],
  ['freshness.eventTime', { freshness: { maxLagMinutes: 1, eventTime: 'id' } }, 'timestamptz, timestamp or date'],
  ['freshness.eventTime', { freshness: { maxLagMinutes: 1, eventTime: 'when' } }, 'must name a column'],
  ['dataClass', { dataClass: 'secret' }, "'confidential' or 'pii'"],
  ['partitionBy[1]', { partitionBy: ['day(at)', 'day(id)'] }, 'cannot apply day to id, a long'],
  ['partitionBy[0]', { partitionBy: ['tags'] }, 'which is nested'],
  ['partitionBy[0]', { partitionBy: ['bucket(0, id)'] }, 'cannot apply bucket'],
  ['partitionBy[0]', { partitionBy: ['truncate(4, at)'] }, 'cannot apply truncate to at, a timestamp'],
  ['partitionBy[0]', { partitionBy: ['other'] }, 'the columns are id, at, tags'],
  ['sortBy[0]', { sortBy: ['tags'] }, 'not a declared primitive column'],
  ['partitionsBy', { partitionsBy: [] }, 'is not a setting; the settings are name, description'],
])('%s: %j', (field, change, fix) => {
  const error = refusal(change)
  expect(error.context['field']).toBe(field)
  expect(error.message).toContain(fix)
})
