// A schema follows its declaration without ever giving an id to two columns: ids are fresh for new tables, kept by name and by
// declared renames, never reused; only the spec's promotions change a type; what is not declared any more stays.
import { describe, expect, test } from 'vitest'
import { evolveSchema, leafFields } from '#lake/iceberg/schema.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import { column } from './fixture.ts'

const idsOf = (schema: Schema): readonly (readonly [string, number])[] =>
  leafFields(schema).map(leaf => [leaf.path.join('.'), leaf.id] as const)

describe('new tables', () => {
  test('ids are given breadth first', () => {
    const { schema, lastColumnId } = evolveSchema(undefined, [
      column('a', 'long'),
      column('s', {
        struct: [column('x', 'int'), column('deep', { struct: [column('z', 'int')] }), column('y', 'int')],
      }),
      column('l', { list: { struct: [column('e', 'string')] } }),
      column('m', { map: { key: 'string', value: { list: 'int' } } }),
      column('b', 'string'),
    ])
    expect(schema.fields.map(field => field.id)).toEqual([1, 2, 3, 4, 5])
    expect(idsOf(schema)).toEqual([
      ['a', 1],
      ['s.x', 6],
      ['s.deep.z', 9],
      ['s.y', 8],
      ['l.element.e', 11],
      ['m.key', 12],
      ['m.value.element', 14],
      ['b', 5],
    ])
    expect(lastColumnId).toBe(14)
  })

  test('columns are optional even when the contract requires them', () => {
    const { schema } = evolveSchema(undefined, [column('a', 'long', { required: true, doc: 'why' })])
    expect(schema.fields).toEqual([{ id: 1, name: 'a', required: false, type: 'long', doc: 'why' }])
  })
})

describe('existing tables', () => {
  const base = evolveSchema(undefined, [
    column('a', 'int'),
    column('b', 'string'),
    column('s', { struct: [column('x', 'float')] }),
  ]).schema

  const evolve = (columns: Parameters<typeof evolveSchema>[1], last?: number): ReturnType<typeof evolveSchema> =>
    evolveSchema(base, columns, last)

  test('the same declaration changes nothing', () => {
    const again = evolve([column('b', 'string'), column('a', 'int'), column('s', { struct: [column('x', 'float')] })])
    expect(again.changed).toBe(false)
    expect(again.schema).toBe(base)
  })

  test('new columns follow the last id that the table ever gave', () => {
    const { schema, lastColumnId } = evolve([column('a', 'int'), column('n', { list: 'int' })], 40)
    expect(idsOf(schema)).toEqual([
      ['a', 1],
      ['b', 2],
      ['s.x', 4],
      ['n.element', 42],
    ])
    expect(lastColumnId).toBe(42)
  })

  test('a column that vanished stays', () => {
    expect(evolve([column('a', 'int')]).changed).toBe(false)
  })

  test('a declared rename keeps the id', () => {
    const { schema, changed } = evolve([column('z', 'string', { from: ['b'] })])
    expect(changed).toBe(true)
    expect(schema.fields.map(field => [field.id, field.name])).toEqual([
      [1, 'a'],
      [2, 'z'],
      [3, 's'],
    ])
    const again = evolveSchema(schema, [column('z', 'string', { from: ['b'] })])
    expect(again.changed).toBe(false)
  })

  test('a former name that is declared as a column of its own is no rename', () => {
    const { schema } = evolve([column('z', 'string', { from: ['b'] }), column('b', 'string')])
    expect(schema.fields.map(field => [field.id, field.name])).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 's'],
      [5, 'z'],
    ])
  })

  test('fields are added, widened and renamed inside a struct', () => {
    const { schema } = evolve([column('s', { struct: [column('x', 'double'), column('y', 'int')] })])
    expect(idsOf(schema).slice(2)).toEqual([
      ['s.x', 4],
      ['s.y', 5],
    ])
    const renamed = column('s', { struct: [column('q', 'double', { from: ['x'], doc: 'was x' })] })
    const struct = evolve([renamed]).schema.fields[2]?.type
    expect(struct).toEqual({
      type: 'struct',
      fields: [{ id: 4, name: 'q', required: false, type: 'double', doc: 'was x' }],
    })
    expect(evolveSchema({ ...base, fields: evolve([renamed]).schema.fields }, [renamed]).changed).toBe(false)
  })

  test('a name that a column bears which is no longer declared is not given to another, whatever its case', () => {
    expect(() => evolve([column('A', 'int')])).toThrow(expect.objectContaining({ kind: 'contract-broken' }))
    expect(() => evolve([column('S', 'string', { from: ['b'] })])).toThrow(/must differ by more than case/)
  })
})

describe('types', () => {
  const change = (from: Parameters<typeof column>[1], to: Parameters<typeof column>[1]): unknown =>
    evolveSchema(evolveSchema(undefined, [column('c', from)]).schema, [column('c', to)]).schema.fields[0]?.type

  test('the promotions of the spec', () => {
    expect(change('int', 'long')).toBe('long')
    expect(change('float', 'double')).toBe('double')
    expect(change('decimal(9,2)', 'decimal(18,2)')).toBe('decimal(18,2)')
  })

  test.for([
    ['long', 'int'],
    ['double', 'float'],
    ['int', 'string'],
    ['string', 'date'],
    ['int', 'double'],
    ['decimal(9,2)', 'decimal(9,3)'],
    ['decimal(9,2)', 'decimal(8,2)'],
    ['date', 'timestamp'],
    ['timestamp', 'timestamptz'],
    ['string', { list: 'string' }],
    [{ list: 'string' }, { list: 'int' }],
    [{ struct: [] }, { list: 'int' }],
    [{ map: { key: 'int', value: 'int' } }, { map: { key: 'long', value: 'int' } }],
  ] as const)('%j cannot become %j', ([from, to]) => {
    expect(() => change(from, to)).toThrow(expect.objectContaining({ kind: 'contract-broken' }))
  })

  test('the message names the column and both types', () => {
    const base = evolveSchema(undefined, [column('s', { struct: [column('x', 'long')] })]).schema
    expect(() => evolveSchema(base, [column('s', { struct: [column('x', 'int')] })])).toThrow(
      's.x: the table holds long, which cannot become int',
    )
  })
})
