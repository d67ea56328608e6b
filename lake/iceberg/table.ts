import { LakeError } from '../errors.ts'
import type { CatalogEntry, IcebergEntry, Lake, TableName, Uri } from '../lake.ts'
import { currentSchema, defaultSpec } from './metadata.ts'
import { decodeMetadata } from './metadata-file.ts'
import { NAME_MAPPING } from './name-mapping.ts'
import { type PartitionColumn, partitionColumns, partitionFolder } from './partition.ts'
import { catalogColumns } from './schema-text.ts'
import type { DataFile, PartitionSpec, ReadContext, TableMetadata } from './types.ts'

/** A table as it was when it was loaded: the catalog's pointer and the metadata it points at. */
export interface Table {
  readonly name: TableName
  readonly entry: CatalogEntry
  readonly metadata: TableMetadata
}

/** undefined when the catalog has no such table. */
export async function loadTable(lake: Lake, name: TableName): Promise<Table | undefined> {
  const entry = await lake.catalog.load(name)
  if (!entry) return undefined
  return { name, entry, metadata: decodeMetadata(await lake.storage.get(entry.metadataLocation)) }
}

/** As loadTable; fails with `not-found`. */
export async function openTable(lake: Lake, name: TableName): Promise<Table> {
  const table = await loadTable(lake, name)
  if (!table) throw new LakeError('not-found', `there is no table ${name}`, { table: name })
  return table
}

/** What the catalog keeps of a table. */
export function icebergEntry(metadata: TableMetadata, metadataLocation: Uri): IcebergEntry {
  const description = metadata.properties['comment']
  return {
    metadataLocation,
    location: metadata.location,
    columns: catalogColumns(metadata.schemas, currentSchema(metadata)['schema-id']),
    ...(description === undefined ? {} : { description }),
  }
}

export function metadataFolder(metadata: TableMetadata): Uri {
  return folderOf(metadata, 'write.metadata.path') ?? `${metadata.location}/metadata`
}

/** Without the slash at its end, which some engines write: an object's URI would have two. */
function folderOf(metadata: TableMetadata, property: string): Uri | undefined {
  return metadata.properties[property]?.replace(/\/+$/, '')
}

/** `00007-<uuid>.metadata.json`, one after the file it succeeds. */
export function metadataUri(metadata: TableMetadata, previous: Uri | undefined, uuid: string): Uri {
  const number = previous === undefined ? -1 : Number(/(?:^|\/)v?(\d+)[^/]*$/.exec(previous)?.[1] ?? 0)
  return `${metadataFolder(metadata)}/${String(number + 1).padStart(5, '0')}-${uuid}.metadata.json`
}

/** Where a data file of that name belongs: below the folder of its partition. */
export function dataFileUri(table: Table, file: DataFile, name: string): Uri {
  const base = folderOf(table.metadata, 'write.data.path') ?? `${table.metadata.location}/data`
  const folder = partitionFolder(columnsOf(table.metadata, file.spec_id), file.partition)
  return [base, folder, name].filter(part => part !== '').join('/')
}

/** What the files of each spec need to be read, by spec id. */
export function readContexts(metadata: TableMetadata): ReadonlyMap<number, ReadContext> {
  const nameMapping = metadata.properties[NAME_MAPPING]
  return new Map(metadata['partition-specs'].map(spec => [spec['spec-id'], { spec, nameMapping }]))
}

/** The partition fields of a spec of the table, typed by the newest schema that has their source. */
export function columnsOf(
  metadata: TableMetadata,
  specId: number = defaultSpec(metadata)['spec-id'],
): readonly PartitionColumn[] {
  const spec: PartitionSpec | undefined = metadata['partition-specs'].find(known => known['spec-id'] === specId)
  if (!spec) throw new LakeError('table-corrupt', `the table's metadata has no partition spec ${specId}`, { specId })
  const current = currentSchema(metadata)
  return partitionColumns(spec, [current, ...metadata.schemas.filter(schema => schema !== current).toReversed()])
}
