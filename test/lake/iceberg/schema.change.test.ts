// A schema changes by described steps at any depth: ids stay with their fields and are never given twice, whatever a partition, a
// sort order or an identifier stands on stays, and each refusal says what to do instead.
import { describe, expect, test } from 'vitest'
import type { ColumnType } from '#lake/dataset.ts'
import { currentSchema, newTableMetadata } from '#lake/iceberg/metadata.ts'
import { partitionSpecFor, sortOrderFor, UNSORTED } from '#lake/iceberg/partition.ts'
import { allFields, evolveSchema } from '#lake/iceberg/schema.ts'
import { type SchemaChange, updateSchema } from '#lake/iceberg/schema-change.ts'
import type { TableMetadata } from '#lake/iceberg/types.ts'
import { column } from './fixture.ts'

const { schema, lastColumnId } = evolveSchema(undefined, [
  column('a', 'int'),
  column('b', 'string', { doc: 'the b' }),
  column('s', { struct: [column('x', 'float'), column('y', 'int')] }),
  column('l', { list: { struct: [column('e', 'decimal(9,2)')] } }),
  column('m', { map: { key: 'string', value: 'int' } }),
  column('do.t', 'date'),
])
const table = newTableMetadata({
  uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1',
  location: 's3://lake/tables/t',
  schema,
  lastColumnId,
  spec: partitionSpecFor(schema, []),
  sortOrder: UNSORTED,
  properties: {},
  nowMs: 1000,
})

const change = (...changes: readonly SchemaChange[]): TableMetadata => updateSchema(table, changes)

/** `id:name` of each field, nested ones with their path. */
const fields = (metadata: TableMetadata): readonly string[] =>
  allFields(currentSchema(metadata).fields).map(({ field, path }) => `${field.id}:${path.join('.')}`)

const typeOf = (metadata: TableMetadata, path: string): unknown =>
  allFields(currentSchema(metadata).fields).find(each => each.path.join('.') === path)?.field.type

const add = (path: string | readonly string[], type: ColumnType = 'int'): SchemaChange => ({
  type: 'add',
  path,
  column: type,
})

test('the table as it begins', () => {
  expect(fields(table)).toEqual(
    '1:a 2:b 3:s 7:s.x 8:s.y 4:l 9:l.element 10:l.element.e 5:m 11:m.key 12:m.value 6:do.t'.split(' '),
  )
})

describe('add', () => {
  test('gives the next id, at the end, and the field is optional', () => {
    const next = change({ type: 'add', path: 'n', column: 'long', doc: 'new' })
    expect(currentSchema(next).fields.at(-1)).toEqual({ id: 13, name: 'n', required: false, type: 'long', doc: 'new' })
    expect([next['current-schema-id'], next['last-column-id'], next.schemas.length]).toEqual([1, 13, 2])
  })

  test('first, before and after another, in structs, lists and maps', () => {
    const next = change(
      { type: 'add', path: 's.first', column: 'int', place: 'first' },
      { type: 'add', path: 's.mid', column: 'int', place: { before: 'y' } },
      { type: 'add', path: 'l.element.f', column: { list: 'string' }, place: { after: 'e' } },
      { type: 'add', path: ['a.b'], column: 'int', place: { after: 'a' } },
    )
    expect(fields(next)).toEqual(
      '1:a 16:a.b 2:b 3:s 13:s.first 7:s.x 14:s.mid 8:s.y 4:l 9:l.element 10:l.element.e 15:l.element.f 16:l.element.f.element'
        .split(' ')
        .map(each => (each === '16:a.b' ? '17:a.b' : each))
        .concat('5:m 11:m.key 12:m.value 6:do.t'.split(' ')),
    )
    expect(next['last-column-id']).toBe(17)
  })

  test.for([
    ['a', /it would be called a, as a is; names must differ by more than case/],
    ['B', /as b is; names must differ by more than case/],
    ['s.X', /as x is/],
    ['', /needs a name/],
    ['a.x', /goes below a, which is a int/],
    ['none.x', /the table has no none; it has a, b, s, l, m, do\.t/],
    ['m.key', /in the key of a map/],
    ['m.other', /not in a struct but in a map/],
    ['l.f', /its fields are below l\.element/],
  ] as const)('%s is refused', ([path, message]) => {
    expect(() => change(add(path))).toThrow(expect.objectContaining({ kind: 'contract-broken' }))
    expect(() => change(add(path))).toThrow(message)
  })

  test('a struct without fields, or with one name twice, is refused at any depth', () => {
    expect(() => change(add('n', { list: { struct: [] } }))).toThrow(/give the struct a field/)
    const twice = { struct: [column('q', 'int'), column('Q', 'int')] }
    expect(() => change(add('n', { map: { key: 'string', value: twice } }))).toThrow(/"q" twice/)
  })
})

describe('drop', () => {
  test('an id is never given again, not even to a field of the same name', () => {
    const once = change({ type: 'drop', path: 's.x' }, { type: 'drop', path: 'b' })
    expect(fields(once)).not.toEqual(expect.arrayContaining(['7:s.x']))
    const again = updateSchema(once, [add('s.x', 'float'), add('b', 'string')])
    expect(fields(again)).toEqual(expect.arrayContaining(['13:s.x', '14:b']))
  })

  test('the highest field, and then another: the highest id of all time counts', () => {
    const added = change(add('n'))
    const dropped = updateSchema(added, [{ type: 'drop', path: 'n' }])
    expect(dropped['current-schema-id']).toBe(0)
    expect(fields(updateSchema(dropped, [add('o')]))).toContain('14:o')
  })

  test('drop and add in one go', () => {
    expect(fields(change({ type: 'drop', path: 'b' }, add('b', 'string')))).toContain('13:b')
  })

  test.for([
    ['l.element', /not in a struct but in a list/],
    ['m.value', /not in a struct but in a map/],
    ['m.key', /in the key of a map/],
    ['l.element.e', /last field of element; drop element itself/],
    ['zz', /does not exist/],
  ] as const)('%s is refused', ([path, message]) => {
    expect(() => change({ type: 'drop', path })).toThrow(message)
  })

  test('what the table is partitioned or sorted by, also inside a struct, and no longer when it is not', () => {
    const spec = {
      'spec-id': 1,
      fields: [{ 'source-id': 8, 'field-id': 1000, name: 'y_bucket', transform: 'bucket[4]' }],
    }
    const used: TableMetadata = {
      ...table,
      'partition-specs': [...table['partition-specs'], spec],
      'default-spec-id': 1,
      'sort-orders': [UNSORTED, sortOrderFor(schema, [{ column: 'a', direction: 'asc' }])],
      'default-sort-order-id': 1,
    }
    expect(() => updateSchema(used, [{ type: 'drop', path: 's' }])).toThrow(
      'cannot drop s: it is what the table is partitioned by (y_bucket); change that first, then drop y',
    )
    expect(() => updateSchema(used, [{ type: 'drop', path: 'a' }])).toThrow(/what the table is sorted by/)
    const freed = { ...used, 'default-spec-id': 0, 'default-sort-order-id': 0 }
    expect(fields(updateSchema(freed, [{ type: 'drop', path: 's' }]))).not.toContain('3:s')
  })
})

test('identifier fields stay, required, under any name', () => {
  const keyed = {
    ...table,
    schemas: [
      {
        ...schema,
        fields: schema.fields.map(field => (field.name === 'a' ? { ...field, required: true } : field)),
        'identifier-field-ids': [1],
      },
    ],
  }
  expect(() => updateSchema(keyed, [{ type: 'drop', path: 'a' }])).toThrow(/identifier field a/)
  expect(() => updateSchema(keyed, [{ type: 'make-optional', path: 'a' }])).toThrow(/identifier field/)
  const next = updateSchema(keyed, [
    { type: 'rename', path: 'a', to: 'key' },
    { type: 'promote', path: 'key', to: 'long' },
  ])
  expect(currentSchema(next)).toMatchObject({ 'identifier-field-ids': [1] })
  expect(currentSchema(next).fields[0]).toMatchObject({ id: 1, name: 'key', required: true, type: 'long' })
})

describe('rename', () => {
  test('keeps the id, at any depth; two fields can change names', () => {
    const next = change(
      { type: 'rename', path: 's.x', to: 't' },
      { type: 'rename', path: 's.y', to: 'x' },
      { type: 'rename', path: 's.t', to: 'y' },
      { type: 'rename', path: 'l.element.e', to: 'price' },
      { type: 'rename', path: ['do.t'], to: 'dot' },
      { type: 'rename', path: 'b', to: 'B' },
    )
    expect(fields(next)).toEqual(expect.arrayContaining(['7:s.y', '8:s.x', '10:l.element.price', '6:dot', '2:B']))
  })

  test.for([
    ['a', 'B', /as b is/],
    ['a', ' ', /needs a name/],
    ['m.value', 'v', /not in a struct but in a map/],
    ['do.t', 'x', /the table has no do/],
  ] as const)('%s to %s is refused', ([path, to, message]) => {
    expect(() => change({ type: 'rename', path, to })).toThrow(message)
  })
})

test('move', () => {
  const next = change(
    { type: 'move', path: 'b', place: 'first' },
    { type: 'move', path: 'a', place: 'last' },
    { type: 'move', path: 's.y', place: { before: 'x' } },
    { type: 'move', path: 'm', place: { after: 'b' } },
  )
  expect(currentSchema(next).fields.map(field => field.name)).toEqual(['b', 'm', 's', 'l', 'do.t', 'a'])
  expect(fields(next).indexOf('8:s.y')).toBeLessThan(fields(next).indexOf('7:s.x'))
  expect(() => change({ type: 'move', path: 'a', place: { after: 'a' } })).toThrow(/name one of b, s, l, m, do\.t/)
  expect(() => change({ type: 'move', path: 'a', place: { before: 's.x' } })).toThrow(/no other field there/)
})

test('promote, make optional, document', () => {
  const next = change(
    { type: 'promote', path: 'a', to: 'long' },
    { type: 'promote', path: 's.x', to: 'double' },
    { type: 'promote', path: 'l.element.e', to: 'decimal(20,2)' },
    { type: 'promote', path: 'm.value', to: 'long' },
    { type: 'set-doc', path: 's.y', doc: 'the y' },
    { type: 'set-doc', path: 'b', doc: undefined },
  )
  expect(['a', 's.x', 'l.element.e', 'm.value'].map(path => typeOf(next, path))).toEqual([
    'long',
    'double',
    'decimal(20,2)',
    'long',
  ])
  expect(currentSchema(next).fields[1]).toEqual({ id: 2, name: 'b', required: false, type: 'string' })
  expect(() => change({ type: 'promote', path: 's', to: 'long' })).toThrow(
    /s: the table holds struct, which cannot become long/,
  )
  expect(() => change({ type: 'promote', path: 'l.element.e', to: 'decimal(9,3)' })).toThrow(
    /add a column of the new type/,
  )
  expect(() => change({ type: 'promote', path: 'a', to: 'number' })).toThrow(
    expect.objectContaining({ kind: 'unsupported' }),
  )
})

test('a required element of a list becomes optional', () => {
  const list = { type: 'list', 'element-id': 2, 'element-required': true, element: 'int' } as const
  const strict = {
    ...table,
    schemas: [{ ...schema, fields: [{ id: 1, name: 'l', required: true, type: list }] }],
  }
  const next = updateSchema(strict, [
    { type: 'make-optional', path: 'l.element' },
    { type: 'make-optional', path: 'l' },
  ])
  expect(currentSchema(next).fields[0]).toEqual({
    id: 1,
    name: 'l',
    required: false,
    type: { ...list, 'element-required': false },
  })
})

test('changes that cancel out, or change nothing, leave the table as it is', () => {
  expect(change()).toBe(table)
  expect(change({ type: 'rename', path: 'a', to: 'z' }, { type: 'rename', path: 'z', to: 'a' })).toBe(table)
})
