import { assert, LakeError } from '../errors.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import type { ManifestReading } from './manifest.ts'
import type { ManifestGroup } from './operations/staged.ts'
import type { PartitionColumn } from './partition.ts'
import { readEntries } from './snapshot.ts'
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
  for (const group of groups) rewritten.push(...(await rewriteGroup(lake, target, group)))
  const kept = live.filter(manifest => !replaced.has(manifest.manifest_path))
  return [...rewritten, ...kept].toSorted((left, right) => left.content - right.content)
}

async function rewriteGroup(lake: Lake, target: Target, group: ManifestGroup): Promise<readonly ManifestFile[]> {
  const { manifests, outputs } = group
  const kinds = new Set(manifests.map(manifest => `${manifest.partition_spec_id} ${manifest.content}`))
  assert(kinds.size === 1 && outputs > 0, 'a group is of one spec and one content')
  const [{ partition_spec_id: specId, content }] = manifests as readonly [ManifestFile]
  // Made by whichever output has to be written first, and by none when an earlier attempt wrote them all.
  let shares: Promise<Shares> | undefined
  const written: ManifestFile[] = []
  for (let output = 0; output < outputs; output++) {
    const file = await manifestOnce(lake, target, {
      specId,
      content,
      key: ['rewritten', `${output} of ${outputs}`, ...manifests.map(manifest => manifest.manifest_path)],
      entries: async () => {
        shares ??= shareOut(lake, target, group)
        return entriesFor(output, await shares, await readAll(lake, target, manifests))
      },
    })
    written.push(file)
  }
  return written.filter(file => file.existing_files_count !== 0)
}

/** For each manifest, which output each of its live entries goes to. */
type Shares = readonly Uint32Array[]

/**
 * Equal numbers of files for each output, neighbours by partition. Entries are sorted by where they are, and read a second time to be written:
 * together with their statistics they would not fit into memory.
 */
async function shareOut(lake: Lake, target: Target, { manifests, outputs }: ManifestGroup): Promise<Shares> {
  const [{ partition_spec_id: specId }] = manifests as readonly [ManifestFile]
  const columns = columnsOf(target.metadata, specId)
  const read = await readAll(lake, target, manifests, { statistics: new Set() })
  const places = read.flatMap((entries, manifest) =>
    Array.from(entries, (entry, index): Place => ({ manifest, index, key: keyOf(entry, columns) })),
  )
  const sizes = manifests.map((_manifest, index) => places.filter(place => place.manifest === index).length)
  const shares = sizes.map(size => new Uint32Array(size))
  const sorted = places.sort((left, right) => compareKeys(left.key, right.key))
  for (const [rank, { manifest, index }] of sorted.entries())
    (shares[manifest] as Uint32Array)[index] = Math.floor((rank * outputs) / sorted.length)
  return shares
}

interface Place {
  readonly manifest: number
  readonly index: number
  readonly key: readonly (Value | null)[]
}

const MANIFESTS_AT_ONCE = 8

function readAll(
  lake: Lake,
  { metadata }: Target,
  manifests: readonly ManifestFile[],
  reading: ManifestReading = {},
): Promise<readonly Iterable<ManifestEntry>[]> {
  return mapParallel(manifests, MANIFESTS_AT_ONCE, manifest =>
    readEntries(lake, metadata, manifest, { ...reading, liveOnly: true }),
  )
}

function* entriesFor(
  output: number,
  shares: Shares,
  read: readonly Iterable<ManifestEntry>[],
): Generator<ManifestEntry> {
  for (const [manifest, entries] of read.entries()) {
    let index = 0
    for (const entry of entries) if (shares[manifest]?.[index++] === output) yield carried(entry)
  }
}

const keyOf = (entry: ManifestEntry, columns: readonly PartitionColumn[]): readonly (Value | null)[] =>
  columns.map((column, index) => fromPartition(column.type, entry.data_file.partition[index] ?? null))

/** Nulls first, NaN last. */
function compareKeys(left: readonly (Value | null)[], right: readonly (Value | null)[]): number {
  for (const [index, one] of left.entries()) {
    const order = compareFields(one, right[index] ?? null)
    if (order !== 0) return order
  }
  return 0
}

function compareFields(left: Value | null, right: Value | null): number {
  const rank = (value: Value | null): number => (value === null ? 0 : Number.isNaN(value) ? 2 : 1)
  const order = rank(left) - rank(right)
  return order !== 0 || rank(left) !== 1 ? order : compareValues(left as Value, right as Value)
}
