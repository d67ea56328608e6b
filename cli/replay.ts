import {
  CONCURRENCY,
  type Control,
  control,
  planReplay,
  REPLAY_MODES,
  type ReplayProgress,
  replayIds,
  replayProgress,
  replayRequest,
  swapTables,
} from '#functions/replay/replay.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { progressBar } from './progress-bar.ts'
import { EXIT_FAILURE, refusal, usage } from './refusal.ts'
import { batchesOf, printPlan, printProgress, printReplays, printSwap } from './replay-printer.ts'
import { statusLine } from './status-line.ts'
import { styleOf } from './style.ts'
import { formatCount } from './units.ts'

const ACTIONS = ['pause', 'resume', 'stop', 'status', 'swap'] as const
type Action = (typeof ACTIONS)[number]

/** `sluice replay`: raw objects of the past through the steps of today. */
export const replay: Command = {
  name: 'replay',
  summary: 'refine raw objects of the past again, into their table or one beside it',
  takes: { text: '[ACTION ID]', min: 0, max: 2 },
  options: {
    dataset: { value: 'NAME', help: 'whose raw objects' },
    from: { value: 'DATE', help: 'the first day of ingest, in UTC: 2026-05-01' },
    to: { value: 'DATE', help: 'the last day of ingest' },
    key: { value: 'PREFIX', help: 'only objects whose landing keys begin with this' },
    mode: {
      value: 'MODE',
      help: `${REPLAY_MODES.join(', ')}: what no commit accounts for (the default), batches that were halted or given up, or everything`,
    },
    into: { value: 'TABLE', help: 'build a table of this name beside the own one of the dataset' },
    concurrency: { value: 'COUNT', help: `batches at a time, ${CONCURRENCY} when not given; locally it is one` },
    grace: {
      value: 'MINUTES',
      help: 'leave batches alone that began so recently and have no commit yet; 0 when not given, 60 with --lake aws',
    },
    'dry-run': { help: 'tell what it would take and cost, and change nothing' },
    yes: { help: 'swap, after the counts were seen' },
  },
  notes: [
    'Raw objects are found by their day of ingest and go through the gate and into the table in batches of their own, by the contract as it is declared now. Each object brings its rows once: what it had brought before goes in the same commit. An older full extract never undoes a newer one.',
    'ACTION is pause, resume, stop or status, with the ID that a replay prints when it begins; status alone lists all. swap takes the TABLE that was built with --into, compares it with the one of its dataset and, with --yes, exchanges their names. Ctrl-C pauses: what is under way is finished first; with --lake aws it only ends the watching. A replay that was killed goes on with resume.',
    'The estimate is what the same work costs on AWS; the prices and their date are in lake/prices.ts.',
  ],
  examples: [
    'sluice replay --dataset movies --mode all --dry-run',
    'sluice replay --dataset flights --from 2026-05-01 --to 2026-05-07 --mode failed',
    'sluice replay --dataset flights --mode all --into flights_v2',
    'sluice replay swap flights_v2 --yes',
    'sluice replay status',
  ],
  reads: true,
  remote: true,
  run: async call => {
    const [action, id] = call.given
    if (action === undefined) return begin(call)
    return act(call, actionOf(action), id)
  },
}

function actionOf(given: string): Action {
  const action = ACTIONS.find(each => each === given)
  if (action !== undefined) return action
  const near = closest(given, ACTIONS)[0]
  throw usage(
    `sluice replay ${given}: there is no such action`,
    near === undefined ? `give one of ${ACTIONS.join(', ')}, or --dataset NAME` : `did you mean sluice replay ${near}?`,
  )
}

async function act(call: Call, action: Action, id: string | undefined): Promise<number | undefined> {
  if (call.options.value('dataset') !== undefined)
    throw usage(`--dataset begins a replay, and ${action} is about one that has begun`, 'leave one of them out')
  if (action === 'status' && id === undefined) return list(call)
  if (action === 'swap') return swap(call, id)
  if (id === undefined)
    throw usage(`sluice replay ${action} needs the id of a replay`, '`sluice replay status` lists them')
  switch (action) {
    case 'status':
      return show(call, await replayProgress(call.reached, id))
    case 'resume':
      return run(call, id, await control(call.reached, id, 'resume'))
    case 'pause':
    case 'stop':
      await control(call.reached, id, action)
      return show(call, await replayProgress(call.reached, id))
  }
}

/** Counts first; the names are exchanged only when somebody has seen them. */
async function swap(call: Call, table: string | undefined): Promise<number | undefined> {
  const { reached: lake, terminal, options } = call
  if (table === undefined)
    throw usage(
      'sluice replay swap needs the table that was built',
      'as it was named with --into: sluice replay swap TABLE',
    )
  const dryRun = !options.has('yes')
  const report = await swapTables(lake, { datasets: await call.datasets(), table: table.toLowerCase(), dryRun })
  if (options.has('json')) await terminal.out.write(`${JSON.stringify(report, null, 2)}\n`)
  else await printSwap(terminal.out, report)
  return undefined
}

async function list(call: Call): Promise<undefined> {
  const ids = await replayIds(call.reached)
  const all: ReplayProgress[] = []
  for (const id of ids) all.push(await replayProgress(call.reached, id))
  if (call.options.has('json')) await call.terminal.out.write(`${JSON.stringify(all, null, 2)}\n`)
  else await printReplays(call.terminal.out, all)
  return undefined
}

async function show(call: Call, progress: ReplayProgress): Promise<number | undefined> {
  if (call.options.has('json')) await call.terminal.out.write(`${JSON.stringify(progress, null, 2)}\n`)
  else await printProgress(call.terminal.out, progress)
  return undefined
}

// --- A new one -----------------------------------------------------------------------------------------------------

async function begin(call: Call): Promise<number | undefined> {
  const { reached: lake, options, terminal } = call
  if (options.value('dataset') === undefined)
    throw usage('sluice replay needs --dataset NAME', `use it as: ${replay.examples[0]}`)
  const dryRun = options.has('dry-run')
  const names = ['dataset', 'from', 'to', 'key', 'mode', 'into', 'concurrency', 'grace'] as const
  const given = Object.fromEntries(names.map(name => [name, options.value(name)]))
  const request = replayRequest(await call.datasets(), {
    ...given,
    grace: given['grace'] ?? (lake === call.lake ? '0' : undefined),
  })
  if (!dryRun) await refuseUnfinished(call, request.dataset.name, request.into)
  const status = statusLine(options.has('json') ? terminal.err : terminal.out)
  status.show('comparing raw with what batches account for …')
  const plan = await planReplay(lake, newId(call, request.dataset.name), request, { dryRun })
  await status.clear()
  if (!options.has('json')) await printPlan(terminal.out, plan, { dryRun })
  else if (dryRun || plan.items === 0) await terminal.out.write(`${JSON.stringify(plan, null, 2)}\n`)
  if (dryRun || plan.items === 0) return undefined
  return run(call, plan.id, await control(lake, plan.id, 'start'))
}

/** Its day and the dataset say what it was for; the rest tells two of one day apart. */
function newId({ reached: lake }: Call, dataset: string): string {
  const day = new Date(lake.clock.nowMs()).toISOString().slice(0, 10).replaceAll('-', '')
  return `${day}-${dataset.slice(0, 30)}-${lake.ids.uuid().slice(0, 6)}`
}

/** Two at once would do each other's work again: harmless, and never what somebody wants who repeats a command. */
async function refuseUnfinished({ reached: lake }: Call, dataset: string, into: string | undefined): Promise<void> {
  for (const id of await replayIds(lake)) {
    const { plan, state } = await replayProgress(lake, id)
    if (plan.dataset !== dataset || plan.into !== into) continue
    if (state !== 'running' && state !== 'paused' && state !== 'planned') continue
    throw refusal(
      'conflict',
      `replay ${id} of ${dataset} is ${state === 'planned' ? 'planned and not started' : state}`,
      `go on with it: sluice replay resume ${id}; or end it first: sluice replay stop ${id}`,
    )
  }
}

// --- Running it ----------------------------------------------------------------------------------------------------

const LOOK_MS = 400
const LOOK_REMOTELY_MS = 5_000

/** Starts the state machine and watches it: the one on AWS, or the same one in this process. */
async function run(call: Call, id: string, { generation }: Control): Promise<number | undefined> {
  const { reached: lake, terminal, options } = call
  const runner = lake === call.lake ? await startPipeline(call) : undefined
  const stop = terminal.untilStopped()
  const status = statusLine(options.has('json') ? terminal.err : terminal.out)
  await lake.workflows.start('replay', { name: `${id}-${generation}`, input: { replay: id, generation } })
  const ended = runner?.ended() ?? new Promise<boolean>(() => undefined)
  let asked = false
  for (;;) {
    const progress = await replayProgress(lake, id)
    status.show(barOf(progress, lake.clock.nowMs()))
    if (runner === undefined && (stop.aborted || progress.state !== 'running')) break
    if (stop.aborted && !asked) {
      asked = true
      await control(lake, id, 'pause')
      await terminal.err.write(`${styleOf(terminal.err).dim('Pausing: the batch under way is finished first.')}\n`)
    }
    const wait = lake.clock.sleep(runner === undefined ? LOOK_REMOTELY_MS : LOOK_MS).then(() => false)
    if (await Promise.race([ended, wait])) break
  }
  await status.clear()
  await runner?.close()
  const progress = await replayProgress(lake, id)
  await show(call, progress)
  const isRunning = runner === undefined && progress.state === 'running'
  return isRunning || (progress.state === 'finished' && progress.outcomes.halted === 0) ? undefined : EXIT_FAILURE
}

interface Pipeline {
  /** True when no state machine runs any more. */
  readonly ended: () => Promise<boolean>
  readonly close: () => Promise<void>
}

async function startPipeline(call: Call): Promise<Pipeline> {
  const { startLocal } = await import('#local/run.ts')
  const runner = startLocal(call.lake, await call.datasets())
  return {
    ended: () => call.lake.workflows.idle().then(() => true),
    close: async () => {
      await runner.idle()
      await runner.close()
    },
  }
}

function barOf({ plan, done, startedMs = 0 }: ReplayProgress, nowMs: number): string {
  const text = `${formatCount(done.items)} of ${batchesOf(plan.items)}`
  return progressBar({ doneBytes: done.bytes, totalBytes: plan.bytes, text }, nowMs - startedMs)
}
