import { startLocal } from '#local/run.ts'
import { watchLanding } from '#local/watch.ts'
import type { Call, Command } from './command.ts'
import { EXIT_FAILURE, refusal } from './refusal.ts'
import { type StepPrinter, stepPrinter } from './step-printer.ts'
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
  options: { once: { help: 'take up everything that waits in landing, then end' } },
  notes: [
    'Drop files into landing/ in the folder of the lake; their keys decide which dataset they are for. Whatever an earlier',
    'run left half done goes on. Ctrl-C finishes what is under way and ends; a second one ends at once, which loses nothing.',
  ].join('\n'),
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

async function runOnce({ lake, datasets }: Call, steps: StepPrinter): Promise<number | undefined> {
  const runner = startLocal(lake, await datasets(), { onStep: steps.onStep })
  await runner.catchUp()
  await runner.idle()
  await runner.close()
  await steps.flush()
  return steps.failures.length === 0 ? undefined : EXIT_FAILURE
}

async function watchUntilStopped({ lake, datasets, terminal }: Call, steps: StepPrinter): Promise<void> {
  const stop = terminal.untilStopped()
  const all = await datasets()
  const style = styleOf(terminal.out)
  const runner = startLocal(lake, all, { onStep: steps.onStep })
  const watcher = await watchLanding(lake, { settleMs: SETTLE_MS, onObjects: objects => runner.landed(objects) })
  const folder = lake.zones.landing.slice('file://'.length)
  const keys = all.flatMap(dataset => dataset.source.match).join(', ')
  await terminal.out.write(
    `Watching ${style.bold(`${folder}/`)} for ${counted(all.length, 'dataset')}: ${keys}. Ctrl-C stops.\n`,
  )
  await runner.catchUp()
  await stopped(stop)
  await terminal.out.write('Stopping: what is under way is finished first.\n')
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
