import type { DatasetAccount, ReconcileReport } from '#functions/replay/replay.ts'
import type { StrayFile } from '#lake/disk/stray-files.ts'
import type { Call } from './command.ts'
import { printStrays } from './stray-files.ts'
import { type Style, styleOf } from './style.ts'
import { printTable, type TableColumn } from './table-printer.ts'
import { printable } from './text-width.ts'
import { counted, formatCount } from './units.ts'

const COLUMNS: readonly TableColumn[] = [
  { name: 'dataset' },
  { name: 'in raw', numeric: true },
  { name: 'committed', numeric: true },
  { name: 'duplicates', numeric: true },
  { name: 'under way', numeric: true },
  { name: 'halted', numeric: true },
  { name: 'no batch', numeric: true },
  { name: 'not refined', numeric: true },
  { name: 'vanished', numeric: true },
]

/** `left`: what nothing accounts for after a repair, too. */
type Reconciled = ReconcileReport & { readonly left: number }

/** A line for landing, one for each dataset, and what was found amiss. */
export async function printReconciled(
  { terminal: { out } }: Pick<Call, 'terminal'>,
  report: Reconciled,
  strays: readonly StrayFile[],
): Promise<void> {
  const style = styleOf(out)
  const { landing, datasets, unaccounted } = report
  if (landing !== undefined) {
    const parts = [
      `${formatCount(landing.recorded)} recorded`,
      ...(landing.ignored === 0 ? [] : [`${formatCount(landing.ignored)} ignored`]),
      ...(landing.underWay === 0 ? [] : [`${formatCount(landing.underWay)} under way`]),
      ...(landing.missing === 0 ? [] : [style.red(`${formatCount(landing.missing)} never taken`)]),
    ]
    await out.write(`landing: ${counted(landing.versions, 'object')}, ${parts.join(', ')}\n`)
    await list(out, landing.named, { count: landing.missing, style })
  }
  if (datasets.length > 0) await printTable(out, { columns: COLUMNS, rows: datasets.map(rowOf) })
  for (const { dataset, unbatched, unrefined, vanished, replay, givenUp, failed, inLanding } of datasets) {
    const found = [
      { what: 'in no batch', ...unbatched },
      { what: 'in a batch that was never committed', ...unrefined },
      { what: 'committed, and gone from raw', ...vanished },
    ].filter(({ count }) => count > 0)
    for (const { what, count, named } of found) {
      await out.write(`${style.red(dataset)}: ${counted(count, 'object')} ${what}\n`)
      await list(out, named, { count, style })
    }
    if (landing !== undefined && inLanding > 0)
      await out.write(`  ${formatCount(inLanding)} of those in no batch stand in landing above, and count once\n`)
    if (givenUp > 0)
      await out.write(
        `  ${counted(givenUp, 'object')} failed in every repair and no other is begun: sluice replay status ${failed} says why; once it is mended, sluice replay --dataset ${dataset}\n`,
      )
    if (replay !== undefined) await out.write(`  replay ${replay} takes them up\n`)
  }
  await printStrays(out, strays)
  if (unaccounted > 0 || strays.length === 0) await out.write(conclusion(report, style))
  if (unaccounted > vanishedIn(report))
    await out.write(
      report.repaired
        ? '  next: sluice reconcile tells what became of it; what ingest refused is in sluice dlq list\n'
        : '  next: sluice reconcile --repair takes up what can be\n',
    )
}

const vanishedIn = ({ datasets }: ReconcileReport): number =>
  datasets.reduce((sum, each) => sum + each.vanished.count, 0)

function conclusion(report: Reconciled, style: Style): string {
  const { unaccounted, repaired, landing, left } = report
  if (unaccounted === 0) return `${style.green('✓')} everything is accounted for\n`
  const vanished = vanishedIn(report)
  const told = landing?.told ?? 0
  const taken = repaired ? `; ${formatCount(told)} told to ingest again` : ''
  if (repaired && left === 0)
    return `${style.green('✓')} ${counted(unaccounted, 'object')} that nothing accounted for, taken up${taken}\n`
  const lost =
    vanished === 0
      ? ''
      : vanished === 1
        ? '; 1 is gone from raw, which no repair brings back'
        : `; ${formatCount(vanished)} are gone from raw, which no repair brings back`
  return `${style.yellow('!')} ${counted(unaccounted, 'object')} that nothing accounts for${taken}${lost}\n`
}

function rowOf(account: DatasetAccount): readonly string[] {
  const { objects, committed, duplicates, underWay, halted, unbatched, unrefined, vanished } = account
  const counts = [objects, committed, duplicates, underWay, halted, unbatched.count, unrefined.count, vanished.count]
  return [account.dataset, ...counts.map(formatCount)]
}

const LISTED_MAX = 5

async function list(
  out: Call['terminal']['out'],
  named: readonly string[],
  { count, style }: { readonly count: number; readonly style: Style },
): Promise<void> {
  for (const name of named.slice(0, LISTED_MAX)) await out.write(style.dim(`  ${printable(name)}\n`))
  const more = count - Math.min(named.length, LISTED_MAX)
  if (more > 0) await out.write(style.dim(`  and ${formatCount(more)} more, --json names ${named.length} of them\n`))
}
