import type { TableMetadata } from '../types.ts'

export interface Removal {
  readonly snapshots: ReadonlySet<bigint>
  /** Names of branches and tags; `main` is never among them. */
  readonly refs: readonly string[]
}

/**
 * The metadata without those snapshots and refs, and without what only described them: their statistics, and the history before them.
 * Gives back what it was given when none of them is there. The rules are those of Java's TableMetadata.Builder.
 */
export function removeSnapshots(metadata: TableMetadata, removal: Removal): TableMetadata {
  const isGone = (each: OfSnapshot): boolean => removal.snapshots.has(each['snapshot-id'])
  const snapshots = metadata.snapshots.filter(snapshot => !isGone(snapshot))
  const refs = Object.entries(metadata.refs).filter(([name, ref]) => !removal.refs.includes(name) && !isGone(ref))
  if (snapshots.length === metadata.snapshots.length && refs.length === Object.keys(metadata.refs).length)
    return metadata
  return {
    ...metadata,
    ...withoutStatistics(metadata, isGone),
    snapshots,
    'snapshot-log': unbroken(metadata['snapshot-log'], new Set(snapshots.map(snapshot => snapshot['snapshot-id']))),
    refs: Object.fromEntries(refs),
  }
}

interface OfSnapshot {
  readonly 'snapshot-id': bigint
}

/**
 * "When snapshots are expired from the list of valid snapshots, all entries before a snapshot that has expired should be removed"
 * (spec, "Table Metadata Fields"): with a gap in the middle, a query as of a time in the gap would read what was not current then.
 */
function unbroken(log: TableMetadata['snapshot-log'], kept: ReadonlySet<bigint>): TableMetadata['snapshot-log'] {
  return log.slice(log.findLastIndex(entry => !kept.has(entry['snapshot-id'])) + 1)
}

const STATISTICS = ['statistics', 'partition-statistics'] as const

/** Both lists are optional, and stay absent when they were. */
function withoutStatistics(
  metadata: TableMetadata,
  isGone: (each: OfSnapshot) => boolean,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    STATISTICS.flatMap(key => {
      const files = metadata[key] as readonly OfSnapshot[] | undefined
      return files === undefined ? [] : [[key, files.filter(file => !isGone(file))]]
    }),
  )
}
