// The names of a type in DuckDB and in Hive, and the FIELD_IDS of a COPY: every field at every depth has its id there.
import { expect, test } from 'vitest'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { catalogColumns, duckdbType, fieldIds, hiveType } from '#lake/iceberg/schema-text.ts'
import { column } from './fixture.ts'

const { schema } = evolveSchema(undefined, [
  column('id', 'long', { doc: 'the id' }),
  column('od "d', { struct: [column('a', 'decimal(9,2)'), column('b', { list: 'time' })] }),
  column('m', { map: { key: 'string', value: { struct: [column('u', 'uuid')] } } }),
])

test('DuckDB', () => {
  expect(schema.fields.map(field => duckdbType(field.type).text)).toEqual([
    'BIGINT',
    'STRUCT("a" DECIMAL(9, 2), "b" TIME[])',
    'MAP(VARCHAR, STRUCT("u" UUID))',
  ])
  expect(
    ['boolean', 'int', 'float', 'double', 'date', 'timestamp', 'timestamptz', 'string', 'binary', 'fixed[4]'].map(
      type => duckdbType(type).text,
    ),
  ).toEqual([
    'BOOLEAN',
    'INTEGER',
    'FLOAT',
    'DOUBLE',
    'DATE',
    'TIMESTAMP',
    'TIMESTAMP WITH TIME ZONE',
    'VARCHAR',
    'BLOB',
    'BLOB',
  ])
})

test('Hive', () => {
  expect(schema.fields.map(field => hiveType(field.type))).toEqual([
    'bigint',
    'struct<a:decimal(9,2),b:array<string>>',
    'map<string,struct<u:string>>',
  ])
})

test.each([
  ['boolean', 'boolean'],
  ['int', 'int'],
  ['long', 'bigint'],
  ['float', 'float'],
  ['double', 'double'],
  ['decimal(38, 0)', 'decimal(38,0)'],
  ['string', 'string'],
  ['uuid', 'string'],
  ['binary', 'binary'],
  ['fixed[4]', 'binary'],
  ['time', 'string'],
  ['date', 'date'],
  ['timestamp', 'timestamp'],
  ['timestamptz', 'timestamp'],
])('Hive: %s is %s', (type, hive) => {
  expect(hiveType(type)).toBe(hive)
})

test('Hive can be told to see times as the text or the numbers of a raw file, at any depth', () => {
  const temporal = ['date', 'time', 'timestamp', 'timestamptz']
  expect(temporal.map(type => hiveType(type, 'string'))).toEqual(['string', 'string', 'string', 'string'])
  expect(temporal.map(type => hiveType(type, 'bigint'))).toEqual(['date', 'bigint', 'bigint', 'bigint'])
  const nested = schema.fields.map(field => hiveType(field.type, 'bigint'))
  expect(nested[1]).toBe('struct<a:decimal(9,2),b:array<bigint>>')
})

test('field ids', () => {
  expect(fieldIds(schema).text).toBe(
    '{"id": 1, "od ""d": {__duckdb_field_id: 2, "a": 4, "b": {__duckdb_field_id: 5, element: 6}}, "m": {__duckdb_field_id: 3, key: 7, value: {__duckdb_field_id: 8, "u": 9}}}',
  )
})

test('the catalog shows the current columns first, then those of older schemas', () => {
  const older = evolveSchema(undefined, [column('id', 'int'), column('gone', 'string')]).schema
  const columns = catalogColumns([older, { ...schema, 'schema-id': 1 }], 1)
  expect(columns.map(each => [each.name, each.type, each.parameters?.['iceberg.field.current']])).toEqual([
    ['id', 'bigint', 'true'],
    ['od "d', 'struct<a:decimal(9,2),b:array<string>>', 'true'],
    ['m', 'map<string,struct<u:string>>', 'true'],
    ['gone', 'string', 'false'],
  ])
  expect(columns[0]?.comment).toBe('the id')
})

test('a type of another format version is refused', () => {
  expect(() => duckdbType('variant')).toThrow(expect.objectContaining({ kind: 'unsupported' }))
})
