import type { Lake } from '../lake.ts'
import { ancestors } from './metadata.ts'
import { manifestsOf, readEntries } from './snapshot.ts'
import type { DataFile, ManifestEntry, ManifestFile, Snapshot, TableMetadata } from './types.ts'

/**
 * The snapshots that came after `since` (null: since the table had none), newest first; undefined when that cannot be told, because one in
 * between has expired or `since` was rolled back (Java's "Cannot determine history between starting snapshot and the last known ancestor").
 */
export function snapshotsSince(metadata: TableMetadata, since: bigint | null): readonly Snapshot[] | undefined {
  const chain = ancestors(metadata)
  const at = chain.findIndex(snapshot => snapshot['snapshot-id'] === since)
  if (at >= 0) return chain.slice(0, at)
  return (chain.at(-1)?.['parent-snapshot-id'] ?? null) === since ? chain : undefined
}

export interface ChangeQuery {
  readonly between: readonly Snapshot[]
  readonly contents: readonly (0 | 1)[]
  /** 1 added, 2 removed. */
  readonly statuses: readonly (1 | 2)[]
  /** The columns whose statistics `matches` looks at. */
  readonly statistics: ReadonlySet<number>
  readonly matches: (entry: ManifestEntry) => boolean
}

/**
 * The first file that one of the snapshots added or removed and that matches. A `replace` adds no rows, so what it added is passed over; only
 * the manifests that a snapshot itself wrote can tell its changes.
 */
export async function firstChange(
  lake: Lake,
  metadata: TableMetadata,
  { between, contents, statuses, statistics, matches }: ChangeQuery,
): Promise<DataFile | undefined> {
  for (const snapshot of between) {
    const id = snapshot['snapshot-id']
    const asked = statuses.filter(status => status === 2 || snapshot.summary?.['operation'] !== 'replace')
    if (asked.length === 0) continue
    for (const manifest of await manifestsOf(lake, snapshot)) {
      const isOwn = manifest.added_snapshot_id === id && contents.includes(manifest.content)
      if (!isOwn || !asked.some(status => holds(manifest, status))) continue
      for (const entry of await readEntries(lake, metadata, manifest, { statistics })) {
        const isChange = entry.snapshot_id === id && asked.includes(entry.status as 1 | 2)
        if (isChange && matches(entry)) return entry.data_file
      }
    }
  }
  return undefined
}

/** Unknown counts, of lists of version 1, mean that it can. */
const holds = (manifest: ManifestFile, status: 1 | 2): boolean =>
  (status === 1 ? manifest.added_files_count : manifest.deleted_files_count) !== 0
