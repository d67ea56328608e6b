import { type ReleaseReport, type ReleaseRequest, release } from '#functions/release/release.ts'
import { type CommitReport, commitUri, readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { countRows } from '#lake/iceberg/count-rows.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { LocalStep } from '#local/run.ts'
import { closest } from './closest.ts'
import type { Call } from './command.ts'
import { filterOf, limitOf, namedDataset, quarantinedDatasets } from './quarantine-filter.ts'
import { isWell, printPlan, printSettled, type Settled, settledDocument } from './quarantine-settled.ts'
import { EXIT_FAILURE, refusal, usage } from './refusal.ts'
import { statusLine } from './status-line.ts'
import { counted, formatCount } from './units.ts'

export const releaseRecords = (call: Call): Promise<number | undefined> => settleRecords(call, 'release')
export const dropRecords = (call: Call): Promise<number | undefined> => settleRecords(call, 'drop')

/** The same selection, the same batches and the same state machine as on AWS, in this process. */
async function settleRecords(call: Call, action: ReleaseRequest['action']): Promise<number | undefined> {
  const { lake, options, terminal } = call
  const wish = { ...wishOf(call, action), action }
  const dataset = await declaredDataset(call, action)
  const planned = await release(lake, dataset, { ...wish, dryRun: true })
  if (options.has('dry-run') || planned.records === 0) {
    await printPlan(call, planned)
    return undefined
  }
  if (action === 'drop') await confirm(call, planned)
  const status = statusLine(options.has('json') ? terminal.err : terminal.out)
  const { report, failures } = await run(call, dataset, { request: { ...wish, dryRun: false }, status })
  const settled = await outcomeOf(call, dataset, { report, failed: failures })
  if (options.has('json')) await terminal.out.write(`${JSON.stringify(settledDocument(settled), null, 2)}\n`)
  else await printSettled(terminal.out, settled)
  return isWell(settled) ? undefined : EXIT_FAILURE
}

const BECAUSE_LENGTH_MAX = 1_000

function wishOf(call: Call, action: ReleaseRequest['action']): Pick<ReleaseRequest, 'filter' | 'limit' | 'reason'> {
  const because = call.options.value('because')
  if (because !== undefined && action === 'release')
    throw usage('--because is said of records that are dropped', 'leave it out')
  if (because !== undefined && (because === '' || because.length > BECAUSE_LENGTH_MAX))
    throw usage(`--because takes 1 to ${formatCount(BECAUSE_LENGTH_MAX)} characters`, 'say it in a sentence')
  return { filter: filterOf(call), limit: limitOf(call), reason: because }
}

async function declaredDataset(call: Call, action: string): Promise<Dataset> {
  const name = namedDataset(call)
  const all = await call.datasets()
  const names = all.map(each => each.name)
  if (name === undefined)
    throw usage(
      `sluice quarantine ${action} needs a dataset`,
      `name one: sluice quarantine ${action} ${names[0] ?? 'NAME'}`,
    )
  const dataset = all.find(each => each.name === name)
  if (dataset !== undefined) return dataset
  await quarantinedDatasets(call.lake, name)
  const near = closest(name, names)
  const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'declare it in datasets/ again'
  throw refusal('not-found', `there is no declared dataset ${name}`, next)
}

async function confirm({ options, terminal }: Call, { records, dataset }: ReleaseReport): Promise<void> {
  if (options.has('yes')) return
  const what = `${counted(records, 'record')} of ${dataset}`
  const answer = await terminal.ask?.(`Drop ${what} from quarantine for good? The raw files stay. [y/N] `)
  if (answer === undefined)
    throw usage(`dropping ${what} wants a yes, and here is nobody to ask`, 'look with --dry-run, then say --yes')
  if (!/^y(es)?$/i.test(answer.trim())) throw refusal('usage', 'nothing was dropped', 'say y, or give --yes')
}

interface Running {
  readonly request: ReleaseRequest
  readonly status: ReturnType<typeof statusLine>
}

async function run(
  call: Call,
  dataset: Dataset,
  { request, status }: Running,
): Promise<{ readonly report: ReleaseReport; readonly failures: Settled['failed'] }> {
  const failures: { batch: string; reason: string }[] = []
  const tally = { done: 0, announced: 0 }
  const onStep = (step: LocalStep): void => {
    if (step.kind === 'event' && step.event['detail-type'] === 'Raw Batch Ready') tally.announced++
    if (step.kind === 'finished') tally.done++
    if (step.kind === 'finished' && step.status !== 'SUCCEEDED')
      failures.push({ batch: step.batch, reason: step.cause || step.error || step.status })
    const state = step.kind === 'state' ? `  ${step.state}` : ''
    status.show(`${formatCount(tally.done)} of ${counted(tally.announced, 'batch', 'batches')}${state}`)
  }
  const { startLocal } = await import('#local/run.ts')
  const runner = startLocal(call.lake, await call.datasets(), { onStep })
  try {
    const report = await release(call.lake, dataset, request)
    await runner.idle()
    return { report, failures }
  } finally {
    await runner.close()
    await status.clear()
  }
}

async function outcomeOf(
  { lake }: Call,
  dataset: Dataset,
  { report, failed }: { readonly report: ReleaseReport; readonly failed: Settled['failed'] },
): Promise<Settled> {
  const found: CommitReport[] = []
  const halted: { batch: string; reason: string }[] = []
  for (const batch of report.batches) {
    const commit = await readDocument<CommitReport>(lake, commitUri(lake, report.dataset, batch))
    if (commit !== undefined) found.push(commit)
    else {
      const verdict = await readDocument<Verdict>(lake, verdictUri(lake, report.dataset, batch))
      if (verdict?.status === 'halt') halted.push({ batch, reason: verdict.reason ?? 'a rule halted it' })
    }
  }
  const objects = found.flatMap(each => each.objects)
  const total = (of: (each: (typeof objects)[number]) => number): number =>
    objects.reduce((sum, each) => sum + of(each), 0)
  const taken = found.reduce((sum, each) => sum + (each.settled?.taken ?? 0), 0)
  const reasons = new Map<string, number>()
  for (const [reason, count] of objects.flatMap(each => Object.entries(each.reasons)))
    reasons.set(reason, (reasons.get(reason) ?? 0) + count)
  const applied = total(each => each.applied)
  const replaced = await replacedSince(lake, dataset, { commits: found, applied })
  return {
    ...report,
    mode: dataset.publish.mode,
    applied: applied - replaced,
    refused: total(each => each.quarantined),
    superseded: total(each => each.superseded) + replaced,
    suppressed: total(each => each.suppressed ?? 0),
    gone: found.length === report.batches.length ? report.records - taken : 0,
    reasons: [...reasons].toSorted(([, left], [, right]) => right - left),
    halted,
    failed,
  }
}

const VERDICTS_AT_ONCE = 8

/** Of extracts that are released together a later batch takes out what an earlier one brought, and the reports do not know. */
async function replacedSince(
  lake: Call['lake'],
  dataset: Dataset,
  { commits, applied }: { readonly commits: readonly CommitReport[]; readonly applied: number },
): Promise<number> {
  if (dataset.publish.mode !== 'replace' || applied === 0 || commits.length < 2) return 0
  const verdicts = await mapParallel(commits, VERDICTS_AT_ONCE, ({ batch }) =>
    readDocument<Verdict>(lake, verdictUri(lake, dataset.name, batch)),
  )
  const judged = verdicts.flatMap(verdict => verdict?.judged ?? [])
  const records = judged.map(each => ({ ...each, records: each.applied })).filter(each => each.records.length > 0)
  return applied - Math.min(applied, await countRows(lake, dataset.name, { records }))
}
