import { age, type DatasetWatch, type Finding, type Measure } from '#functions/watch/watch.ts'
import type { Call } from './command.ts'
import { hasLost } from './dlq-letters.ts'
import type { LakeStatus } from './status.ts'
import { type Style, styleOf } from './style.ts'
import { printTable, type TableRow } from './table-printer.ts'
import { printable } from './text-width.ts'
import { counted, formatCount, formatTime } from './units.ts'

const COLUMNS = [
  { name: 'dataset', whole: true },
  { name: '', whole: true },
  { name: 'last commit', whole: true },
  { name: 'lag', numeric: true },
  { name: 'promise', numeric: true },
  { name: 'put', numeric: true },
  { name: 'queryable', numeric: true },
  { name: 'quarantine', numeric: true },
  { name: 'missing', numeric: true },
  { name: 'waiting', numeric: true },
  { name: 'small files', numeric: true },
] as const

const MARKS = { ok: '✓', warning: '!', alarm: '✗' } as const

/** One screen: a line for each dataset, then what needs attention, what matters most first. */
export async function printStatus({ terminal, options }: Call, report: LakeStatus): Promise<void> {
  const { out } = terminal
  const style = styleOf(out)
  await printTable(out, { columns: COLUMNS, rows: report.datasets.map(rowOf) }, { full: options.has('full') })
  const all = [{ dataset: 'landing', findings: report.findings }, ...report.datasets].flatMap(({ dataset, findings }) =>
    findings.map(finding => ({ dataset, finding })),
  )
  const ordered = [
    ...all.filter(({ finding }) => finding.level === 'alarm'),
    ...all.filter(({ finding }) => finding.level === 'warning'),
  ]
  const lines = [lettersText(report.deadLetters, style), ...ordered.map(each => findingText(each, style))].join('')
  const heading = lines === '' ? '' : `\n${style.bold('Needs attention')}\n`
  await out.write(`${heading}${lines}\n${landingText(report.landing)}${sumOf(report, style)}\n`)
}

function rowOf({ dataset, status, measure }: DatasetWatch): TableRow {
  if (measure === undefined) return [dataset, MARKS[status], ...COLUMNS.slice(2).map(() => '?')]
  const { completeness, backlog, lastCommitMs, maxLagMinutes } = measure
  const count = (value: number | undefined): string => (value === undefined ? '–' : formatCount(value))
  return [
    dataset,
    MARKS[status],
    lastCommitMs === undefined ? 'never' : formatTime(lastCommitMs),
    lagOf(measure),
    maxLagMinutes === undefined ? '–' : age(maxLagMinutes * 60_000),
    count(completeness?.put),
    count(completeness?.queryable ?? measure.table.rows),
    count(completeness?.quarantined ?? measure.quarantineRows),
    count(completeness?.missing),
    backlog.batches + backlog.halted === 0 ? '–' : waiting(backlog),
    measure.smallFiles === 0 ? '–' : `${formatCount(measure.smallFiles)} of ${formatCount(measure.table.files)}`,
  ]
}

/** The later of the two: of the newest event, where the dataset names its time, and of the last commit. */
function lagOf({ lastCommitMs, eventMs, measuredMs }: Measure): string {
  if (lastCommitMs === undefined) return '–'
  return age(measuredMs - Math.min(lastCommitMs, eventMs ?? lastCommitMs))
}

function waiting({ batches, halted }: Measure['backlog']): string {
  const parts = [batches > 0 ? formatCount(batches) : '', halted > 0 ? `${formatCount(halted)} halted` : '']
  return parts.filter(part => part !== '').join(', ')
}

function findingText(
  { dataset, finding }: { readonly dataset: string; readonly finding: Finding },
  style: Style,
): string {
  const mark = finding.level === 'alarm' ? style.red(MARKS.alarm) : style.yellow(MARKS.warning)
  return `${mark} ${style.bold(dataset)}: ${printable(finding.message)}\n  ${style.yellow('next:')} ${printable(finding.next)}\n`
}

/** What was dropped and not taken yet is of no dataset. */
function landingText(landing: LakeStatus['landing']): string {
  if (landing === undefined || landing.objects === 0) return ''
  const since = landing.oldestMs === undefined ? '' : `, the oldest since ${formatTime(landing.oldestMs)}`
  return `In landing, not ingested yet: ${counted(landing.objects, 'object')}${since}.\n`
}

function lettersText(deadLetters: LakeStatus['deadLetters'], style: Style): string {
  const counts = Object.entries(deadLetters).map(([queue, letters]) => `${formatCount(letters)} ${queue}`)
  if (counts.length === 0) return ''
  const mark = hasLost(deadLetters) ? style.red(MARKS.alarm) : style.yellow(MARKS.warning)
  return `${mark} ${style.bold('dead letters')}: ${counts.join(', ')}\n  ${style.yellow('next:')} sluice dlq list\n`
}

function sumOf({ datasets, status, deadLetters }: LakeStatus, style: Style): string {
  if (status === 'ok' && Object.keys(deadLetters).length === 0)
    return style.green(`All is well: ${counted(datasets.length, 'dataset')}.`)
  const of = (level: 'alarm' | 'warning'): number => datasets.filter(each => each.status === level).length
  const parts = [
    ...(of('alarm') > 0 ? [style.red(`${counted(of('alarm'), 'dataset')} alarming`)] : []),
    ...(of('warning') > 0 ? [style.yellow(`${formatCount(of('warning'))} with warnings`)] : []),
    `${formatCount(datasets.filter(each => each.status === 'ok').length)} well`,
  ]
  return `${parts.join(', ')}.`
}
