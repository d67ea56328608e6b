import type { Column, ColumnType } from '../dataset.ts'
import { assert, LakeError } from '../errors.ts'
import { allFields, children } from './nested.ts'
import { editFields, type SchemaChange } from './schema-edit.ts'
import { freshFields, promotedType, typeRefusal } from './schema-types.ts'
import type { IcebergType, NestedField, Schema } from './types.ts'

export { allFields, children } from './nested.ts'

export interface EvolvedSchema {
  /** `schema-id` is that of the base, or 0; table metadata gives a changed schema its id. */
  readonly schema: Schema
  readonly lastColumnId: number
  readonly changed: boolean
}

/**
 * The schema of a declaration. Without a base all ids are fresh. With a base, fields at any depth keep their id by name, or by a
 * declared rename; new ones follow `lastColumnId`; fields that are no longer declared stay. Fails with `contract-broken` on what
 * the spec does not allow.
 */
export function evolveSchema(
  base: Schema | undefined,
  columns: readonly Column[],
  lastColumnId: number = base ? highestId(base) : 0,
): EvolvedSchema {
  if (!base) {
    let last = lastColumnId
    const fields = freshFields(columns, () => ++last)
    return { schema: { type: 'struct', 'schema-id': 0, fields }, lastColumnId: last, changed: true }
  }
  const changes = declaredChanges(base.fields, columns, [])
  if (changes.length === 0) return { schema: base, lastColumnId, changed: false }
  const edited = editFields(base.fields, changes, { lastColumnId })
  return { schema: { ...base, fields: edited.fields }, lastColumnId: edited.lastColumnId, changed: true }
}

/** What a declaration changes in the fields of the table or of one struct, renames before the changes that use the new name. */
function declaredChanges(
  base: readonly NestedField[],
  columns: readonly Column[],
  above: readonly string[],
): readonly SchemaChange[] {
  return columns.flatMap((column): readonly SchemaChange[] => {
    const { name, type, doc } = column
    const path = [...above, name]
    const field = matchOf(base, columns, column)
    if (!field) return [{ type: 'add', path, column: type, doc }]
    const former = [...above, field.name]
    return [
      ...(field.name === name ? [] : [{ type: 'rename', path: former, to: name } as const]),
      ...(doc === undefined || doc === field.doc ? [] : [{ type: 'set-doc', path, doc } as const]),
      ...typeChanges(field.type, type, path),
    ]
  })
}

/** The table's field that a column continues: by its name, else by the first former name that no declared column bears now. */
function matchOf(base: readonly NestedField[], columns: readonly Column[], column: Column): NestedField | undefined {
  const named = base.find(field => field.name === column.name)
  if (named) return named
  const former = column.from.filter(name => !columns.some(other => other.name === name))
  return former.map(name => base.find(field => field.name === name)).find(field => field !== undefined)
}

function typeChanges(base: IcebergType, declared: ColumnType, path: readonly string[]): readonly SchemaChange[] {
  if (typeof declared === 'string') {
    const promoted = promotedType(base, declared, path)
    return promoted === base ? [] : [{ type: 'promote', path, to: declared }]
  }
  if (typeof base === 'string') throw typeRefusal(base, declared, path)
  if ('struct' in declared && base.type === 'struct') return declaredChanges(base.fields, declared.struct, path)
  if ('list' in declared && base.type === 'list') return typeChanges(base.element, declared.list, [...path, 'element'])
  if ('map' in declared && base.type === 'map') {
    // Changing a key could make two keys of one map equal, so keys keep their type (spec, "Schema Evolution").
    const { key, value } = declared.map
    if (typeChanges(base.key, key, [...path, 'key']).length > 0) throw typeRefusal(base.key, key, [...path, 'key'])
    return typeChanges(base.value, value, [...path, 'value'])
  }
  throw typeRefusal(base, declared, path)
}

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
