import type { ObjectOutcome } from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { countRows } from '#lake/iceberg/count-rows.ts'
import type { Lake } from '#lake/lake.ts'

/** What producers put against what can be found, of the same raw objects. */
export interface Completeness {
  /** Records that were read from raw objects. */
  readonly put: number
  /** Rows of theirs that the table has, counted in the table. */
  readonly queryable: number
  /** Rows of theirs that the quarantine has, counted there. */
  readonly quarantined: number
  /** Replaced by a newer extract. */
  readonly superseded: number
  /** Dropped from quarantine: they are to be in neither. */
  readonly suppressed: number
  /** Put and neither queryable nor accounted for otherwise: 0, or something is wrong. */
  readonly missing: number
}

/** More raw objects than this are counted as a whole table, or not at all. */
const NAMED_MAX = 20_000

/**
 * Counts the rows of raw objects in the table and in its quarantine. `objects` are those of all batches when `whole`: then the manifests
 * answer, and data is read only where rows were deleted. undefined when rows of one object cannot be told from those of another's key:
 * a table that merges by key, or extracts that replace partitions.
 */
export async function completenessOf(
  lake: Lake,
  dataset: Dataset,
  { outcomes, whole }: { readonly outcomes: ReadonlyMap<string, ObjectOutcome>; readonly whole: boolean },
): Promise<Completeness | undefined> {
  const all = [...outcomes.values()]
  const kept = keptOutcomes(dataset, all)
  if (kept === undefined || (!whole && all.length > NAMED_MAX)) return undefined
  const rawObjects = whole ? undefined : all.map(each => each.rawObject)
  const queryable = await countRows(lake, dataset.name, { rawObjects })
  const quarantined = await countRows(lake, quarantineTableName(dataset), { rawObjects })
  const put = sum(all, 'read')
  const superseded = sum(all, 'superseded') + sum(all, 'applied') - sum(kept, 'applied')
  const suppressed = sum(all, 'suppressed')
  const missing = put - queryable - quarantined - superseded - suppressed
  return { put, queryable, quarantined, superseded, suppressed, missing }
}

/** The outcomes whose rows must be in the table now. */
function keptOutcomes(dataset: Dataset, all: readonly ObjectOutcome[]): readonly ObjectOutcome[] | undefined {
  if (dataset.publish.mode === 'append') return all
  if (dataset.publish.mode !== 'replace' || dataset.publish.scope !== 'table') return undefined
  const newest = all.filter(each => each.applied > 0).toSorted((a, b) => (a.rawObject < b.rawObject ? 1 : -1))[0]
  return newest === undefined ? [] : [newest]
}

const sum = (all: readonly ObjectOutcome[], of: 'read' | 'applied' | 'superseded' | 'suppressed'): number =>
  all.reduce((total, each) => total + (each[of] ?? 0), 0)
