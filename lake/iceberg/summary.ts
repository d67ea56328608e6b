import { partitionKeyOf } from './operations/overwrite.ts'
import type { Staged } from './operations/staged.ts'
import type { DataFile, ManifestFile, Snapshot } from './types.ts'

interface Manifests {
  readonly before: readonly ManifestFile[]
  readonly after: readonly ManifestFile[]
}

/**
 * The counts of a snapshot summary and the totals they lead to, all as text (spec, appendix F, "Optional Snapshot Summary Fields"). Sizes
 * count delete files too, and what is about deletes is left out where there are none, as Java's SnapshotSummary does.
 */
export function summarize(staged: Staged, parent: Snapshot | undefined, manifests?: Manifests): Snapshot['summary'] {
  const { added, removed, addedDeletes = [], removedDeletes = [] } = staged
  const [come, gone] = [
    [...added, ...addedDeletes],
    [...removed, ...removedDeletes],
  ]
  const changes = {
    records: sum(added, rows) - sum(removed, rows),
    'files-size': sum(come, bytes) - sum(gone, bytes),
    'data-files': BigInt(added.length - removed.length),
    'delete-files': BigInt(addedDeletes.length - removedDeletes.length),
    'position-deletes': sum(positions(addedDeletes), rows) - sum(positions(removedDeletes), rows),
    'equality-deletes': sum(equalities(addedDeletes), rows) - sum(equalities(removedDeletes), rows),
  }
  return {
    operation: staged.operation,
    'added-data-files': String(added.length),
    'deleted-data-files': String(removed.length),
    'added-records': String(sum(added, rows)),
    'deleted-records': String(sum(removed, rows)),
    'added-files-size': String(sum(come, bytes)),
    'removed-files-size': String(sum(gone, bytes)),
    ...deleteCounts('added', addedDeletes),
    ...deleteCounts('removed', removedDeletes),
    'changed-partition-count': String(new Set([...come, ...gone].map(partitionKeyOf)).size),
    ...(staged.rewrittenManifests && manifests ? manifestCounts(staged, manifests) : {}),
    ...Object.fromEntries(Object.entries(changes).flatMap(([name, change]) => total(name, change, parent))),
  }
}

function deleteCounts(what: 'added' | 'removed', files: readonly DataFile[]): Readonly<Record<string, string>> {
  const counts: readonly (readonly [string, bigint])[] = [
    ['delete-files', BigInt(files.length)],
    ['position-delete-files', BigInt(positions(files).length)],
    ['equality-delete-files', BigInt(equalities(files).length)],
    ['position-deletes', sum(positions(files), rows)],
    ['equality-deletes', sum(equalities(files), rows)],
  ]
  return Object.fromEntries(
    counts.filter(([, count]) => count > 0n).map(([name, count]) => [`${what}-${name}`, String(count)]),
  )
}

/** As Java's BaseRewriteManifests names them. */
function manifestCounts(
  { rewrittenManifests = [] }: Staged,
  { before, after }: Manifests,
): Readonly<Record<string, string>> {
  const old = new Set(before.map(manifest => manifest.manifest_path))
  const created = after.filter(manifest => !old.has(manifest.manifest_path))
  const entries = created.reduce((all, manifest) => all + (manifest.existing_files_count ?? 0), 0)
  return {
    'manifests-created': String(created.length),
    'manifests-kept': String(after.length - created.length),
    'manifests-replaced': String(rewrittenManifests.reduce((all, group) => all + group.manifests.length, 0)),
    'entries-processed': String(entries),
  }
}

/** A total that the parent does not have cannot be known, so it stays out; and so does one that another writer got wrong. */
function total(name: string, change: bigint, parent: Snapshot | undefined): readonly (readonly [string, string])[] {
  const before = parent ? parent.summary[`total-${name}`] : '0'
  const after = before !== undefined && /^\d+$/.test(before) ? BigInt(before) + change : -1n
  return after >= 0n ? [[`total-${name}`, String(after)]] : []
}

const positions = (files: readonly DataFile[]): readonly DataFile[] => files.filter(file => file.content === 1)
const equalities = (files: readonly DataFile[]): readonly DataFile[] => files.filter(file => file.content === 2)
const rows = (file: DataFile): bigint => file.record_count
const bytes = (file: DataFile): bigint => file.file_size_in_bytes
const sum = (files: readonly DataFile[], of: (file: DataFile) => bigint): bigint =>
  files.reduce((all, file) => all + of(file), 0n)
