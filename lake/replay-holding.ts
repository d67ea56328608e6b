import { readDocument } from './batch.ts'
import type { Lake, TableName } from './lake.ts'
import { mapParallel } from './parallel.ts'
import {
  type ItemObjects,
  objectsUri,
  type ReplayItem,
  type ReplayPlan,
  readItems,
  replayPlans,
} from './replay-documents.ts'
import { ulidMs } from './ulid.ts'

/** A batch in which a replay takes raw objects again. */
export interface ReplayBatch {
  readonly replay: string
  readonly plannedMs: number
  readonly batch: string
  /** Where its rows go. */
  readonly table: TableName
  /** Those that were asked for and are in it. */
  readonly rawObjects: readonly string[]
}

const AT_ONCE = 8

/**
 * The batches of all replays that hold one of the raw objects, in the order of planning and then of their items. Of each replay three documents
 * are read for one object, or a few more where several batches begin in the millisecond in which it landed.
 */
export async function replaysHolding(
  lake: Lake,
  { dataset, rawObjects }: { readonly dataset: string; readonly rawObjects: readonly string[] },
): Promise<readonly ReplayBatch[]> {
  if (rawObjects.length === 0) return []
  const oldestMs = rawObjects.map(ulidMs).reduce((left, right) => Math.min(left, right))
  // Whatever landed after a replay was planned is in none of its batches.
  const own = (await replayPlans(lake)).filter(plan => plan.dataset === dataset && plan.plannedMs >= oldestMs)
  const wanted = new Set(rawObjects)
  const found = await mapParallel(own.toReversed(), AT_ONCE, plan => holding(lake, plan, wanted))
  return found.flat()
}

async function holding(lake: Lake, plan: ReplayPlan, wanted: ReadonlySet<string>): Promise<readonly ReplayBatch[]> {
  const { id: replay, plannedMs, table } = plan
  const items = await readItems(lake, plan)
  const found: ReplayBatch[] = []
  for (const { item, detail } of candidates(items, new Set([...wanted].map(ulidMs)))) {
    const held = await readDocument<ItemObjects>(lake, objectsUri(lake, plan, item))
    const rawObjects = (held?.objects ?? []).map(object => object.id).filter(id => wanted.has(id))
    if (rawObjects.length > 0) found.push({ replay, plannedMs, batch: detail.batch, table, rawObjects })
  }
  return found
}

/** Items are cut in the order of landing, and the id of a batch has the time of its first object. */
function candidates(items: readonly ReplayItem[], landedMs: ReadonlySet<number>): readonly ReplayItem[] {
  const begins = items.map(({ detail }) => ulidMs(detail.batch))
  const taken = new Set<number>()
  let at = 0
  for (const ms of [...landedMs].toSorted((left, right) => left - right)) {
    while ((begins[at] ?? Number.POSITIVE_INFINITY) < ms) at++
    if (at > 0) taken.add(at - 1)
    for (let same = at; begins[same] === ms; same++) taken.add(same)
  }
  return items.filter((_item, index) => taken.has(index))
}
