import { assert } from '../errors.ts'
import type { IcebergType, NestedField } from './types.ts'

export type NestedType = Exclude<IcebergType, string>

/** The fields right below a nested type, under their Parquet names. */
export function children(type: NestedType): readonly NestedField[] {
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

/** The inverse of `children`: the type with other fields right below it. */
export function withChildren(type: NestedType, fields: readonly NestedField[]): NestedType {
  if (type.type === 'struct') return { ...type, fields }
  const [first, second] = fields
  assert(first, 'a list has an element and a map has a key')
  if (type.type === 'list') return { ...type, 'element-required': first.required, element: first.type }
  assert(second, 'a map has a value')
  return { ...type, key: first.type, 'value-required': second.required, value: second.type }
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
