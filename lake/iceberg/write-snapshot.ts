import { assert, LakeError } from '../errors.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import type { ManifestReading } from './manifest.ts'
import { encodeManifestList, hasLiveFiles } from './manifest-list.ts'
import { mergeManifests } from './manifest-merge.ts'
import { rewriteManifests } from './manifest-rewrite.ts'
import { addSnapshot, currentSchema, currentSnapshot, nextTimestamp, setSchema } from './metadata.ts'
import type { Staged } from './operations/staged.ts'
import { mayHoldAny, type Partitions, partitionsOf } from './partition-set.ts'
import { carriedMax } from './raw-object-max.ts'
import { manifestsOf, readEntries } from './snapshot.ts'
import { summarize } from './summary.ts'
import { metadataFolder, type Table } from './table.ts'
import type { DataFile, ManifestEntry, ManifestFile, Snapshot, TableMetadata } from './types.ts'
import { carried, type Draft, manifestOnce, type Target } from './write-manifest.ts'

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
  const sequence = metadata['last-sequence-number'] + 1n
  const target: Target = { metadata: evolved, draft, sequence, attempt: attempt.number }
  const parent = currentSnapshot(metadata)
  const before = await manifestsOf(lake, parent)
  const manifests = await nextManifests(lake, target, { staged, live: before.filter(hasLiveFiles) })
  const list = `${metadataFolder(evolved)}/snap-${draft.snapshotId}-${attempt.number}-${draft.uuid}.avro`
  const context = {
    snapshotId: draft.snapshotId,
    parentSnapshotId: parent?.['snapshot-id'],
    sequenceNumber: sequence,
    formatVersion: evolved['format-version'],
  }
  await lake.storage.put(list, encodeManifestList(manifests, context))
  const snapshot: Snapshot = {
    'snapshot-id': draft.snapshotId,
    ...(parent ? { 'parent-snapshot-id': parent['snapshot-id'] } : {}),
    'sequence-number': sequence,
    'timestamp-ms': nextTimestamp(metadata, lake.clock.nowMs()),
    'manifest-list': list,
    summary: {
      ...summarize(staged, parent, { before, after: manifests }),
      ...carriedMax(staged, parent),
      ...staged.summary,
      ...attempt.summary,
    },
    'schema-id': currentSchema(evolved)['schema-id'],
  }
  return addSnapshot(evolved, snapshot)
}

interface Change {
  readonly staged: Staged
  /** The parent's manifests that hold live files; those without end here. */
  readonly live: readonly ManifestFile[]
}

/** Those of data first, each content with the newest in front. */
async function nextManifests(lake: Lake, target: Target, { staged, live }: Change): Promise<readonly ManifestFile[]> {
  if (staged.rewrittenManifests) return rewriteManifests(lake, target, { groups: staged.rewrittenManifests, live })
  const of = (content: 0 | 1): readonly ManifestFile[] => live.filter(manifest => manifest.content === content)
  const data = { added: staged.added, removed: staged.removed, live: of(0), content: 0, sequence: staged.addedSequence }
  const deletes = { added: staged.addedDeletes ?? [], removed: staged.removedDeletes ?? [], live: of(1), content: 1 }
  return [
    ...(await applied(lake, target, { ...data, content: 0 })),
    ...(await applied(lake, target, { ...deletes, content: 1, sequence: undefined })),
  ]
}

/** A change of the files of one content. */
interface ContentChange {
  readonly content: 0 | 1
  readonly added: readonly DataFile[]
  readonly removed: readonly DataFile[]
  readonly sequence: bigint | undefined
  readonly live: readonly ManifestFile[]
}

async function applied(lake: Lake, target: Target, change: ContentChange): Promise<readonly ManifestFile[]> {
  const added = await writeAdded(lake, target, change)
  const kept = await carryOver(lake, target, change)
  return mergeManifests(lake, target, [...added, ...kept])
}

/** One manifest for each spec. */
async function writeAdded(
  lake: Lake,
  target: Target,
  { added, content, sequence }: ContentChange,
): Promise<readonly ManifestFile[]> {
  assert(new Set(added.map(file => file.file_path)).size === added.length, 'no file is added twice')
  for (const file of added) {
    assert(file.file_path !== '', 'added files have their place in the table')
    assert((file.content === 0) === (content === 0), 'data files and delete files are staged apart')
  }
  const groups = Map.groupBy(added, file => file.spec_id)
  return mapParallel([...groups], 1, ([specId, files]) =>
    manifestOnce(lake, target, {
      specId,
      content,
      key: ['added', String(sequence), ...files.map(file => file.file_path)],
      entries: async () => files.map(file => addedEntry(file, target.draft, sequence)),
    }),
  )
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

const MANIFESTS_AT_ONCE = 8

/** The manifests of the parent: as they are, or written anew where they hold removed files. */
async function carryOver(
  lake: Lake,
  target: Target,
  { live, removed }: ContentChange,
): Promise<readonly ManifestFile[]> {
  if (removed.length === 0) return live
  const missing = new Set(removed.map(file => file.file_path))
  const wanted: ReadonlySet<string> = new Set(missing)
  const partitions: Partitions = partitionsOf(target.metadata, removed)
  const kept = await mapParallel(live, MANIFESTS_AT_ONCE, async manifest => {
    if (!mayHoldAny(manifest, partitions)) return manifest
    const hits = await found(lake, target, { manifest, wanted })
    for (const path of hits) missing.delete(path)
    return hits.size === 0 ? manifest : withoutFiles(lake, target, { manifest, hits })
  })
  if (missing.size === 0) return kept
  throw new LakeError('conflict', `${missing.size} files that the change removes are not in the table any more`, {
    file: [...missing][0],
    next: 'plan the change again on the table as it is',
  })
}

async function found(
  lake: Lake,
  { metadata }: Target,
  { manifest, wanted }: { readonly manifest: ManifestFile; readonly wanted: ReadonlySet<string> },
): Promise<ReadonlySet<string>> {
  const hits = new Set<string>()
  for (const entry of await readEntries(lake, metadata, manifest, PATHS_ONLY))
    if (wanted.has(entry.data_file.file_path)) hits.add(entry.data_file.file_path)
  return hits
}

const PATHS_ONLY: ManifestReading = { liveOnly: true, statistics: new Set() }

function withoutFiles(
  lake: Lake,
  target: Target,
  { manifest, hits }: { readonly manifest: ManifestFile; readonly hits: ReadonlySet<string> },
): Promise<ManifestFile> {
  return manifestOnce(lake, target, {
    specId: manifest.partition_spec_id,
    content: manifest.content,
    key: ['kept', manifest.manifest_path, ...hits],
    entries: async () =>
      remaining(await readEntries(lake, target.metadata, manifest, { liveOnly: true }), hits, target.draft.snapshotId),
  })
}

function* remaining(
  entries: Iterable<ManifestEntry>,
  hits: ReadonlySet<string>,
  snapshotId: bigint,
): Generator<ManifestEntry> {
  for (const entry of entries)
    yield hits.has(entry.data_file.file_path)
      ? { ...carried(entry), status: 2, snapshot_id: snapshotId }
      : carried(entry)
}
