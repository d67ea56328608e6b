// Every dataset's raw zone is a Hive-style table whose partitions are either projected or registered at the same places, with a SerDe
// that reads what producers sent and types that cannot fail on it.
import { expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '../../lake/dataset.ts'
import { rawPartitionLocation, rawTable } from '../../lake/raw-table.ts'

const define = (source: Partial<Omit<DatasetSpec<'id'>['source'], 'stream'>>, extra: object = {}) =>
  defineDataset({
    name: 'orders',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**', ...source },
    columns: {
      Id: { type: 'long', doc: 'number of the order' },
      amount: 'decimal(12,2)',
      at: 'timestamptz',
      day: 'date',
      tags: { map: { key: 'string', value: 'int' } },
      lines: { list: { struct: { Sku: 'uuid', raw: 'binary', on: 'time' } } },
    },
    ...extra,
  })

test('partitions are projected by default, at the places that ingest writes to', () => {
  const { parameters, partitionKeys, location } = rawTable('s3://raw-bucket', define({}))
  expect(location).toBe('s3://raw-bucket/orders/')
  expect(partitionKeys.map(({ name, type }) => `${name} ${type}`)).toEqual(['ingest_date string', 'ingest_hour string'])
  expect(parameters).toMatchObject({
    EXTERNAL: 'TRUE',
    'projection.enabled': 'true',
    'projection.ingest_date.type': 'date',
    'projection.ingest_date.format': 'yyyy-MM-dd',
    'projection.ingest_date.range': '2020-01-01,NOW',
    'projection.ingest_hour.type': 'enum',
  })
  expect(parameters['projection.ingest_hour.values']?.split(',')).toHaveLength(24)
  const filled = parameters['storage.location.template']
    ?.replace('$' + '{ingest_date}', '2024-02-29')
    .replace('$' + '{ingest_hour}', '07')
  expect(filled).toBe(rawPartitionLocation('s3://raw-bucket', { name: 'orders' }, { date: '2024-02-29', hour: '07' }))
  expect(filled).toBe('s3://raw-bucket/orders/ingest_date=2024-02-29/ingest_hour=07/')
})

test('registered partitions are not projected: Athena would ignore what is registered', () => {
  const { parameters } = rawTable('s3://raw-bucket', define({}, { raw: { partitions: 'registered' } }))
  expect(Object.keys(parameters).filter(name => name.startsWith('projection'))).toEqual([])
})

test('NDJSON: OpenX, which survives malformed lines; names in lower case, times as text', () => {
  const table = rawTable('s3://raw-bucket', define({}))
  expect(table.format).toBe('json')
  expect(table.serde).toMatchObject({
    library: 'org.openx.data.jsonserde.JsonSerDe',
    parameters: { 'ignore.malformed.json': 'true' },
  })
  expect(table.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'id bigint',
    'amount decimal(12,2)',
    'at string',
    'day string',
    'tags map<string,int>',
    'lines array<struct<sku:string,raw:binary,on:string>>',
  ])
  expect(table.columns[0]?.comment).toBe('number of the order')
})

test('JSON documents are lines of text', () => {
  const table = rawTable('s3://raw-bucket', define({ format: 'json' }))
  expect(table.columns.map(column => column.name)).toEqual(['line'])
  expect(table.serde.library).toContain('LazySimpleSerDe')
})

test('CSV: the declared dialect, all strings, the header skipped only where there is one', () => {
  const csv = { delimiter: '\t', quote: "'", escape: '\\' }
  const columns = { Id: 'long', amount: 'decimal(12,2)', at: 'timestamptz' }
  const table = rawTable('s3://raw-bucket', define({ format: 'csv', csv }, { columns }))
  expect(table.serde.parameters).toEqual({ separatorChar: '\t', quoteChar: "'", escapeChar: '\\' })
  expect(new Set(table.columns.map(column => column.type))).toEqual(new Set(['string']))
  expect(table.parameters['skip.header.line.count']).toBe('1')
  const headless = rawTable(
    's3://raw-bucket',
    define({ format: 'csv', csv: { header: false, quote: '' } }, { columns }),
  )
  expect(headless.parameters['skip.header.line.count']).toBeUndefined()
  expect(headless.serde.parameters['quoteChar']).toBe('\0')
})

test('Parquet keeps its types', () => {
  const table = rawTable('s3://raw-bucket', define({ format: 'parquet' }))
  expect(table.serde.library).toContain('ParquetHiveSerDe')
  expect(table.columns.map(column => column.type)).toEqual(
    expect.arrayContaining(['bigint', 'timestamp', 'date', 'decimal(12,2)']),
  )
})

test('Avro: the reader schema that Athena wants, every field nullable, record names unique', () => {
  const table = rawTable('s3://raw-bucket', define({ format: 'avro' }))
  const schema = JSON.parse(table.serde.parameters['avro.schema.literal'] ?? '')
  expect(schema).toMatchObject({ type: 'record', name: 'orders' })
  expect(schema.fields[0]).toEqual({ name: 'Id', type: ['null', 'long'], default: null })
  expect(schema.fields[1].type[1]).toEqual({ type: 'bytes', logicalType: 'decimal', precision: 12, scale: 2 })
  expect(schema.fields[2].type[1]).toBe('long')
  expect(schema.fields[3].type[1]).toEqual({ type: 'int', logicalType: 'date' })
  expect(schema.fields[4].type[1]).toEqual({ type: 'map', values: ['null', 'int'] })
  expect(schema.fields[5].type[1].items[1]).toMatchObject({ type: 'record', name: 'orders_lines_element' })
  expect(table.columns.map(column => column.type)).toEqual(expect.arrayContaining(['bigint', 'date']))
})
