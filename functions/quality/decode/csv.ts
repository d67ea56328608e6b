import { isUtf8 } from 'node:buffer'
import { stat } from 'node:fs/promises'
import type { CsvDialect } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Contract, ContractColumn } from '../contract.ts'
import { ByteWindow } from './byte-window.ts'
import { readCsvRecord } from './csv-reader.ts'
import { scanCsv } from './csv-scan.ts'
import { unreadable } from './inflate.ts'
import type { RecordSink } from './records.ts'
import { type ScannedObject, scanned } from './scanned.ts'
import { clean, copyStrict, type DecodeTask, type TextRows } from './typed-copy.ts'

/** CSV by the declared dialect: strictly by DuckDB first, and through the scanner when any row is not as declared. */
export async function decodeCsv(session: Session, task: DecodeTask): Promise<ScannedObject> {
  const layout = await layoutOf(task)
  if (layout.unknown.size === 0) {
    try {
      const { size } = await stat(task.path)
      const rows = await copyStrict(session, task, strictRows(task, layout, size))
      return clean(task, rows)
    } catch (error) {
      if (!isLakeError(error, 'engine-failed')) throw error
    }
  }
  return scanned(session, task, sink => scanCsv(task, layout, sink))
}

export async function scanCsvInto(task: DecodeTask, sink: RecordSink): Promise<void> {
  await scanCsv(task, await layoutOf(task), sink)
}

/** Which field of a line is which column. */
export interface Layout {
  readonly names: readonly string[]
  readonly columns: ReadonlyMap<number, ContractColumn>
  /** Fields that the contract does not know, by position. */
  readonly unknown: ReadonlyMap<number, string>
}

async function layoutOf(task: DecodeTask): Promise<Layout> {
  const { columns, dataset } = task.contract
  if (!dataset.source.csv.header) {
    const declared = columns.filter(column => !column.soft)
    return { names: declared.map(column => column.name), columns: new Map(declared.entries()), unknown: new Map() }
  }
  const names = await headerOf(task.path, dataset.source.csv)
  return { names, ...matched(names, task.contract) }
}

/** Errors: `file-unreadable`, reason `header`. */
async function headerOf(path: string, dialect: CsvDialect): Promise<readonly string[]> {
  const window = await ByteWindow.open(path)
  try {
    let first = readCsvRecord(window.bytes, dialect, window.complete)
    while ((first.kind === 'more' || first.kind === 'blank') && !(window.complete && window.bytes.length === 0)) {
      if (first.kind === 'blank') window.advance(first.length)
      else if (window.bytes.length > 1_048_576) throw unreadable('header', 'the first line is longer than 1 MiB')
      else await window.more()
      first = readCsvRecord(window.bytes, dialect, window.complete)
    }
    if (first.kind !== 'record') throw unreadable('header', 'the file has no header line')
    if (!isUtf8(window.bytes.subarray(0, first.length))) throw unreadable('encoding', 'the header is not UTF-8')
    return first.fields.map(field => field ?? '')
  } finally {
    await window.close()
  }
}

function matched(names: readonly string[], contract: Contract): Pick<Layout, 'columns' | 'unknown'> {
  const columns = new Map<number, ContractColumn>()
  const unknown = new Map<number, string>()
  const byName = new Map(
    contract.columns.flatMap(column => [column.name, ...column.from].map(name => [name, column] as const)),
  )
  const seen = new Map<string, string>()
  for (const [at, name] of names.entries()) {
    const column = byName.get(name)
    const taken = (column?.name ?? name).toLowerCase()
    if (name === '') throw unreadable('header', `column ${at + 1} of the header has no name`)
    if (seen.has(taken))
      throw unreadable('header', `"${seen.get(taken)}" and "${name}" of the header are the same column`)
    seen.set(taken, name)
    if (column) columns.set(at, column)
    else unknown.set(at, name)
  }
  if (columns.size === 0)
    throw unreadable('header', `the header names none of the contract's columns: ${names.slice(0, 10).join(', ')}`)
  return { columns, unknown }
}

/** DuckDB's own, for lines of 2 MB at most. */
const BUFFER_BYTES = 32_000_000
const LINE_BYTES_MIN = 1_000

/** DuckDB would take 16 times the longest line for every file that is read, though no line is longer than its file. */
function buffers({ contract }: DecodeTask, fileBytes: number): Sql {
  const longest = Math.min(contract.dataset.limits.recordBytesMax, Math.max(fileBytes, LINE_BYTES_MIN))
  const bytes = Math.max(2 * longest, Math.min(16 * longest, BUFFER_BYTES))
  return sql`max_line_size = ${longest}, buffer_size = ${bytes}`
}

function strictRows(task: DecodeTask, layout: Layout, fileBytes: number): TextRows {
  const { csv, header } = { csv: task.contract.dataset.source.csv, header: task.contract.dataset.source.csv.header }
  const fields = layout.names.map((_name, at) => sql`${`f${at}`}: 'VARCHAR'`)
  const nulls = csv.null === '' ? [''] : ['', csv.null]
  const options = sql`auto_detect = FALSE, header = ${header}, delim = ${csv.delimiter}, quote = ${csv.quote}, escape = ${csv.escape}, nullstr = ${nulls}, allow_quoted_nulls = FALSE, strict_mode = TRUE, null_padding = FALSE, ${buffers(task, fileBytes)}, compression = 'uncompressed'`
  const read = sql`SELECT row_number() OVER () AS _ordinal, * FROM read_csv(${task.path}, columns = {${join(fields, ', ')}}, ${options})`
  const position = new Map([...layout.columns].map(([at, column]) => [column.name, at]))
  const repeated = layout.names.map((name, at) => sql`COALESCE(${ident(`f${at}`)}, '') = ${name}`)
  const doubts = [
    ...(header ? [sql`(${join(repeated, ' AND ')})`] : []),
    // In a table of one column DuckDB takes a blank line for a null.
    ...(layout.names.length === 1 ? [sql`(f0 IS NULL)`] : []),
  ]
  return {
    from: sql`(${read})`,
    ordinal: sql`_ordinal`,
    texts: column => [textOf(column, position.get(column.name))],
    ...(doubts.length === 0 ? {} : { doubt: join(doubts, ' OR ') }),
  }
}

/** A column that the file does not have takes its default. */
function textOf(column: ContractColumn, at: number | undefined): Sql {
  return at === undefined ? sql`CAST(${column.default ?? null} AS VARCHAR)` : ident(`f${at}`)
}
