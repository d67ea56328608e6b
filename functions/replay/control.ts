import { readDocument, writeDocumentOnce } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { digits, type ReplayPlan, readPlan, replayPrefix } from '#lake/replay-documents.ts'

export type ControlAction = 'start' | 'pause' | 'resume' | 'stop'

/** What somebody wants of a replay; the last one counts. `generation` numbers the executions of its state machine. */
export interface Control {
  readonly sequence: number
  readonly action: ControlAction
  readonly generation: number
  readonly atMs: number
}

/** How one execution ended. */
export interface ReplayReport {
  readonly replay: string
  readonly dataset: string
  readonly table: string
  readonly generation: number
  readonly items: number
  readonly committed: number
  readonly halted: number
  readonly failed: number
  /** Neither done nor tried: the replay was paused or stopped. */
  readonly waiting: number
  readonly rows: number
  readonly quarantined: number
  readonly superseded: number
  readonly finishedMs: number
  /** The first hundred batches that failed or were halted. */
  readonly problems: readonly Problem[]
}

export interface Problem {
  readonly item: number
  readonly batch: string
  readonly outcome: 'failed' | 'halted'
  readonly reason: string
}

export type ReplayState = 'running' | 'paused' | 'stopped' | 'finished' | 'incomplete'

const controlPrefix = (lake: Lake, replay: string): Uri => `${replayPrefix(lake, replay)}control/`
export const reportUri = (lake: Lake, replay: string, generation: number): Uri =>
  `${replayPrefix(lake, replay)}report-${digits(generation)}.json`

/** undefined: it was planned and never started. */
export async function lastControl(lake: Lake, replay: string): Promise<Control | undefined> {
  let last: Uri | undefined
  for await (const { uri } of lake.storage.list(controlPrefix(lake, replay))) last = uri
  return last === undefined ? undefined : readDocument<Control>(lake, last)
}

/**
 * Pure: what a replay is doing. A process that died left it `running`, and `resume` goes on with it. Paused is what has something left to go on with: whoever
 * asks for a pause while the last batch is under way gets the end.
 */
export function stateOf(control: Control, report: ReplayReport | undefined): ReplayState {
  if (control.action === 'stop') return 'stopped'
  if (control.action === 'pause' && (report === undefined || report.waiting > 0)) return 'paused'
  if (report === undefined) return 'running'
  return report.failed + report.waiting > 0 ? 'incomplete' : 'finished'
}

/**
 * Starts, pauses, resumes or stops a replay: one document more, which exactly one of several that ask at once gets to write. Asked for what is
 * so already it changes nothing. Fails with `usage` when the replay is past it.
 */
export async function control(lake: Lake, replay: string, action: ControlAction): Promise<Control> {
  const plan = await readPlan(lake, replay)
  const last = await lastControl(lake, replay)
  const report = last && (await readDocument<ReplayReport>(lake, reportUri(lake, replay, last.generation)))
  const generation = nextGeneration(plan, action, { last, state: last && stateOf(last, report) })
  if (generation === undefined) return last as Control
  const sequence = (last?.sequence ?? 0) + 1
  const wanted: Control = { sequence, action, generation, atMs: lake.clock.nowMs() }
  return writeDocumentOnce(lake, `${controlPrefix(lake, replay)}${digits(sequence)}.json`, wanted)
}

interface Standing {
  readonly last: Control | undefined
  readonly state: ReplayState | undefined
}

/** undefined: it is so already. */
function nextGeneration(plan: ReplayPlan, action: ControlAction, { last, state }: Standing): number | undefined {
  const replay = plan.id
  if (last === undefined || state === undefined) {
    if (action === 'start' || action === 'resume') return 1
    throw refused(replay, 'was planned and never started', `sluice replay resume ${replay} starts it`)
  }
  if (action === 'start') return undefined
  if (state === 'stopped') {
    if (action === 'stop') return undefined
    throw refused(replay, 'was stopped', `what it has committed stays; begin another: ${againOf(plan)}`)
  }
  if (state === 'finished') throw refused(replay, 'is finished', `sluice replay status ${replay} tells what it did`)
  if (action === 'pause') return state === 'paused' ? undefined : last.generation
  return action === 'stop' ? last.generation : last.generation + 1
}

/** What a table beside it lacks is missing there; what the dataset's own table has of an earlier commit is not, and all of it is taken again. */
function againOf({ dataset, mode, from, to, key, into }: ReplayPlan): string {
  const options = { dataset, mode: into === undefined ? mode : 'missing', from, to, key, into }
  // What a shell would read otherwise stands in its quotes.
  const shown = (value: string): string => (/^[\w./=-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`)
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shown(value)}`],
  )
  return `sluice replay ${given.join(' ')}`
}

const refused = (replay: string, what: string, next: string): LakeError =>
  new LakeError('usage', `replay ${replay} ${what}`, { replay, next })
