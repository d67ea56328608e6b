import type { Column, ColumnType, Primitive } from '../dataset.ts'
import { isLakeError, LakeError } from '../errors.ts'
import { parsePrimitive } from './primitive.ts'
import type { IcebergType, NestedField } from './types.ts'

export type NextId = () => number

/** Ids are given breadth first, as Iceberg's AssignFreshIds gives them. */
export function freshFields(columns: readonly Column[], nextId: NextId): readonly NestedField[] {
  const ids = columns.map(nextId)
  return columns.map(({ name, type, doc }, index) => {
    // Always optional: files written before a column became required must stay readable; the gate enforces `required`.
    const field = { id: ids[index] as number, name, required: false, type: freshType(type, nextId) }
    return doc === undefined ? field : { ...field, doc }
  })
}

export function freshType(type: ColumnType, nextId: NextId): IcebergType {
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

/** int → long, float → double and decimal precision upwards are all that the spec allows in version 2. */
export function promotedType(base: IcebergType, wanted: string, path: readonly string[]): IcebergType {
  if (typeof base !== 'string') throw typeRefusal(base, wanted, path)
  const [from, to] = [parsePrimitive(base), parsePrimitive(wanted)]
  if (from.kind === 'decimal' && to.kind === 'decimal') {
    const widens = from.scale === to.scale && from.precision <= to.precision && to.precision <= 38
    if (!widens) throw typeRefusal(base, wanted, path)
    return from.precision === to.precision ? base : `decimal(${to.precision},${to.scale})`
  }
  if (from.kind === 'fixed' && to.kind === 'fixed' && from.length !== to.length) throw typeRefusal(base, wanted, path)
  if (from.kind === to.kind) return base
  const widens = (from.kind === 'int' && to.kind === 'long') || (from.kind === 'float' && to.kind === 'double')
  if (!widens) throw typeRefusal(base, wanted, path)
  return to.kind
}

/** The type of a table where it already is what the wanted one may become; else the wanted one. */
export function widerType(base: IcebergType, wanted: string): Primitive {
  const isWider = typeof base === 'string' && isPromotion(wanted, base)
  // What stands in a schema or in a declaration is a primitive; nothing is put together here.
  return (isWider ? base : wanted) as Primitive
}

function isPromotion(from: string, to: string): boolean {
  try {
    return promotedType(from, to, []) === to
  } catch (error) {
    if (isLakeError(error, 'contract-broken')) return false
    throw error
  }
}

export function typeRefusal(base: IcebergType, wanted: ColumnType | string, path: readonly string[]): LakeError {
  const column = path.join('.')
  const from = typeof base === 'string' ? base : base.type
  const to = typeof wanted === 'string' ? wanted : (Object.keys(wanted)[0] as string)
  return new LakeError(
    'contract-broken',
    `${column}: the table holds ${from}, which cannot become ${to}; add a column of the new type instead`,
    { column, from, to },
  )
}
