import { type ReconcileReport, reconcile as reconcileLake } from '#functions/replay/replay.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { printReconciled } from './reconcile-printer.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { strayLandings } from './stray-files.ts'

/** `sluice reconcile`: what the schedule does every day in the cloud. */
export const reconcile: Command = {
  name: 'reconcile',
  summary: 'compare landing and raw with what accounts for them',
  takes: { text: '[DATASET…]', min: 0, max: 1_000 },
  options: {
    repair: { help: 'take up what is missing: tell ingest of landing objects, replay raw objects' },
    grace: {
      value: 'MINUTES',
      help: 'leave alone what came or began so recently; 0 when not given, 60 with --lake aws',
    },
  },
  notes: [
    'Every version of every object in landing must have a record of ingest, and every object in raw a commit to the table that is there, the verdict that halted its batch, or another object with the same bytes under the same key. Names are compared, never times.',
    'Without --repair it changes nothing. Without DATASET it looks at landing and at all datasets. It ends with 1 while there is something that nothing accounts for; with --repair, when it could not take up all of it. In a folder it waits for what it took up and looks once more; on AWS that goes on without it.',
  ],
  examples: ['sluice reconcile', 'sluice reconcile orders --json', 'sluice reconcile --repair'],
  reads: true,
  remote: true,
  run: async call => {
    const datasets = await call.datasets()
    const names = datasets.map(({ name }) => name)
    const unknown = call.given.find(name => !names.includes(name))
    if (unknown !== undefined) {
      const near = closest(unknown, names)[0]
      throw usage(
        `there is no dataset ${unknown}`,
        near === undefined ? `give some of ${names.join(', ')}` : `did you mean ${near}?`,
      )
    }
    const isAll = call.given.length === 0
    const { report, left } = await run(call, {
      datasets: isAll ? datasets : datasets.filter(({ name }) => call.given.includes(name)),
      landing: isAll,
      graceMinutes: graceOf(call, call.reached === call.lake ? '0' : '60'),
      repair: call.options.has('repair'),
      account: call.terminal.env['SLUICE_BUCKET_OWNER'],
    })
    const strays = isAll && call.reached === call.lake ? await strayLandings(call.lake) : []
    if (call.options.has('json'))
      await call.terminal.out.write(`${JSON.stringify({ ...report, left, strays }, null, 2)}\n`)
    else await printReconciled(call, { ...report, left }, strays)
    return left + strays.length === 0 ? undefined : EXIT_FAILURE
  },
}

function graceOf({ options }: Call, otherwise: string): number {
  const given = options.value('grace') ?? otherwise
  if (/^\d{1,6}$/.test(given)) return Number(given)
  throw usage(`--grace ${given}: not a number of minutes`, 'give whole minutes: --grace 60')
}

interface Reconciled {
  readonly report: ReconcileReport
  /** What nothing accounts for even so. */
  readonly left: number
}

/** In a folder nobody takes up what is told unless it is this process, which then knows what became of it. */
async function run(call: Call, request: Parameters<typeof reconcileLake>[1]): Promise<Reconciled> {
  const status = statusLine(call.options.has('json') ? call.terminal.err : call.terminal.out)
  status.show('comparing listings …')
  try {
    if (!request.repair || call.reached !== call.lake) {
      const report = await reconcileLake(call.reached, request)
      return { report, left: report.unaccounted - takenUp(report) }
    }
    const { startLocal } = await import('#local/run.ts')
    const runner = startLocal(call.lake, await call.datasets())
    try {
      const report = await reconcileLake(call.lake, request)
      await runner.idle()
      await call.lake.workflows.idle()
      await runner.idle()
      const { unaccounted } = await reconcileLake(call.lake, { ...request, repair: false })
      return { report, left: unaccounted }
    } finally {
      await runner.close()
    }
  } finally {
    await status.clear()
  }
}

/** What is told to ingest again, and what a replay takes up: an object that stands at both ends counts once. */
function takenUp({ repaired, landing, datasets }: ReconcileReport): number {
  if (!repaired) return 0
  const replayed = datasets
    .filter(({ replay }) => replay !== undefined)
    .map(({ unbatched, unrefined, givenUp, inLanding }) =>
      Math.max(0, unbatched.count + unrefined.count - givenUp - (landing === undefined ? 0 : inLanding)),
    )
  return replayed.reduce((sum, each) => sum + each, landing?.told ?? 0)
}
