import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import { replayFinished } from '#lake/events.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { type ReplayPlan, readItems, readPlan, replayPlans } from '#lake/replay-documents.ts'
import {
  type Control,
  lastControl,
  type Problem,
  type ReplayReport,
  type ReplayState,
  reportUri,
  stateOf,
} from './control.ts'
import { type ItemOutcome, type ItemResult, resultsPrefix } from './items.ts'

/** How far a replay is. Bytes are those of raw objects. */
export interface ReplayProgress {
  readonly plan: ReplayPlan
  /** `planned`: it has not been started. */
  readonly state: ReplayState | 'planned'
  readonly generation: number
  readonly startedMs: number | undefined
  readonly done: { readonly items: number; readonly bytes: number }
  readonly outcomes: Readonly<Record<ItemOutcome, number>>
  readonly report: ReplayReport | undefined
}

/** Tells from a listing of the results: no result is read. Fails with `not-found`. */
export async function replayProgress(lake: Lake, replay: string): Promise<ReplayProgress> {
  const plan = await readPlan(lake, replay)
  const last = await lastControl(lake, replay)
  const report = last && (await readDocument<ReplayReport>(lake, reportUri(lake, replay, last.generation)))
  const outcomes = await lastOutcomes(lake, replay)
  const items = outcomes.size === 0 ? [] : await readItems(lake, plan)
  const done = items.filter(({ item }) => isSettled(outcomes.get(item)?.outcome))
  const count = (outcome: ItemOutcome): number => [...outcomes.values()].filter(each => each.outcome === outcome).length
  return {
    plan,
    state: last === undefined ? 'planned' : stateOf(last, report),
    generation: last?.generation ?? 0,
    startedMs: last?.atMs,
    done: { items: done.length, bytes: done.reduce((sum, item) => sum + item.bytes, 0) },
    outcomes: { committed: count('committed'), halted: count('halted'), failed: count('failed') },
    report,
  }
}

const isSettled = (outcome: ItemOutcome | undefined): boolean => outcome === 'committed' || outcome === 'halted'

interface Outcome {
  readonly uri: Uri
  readonly outcome: ItemOutcome
}

/** Of each item the outcome of its last execution; of two of one execution the better, since names end in the outcome and `committed` is first. */
async function lastOutcomes(lake: Lake, replay: string): Promise<ReadonlyMap<number, Outcome>> {
  const prefix = resultsPrefix(lake, replay)
  const last = new Map<number, Outcome & { readonly generation: string }>()
  for await (const { uri } of lake.storage.list(prefix)) {
    const [item = '', generation = '', outcome = ''] = uri.slice(prefix.length, -'.json'.length).split('-')
    if (last.get(Number(item))?.generation === generation) continue
    last.set(Number(item), { uri, generation, outcome: outcome as ItemOutcome })
  }
  return last
}

/** Numbers of the items whose last execution failed. */
export async function failedItems(lake: Lake, replay: string): Promise<ReadonlySet<number>> {
  const outcomes = await lastOutcomes(lake, replay)
  return new Set([...outcomes].filter(([, { outcome }]) => outcome === 'failed').map(([item]) => item))
}

/** Ids of all replays of the lake, the newest first. */
export const replayIds = async (lake: Lake): Promise<readonly string[]> =>
  (await replayPlans(lake)).map(plan => plan.id)

const READS_AT_ONCE = 16
const PROBLEMS_MAX = 100

/** When the state machine has been through all items: the report of this execution, and an event that says it is over. */
export async function finishReplay(lake: Lake, replay: string, generation: number): Promise<ReplayReport> {
  const uri = reportUri(lake, replay, generation)
  const report =
    (await readDocument<ReplayReport>(lake, uri)) ??
    (await writeDocumentOnce(lake, uri, await newReport(lake, replay, generation)))
  await lake.bus.publish([replayFinished(report)])
  return report
}

async function newReport(lake: Lake, replay: string, generation: number): Promise<ReplayReport> {
  const plan = await readPlan(lake, replay)
  const last = (await lastControl(lake, replay)) as Control
  const outcomes = await lastOutcomes(lake, replay)
  const results = await mapParallel([...outcomes.values()], READS_AT_ONCE, each =>
    readDocument<ItemResult>(lake, each.uri),
  )
  const known = results.filter(result => result !== undefined)
  const count = (outcome: ItemOutcome): number => known.filter(result => result.outcome === outcome).length
  const sum = (of: 'rows' | 'quarantined' | 'superseded'): number => known.reduce((total, each) => total + each[of], 0)
  // Of a batch that nobody has settled, though nobody asked the replay to wait, the execution has died.
  const unsettled = plan.items - known.length
  const isHeld = last.action === 'pause' || last.action === 'stop' || last.generation !== generation
  return {
    ...{ replay, dataset: plan.dataset, table: plan.table, generation, items: plan.items },
    ...{ committed: count('committed'), halted: count('halted') },
    failed: count('failed') + (isHeld ? 0 : unsettled),
    waiting: isHeld ? unsettled : 0,
    ...{ rows: sum('rows'), quarantined: sum('quarantined'), superseded: sum('superseded') },
    finishedMs: lake.clock.nowMs(),
    problems: known.flatMap(problemOf).slice(0, PROBLEMS_MAX),
  }
}

function problemOf({ item, batch, outcome, reason = '' }: ItemResult): readonly Problem[] {
  return outcome === 'committed' ? [] : [{ item, batch, outcome, reason }]
}
