import { isUtf8 } from 'node:buffer'
import type { CsvDialect } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Contract, ContractColumn } from '../contract.ts'
import { ByteWindow } from './byte-window.ts'
import { readCsvRecord } from './csv-reader.ts'
import { unreadable } from './inflate.ts'
import type { Place, RecordSink } from './records.ts'
import { type ScannedObject, scanned } from './scanned.ts'
import { clean, copyStrict, type DecodeTask, type TextRows } from './typed-copy.ts'

/** CSV by the declared dialect: strictly by DuckDB first, and through the scanner when any row is not as declared. */
export async function decodeCsv(session: Session, task: DecodeTask): Promise<ScannedObject> {
  const layout = await layoutOf(task)
  if (layout.unknown.size === 0) {
    try {
      const rows = await copyStrict(session, task, strictRows(task, layout))
      return clean(task, rows)
    } catch (error) {
      if (!isLakeError(error, 'engine-failed')) throw error
    }
  }
  return scanned(session, task, sink => scanCsv(task, layout, sink))
}

/** Which field of a line is which column. */
interface Layout {
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

function strictRows(task: DecodeTask, layout: Layout): TextRows {
  const { csv, header } = { csv: task.contract.dataset.source.csv, header: task.contract.dataset.source.csv.header }
  const fields = layout.names.map((_name, at) => sql`${`f${at}`}: 'VARCHAR'`)
  const nulls = csv.null === '' ? [''] : ['', csv.null]
  const options = sql`auto_detect = FALSE, header = ${header}, delim = ${csv.delimiter}, quote = ${csv.quote}, escape = ${csv.escape}, nullstr = ${nulls}, allow_quoted_nulls = FALSE, strict_mode = TRUE, null_padding = FALSE, max_line_size = ${task.contract.dataset.limits.recordBytesMax}, compression = 'uncompressed'`
  const read = sql`SELECT row_number() OVER () AS _ordinal, * FROM read_csv(${task.path}, columns = {${join(fields, ', ')}}, ${options})`
  const position = new Map([...layout.columns].map(([at, column]) => [column.name, at]))
  const repeated = join(
    layout.names.map((name, at) => sql`COALESCE(${ident(`f${at}`)}, '') = ${name}`),
    ' AND ',
  )
  return {
    from: sql`(${read})`,
    ordinal: sql`_ordinal`,
    texts: column => [textOf(column, position.get(column.name))],
    ...(header ? { doubt: sql`(${repeated})` } : {}),
  }
}

/** A column that the file does not have takes its default. */
function textOf(column: ContractColumn, at: number | undefined): Sql {
  return at === undefined ? sql`CAST(${column.default ?? null} AS VARCHAR)` : ident(`f${at}`)
}

// --- The scanner ---------------------------------------------------------------------------------------------------

/**
 * Splits the file into records. A record that is broken, or has too few or too many fields, damages only the line it starts
 * on: reading goes on with the next line. A line that repeats the header is no record.
 */
async function scanCsv(task: DecodeTask, layout: Layout, sink: RecordSink): Promise<void> {
  const window = await ByteWindow.open(task.path)
  const { csv } = task.contract.dataset.source
  const { recordBytesMax } = task.contract.dataset.limits
  try {
    let ordinal = 0
    while (window.bytes.length > 0 || !window.complete) {
      const record = readCsvRecord(window.bytes, csv, window.complete)
      if (record.kind === 'more' && window.bytes.length <= recordBytesMax) {
        await window.more()
        continue
      }
      if (record.kind === 'blank' || (record.kind === 'record' && csv.header && isHeader(record.fields, layout))) {
        window.advance(record.length)
        continue
      }
      const place = { ordinal: ++ordinal, offset: window.offset }
      const length =
        record.kind === 'record' && record.fields.length === layout.names.length
          ? record.length
          : await lineLength(window)
      if (record.kind === 'record')
        emit(record.fields, { ...place, length }, { task, layout, sink, bytes: window.bytes })
      else sink.refuse({ ...place, length, ...brokenReason(record) })
      window.advance(length)
      await sink.drain()
    }
  } finally {
    await window.close()
  }
}

const brokenReason = (
  record: { readonly kind: 'broken'; readonly message: string } | { readonly kind: 'more' },
): { readonly reason: string; readonly message: string } =>
  record.kind === 'broken'
    ? { reason: 'quote', message: record.message }
    : {
        reason: 'too_long',
        message: 'the record is longer than the dataset allows, perhaps for a quote that is never closed',
      }

function isHeader(fields: readonly (string | null)[], layout: Layout): boolean {
  return fields.length === layout.names.length && fields.every((field, at) => (field ?? '') === layout.names[at])
}

/** Of the rest of the current line, its end included. */
async function lineLength(window: ByteWindow): Promise<number> {
  for (;;) {
    const end = window.bytes.indexOf(0x0a)
    if (end >= 0) return end + 1
    if (window.complete) return window.bytes.length
    await window.more()
  }
}

interface Emission {
  readonly task: DecodeTask
  readonly layout: Layout
  readonly sink: RecordSink
  readonly bytes: Buffer
}

function emit(fields: readonly (string | null)[], place: Place, emission: Emission): void {
  const { task, layout, sink } = emission
  const refusal = refusalOf(fields, place, emission)
  if (refusal) {
    sink.refuse({ ...place, ...refusal })
    return
  }
  const present = presentUnknown(fields, layout)
  const members = [...layout.columns].map(([at, column]) => [column.name, fields[at] ?? null] as const)
  const placed = new Set(members.map(([name]) => name))
  const defaults = task.contract.columns
    .filter(column => column.default !== undefined && !placed.has(column.name))
    .map(column => [column.name, column.default] as const)
  const unknown = present.map(([at, name]) => ({ path: name, json: csvJson(fields[at] as string), top: true }))
  sink.accept({ ...place, fields: JSON.stringify(Object.fromEntries([...members, ...defaults])).slice(1, -1), unknown })
}

function refusalOf(
  fields: readonly (string | null)[],
  place: Place,
  { task, layout, bytes }: Emission,
): { readonly reason: string; readonly message: string } | undefined {
  const { dataset } = task.contract
  if (fields.length !== layout.names.length) {
    const expected = dataset.source.csv.header ? 'header' : 'contract'
    return { reason: 'arity', message: `${fields.length} fields where the ${expected} has ${layout.names.length}` }
  }
  if (!isUtf8(bytes.subarray(0, place.length))) return { reason: 'utf8', message: 'the record is not valid UTF-8' }
  const present = presentUnknown(fields, layout)
  if (present.length === 0 || dataset.evolution !== 'freeze') return undefined
  return { reason: 'unknown_column', message: `not in the contract: ${present.map(([, name]) => name).join(', ')}` }
}

function presentUnknown(fields: readonly (string | null)[], layout: Layout): readonly (readonly [number, string])[] {
  return [...layout.unknown].filter(([at]) => fields[at] !== null)
}

/** CSV has no types: numbers and booleans are what looks exactly like them, so that an added column gets a fitting type. */
function csvJson(text: string): string {
  return /^(true|false|-?(0|[1-9][0-9]{0,17})([.][0-9]{1,15})?)$/.test(text) ? text : JSON.stringify(text)
}
