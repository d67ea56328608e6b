import { assert, LakeError } from '../errors.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { hasLiveFiles } from './manifest-list.ts'
import { currentSnapshot, snapshotSchema } from './metadata.ts'
import type { PartitionColumn } from './partition.ts'
import { mayMatch, metricsRange, type Predicate, partitionRange, project, summaryRange } from './predicate.ts'
import { isPrimitive } from './primitive.ts'
import { allFields, columnByName } from './schema.ts'
import { entriesOf, manifestsOf } from './snapshot.ts'
import { columnsOf, type Table } from './table.ts'
import type { DataFile, ManifestEntry, ManifestFile, ScanFile, Schema, Snapshot, TableMetadata } from './types.ts'

export interface ScanOptions {
  /** The current one when absent. */
  readonly snapshot?: Snapshot | undefined
  /** All of them must hold. Files are kept when they may hold matching rows: the reader still filters. */
  readonly where?: readonly Predicate[]
}

export interface ScanPlan {
  /** The schema to read under: that of the snapshot. */
  readonly schema: Schema
  readonly files: readonly ScanFile[]
  readonly skipped: { readonly manifests: number; readonly files: number; readonly bytes: bigint }
}

const MANIFESTS_AT_ONCE = 8

/** The live data files of a snapshot that may hold matching rows. A table without snapshots has none. */
export async function planScan(lake: Lake, table: Table, options: ScanOptions = {}): Promise<ScanPlan> {
  const { metadata } = table
  const snapshot = options.snapshot ?? currentSnapshot(metadata)
  const schema = snapshotSchema(metadata, options.snapshot)
  assertNestedNamesKept(metadata)
  const tests = (options.where ?? []).map(predicate => test(schema, predicate))
  const columns = new Map(
    metadata['partition-specs'].map(spec => [spec['spec-id'], columnsOf(metadata, spec['spec-id'])]),
  )
  const manifests = (await manifestsOf(lake, snapshot)).filter(hasLiveFiles)
  const wanted = manifests.filter(manifest => tests.every(each => manifestMayMatch(manifest, columns, each)))
  const parts = await mapParallel(wanted, MANIFESTS_AT_ONCE, async manifest => {
    const live = (await entriesOf(lake, metadata, manifest)).filter(entry => entry.status !== 2).map(checkReadable)
    const kept = live.filter(entry => tests.every(each => fileMayMatch(entry.data_file, columns, each)))
    // Statistics take most of the memory, so those of skipped files go before the next manifest comes.
    return { kept: kept.map(liveFile), files: live.length - kept.length, bytes: bytesOf(live) - bytesOf(kept) }
  })
  return {
    schema,
    files: parts.flatMap(part => part.kept),
    skipped: {
      manifests: manifests.length - wanted.length,
      files: parts.reduce((sum, part) => sum + part.files, 0),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0n),
    },
  }
}

const bytesOf = (entries: readonly ManifestEntry[]): bigint =>
  entries.reduce((sum, entry) => sum + entry.data_file.file_size_in_bytes, 0n)

/** The files of `planScan`. */
export async function liveFiles(lake: Lake, table: Table, options?: ScanOptions): Promise<readonly ScanFile[]> {
  return (await planScan(lake, table, options)).files
}

function liveFile(entry: ManifestEntry): ScanFile {
  const { snapshot_id, sequence_number, file_sequence_number, data_file } = entry
  assert(
    snapshot_id !== null && sequence_number !== null && file_sequence_number !== null,
    'inherited values are filled in',
  )
  return { file: data_file, sequence_number, file_sequence_number, snapshot_id, deletes: [] }
}

/** Row-level deletes are not applied here, and ignoring them would bring deleted rows back. */
function checkReadable(entry: ManifestEntry): ManifestEntry {
  const { content, file_format, file_path } = entry.data_file
  if (content !== 0)
    throw new LakeError('unsupported', 'the table has row-level deletes, which this version does not read', {
      file: file_path,
    })
  if (file_format !== 'PARQUET')
    throw new LakeError('unsupported', `the table has a file of the format ${file_format}; Sluice reads Parquet`, {
      file: file_path,
    })
  return entry
}

/**
 * DuckDB finds columns by field id and the fields inside a struct by name. Sluice never renames those, but another writer may
 * have, and old files would then read as null, or a new field would show the values of a dropped one.
 */
function assertNestedNamesKept(metadata: TableMetadata): void {
  const nested = metadata.schemas.flatMap(schema =>
    schema.fields.flatMap(column =>
      allFields([column])
        .slice(1)
        .map(({ field, path }) => ({ id: field.id, place: JSON.stringify([column.id, ...path.slice(1)]) })),
    ),
  )
  const ids = new Set(nested.map(field => field.id)).size
  const places = new Set(nested.map(field => field.place)).size
  const pairs = new Set(nested.map(field => `${field.id} ${field.place}`)).size
  if (ids === pairs && places === pairs) return
  throw new LakeError(
    'unsupported',
    'a field inside a struct was renamed or replaced, which this version does not read',
    {},
  )
}

// --- Pruning -------------------------------------------------------------------------------------------------------

interface Test {
  readonly predicate: Predicate
  readonly id: number
  readonly type: string
}

function test(schema: Schema, predicate: Predicate): Test {
  const column = columnByName(schema, predicate.column)
  if (!isPrimitive(column.type))
    throw new LakeError('usage', `${predicate.column}: only columns of primitive types can be compared`, {})
  return { predicate, id: column.id, type: column.type }
}

/** The partition fields of every spec of the table. */
type SpecColumns = ReadonlyMap<number, readonly PartitionColumn[]>

function manifestMayMatch(manifest: ManifestFile, columns: SpecColumns, { predicate, id }: Test): boolean {
  const { partitions, partition_spec_id, content } = manifest
  if (partitions === null || content !== 0) return true
  return (columns.get(partition_spec_id) ?? []).every((column, index) => {
    const summary = partitions[index]
    if (column.field['source-id'] !== id || !column.source || !summary) return true
    const projected = project(predicate, column.transform, column.source.type)
    return projected === undefined || mayMatch(summaryRange(summary, column.type), projected)
  })
}

function fileMayMatch(file: DataFile, columns: SpecColumns, { predicate, id, type }: Test): boolean {
  if (!mayMatch(metricsRange(file, id, type), predicate)) return false
  return (columns.get(file.spec_id) ?? []).every((column, index) => {
    if (column.field['source-id'] !== id || !column.source) return true
    const projected = project(predicate, column.transform, column.source.type)
    return projected === undefined || mayMatch(partitionRange(file, index, column.type), projected)
  })
}
