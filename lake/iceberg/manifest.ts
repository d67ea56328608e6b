import { assert, LakeError } from '../errors.ts'
import { type AvroReading, openAvro } from './avro-read.ts'
import type { AvroRecord, AvroValue } from './avro-schema.ts'
import { encodeAvro } from './avro-write.ts'
import { FORMAT_VERSION } from './format-version.ts'
import {
  isColumnSizes,
  isStatistic,
  isUnsearched,
  keyById,
  manifestEntrySchema,
  partitionKey,
  partitionSlot,
} from './manifest-schema.ts'
import type { PartitionColumn } from './partition.ts'
import type { DataFile, ManifestEntry, ManifestFile, PartitionSpec, PartitionValue, Schema } from './types.ts'
import { fromPartition, toPartition } from './value.ts'

/** What a manifest is written under; it holds files of one spec and of one kind (spec, "Manifests"). */
export interface ManifestContext {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly columns: readonly PartitionColumn[]
  readonly content: 0 | 1
  /** That of the table; the one that Sluice writes when absent. */
  readonly formatVersion?: number
}

/** Entries are taken one by one, and written in blocks. */
export function encodeManifest(entries: Iterable<ManifestEntry>, context: ManifestContext): Buffer {
  const { schema, spec, columns, content } = context
  return encodeAvro(manifestEntrySchema(columns), entryRecords(entries, columns), {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': String(context.formatVersion ?? FORMAT_VERSION),
    content: content === 0 ? 'data' : 'deletes',
  })
}

function* entryRecords(entries: Iterable<ManifestEntry>, columns: readonly PartitionColumn[]): Generator<AvroRecord> {
  for (const entry of entries) yield { ...entry, data_file: fileRecord(entry.data_file, columns) } as AvroRecord
}

function fileRecord(file: DataFile, columns: readonly PartitionColumn[]): AvroRecord {
  assert(!file.partial, 'a file that goes into a manifest has all of its statistics')
  const partition: Record<string, AvroValue> = {}
  for (const [index, column] of columns.entries()) {
    // Through the plain value, because a manifest of another schema holds other widths of the same number.
    const value = fromPartition(column.type, file.partition[index] ?? null)
    partition[partitionKey(column)] = toPartition(column.type, value)
  }
  const { spec_id: _spec, partial: _partial, ...fields } = file
  return { ...fields, partition, key_metadata: null }
}

export interface ManifestReading {
  /**
   * The columns, by field id, whose statistics are wanted: the others are passed over without being kept in memory, and so are
   * column sizes and split offsets. Such files are `partial`.
   */
  readonly statistics?: ReadonlySet<number>
  /** Keeps the sizes of those columns. */
  readonly columnSizes?: boolean
  /** Leaves out the entries of removed files. */
  readonly liveOnly?: boolean
}

/**
 * The entries of a manifest, in whatever version it was written. `columns` are those of the manifest's spec. Sequence numbers and
 * the snapshot id that an entry leaves out are inherited from the manifest's row in the list (spec, "Sequence Number Inheritance").
 */
export function decodeManifest(
  bytes: Buffer,
  manifest: ManifestFile,
  columns: readonly PartitionColumn[],
  reading: ManifestReading = {},
): readonly ManifestEntry[] {
  return [...readManifest(bytes, manifest, columns, reading)]
}

/** As decodeManifest, entry by entry: the entries of a large manifest with all of their statistics take hundreds of megabytes. */
export function* readManifest(
  bytes: Buffer,
  manifest: ManifestFile,
  columns: readonly PartitionColumn[],
  reading: ManifestReading = {},
): Generator<ManifestEntry> {
  for (const raw of openAvro(bytes, { keyOf: keyById, ...wanted(reading) }).records) {
    const status = raw['status'] as 0 | 1 | 2
    if (status === 2 && reading.liveOnly) continue
    // Version 1 knows no sequence numbers: a manifest of sequence number 0 gives 0 to all its entries.
    const inherits = status === 1 || manifest.sequence_number === 0n
    const sequence = inherits ? manifest.sequence_number : null
    yield {
      status,
      snapshot_id: long(raw['snapshot_id']) ?? manifest.added_snapshot_id,
      sequence_number: long(raw['sequence_number']) ?? sequence,
      file_sequence_number: long(raw['file_sequence_number']) ?? sequence,
      data_file: dataFile(raw['data_file'] as AvroRecord, {
        manifest,
        columns,
        partial: reading.statistics !== undefined,
      }),
    }
  }
}

function wanted({ statistics, columnSizes = false }: ManifestReading): AvroReading {
  if (!statistics) return {}
  const isUnwanted = statistics.size === 0 ? isStatistic : isUnsearched
  return { isWanted: field => !isUnwanted(field) || (columnSizes && isColumnSizes(field)), mapKeys: statistics }
}

/** What a list would say of a manifest that a snapshot of version 1 names itself (spec, "Snapshots"): only that it is there. */
export function unlistedManifest(bytes: Buffer, path: string): ManifestFile {
  const { metadata } = openAvro(bytes)
  return {
    manifest_path: path,
    manifest_length: BigInt(bytes.length),
    partition_spec_id: Number(metadata['partition-spec-id'] ?? 0),
    content: 0,
    sequence_number: 0n,
    min_sequence_number: 0n,
    added_snapshot_id: 0n,
    added_files_count: null,
    existing_files_count: null,
    deleted_files_count: null,
    added_rows_count: null,
    existing_rows_count: null,
    deleted_rows_count: null,
    partitions: null,
    key_metadata: null,
  }
}

interface FileContext {
  readonly manifest: ManifestFile
  readonly columns: readonly PartitionColumn[]
  readonly partial: boolean
}

function dataFile(raw: AvroRecord, { manifest, columns, partial }: FileContext): DataFile {
  if (raw['key_metadata'] !== null && raw['key_metadata'] !== undefined)
    throw new LakeError('unsupported', 'the table holds encrypted files', { file: raw['file_path'] })
  const partition = raw['partition'] as AvroRecord
  const file = {
    content: (raw['content'] ?? 0) as DataFile['content'],
    file_path: raw['file_path'] as string,
    file_format: (raw['file_format'] as string).toUpperCase(),
    partition: columns.map(column => partitionValue(partition, column)),
    spec_id: manifest.partition_spec_id,
    record_count: raw['record_count'] as bigint,
    file_size_in_bytes: raw['file_size_in_bytes'] as bigint,
    column_sizes: byId<bigint>(raw['column_sizes']),
    value_counts: byId<bigint>(raw['value_counts']),
    null_value_counts: byId<bigint>(raw['null_value_counts']),
    nan_value_counts: byId<bigint>(raw['nan_value_counts']),
    lower_bounds: byId<Buffer>(raw['lower_bounds']),
    upper_bounds: byId<Buffer>(raw['upper_bounds']),
    split_offsets: (raw['split_offsets'] ?? null) as readonly bigint[] | null,
    // The spec has ints, and PyIceberg's writer longs.
    equality_ids: (raw['equality_ids'] as readonly AvroValue[] | null | undefined)?.map(Number) ?? null,
    sort_order_id: (raw['sort_order_id'] ?? null) as number | null,
    referenced_data_file: (raw['referenced_data_file'] ?? null) as string | null,
  }
  return partial ? { ...file, partial } : file
}

/** In the form of today's type, because files written before a promotion must fall into the same partition as later deletes. */
function partitionValue(partition: AvroRecord, column: PartitionColumn): PartitionValue {
  // ClickHouse leaves the field ids out of its partition records: then, and only then, the fields stand under their names.
  const found = partition[partitionSlot(column.field['field-id'])] ?? partition[partitionKey(column)]
  const value = (found ?? null) as PartitionValue
  return Buffer.isBuffer(value) || column.type === 'long'
    ? toPartition(column.type, fromPartition(column.type, value))
    : value
}

const long = (value: AvroValue | undefined): bigint | null => (typeof value === 'bigint' ? value : null)

const NONE: ReadonlyMap<number, never> = new Map<number, never>()

/** Absent statistics and empty ones say the same. Writers that omit `logicalType: map` give a list of pairs. */
function byId<T>(value: AvroValue | undefined): ReadonlyMap<number, T> {
  if (value instanceof Map) return value as ReadonlyMap<number, T>
  if (!Array.isArray(value)) return NONE
  return new Map(value.map(pair => Object.values(pair as AvroRecord) as unknown as readonly [number, T]))
}
