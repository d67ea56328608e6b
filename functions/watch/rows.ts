import type { ObjectOutcome } from '#lake/batch.ts'
import type { CommittedOutcome } from '#lake/batch-folders.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { countRows } from '#lake/iceberg/count-rows.ts'
import type { Lake } from '#lake/lake.ts'
import { lostRows } from './lost-rows.ts'

/** What producers put against what can be found, of the same raw objects. */
export interface Completeness {
  /** Records that were read from raw objects. */
  readonly put: number
  /** Rows of theirs that the table has, counted in the table. */
  readonly queryable: number
  /** Rows of theirs that the quarantine has, counted there. */
  readonly quarantined: number
  /** Replaced by a newer extract; of change events also beaten by a newer change, deleted, or no row. */
  readonly superseded: number
  /** Dropped from quarantine: they are to be in neither. */
  readonly suppressed: number
  /** Put and neither queryable nor accounted for otherwise: 0, or something is wrong. */
  readonly missing: number
}

/** More raw objects than this are counted as a whole table, or not at all. */
const NAMED_MAX = 20_000

interface Counting {
  readonly outcomes: ReadonlyMap<string, CommittedOutcome>
  /** Of batches that began to land at that time or later; of all when absent. */
  readonly countFromMs: number | undefined
}

/**
 * Counts the rows of raw objects in the table and in its quarantine. Of all batches the manifests answer, and data is read only where rows
 * were deleted. Where later batches take rows out of the table as they should (changes, extracts that replace partitions), counting cannot tell what is
 * missing, and the history of the table does: see `lostRows`. undefined when there are too many objects to name.
 */
export async function completenessOf(
  lake: Lake,
  dataset: Dataset,
  { outcomes, countFromMs }: Counting,
): Promise<Completeness | undefined> {
  const all = [...outcomes.values()]
  if (countFromMs !== undefined && all.length > NAMED_MAX) return undefined
  const rawObjects = countFromMs === undefined ? undefined : all.map(each => each.rawObject)
  const queryable = await countRows(lake, dataset.name, { rawObjects })
  const quarantined = await countRows(lake, quarantineTableName(dataset), { rawObjects })
  const found = { put: sum(all, 'read'), queryable, quarantined, suppressed: sum(all, 'suppressed') }
  const unfound = found.put - queryable - quarantined - found.suppressed
  const kept = keptOutcomes(dataset, all)
  if (kept === undefined) {
    const lost = await lostRows(lake, dataset.name, { outcomes: all, countFromMs })
    const missing = lost + Math.max(0, refused(all) - quarantined)
    return { ...found, superseded: Math.max(0, unfound - missing), missing }
  }
  const superseded = sum(all, 'superseded') + sum(all, 'applied') - sum(kept, 'applied')
  return { ...found, superseded, missing: unfound - superseded }
}

/** The outcomes whose rows must be in the table now; undefined when later batches take out some rows of an object and leave others. */
function keptOutcomes(dataset: Dataset, all: readonly ObjectOutcome[]): readonly ObjectOutcome[] | undefined {
  if (dataset.publish.mode === 'append') return all
  if (dataset.publish.mode !== 'replace' || dataset.publish.scope !== 'table') return undefined
  const newest = all.filter(each => each.applied > 0).toSorted((a, b) => (a.rawObject < b.rawObject ? 1 : -1))[0]
  return newest === undefined ? [] : [newest]
}

const refused = (all: readonly ObjectOutcome[]): number => all.reduce((total, each) => total + each.quarantined, 0)

const sum = (all: readonly ObjectOutcome[], of: 'read' | 'applied' | 'superseded' | 'suppressed'): number =>
  all.reduce((total, each) => total + (each[of] ?? 0), 0)
