import { NO_BREAK, wrapCell } from './check-wrap.ts'
import type { Style } from './style.ts'
import { textWidth } from './text-width.ts'

/** A line of a report: a sign, one column wide, and texts. */
export interface MarkedRow {
  readonly mark: string
  readonly cells: readonly string[]
}

export interface Look {
  /** undefined: no line is broken. */
  readonly width: number | undefined
  readonly style: Style
}

const GAP = '  '

/** Cells are wrapped, not cut: the end of a reason is as good as its beginning. Columns without any text are left out. */
export function markedTable(names: readonly string[], rows: readonly MarkedRow[], { width, style }: Look): string {
  const shown = names.map((_name, at) => at).filter(at => at === 0 || rows.some(({ cells }) => cells[at] !== ''))
  const natural = shown.map(at =>
    Math.max(...[names, ...rows.map(row => row.cells)].map(each => textWidth(each[at] ?? ''))),
  )
  const room = width === undefined ? Number.POSITIVE_INFINITY : width - 1 - GAP.length * shown.length
  const widths = narrowed(natural, room)
  const line = (mark: string, cells: readonly string[], look = (text: string): string => text): string => {
    const wrapped = shown.map((at, index) => wrapCell(cells[at] ?? '', widths[index] as number))
    const height = Math.max(...wrapped.map(cell => cell.length))
    return Array.from({ length: height }, (_line, index) => {
      const parts = wrapped.map((cell, at) => look(padded(cell[index] ?? '', widths[at] as number)))
      return `${[index === 0 ? mark : ' ', ...parts].join(GAP).trimEnd()}\n`
    }).join('')
  }
  const ruler = [' ', ...widths.map(each => style.dim('─'.repeat(each)))].join(GAP)
  return `${line(' ', names, style.bold)}${ruler}\n${rows.map(({ mark, cells }) => line(mark, cells)).join('')}`
}

const padded = (text: string, width: number): string =>
  `${text.replaceAll(NO_BREAK, ' ')}${' '.repeat(Math.max(0, width - textWidth(text)))}`

/** Narrower than this, a word has no room. */
const WIDTH_MIN = 12

/** The widest give way, down to what a word needs. */
function narrowed(natural: readonly number[], room: number): readonly number[] {
  const total = (cap: number): number => natural.reduce((sum, width) => sum + Math.min(width, cap), 0)
  if (total(Number.POSITIVE_INFINITY) <= room) return natural
  let cap = WIDTH_MIN
  while (total(cap + 1) <= room) cap++
  let spare = Math.max(0, room - total(cap))
  return natural.map(width => {
    if (width <= cap) return width
    return spare-- > 0 ? cap + 1 : cap
  })
}
