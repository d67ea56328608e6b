import type { Call } from './command.ts'
import { styleOf } from './style.ts'
import type { DescribedDeletes, DescribedFile } from './table-description.ts'
import { printTable, type TableColumn, type TableRow } from './table-printer.ts'
import { counted, formatBytes, formatCount } from './units.ts'

/** Files and snapshots that are listed without --all. */
export const LISTED_MAX = 20

/** A titled table of what `sluice show` prints. */
export interface Section {
  readonly title: string
  readonly columns: readonly TableColumn[]
  readonly rows: readonly TableRow[]
  /** Only the first of them are listed, unless --all is given. */
  readonly isLong?: boolean
}

export async function printSection({ terminal, options }: Call, section: Section): Promise<void> {
  const { out } = terminal
  const { title, columns, rows } = section
  const style = styleOf(out)
  const isCut = section.isLong === true && rows.length > LISTED_MAX && !options.has('all')
  const shown = isCut ? rows.slice(0, LISTED_MAX) : rows
  const count = isCut ? style.dim(` ${LISTED_MAX} of ${formatCount(rows.length)}, --all lists all`) : ''
  await out.write(`\n${style.bold(title)}${count}\n`)
  if (rows.length === 0) await out.write('  none\n')
  else await printTable(out, { columns, rows: shown }, { full: options.has('full'), indent: 2 })
}

/** Columns that say the same of all files are left out. */
export function fileSection(files: readonly DescribedFile[]): Section {
  const isPartitioned = files.some(file => Object.keys(file.partition).length > 0)
  const hasDeletes = files.some(file => file.positionDeletes + file.equalityDeletes > 0)
  const hasOrders = new Set(files.map(file => file.sortOrder)).size > 1
  return {
    title: 'Files',
    isLong: true,
    columns: [
      ...(isPartitioned ? [{ name: 'partition' }] : []),
      { name: 'rows', numeric: true },
      { name: 'size', numeric: true },
      ...(hasDeletes ? [{ name: 'deletes', whole: true }] : []),
      ...(hasOrders ? [{ name: 'order', numeric: true }] : []),
      { name: 'path' },
    ],
    rows: files.map(file => [
      ...(isPartitioned ? [Object.values(file.partition).map(String).join(' / ')] : []),
      formatCount(file.rows),
      formatBytes(file.bytes),
      ...(hasDeletes ? [deleteFilesText(file)] : []),
      ...(hasOrders ? [file.sortOrder === null ? '–' : String(file.sortOrder)] : []),
      file.path,
    ]),
  }
}

function deleteFilesText({ positionDeletes, equalityDeletes }: DescribedFile): string {
  return [
    ...(positionDeletes > 0 ? [`${positionDeletes} position`] : []),
    ...(equalityDeletes > 0 ? [`${equalityDeletes} equality`] : []),
  ].join(', ')
}

/** `2 files, 1.7 kB: 12 rows by position, 1 key by equality`; undefined when there are none. */
export function deletesText({ files, bytes, positions, equalities }: DescribedDeletes): string | undefined {
  if (files === 0) return undefined
  const parts = [
    ...(positions > 0 ? [`${counted(positions, 'row')} by position`] : []),
    ...(equalities > 0 ? [`${counted(equalities, 'key')} by equality`] : []),
  ]
  return `${counted(files, 'file')}, ${formatBytes(bytes)}: ${parts.join(', ')}`
}
