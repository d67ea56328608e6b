import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { valueText } from '#lake/iceberg/partition.ts'
import { planScan, type ScanPlan } from '#lake/iceberg/scan.ts'
import { allFields, fieldById } from '#lake/iceberg/schema.ts'
import { columnsOf, type Table } from '#lake/iceberg/table.ts'
import type {
  IcebergType,
  PartitionSpec,
  ScanFile,
  Schema,
  Snapshot,
  SnapshotReference,
  SortOrder,
  TableMetadata,
} from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { isSmall } from '#lake/small-files.ts'
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
  /** What is taken away from `rows` when the table is read. */
  readonly deletes: DescribedDeletes
  /** Files below three quarters of the target size: what compaction puts together. */
  readonly smallFiles: { readonly files: number; readonly targetBytes: number }
  /** `month(date)`, `bucket(16, id)` */
  readonly partitionedBy: readonly string[]
  readonly sortedBy: readonly string[]
  /** Every spec that the table has had: files stay in the partitions of the one that they were written under. */
  readonly specs: readonly DescribedSpec[]
  readonly sortOrders: readonly { readonly id: number; readonly by: readonly string[]; readonly default: boolean }[]
  /** Branches and tags. */
  readonly refs: readonly DescribedRef[]
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

export interface DescribedFile {
  /** Relative to the table's location. */
  readonly path: string
  readonly partition: Readonly<Record<string, string>>
  readonly rows: number
  readonly bytes: number
  readonly spec: number
  /** null when the writer did not say; 0 is no order. */
  readonly sortOrder: number | null
  /** Delete files that apply to it; one may apply to many data files. */
  readonly positionDeletes: number
  readonly equalityDeletes: number
}

export interface DescribedDeletes {
  readonly files: number
  readonly bytes: number
  /** Rows of delete files. A row may be deleted twice, and an equality delete may hit any number of rows. */
  readonly positions: number
  readonly equalities: number
}

interface DescribedSpec {
  readonly id: number
  readonly by: readonly string[]
  readonly files: number
  readonly default: boolean
}

interface DescribedRef {
  readonly name: string
  readonly type: 'branch' | 'tag'
  readonly snapshot: string
  readonly keepSnapshots: number | null
  readonly snapshotAgeMs: number | null
  readonly refAgeMs: number | null
}

export async function describeTable(lake: Lake, table: Table): Promise<TableDescription> {
  const { metadata } = table
  const schema = currentSchema(metadata)
  const plan = await planScan(lake, table)
  const files = plan.files.map(live => describeFile(table, live))
  return {
    table: table.name,
    description: metadata.properties['comment'] ?? null,
    uuid: metadata['table-uuid'],
    formatVersion: metadata['format-version'],
    location: metadata.location,
    metadataFile: table.entry.metadataLocation,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    deletes: describeDeletes(plan),
    smallFiles: smallFiles(table, plan.files),
    columns: describeColumns(schema),
    partitionedBy: partitioning(table, defaultSpec(metadata)),
    sortedBy: sorting(table, defaultSortOrder(metadata)),
    specs: metadata['partition-specs'].map(spec => ({
      id: spec['spec-id'],
      by: partitioning(table, spec),
      files: files.filter(file => file.spec === spec['spec-id']).length,
      default: spec['spec-id'] === metadata['default-spec-id'],
    })),
    sortOrders: metadata['sort-orders'].map(order => ({
      id: order['order-id'],
      by: sorting(table, order),
      default: order['order-id'] === metadata['default-sort-order-id'],
    })),
    refs: Object.entries(metadata.refs).map(([name, ref]) => describeRef(name, ref)),
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

/** A source that the current schema does not have any more goes by the name that an older one gave it. */
function partitioning({ metadata }: Table, spec: PartitionSpec): readonly string[] {
  return spec.fields.map(field => applied(field.transform, nameOf(metadata, field['source-id'])))
}

function sorting({ metadata }: Table, order: SortOrder): readonly string[] {
  return order.fields.map(
    field => `${applied(field.transform, nameOf(metadata, field['source-id']))} ${field.direction}`,
  )
}

function applied(transform: string, column: string): string {
  const sized = /^(\w+)\[(\d+)\]$/.exec(transform)
  if (sized) return `${sized[1]}(${sized[2]}, ${column})`
  return transform === 'identity' ? column : `${transform}(${column})`
}

function nameOf(metadata: TableMetadata, id: number): string {
  const schemas = [currentSchema(metadata), ...metadata.schemas.toReversed()]
  return schemas.map(schema => fieldById(schema, id)?.name).find(name => name !== undefined) ?? `field ${id}`
}

/** Iceberg's default of `write.target-file-size-bytes`. */
const TARGET_BYTES = 536_870_912

function smallFiles({ metadata }: Table, files: readonly ScanFile[]): TableDescription['smallFiles'] {
  const target = Number(metadata.properties['write.target-file-size-bytes'])
  const targetBytes = target > 0 ? target : TARGET_BYTES
  return { files: files.filter(live => isSmall(live, { targetFileBytes: targetBytes })).length, targetBytes }
}

export function describeDeletes({ deletes }: ScanPlan): DescribedDeletes {
  const { files, bytes, positions, equalities } = deletes
  return { files, bytes: Number(bytes), positions: Number(positions), equalities: Number(equalities) }
}

function describeRef(name: string, ref: SnapshotReference): DescribedRef {
  return {
    name,
    type: ref.type,
    snapshot: String(ref['snapshot-id']),
    keepSnapshots: ref['min-snapshots-to-keep'] ?? null,
    snapshotAgeMs: ref['max-snapshot-age-ms'] ?? null,
    refAgeMs: ref['max-ref-age-ms'] ?? null,
  }
}

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

export function describeFile(table: Table, { file, deletes }: ScanFile): DescribedFile {
  const base = `${table.metadata.location}/`
  const columns = columnsOf(table.metadata, file.spec_id)
  return {
    path: file.file_path.startsWith(base) ? file.file_path.slice(base.length) : file.file_path,
    partition: Object.fromEntries(
      columns.map((column, at) => [column.field.name, valueText(column, file.partition[at] ?? null)]),
    ),
    rows: Number(file.record_count),
    bytes: Number(file.file_size_in_bytes),
    spec: file.spec_id,
    sortOrder: file.sort_order_id,
    positionDeletes: deletes.filter(each => each.file.content === 1).length,
    equalityDeletes: deletes.filter(each => each.file.content === 2).length,
  }
}
