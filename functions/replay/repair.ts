import { readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { type ItemObjects, objectsUri, type ReplayPlan, readItems, replayPlans } from '#lake/replay-documents.ts'
import { control, type ReplayState } from './control.ts'
import { planReplay } from './planning.ts'
import { failedItems, replayProgress } from './progress.ts'
import { CONCURRENCY } from './request.ts'

/** An object whose batch failed in so many repairs is left to people. */
export const REPAIRS_MAX = 3
/** A repair that runs for longer has died with its execution, or is about to be gone on with twice, which harms nobody. */
const RUNNING_MS_MAX = 24 * 3_600_000
/** Of repairs that are older nothing is asked. */
const REPAIRS_LOOKED_AT = 12

export interface Repairs {
  /** One that is not through: while it is, what is missing is its own. */
  readonly underWay: { readonly replay: string; readonly generation: number; readonly startedMs: number } | undefined
  /** Objects whose batch has failed in `REPAIRS_MAX` repairs, and the last of these. */
  readonly givenUp: ReadonlySet<string>
  readonly lastFailed: string | undefined
}

const prefixOf = ({ name }: Pick<Dataset, 'name'>): string => `reconcile-${name.slice(0, 30)}-`

/** What earlier reconciliations have begun, and how it ended. */
export async function repairsOf(lake: Lake, dataset: Dataset): Promise<Repairs> {
  const own = (await replayPlans(lake)).filter(
    plan => plan.dataset === dataset.name && plan.id.startsWith(prefixOf(dataset)),
  )
  let underWay: Repairs['underWay']
  let lastFailed: string | undefined
  const failures = new Map<string, number>()
  for (const plan of own.slice(0, REPAIRS_LOOKED_AT)) {
    const { state, generation, startedMs = plan.plannedMs } = await replayProgress(lake, plan.id)
    if (isOpen(state)) underWay ??= { replay: plan.id, generation, startedMs }
    const failed = await failedObjects(lake, plan)
    if (failed.length > 0) lastFailed ??= plan.id
    for (const id of failed) failures.set(id, (failures.get(id) ?? 0) + 1)
  }
  const givenUp = [...failures].filter(([, times]) => times >= REPAIRS_MAX).map(([id]) => id)
  return { underWay, givenUp: new Set(givenUp), lastFailed }
}

const isOpen = (state: ReplayState | 'planned'): boolean => state === 'running' || state === 'paused'

const AT_ONCE = 8

async function failedObjects(lake: Lake, plan: ReplayPlan): Promise<readonly string[]> {
  const failed = await failedItems(lake, plan.id)
  if (failed.size === 0) return []
  const items = (await readItems(lake, plan)).filter(({ item }) => failed.has(item))
  const documents = await mapParallel(items, AT_ONCE, ({ item }) =>
    readDocument<ItemObjects>(lake, objectsUri(lake, plan, item)),
  )
  return documents.flatMap(document => document?.objects.map(({ id }) => id) ?? [])
}

export interface TakeUp {
  readonly graceMinutes: number
  readonly startedMs: number
}

/**
 * Takes up what is missing: one replay at a time. One whose execution died is gone on with after a day, so many times; what failed again
 * and again is left out. undefined when nothing is left to take up.
 */
export async function takeUp(
  lake: Lake,
  dataset: Dataset,
  { underWay, givenUp, graceMinutes, startedMs }: TakeUp & Repairs,
): Promise<string | undefined> {
  if (underWay !== undefined) {
    const isDead = startedMs - underWay.startedMs > RUNNING_MS_MAX && underWay.generation < REPAIRS_MAX
    return isDead ? started(lake, underWay.replay, 'resume') : underWay.replay
  }
  const id = `${prefixOf(dataset)}${startedMs.toString(36)}`
  const request = { dataset, mode: 'missing', concurrency: CONCURRENCY, graceMinutes, except: givenUp } as const
  const plan = await planReplay(lake, id, request)
  return plan.items === 0 ? undefined : started(lake, id, 'start')
}

async function started(lake: Lake, replay: string, action: 'start' | 'resume'): Promise<string> {
  const { generation } = await control(lake, replay, action)
  await lake.workflows.start('replay', { name: `${replay}-${generation}`, input: { replay, generation } })
  return replay
}
