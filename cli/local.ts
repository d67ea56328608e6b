import type { Dataset } from '#lake/dataset.ts'
import { router } from '#lake/route.ts'
import { streamRouter } from '#lake/stream-route.ts'
import type { LocalRunner } from '#local/run.ts'
import { watchLanding } from '#local/watch.ts'
import type { Call, Command } from './command.ts'
import { EXIT_FAILURE, refusal } from './refusal.ts'
import { type StepPrinter, stepPrinter } from './step-printer.ts'
import { printStrays, strayLandings } from './stray-files.ts'
import { deliverAlone, FLUSH, watchStream } from './stream-delivery.ts'
import { styleOf } from './style.ts'
import { counted } from './units.ts'
import { markWatcher, watcherOf } from './watcher-mark.ts'

/** Long enough for a `cp` that pauses between two blocks. */
const SETTLE_MS = 400

/** `sluice local`: the pipeline in this process, fed by a folder. */
export const local: Command = {
  name: 'local',
  summary: 'watch the landing folder and run the pipeline',
  takes: { text: '', min: 0, max: 0 },
  options: { once: { help: 'take up everything that waits in the stream and in landing, then end' } },
  notes: [
    'Drop files into landing/ in the folder of the lake; their keys decide which dataset they are for. Whatever an earlier run left half done goes on.',
    'Ctrl-C finishes what is under way and ends; a second one ends at once, which loses nothing.',
  ],
  examples: ['sluice local', 'sluice local --once --lake /data/lake'],
  reads: false,
  run: async call => {
    const steps = stepPrinter(call.lake, call.terminal.out)
    if (call.options.has('once')) return runOnce(call, steps)
    const release = await markWatcher(call.root, call.terminal.pid)
    if (release === undefined)
      throw refusal(
        'conflict',
        `process ${await watcherOf(call.root)} watches ${call.root} already`,
        'use that one, or stop it first',
      )
    try {
      await watchUntilStopped(call, steps)
    } finally {
      await release()
    }
    return undefined
  },
}

/** Two datasets that want the same keys are a mistake to tell of now, and not when the first file lands. */
async function checkedDatasets(call: Call): Promise<readonly Dataset[]> {
  const all = await call.datasets()
  router(all)
  streamRouter(all)
  return all
}

/** Loaded here, so that commands which only look at tables start without the pipeline. */
async function startPipeline({ lake }: Call, datasets: readonly Dataset[], steps: StepPrinter): Promise<LocalRunner> {
  const { startLocal } = await import('#local/run.ts')
  return startLocal(lake, datasets, { onStep: steps.onStep })
}

async function runOnce(call: Call, steps: StepPrinter): Promise<number | undefined> {
  const datasets = await checkedDatasets(call)
  await deliverAlone(call, datasets, FLUSH)
  const runner = await startPipeline(call, datasets, steps)
  await runner.catchUp()
  await runner.idle()
  await runner.close()
  await steps.flush()
  await printStrays(call.terminal.out, await strayLandings(call.lake))
  return steps.failures.length === 0 ? undefined : EXIT_FAILURE
}

async function watchUntilStopped(call: Call, steps: StepPrinter): Promise<void> {
  const { lake, terminal } = call
  const stop = terminal.untilStopped()
  const all = await checkedDatasets(call)
  const style = styleOf(terminal.out)
  const runner = await startPipeline(call, all, steps)
  const watcher = await watchLanding(lake, {
    settleMs: SETTLE_MS,
    onObjects: objects => runner.landed(objects),
    onStrays: strays => void printStrays(terminal.out, strays),
  })
  const folder = lake.zones.landing.slice('file://'.length)
  const keys = all.flatMap(dataset => dataset.source.match).join(', ')
  await terminal.out.write(
    `Watching ${style.bold(`${folder}/`)} for ${counted(all.length, 'dataset')}: ${keys}. Ctrl-C stops.\n`,
  )
  const stream = watchStream(call, all)
  await stopped(stop)
  await terminal.out.write('Stopping: what is under way is finished first.\n')
  await stream[Symbol.asyncDispose]()
  await watcher[Symbol.asyncDispose]()
  await runner.close()
  await steps.flush()
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
