import { assert, LakeError } from '../errors.ts'
import type { Lake } from '../lake.ts'
import type { ManifestGroup } from './operations/staged.ts'
import type { PartitionColumn } from './partition.ts'
import { entriesOf } from './snapshot.ts'
import { columnsOf } from './table.ts'
import type { ManifestEntry, ManifestFile } from './types.ts'
import { compareValues, fromPartition, type Value } from './value.ts'
import { carried, manifestOnce, type Target } from './write-manifest.ts'

/** The live manifests with groups of them written anew: the same live files under the same numbers, sorted by partition. */
export async function rewriteManifests(
  lake: Lake,
  target: Target,
  { groups, live }: { readonly groups: readonly ManifestGroup[]; readonly live: readonly ManifestFile[] },
): Promise<readonly ManifestFile[]> {
  const present = new Set(live.map(manifest => manifest.manifest_path))
  const replaced = new Set(groups.flatMap(group => group.manifests.map(manifest => manifest.manifest_path)))
  const missing = [...replaced].find(path => !present.has(path))
  if (missing !== undefined)
    throw new LakeError('conflict', 'a manifest that was to be rewritten is not in the table any more', {
      manifest: missing,
      next: 'plan the rewrite again on the table as it is',
    })
  const rewritten: ManifestFile[] = []
  // One group at a time, because the entries of a group are held in memory.
  for (const group of groups) rewritten.push(...(await rewriteGroup(lake, target, group)))
  const kept = live.filter(manifest => !replaced.has(manifest.manifest_path))
  return [...rewritten, ...kept].toSorted((left, right) => left.content - right.content)
}

async function rewriteGroup(lake: Lake, target: Target, group: ManifestGroup): Promise<readonly ManifestFile[]> {
  const { manifests, outputs } = group
  const kinds = new Set(manifests.map(manifest => `${manifest.partition_spec_id} ${manifest.content}`))
  assert(kinds.size === 1 && outputs > 0, 'a group is of one spec and one content')
  const [{ partition_spec_id: specId, content }] = manifests as readonly [ManifestFile]
  // Read by whichever output has to be written first, and by none when an earlier attempt wrote them all.
  let sorted: Promise<readonly ManifestEntry[]> | undefined
  const written: ManifestFile[] = []
  for (let output = 0; output < outputs; output++) {
    const file = await manifestOnce(lake, target, {
      specId,
      content,
      key: ['rewritten', `${output} of ${outputs}`, ...manifests.map(manifest => manifest.manifest_path)],
      entries: async () => {
        sorted ??= sortedEntries(lake, target, manifests)
        return share(await sorted, output, outputs)
      },
    })
    written.push(file)
  }
  return written.filter(file => file.existing_files_count !== 0)
}

function share(entries: readonly ManifestEntry[], index: number, parts: number): readonly ManifestEntry[] {
  const bound = (part: number): number => Math.floor((entries.length * part) / parts)
  return entries.slice(bound(index), bound(index + 1))
}

async function sortedEntries(
  lake: Lake,
  { metadata }: Target,
  manifests: readonly ManifestFile[],
): Promise<readonly ManifestEntry[]> {
  const [{ partition_spec_id: specId }] = manifests as readonly [ManifestFile]
  const columns = columnsOf(metadata, specId)
  const keyed: { readonly entry: ManifestEntry; readonly key: readonly (Value | null)[] }[] = []
  for (const manifest of manifests)
    for (const entry of await entriesOf(lake, metadata, manifest, { liveOnly: true }))
      keyed.push({ entry: carried(entry), key: keyOf(entry, columns) })
  return keyed.sort((left, right) => compareKeys(left.key, right.key)).map(each => each.entry)
}

const keyOf = (entry: ManifestEntry, columns: readonly PartitionColumn[]): readonly (Value | null)[] =>
  columns.map((column, index) => fromPartition(column.type, entry.data_file.partition[index] ?? null))

/** Nulls first; NaN equals nothing and stays where it is. */
function compareKeys(left: readonly (Value | null)[], right: readonly (Value | null)[]): number {
  for (const [index, one] of left.entries()) {
    const other = right[index] ?? null
    const order =
      one === null || other === null ? Number(one !== null) - Number(other !== null) : compareValues(one, other)
    if (order !== 0) return order
  }
  return 0
}
