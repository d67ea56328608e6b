import {
  type SnapshotRows,
  type SweepReport,
  type SweepRequest,
  snapshotsOf,
  sweepAbsent,
} from '#functions/cdc-apply/cdc-apply.ts'
import { type ChangeReport, changesUri, readDocument } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { closest } from './closest.ts'
import type { Call } from './command.ts'
import { EXIT_FAILURE, EXIT_OK, refusal, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { printTable } from './table-printer.ts'
import { counted, formatCount, formatTime, isoTime } from './units.ts'

/** `sluice cdc sweep TABLE`: without --before the snapshots that there are, with it the rows that one of them did not read. */
export async function sweepTable(call: Call, names: readonly string[]): Promise<number> {
  const dataset = await namedDataset(call, names)
  const before = call.options.value('before')
  if (before === undefined) {
    await printSnapshots(call, dataset, await snapshotsOf(call.reached, dataset))
    return EXIT_OK
  }
  const { options } = call
  const request = { before, dryRun: options.has('dry-run'), complete: options.has('complete') }
  const planned = await sweepAbsent(call.reached, dataset, { ...request, dryRun: true })
  if (request.dryRun || planned.absent === 0) {
    await printPlan(call, planned)
    return EXIT_OK
  }
  if (planned.obstacles.length > 0 && !request.complete)
    throw refusal(
      'contract-broken',
      `rows of the snapshot may be on their way: ${planned.obstacles.join('; ')}`,
      'let them come in and try again; if you know that the snapshot is whole, say --complete',
    )
  return report(call, dataset, await sweep(call, dataset, request))
}

async function namedDataset(call: Call, names: readonly string[]): Promise<Dataset> {
  const [name, ...more] = names
  if (name === undefined || more.length > 0)
    throw usage('sweep takes one table', 'sluice cdc sweep TABLE --before POSITION --dry-run')
  const all = await call.datasets()
  const dataset = all.find(each => each.name === name.toLowerCase())
  if (dataset !== undefined) return dataset
  const near = closest(
    name,
    all.map(each => each.name),
  )
  const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'name a dataset of datasets/index.ts'
  throw refusal('not-found', `there is no declared dataset ${name}`, next)
}

/** In a folder nobody applies the batch unless it is this process. */
async function sweep(call: Call, dataset: Dataset, request: SweepRequest): Promise<SweepReport> {
  if (call.reached !== call.lake) return sweepAbsent(call.reached, dataset, request)
  const status = statusLine(call.options.has('json') ? call.terminal.err : call.terminal.out)
  status.show('deleting rows that the snapshot did not read …')
  const { startLocal } = await import('#local/run.ts')
  const runner = startLocal(call.lake, await call.datasets())
  try {
    const swept = await sweepAbsent(call.lake, dataset, request)
    await runner.idle()
    return swept
  } finally {
    await runner.close()
    await status.clear()
  }
}

// --- What is printed -----------------------------------------------------------------------------------------------

async function printSnapshots(call: Call, { name }: Dataset, snapshots: readonly SnapshotRows[]): Promise<void> {
  const { terminal, options } = call
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify({ dataset: name, snapshots: snapshots.map(documentOf) }, null, 2)}\n`)
    return
  }
  if (snapshots.length === 0) {
    await terminal.out.write(`no row of ${name} is as a snapshot read it\n`)
    return
  }
  const columns = [
    { name: 'snapshot', whole: true },
    { name: 'rows', numeric: true },
    { name: 'ingested from', whole: true },
    { name: 'to', whole: true },
  ]
  const rows = snapshots.map(each => [
    each.position,
    formatCount(each.rows),
    formatTime(each.firstIngestedMs),
    formatTime(each.lastIngestedMs),
  ])
  await printTable(terminal.out, { columns, rows }, { full: options.has('full') })
  await terminal.out.write(
    `\nsluice cdc sweep ${name} --before ${snapshots[0]?.position} --dry-run  shows the rows that it did not read\n`,
  )
}

async function printPlan({ terminal, options }: Call, planned: SweepReport): Promise<void> {
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify(reportDocument(planned), null, 2)}\n`)
    return
  }
  const { absent, later, examples, obstacles, snapshot } = planned
  const lines = [
    `${counted(absent, 'row')} older than the snapshot and not read by it`,
    ...examples.map(key => `  ${key}`),
    ...(absent > examples.length ? [`  and ${formatCount(absent - examples.length)} more`] : []),
    ...(later > 0
      ? [
          `${counted(later, 'row')} lower in the log, but ingested with the snapshot or after it: ${later === 1 ? 'it stays' : 'they stay'}`,
        ]
      : []),
    `${counted(snapshot.rows, 'row')} as the snapshot read ${snapshot.rows === 1 ? 'it' : 'them'}, ${formatCount(planned.changed)} changed since`,
    ...obstacles.map(each => `against it: ${each}`),
  ]
  await terminal.out.write(`${lines.join('\n')}\n`)
}

async function report(call: Call, dataset: Dataset, swept: SweepReport): Promise<number> {
  const { terminal, options, reached, lake } = call
  const applied = await readDocument<ChangeReport>(reached, changesUri(reached, dataset.name, swept.batch ?? ''))
  const deleted = applied?.counts.applied
  if (options.has('json'))
    await terminal.out.write(`${JSON.stringify({ ...reportDocument(swept), deleted: deleted ?? null }, null, 2)}\n`)
  else if (deleted !== undefined)
    await terminal.out.write(
      `${counted(deleted, 'row')} deleted${swept.absent > deleted ? `, ${formatCount(swept.absent - deleted)} changed meanwhile` : ''}\n`,
    )
  else
    await terminal.out.write(
      `${counted(swept.absent, 'row')} will be deleted by batch ${swept.batch}${reached === lake ? '' : ', which refine applies'}\n`,
    )
  return deleted === undefined && reached === lake ? EXIT_FAILURE : EXIT_OK
}

const documentOf = ({ position, rows, firstIngestedMs, lastIngestedMs }: SnapshotRows): unknown => ({
  position,
  rows,
  firstIngested: isoTime(firstIngestedMs),
  lastIngested: isoTime(lastIngestedMs),
})

const reportDocument = ({ snapshot, ...rest }: SweepReport): object => ({ ...rest, snapshot: documentOf(snapshot) })
