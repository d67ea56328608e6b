import type { ExpireReport, ManifestsReport } from '#functions/maintain/maintain.ts'
import type { Amount, StagingReport, SweepReport } from '#functions/sweep/sweep.ts'
import type { Call } from './command.ts'
import type { Failure, Maintenance } from './maintain.ts'
import { type Style, styleOf } from './style.ts'
import { printTable, type TableRow } from './table-printer.ts'
import { printable } from './text-width.ts'
import { counted, formatBytes, formatCount, formatTime, isoTime } from './units.ts'

const COLUMNS = [
  { name: '' },
  { name: 'count', numeric: true },
  { name: 'size', numeric: true },
  { name: 'what became of it' },
]

/** What there was, what went, and what stayed and why. */
export async function printMaintenance({ terminal, options }: Call, done: Maintenance): Promise<void> {
  const { out } = terminal
  const style = styleOf(out)
  await out.write(`${style.bold(done.table)}${done.dryRun ? style.dim('  dry run: nothing is changed') : ''}\n`)
  const rows = [
    ...(done.expire === undefined ? [] : snapshotRows(done.expire)),
    ...(done.manifests === undefined ? [] : manifestRows(done.manifests)),
    ...(done.sweep === undefined ? [] : fileRows(done.sweep)),
  ]
  const columns = done.dryRun ? COLUMNS.with(3, { name: 'what would become of it' }) : COLUMNS
  if (rows.length > 0) await printTable(out, { columns, rows }, { full: options.has('full'), indent: 2 })
  if (done.sweep !== undefined) await out.write(sweepNotes(done.sweep, style))
  for (const failure of done.failures) await out.write(failureText(failure, style))
  await out.write('\n')
}

function failureText({ step, message, next, leftAlone }: Failure, style: Style): string {
  const mark = leftAlone ? style.yellow(`– ${step}:`) : style.red(`✗ ${step}:`)
  const advice = next === undefined || leftAlone ? '' : `  ${style.yellow('next:')} ${printable(next)}\n`
  return `  ${mark} ${printable(message)}\n${advice}`
}

function snapshotRows({ snapshots, expired, refsExpired, oldestKeptMs, dryRun }: ExpireReport): readonly TableRow[] {
  const count = snapshots.before - snapshots.after
  const since = oldestKeptMs === undefined ? '' : `, the oldest of ${formatTime(oldestKeptMs)}`
  const times = [
    ...new Set([expired[0], expired.at(-1)].flatMap(each => (each ? isoTime(each.committedMs).slice(0, 10) : []))),
  ]
  return [
    ['snapshots', formatCount(snapshots.after), '', `kept${since}`],
    ...(count === 0 ? [] : [['', formatCount(count), '', `${would(dryRun, 'expired')}: of ${times.join(' to ')}`]]),
    ...(refsExpired.length === 0
      ? []
      : [
          [
            'branches, tags',
            formatCount(refsExpired.length),
            '',
            `${would(dryRun, 'expired')}: ${refsExpired.join(', ')}`,
          ],
        ]),
  ]
}

function manifestRows({ before, after, rewritten, dryRun }: ManifestsReport): readonly TableRow[] {
  const fate = rewritten
    ? `${would(dryRun, 'merged')} into ${formatCount(after.manifests)}${dryRun ? ' or so' : ''}, ${formatBytes(after.bytes)}`
    : 'left as they are: few, or large enough'
  return [['manifests', formatCount(before.manifests), formatBytes(before.bytes), fate]]
}

function fileRows(report: SweepReport): readonly TableRow[] {
  const { orphans, dryRun, graceHours } = report
  const row = (name: string, amount: Amount, fate: string): readonly TableRow[] =>
    amount.files === 0 ? [] : [[name, formatCount(amount.files), formatBytes(amount.bytes), fate]]
  const gone = would(dryRun, 'deleted')
  const isWhole = dryRun || report.failed.files + report.spared.files === 0
  const fate = isWhole ? gone : `${gone}, but for those below`
  return [
    ['files', formatCount(report.live.files), formatBytes(report.live.bytes), 'kept: snapshots need them'],
    ...row('', report.young, `kept: under ${graceHours} h old, a commit may need them`),
    ...row('', report.foreign, "kept: no files that a table's writer makes"),
    ...row('', report.spared, 'kept: needed by now, or named like a lost one'),
    ...row('data', orphans.data, `${fate}: no snapshot needs them`),
    ...row('manifests', orphans.metadata, `${fate}: no snapshot needs them`),
    ...row('old metadata', orphans['old-metadata'], `${fate}: no longer in the log of the table`),
    ...(report.failed.files === 0
      ? []
      : [['', formatCount(report.failed.files), '', `could not be deleted: ${report.failed.reasons.join(', ')}`]]),
  ]
}

const would = (dryRun: boolean, done: string): string => (dryRun ? `would be ${done}` : done)

function sweepNotes(report: SweepReport, style: Style): string {
  const { orphans, deleted, dryRun, missing } = report
  const all = Object.values(orphans).reduce(
    (sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }),
    {
      files: 0,
      bytes: 0,
    },
  )
  const freed = dryRun ? all : deleted
  const sum = `${formatBytes(freed.bytes)} ${would(dryRun, 'freed')}, ${counted(freed.files, 'file')}`
  const lines = [freed.files === 0 ? 'nothing to delete' : style.green(sum)]
  if (report.more) lines.push('There is more to delete than one run takes: run it again.')
  if (missing.files > 0)
    lines.push(
      style.red(
        `✗ ${counted(missing.files, 'file')} that snapshots need ${missing.files === 1 ? 'is' : 'are'} missing:`,
      ),
      ...missing.named.map(uri => `  ${printable(uri)}`),
    )
  return lines.map(line => `  ${line}\n`).join('')
}

export async function printStaging({ terminal }: Call, report: StagingReport): Promise<void> {
  const { batches, deleted, uncommitted, dryRun } = report
  const style = styleOf(terminal.out)
  const all = `${counted(deleted.files, 'file')}, ${formatBytes(deleted.bytes)}, of ${batches === 1 ? 'a batch' : `${formatCount(batches)} batches`}`
  const gone = batches === 0 ? 'nothing to delete' : `${all} ${would(dryRun, 'deleted')}: committed and old`
  const kept =
    uncommitted === 0
      ? ''
      : `  kept: ${uncommitted === 1 ? 'an old batch that was' : `${formatCount(uncommitted)} old batches that were`} never committed\n`
  await terminal.out.write(`${style.bold('staging')}\n  ${gone}\n${kept}`)
}
