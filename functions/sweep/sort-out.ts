import type { LiveFiles } from '#lake/iceberg/live-files.ts'
import type { Lake, ObjectInfo, Uri } from '#lake/lake.ts'

export interface Amount {
  readonly files: number
  readonly bytes: number
}

/** `old-metadata`: metadata files that fell out of the table's log, or that a lost race left behind. */
export type OrphanKind = 'data' | 'metadata' | 'old-metadata'

export interface Orphan {
  readonly uri: Uri
  readonly bytes: number
  readonly kind: OrphanKind
}

/** What stands in a table's place, sorted out. */
export interface Sorted {
  readonly listed: Amount
  readonly live: Amount
  /** Reached by no snapshot, and too young to know that none is about to. */
  readonly young: Amount
  /** Files that no writer of Iceberg tables makes. */
  readonly foreign: Amount
  readonly orphans: readonly Orphan[]
  /** There are more orphans than one run takes. */
  readonly more: boolean
}

export interface SortOptions {
  /** Files modified before may go. */
  readonly beforeMs: number
  readonly orphansMax: number
  readonly onListed?: ((files: number) => void) | undefined
}

/** Lists all prefixes once. Memory: about 200 bytes for every orphan, nothing for what stays. */
export async function sortOut(
  lake: Lake,
  places: readonly Uri[],
  work: SortOptions & { readonly live: LiveFiles },
): Promise<Sorted> {
  const amounts = { listed: none(), live: none(), young: none(), foreign: none() }
  const orphans: Orphan[] = []
  let more = false
  for (const place of places)
    for await (const object of lake.storage.list(place)) {
      add(amounts.listed, object)
      work.onListed?.(amounts.listed.files)
      if (work.live.see(object.uri)) add(amounts.live, object)
      else if (!isOfTable(object.uri.slice(place.length))) add(amounts.foreign, object)
      else if (object.modifiedMs >= work.beforeMs) add(amounts.young, object)
      else if (orphans.length < work.orphansMax)
        orphans.push({ uri: object.uri, bytes: object.bytes, kind: kindOf(object.uri) })
      else more = true
    }
  return { ...amounts, orphans, more }
}

type Sum = { files: number; bytes: number }
const none = (): Sum => ({ files: 0, bytes: 0 })

function add(sum: Sum, { bytes }: Pick<ObjectInfo, 'bytes'>): void {
  sum.files++
  sum.bytes += bytes
}

export function amountOf(orphans: readonly Pick<Orphan, 'bytes'>[]): Amount {
  return { files: orphans.length, bytes: orphans.reduce((sum, orphan) => sum + orphan.bytes, 0) }
}

const METADATA_FILE = /\.metadata\.json(\.gz)?$/
const MADE_BY_WRITERS = /\.(parquet|orc|avro|puffin|stats|commits)$/

/**
 * Whether a writer of Iceberg tables makes files of that path. Names that begin with `_` or `.` belong to other systems (`_SUCCESS`,
 * `_delta_log/`), unless they are folders of partitions, as in Java's HiddenPathFilter; and nobody else's notes are ours to delete.
 */
export function isOfTable(path: string): boolean {
  const isHidden = path.split('/').some(name => /^[._]/.test(name) && !/^_[^/]*=/.test(name))
  return !isHidden && (METADATA_FILE.test(path) || MADE_BY_WRITERS.test(path))
}

function kindOf(uri: Uri): OrphanKind {
  if (METADATA_FILE.test(uri)) return 'old-metadata'
  return /\/metadata\/[^/]+$|\.(stats|commits)$/.test(uri) ? 'metadata' : 'data'
}
