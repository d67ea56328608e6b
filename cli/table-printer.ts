import { type Style, styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { cutText, printable, textWidth } from './text-width.ts'

export interface TableColumn {
  readonly name: string
  /** Numbers stand right. */
  readonly numeric?: boolean
  /** Never cut, as numbers never are: a part of a number or of a time is a wrong one. */
  readonly whole?: boolean
}

/** null is NULL, and looks different from the text. */
export type TableCell = string | null
export type TableRow = readonly TableCell[]

export interface TableOptions {
  /** Nothing is cut and no column left out, however wide the terminal is. */
  readonly full?: boolean
  readonly indent?: number
}

/** How rows of a table become lines: decided on the first of them, so that any number of rows may follow. */
export interface TableLayout {
  readonly header: string
  readonly line: (row: TableRow) => string
  /** Names of columns that do not fit. */
  readonly hidden: readonly string[]
}

/** Prints a whole table; false when nobody reads any more. */
export async function printTable(
  output: Output,
  table: { readonly columns: readonly TableColumn[]; readonly rows: readonly TableRow[] },
  options: TableOptions = {},
): Promise<boolean> {
  const layout = layoutTable(output, table, options)
  const note = hiddenNote(layout.hidden)
  const rest = note === '' ? '' : `${' '.repeat(options.indent ?? 0)}${styleOf(output).dim(note)}\n`
  return output.write(layout.header + table.rows.map(layout.line).join('') + rest)
}

const HIDDEN_NAMED_MAX = 6

/** Says which columns are missing; empty when none is. */
export function hiddenNote(hidden: readonly string[]): string {
  if (hidden.length === 0) return ''
  const isLong = hidden.length > HIDDEN_NAMED_MAX
  const named = isLong
    ? [...hidden.slice(0, HIDDEN_NAMED_MAX - 1), `${hidden.length - HIDDEN_NAMED_MAX + 1} more`]
    : hidden
  return `not shown, for want of room: ${named.join(', ')}; --full shows all`
}

const GAP = '  '
/** Narrower than this, text says nothing; then columns are left out instead. */
const TEXT_WIDTH_MIN = 12

export function layoutTable(
  output: Output,
  sample: { readonly columns: readonly TableColumn[]; readonly rows: readonly TableRow[] },
  options: TableOptions = {},
): TableLayout {
  const style = styleOf(output)
  const indent = ' '.repeat(options.indent ?? 0)
  const natural = sample.columns.map((column, at) => naturalWidth(column, at, sample.rows))
  const room = options.full || output.columns === undefined ? Number.POSITIVE_INFINITY : output.columns - indent.length
  const widths = fitWidths(sample.columns, natural, room)
  const shown = sample.columns.slice(0, widths.length)
  const isCut = Number.isFinite(room)
  const line = (cells: readonly Aligned[]): string =>
    `${indent}${cells.map(cell => pad(cell)).join(GAP)}`.trimEnd().concat('\n')
  const cellOf = (text: string, at: number, mark?: (text: string) => string): Aligned => ({
    text: isCut && !isWhole(shown[at]) ? cutText(text, widths[at] as number) : text,
    width: widths[at] as number,
    numeric: shown[at]?.numeric ?? false,
    mark,
  })
  const names = shown.map((column, at) => cellOf(printable(column.name), at, style.bold))
  const rule = widths.map(width => style.dim('─'.repeat(width)))
  return {
    header: `${line(names)}${indent}${rule.join(GAP)}\n`,
    line: row => line(shown.map((_column, at) => rowCell(row[at] ?? null, at, { cellOf, style }))),
    hidden: sample.columns.slice(widths.length).map(column => printable(column.name)),
  }
}

interface Aligned {
  readonly text: string
  readonly width: number
  readonly numeric: boolean
  readonly mark: ((text: string) => string) | undefined
}

function rowCell(
  cell: TableCell,
  at: number,
  how: {
    readonly cellOf: (text: string, at: number, mark?: (text: string) => string) => Aligned
    readonly style: Style
  },
): Aligned {
  return cell === null ? how.cellOf('NULL', at, how.style.dim) : how.cellOf(printable(cell), at)
}

function pad({ text, width, numeric, mark }: Aligned): string {
  const space = ' '.repeat(Math.max(0, width - textWidth(text)))
  const marked = mark === undefined ? text : mark(text)
  return numeric ? space + marked : marked + space
}

const isWhole = (column: TableColumn | undefined): boolean => column?.numeric === true || column?.whole === true

function naturalWidth(column: TableColumn, at: number, rows: readonly TableRow[]): number {
  let width = Math.max(1, textWidth(printable(column.name)))
  for (const row of rows) width = Math.max(width, textWidth(printable(row[at] ?? 'NULL')))
  return width
}

/**
 * Widths of as many of the first columns as fit. Text columns give way, the widest first; when they cannot be made narrow
 * enough, columns are left out from the right. The first column is always shown.
 */
function fitWidths(columns: readonly TableColumn[], natural: readonly number[], room: number): readonly number[] {
  for (let count = columns.length; count > 1; count--) {
    const widths = squeeze(columns.slice(0, count), natural.slice(0, count), room - GAP.length * (count - 1))
    if (widths !== undefined) return widths
  }
  return natural.slice(0, 1).map(width => (isWhole(columns[0]) ? width : Math.min(width, Math.max(1, room))))
}

function squeeze(
  columns: readonly TableColumn[],
  natural: readonly number[],
  room: number,
): readonly number[] | undefined {
  const total = (cap: number): number =>
    natural.reduce((sum, width, at) => sum + (isWhole(columns[at]) ? width : Math.min(width, cap)), 0)
  if (total(Number.POSITIVE_INFINITY) <= room) return natural
  if (total(TEXT_WIDTH_MIN) > room) return undefined
  let cap = TEXT_WIDTH_MIN
  while (total(cap + 1) <= room) cap++
  let spare = room - total(cap)
  return natural.map((width, at) => {
    if (isWhole(columns[at]) || width <= cap) return width
    return spare-- > 0 ? cap + 1 : cap
  })
}
