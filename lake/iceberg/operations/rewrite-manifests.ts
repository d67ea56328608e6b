import type { ManifestFile, PartitionSummary } from '../types.ts'
import { type ManifestGroup, type Staged, type StagedExtras, withDefaults } from './staged.ts'

export interface ManifestRewrite extends StagedExtras {
  /** The table's `commit.manifest.target-size-bytes`; 8 MiB when absent, as in Iceberg. */
  readonly targetBytes?: number
  /** What was staged for an earlier base: its groups are kept while their manifests are there, so that a retry writes them no second time. */
  readonly before?: Staged | undefined
}

/**
 * A snapshot with the same live files in fewer manifests, ordered by partition. `manifests` are those of the base. Manifests that others add
 * meanwhile stay as they are; a group that lost one is planned again.
 */
export function stageRewriteManifests(
  manifests: readonly ManifestFile[],
  { targetBytes, before, ...extras }: ManifestRewrite = {},
): Staged {
  const present = new Set(manifests.map(manifest => manifest.manifest_path))
  const kept = (before?.rewrittenManifests ?? []).filter(group =>
    group.manifests.every(manifest => present.has(manifest.manifest_path)),
  )
  const isWhole = before !== undefined && kept.length === before.rewrittenManifests?.length
  const taken = new Set(kept.flatMap(group => group.manifests.map(manifest => manifest.manifest_path)))
  const others = manifests.filter(manifest => !taken.has(manifest.manifest_path))
  const rewrittenManifests = isWhole ? kept : [...kept, ...planManifestRewrite(others, targetBytes)]
  return withDefaults({ operation: 'replace', added: [], removed: [], rewrittenManifests }, extras)
}

export const MANIFEST_BYTES_TARGET = 8 * 1_024 * 1_024
/** Bounds what a rewrite holds in memory: the partition of each file, and the manifests as they are stored. */
const GROUP_FILES_MAX = 100_000
/** As for data files: what is this near to the target is left alone. */
const UNDERSIZED = 0.75
const OVERSIZED = 1.8

/** Which manifests are worth rewriting: the small ones together where that leaves fewer, the large ones apart. Empty when none is. */
export function planManifestRewrite(
  manifests: readonly ManifestFile[],
  targetBytes: number = MANIFEST_BYTES_TARGET,
): readonly ManifestGroup[] {
  const wanted = manifests.filter(manifest => {
    const bytes = Number(manifest.manifest_length)
    return filesOf(manifest) > 0 && (bytes < targetBytes * UNDERSIZED || bytes > targetBytes * OVERSIZED)
  })
  const alike = Map.groupBy(wanted, manifest => `${manifest.partition_spec_id} ${manifest.content}`)
  return [...alike.values()]
    .flatMap(same => inGroups(same.toSorted(byPartition)))
    .map(group => ({ manifests: group, outputs: outputsOf(group, targetBytes) }))
    .filter(group => group.outputs < group.manifests.length || hasOversized(group.manifests, targetBytes))
}

/** Live files; one of unknown number counts as a group of its own. */
function filesOf({ added_files_count: added, existing_files_count: existing }: ManifestFile): number {
  return added === null || existing === null ? GROUP_FILES_MAX : added + existing
}

function inGroups(manifests: readonly ManifestFile[]): readonly (readonly ManifestFile[])[] {
  const groups: ManifestFile[][] = []
  let files = Number.POSITIVE_INFINITY
  for (const manifest of manifests) {
    files += filesOf(manifest)
    if (files > GROUP_FILES_MAX) {
      groups.push([])
      files = filesOf(manifest)
    }
    groups.at(-1)?.push(manifest)
  }
  return groups
}

/** Not more than there are, unless one of them is oversized: the next run would otherwise find the same work again. */
function outputsOf(manifests: readonly ManifestFile[], targetBytes: number): number {
  const bytes = manifests.reduce((sum, manifest) => sum + Number(manifest.manifest_length), 0)
  const outputs = Math.max(1, Math.ceil(bytes / targetBytes))
  return hasOversized(manifests, targetBytes) ? outputs : Math.min(outputs, manifests.length)
}

const hasOversized = (manifests: readonly ManifestFile[], targetBytes: number): boolean =>
  manifests.some(manifest => Number(manifest.manifest_length) > targetBytes * OVERSIZED)

function byPartition(left: ManifestFile, right: ManifestFile): number {
  const [one, two] = [left.partitions ?? [], right.partitions ?? []]
  for (const [index, summary] of one.entries()) {
    const order = compareBounds(summary, two[index])
    if (order !== 0) return order
  }
  return left.manifest_path < right.manifest_path ? -1 : 1
}

/** Bytes are not the order of every type, but they bring equal partitions together, and inside a group the values themselves are sorted. */
function compareBounds(left: PartitionSummary, right: PartitionSummary | undefined): number {
  return Buffer.compare(left.lower_bound ?? Buffer.alloc(0), right?.lower_bound ?? Buffer.alloc(0))
}
