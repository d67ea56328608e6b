import type { Dataset } from '#lake/dataset.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { itemsUri, type ReplayPlan, readPlan } from '#lake/replay-documents.ts'
import { control, type ReplayReport } from './control.ts'
import { type Admission, admitItem, type ItemResult, settleItem } from './items.ts'
import { type PlanOptions, planReplay } from './planning.ts'
import { finishReplay } from './progress.ts'
import { type ReconcileReport, reconcile } from './reconcile.ts'
import { replayRequest } from './request.ts'
import { type ReplayStep, replayStep } from './step.ts'

export type { ReplayItem, ReplayMode, ReplayPlan } from '#lake/replay-documents.ts'
export { type Control, control, type ReplayReport, type ReplayState } from './control.ts'
export { type PlanOptions, planReplay } from './planning.ts'
export { type ReplayProgress, replayIds, replayProgress } from './progress.ts'
export { type DatasetAccount, type ReconcileReport, reconcile } from './reconcile.ts'
export {
  CONCURRENCY,
  CONCURRENCY_MAX,
  REPLAY_MODES,
  type ReplayRequest,
  replayRequest,
} from './request.ts'
export { type SwapReport, swapTables, type TableCounts } from './swap.ts'

export interface ReplayOptions extends PlanOptions {
  readonly datasets: readonly Dataset[]
  /** In whose name landing objects are told of again. */
  readonly account?: string | undefined
}

/** What the state machine goes on with. */
export interface ReplayBegun {
  readonly replay: string
  readonly generation: number
  readonly items: number
  readonly concurrency: number
  /** Of the list of items, in the zone of documents. */
  readonly itemsKey: string
}

/**
 * One step of the workflow `replay`. Raw objects of the past go through the steps of `refine` again, in batches of the replay's own and under
 * the contract of today. Everything it knows is in documents that are written once, so that it may be killed at any moment and
 * gone on with.
 */
export async function replayAction(
  lake: Lake,
  event: unknown,
  { datasets, ...options }: ReplayOptions,
): Promise<ReplayBegun | Admission | ItemResult | ReplayReport | ReconcileReport> {
  const step = replayStep(event)
  switch (step.action) {
    case 'begin':
      return begin(lake, step, { datasets, ...options })
    case 'admit':
      return admitItem(lake, step)
    case 'settle':
      return settleItem(lake, step, step.failure)
    case 'finish':
      return finishReplay(lake, step.replay, step.generation)
    case 'reconcile':
      return reconcile(lake, {
        datasets: datasets.filter(({ name }) => name === step.dataset),
        landing: step.dataset === undefined,
        ...{ repair: true, account: options.account },
      })
  }
}

/** Whoever starts the state machine by hand gives a request; the plan is then made under the name of the execution. */
async function begin(
  lake: Lake,
  step: Extract<ReplayStep, { action: 'begin' }>,
  { datasets, ...options }: ReplayOptions,
): Promise<ReplayBegun> {
  const { replay } = step
  const made = step.request && (await planReplay(lake, replay, replayRequest(datasets, step.request), options))
  if (made?.items === 0) return { replay, generation: 1, items: 0, concurrency: 1, itemsKey: '' }
  const plan = made ?? (await readPlan(lake, replay))
  const wanted = await control(lake, replay, 'start')
  const generation = step.generation ?? wanted.generation
  if (generation !== wanted.generation)
    throw new LakeError(
      'usage',
      `execution ${generation} of replay ${replay} is over: ${wanted.generation} has begun`,
      {
        replay,
      },
    )
  return { replay, generation, items: plan.items, concurrency: plan.concurrency, itemsKey: itemsKey(lake, plan) }
}

const itemsKey = (lake: Lake, plan: ReplayPlan): string => itemsUri(lake, plan).slice(lake.zones.ops.length + 1)
