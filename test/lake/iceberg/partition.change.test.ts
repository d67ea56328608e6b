// A partition spec changes by described steps: ids are unique over all specs of a table and follow what they partition by, a spec that was
// there before is taken again, names are unique, and each refusal says what to do instead.
import { describe, expect, test } from 'vitest'
import { newTableMetadata } from '#lake/iceberg/metadata.ts'
import { partitionSpecFor, sortOrderFor, UNSORTED } from '#lake/iceberg/partition.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { updateSchema } from '#lake/iceberg/schema-change.ts'
import { type SpecChange, updateSortOrder, updateSpec } from '#lake/iceberg/spec-change.ts'
import type { TableMetadata } from '#lake/iceberg/types.ts'
import { column } from './fixture.ts'

const { schema, lastColumnId } = evolveSchema(undefined, [
  column('at', 'timestamptz'),
  column('id', 'long'),
  column('s', { struct: [column('n', 'string')] }),
  column('l', { list: { struct: [column('e', 'int')] } }),
])
const table = newTableMetadata({
  uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1',
  location: 's3://lake/tables/t',
  schema,
  lastColumnId,
  spec: partitionSpecFor(schema, [{ column: 'at', transform: { name: 'day' } }]),
  sortOrder: UNSORTED,
  properties: {},
  nowMs: 1000,
})

const DAY: SpecChange = { type: 'add', column: 'at', transform: { name: 'day' } }
const BUCKET: SpecChange = { type: 'add', column: 'id', transform: { name: 'bucket', width: 4 } }
const remove = (name: string): SpecChange => ({ type: 'remove', name })

const fields = (metadata: TableMetadata): readonly string[] =>
  (metadata['partition-specs'].find(spec => spec['spec-id'] === metadata['default-spec-id'])?.fields ?? []).map(
    field => `${field['field-id']}:${field.name}=${field.transform}`,
  )
const specIds = (metadata: TableMetadata): unknown => [
  metadata['default-spec-id'],
  metadata['partition-specs'].map(spec => spec['spec-id']),
  metadata['last-partition-id'],
]

test('a field is added after the others, under the next id and Iceberg’s name', () => {
  const next = updateSpec(table, [BUCKET])
  expect(fields(next)).toEqual(['1000:at_day=day', '1001:id_bucket=bucket[4]'])
  expect(specIds(next)).toEqual([1, [0, 1], 1001])
  expect(next['partition-specs'][0]).toBe(table['partition-specs'][0])
})

test('a field inside a struct, under a name of its own', () => {
  const truncate: SpecChange = { type: 'add', column: 's.n', transform: { name: 'truncate', width: 2 }, name: 'head' }
  expect(fields(updateSpec(table, [truncate]))).toEqual(['1000:at_day=day', '1001:head=truncate[2]'])
})

test('a spec that was there before is taken again, and so are the ids of its fields', () => {
  const both = updateSpec(table, [BUCKET])
  const bucket = updateSpec(both, [remove('at_day')])
  expect(fields(bucket)).toEqual(['1001:id_bucket=bucket[4]'])
  expect(specIds(updateSpec(bucket, [DAY, remove('id_bucket')]))).toEqual([0, [0, 1, 2], 1001])
  const turned = updateSpec(bucket, [DAY])
  expect(fields(turned)).toEqual(['1001:id_bucket=bucket[4]', '1000:at_day=day'])
  expect(updateSpec(table, [remove('at_day'), DAY])).toBe(table)
})

test('an id is never given to another transform', () => {
  const none = updateSpec(table, [remove('at_day')])
  expect(fields(none)).toEqual([])
  const hour = updateSpec(none, [{ type: 'add', column: 'at', transform: { name: 'hour' } }])
  expect(fields(hour)).toEqual(['1001:at_hour=hour'])
})

test('the name of a removed field is free', () => {
  const next = updateSpec(table, [remove('at_day'), { ...BUCKET, name: 'at_day' }])
  expect(fields(next)).toEqual(['1001:at_day=bucket[4]'])
  // And the old field comes back under another one.
  expect(fields(updateSpec(next, [DAY]))).toEqual(['1001:at_day=bucket[4]', '1000:at_day_2=day'])
})

test('a rename keeps the id; a declaration that knows the field by what it does keeps the new name', () => {
  const next = updateSpec(table, [{ type: 'rename', name: 'at_day', to: 'day' }])
  expect([fields(next), specIds(next)]).toEqual([['1000:day=day'], [1, [0, 1], 1000]])
  const declared = partitionSpecFor(
    schema,
    [{ column: 'at', transform: { name: 'day' } }],
    next['partition-specs'].toReversed(),
  )
  expect(declared['spec-id']).toBe(1)
})

test('a declared field takes no name that another one of the spec has', () => {
  const first = partitionSpecFor(schema, [{ column: 'id', transform: { name: 'bucket', width: 4 } }])
  const spec = partitionSpecFor(
    schema,
    [
      { column: 'id', transform: { name: 'bucket', width: 8 } },
      { column: 'id', transform: { name: 'bucket', width: 4 } },
    ],
    [first],
  )
  expect(spec.fields.map(field => [field['field-id'], field.name])).toEqual([
    [1001, 'id_bucket'],
    [1000, 'id_bucket_4'],
  ])
})

describe('refused', () => {
  test.for([
    [DAY, /at: the table would be partitioned by day of it twice/],
    [{ ...BUCKET, name: 'at_day' }, /has a partition field at_day already: give the new one another name/],
    [{ ...BUCKET, name: 'at' }, /at is a column of the table: give the partition field another name/],
    [{ ...BUCKET, name: ' ' }, /needs a name/],
    [{ ...BUCKET, column: 'none' }, /the table has no column none/],
    [{ ...BUCKET, column: 's' }, /only a column of a primitive type/],
    [{ ...BUCKET, column: 'l.element.e' }, /inside a list or a map: choose a column that has one value in a row/],
    [{ ...DAY, column: 'id' }, /cannot be partitioned by day/],
    [remove('nothing'), /not partitioned by nothing; its partition fields are at_day/],
    [{ type: 'rename', name: 'at_day', to: 'id' }, /id is a column of the table/],
  ] as const satisfies readonly (readonly [SpecChange, RegExp])[])('%j', ([change, message]) => {
    expect(() => updateSpec(table, [change])).toThrow(expect.objectContaining({ kind: 'dataset-invalid' }))
    expect(() => updateSpec(table, [change])).toThrow(message)
  })
})

test('a column that was dropped and added anew is another source', () => {
  const freed = updateSpec(table, [remove('at_day')])
  const again = updateSchema(freed, [
    { type: 'drop', path: 'at' },
    { type: 'add', path: 'at', column: 'date' },
  ])
  expect(fields(updateSpec(again, [DAY]))).toEqual(['1001:at_day=day'])
})

test('sort orders: an equal one is taken again, none is order 0', () => {
  const sorted = updateSortOrder(table, [{ column: 'id', direction: 'desc' }])
  expect(sorted).toMatchObject({ 'default-sort-order-id': 1 })
  expect(sorted['sort-orders'].map(order => order['order-id'])).toEqual([0, 1])
  const other = updateSortOrder(sorted, [{ column: 'at', direction: 'asc' }])
  expect(other['default-sort-order-id']).toBe(2)
  expect(updateSortOrder(other, [{ column: 'id', direction: 'desc' }])['default-sort-order-id']).toBe(1)
  expect(updateSortOrder(other, [])).toMatchObject({ 'default-sort-order-id': 0 })
  expect(updateSortOrder(table, [])).toBe(table)
  expect(sortOrderFor(schema, [{ column: 'at', direction: 'asc' }]).fields[0]).toMatchObject({
    'null-order': 'nulls-first',
  })
})
