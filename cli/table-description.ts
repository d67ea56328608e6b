import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { valueText } from '#lake/iceberg/partition.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { allFields, fieldById } from '#lake/iceberg/schema.ts'
import { columnsOf, type Table } from '#lake/iceberg/table.ts'
import type { DataFile, IcebergType, Schema, Snapshot } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { isoTime } from './units.ts'

/** A table as `sluice show --json` prints it. 64-bit ids are decimal text. */
export interface TableDescription {
  readonly table: string
  readonly description: string | null
  readonly uuid: string
  readonly formatVersion: number
  readonly location: string
  readonly metadataFile: string
  readonly rows: number
  readonly bytes: number
  readonly columns: readonly DescribedColumn[]
  /** `month(date)`, `bucket(16, id)` */
  readonly partitionedBy: readonly string[]
  readonly sortedBy: readonly string[]
  readonly properties: Readonly<Record<string, string>>
  /** The newest first. */
  readonly snapshots: readonly DescribedSnapshot[]
  readonly files: readonly DescribedFile[]
}

interface DescribedColumn {
  readonly id: number
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly doc: string | null
  /** 0 for a column, more for the fields inside it. */
  readonly depth: number
}

interface DescribedSnapshot {
  readonly id: string
  readonly time: string
  readonly operation: string
  readonly rowsAdded: number | null
  readonly rowsDeleted: number | null
  readonly rows: number | null
  readonly current: boolean
}

interface DescribedFile {
  /** Relative to the table's location. */
  readonly path: string
  readonly partition: Readonly<Record<string, string>>
  readonly rows: number
  readonly bytes: number
}

export async function describeTable(lake: Lake, table: Table): Promise<TableDescription> {
  const { metadata } = table
  const schema = currentSchema(metadata)
  const files = (await liveFiles(lake, table)).map(({ file }) => describeFile(table, file))
  return {
    table: table.name,
    description: metadata.properties['comment'] ?? null,
    uuid: metadata['table-uuid'],
    formatVersion: metadata['format-version'],
    location: metadata.location,
    metadataFile: table.entry.metadataLocation,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    columns: describeColumns(schema),
    partitionedBy: partitioning(table, schema),
    sortedBy: sorting(table, schema),
    properties: metadata.properties,
    snapshots: metadata.snapshots.toReversed().map(each => describeSnapshot(each, metadata['current-snapshot-id'])),
    files: files.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  }
}

function describeColumns(schema: Schema): readonly DescribedColumn[] {
  return allFields(schema.fields).map(({ field, path }) => ({
    id: field.id,
    name: field.name,
    type: typeText(field.type),
    required: field.required,
    doc: field.doc ?? null,
    depth: path.length - 1,
  }))
}

/** As Iceberg writes types: the fields of a struct have lines of their own. */
function typeText(type: IcebergType): string {
  if (typeof type === 'string') return type
  switch (type.type) {
    case 'struct':
      return 'struct'
    case 'list':
      return `list<${typeText(type.element)}>`
    case 'map':
      return `map<${typeText(type.key)}, ${typeText(type.value)}>`
  }
}

function partitioning({ metadata }: Table, schema: Schema): readonly string[] {
  return defaultSpec(metadata).fields.map(field => applied(field.transform, nameOf(schema, field['source-id'])))
}

function sorting({ metadata }: Table, schema: Schema): readonly string[] {
  return defaultSortOrder(metadata).fields.map(
    field => `${applied(field.transform, nameOf(schema, field['source-id']))} ${field.direction}`,
  )
}

function applied(transform: string, column: string): string {
  const sized = /^(\w+)\[(\d+)\]$/.exec(transform)
  if (sized) return `${sized[1]}(${sized[2]}, ${column})`
  return transform === 'identity' ? column : `${transform}(${column})`
}

const nameOf = (schema: Schema, id: number): string => fieldById(schema, id)?.name ?? `field ${id}`

function describeSnapshot(snapshot: Snapshot, currentId: bigint | undefined): DescribedSnapshot {
  const { summary } = snapshot
  const count = (key: string): number | null => (summary[key] === undefined ? null : Number(summary[key]))
  return {
    id: String(snapshot['snapshot-id']),
    time: isoTime(snapshot['timestamp-ms']),
    operation: summary['operation'] ?? 'unknown',
    // Both are left out by writers that changed none.
    rowsAdded: count('added-records') ?? 0,
    rowsDeleted: count('deleted-records') ?? 0,
    rows: count('total-records'),
    current: snapshot['snapshot-id'] === currentId,
  }
}

function describeFile(table: Table, file: DataFile): DescribedFile {
  const base = `${table.metadata.location}/`
  const columns = columnsOf(table.metadata, file.spec_id)
  return {
    path: file.file_path.startsWith(base) ? file.file_path.slice(base.length) : file.file_path,
    partition: Object.fromEntries(
      columns.map((column, at) => [column.field.name, valueText(column, file.partition[at] ?? null)]),
    ),
    rows: Number(file.record_count),
    bytes: Number(file.file_size_in_bytes),
  }
}
