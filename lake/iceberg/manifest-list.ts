import { assert, LakeError } from '../errors.ts'
import { decodeAvro } from './avro-read.ts'
import type { AvroRecord, AvroValue } from './avro-schema.ts'
import { encodeAvro } from './avro-write.ts'
import { FORMAT_VERSION } from './format-version.ts'
import { keyById, MANIFEST_FILE_SCHEMA } from './manifest-schema.ts'
import type { PartitionColumn } from './partition.ts'
import type { ManifestEntry, ManifestFile, PartitionSummary } from './types.ts'
import { compareValues, fromPartition, toBinary, type Value } from './value.ts'

export interface ListContext {
  readonly snapshotId: bigint
  readonly parentSnapshotId: bigint | undefined
  readonly sequenceNumber: bigint
  /** That of the table; the one that Sluice writes when absent. */
  readonly formatVersion?: number
}

export function encodeManifestList(manifests: readonly ManifestFile[], context: ListContext): Buffer {
  for (const manifest of manifests)
    assert(manifest.sequence_number <= context.sequenceNumber, 'no manifest is newer than its snapshot')
  return encodeAvro(MANIFEST_FILE_SCHEMA, manifests.map(complete), {
    'snapshot-id': String(context.snapshotId),
    'parent-snapshot-id': context.parentSnapshotId === undefined ? 'null' : String(context.parentSnapshotId),
    'sequence-number': String(context.sequenceNumber),
    'format-version': String(context.formatVersion ?? FORMAT_VERSION),
  })
}

/** Version 2 requires the counts; a manifest that a version 1 list gave without them cannot be carried over as it is. */
function complete(manifest: ManifestFile): AvroRecord {
  if (manifest.added_files_count === null || manifest.added_rows_count === null)
    throw new LakeError('unsupported', 'the table has a manifest without file counts, from before format version 2', {
      manifest: manifest.manifest_path,
    })
  return manifest as unknown as AvroRecord
}

export function decodeManifestList(bytes: Buffer): readonly ManifestFile[] {
  return decodeAvro(bytes, keyById).records.map(raw => {
    if (raw['key_metadata'] !== null && raw['key_metadata'] !== undefined)
      throw new LakeError('unsupported', 'the table holds encrypted manifests', { manifest: raw['manifest_path'] })
    return {
      manifest_path: raw['manifest_path'] as string,
      manifest_length: raw['manifest_length'] as bigint,
      partition_spec_id: raw['partition_spec_id'] as number,
      content: (raw['content'] ?? 0) as 0 | 1,
      sequence_number: (raw['sequence_number'] ?? 0n) as bigint,
      min_sequence_number: (raw['min_sequence_number'] ?? 0n) as bigint,
      added_snapshot_id: (raw['added_snapshot_id'] ?? 0n) as bigint,
      added_files_count: orNull(raw['added_files_count']),
      existing_files_count: orNull(raw['existing_files_count']),
      deleted_files_count: orNull(raw['deleted_files_count']),
      added_rows_count: orNull(raw['added_rows_count']),
      existing_rows_count: orNull(raw['existing_rows_count']),
      deleted_rows_count: orNull(raw['deleted_rows_count']),
      partitions: orNull(raw['partitions']),
      key_metadata: null,
    }
  })
}

const orNull = <T>(value: AvroValue | undefined): T | null => (value ?? null) as T | null

/** Whether any live file can be in it; unknown counts mean it can. */
export function hasLiveFiles(manifest: ManifestFile): boolean {
  return manifest.added_files_count !== 0 || manifest.existing_files_count !== 0
}

export interface WrittenManifest {
  readonly path: string
  readonly bytes: number
  readonly content: 0 | 1
  readonly specId: number
  /** Those of the snapshot that adds the manifest, which added entries inherit. */
  readonly sequenceNumber: bigint
  readonly snapshotId: bigint
}

/** The row of a manifest list for a manifest that was just written. */
export function manifestFile(
  entries: Iterable<ManifestEntry>,
  columns: readonly PartitionColumn[],
  written: WrittenManifest,
): ManifestFile {
  const tally = newTally(columns)
  for (const entry of entries) count(tally, entry)
  return rowOf(tally, written)
}

/** What a row of the list says of the entries, counted while they are written. */
export interface Tally {
  readonly columns: readonly PartitionColumn[]
  /** By status. */
  readonly files: [existing: number, added: number, removed: number]
  readonly rows: [existing: bigint, added: bigint, removed: bigint]
  /** The least data sequence number that a live entry carries itself; undefined when all of them inherit theirs. */
  leastSequence: bigint | undefined
  readonly partitions: FieldTally[]
}

interface FieldTally {
  hasNull: boolean
  hasNaN: boolean
  lower: Value | undefined
  upper: Value | undefined
}

export function newTally(columns: readonly PartitionColumn[]): Tally {
  const partitions = columns.map(() => ({ hasNull: false, hasNaN: false, lower: undefined, upper: undefined }))
  return { columns, files: [0, 0, 0], rows: [0n, 0n, 0n], leastSequence: undefined, partitions }
}

export function count(tally: Tally, { status, sequence_number: own, data_file: file }: ManifestEntry): void {
  tally.files[status]++
  tally.rows[status] += file.record_count
  if (status !== 2 && own !== null)
    tally.leastSequence = tally.leastSequence === undefined || own < tally.leastSequence ? own : tally.leastSequence
  for (const [index, field] of tally.partitions.entries())
    countValue(field, fromPartition((tally.columns[index] as PartitionColumn).type, file.partition[index] ?? null))
}

function countValue(field: FieldTally, value: Value | null): void {
  if (value === null) field.hasNull = true
  else if (Number.isNaN(value)) field.hasNaN = true
  else {
    field.lower = field.lower === undefined ? value : lesser(field.lower, value)
    field.upper = field.upper === undefined ? value : greater(field.upper, value)
  }
}

export function rowOf(
  { columns, files, rows, leastSequence, partitions }: Tally,
  written: WrittenManifest,
): ManifestFile {
  return {
    manifest_path: written.path,
    manifest_length: BigInt(written.bytes),
    partition_spec_id: written.specId,
    content: written.content,
    sequence_number: written.sequenceNumber,
    min_sequence_number: lesser(leastSequence ?? written.sequenceNumber, written.sequenceNumber) as bigint,
    added_snapshot_id: written.snapshotId,
    added_files_count: files[1],
    existing_files_count: files[0],
    deleted_files_count: files[2],
    added_rows_count: rows[1],
    existing_rows_count: rows[0],
    deleted_rows_count: rows[2],
    partitions: columns.map((column, index) => summary(column, partitions[index] as FieldTally)),
    key_metadata: null,
  }
}

function summary(column: PartitionColumn, { hasNull, hasNaN, lower, upper }: FieldTally): PartitionSummary {
  // No bounds for uuid, for the reason that files get none: readers disagree on its order.
  const isBounded = column.type !== 'uuid' && lower !== undefined && upper !== undefined
  return {
    contains_null: hasNull,
    contains_nan: hasNaN,
    lower_bound: isBounded ? toBinary(column.type, lower) : null,
    upper_bound: isBounded ? toBinary(column.type, upper) : null,
  }
}

const lesser = (left: Value, right: Value): Value => (compareValues(right, left) < 0 ? right : left)
const greater = (left: Value, right: Value): Value => (compareValues(right, left) > 0 ? right : left)
