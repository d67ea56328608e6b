import type { Column, Partition, StorageDescriptor, Table, TableInput } from '@aws-sdk/client-glue'
import { LakeError } from '../errors.ts'
import type { CatalogColumn, CatalogEntry, HivePartition, HiveTable, IcebergEntry, TableName, Uri } from '../lake.ts'

/** Glue quota: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog-tables.html (Column, TableInput). */
const COMMENT_CHARACTERS_MAX = 255
const DESCRIPTION_CHARACTERS_MAX = 2048

const FORMATS = ['json', 'csv', 'parquet', 'avro'] as const
const OWN_PARAMETERS = ['classification', 'EXTERNAL']

export const isIceberg = (table: Table): boolean => table.Parameters?.['table_type']?.toUpperCase() === 'ICEBERG'

export function entryOf(name: TableName, table: Table): CatalogEntry {
  const metadataLocation = table.Parameters?.['metadata_location']
  if (metadataLocation === undefined || table.VersionId === undefined)
    throw new LakeError('table-corrupt', `table ${name} has no metadata_location or no version in Glue`, {
      table: name,
    })
  return { name, metadataLocation, token: table.VersionId }
}

/** UpdateTable replaces everything, so whatever others put there is carried over: parameters, owner, comments, columns that left the schema. */
export function icebergInput(name: TableName, entry: IcebergEntry, existing?: Table): TableInput {
  const previous = existing?.Parameters?.['metadata_location']
  const description = (entry.description ?? existing?.Description)?.slice(0, DESCRIPTION_CHARACTERS_MAX)
  return {
    ...carriedOver(existing),
    Name: name,
    ...(description === undefined ? {} : { Description: description }),
    TableType: 'EXTERNAL_TABLE',
    StorageDescriptor: {
      ...existing?.StorageDescriptor,
      Location: entry.location,
      Columns: mergedColumns(entry.columns, existing?.StorageDescriptor?.Columns ?? []),
    },
    Parameters: {
      ...existing?.Parameters,
      table_type: 'ICEBERG',
      metadata_location: entry.metadataLocation,
      ...(previous === undefined ? {} : { previous_metadata_location: previous }),
    },
  }
}

/** The fields of a table that TableInput takes too; the others (CreateTime, VersionId …) are refused by UpdateTable. */
function carriedOver(existing: Table | undefined): Partial<TableInput> {
  if (existing === undefined) return {}
  const { Owner, LastAccessTime, LastAnalyzedTime, Retention, PartitionKeys } = existing
  return {
    ...(Owner !== undefined && { Owner }),
    ...(LastAccessTime !== undefined && { LastAccessTime }),
    ...(LastAnalyzedTime !== undefined && { LastAnalyzedTime }),
    ...(Retention !== undefined && { Retention }),
    ...(PartitionKeys !== undefined && { PartitionKeys }),
  }
}

/** The current schema first, then what is only in older ones, as Iceberg's own Glue catalog does. A comment written in the console stays. */
function mergedColumns(columns: readonly CatalogColumn[], existing: readonly Column[]): Column[] {
  const comments = new Map(existing.map(column => [column.Name, column.Comment]))
  const current = new Set(columns.map(column => column.name.toLowerCase()))
  const former = existing.filter(column => !current.has(column.Name?.toLowerCase() ?? ''))
  return [
    ...columns.map(column => glueColumn(column, comments.get(column.name.toLowerCase()))),
    ...former.map(column => ({ ...column, Parameters: { ...column.Parameters, 'iceberg.field.current': 'false' } })),
  ]
}

function glueColumn(column: CatalogColumn, comment?: string): Column {
  const Comment = (column.comment ?? comment)?.slice(0, COMMENT_CHARACTERS_MAX)
  return {
    Name: column.name.toLowerCase(),
    Type: column.type,
    ...(Comment === undefined ? {} : { Comment }),
    ...(column.parameters === undefined ? {} : { Parameters: { ...column.parameters } }),
  }
}

export function hiveInput(name: TableName, table: HiveTable): TableInput {
  return {
    Name: name,
    TableType: 'EXTERNAL_TABLE',
    Parameters: { ...table.parameters, classification: table.format, EXTERNAL: 'TRUE' },
    PartitionKeys: table.partitionKeys.map(column => glueColumn(column)),
    StorageDescriptor: {
      Columns: table.columns.map(column => glueColumn(column)),
      Location: table.location,
      InputFormat: table.serde.inputFormat,
      OutputFormat: table.serde.outputFormat,
      SerdeInfo: { SerializationLibrary: table.serde.library, Parameters: { ...table.serde.parameters } },
    },
  }
}

export function hiveTableOf(name: TableName, table: Table): HiveTable {
  const { StorageDescriptor: storage = {}, Parameters: parameters = {}, PartitionKeys: keys = [] } = table
  const format = FORMATS.find(one => one === parameters['classification'])
  if (format === undefined)
    throw new LakeError('unsupported', `table ${name} is not a Hive table of Sluice`, {
      table: name,
      classification: parameters['classification'],
    })
  return {
    location: storage.Location ?? '',
    columns: (storage.Columns ?? []).map(columnOf),
    partitionKeys: keys.map(columnOf),
    format,
    serde: {
      library: storage.SerdeInfo?.SerializationLibrary ?? '',
      inputFormat: storage.InputFormat ?? '',
      outputFormat: storage.OutputFormat ?? '',
      parameters: storage.SerdeInfo?.Parameters ?? {},
    },
    parameters: Object.fromEntries(Object.entries(parameters).filter(([key]) => !OWN_PARAMETERS.includes(key))),
  }
}

function columnOf(column: Column): CatalogColumn {
  return {
    name: column.Name ?? '',
    type: column.Type ?? '',
    ...(column.Comment === undefined ? {} : { comment: column.Comment }),
    ...(column.Parameters === undefined ? {} : { parameters: column.Parameters }),
  }
}

export function partitionOf(partition: Partition): HivePartition {
  return { values: partition.Values ?? [], location: partition.StorageDescriptor?.Location ?? '' }
}

/** A partition's descriptor is the table's with another location; a partition without one cannot be read by Athena. */
export function partitionStorage(table: Table, location: Uri): StorageDescriptor {
  return { ...table.StorageDescriptor, Location: location }
}
