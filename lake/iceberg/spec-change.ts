import type { SortField, Transform } from '../dataset.ts'
import { LakeError } from '../errors.ts'
import { currentSchema, defaultSpec, setPartitionSpec, setSortOrder } from './metadata.ts'
import { partitionField, sortOrderFor, specOf } from './partition.ts'
import { allFields } from './schema.ts'
import type { NestedField, PartitionSpecField, Schema, TableMetadata } from './types.ts'

/** One step of a partition spec's evolution (spec, "Partition Evolution"). Steps follow each other. */
export type SpecChange =
  /** `column` by its names from the table down, joined with dots: a column, or a field inside structs. */
  | { readonly type: 'add'; readonly column: string; readonly transform: Transform; readonly name?: string }
  | { readonly type: 'remove'; readonly name: string }
  | { readonly type: 'rename'; readonly name: string; readonly to: string }

/**
 * The table with a changed partition spec, for `updateTable`: files of older specs stay where they are and are pruned by theirs. A spec
 * that the table had before is taken again, and so are the ids of its fields; the name of a removed field is free. Fails with
 * `dataset-invalid`, saying what to do instead.
 */
export function updateSpec(metadata: TableMetadata, changes: readonly SpecChange[]): TableMetadata {
  const fields = changes.reduce((current, change) => changed(metadata, current, change), defaultSpec(metadata).fields)
  const specs = metadata['partition-specs']
  const same = specs.find(spec => JSON.stringify(spec.fields.map(essence)) === JSON.stringify(fields.map(essence)))
  return setPartitionSpec(metadata, same ?? specOf(fields, specs))
}

/** The table with another sort order for files to come, for `updateTable`; an equal one that it had before is taken again. */
export function updateSortOrder(metadata: TableMetadata, sortBy: readonly SortField[]): TableMetadata {
  return setSortOrder(metadata, sortOrderFor(currentSchema(metadata), sortBy, metadata['sort-orders']))
}

const essence = (field: PartitionSpecField): readonly unknown[] => [
  field['source-id'],
  field['field-id'],
  field.name,
  field.transform,
]

function changed(
  metadata: TableMetadata,
  fields: readonly PartitionSpecField[],
  change: SpecChange,
): readonly PartitionSpecField[] {
  switch (change.type) {
    case 'add':
      return added(metadata, fields, change)
    case 'remove': {
      const field = find(fields, change)
      return fields.filter(other => other !== field)
    }
    case 'rename': {
      const field = find(fields, change)
      const others = fields.filter(other => other !== field)
      checkName(change.to, { schema: currentSchema(metadata), others, field })
      return fields.map(other => (other === field ? { ...field, name: change.to } : other))
    }
  }
}

function added(
  metadata: TableMetadata,
  fields: readonly PartitionSpecField[],
  change: Extract<SpecChange, { readonly type: 'add' }>,
): readonly PartitionSpecField[] {
  const schema = currentSchema(metadata)
  const source = sourceOf(schema, change.column)
  const { transform, name } = change
  const history = { schema, specs: metadata['partition-specs'], lastPartitionId: metadata['last-partition-id'] }
  const field = partitionField({ source, label: change.column, transform, name }, history, fields)
  checkName(field.name, { schema, others: fields, field })
  return [...fields, field]
}

/** A list or a map holds any number of values in a row, and a row is in one partition. */
function sourceOf(schema: Schema, column: string): NestedField {
  const found = allFields(schema.fields).find(({ path }) => path.join('.') === column)
  if (!found) throw refusal(`the table has no column ${column}`, column)
  const repeated = allFields(schema.fields).some(
    ({ field, path }) =>
      typeof field.type !== 'string' && field.type.type !== 'struct' && column.startsWith(`${path.join('.')}.`),
  )
  if (repeated)
    throw refusal(`${column} is inside a list or a map: choose a column that has one value in a row`, column)
  return found.field
}

function find(fields: readonly PartitionSpecField[], change: { readonly name: string }): PartitionSpecField {
  const field = fields.find(candidate => candidate.name === change.name)
  if (field) return field
  const names = fields.map(other => other.name).join(', ')
  throw refusal(
    `the table is not partitioned by ${change.name}; ${names === '' ? 'it has no partitions' : `its partition fields are ${names}`}`,
    change.name,
  )
}

/** As Iceberg's PartitionSpec.Builder: a field may bear the name of a column only when it is that column's identity. */
function checkName(
  name: string,
  {
    schema,
    others,
    field,
  }: { readonly schema: Schema; readonly others: readonly PartitionSpecField[]; readonly field: PartitionSpecField },
): void {
  if (name.trim() === '') throw refusal('a partition field needs a name', name)
  if (others.some(other => other.name === name))
    throw refusal(`the table has a partition field ${name} already: give the new one another name`, name)
  const column = schema.fields.find(candidate => candidate.name === name)
  if (column && !(field.transform === 'identity' && field['source-id'] === column.id))
    throw refusal(`${name} is a column of the table: give the partition field another name`, name)
}

function refusal(message: string, field: string): LakeError {
  return new LakeError('dataset-invalid', message, { field })
}
