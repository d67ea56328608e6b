import type { ChangeCounts } from '#lake/batch.ts'
import { styleOf } from './style.ts'
import { printTable, type TableRow } from './table-printer.ts'
import type { Output } from './terminal.ts'
import { counted, formatCount, formatDuration, formatTime, isoTime } from './units.ts'

export interface ChangeTable {
  readonly table: string
  /** The newest first. */
  readonly batches: readonly ChangeBatch[]
  /** Rows of the side table: deletes and truncates that are remembered. */
  readonly tombstones: number
  /** Batches that are not shown. */
  readonly more: number
}

export interface ChangeBatch {
  readonly batch: string
  readonly snapshotId: string
  readonly committedMs: number
  /** undefined when the source tells no times. */
  readonly newestEventMs: number | undefined
  readonly counts: ChangeCounts
}

const COUNTS = [
  ['received', 'received'],
  ['applied', 'applied'],
  ['superseded', 'superseded'],
  ['stale', 'stale'],
  ['duplicate', 'duplicate'],
  ['skipped', 'skipped'],
  ['refused', 'deadLetters'],
  ['patched', 'patched'],
  ['unresolved', 'unresolved'],
  ['kept dead', 'resurrectionsPrevented'],
] as const satisfies readonly (readonly [string, keyof ChangeCounts])[]

export async function printChanges(
  output: Output,
  { table, batches, tombstones, more }: ChangeTable,
  options: { readonly full: boolean },
): Promise<void> {
  const style = styleOf(output)
  await output.write(`${style.bold(table)}  ${counted(tombstones, 'tombstone')}\n`)
  const columns = [
    { name: 'committed', whole: true },
    { name: 'lag', whole: true, numeric: true },
    ...COUNTS.map(([name]) => ({ name, numeric: true })),
    { name: 'batch' },
  ]
  await printTable(output, { columns, rows: batches.map(rowOf) }, options)
  if (more > 0)
    await output.write(
      `${style.dim(`and ${counted(more, 'earlier batch', 'earlier batches')}; --batches shows more`)}\n`,
    )
}

function rowOf({ batch, committedMs, newestEventMs, counts }: ChangeBatch): TableRow {
  const lag = newestEventMs === undefined ? '–' : formatDuration(committedMs - newestEventMs)
  return [formatTime(committedMs), lag, ...COUNTS.map(([, name]) => formatCount(counts[name])), batch]
}

export const documentOf = ({ table, batches, tombstones }: ChangeTable): unknown => ({
  table,
  tombstones,
  batches: batches.map(({ batch, snapshotId, committedMs, newestEventMs, counts }) => ({
    batch,
    snapshotId,
    committed: isoTime(committedMs),
    newestEvent: newestEventMs === undefined ? null : isoTime(newestEventMs),
    ...counts,
  })),
})
