import type { RuleVerdict } from '#lake/batch.ts'
import { formatMetric } from './check-report.ts'
import { markedTable } from './check-table.ts'
import type { Call } from './command.ts'
import type { DescribedRun, MetricTrack, QualityDescription, RuleTrack } from './quality-description.ts'
import { printSection } from './show-section.ts'
import { sparkline } from './sparkline.ts'
import { type Style, styleOf } from './style.ts'
import { printTable } from './table-printer.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatCount, formatTime } from './units.ts'

/** Which parts are wanted. */
export interface Shown {
  readonly runs: boolean
  readonly rules: 'all' | 'failing' | 'none'
  readonly metrics: boolean
}

/** Draws the runs of one dataset: what each gave, the rules that did not pass, and how the metrics went. */
export async function printQuality(call: Call, quality: QualityDescription, shown: Shown): Promise<void> {
  const { out } = call.terminal
  const style = styleOf(out)
  const { runs, rules, metrics } = quality
  const [last] = runs
  if (last === undefined) return
  await out.write(`${style.bold(quality.dataset)}  ${counted(runs.length, 'run')}\n${lastText(last, style)}\n`)
  if (shown.runs) await printRuns(call, runs)
  if (shown.rules !== 'none') await printRules(call, rules, shown.rules)
  if (shown.metrics) await printMetrics(call, metrics)
}

/** The state of one dataset in the list of all. */
export interface DatasetQuality {
  readonly dataset: string
  /** The most recent first. */
  readonly runs: readonly DescribedRun[]
}

/** One line for each dataset that has rules. */
export async function printOverview({ terminal, options }: Call, all: readonly DatasetQuality[]): Promise<void> {
  const { out } = terminal
  const width = trendWidth(out)
  const columns = [
    { name: 'dataset' },
    { name: 'score', numeric: true },
    { name: 'scores', whole: true },
    { name: 'rules', numeric: true },
    { name: 'failing', numeric: true },
    { name: 'last landed', whole: true },
    { name: 'batch', whole: true },
  ]
  const rows = all.map(({ dataset, runs }) => {
    const [last] = runs
    if (last === undefined) return [dataset, '–', '', '–', '–', 'nothing yet', '']
    const { rules, passed } = last.counts
    const counts = [formatCount(rules), formatCount(rules - passed)]
    const trend = scoreTrend(runs, width)
    return [dataset, formatScore(last.score), trend, ...counts, timeOf(last), becameOf(last)]
  })
  await printTable(out, { columns, rows }, { full: options.has('full') })
}

/** Two digits, and a share is never whole when it only comes near. */
export function formatScore(score: number): string {
  return (Math.floor(score * 100 + 1e-9) / 100).toFixed(2)
}

const timeOf = (run: DescribedRun): string => formatTime(Date.parse(run.landed))

const becameOf = ({ status }: DescribedRun): string => (status === 'halt' ? 'halted' : 'published')

function lastText(run: DescribedRun, style: Style): string {
  const { rules, passed } = run.counts
  const mark = passed === rules ? style.green : style.red
  const became = run.status === 'halt' ? style.red('batch halted') : 'batch published'
  return `the last: ${mark(`score ${formatScore(run.score)}`)}, ${formatCount(passed)} of ${counted(rules, 'rule')} passed, ${became}`
}

// --- Runs ----------------------------------------------------------------------------------------------------------

async function printRuns(call: Call, runs: readonly DescribedRun[]): Promise<void> {
  const hasErrors = runs.some(run => run.counts.errored > 0)
  const numeric = ['score', 'passed', 'failed', ...(hasErrors ? ['errors'] : [])].map(name => ({ name, numeric: true }))
  await printSection(call, {
    title: 'Runs',
    isLong: true,
    columns: [{ name: 'landed', whole: true }, ...numeric, { name: 'batch', whole: true }, { name: 'id', whole: true }],
    rows: runs.map(run => {
      const { passed, failed, errored } = run.counts
      const counts = [passed, failed, ...(hasErrors ? [errored] : [])].map(formatCount)
      return [timeOf(run), formatScore(run.score), ...counts, becameOf(run), run.batch]
    }),
  })
  const { out } = call.terminal
  const width = trendWidth(out)
  if (runs.length > 1) await out.write(`  scores of ${trendName(runs.length, width)}: ${scoreTrend(runs, width)}\n`)
}

// --- Rules ---------------------------------------------------------------------------------------------------------

const SIGNS: Readonly<Record<RuleVerdict['outcome'], string>> = { Passed: '✓', Failed: '✗', Error: '!' }

async function printRules(call: Call, rules: readonly RuleTrack[], which: 'all' | 'failing'): Promise<void> {
  const { out } = call.terminal
  const style = styleOf(out)
  const listed = which === 'all' ? rules : rules.filter(rule => rule.lastFailure !== null)
  await out.write(`\n${style.bold(which === 'all' ? 'Rules' : 'Rules that did not pass')}\n`)
  if (listed.length === 0) {
    await out.write('  none: every rule passed in each of these runs\n')
    return
  }
  const width = trendWidth(out)
  const rows = listed.map(track => {
    const signs = track.outcomes.map(outcome => (outcome === null ? '·' : SIGNS[outcome]))
    return {
      mark: markOf(track, style),
      cells: [printable(track.rule), trendOf(signs, width).join(''), printable(failureText(track))],
    }
  })
  const names = ['rule', trendName(rules[0]?.outcomes.length ?? 0, width), 'why it did not pass']
  const look = { width: call.options.has('full') ? undefined : (out.columns ?? COLUMNS_OF_A_LOG), style }
  await out.write(markedTable(names, rows, look))
}

function markOf({ outcomes: [last] }: RuleTrack, style: Style): string {
  switch (last) {
    case 'Passed':
      return style.green(SIGNS.Passed)
    case 'Failed':
      return style.red(SIGNS.Failed)
    case 'Error':
      return style.yellow(SIGNS.Error)
    default:
      return ' '
  }
}

/** What is said of the last failure; of an earlier run, after its batch. */
function failureText({ outcomes: [last], lastFailure }: RuleTrack): string {
  if (lastFailure === null) return ''
  const { outcome, reason, rowsFailed, consequence, batch } = lastFailure
  const rows = rowsFailed === null || rowsFailed === 0 ? [] : [counted(rowsFailed, 'row')]
  const followed = consequence === null || consequence === 'none' ? [] : [FOLLOWED[consequence]]
  const details = [...rows, ...followed].join(', ')
  const text = `${reason ?? outcome}${details === '' ? '' : ` (${details})`}`
  return last === 'Failed' || last === 'Error' ? text : `in ${batch}: ${text}`
}

const FOLLOWED = { quarantine: 'put aside', halt: 'batch halted' } as const

// --- Metrics -------------------------------------------------------------------------------------------------------

async function printMetrics(call: Call, metrics: readonly MetricTrack[]): Promise<void> {
  const width = trendWidth(call.terminal.out)
  const numberOf = (value: number | null | undefined): string => (value == null ? '–' : formatMetric(value))
  await printSection(call, {
    title: 'Metrics',
    isLong: true,
    columns: [
      { name: 'metric' },
      { name: 'last', numeric: true },
      { name: trendName(metrics[0]?.values.length ?? 0, width), whole: true },
      { name: 'least', numeric: true },
      { name: 'greatest', numeric: true },
    ],
    rows: metrics.map(({ metric, values, least, greatest }) => [
      metric,
      numberOf(values[0]),
      sparkline(trendOf(values, width)),
      numberOf(least),
      numberOf(greatest),
    ]),
  })
}

// --- Trends --------------------------------------------------------------------------------------------------------

/** Lines are broken where no terminal says how wide it is, too: nothing is lost by that. */
const COLUMNS_OF_A_LOG = 160
const TREND_MIN = 8
const TREND_MAX = 40

/** A quarter of the line, so that it has never to be cut. */
function trendWidth({ columns = COLUMNS_OF_A_LOG }: Output): number {
  return Math.max(TREND_MIN, Math.min(TREND_MAX, Math.floor(columns / 4)))
}

/** As many of the last runs as fit, in the order of time: the most recent one on the right. */
const trendOf = <T>(newestFirst: readonly T[], width: number): readonly T[] => newestFirst.slice(0, width).toReversed()

const trendName = (runs: number, width: number): string =>
  runs > width ? `the last ${width} runs` : runs === 1 ? 'the run' : `the ${runs} runs`

const scoreTrend = (runs: readonly DescribedRun[], width: number): string =>
  sparkline(
    trendOf(
      runs.map(run => run.score),
      width,
    ),
    [0, 1],
  )
