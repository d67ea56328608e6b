import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { type ManifestReading, readManifest, unlistedManifest } from './manifest.ts'
import { decodeManifestList } from './manifest-list.ts'
import { columnsOf } from './table.ts'
import type { ManifestEntry, ManifestFile, Snapshot, TableMetadata } from './types.ts'

export async function manifestsOf(lake: Lake, snapshot: Snapshot | undefined): Promise<readonly ManifestFile[]> {
  if (!snapshot) return []
  if (snapshot['manifest-list'] !== '') return decodeManifestList(await bytesOf(lake, snapshot['manifest-list']))
  return mapParallel(snapshot.manifests ?? [], MANIFESTS_AT_ONCE, async uri =>
    unlistedManifest(await bytesOf(lake, uri), uri),
  )
}

const MANIFESTS_AT_ONCE = 8

/** A view, because manifests of a large table are copied nowhere else either. */
async function bytesOf(lake: Lake, uri: Uri): Promise<Buffer> {
  const { buffer, byteOffset, byteLength } = await lake.storage.get(uri)
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The entries of a manifest of the table, with inherited values filled in; all of them with all statistics unless `reading` says less. */
export async function entriesOf(
  lake: Lake,
  metadata: TableMetadata,
  manifest: ManifestFile,
  reading: ManifestReading = {},
): Promise<readonly ManifestEntry[]> {
  return [...(await readEntries(lake, metadata, manifest, reading))]
}

/** As entriesOf, to be gone through once: each entry is made when it is asked for. */
export async function readEntries(
  lake: Lake,
  metadata: TableMetadata,
  manifest: ManifestFile,
  reading: ManifestReading = {},
): Promise<Iterable<ManifestEntry>> {
  const bytes = await bytesOf(lake, manifest.manifest_path)
  return readManifest(bytes, manifest, columnsOf(metadata, manifest.partition_spec_id), reading)
}
