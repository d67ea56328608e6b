import { assert, LakeError } from '../errors.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { hasLiveFiles } from './manifest-list.ts'
import { currentSnapshot, snapshotSchema } from './metadata.ts'
import type { Predicate } from './predicate.ts'
import { manifestMayMatch, metricsMayMatch, partitionMayMatch, type Search, searchFor } from './pruning.ts'
import { deleteFile, deleteFinder } from './scan-deletes.ts'
import { columnByName } from './schema.ts'
import { entriesOf, manifestsOf } from './snapshot.ts'
import { readContexts, type Table } from './table.ts'
import type {
  DeleteFile,
  LiveFile,
  ManifestEntry,
  ManifestFile,
  ScanFile,
  Schema,
  Snapshot,
  TableMetadata,
} from './types.ts'

export interface ScanOptions {
  /** The current one when absent. */
  readonly snapshot?: Snapshot | undefined
  /** All of them must hold. Files are kept when they may hold matching rows: the reader still filters. */
  readonly where?: readonly Predicate[]
  /**
   * The columns whose counts and bounds the files are to carry besides those of `where`, or `all` of them, for files that go into
   * manifests. They are most of what a manifest holds, so a large table is planned several times faster without them.
   */
  readonly statistics?: 'all' | readonly string[]
  /** Whether data files are to carry the sizes of those columns too. */
  readonly columnSizes?: boolean
}

export interface ScanPlan {
  /** The schema to read under: that of the snapshot. */
  readonly schema: Schema
  readonly files: readonly ScanFile[]
  /** Of data: the manifests that were read, and the files to read. */
  readonly kept: { readonly manifests: number } & Size
  /** Of data. Files of skipped manifests are not looked at: `unread` is their number, null where a list of version 1 leaves it out. */
  readonly skipped: {
    readonly manifests: number
    readonly unread: number | null
    readonly byPartition: Size
    readonly byBounds: Size
  } & Size
  /** The delete files that apply to the files to read, and the rows in them. */
  readonly deletes: Size & { readonly positions: bigint; readonly equalities: bigint }
}

export interface Size {
  readonly files: number
  readonly bytes: bigint
}

const MANIFESTS_AT_ONCE = 8

/** The live data files of a snapshot that may hold matching rows, each with its deletes. A table without snapshots has none. */
export async function planScan(lake: Lake, table: Table, options: ScanOptions = {}): Promise<ScanPlan> {
  const { metadata } = table
  const schema = snapshotSchema(metadata, options.snapshot)
  const search = searchFor(metadata, schema, options.where ?? [])
  const manifests = (await manifestsOf(lake, options.snapshot ?? currentSnapshot(metadata))).filter(hasLiveFiles)
  const { wanted = [], skipped = [] } = Object.fromEntries(
    Map.groupBy(manifests, manifest => (manifestMayMatch(manifest, search) ? 'wanted' : 'skipped')),
  )
  const deletes = await readDeletes(lake, metadata, wanted.filter(holdsDeletes))
  const data = wanted.filter(holdsData)
  const statistics = statisticsOf(schema, search, { deletes, asked: options.statistics })
  const parts = await mapParallel(data, MANIFESTS_AT_ONCE, async manifest =>
    sift(
      await readEntries(lake, metadata, { manifest, statistics, columnSizes: options.columnSizes ?? false }),
      search,
    ),
  )
  const files = withDeletes(
    metadata,
    parts.flatMap(part => part.kept),
    deletes,
  )
  return {
    schema,
    files,
    kept: { manifests: data.length, ...sizeOf(files) },
    skipped: skippedOf(parts, skipped.filter(holdsData)),
    deletes: deleteCounts(files),
  }
}

const holdsData = (manifest: ManifestFile): boolean => manifest.content === 0
const holdsDeletes = (manifest: ManifestFile): boolean => manifest.content === 1

function withDeletes(
  metadata: TableMetadata,
  files: readonly LiveFile[],
  deletes: readonly DeleteFile[],
): readonly ScanFile[] {
  const contexts = readContexts(metadata)
  const deletesOf = deleteFinder(deletes)
  return files.map(live => ({ ...live, deletes: deletesOf(live), context: contexts.get(live.file.spec_id) }))
}

/** The files of `planScan`. */
export async function liveFiles(lake: Lake, table: Table, options?: ScanOptions): Promise<readonly ScanFile[]> {
  return (await planScan(lake, table, options)).files
}

// --- Reading manifests ---------------------------------------------------------------------------------------------

interface Reading {
  readonly manifest: ManifestFile
  readonly statistics: ReadonlySet<number> | undefined
  readonly columnSizes?: boolean
}

async function readEntries(
  lake: Lake,
  metadata: TableMetadata,
  { manifest, statistics, columnSizes = false }: Reading,
): Promise<readonly LiveFile[]> {
  const kept = statistics ? { statistics, columnSizes } : {}
  const entries = await entriesOf(lake, metadata, manifest, { liveOnly: true, ...kept })
  return entries.map(liveFile)
}

function liveFile({ snapshot_id, sequence_number, file_sequence_number, data_file }: ManifestEntry): LiveFile {
  assert(
    snapshot_id !== null && sequence_number !== null && file_sequence_number !== null,
    'inherited values are filled in',
  )
  const { file_format, file_path } = data_file
  if (file_format === 'PUFFIN')
    throw new LakeError(
      'unsupported',
      'the table has deletion vectors (format version 3), which Sluice does not read',
      {
        file: file_path,
      },
    )
  if (file_format !== 'PARQUET')
    throw new LakeError('unsupported', `the table has a file of the format ${file_format}; Sluice reads Parquet`, {
      file: file_path,
    })
  return { file: data_file, sequence_number, file_sequence_number, snapshot_id }
}

/** All of them, whatever the search says of their bounds: whoever rewrites a file needs every delete that applies to it. */
async function readDeletes(
  lake: Lake,
  metadata: TableMetadata,
  manifests: readonly ManifestFile[],
): Promise<readonly DeleteFile[]> {
  const parts = await mapParallel(manifests, MANIFESTS_AT_ONCE, manifest =>
    readEntries(lake, metadata, { manifest, statistics: undefined }),
  )
  return parts.flat().map(live => deleteFile(metadata, live))
}

/** Those of the search, those that the caller asks for, and those by which equality deletes are known to miss a file. */
function statisticsOf(
  schema: Schema,
  search: Search,
  more: { readonly deletes: readonly DeleteFile[]; readonly asked: ScanOptions['statistics'] },
): ReadonlySet<number> | undefined {
  if (more.asked === 'all') return undefined
  return new Set([
    ...search.tests.map(test => test.id),
    ...more.deletes.flatMap(each => each.file.equality_ids ?? []),
    ...(more.asked ?? []).map(name => columnByName(schema, name).id),
  ])
}

interface Sifted {
  readonly kept: readonly LiveFile[]
  readonly byPartition: Size
  readonly byBounds: Size
}

/** Statistics take most of the memory, so the skipped files go before the next manifest comes. */
function sift(files: readonly LiveFile[], search: Search): Sifted {
  const inPartition = files.filter(({ file }) => partitionMayMatch(file, search))
  const kept = inPartition.filter(({ file }) => metricsMayMatch(file, search))
  return {
    kept,
    byPartition: difference(sizeOf(files), sizeOf(inPartition)),
    byBounds: difference(sizeOf(inPartition), sizeOf(kept)),
  }
}

// --- Counts --------------------------------------------------------------------------------------------------------

function sizeOf(files: readonly LiveFile[]): Size {
  return { files: files.length, bytes: files.reduce((sum, { file }) => sum + file.file_size_in_bytes, 0n) }
}

const difference = (all: Size, part: Size): Size => ({ files: all.files - part.files, bytes: all.bytes - part.bytes })

function total(sizes: readonly Size[]): Size {
  return {
    files: sizes.reduce((sum, size) => sum + size.files, 0),
    bytes: sizes.reduce((sum, size) => sum + size.bytes, 0n),
  }
}

function liveCount(manifests: readonly ManifestFile[]): number | null {
  const counts = manifests.map(({ added_files_count: added, existing_files_count: existing }) =>
    added === null || existing === null ? null : added + existing,
  )
  return counts.reduce((sum, count) => (sum === null || count === null ? null : sum + count), 0)
}

function skippedOf(parts: readonly Sifted[], manifests: readonly ManifestFile[]): ScanPlan['skipped'] {
  const byPartition = total(parts.map(part => part.byPartition))
  const byBounds = total(parts.map(part => part.byBounds))
  const sizes = { ...total([byPartition, byBounds]), byPartition, byBounds }
  return { manifests: manifests.length, unread: liveCount(manifests), ...sizes }
}

function deleteCounts(files: readonly ScanFile[]): ScanPlan['deletes'] {
  const distinct = new Set<DeleteFile>()
  for (const live of files) for (const each of live.deletes) distinct.add(each)
  const deletes = [...distinct]
  const rows = (content: 1 | 2): bigint =>
    deletes.reduce((sum, { file }) => (file.content === content ? sum + file.record_count : sum), 0n)
  return { ...sizeOf(deletes), positions: rows(1), equalities: rows(2) }
}
