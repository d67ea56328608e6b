import { LakeError } from '../errors.ts'
import { decodeAvro } from './avro-read.ts'
import type { AvroRecord, AvroValue } from './avro-schema.ts'
import { encodeAvro } from './avro-write.ts'
import { keyById, manifestEntrySchema, partitionKey, partitionSlot } from './manifest-schema.ts'
import type { PartitionColumn } from './partition.ts'
import type { DataFile, ManifestEntry, ManifestFile, PartitionSpec, PartitionValue, Schema } from './types.ts'
import { fromPartition, toPartition } from './value.ts'

/** What a manifest is written under; it holds files of one spec and of one kind (spec, "Manifests"). */
export interface ManifestContext {
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly columns: readonly PartitionColumn[]
  readonly content: 0 | 1
}

export function encodeManifest(entries: readonly ManifestEntry[], context: ManifestContext): Buffer {
  const { schema, spec, columns, content } = context
  const records = entries.map(entry => ({ ...entry, data_file: fileRecord(entry.data_file, columns) }) as AvroRecord)
  return encodeAvro(manifestEntrySchema(columns), records, {
    schema: JSON.stringify(schema),
    'schema-id': String(schema['schema-id']),
    'partition-spec': JSON.stringify(spec.fields),
    'partition-spec-id': String(spec['spec-id']),
    'format-version': '2',
    content: content === 0 ? 'data' : 'deletes',
  })
}

function fileRecord(file: DataFile, columns: readonly PartitionColumn[]): AvroRecord {
  const partition: Record<string, AvroValue> = {}
  for (const [index, column] of columns.entries()) {
    // Through the plain value, because a manifest of another schema holds other widths of the same number.
    const value = fromPartition(column.type, file.partition[index] ?? null)
    partition[partitionKey(column)] = toPartition(column.type, value)
  }
  const { spec_id: _spec, ...fields } = file
  return { ...fields, partition, key_metadata: null }
}

/**
 * The entries of a manifest, in whatever version it was written. `columns` are those of the manifest's spec. Sequence numbers and
 * the snapshot id that an entry leaves out are inherited from the manifest's row in the list (spec, "Sequence Number Inheritance").
 */
export function decodeManifest(
  bytes: Buffer,
  manifest: ManifestFile,
  columns: readonly PartitionColumn[],
): readonly ManifestEntry[] {
  return decodeAvro(bytes, keyById).records.map(raw => {
    const status = raw['status'] as 0 | 1 | 2
    // Version 1 knows no sequence numbers: a manifest of sequence number 0 gives 0 to all its entries.
    const inherits = status === 1 || manifest.sequence_number === 0n
    const sequence = inherits ? manifest.sequence_number : null
    return {
      status,
      snapshot_id: long(raw['snapshot_id']) ?? manifest.added_snapshot_id,
      sequence_number: long(raw['sequence_number']) ?? sequence,
      file_sequence_number: long(raw['file_sequence_number']) ?? sequence,
      data_file: dataFile(raw['data_file'] as AvroRecord, manifest, columns),
    }
  })
}

function dataFile(raw: AvroRecord, manifest: ManifestFile, columns: readonly PartitionColumn[]): DataFile {
  if (raw['key_metadata'] !== null && raw['key_metadata'] !== undefined)
    throw new LakeError('unsupported', 'the table holds encrypted files', { file: raw['file_path'] })
  const partition = raw['partition'] as AvroRecord
  return {
    content: (raw['content'] ?? 0) as DataFile['content'],
    file_path: raw['file_path'] as string,
    file_format: (raw['file_format'] as string).toUpperCase(),
    partition: columns.map(column => (partition[partitionSlot(column.field['field-id'])] ?? null) as PartitionValue),
    spec_id: manifest.partition_spec_id,
    record_count: raw['record_count'] as bigint,
    file_size_in_bytes: raw['file_size_in_bytes'] as bigint,
    column_sizes: byId(raw['column_sizes']),
    value_counts: byId(raw['value_counts']),
    null_value_counts: byId(raw['null_value_counts']),
    nan_value_counts: byId(raw['nan_value_counts']),
    lower_bounds: byId(raw['lower_bounds']),
    upper_bounds: byId(raw['upper_bounds']),
    split_offsets: (raw['split_offsets'] ?? null) as readonly bigint[] | null,
    equality_ids: (raw['equality_ids'] ?? null) as readonly number[] | null,
    sort_order_id: (raw['sort_order_id'] ?? null) as number | null,
    referenced_data_file: (raw['referenced_data_file'] ?? null) as string | null,
  }
}

const long = (value: AvroValue | undefined): bigint | null => (typeof value === 'bigint' ? value : null)

/** Absent statistics and empty ones say the same. Writers that omit `logicalType: map` give a list of pairs. */
function byId<T>(value: AvroValue | undefined): ReadonlyMap<number, T> {
  if (value instanceof Map) return value as ReadonlyMap<number, T>
  if (!Array.isArray(value)) return new Map()
  return new Map(value.map(pair => Object.values(pair as AvroRecord) as unknown as readonly [number, T]))
}
