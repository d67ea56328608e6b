import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { MANIFEST_BYTES_TARGET } from './operations/rewrite-manifests.ts'
import { readEntries } from './snapshot.ts'
import type { ManifestEntry, ManifestFile, TableMetadata } from './types.ts'
import { carried, manifestOnce, type Target } from './write-manifest.ts'

const MIN_COUNT_TO_MERGE = 100

/**
 * Merges the manifests of one content as Iceberg's ManifestMergeManager does, so that a table of many commits is not a table of many
 * manifests: for each spec, bins of the target size, packed from the end, where the oldest stand. The bin with the newest manifest is left
 * to fill up until there are enough in it. A merge costs the reading of its bin, and is paid for once in a hundred commits.
 */
export async function mergeManifests(
  lake: Lake,
  target: Target,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestFile[]> {
  const settings = mergeSettings(target.metadata)
  const first = manifests[0]
  if (!settings.enabled || first === undefined) return manifests
  const bySpec = [...Map.groupBy(manifests, manifest => manifest.partition_spec_id)]
  const bins = bySpec
    .toSorted(([left], [right]) => right - left)
    .flatMap(([, same]) => packFromTheEnd(same, settings.targetBytes))
  const merged: ManifestFile[] = []
  for (const bin of bins) {
    const isFilling = bin.length < 2 || (bin.includes(first) && bin.length < settings.minCount)
    // One bin at a time: its manifests are held in memory, as they are stored.
    merged.push(...(isFilling ? bin : [await merge(lake, target, bin)]))
  }
  return merged
}

interface MergeSettings {
  readonly enabled: boolean
  readonly targetBytes: number
  readonly minCount: number
}

/** Iceberg's table properties ("Configuration", "Table behavior properties"). */
function mergeSettings({ properties }: TableMetadata): MergeSettings {
  return {
    enabled: properties['commit.manifest-merge.enabled']?.toLowerCase() !== 'false',
    targetBytes: positive(properties['commit.manifest.target-size-bytes']) ?? MANIFEST_BYTES_TARGET,
    minCount: positive(properties['commit.manifest.min-count-to-merge']) ?? MIN_COUNT_TO_MERGE,
  }
}

function positive(text: string | undefined): number | undefined {
  const value = Number(text)
  return Number.isSafeInteger(value) && value > 0 ? value : undefined
}

/** Neighbours up to the target size; what does not fill a bin is the newest, which the next merge takes up (Java's ListPacker.packEnd). */
export function packFromTheEnd(
  manifests: readonly ManifestFile[],
  targetBytes: number,
): readonly (readonly ManifestFile[])[] {
  const bins: ManifestFile[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const manifest of manifests.toReversed()) {
    bytes += Number(manifest.manifest_length)
    if (bytes > targetBytes) {
      bins.unshift([])
      bytes = Number(manifest.manifest_length)
    }
    bins[0]?.unshift(manifest)
  }
  return bins
}

/** A merge is told by the manifests that go into it, so a retry that finds the same ones takes the one that is written. */
function merge(lake: Lake, target: Target, bin: readonly ManifestFile[]): Promise<ManifestFile> {
  const [{ partition_spec_id: specId, content }] = bin as readonly [ManifestFile]
  return manifestOnce(lake, target, {
    specId,
    content,
    key: ['merged', ...bin.map(manifest => manifest.manifest_path)],
    entries: async () => {
      const read = await mapParallel(bin, MANIFESTS_AT_ONCE, manifest => readEntries(lake, target.metadata, manifest))
      return mergedEntries(read, target)
    },
  })
}

const MANIFESTS_AT_ONCE = 8

function* mergedEntries(read: readonly Iterable<ManifestEntry>[], target: Target): Generator<ManifestEntry> {
  for (const entries of read)
    for (const entry of entries) {
      const kept = mergedEntry(entry, target)
      if (kept) yield kept
    }
}

/** What this commit adds stays added and what it removes stays removed; removals of earlier commits have been told by their snapshots. */
function mergedEntry(entry: ManifestEntry, { draft, sequence }: Target): ManifestEntry | undefined {
  const isOwn = entry.snapshot_id === draft.snapshotId
  if (entry.status === 2) return isOwn ? entry : undefined
  if (entry.status !== 1 || !isOwn) return carried(entry)
  // Read back, it has inherited the number of this attempt, and another attempt may win.
  return {
    ...entry,
    sequence_number: entry.sequence_number === sequence ? null : entry.sequence_number,
    file_sequence_number: null,
  }
}
