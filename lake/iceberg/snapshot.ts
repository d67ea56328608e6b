import { assert, LakeError } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { decodeManifest, encodeManifest } from './manifest.ts'
import { decodeManifestList, encodeManifestList, hasLiveFiles, manifestFile } from './manifest-list.ts'
import { addSnapshot, currentSchema, currentSnapshot, nextTimestamp, setSchema, specById } from './metadata.ts'
import type { Staged } from './operations/staged.ts'
import { summarize } from './summary.ts'
import { columnsOf, metadataFolder, type Table } from './table.ts'
import type { DataFile, ManifestEntry, ManifestFile, Snapshot, TableMetadata } from './types.ts'

/** What is the same in all attempts of one commit, so that manifests of added files are written once. */
export interface Draft {
  readonly snapshotId: bigint
  /** Begins the names of this commit's files. */
  readonly uuid: string
  /** Manifests of added files by what they hold; their entries inherit the sequence number of whichever attempt wins. */
  readonly written: Map<string, WrittenEntries>
}

interface WrittenEntries {
  readonly uri: Uri
  readonly bytes: number
  readonly entries: readonly ManifestEntry[]
}

export function newDraft(lake: Lake): Draft {
  return { snapshotId: newSnapshotId(lake.ids.uuid()), uuid: lake.ids.uuid(), written: new Map() }
}

/** The halves of a UUID XORed and made positive, as Iceberg's SnapshotIdGeneratorUtil does. */
function newSnapshotId(uuid: string): bigint {
  const hex = uuid.replaceAll('-', '')
  return (BigInt(`0x${hex.slice(0, 16)}`) ^ BigInt(`0x${hex.slice(16)}`)) & 0x7fff_ffff_ffff_ffffn
}

export interface Attempt {
  readonly draft: Draft
  readonly number: number
  /** Summary entries of the commit, after the counts. */
  readonly summary: Readonly<Record<string, string>>
}

/** Writes the manifests and the manifest list of a staged change onto the table, and gives the metadata with the new snapshot. */
export async function writeSnapshot(lake: Lake, base: Table, staged: Staged, attempt: Attempt): Promise<TableMetadata> {
  const { metadata } = base
  const { draft } = attempt
  const evolved = staged.schema ? setSchema(metadata, staged.schema.schema, staged.schema.lastColumnId) : metadata
  const target: Target = {
    metadata: evolved,
    draft,
    sequence: metadata['last-sequence-number'] + 1n,
    attempt: attempt.number,
  }
  const parent = currentSnapshot(metadata)
  const added = await writeAdded(lake, target, staged)
  const kept = await carryOver(lake, target, await manifestsOf(lake, parent), staged.removed)
  const list = `${metadataFolder(evolved)}/snap-${draft.snapshotId}-${attempt.number}-${draft.uuid}.avro`
  const context = {
    snapshotId: draft.snapshotId,
    parentSnapshotId: parent?.['snapshot-id'],
    sequenceNumber: target.sequence,
  }
  await lake.storage.put(list, encodeManifestList([...added, ...kept], context))
  const snapshot: Snapshot = {
    'snapshot-id': draft.snapshotId,
    ...(parent ? { 'parent-snapshot-id': parent['snapshot-id'] } : {}),
    'sequence-number': target.sequence,
    'timestamp-ms': nextTimestamp(metadata, lake.clock.nowMs()),
    'manifest-list': list,
    summary: { ...summarize(staged, parent), ...staged.summary, ...attempt.summary },
    'schema-id': currentSchema(evolved)['schema-id'],
  }
  return addSnapshot(evolved, snapshot)
}

export async function manifestsOf(lake: Lake, snapshot: Snapshot | undefined): Promise<readonly ManifestFile[]> {
  return snapshot ? decodeManifestList(Buffer.from(await lake.storage.get(snapshot['manifest-list']))) : []
}

/** The entries of a manifest of the table, with inherited values filled in. */
export async function entriesOf(
  lake: Lake,
  metadata: TableMetadata,
  manifest: ManifestFile,
): Promise<readonly ManifestEntry[]> {
  const bytes = Buffer.from(await lake.storage.get(manifest.manifest_path))
  return decodeManifest(bytes, manifest, columnsOf(metadata, manifest.partition_spec_id))
}

interface Target {
  readonly metadata: TableMetadata
  readonly draft: Draft
  readonly sequence: bigint
  readonly attempt: number
}

/** One manifest for each spec. Their sequence numbers stay null, so that a retry needs only a new list (spec, "Sequence Numbers"). */
async function writeAdded(lake: Lake, target: Target, staged: Staged): Promise<readonly ManifestFile[]> {
  assert(new Set(staged.added.map(file => file.file_path)).size === staged.added.length, 'no file is added twice')
  assert(
    staged.added.every(file => file.file_path !== ''),
    'added files have their place in the table',
  )
  const groups = Map.groupBy(staged.added, file => file.spec_id)
  return mapParallel([...groups], 1, async ([specId, files]) => {
    const entries = files.map(file => addedEntry(file, target.draft, staged.addedSequence))
    const columns = columnsOf(target.metadata, specId)
    const key = JSON.stringify([specId, columns.map(column => column.type), files.map(file => file.file_path)])
    const written =
      target.draft.written.get(key) ??
      (await writeEntries(lake, target, {
        entries,
        specId,
        name: `${target.draft.uuid}-m${target.draft.written.size}`,
      }))
    target.draft.written.set(key, written)
    return rowOf(written, target, specId)
  })
}

function addedEntry(file: DataFile, draft: Draft, sequence: bigint | undefined): ManifestEntry {
  return {
    status: 1,
    snapshot_id: draft.snapshotId,
    sequence_number: sequence ?? null,
    file_sequence_number: null,
    data_file: file,
  }
}

async function writeEntries(
  lake: Lake,
  target: Target,
  what: { readonly entries: readonly ManifestEntry[]; readonly specId: number; readonly name: string },
): Promise<WrittenEntries> {
  const { metadata } = target
  const uri = `${metadataFolder(metadata)}/${what.name}.avro`
  const bytes = encodeManifest(what.entries, {
    schema: currentSchema(metadata),
    spec: specById(metadata, what.specId),
    columns: columnsOf(metadata, what.specId),
    content: 0,
  })
  await lake.storage.put(uri, bytes)
  return { uri, bytes: bytes.length, entries: what.entries }
}

function rowOf(written: WrittenEntries, target: Target, specId: number): ManifestFile {
  return manifestFile(written.entries, columnsOf(target.metadata, specId), {
    path: written.uri,
    bytes: written.bytes,
    content: 0,
    specId,
    sequenceNumber: target.sequence,
    snapshotId: target.draft.snapshotId,
  })
}

const MANIFESTS_AT_ONCE = 8

/** The manifests of the parent: as they are, or written anew where they hold removed files; those without live files end here. */
async function carryOver(
  lake: Lake,
  target: Target,
  manifests: readonly ManifestFile[],
  removed: readonly DataFile[],
): Promise<readonly ManifestFile[]> {
  const live = manifests.filter(hasLiveFiles)
  if (removed.length === 0) return live
  const missing = new Set(removed.map(file => file.file_path))
  const specs = new Set(removed.map(file => file.spec_id))
  const kept = await mapParallel(live, MANIFESTS_AT_ONCE, async (manifest, index) => {
    if (manifest.content !== 0 || !specs.has(manifest.partition_spec_id)) return manifest
    const entries = (await entriesOf(lake, target.metadata, manifest)).filter(entry => entry.status !== 2)
    const hits = entries.filter(entry => missing.has(entry.data_file.file_path))
    if (hits.length === 0) return manifest
    const paths = new Set(hits.map(entry => entry.data_file.file_path))
    for (const path of paths) missing.delete(path)
    const rewritten = entries.map(entry => carriedEntry(entry, paths, target.draft.snapshotId))
    const name = `${target.draft.uuid}-${target.attempt}-k${index}`
    const specId = manifest.partition_spec_id
    return rowOf(await writeEntries(lake, target, { entries: rewritten, specId, name }), target, specId)
  })
  if (missing.size > 0)
    throw new LakeError('conflict', `${missing.size} files that the change removes are not in the table any more`, {
      file: [...missing][0],
    })
  return kept
}

/** Existing and deleted entries carry their numbers themselves: they are older than the manifest that now holds them. */
function carriedEntry(entry: ManifestEntry, removed: ReadonlySet<string>, snapshotId: bigint): ManifestEntry {
  assert(entry.sequence_number !== null && entry.file_sequence_number !== null, 'a live entry has sequence numbers')
  return removed.has(entry.data_file.file_path)
    ? { ...entry, status: 2, snapshot_id: snapshotId }
    : { ...entry, status: 0 }
}
