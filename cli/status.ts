import { statusOf, type WatchReport } from '#functions/watch/watch.ts'
import { CANARY_PREFIX, canaryDataset, withCanary } from '#lake/canary.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Call, Command } from './command.ts'
import { hasLost, openLetters } from './dlq-letters.ts'
import { namedDatasets } from './named-datasets.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusDocument } from './status-document.ts'
import { printStatus } from './status-printer.ts'

const HOUR_MS = 3_600_000
const WATCH_SECONDS = 5

/** `sluice status`: whether all is well, and what needs attention first. */
export const status: Command = {
  name: 'status',
  summary: 'tell how late and how complete every dataset is, and what needs attention',
  takes: { text: '[DATASET…]', min: 0, max: 100 },
  options: {
    hours: { value: 'N', help: 'count the rows of the last N hours of landing only; of all time when not given' },
    watch: { help: `look again every ${WATCH_SECONDS} seconds, until Ctrl-C` },
    full: { help: 'cut no text and leave out no column' },
  },
  notes: [
    'LAG is the time since the last commit, or since the newest event where the dataset names its event time; the promise is the freshness that the dataset declares. MISSING are records that were put and are neither in the table, nor in quarantine, nor replaced: it should be 0.',
    'It ends with 0 when nothing is alarming, with 1 when something is or when letters stand in a queue that nobody could deliver or process, and with 2 when it was called in a way that cannot be. Warnings do not count, and objects that ingest rejected are one: it has looked at them and says why in sluice dlq list.',
  ],
  examples: ['sluice status', 'sluice status orders --json', 'sluice status --watch'],
  reads: true,
  remote: true,
  run: async call => {
    const hours = hoursOf(call)
    const datasets = namedDatasets(await watchedDatasets(call), call.given)
    if (call.options.has('watch')) return watchStatus(call, datasets, hours)
    return exitOf(await look(call, datasets, hours))
  },
}

/** The canary is nobody's business before one was put. */
async function watchedDatasets({ reached, datasets }: Call): Promise<readonly Dataset[]> {
  const declared = await datasets()
  for await (const _ of reached.storage.list(`${reached.zones.landing}/${CANARY_PREFIX}`)) return withCanary(declared)
  const isThere = (await reached.catalog.load(canaryDataset.name)) !== undefined
  return isThere ? withCanary(declared) : declared
}

function hoursOf({ options }: Call): number | undefined {
  const hours = options.value('hours')
  if (hours === undefined) return undefined
  if (!/^\d+$/.test(hours) || Number(hours) < 1)
    throw usage(`--hours ${hours}: not a number of hours`, 'give whole hours, 1 at the least: --hours 24')
  return Number(hours)
}

/** How the lake is: its datasets, and what nobody could deliver or process. */
export interface LakeStatus extends WatchReport {
  /** By queue; `rejected` are objects that ingest could not take. */
  readonly deadLetters: Readonly<Record<string, number>>
}

const exitOf = ({ status, deadLetters }: LakeStatus): number | undefined =>
  status === 'alarm' || hasLost(deadLetters) ? EXIT_FAILURE : undefined

async function look(call: Call, datasets: readonly Dataset[], hours: number | undefined): Promise<LakeStatus> {
  const { reached: lake, options, terminal } = call
  const window = hours === undefined ? {} : { countFromMs: lake.clock.nowMs() - hours * HOUR_MS }
  const report = { ...(await statusOf(lake, datasets, window)), deadLetters: await openLetters(lake) }
  if (options.has('json'))
    await terminal.out.write(`${JSON.stringify(statusDocument(report), null, options.has('watch') ? 0 : 2)}\n`)
  else await printStatus(call, report)
  return report
}

/** Until somebody stops it; the exit status is that of the last look. */
async function watchStatus(
  call: Call,
  datasets: readonly Dataset[],
  hours: number | undefined,
): Promise<number | undefined> {
  const { terminal, reached: lake, options } = call
  const stop = terminal.untilStopped()
  for (;;) {
    if (terminal.out.colour && !options.has('json')) await terminal.out.write('\x1b[H\x1b[2J')
    const report = await look(call, datasets, hours)
    const slept = stop.aborted
      ? false
      : await lake.clock.sleep(WATCH_SECONDS * 1_000, stop).then(
          () => true,
          () => false,
        )
    if (!slept) return exitOf(report)
  }
}
