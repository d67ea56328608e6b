import type { Evaluation, RuleResult } from '#lake/dqdl/evaluate.ts'
import { type RulesFile, showDiagnostics } from './check-ruleset.ts'
import { type MarkedRow, markedTable } from './check-table.ts'
import { NO_BREAK } from './check-wrap.ts'
import { type Style, styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatCount, formatDuration } from './units.ts'

/** A check that is done. */
export interface Checked {
  readonly rules: RulesFile
  readonly evaluation: Evaluation
  readonly data: { readonly name: string; readonly rows: number; readonly columns: number }
  readonly notes: readonly string[]
  /** Where row-level results were written. */
  readonly rowsFile: string | undefined
  readonly elapsedMs: number
}

/** What there is to say of the ruleset's text, then each rule with what it measured, then the sum. */
export async function printReport(
  output: Output,
  checked: Checked,
  { full }: { readonly full: boolean },
): Promise<void> {
  const style = styleOf(output)
  const { data, evaluation, notes } = checked
  const look = { width: full ? undefined : (output.columns ?? COLUMNS_OF_A_LOG), style }
  const noted = notes.map(note => `${style.yellow('note:')} ${printable(note)}\n`).join('')
  const before = `${showDiagnostics(checked.rules, style)}${noted}`
  const sizes = `${counted(data.rows, 'row')}, ${counted(data.columns, 'column')}`
  const sections = [
    `${style.bold(printable(data.name))}  ${sizes}\n`,
    ...(evaluation.rules.length === 0 ? [] : [rulesTable(evaluation, data.rows, look)]),
    ...(evaluation.analyzers.length === 0 ? [] : [analyzersTable(evaluation, look)]),
    summary(checked, style),
  ]
  await output.write([...(before === '' ? [] : [before]), ...sections].join('\n'))
}

/** Lines are broken where no terminal says how wide it is, too: nothing is lost by that. */
const COLUMNS_OF_A_LOG = 160

type Look = Parameters<typeof markedTable>[2]

function rulesTable({ rules }: Evaluation, rows: number, look: Look): string {
  const line = (rule: RuleResult): MarkedRow => ({
    mark: markOf(rule, look.style),
    cells: [printable(rule.text), metricsText(rule.metrics), reasonText(rule, rows)],
  })
  return markedTable(['rule', 'metrics', 'reason'], rules.map(line), look)
}

function analyzersTable({ analyzers }: Evaluation, look: Look): string {
  const lines = analyzers.map(({ text, outcome, reason, metrics }) => ({
    mark: outcome === 'Error' ? look.style.yellow('!') : ' ',
    cells: [printable(text), metricsText(metrics), printable(reason ?? '')],
  }))
  return markedTable(['analyzer', 'metrics', 'reason'], lines, look)
}

function markOf({ outcome }: RuleResult, style: Style): string {
  switch (outcome) {
    case 'Passed':
      return style.green('✓')
    case 'Failed':
      return style.red('✗')
    case 'Error':
      return style.yellow('!')
  }
}

/** What all names begin with stands in the rule already. */
function metricsText(metrics: RuleResult['metrics']): string {
  const names = Object.keys(metrics)
  const [first = '', ...others] = names
  let common = first.slice(0, first.lastIndexOf('.') + 1)
  while (!others.every(name => name.startsWith(common)))
    common = common.slice(0, common.lastIndexOf('.', common.length - 2) + 1)
  return names
    .map(name => `${printable(name.slice(common.length))}${NO_BREAK}${formatMetric(metrics[name] as number)}`)
    .join(', ')
}

/** Rows are told of rules that passed, too: a threshold lets some of them fail. */
function reasonText({ outcome, reason, counts }: RuleResult, all: number): string {
  const why = outcome === 'Passed' ? reason : (reason ?? outcome)
  if (counts === undefined || counts.failed === 0) return printable(why ?? '')
  const failing = `${formatCount(counts.failed)} of ${counted(all, 'row')}`
  return why === undefined ? `${failing} fail` : printable(`${why} (${failing})`)
}

/** Six digits, but a share is never whole when it only comes near: 0.9999999 is not 1. */
export function formatMetric(value: number): string {
  if (Number.isSafeInteger(value)) return formatCount(value)
  const short = Number(value.toPrecision(6))
  return Number.isInteger(short) && Math.abs(value) <= 1 ? String(value) : String(short)
}

function summary({ evaluation, rowsFile, elapsedMs }: Checked, style: Style): string {
  const { rules, score } = evaluation
  const { passed, failed, errored } = countsOf(rules)
  const counts = [
    `${formatCount(passed)} of ${counted(rules.length, 'rule')} passed`,
    ...(failed === 0 ? [] : [`${formatCount(failed)} failed`]),
    ...(errored === 0 ? [] : [`${formatCount(errored)} could not be evaluated`]),
  ]
  const mark = passed === rules.length ? style.green('✓') : style.red('✗')
  const rows = rowsFile === undefined ? '' : `row-level results are in ${printable(rowsFile)}\n`
  return `${mark} score ${formatMetric(score)}: ${counts.join(', ')}, in ${formatDuration(elapsedMs)}\n${rows}`
}

export interface Counts {
  readonly rules: number
  readonly passed: number
  readonly failed: number
  readonly errored: number
}

export function countsOf(rules: readonly RuleResult[]): Counts {
  const count = (outcome: RuleResult['outcome']): number => rules.filter(rule => rule.outcome === outcome).length
  return { rules: rules.length, passed: count('Passed'), failed: count('Failed'), errored: count('Error') }
}
