import type { Column, Dataset, PartitionField, SortField } from '../dataset.ts'
import { tableColumns } from '../dataset.ts'
import { isLakeError } from '../errors.ts'
import type { Lake, TableName } from '../lake.ts'
import { updateTable } from './commit.ts'
import {
  currentSchema,
  newTableMetadata,
  setPartitionSpec,
  setProperties,
  setSchema,
  setSortOrder,
} from './metadata.ts'
import { encodeMetadata } from './metadata-file.ts'
import { partitionSpecFor, sortOrderFor } from './partition.ts'
import { evolveSchema } from './schema.ts'
import { icebergEntry, loadTable, metadataUri, openTable, type Table } from './table.ts'
import type { TableMetadata } from './types.ts'

/** What a table should be. */
export interface TableDefinition {
  readonly name: TableName
  readonly columns: readonly Column[]
  readonly partitionBy: readonly PartitionField[]
  readonly sortBy: readonly SortField[]
  readonly description: string
  readonly properties: Readonly<Record<string, string>>
}

/** The dataset's table, with the lineage columns and the properties that engines honour. */
export function tableDefinition(dataset: Dataset): TableDefinition {
  return {
    name: dataset.name,
    columns: tableColumns(dataset),
    partitionBy: dataset.partitionBy,
    sortBy: dataset.sortBy,
    description: dataset.description,
    properties: {
      ...TABLE_PROPERTIES,
      'write.target-file-size-bytes': String(dataset.compaction.targetFileBytes),
      'history.expire.max-snapshot-age-ms': String(dataset.retention.snapshotAgeHours * 3_600_000),
      'history.expire.min-snapshots-to-keep': String(dataset.retention.minSnapshots),
    },
  }
}

/** Names and meanings are Iceberg's ("Configuration"): other writers of the table follow them too. */
export const TABLE_PROPERTIES: Readonly<Record<string, string>> = {
  'write.format.default': 'parquet',
  'write.parquet.compression-codec': 'zstd',
  'write.parquet.compression-level': '1',
  'write.metadata.metrics.column._raw_object': 'full',
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
export async function createTable(lake: Lake, definition: TableDefinition): Promise<Table> {
  const metadata = initial(lake, definition)
  const location = metadataUri(metadata, undefined, lake.ids.uuid())
  await lake.storage.put(location, encodeMetadata(metadata), { contentType: 'application/json' })
  try {
    await lake.catalog.create(definition.name, icebergEntry(metadata, location))
  } catch (error) {
    const undecided =
      isLakeError(error, 'already-exists') || isLakeError(error, 'commit-unknown') || isLakeError(error, 'conflict')
    const existing = undecided ? await loadTable(lake, definition.name) : undefined
    if (!existing) throw error
    return existing
  }
  return openTable(lake, definition.name)
}

function initial(lake: Lake, definition: TableDefinition): TableMetadata {
  const { schema, lastColumnId } = evolveSchema(undefined, definition.columns)
  return newTableMetadata({
    uuid: lake.ids.uuid(),
    location: `${lake.zones.tables}/${definition.name}`,
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
  const evolved = evolveSchema(currentSchema(metadata), definition.columns, metadata['last-column-id'])
  const withSchema = evolved.changed ? setSchema(metadata, evolved.schema, evolved.lastColumnId) : metadata
  const schema = currentSchema(withSchema)
  const { 'partition-specs': specs, 'last-partition-id': lastId, 'sort-orders': orders } = withSchema
  const withSpec = setPartitionSpec(withSchema, partitionSpecFor(schema, definition.partitionBy, specs, lastId))
  const withOrder = setSortOrder(withSpec, sortOrderFor(schema, definition.sortBy, orders))
  return setProperties(withOrder, propertiesOf(definition))
}
