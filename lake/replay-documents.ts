import { readDocument, writeDocumentOnce } from './batch.ts'
import { LakeError } from './errors.ts'
import type { Lake, TableName, Uri } from './lake.ts'
import { mapParallel } from './parallel.ts'

export type ReplayMode = 'missing' | 'failed' | 'all'

/** What a replay costs on AWS. */
export interface Estimate {
  readonly gbSeconds: number
  readonly dollars: number
}

/**
 * What a replay keeps in `ops/replays/<id>/`. Each document is written once: the plan is the last one of planning, and from then on
 * everything that happens is a document more.
 */
export interface ReplayPlan {
  readonly id: string
  readonly dataset: string
  /** The table that the rows go to: the dataset's own, or the one it is rebuilt into. */
  readonly table: TableName
  readonly into?: TableName
  readonly mode: ReplayMode
  readonly from?: string
  readonly to?: string
  readonly key?: string
  readonly plannedMs: number
  readonly objects: number
  readonly bytes: number
  readonly items: number
  /** Batches that are refined side by side. */
  readonly concurrency: number
  readonly left: LeftOut
  readonly estimate: Estimate
  /** Planning that was repeated has documents of its own, and only those of one are named. */
  readonly attempt: string
}

/** Raw objects of the range that are not taken, by the reason. */
export interface LeftOut {
  /** A commit, or the verdict that halted their batch, accounts for them. */
  readonly accounted: number
  /** The same bytes under the same key as another object. */
  readonly duplicates: number
  /** Their batch began a moment ago. */
  readonly underWay: number
  /** Their batches failed in one repair after the other. */
  readonly givenUp?: number
}

/** One batch of a replay, as the state machine hands it out; `detail` is what "Raw Batch Ready" would say of it. */
export interface ReplayItem {
  readonly detail: { readonly dataset: string; readonly batch: string }
  readonly replay: string
  readonly item: number
  readonly objects: number
  readonly bytes: number
}

/** The raw objects of one item, as the listing has them. */
export interface ItemObjects {
  readonly objects: readonly ListedObject[]
}

export interface ListedObject {
  readonly id: string
  readonly uri: Uri
  readonly bytes: number
  /** No batch had it before. */
  readonly unbatched?: true
}

// --- Where they are ------------------------------------------------------------------------------------------------

export const replaysPrefix = (lake: Lake): Uri => `${lake.zones.ops}/replays/`
export const replayPrefix = (lake: Lake, replay: string): Uri => `${replaysPrefix(lake)}${replay}/`
export const planUri = (lake: Lake, replay: string): Uri => `${replayPrefix(lake, replay)}plan.json`
/** A plain JSON array: the state machine reads it by itself. */
export const itemsUri = (lake: Lake, { id, attempt }: Pick<ReplayPlan, 'id' | 'attempt'>): Uri =>
  `${replayPrefix(lake, id)}items-${attempt}.json`
export const objectsUri = (lake: Lake, { id, attempt }: Pick<ReplayPlan, 'id' | 'attempt'>, item: number): Uri =>
  `${replayPrefix(lake, id)}objects-${attempt}/${digits(item)}.json`

/** Numbers in names sort as they count. */
export const digits = (count: number): string => String(count).padStart(6, '0')

const READS_AT_ONCE = 16

/** The plans of all replays of the lake, the newest first. */
export async function replayPlans(lake: Lake): Promise<readonly ReplayPlan[]> {
  const prefix = replaysPrefix(lake)
  const ids = new Set<string>()
  for await (const { uri } of lake.storage.list(prefix)) {
    const [id = '', name] = uri.slice(prefix.length).split('/')
    if (name === 'plan.json') ids.add(id)
  }
  const plans = await mapParallel([...ids], READS_AT_ONCE, id => readDocument<ReplayPlan>(lake, planUri(lake, id)))
  return plans.filter(plan => plan !== undefined).toSorted((left, right) => right.plannedMs - left.plannedMs)
}

/** Fails with `not-found`. */
export async function readPlan(lake: Lake, replay: string): Promise<ReplayPlan> {
  const plan = await readDocument<ReplayPlan>(lake, planUri(lake, replay))
  if (plan !== undefined) return plan
  throw new LakeError('not-found', `there is no replay ${replay}`, {
    replay,
    next: '`sluice replay status` lists the replays of this lake',
  })
}

export async function readItems(lake: Lake, plan: ReplayPlan): Promise<readonly ReplayItem[]> {
  const items = await readDocument<readonly ReplayItem[]>(lake, itemsUri(lake, plan))
  if (items !== undefined) return items
  throw new LakeError('not-found', `replay ${plan.id} has lost the list of its items`, { replay: plan.id })
}

// --- Tables beside a dataset's own ---------------------------------------------------------------------------------

/** `ops/side-tables/<table>/table.json`: which dataset a table was built for. */
export interface SideTable {
  readonly table: TableName
  readonly dataset: string
  readonly createdMs: number
}

export const sideTableFolder = (lake: Lake, table: TableName): Uri => `${lake.zones.ops}/side-tables/${table}`

export const readSideTable = (lake: Lake, table: TableName): Promise<SideTable | undefined> =>
  readDocument<SideTable>(lake, `${sideTableFolder(lake, table)}/table.json`)

/** Fails with `conflict` when it is that of another dataset. */
export async function claimSideTable(lake: Lake, side: SideTable): Promise<void> {
  const first = await writeDocumentOnce(lake, `${sideTableFolder(lake, side.table)}/table.json`, side)
  if (first.dataset === side.dataset) return
  throw new LakeError('conflict', `${side.table} was built for ${first.dataset}`, {
    table: side.table,
    next: 'choose another name',
  })
}
