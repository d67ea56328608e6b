/** The vocabulary of the Iceberg spec, version 2, in the spec's own spelling. 64-bit ids and counts are bigint. */

export type PrimitiveType = string
export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly NestedField[]
}
export interface ListType {
  readonly type: 'list'
  readonly 'element-id': number
  readonly 'element-required': boolean
  readonly element: IcebergType
}
export interface MapType {
  readonly type: 'map'
  readonly 'key-id': number
  readonly key: IcebergType
  readonly 'value-id': number
  readonly 'value-required': boolean
  readonly value: IcebergType
}
export type IcebergType = PrimitiveType | StructType | ListType | MapType

export interface NestedField {
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: IcebergType
  readonly doc?: string
}

export interface Schema extends StructType {
  readonly 'schema-id': number
  readonly 'identifier-field-ids'?: readonly number[]
}

export interface PartitionSpecField {
  readonly 'source-id': number
  readonly 'field-id': number
  readonly name: string
  readonly transform: string
}
export interface PartitionSpec {
  readonly 'spec-id': number
  readonly fields: readonly PartitionSpecField[]
}

export interface SortOrderField {
  readonly transform: string
  readonly 'source-id': number
  readonly direction: 'asc' | 'desc'
  readonly 'null-order': 'nulls-first' | 'nulls-last'
}
export interface SortOrder {
  readonly 'order-id': number
  readonly fields: readonly SortOrderField[]
}

export interface Snapshot {
  readonly 'snapshot-id': bigint
  readonly 'parent-snapshot-id'?: bigint
  readonly 'sequence-number': bigint
  readonly 'timestamp-ms': number
  /** Empty for a snapshot of version 1 that names its manifests itself. */
  readonly 'manifest-list': string
  /** Version 1 only, in place of a list (spec, "Snapshots"). */
  readonly manifests?: readonly string[]
  readonly summary: Readonly<Record<string, string>>
  readonly 'schema-id'?: number
}

export interface SnapshotReference {
  readonly 'snapshot-id': bigint
  readonly type: 'branch' | 'tag'
  readonly 'min-snapshots-to-keep'?: number
  readonly 'max-snapshot-age-ms'?: number
  readonly 'max-ref-age-ms'?: number
}

/** Table metadata, version 2. Fields that Sluice does not know are kept as they came. */
export interface TableMetadata {
  readonly 'format-version': number
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number': bigint
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly schemas: readonly Schema[]
  readonly 'current-schema-id': number
  readonly 'partition-specs': readonly PartitionSpec[]
  readonly 'default-spec-id': number
  readonly 'last-partition-id': number
  readonly properties: Readonly<Record<string, string>>
  readonly 'current-snapshot-id'?: bigint
  readonly snapshots: readonly Snapshot[]
  readonly 'snapshot-log': readonly { readonly 'timestamp-ms': number; readonly 'snapshot-id': bigint }[]
  readonly 'metadata-log': readonly { readonly 'timestamp-ms': number; readonly 'metadata-file': string }[]
  readonly 'sort-orders': readonly SortOrder[]
  readonly 'default-sort-order-id': number
  readonly refs: Readonly<Record<string, SnapshotReference>>
  readonly [unknown: string]: unknown
}

/** A partition value in its Avro form: int and date as number, long, time and timestamps as bigint, decimal, fixed and uuid as Buffer. */
export type PartitionValue = number | bigint | string | boolean | Buffer | null

/** `data_file` of a manifest entry (spec, "Manifests"). Maps are by field id; bounds are single-value binary. */
export interface DataFile {
  readonly content: 0 | 1 | 2
  readonly file_path: string
  readonly file_format: string
  /** One value per field of the spec, in the spec's order. */
  readonly partition: readonly PartitionValue[]
  readonly spec_id: number
  readonly record_count: bigint
  readonly file_size_in_bytes: bigint
  readonly column_sizes: ReadonlyMap<number, bigint>
  readonly value_counts: ReadonlyMap<number, bigint>
  readonly null_value_counts: ReadonlyMap<number, bigint>
  readonly nan_value_counts: ReadonlyMap<number, bigint>
  readonly lower_bounds: ReadonlyMap<number, Buffer>
  readonly upper_bounds: ReadonlyMap<number, Buffer>
  readonly split_offsets: readonly bigint[] | null
  readonly equality_ids: readonly number[] | null
  readonly sort_order_id: number | null
  readonly referenced_data_file: string | null
  /** Read without all of its statistics: enough to plan with, but it must not go into a manifest. */
  readonly partial?: true
}

/** A live file as a scan sees it: inherited sequence numbers filled in. */
export interface LiveFile {
  readonly file: DataFile
  readonly sequence_number: bigint
  readonly file_sequence_number: bigint
  readonly snapshot_id: bigint
}

export interface DeleteFile extends LiveFile {
  /** What an equality delete compares, as the newest schema that has them: they may have been dropped or widened since. */
  readonly columns?: readonly NestedField[]
  /** An equality delete of an unpartitioned spec applies to the files of every partition and spec. */
  readonly everywhere?: boolean
}

/** A live data file with the live delete files that apply to it: by position (`content` 1) and by equality (`content` 2). */
export interface ScanFile extends LiveFile {
  readonly deletes: readonly DeleteFile[]
  /** Absent for files that no scan gave. */
  readonly context?: ReadContext | undefined
}

/** What the table says about a file where the file itself is silent (spec, "Column Projection"). Files of one spec share it. */
export interface ReadContext {
  readonly spec: PartitionSpec
  /** The table property `schema.name-mapping.default`. */
  readonly nameMapping: string | undefined
}

/** Lower and upper value of one partition field over a manifest's files (spec, `field_summary`). */
export interface PartitionSummary {
  readonly contains_null: boolean
  readonly contains_nan: boolean | null
  readonly lower_bound: Buffer | null
  readonly upper_bound: Buffer | null
}

/** `manifest_file`: one row of a manifest list. Counts are null only in lists of version 1. */
export interface ManifestFile {
  readonly manifest_path: string
  readonly manifest_length: bigint
  readonly partition_spec_id: number
  readonly content: 0 | 1
  readonly sequence_number: bigint
  readonly min_sequence_number: bigint
  readonly added_snapshot_id: bigint
  readonly added_files_count: number | null
  readonly existing_files_count: number | null
  readonly deleted_files_count: number | null
  readonly added_rows_count: bigint | null
  readonly existing_rows_count: bigint | null
  readonly deleted_rows_count: bigint | null
  readonly partitions: readonly PartitionSummary[] | null
  readonly key_metadata: Buffer | null
}

/** Status 0 existing, 1 added, 2 deleted. The nulls of an added entry are inherited from its manifest when the list is read. */
export interface ManifestEntry {
  readonly status: 0 | 1 | 2
  readonly snapshot_id: bigint | null
  readonly sequence_number: bigint | null
  readonly file_sequence_number: bigint | null
  readonly data_file: DataFile
}
