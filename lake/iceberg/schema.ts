import type { Column, ColumnType } from '../dataset.ts'
import { assert, LakeError } from '../errors.ts'
import { parsePrimitive } from './primitive.ts'
import type { IcebergType, NestedField, Schema } from './types.ts'

export interface EvolvedSchema {
  /** `schema-id` is that of the base, or 0; table metadata gives a changed schema its id. */
  readonly schema: Schema
  readonly lastColumnId: number
  readonly changed: boolean
}

/**
 * The schema of a declaration. Without a base all ids are fresh, breadth first, as Iceberg's AssignFreshIds gives them. With a
 * base, columns keep their id by name, or by a declared rename; new ones follow `lastColumnId`; columns that are no longer
 * declared stay. Fails with `contract-broken` on any type change that is not a promotion of the spec.
 */
export function evolveSchema(
  base: Schema | undefined,
  columns: readonly Column[],
  lastColumnId: number = base ? highestId(base) : 0,
): EvolvedSchema {
  let last = lastColumnId
  const nextId: NextId = () => ++last
  if (!base)
    return {
      schema: { type: 'struct', 'schema-id': 0, fields: freshFields(columns, nextId) },
      lastColumnId: last,
      changed: true,
    }
  const fields = evolveFields(base.fields, columns, { path: [], nextId })
  const changed = JSON.stringify(fields) !== JSON.stringify(base.fields)
  return { schema: changed ? { ...base, fields } : base, lastColumnId: last, changed }
}

type NextId = () => number

interface Place {
  /** Names from the table down, for messages. */
  readonly path: readonly string[]
  readonly nextId: NextId
}

function freshFields(columns: readonly Column[], nextId: NextId): readonly NestedField[] {
  const ids = columns.map(nextId)
  return columns.map((column, index) => fieldOf(column, ids[index] as number, freshType(column.type, nextId)))
}

function freshType(type: ColumnType, nextId: NextId): IcebergType {
  if (typeof type === 'string') return type.replaceAll(' ', '')
  if ('struct' in type) return { type: 'struct', fields: freshFields(type.struct, nextId) }
  if ('list' in type) {
    const id = nextId()
    return { type: 'list', 'element-id': id, 'element-required': false, element: freshType(type.list, nextId) }
  }
  const [keyId, valueId] = [nextId(), nextId()]
  const key = freshType(type.map.key, nextId)
  const value = freshType(type.map.value, nextId)
  return { type: 'map', 'key-id': keyId, key, 'value-id': valueId, 'value-required': false, value }
}

/** Always optional: files written before a column became required must stay readable; the gate enforces `required`. */
function fieldOf(column: Column, id: number, type: IcebergType): NestedField {
  return { id, name: column.name, required: false, type, ...(column.doc === undefined ? {} : { doc: column.doc }) }
}

function evolveFields(base: readonly NestedField[], columns: readonly Column[], place: Place): readonly NestedField[] {
  const matches = new Map(columns.map(column => [column, matchOf(base, columns, column)]))
  const kept = base.map(field => {
    const column = columns.find(candidate => matches.get(candidate)?.id === field.id)
    return column ? evolveField(field, column, place) : field
  })
  return [
    ...kept,
    ...freshFields(
      columns.filter(column => !matches.get(column)),
      place.nextId,
    ),
  ]
}

/** The table's field that a column continues: by its name, else by the first former name that no declared column bears now. */
function matchOf(base: readonly NestedField[], columns: readonly Column[], column: Column): NestedField | undefined {
  const named = base.find(field => field.name === column.name)
  if (named) return named
  const former = column.from.filter(name => !columns.some(other => other.name === name))
  return former.map(name => base.find(field => field.name === name)).find(field => field !== undefined)
}

function evolveField(field: NestedField, column: Column, place: Place): NestedField {
  const path = [...place.path, column.name]
  if (field.name !== column.name && place.path.length > 0)
    throw new LakeError(
      'unsupported',
      `${path.join('.')}: a field inside a struct cannot be renamed (it is ${field.name} in the table); declare it as a new field`,
      { field: path.join('.') },
    )
  const type = evolveType(field.type, column.type, { ...place, path })
  const doc = column.doc ?? field.doc
  return { id: field.id, name: column.name, required: field.required, type, ...(doc === undefined ? {} : { doc }) }
}

function evolveType(base: IcebergType, declared: ColumnType, place: Place): IcebergType {
  if (typeof declared === 'string')
    return typeof base === 'string' ? promoted(base, declared, place) : refuse(base, declared, place)
  if (typeof base === 'string') return refuse(base, declared, place)
  if ('struct' in declared && base.type === 'struct')
    return { type: 'struct', fields: evolveFields(base.fields, declared.struct, place) }
  if ('list' in declared && base.type === 'list') {
    const element = evolveType(base.element, declared.list, { ...place, path: [...place.path, 'element'] })
    return { ...base, element }
  }
  if ('map' in declared && base.type === 'map') {
    // Changing a key could make two keys of one map equal, so keys keep their type (spec, "Schema Evolution").
    const key = evolveType(base.key, declared.map.key, { ...place, path: [...place.path, 'key'] })
    if (JSON.stringify(key) !== JSON.stringify(base.key)) return refuse(base.key, declared.map.key, place)
    return { ...base, value: evolveType(base.value, declared.map.value, { ...place, path: [...place.path, 'value'] }) }
  }
  return refuse(base, declared, place)
}

/** int → long, float → double and decimal precision upwards are all that the spec allows in version 2. */
function promoted(base: string, declared: string, place: Place): IcebergType {
  const [from, to] = [parsePrimitive(base), parsePrimitive(declared)]
  if (from.kind === 'decimal' && to.kind === 'decimal') {
    const widens = from.scale === to.scale && from.precision <= to.precision
    if (!widens) return refuse(base, declared, place)
    return from.precision === to.precision ? base : `decimal(${to.precision},${to.scale})`
  }
  if (from.kind === to.kind) return base
  const widens = (from.kind === 'int' && to.kind === 'long') || (from.kind === 'float' && to.kind === 'double')
  return widens ? to.kind : refuse(base, declared, place)
}

function refuse(base: IcebergType, declared: ColumnType | string, place: Place): never {
  const column = place.path.join('.')
  const [from, to] = [typeName(base), typeof declared === 'string' ? declared : (Object.keys(declared)[0] as string)]
  throw new LakeError('contract-broken', `${column}: the table holds ${from}, which cannot become ${to}`, {
    column,
    from,
    to,
  })
}

const typeName = (type: IcebergType): string => (typeof type === 'string' ? type : type.type)

// --- Walking a schema ----------------------------------------------------------------------------------------------

export interface LeafField {
  readonly id: number
  readonly type: string
  /** Names from the column down, with Parquet's `element`, `key` and `value` below lists and maps. */
  readonly path: readonly string[]
  /** Below a list or a map: one row holds any number of values, so bounds say nothing about rows. */
  readonly repeated: boolean
}

/** The primitive fields of a schema, depth first: the columns of a Parquet file. */
export function leafFields(schema: { readonly fields: readonly NestedField[] }): readonly LeafField[] {
  return schema.fields.flatMap(field => leaves(field, [], false))
}

function leaves(
  field: Pick<NestedField, 'id' | 'name' | 'type'>,
  above: readonly string[],
  repeated: boolean,
): readonly LeafField[] {
  const { id, type } = field
  const path = [...above, field.name]
  if (typeof type === 'string') return [{ id, type, path, repeated }]
  return children(type).flatMap(child => leaves(child, path, repeated || type.type !== 'struct'))
}

/** The fields right below a nested type, under their Parquet names. */
export function children(type: Exclude<IcebergType, string>): readonly NestedField[] {
  switch (type.type) {
    case 'struct':
      return type.fields
    case 'list':
      return [{ id: type['element-id'], name: 'element', required: type['element-required'], type: type.element }]
    case 'map':
      return [
        { id: type['key-id'], name: 'key', required: true, type: type.key },
        { id: type['value-id'], name: 'value', required: type['value-required'], type: type.value },
      ]
  }
}

/** Every field at any depth, with its path. */
export function allFields(
  fields: readonly NestedField[],
  above: readonly string[] = [],
): readonly { readonly field: NestedField; readonly path: readonly string[] }[] {
  return fields.flatMap(field => {
    const path = [...above, field.name]
    const below = typeof field.type === 'string' ? [] : allFields(children(field.type), path)
    return [{ field, path }, ...below]
  })
}

export function highestId(schema: Schema): number {
  return Math.max(0, ...allFields(schema.fields).map(({ field }) => field.id))
}

/** A field at any depth by its id; undefined when this schema does not have it. */
export function fieldById(schema: Schema, id: number): NestedField | undefined {
  return allFields(schema.fields).find(({ field }) => field.id === id)?.field
}

export function columnByName(schema: Schema, name: string): NestedField {
  const field = schema.fields.find(candidate => candidate.name === name)
  if (!field) throw new LakeError('contract-broken', `the table has no column ${name}`, { column: name })
  return field
}

/** Field ids must be unique over the whole schema, or readers take one column for another. */
export function assertUniqueIds(schema: Schema): void {
  const ids = allFields(schema.fields).map(({ field }) => field.id)
  assert(new Set(ids).size === ids.length, 'every field of a schema has an id of its own')
}
