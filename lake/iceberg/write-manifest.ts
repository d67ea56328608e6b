import { assert } from '../errors.ts'
import type { Lake, Uri } from '../lake.ts'
import { encodeManifest } from './manifest.ts'
import { count, newTally, rowOf, type Tally } from './manifest-list.ts'
import { currentSchema, specById } from './metadata.ts'
import { columnsOf, metadataFolder } from './table.ts'
import type { ManifestEntry, ManifestFile, TableMetadata } from './types.ts'

/** What is the same in all attempts of one commit, so that a manifest is written once, however often the swap is lost. */
export interface Draft {
  readonly snapshotId: bigint
  /** Begins the names of this commit's files. */
  readonly uuid: string
  /** Manifests by what they hold; their new entries inherit the sequence number of whichever attempt wins. */
  readonly written: Map<string, Promise<WrittenManifest>>
}

interface WrittenManifest {
  readonly row: ManifestFile
  readonly tally: Tally
}

export function newDraft(lake: Lake): Draft {
  return { snapshotId: newSnapshotId(lake.ids.uuid()), uuid: lake.ids.uuid(), written: new Map() }
}

/** The halves of a UUID XORed and made positive, as Iceberg's SnapshotIdGeneratorUtil does. */
function newSnapshotId(uuid: string): bigint {
  const hex = uuid.replaceAll('-', '')
  return (BigInt(`0x${hex.slice(0, 16)}`) ^ BigInt(`0x${hex.slice(16)}`)) & 0x7fff_ffff_ffff_ffffn
}

/** The snapshot that one attempt of a commit makes. */
export interface Target {
  /** With the schema that the snapshot has. */
  readonly metadata: TableMetadata
  readonly draft: Draft
  readonly sequence: bigint
  readonly attempt: number
}

export interface ManifestKind {
  readonly specId: number
  readonly content: 0 | 1
}

/** The entries of a manifest, made as they are written. */
type Entries = () => Promise<Iterable<ManifestEntry>>

/**
 * The manifest of this commit that holds what `key` names. `entries` is asked only if no earlier attempt wrote it. Entries that this commit
 * adds must not carry a sequence number of the attempt, so that a retry needs only a new list (spec, "Sequence Numbers").
 */
export async function manifestOnce(
  lake: Lake,
  target: Target,
  what: ManifestKind & { readonly key: readonly string[]; readonly entries: Entries },
): Promise<ManifestFile> {
  const { metadata, draft } = target
  // Values are encoded in the types that the partition has now: a schema that another writer promoted makes another manifest.
  const types = columnsOf(metadata, what.specId).map(column => column.type)
  const key = JSON.stringify([what.specId, what.content, types, ...what.key])
  const known = draft.written.get(key)
  const written = known ?? writeManifest(lake, target, { ...what, name: `${draft.uuid}-m${draft.written.size}` })
  draft.written.set(key, written)
  const { row, tally } = await written
  return { ...row, sequence_number: target.sequence, min_sequence_number: tally.leastSequence ?? target.sequence }
}

async function writeManifest(
  lake: Lake,
  { metadata, draft, sequence }: Target,
  { specId, content, name, entries }: ManifestKind & { readonly name: string; readonly entries: Entries },
): Promise<WrittenManifest> {
  const columns = columnsOf(metadata, specId)
  const tally = newTally(columns)
  const bytes = encodeManifest(counted(await entries(), tally), {
    schema: currentSchema(metadata),
    spec: specById(metadata, specId),
    columns,
    content,
    formatVersion: metadata['format-version'],
  })
  const path: Uri = `${metadataFolder(metadata)}/${name}.avro`
  await lake.storage.put(path, bytes)
  const snapshotId = draft.snapshotId
  return {
    row: rowOf(tally, { path, bytes: bytes.length, content, specId, sequenceNumber: sequence, snapshotId }),
    tally,
  }
}

function* counted(entries: Iterable<ManifestEntry>, tally: Tally): Generator<ManifestEntry> {
  for (const entry of entries) {
    count(tally, entry)
    yield entry
  }
}

/** Existing and deleted entries carry their numbers themselves: they are older than the manifest that now holds them. */
export function carried(entry: ManifestEntry): ManifestEntry {
  assert(entry.sequence_number !== null && entry.file_sequence_number !== null, 'a live entry has sequence numbers')
  return { ...entry, status: 0 }
}
