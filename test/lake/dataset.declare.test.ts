// `defineDataset` turns what a user writes into plain, complete data: every default is filled in, every shorthand spelled out.
import { expect, expectTypeOf, test } from 'vitest'
import { type Dataset, defineDataset, quarantineTableName, rawTableName, tableColumns } from '../../lake/dataset.ts'

const source = { system: 'shop', format: 'ndjson', match: 'orders/**' } as const

test('the shortest declaration', () => {
  expect(defineDataset({ name: 'orders', source, columns: { id: 'long' } })).toEqual({
    name: 'orders',
    description: '',
    source: {
      system: 'shop',
      format: 'ndjson',
      match: ['orders/**'],
      csv: { delimiter: ',', header: true, quote: '"', escape: '"', null: '' },
      records: undefined,
    },
    contract: { version: 1, accepts: { min: 1, max: 1 } },
    columns: [
      { name: 'id', type: 'long', required: false, from: [], default: undefined, format: undefined, doc: undefined },
    ],
    evolution: 'discard',
    partitionBy: [],
    sortBy: [],
    publish: { mode: 'append' },
    limits: { objectBytesMax: 5_000_000_000, recordBytesMax: 16_777_216, expansionMax: 200 },
    raw: { partitions: 'projection' },
    compaction: { targetFileBytes: 268_435_456, minFiles: 5, strategy: 'binpack', codec: 'zstd' },
    retention: { snapshotAgeHours: 120, minSnapshots: 1 },
    quality: undefined,
    freshness: undefined,
    dataClass: 'internal',
    owner: 'unowned',
    tags: {},
  })
})

test('columns: shorthand, options, nesting', () => {
  const { columns } = defineDataset({
    name: 'orders',
    source,
    columns: {
      id: { type: 'long', required: true, from: 'order_id', doc: 'number of the order' },
      amount: { type: 'decimal(12, 2)', default: 0, from: ['sum', 'total'] },
      paid: { type: 'boolean', default: false },
      at: { type: 'timestamptz', format: 'epoch-millis' },
      lines: { list: { struct: { sku: 'string', count: { type: 'int', required: true } } } },
      labels: { map: { key: 'string', value: { list: 'double' } } },
    },
  })
  const plain = { required: false, from: [], default: undefined, format: undefined, doc: undefined }
  expect(columns).toEqual([
    { ...plain, name: 'id', type: 'long', required: true, from: ['order_id'], doc: 'number of the order' },
    { ...plain, name: 'amount', type: 'decimal(12,2)', from: ['sum', 'total'], default: '0' },
    { ...plain, name: 'paid', type: 'boolean', default: 'false' },
    { ...plain, name: 'at', type: 'timestamptz', format: 'epoch-millis' },
    {
      ...plain,
      name: 'lines',
      type: {
        list: {
          struct: [
            { ...plain, name: 'sku', type: 'string' },
            { ...plain, name: 'count', type: 'int', required: true },
          ],
        },
      },
    },
    { ...plain, name: 'labels', type: { map: { key: 'string', value: { list: 'double' } } } },
  ])
})

test('partitions and sort order', () => {
  const { partitionBy, sortBy } = defineDataset({
    name: 'orders',
    source,
    columns: { id: 'long', at: 'timestamp', country: 'string', 'odd name': 'string' },
    partitionBy: ['day(at)', 'country', 'bucket(16, id)', 'truncate(4, odd name)'],
    sortBy: ['at desc', 'id', 'odd name asc'],
  })
  expect(partitionBy).toEqual([
    { column: 'at', transform: { name: 'day' } },
    { column: 'country', transform: { name: 'identity' } },
    { column: 'id', transform: { name: 'bucket', width: 16 } },
    { column: 'odd name', transform: { name: 'truncate', width: 4 } },
  ])
  expect(sortBy).toEqual([
    { column: 'at', direction: 'desc' },
    { column: 'id', direction: 'asc' },
    { column: 'odd name', direction: 'asc' },
  ])
})

test('publish in both spellings', () => {
  const publish = (value: 'append' | 'replace' | Extract<Dataset['publish'], { mode: 'replace' }>) =>
    defineDataset({ name: 'a', source, columns: { day: 'date' }, partitionBy: ['day'], publish: value }).publish
  expect(publish('append')).toEqual({ mode: 'append' })
  expect(publish('replace')).toEqual({ mode: 'replace', scope: 'table' })
  expect(publish({ mode: 'replace', scope: 'partitions' })).toEqual({ mode: 'replace', scope: 'partitions' })
})

test('given settings keep the defaults of those beside them', () => {
  const dataset = defineDataset({
    name: 'a',
    source: { ...source, format: 'csv', csv: { delimiter: '\t' } },
    contract: { version: 3, accepts: { min: 2, max: 4 } },
    columns: { id: 'long' },
    limits: { objectBytesMax: 10 },
    compaction: { minFiles: 9 },
    retention: { minSnapshots: 7 },
  })
  expect(dataset.source.csv).toEqual({ delimiter: '\t', header: true, quote: '"', escape: '"', null: '' })
  expect(dataset.contract).toEqual({ version: 3, accepts: { min: 2, max: 4 } })
  expect(dataset.limits).toEqual({ objectBytesMax: 10, recordBytesMax: 16_777_216, expansionMax: 200 })
  expect(dataset.compaction).toMatchObject({ minFiles: 9, strategy: 'binpack' })
  expect(dataset.retention).toEqual({ snapshotAgeHours: 120, minSnapshots: 7 })
})

test('the table has the lineage columns last, and `_rescued` unless unknown fields are frozen out', () => {
  const names = (evolution: Dataset['evolution']) =>
    tableColumns(defineDataset({ name: 'a', source, columns: { id: 'long' }, evolution })).map(column => column.name)
  expect(names('add')).toEqual(['id', '_rescued', '_raw_object', '_raw_row', '_ingested_at'])
  expect(names('discard')).toEqual(names('add'))
  expect(names('freeze')).toEqual(['id', '_raw_object', '_raw_row', '_ingested_at'])
})

test('side tables are named after the dataset', () => {
  expect(rawTableName({ name: 'orders' })).toBe('orders__raw')
  expect(quarantineTableName({ name: 'orders' })).toBe('orders__quarantine')
})

test('a dataset is plain data: it survives JSON but for what is undefined', () => {
  const dataset = defineDataset({ name: 'orders', source, columns: { id: 'long' } })
  expect(JSON.parse(JSON.stringify(dataset))).toEqual(JSON.parse(JSON.stringify({ ...dataset })))
  expectTypeOf(dataset).toEqualTypeOf<Dataset>()
})
