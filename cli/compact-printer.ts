import type { CompactionPlanned, CompactReport } from '#functions/compact/compact.ts'
import type { Call } from './command.ts'
import { styleOf } from './style.ts'
import { printTable, type TableColumn, type TableRow } from './table-printer.ts'
import { counted, formatBytes, formatCount, formatDuration } from './units.ts'

/** Groups that are listed without --all. */
const LISTED_MAX = 20

/** What would be rewritten, or why nothing would. */
export async function printPlan({ terminal, options }: Call, planned: CompactionPlanned): Promise<void> {
  const { out } = terminal
  const style = styleOf(out)
  const { table, groups, before, after } = planned
  if (groups.length === 0) {
    await out.write(`${style.bold(table)}: nothing to do: ${planned.reason ?? 'no file needs it'}\n`)
    return
  }
  const byPartition = groups.toSorted((a, b) => (a.partition < b.partition ? -1 : 1))
  const shown = byPartition.slice(0, options.has('all') ? undefined : LISTED_MAX)
  const rest = groups.length - shown.length
  await out.write(`${style.bold(table)}  ${counted(groups.length, 'group')} of files to rewrite\n`)
  await printTable(out, { columns: COLUMNS, rows: groupRows(shown) }, { indent: 2 })
  if (rest > 0) await out.write(style.dim(`  and ${formatCount(rest)} more, --all lists all\n`))
  const sizes = `${formatCount(before.files)} files → ${formatCount(after.files)}, ${formatBytes(before.bytes)} → about ${formatBytes(after.bytes)}`
  await out.write(`${sizes}; on AWS about ${formatCount(planned.gbSeconds)} GB-seconds\n`)
}

const COLUMNS: readonly TableColumn[] = [
  { name: 'partition' },
  { name: 'files', numeric: true },
  { name: 'size', numeric: true },
]

function groupRows(groups: CompactionPlanned['groups']): readonly TableRow[] {
  const files = arrows(groups.map(group => [formatCount(group.files), formatCount(group.outputs)]))
  const sizes = arrows(groups.map(group => [formatBytes(group.bytes), formatBytes(group.outputBytes)]))
  return groups.map(({ partition }, at) => [partition || 'whole table', files[at] ?? '', sizes[at] ?? ''])
}

/** `12 → 1`, with the arrows below each other. */
function arrows(pairs: readonly (readonly [before: string, after: string])[]): readonly string[] {
  const width = Math.max(...pairs.map(([_before, after]) => after.length))
  return pairs.map(([before, after]) => `${before} → ${after.padStart(width)}`)
}

export interface CompactResult {
  readonly planned: CompactionPlanned | undefined
  readonly report: CompactReport
  readonly ms: number
}

/** Whatever was planned is in the table. */
export const isDone = (report: CompactReport): boolean => report.givenUp.length === 0 && report.unfinished.length === 0

/** The report with what people are told besides. */
export function reportDocument({ planned, report, ms }: CompactResult): Readonly<Record<string, unknown>> {
  return { ...report, seconds: Math.round(ms) / 1_000, ...(planned?.reason && { reason: planned.reason }) }
}

export async function printReport({ terminal }: Call, { planned, report, ms }: CompactResult): Promise<void> {
  if (planned === undefined || planned.groups.length === 0) return
  const { out } = terminal
  const style = styleOf(out)
  const { before, after, committed, givenUp, snapshotIds } = report
  if (committed.length > 0) {
    const speed = `${formatBytes((before.bytes / Math.max(1, ms)) * 1_000)}/s`
    const sizes = `${counted(before.files, 'file')} → ${formatCount(after.files)}, ${formatBytes(before.bytes)} → ${formatBytes(after.bytes)}`
    await out.write(
      `${style.green('✓')} ${report.table}: ${sizes}, ${counted(report.rows, 'row')} as before, in ${formatDuration(ms)} (${speed})\n`,
    )
    const name = snapshotIds.length === 1 ? 'snapshot' : 'snapshots'
    await out.write(style.dim(`  ${name} ${snapshotIds.join(', ')}\n`))
  }
  for (const { group, reason } of givenUp) {
    const { partition = '' } = planned.groups.find(each => each.group === group) ?? {}
    await out.write(style.yellow(`! ${partition || `group ${group + 1}`} was left as it is: ${reason}\n`))
  }
  if (givenUp.length > 0) await out.write('  Run it again: it plans anew with the files that are there now.\n')
}
