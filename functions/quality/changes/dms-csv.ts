import type { ChangeSource } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { ByteWindow } from '../decode/byte-window.ts'
import { type CsvRecord, readCsvRecord } from '../decode/csv-reader.ts'
import { unreadable } from '../decode/inflate.ts'
import { LineFile } from '../decode/records.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import type { DmsFile } from './dms-file.ts'

/** The rows of a file of DMS: `ordinal`, `offset`, `length`, `fault`, and `e`, a struct of the texts of its columns by name. */
export interface DmsRows {
  readonly from: Sql
  readonly names: readonly string[]
  readonly byLine: boolean
  /** Names of the operation, of the table and of its schema, where each row has them. */
  readonly op: string | undefined
  readonly table: string | undefined
  readonly schema: string | undefined
}

export interface DmsTask {
  readonly changes: ChangeSource
  readonly file: DmsFile
  /** As DuckDB reads it, or not at all. */
  readonly strict: boolean
}

/** Names that no column has. */
const [OP, TABLE, SCHEMA] = ['sluice:op', 'sluice:table', 'sluice:schema']
export const WIDTH = 'sluice:width'

/**
 * CSV by the declared dialect, where an empty field is an empty text and only an unquoted null text is NULL. DuckDB reads a file whose rows
 * are alike; where one is not, or tables are mixed, rows are taken one by one, so that each is refused for itself.
 */
export async function dmsCsv(task: DecodeTask, { changes, file, strict }: DmsTask): Promise<DmsRows> {
  const names = await columnNames(task, { changes, file })
  const has = (name: string): string | undefined => (names.includes(name) ? name : undefined)
  const about = { names, op: names.find(name => name === OP || name === 'Op'), table: has(TABLE), schema: has(SCHEMA) }
  const quick = strict && file.kind !== 'transactions'
  return { ...about, byLine: false, from: quick ? strictRows(task, names) : await scannedRows(task, names) }
}

async function columnNames(task: DecodeTask, { changes, file }: Omit<DmsTask, 'strict'>): Promise<readonly string[]> {
  const { dataset } = task.contract
  if (dataset.source.csv.header && file.kind !== 'transactions') return headerNames(task)
  const { columnOrder, fullLoadOperation, timestampColumn, sequenceColumn } = changes.dms
  const columns = columnOrder ?? dataset.columns.map(column => column.name)
  const extra = [timestampColumn, sequenceColumn].filter(
    name => name !== undefined && !columns.includes(name),
  ) as string[]
  const lead =
    file.kind === 'transactions' ? [OP, TABLE, SCHEMA] : file.kind === 'changes' || fullLoadOperation ? [OP] : []
  return [...lead, ...columns, ...extra]
}

async function headerNames(task: DecodeTask): Promise<readonly string[]> {
  const window = await ByteWindow.open(task.path)
  try {
    const first = await nextRecord(window, task)
    if (first === undefined || first.kind !== 'record') throw unreadable('header', 'the file has no header line')
    const names = first.fields.map(field => field ?? '')
    if (new Set(names.map(name => name.toLowerCase())).size < names.length || names.includes(''))
      throw unreadable('header', 'two columns of the header have one name, or one has none')
    return names.map((name, at) => (at === 0 && name.toLowerCase() === 'op' ? 'Op' : name))
  } finally {
    await window.close()
  }
}

/** DuckDB's buffers have room for sixteen of the longest lines; longer ones are taken one by one. */
const LINE_BYTES_MAX = 2_000_000

function strictRows(task: DecodeTask, names: readonly string[]): Sql {
  const { csv } = task.contract.dataset.source
  const fields = names.map((_name, at) => sql`${`f${at}`}: 'VARCHAR'`)
  const options = sql`auto_detect = FALSE, header = ${csv.header}, delim = ${csv.delimiter}, quote = ${csv.quote}, escape = ${csv.escape}, nullstr = ${csv.null}, allow_quoted_nulls = FALSE, strict_mode = TRUE, null_padding = FALSE, max_line_size = ${Math.min(task.contract.dataset.limits.recordBytesMax, LINE_BYTES_MAX)}, compression = 'uncompressed'`
  const packed = names.map((name, at) => sql`${ident(name)} := ${ident(`f${at}`)}`)
  return sql`SELECT row_number() OVER () AS ordinal, NULL::BIGINT AS "offset", NULL::BIGINT AS length, NULL::STRUCT(reason VARCHAR, message VARCHAR) AS fault, struct_pack(${join(packed, ', ')}, ${ident(WIDTH)} := ${names.length}) AS e FROM read_csv(${task.path}, columns = {${join(fields, ', ')}}, ${options})`
}

// --- Row by row ----------------------------------------------------------------------------------------------------

async function scannedRows(task: DecodeTask, names: readonly string[]): Promise<Sql> {
  const path = await scanDmsCsv(task)
  const packed = names.map((name, at) => sql`${ident(name)} := fields[${at + 1}]`)
  // Rows of another table have another width: which table that is, is asked first.
  const width = names.includes(TABLE) ? sql`len(fields) < 3` : sql`len(fields) <> ${names.length}`
  const fault = sql`CASE WHEN reason IS NOT NULL THEN {reason: reason, message: message} WHEN ${width} THEN {reason: 'column_count', message: concat('the row has ', len(fields), ${` fields, ${names.length} are declared`})} END`
  const rows = sql`read_json(${path}, format = 'newline_delimited', maximum_object_size = ${task.contract.dataset.limits.recordBytesMax * 3 + 1_000}, columns = {ordinal: 'BIGINT', "offset": 'BIGINT', length: 'BIGINT', reason: 'VARCHAR', message: 'VARCHAR', fields: 'VARCHAR[]'})`
  return sql`SELECT ordinal, "offset", length, ${fault} AS fault, struct_pack(${join(packed, ', ')}, ${ident(WIDTH)} := len(fields)) AS e FROM ${rows}`
}

/** The rows of a file with their places, as a file to read; the header is none. */
export async function scanDmsCsv(task: DecodeTask): Promise<string> {
  const lines = await LineFile.create(`${task.base}.records.ndjson`)
  const window = await ByteWindow.open(task.path)
  try {
    if (task.contract.dataset.source.csv.header) await nextRecord(window, task)
    for (let ordinal = 1; ; ordinal++) {
      const offset = window.offset
      const record = await nextRecord(window, task)
      if (record === undefined) return lines.path
      const length = record.kind === 'record' ? record.length : await restOf(window)
      const what = record.kind === 'record' ? { fields: record.fields } : { reason: 'csv', message: record.message }
      lines.write(
        `${JSON.stringify({ ordinal, offset: record.kind === 'record' ? record.offset : offset, length, ...what })}\n`,
      )
      await lines.drain()
    }
  } finally {
    await lines.close()
    await window.close()
  }
}

type NextRecord =
  | (Extract<CsvRecord, { readonly kind: 'record' }> & { readonly offset: number })
  | Extract<CsvRecord, { readonly kind: 'broken' }>

/** The next record, over which the window has gone; a broken one is where it was. undefined: the file has no more. */
async function nextRecord(window: ByteWindow, task: DecodeTask): Promise<NextRecord | undefined> {
  const dialect = { ...task.contract.dataset.source.csv, emptyIsText: true }
  for (;;) {
    if (window.bytes.length === 0 && window.complete) return undefined
    const record = readCsvRecord(window.bytes, dialect, window.complete)
    if (record.kind === 'broken') return record
    if (record.kind === 'more') await window.more()
    else {
      const { offset } = window
      window.advance(record.length)
      if (record.kind === 'record') return { ...record, offset }
    }
  }
}

/** After a quote that is never closed nothing can be told apart any more. */
async function restOf(window: ByteWindow): Promise<number> {
  let length = 0
  for (;;) {
    length += window.bytes.length
    window.advance(window.bytes.length)
    if (window.complete) return length
    await window.more()
  }
}
