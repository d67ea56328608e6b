import type { ReplayPlan, ReplayProgress, SwapReport, TableCounts } from '#functions/replay/replay.ts'
import { styleOf } from './style.ts'
import { printTable } from './table-printer.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatBytes, formatCount, formatTime } from './units.ts'

/** What a replay takes, what it leaves out and why, and what it would cost. */
export async function printPlan(
  out: Output,
  plan: ReplayPlan,
  { dryRun }: { readonly dryRun: boolean },
): Promise<void> {
  const style = styleOf(out)
  const lines = leftOut(plan)
  if (plan.items === 0) {
    await out.write(`${style.bold(plan.dataset)}: nothing to replay (${selection(plan)})\n`)
    const why = lines.length > 0 ? lines : [unmatched(plan)]
    for (const line of why) await out.write(style.dim(`  ${line}\n`))
    return
  }
  const name = dryRun ? plan.dataset : `${plan.dataset}  ${plan.id}`
  const into = plan.into === undefined ? '' : ` into ${style.bold(plan.into)}`
  await out.write(
    `${style.bold(name)}  ${counted(plan.objects, 'object')}, ${formatBytes(plan.bytes)}, ${batchesOf(plan.items)}${into} (${selection(plan)})\n`,
  )
  for (const line of lines) await out.write(style.dim(`  ${line}\n`))
  const { gbSeconds, dollars } = plan.estimate
  await out.write(`  on AWS about ${formatCount(gbSeconds)} GB-seconds, ${formatDollars(dollars)}\n`)
}

function selection({ mode, from, to, key }: ReplayPlan): string {
  const days = from === undefined && to === undefined ? [] : [`${from ?? 'the beginning'} to ${to ?? 'today'}`]
  return [mode, ...days, ...(key === undefined ? [] : [`keys from ${printable(key)}`])].join(', ')
}

/** Nothing was left out either: there was nothing to choose from. */
function unmatched({ dataset, from, to, key }: ReplayPlan): string {
  const isDated = from !== undefined || to !== undefined
  if (!isDated && key === undefined) return `there is no raw object of ${dataset} yet`
  const [when, under] = [isDated ? ' came on these days' : ' is there', key === undefined ? '' : ' under such a key']
  return `no raw object of ${dataset}${when}${under}`
}

function leftOut({ left, key }: ReplayPlan): readonly string[] {
  // Keys are in the heads of raw objects, and only those of objects that may be taken are looked at.
  const ofAny = key === undefined ? '' : ', whatever their keys'
  const of = (count: number, why: string): readonly string[] =>
    count === 0 ? [] : [`not taken: ${counted(count, 'object')} ${why}`]
  return [
    ...of(left.accounted, `already accounted for${ofAny}`),
    ...of(left.duplicates, 'with the same bytes under the same key as another'),
    ...of(left.underWay, `of batches that began a moment ago${ofAny}; --grace 0 takes them too`),
    ...of(left.givenUp ?? 0, 'that failed in one repair after the other'),
  ]
}

/** Cents need no more digits than they have; less than one is not nothing. */
export function formatDollars(dollars: number): string {
  return dollars < 0.01 ? 'less than $0.01' : `$${dollars.toFixed(2)}`
}

/** `1 batch`, `2 batches` */
export const batchesOf = (count: number): string => `${formatCount(count)} ${count === 1 ? 'batch' : 'batches'}`

const NEXT: Readonly<Partial<Record<ReplayProgress['state'], (id: string) => string>>> = {
  planned: id => `sluice replay resume ${id} starts it`,
  running: id => `when its process is gone: sluice replay resume ${id}`,
  paused: id => `sluice replay resume ${id} goes on with it`,
  incomplete: id => `mend what is named above, then sluice replay resume ${id} tries these batches again`,
}

const PROBLEMS_SHOWN = 20

/** One replay: how far it is, and what went wrong. */
export async function printProgress(out: Output, progress: ReplayProgress): Promise<void> {
  const style = styleOf(out)
  const { plan, state, done, outcomes, report } = progress
  const mark = state === 'finished' && outcomes.halted === 0 ? style.green('✓') : style.yellow('!')
  const share = `${formatCount(done.items)} of ${batchesOf(plan.items)} done`
  await out.write(
    `${mark} ${style.bold(plan.id)}  ${state}: ${share}, ${formatBytes(done.bytes)} of ${formatBytes(plan.bytes)}\n`,
  )
  if (report !== undefined)
    await out.write(
      `  ${plan.table}: ${counted(report.rows, 'row')}, ${formatCount(report.quarantined)} quarantined, ${formatCount(report.superseded)} superseded\n`,
    )
  const problems = report?.problems ?? []
  for (const { batch, outcome, reason } of problems.slice(0, PROBLEMS_SHOWN))
    await out.write(style.yellow(`  ${outcome} ${batch}: ${printable(reason)}\n`))
  if (problems.length > PROBLEMS_SHOWN)
    await out.write(style.dim(`  and ${formatCount(problems.length - PROBLEMS_SHOWN)} more, --json lists them\n`))
  const next = NEXT[state]?.(plan.id)
  if (next !== undefined) await out.write(`  ${next}\n`)
}

export async function printReplays(out: Output, all: readonly ReplayProgress[]): Promise<void> {
  if (all.length === 0) {
    await out.write('No replay has been planned in this lake.\n')
    return
  }
  const rows = all.map(({ plan, state, done }) => [
    plan.id,
    plan.table,
    state,
    `${formatCount(done.items)} of ${formatCount(plan.items)}`,
    formatTime(plan.plannedMs),
  ])
  const columns = [
    { name: 'replay', whole: true },
    { name: 'table' },
    { name: 'state' },
    { name: 'batches', numeric: true },
    { name: 'planned', whole: true },
  ]
  await printTable(out, { columns, rows })
}

/** The two tables side by side, under the names that they had before. */
export async function printSwap(out: Output, { dataset, live, side, lacking, swapped }: SwapReport): Promise<void> {
  const style = styleOf(out)
  const rowOf = ({ table, rows, quarantined, objects, files }: TableCounts): readonly string[] => [
    table,
    ...[rows, quarantined, objects, files].map(formatCount),
  ]
  const columns = [
    { name: 'table' },
    { name: 'rows', numeric: true },
    { name: 'quarantined', numeric: true },
    { name: 'objects', numeric: true },
    { name: 'files', numeric: true },
  ]
  await printTable(out, { columns, rows: [rowOf(live), rowOf(side)] })
  if (swapped) {
    await out.write(`${style.green('✓')} swapped: ${live.table} is what ${side.table} was, and the other way round\n`)
    return
  }
  if (lacking.count === 0) await out.write(`  sluice replay swap ${side.table} --yes exchanges their names\n`)
  else
    await out.write(
      `${style.yellow('!')} ${side.table} lacks ${counted(lacking.count, 'object')} that ${live.table} has: sluice replay --dataset ${dataset} --into ${side.table}\n`,
    )
}
