import type { Column, Dataset, PartitionField, SortField } from '../dataset.ts'
import { tableColumns } from '../dataset.ts'
import { isLakeError } from '../errors.ts'
import type { Lake, TableName, Uri } from '../lake.ts'
import { updateTable } from './commit.ts'
import { checkWritableVersion, FORMAT_VERSION } from './format-version.ts'
import {
  currentSchema,
  defaultSpec,
  newTableMetadata,
  setPartitionSpec,
  setProperties,
  setSchema,
  setSortOrder,
} from './metadata.ts'
import { encodeMetadata } from './metadata-file.ts'
import { partitionSpecFor, sortOrderFor } from './partition.ts'
import { evolveSchema } from './schema.ts'
import { widerType } from './schema-types.ts'
import { icebergEntry, loadTable, metadataUri, openTable, type Table } from './table.ts'
import { tableProperties } from './table-properties.ts'
import type { TableMetadata } from './types.ts'

export { TABLE_PROPERTIES } from './table-properties.ts'

/** What a table should be. */
export interface TableDefinition {
  readonly name: TableName
  readonly columns: readonly Column[]
  readonly partitionBy: readonly PartitionField[]
  readonly sortBy: readonly SortField[]
  readonly description: string
  readonly properties: Readonly<Record<string, string>>
  /** Columns of the table may have grown beyond what is declared, and stay so. */
  readonly grows?: boolean
  /** Of a table that is created; the one that Sluice writes when absent. */
  readonly formatVersion?: number
  /** Of a table that is created; the folder of its name when absent. */
  readonly location?: Uri
}

/** The dataset's table, with the lineage columns and the properties that engines honour. */
export function tableDefinition(dataset: Dataset): TableDefinition {
  return {
    name: dataset.name,
    columns: tableColumns(dataset),
    partitionBy: dataset.partitionBy,
    sortBy: dataset.sortBy,
    description: dataset.description,
    properties: tableProperties(dataset),
    grows: dataset.evolution === 'widen',
  }
}

/**
 * The table as it is declared: created when it does not exist, evolved when the declaration went on. Does nothing otherwise, so
 * it may be called before every batch. Fails with `contract-broken` when the table cannot become what is declared.
 */
export async function ensureTable(lake: Lake, definition: TableDefinition): Promise<Table> {
  const table = (await loadTable(lake, definition.name)) ?? (await createTable(lake, definition))
  if (evolve(table.metadata, definition) === table.metadata) return table
  return updateTable(lake, definition.name, metadata => evolve(metadata, definition))
}

/** Creates the table, or gives the one that another writer created first. */
export function createTable(lake: Lake, definition: TableDefinition): Promise<Table> {
  return registerTable(lake, definition.name, initial(lake, definition))
}

/** As `createTable`, from metadata that no declaration gives. */
export async function registerTable(lake: Lake, name: TableName, metadata: TableMetadata): Promise<Table> {
  const location = metadataUri(metadata, undefined, lake.ids.uuid())
  await lake.storage.put(location, encodeMetadata(metadata), { contentType: 'application/json' })
  try {
    await lake.catalog.create(name, icebergEntry(metadata, location))
  } catch (error) {
    const undecided =
      isLakeError(error, 'already-exists') || isLakeError(error, 'commit-unknown') || isLakeError(error, 'conflict')
    const existing = undecided ? await loadTable(lake, name) : undefined
    if (!existing) throw error
    return existing
  }
  return openTable(lake, name)
}

function initial(lake: Lake, definition: TableDefinition): TableMetadata {
  const formatVersion = definition.formatVersion ?? FORMAT_VERSION
  checkWritableVersion(definition.name, { 'format-version': formatVersion })
  const { schema, lastColumnId } = evolveSchema(undefined, definition.columns)
  return newTableMetadata({
    formatVersion,
    uuid: lake.ids.uuid(),
    location: definition.location ?? `${lake.zones.tables}/${definition.name}`,
    schema,
    lastColumnId,
    spec: partitionSpecFor(schema, definition.partitionBy),
    sortOrder: sortOrderFor(schema, definition.sortBy),
    properties: propertiesOf(definition),
    nowMs: lake.clock.nowMs(),
  })
}

function propertiesOf(definition: TableDefinition): Readonly<Record<string, string>> {
  return definition.description === ''
    ? definition.properties
    : { ...definition.properties, comment: definition.description }
}

/** Pure; gives back the same object when the table is as declared. */
function evolve(metadata: TableMetadata, definition: TableDefinition): TableMetadata {
  const evolved = evolveSchema(currentSchema(metadata), columnsFor(metadata, definition), metadata['last-column-id'])
  const withSchema = evolved.changed ? setSchema(metadata, evolved.schema, evolved.lastColumnId) : metadata
  const schema = currentSchema(withSchema)
  const { 'last-partition-id': lastId, 'sort-orders': orders } = withSchema
  // The current one first: a field that somebody renamed is the same field, and no reason to go back to an older spec.
  const specs = [defaultSpec(withSchema), ...withSchema['partition-specs']]
  const withSpec = setPartitionSpec(withSchema, partitionSpecFor(schema, definition.partitionBy, specs, lastId))
  const withOrder = setSortOrder(withSpec, sortOrderFor(schema, definition.sortBy, orders))
  return setProperties(withOrder, propertiesOf(definition))
}

/** Of columns that grow, the table's own type where it has grown. */
function columnsFor(metadata: TableMetadata, { columns, grows }: TableDefinition): readonly Column[] {
  if (grows !== true) return columns
  const types = new Map(currentSchema(metadata).fields.map(({ name, type }) => [name, type]))
  return columns.map(column => {
    const known = types.get(column.name)
    return known === undefined || typeof column.type !== 'string'
      ? column
      : { ...column, type: widerType(known, column.type) }
  })
}
