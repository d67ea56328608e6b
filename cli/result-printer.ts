import type { Exact, Reading } from '#lake/duckdb/reading.ts'
import { toJson, toText } from './exact-text.ts'
import { styleOf } from './style.ts'
import { hiddenNote, layoutTable, type TableRow } from './table-printer.ts'
import type { Output } from './terminal.ts'
import { counted, formatDuration } from './units.ts'

type ExactRow = readonly Exact[]

/** One JSON object a line. A name that several columns have gets a number, or JSON readers would keep only the last. */
export async function printJsonLines(output: Output, reading: Reading, limit: number | undefined): Promise<void> {
  const names = distinctNames(reading.columns.map(column => column.name)).map(name => JSON.stringify(name))
  const line = (row: ExactRow): string => `{${row.map((value, at) => `${names[at]}:${toJson(value)}`).join(',')}}\n`
  for await (const rows of limited(reading, limit)) if (!(await output.write(rows.map(line).join('')))) return
}

/** RFC 4180: CRLF, quotes where they are needed. NULL is an empty field and an empty text is "", so that they stay apart. */
export async function printCsv(output: Output, reading: Reading, limit: number | undefined): Promise<void> {
  const header = reading.columns.map(column => csvField(column.name)).join(',')
  if (!(await output.write(`${header}\r\n`))) return
  const line = (row: ExactRow): string => `${row.map(value => csvField(toText(value))).join(',')}\r\n`
  for await (const rows of limited(reading, limit)) if (!(await output.write(rows.map(line).join('')))) return
}

function csvField(text: string | undefined): string {
  if (text === undefined) return ''
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export interface ResultTableOptions {
  readonly limit: number
  readonly full: boolean
  readonly elapsedMs: () => number
}

/** Widths are decided on this many rows; the rest is printed as it comes, so that memory does not grow with the result. */
const SAMPLE_ROWS = 1_000

export async function printResultTable(output: Output, reading: Reading, options: ResultTableOptions): Promise<void> {
  const columns = reading.columns.map(({ name, type }) => ({
    name,
    numeric: NUMERIC.test(type),
    whole: WHOLE.test(type),
  }))
  const sample: TableRow[] = []
  let line: ((row: TableRow) => string) | undefined
  let hidden: readonly string[] = []
  let printed = 0
  let more = false
  const begin = (): string => {
    const layout = layoutTable(output, { columns, rows: sample }, { full: options.full })
    line = layout.line
    hidden = layout.hidden
    return layout.header + sample.map(layout.line).join('')
  }
  for await (const rows of limited(reading, options.limit + 1)) {
    const cells = rows.map(row => row.map(value => toText(value) ?? null))
    const wanted = cells.slice(0, options.limit - printed)
    more ||= wanted.length < cells.length
    printed += wanted.length
    if (line !== undefined) {
      if (!(await output.write(wanted.map(line).join('')))) return
    } else {
      sample.push(...wanted)
      if (sample.length >= SAMPLE_ROWS && !(await output.write(begin()))) return
    }
  }
  const rest = line === undefined ? begin() : ''
  await output.write(rest + footer(output, { printed, more, hidden, elapsedMs: options.elapsedMs() }))
}

interface Outcome {
  readonly printed: number
  readonly more: boolean
  readonly hidden: readonly string[]
  readonly elapsedMs: number
}

function footer(output: Output, { printed, more, hidden, elapsedMs }: Outcome): string {
  const style = styleOf(output)
  const rows = more ? `the first ${counted(printed, 'row')}` : counted(printed, 'row')
  const rest = more ? '; there are more: --limit ROWS prints more of them' : ''
  const note = hiddenNote(hidden)
  return style.dim(`${note === '' ? '' : `${note}\n`}${rows} in ${formatDuration(elapsedMs)}${rest}`).concat('\n')
}

/** DuckDB's names of types; a list of numbers is text. */
const NUMERIC = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|BIGNUM|DECIMAL\(\d+,\d+\))$/
const WHOLE = /^(BOOLEAN|DATE|TIME|TIMESTAMP|UUID)( |_|$)/

/** Chunks until there are so many rows; leaving early ends the query. */
async function* limited(reading: Reading, limit: number | undefined): AsyncGenerator<readonly ExactRow[]> {
  let left = limit ?? Number.POSITIVE_INFINITY
  if (left <= 0) return
  for await (const rows of reading.chunks) {
    yield rows.length <= left ? rows : rows.slice(0, left)
    left -= rows.length
    if (left <= 0) return
  }
}

function distinctNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>()
  return names.map(name => {
    let distinct = name
    for (let number = 1; taken.has(distinct); number++) distinct = `${name}_${number}`
    taken.add(distinct)
    return distinct
  })
}
