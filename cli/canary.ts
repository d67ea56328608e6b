import { type CanaryReport, putCanary } from '#functions/canary/canary.ts'
import { canaryDataset } from '#lake/canary.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import type { Call, Command } from './command.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { styleOf } from './style.ts'
import { formatDuration } from './units.ts'
import { watcherOf } from './watcher-mark.ts'

/** `sluice canary`: whether the pipeline works from end to end, now. */
export const canaryCommand: Command = {
  name: 'canary',
  summary: 'put a canary and see that it comes out in its table',
  takes: { text: '', min: 0, max: 0 },
  options: { wait: { value: 'SECONDS', help: 'give up after so long; 600 when not given' } },
  notes: [
    'A canary is one small object of the dataset sluice_canary, which belongs to Sluice and goes the way of all others. On AWS one is put every quarter of an hour.',
    'In a folder the pipeline runs in this process unless `sluice local` watches. It ends with 1 when the canary is not visible in time.',
  ],
  examples: ['sluice canary', 'sluice canary --lake aws --wait 300'],
  reads: false,
  remote: true,
  run: async call => {
    const waitMs = waitMsOf(call)
    const { reached } = call
    const put = await putCanary(reached, reached.clock.nowMs())
    await runHere(call, put)
    const visibleMs = await visibleAfter(call, put, waitMs)
    await print(call, put, { visibleMs, waitMs })
    return visibleMs === undefined ? EXIT_FAILURE : undefined
  },
}

const WAIT_SECONDS = 600
const LOOK_MS = 500

function waitMsOf({ options }: Call): number {
  const given = options.value('wait') ?? String(WAIT_SECONDS)
  if (!/^\d{1,5}$/.test(given))
    throw usage(`--wait ${given}: not a number of seconds`, 'give whole seconds: --wait 600')
  return Number(given) * 1_000
}

/** In a folder that nobody watches. */
async function runHere(call: Call, { object }: CanaryReport): Promise<void> {
  if (call.reached !== call.lake || object === undefined || (await watcherOf(call.root)) !== undefined) return
  const { startLocal } = await import('#local/run.ts')
  const runner = startLocal(call.lake, await call.datasets())
  runner.landed([object])
  await runner.idle()
  await runner.close()
}

/** Milliseconds from the put; undefined when it is not there in time. */
async function visibleAfter(call: Call, { putMs }: CanaryReport, waitMs: number): Promise<number | undefined> {
  const { reached, terminal, options } = call
  const status = statusLine(options.has('json') ? terminal.err : terminal.out)
  try {
    for (;;) {
      const elapsedMs = reached.clock.nowMs() - putMs
      if (await isVisible(reached, putMs)) return elapsedMs
      if (elapsedMs >= waitMs) return undefined
      status.show(`the canary is under way for ${formatDuration(elapsedMs)} …`)
      await reached.clock.sleep(LOOK_MS)
    }
  } finally {
    await status.clear()
  }
}

/** Its row, or that of a later one: the newest replaces the others, and a file has one row, so that its bounds are the row's. */
async function isVisible(lake: Lake, putMs: number): Promise<boolean> {
  const table = await loadTable(lake, canaryDataset.name)
  if (table === undefined) return false
  const where = [{ column: 'put_at', op: '>=', value: BigInt(putMs) * 1_000n }] as const
  return (await liveFiles(lake, table, { where })).length > 0
}

async function print(
  { terminal, options }: Call,
  { uri }: CanaryReport,
  { visibleMs, waitMs }: { readonly visibleMs: number | undefined; readonly waitMs: number },
): Promise<void> {
  const { out } = terminal
  const style = styleOf(out)
  if (options.has('json')) {
    await out.write(
      `${JSON.stringify({ uri, visible: visibleMs !== undefined, afterMs: visibleMs ?? null }, null, 2)}\n`,
    )
    return
  }
  await out.write(
    visibleMs === undefined
      ? `${style.red('✗')} not in ${canaryDataset.name} after ${formatDuration(waitMs)}: ${uri}\n  ${style.yellow('next:')} sluice status; sluice dlq list\n`
      : `${style.green('✓')} in ${canaryDataset.name} after ${formatDuration(visibleMs)}\n`,
  )
}
