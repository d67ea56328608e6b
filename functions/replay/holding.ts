import { readDocument } from '#lake/batch.ts'
import type { Lake, TableName } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { ulidMs } from '#lake/ulid.ts'
import { type ItemObjects, objectsUri, planUri, type ReplayItem, type ReplayPlan, readItems } from './documents.ts'
import { replayIds } from './progress.ts'

/** A batch in which a replay takes a raw object again. */
export interface ReplayBatch {
  readonly replay: string
  readonly plannedMs: number
  readonly batch: string
  /** Where its rows go. */
  readonly table: TableName
}

const AT_ONCE = 8

/**
 * The batches of all replays that hold a raw object, in the order of planning. Of each replay three documents are read, or a few more
 * where several batches begin in the millisecond in which the object landed.
 */
export async function replaysHolding(
  lake: Lake,
  { dataset, rawObject }: { readonly dataset: string; readonly rawObject: string },
): Promise<readonly ReplayBatch[]> {
  const plans = await mapParallel(await replayIds(lake), AT_ONCE, id =>
    readDocument<ReplayPlan>(lake, planUri(lake, id)),
  )
  // Whatever landed after a replay was planned is in none of its batches.
  const own = plans
    .filter(plan => plan !== undefined)
    .filter(plan => plan.dataset === dataset && plan.plannedMs >= ulidMs(rawObject))
    .toSorted((left, right) => left.plannedMs - right.plannedMs)
  const found = await mapParallel(own, AT_ONCE, plan => holding(lake, plan, rawObject))
  return found.flat()
}

async function holding(lake: Lake, plan: ReplayPlan, rawObject: string): Promise<readonly ReplayBatch[]> {
  const { id: replay, plannedMs, table } = plan
  for (const { item, detail } of candidates(await readItems(lake, plan), ulidMs(rawObject))) {
    const held = await readDocument<ItemObjects>(lake, objectsUri(lake, plan, item))
    if (held?.objects.some(object => object.id === rawObject))
      return [{ replay, plannedMs, batch: detail.batch, table }]
  }
  return []
}

/** Items are cut in the order of landing, and the id of a batch has the time of its first object. */
function candidates(items: readonly ReplayItem[], landedMs: number): readonly ReplayItem[] {
  const begin = (item: ReplayItem): number => ulidMs(item.detail.batch)
  const before = items.findLast(item => begin(item) < landedMs)
  return [...(before === undefined ? [] : [before]), ...items.filter(item => begin(item) === landedMs)]
}
