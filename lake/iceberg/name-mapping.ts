import { LakeError } from '../errors.ts'

/** The table property that holds the mapping (spec, "Name Mapping Serialization"). */
export const NAME_MAPPING = 'schema.name-mapping.default'

/** A field of the table as files without field ids know it. */
export interface MappedField {
  readonly id: number | undefined
  readonly fields: ReadonlyMap<string, MappedField>
}

/** The ids of a mapping by each of the names that a field goes under. */
export function mappedIds(entries: readonly NameMappingEntry[]): ReadonlyMap<string, MappedField> {
  return new Map(
    entries.flatMap(entry => {
      const mapped: MappedField = { id: entry['field-id'], fields: mappedIds(entry.fields ?? []) }
      return entry.names.map(name => [name, mapped] as const)
    }),
  )
}

export interface NameMappingEntry {
  readonly 'field-id'?: number
  readonly names: readonly string[]
  readonly fields?: readonly NameMappingEntry[]
}

/** Fails with `table-corrupt`: without its mapping the table's files cannot be read. */
export function parseNameMapping(text: string): readonly NameMappingEntry[] {
  try {
    const parsed: unknown = JSON.parse(text)
    if (isMapping(parsed)) return parsed
  } catch (cause) {
    throw new LakeError(
      'table-corrupt',
      `the property ${NAME_MAPPING} is not JSON`,
      { property: NAME_MAPPING },
      { cause },
    )
  }
  throw new LakeError('table-corrupt', `the property ${NAME_MAPPING} is not a list of fields with names`, {
    property: NAME_MAPPING,
  })
}

/** The one check of what the JSON holds. */
function isMapping(value: unknown): value is readonly NameMappingEntry[] {
  return Array.isArray(value) && value.every(isEntry)
}

function isEntry(value: unknown): value is NameMappingEntry {
  if (typeof value !== 'object' || value === null) return false
  const entry = value as Readonly<Record<string, unknown>>
  const { 'field-id': id, names, fields } = entry
  return (
    (id === undefined || Number.isInteger(id)) &&
    Array.isArray(names) &&
    names.every(name => typeof name === 'string') &&
    (fields === undefined || isMapping(fields))
  )
}
