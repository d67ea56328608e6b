import { isLakeError, LakeError } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { APPLIED_COMMITS } from './applied-commits.ts'
import { decodeManifest } from './manifest.ts'
import { manifestsOf } from './snapshot.ts'
import type { Table } from './table.ts'
import type { ManifestFile, TableMetadata } from './types.ts'

export interface Visit {
  /** Told of every file, of some more than once. */
  readonly visit: (uri: Uri) => void
  /** Lists and manifests that were read, to be handed in again: snapshots share most of theirs, and so do versions of the metadata. */
  readonly read: Set<Uri>
}

const LISTS_AT_ONCE = 8
const MANIFESTS_AT_ONCE = 4

/**
 * Visits every file through which some retained snapshot of the table is read, and those that the metadata names itself. Files that a
 * snapshot deletes are not among them: only snapshots before it need them. Fails when a metadata file or manifest cannot be read, because
 * then nobody can tell what is reachable.
 */
export async function visitReachable(lake: Lake, table: Table, { visit, read }: Visit): Promise<void> {
  const { metadata } = table
  const isNews = (uri: Uri): boolean => {
    visit(uri)
    const before = read.size
    return read.add(uri).size > before
  }
  for (const uri of namedFiles(table)) visit(uri)
  const lists = await mapParallel(metadata.snapshots, LISTS_AT_ONCE, async snapshot => {
    const uri = snapshot['manifest-list']
    // Snapshots of version 1 that name their manifests themselves have no list, and so none in common.
    if (uri !== '' && !isNews(uri)) return []
    const manifests = await readable(table, uri, () => manifestsOf(lake, snapshot))
    return manifests.filter(manifest => isNews(manifest.manifest_path))
  })
  await mapParallel(lists.flat(), MANIFESTS_AT_ONCE, async manifest => {
    for (const uri of await readable(table, manifest.manifest_path, () => pathsIn(lake, manifest))) visit(uri)
  })
}

/** Of live data and delete files. Statistics and partitions, which are most of a manifest, are passed over. */
async function pathsIn(lake: Lake, manifest: ManifestFile): Promise<readonly Uri[]> {
  const bytes = Buffer.from(await lake.storage.get(manifest.manifest_path))
  const entries = decodeManifest(bytes, manifest, [], { statistics: new Set(), liveOnly: true })
  return entries.map(entry => entry.data_file.file_path)
}

/** The metadata file, those before it that its log keeps, statistics, and the memory of applied commits. */
function namedFiles({ entry, metadata }: Table): readonly Uri[] {
  const applied = metadata.properties[APPLIED_COMMITS]
  return [
    entry.metadataLocation,
    ...metadata['metadata-log'].map(previous => previous['metadata-file']),
    ...statisticsOf(metadata),
    ...(applied === undefined ? [] : [applied]),
  ]
}

/** Both lists are optional fields of the spec that Sluice does not write. */
function statisticsOf(metadata: TableMetadata): readonly Uri[] {
  return ['statistics', 'partition-statistics'].flatMap(key => {
    const files = (metadata[key] ?? []) as readonly { readonly 'statistics-path': Uri }[]
    return files.map(file => file['statistics-path'])
  })
}

const UNREADABLE: ReadonlySet<LakeError['kind']> = new Set(['not-found', 'table-corrupt'])

/** Errors of the readers do not know which file they were about. */
async function readable<T>(table: Table, uri: Uri, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (!isLakeError(cause) || !UNREADABLE.has(cause.kind)) throw cause
    const what = cause.kind === 'not-found' ? 'is missing' : `cannot be read: ${cause.message}`
    throw new LakeError('table-corrupt', `${table.name}: ${uri} ${what}`, { table: table.name, file: uri }, { cause })
  }
}
