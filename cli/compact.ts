import {
  type CompactionPlanned,
  type CompactionProgress,
  type CompactionRequest,
  compact as compactTable,
  planCompaction,
  type Strategy,
} from '#functions/compact/compact.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { isDone, printPlan, printReport, reportDocument } from './compact-printer.ts'
import { openLakeTable } from './lake-table.ts'
import { progressBar } from './progress-bar.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { counted, formatCount } from './units.ts'

const STRATEGIES: readonly Strategy[] = ['binpack', 'sort', 'zorder']

/** `sluice compact`: what "Table Committed" and the schedule start in the cloud. */
export const compact: Command = {
  name: 'compact',
  summary: 'rewrite the small files of a table into large ones',
  takes: { text: 'TABLE', min: 1, max: 1 },
  options: {
    where: { value: 'CONDITION', help: 'only files that may hold such rows, as `sluice show --plan` takes it' },
    'dry-run': { help: 'show the plan and change nothing' },
    strategy: {
      value: 'STRATEGY',
      help: 'binpack keeps the order of rows, sort and zorder put all files of a partition in order; the one of the dataset when not given',
    },
    'partial-progress': { help: 'commit up to ten times on the way, so that a conflict or a crash costs less' },
    all: { help: 'list all groups, not only the first 20' },
  },
  notes: [
    'A partition is compacted when enough of its files are small, when one is far too large, or when many of its rows are deleted; files that are well as they are stay. Rows stay the same: they are counted and summed up before the new files take the place of the old ones, which stay until `sluice maintain` deletes them.',
    'The estimate is what the same work costs on AWS Lambda.',
  ],
  examples: [
    'sluice compact flights --dry-run',
    'sluice compact flights',
    `sluice compact flights --where "date >= DATE '2026-01-01'" --strategy sort`,
  ],
  reads: true,
  run: async call => {
    const wishes = wishesOf(call)
    const table = await openLakeTable(call.lake, (call.given[0] as string).toLowerCase())
    const request: CompactionRequest = { table: table.name, ...wishes }
    return request.dryRun ? plan(call, request) : work(call, request)
  },
}

function wishesOf({ options }: Call): Omit<CompactionRequest, 'table'> {
  const given = options.value('strategy')
  const strategy = STRATEGIES.find(each => each === given)
  if (given !== undefined && strategy === undefined) {
    const near = closest(given, STRATEGIES)[0]
    throw usage(
      `--strategy ${given}: there is no such strategy`,
      near === undefined ? `give one of ${STRATEGIES.join(', ')}` : `did you mean ${near}?`,
    )
  }
  const dryRun = options.has('dry-run')
  const partialProgress = options.has('partial-progress')
  if (dryRun && partialProgress)
    throw usage('--dry-run commits nothing, and --partial-progress says how to commit', 'leave one of them out')
  return { where: options.value('where'), strategy, dryRun, partialProgress }
}

/** Here is no Athena, and nothing ends after 15 minutes: no file is too large. */
const BOUNDS = { fileBytesMax: Number.POSITIVE_INFINITY } as const

async function plan(call: Call, request: CompactionRequest): Promise<undefined> {
  const planned = await planCompaction(call.lake, request, { datasets: await call.datasets(), bounds: BOUNDS })
  if (call.options.has('json')) await call.terminal.out.write(`${JSON.stringify(planned, null, 2)}\n`)
  else await printPlan(call, planned)
  return undefined
}

async function work(call: Call, request: CompactionRequest): Promise<number | undefined> {
  const isJson = call.options.has('json')
  const status = statusLine(isJson ? call.terminal.err : call.terminal.out)
  const started = performance.now()
  let planned: CompactionPlanned | undefined
  let printed: Promise<void> = Promise.resolve()
  try {
    const report = await compactTable(call.lake, request, {
      datasets: await call.datasets(),
      bounds: BOUNDS,
      onPlanned: made => {
        planned = made
        if (!isJson) printed = printPlan(call, made)
      },
      onProgress: progress => status.show(barOf(progress, performance.now() - started)),
    })
    await printed
    await status.clear()
    const result = { planned: planned as CompactionPlanned | undefined, report, ms: performance.now() - started }
    if (isJson) await call.terminal.out.write(`${JSON.stringify(reportDocument(result), null, 2)}\n`)
    else await printReport(call, result)
    return isDone(report) ? undefined : EXIT_FAILURE
  } finally {
    await printed
    await status.clear()
  }
}

function barOf({ bytesDone, bytes, filesDone, files }: CompactionProgress, elapsedMs: number): string {
  const text = `${formatCount(filesDone)} of ${counted(files, 'file')}`
  return progressBar({ doneBytes: bytesDone, totalBytes: bytes, text }, elapsedMs)
}
