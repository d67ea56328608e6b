import { currentSchema, defaultSortOrder, defaultSpec, setSchema } from './metadata.ts'
import { editFields, type SchemaChange } from './schema-edit.ts'
import type { TableMetadata } from './types.ts'

export type { FieldPath, FieldPlace, SchemaChange } from './schema-edit.ts'

/**
 * The table with a changed schema, for `updateTable`: add, drop, rename, move, promote, make optional or document fields at any
 * depth. A former schema that is equal becomes the current one again. Fails with `contract-broken` on what the spec does not allow.
 */
export function updateSchema(metadata: TableMetadata, changes: readonly SchemaChange[]): TableMetadata {
  const schema = currentSchema(metadata)
  const { fields, lastColumnId } = editFields(schema.fields, changes, {
    lastColumnId: metadata['last-column-id'],
    inUse: fieldsInUse(metadata),
    identifiers: new Set(schema['identifier-field-ids']),
  })
  return setSchema(metadata, { ...schema, fields }, lastColumnId)
}

/**
 * Sources of the current spec and sort order: without them new files could not be placed or sorted. Older specs keep the type of
 * their sources through older schemas; a `void` field needs none (Iceberg's PartitionSpec.checkCompatibility).
 */
function fieldsInUse(metadata: TableMetadata): ReadonlyMap<number, string> {
  const partitions = defaultSpec(metadata)
    .fields.filter(field => field.transform !== 'void')
    .map(field => [field['source-id'], `what the table is partitioned by (${field.name})`] as const)
  const sorts = defaultSortOrder(metadata).fields.map(
    field => [field['source-id'], 'what the table is sorted by'] as const,
  )
  return new Map([...sorts, ...partitions])
}
