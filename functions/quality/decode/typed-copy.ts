import type { RawObject } from '#lake/batch.ts'
import type { ColumnType } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { type CopiedFile, copyToParquet } from '#lake/iceberg/data-file.ts'
import type { NestedField, Schema } from '#lake/iceberg/types.ts'
import { type Contract, type ContractColumn, typed } from '../contract.ts'

/** What a decoder works on: one raw object, plain on local disk, and the table's schema that its rows must fit. */
export interface DecodeTask {
  readonly object: RawObject
  readonly contract: Contract
  readonly schema: Schema
  readonly path: string
  /** Prefix of the local files that the decoder may write. */
  readonly base: string
  /** Whose records are sought among change events, of which rows alone do not tell: of an erasure. */
  readonly sought?: Sought
}

/** Values of columns that say of whom a record is, or the key of one of their rows, as texts of its columns in a JSON array. */
export interface Sought {
  readonly parts: readonly { readonly column: string; readonly value: string }[]
  readonly keys: readonly string[]
}

/** Rows in the contract's text shape, as something to select from. */
export interface TextRows {
  readonly from: Sql
  /** The 1-based ordinal of a row in its object. */
  readonly ordinal: Sql
  /** The text of a column; several where former names are accepted as well. */
  readonly texts: (column: ContractColumn) => readonly Sql[]
  /** A further reason to look closely at a row. */
  readonly doubt?: Sql
  /** See `TypedOptions`. */
  readonly loose?: boolean
}

export interface DecodedObject {
  readonly rows: CopiedFile | undefined
  /** Files of newline-delimited `RefusedRecord`s, and the plain file that their places refer to. */
  readonly refused: readonly string[]
  readonly plain: string
  readonly applied: number
  readonly reasons: Readonly<Record<string, number>>
}

export const hasRefused = (decoded: DecodedObject): boolean => Object.keys(decoded.reasons).length > 0

/**
 * Half of DuckDB's default: each session holds one row group unencoded, and two of them are a third of all the memory there is.
 * Files that are read often get larger groups when they are compacted.
 */
export const ROW_GROUP_ROWS = 61_440

/** All rows of the object fit. */
export function clean(task: DecodeTask, rows: CopiedFile): DecodedObject {
  return { rows: rows.rows > 0 ? rows : undefined, refused: [], plain: task.path, applied: rows.rows, reasons: {} }
}

/**
 * Writes all rows in the table's form, or fails with `engine-failed` at the first row that is not beyond doubt: a misfit, a
 * missing value, an absent field that has a default. Nothing is worth reporting then; the scanner looks again, closely.
 */
export async function copyStrict(session: Session, task: DecodeTask, rows: TextRows): Promise<CopiedFile> {
  const doubts = [
    ...task.contract.columns.flatMap(column => doubtsOf(column, rows.texts(column), rows.loose ?? false)),
    ...(rows.doubt ? [rows.doubt] : []),
  ]
  const certain = doubts.length === 0 ? sql`TRUE` : sql`NOT (${join(doubts, ' OR ')})`
  const ordinal = sql`CASE WHEN ${certain} THEN ${rows.ordinal} ELSE error('doubtful row') END`
  const select = sql`SELECT ${outputs(task, { ...rows, ordinal, rescued: sql`NULL` })} FROM ${rows.from}`
  return copyToParquet(session, {
    source: select,
    schema: task.schema,
    path: `${task.base}.parquet`,
    rowGroupRows: ROW_GROUP_ROWS,
  })
}

function doubtsOf(column: ContractColumn, texts: readonly Sql[], loose: boolean): readonly Sql[] {
  const text = coalesce(texts)
  const { fits } = typed(column.type, text, { format: column.format, loose })
  const twice =
    texts.length > 1
      ? [
          sql`list_count([${join(
            texts.map(each => sql`${each} IS NOT NULL OR NULL`),
            ', ',
          )}]) > 1`,
        ]
      : []
  const missing = column.required || column.default !== undefined ? [sql`${text} IS NULL`] : []
  return [...(fits === undefined ? [] : [sql`(${text} IS NOT NULL AND NOT (${fits}))`]), ...missing, ...twice]
}

/** Accepted records of a scanner (records.ts). */
export interface ScannedFile {
  readonly path: string
  readonly records: number
  readonly longestBytes: number
}

/**
 * Writes the rows that fit in the table's form, and the places of the others with what is wrong with each. `file` holds
 * accepted records of a scanner (records.ts).
 */
export async function copyFitting(session: Session, task: DecodeTask, file: ScannedFile): Promise<DecodedObject> {
  const rows = scannedRows(task.contract, file)
  const problems = task.contract.columns.flatMap(column => problemsOf(column))
  const problem = problems.length === 0 ? sql`NULL` : sql`CASE ${join(problems, ' ')} END`
  const judged = sql`(SELECT *, ${problem} AS _problem FROM ${rows.from})`
  const select = sql`SELECT ${outputs(task, { ...rows, rescued: rescued(task.contract) })} FROM ${judged} WHERE _problem IS NULL`
  const copied = await copyToParquet(session, {
    source: select,
    schema: task.schema,
    path: `${task.base}.parquet`,
    rowGroupRows: ROW_GROUP_ROWS,
  })
  const fitting = clean(task, copied)
  if (copied.rows === file.records) return fitting
  const refused = `${task.base}.misfits.ndjson`
  const places = sql`SELECT _raw_row AS ordinal, _offset AS "offset", _length AS length, _problem.reason AS reason, _problem.message AS message FROM ${judged} WHERE _problem IS NOT NULL`
  await session.run(sql`COPY (${places}) TO ${refused} (FORMAT json)`)
  return { ...fitting, refused: [refused], reasons: await reasonsOf(session, refused) }
}

/** How many records of a file of `RefusedRecord`s have which reason. */
export async function reasonsOf(session: Session, refused: string): Promise<Readonly<Record<string, number>>> {
  const counts = await session.rows(
    sql`SELECT reason, count(*)::INTEGER AS records FROM read_json(${refused}, format = 'newline_delimited', columns = {reason: 'VARCHAR'}) GROUP BY reason`,
  )
  return Object.fromEntries(counts.map(each => [String(each['reason']), Number(each['records'])]))
}

function scannedRows(contract: Contract, file: ScannedFile): TextRows {
  const places = sql`_raw_row: 'BIGINT', _offset: 'BIGINT', _length: 'BIGINT', _rescued: 'VARCHAR'`
  const fields = contract.columns.map(column => sql`${ident(column.name)}: ${textType(column.type)}`)
  return {
    from: sql`read_json(${file.path}, format = 'newline_delimited', columns = {${join([places, ...fields], ', ')}}, maximum_object_size = ${Math.max(file.longestBytes, 1_048_576)})`,
    ordinal: sql`_raw_row`,
    texts: column => [ident(column.name)],
  }
}

function problemsOf(column: ContractColumn): readonly Sql[] {
  const text = ident(column.name)
  const { fits } = typed(column.type, text, { format: column.format })
  const shown = typeof column.type === 'string' ? sql`concat('"', left(${text}, 60), '"')` : sql`'a value'`
  const misfit =
    fits && !column.soft
      ? [
          problem(
            sql`${text} IS NOT NULL AND NOT (${fits})`,
            `type:${column.name}`,
            sql`concat(${`${column.name}: `}, ${shown}, ${` is not ${typeLabel(column.type)}`})`,
          ),
        ]
      : []
  const missing = column.required
    ? [
        problem(
          sql`${text} IS NULL`,
          `required:${column.name}`,
          sql`${`${column.name}: required, but missing or null`}`,
        ),
      ]
    : []
  return [...misfit, ...missing]
}

const problem = (condition: Sql, reason: string, message: Sql): Sql =>
  sql`WHEN ${condition} THEN {reason: ${reason}, message: ${message}}`

/** What the contract does not know, and the values of columns that evolution added which do not fit their type. */
function rescued(contract: Contract): Sql {
  const soft = contract.columns.filter(column => column.soft)
  return soft.reduce((merged, column) => {
    const text = ident(column.name)
    const { fits } = typed(column.type, text, { format: column.format })
    if (fits === undefined) return merged
    const addition = sql`json_object(${column.name}, ${text})`
    return sql`CASE WHEN ${text} IS NOT NULL AND NOT (${fits}) THEN CAST(json_merge_patch(COALESCE(${merged}, '{}'), ${addition}) AS VARCHAR) ELSE ${merged} END`
  }, sql`_rescued`)
}

// --- The table's form ----------------------------------------------------------------------------------------------

interface OutputParts extends TextRows {
  readonly rescued: Sql
}

function outputs(task: DecodeTask, parts: OutputParts): Sql {
  const columns = new Map(task.contract.columns.map(column => [column.name, column]))
  return join(
    task.schema.fields.map(
      field => sql`${outputOf(task, parts, { field, column: columns.get(field.name) })} AS ${ident(field.name)}`,
    ),
    ', ',
  )
}

function outputOf(
  task: DecodeTask,
  parts: OutputParts,
  place: { readonly field: NestedField; readonly column: ContractColumn | undefined },
): Sql {
  if (place.column !== undefined) {
    const text = coalesce(parts.texts(place.column))
    const { value, fits } = typed(place.column.type, text, { format: place.column.format })
    return place.column.soft && fits !== undefined ? sql`CASE WHEN ${fits} THEN ${value} END` : value
  }
  return lineageValue(task, parts, place.field.name)
}

/** The values of lineage columns; NULL for a column that the table has and nobody declares any more. */
export function lineageValue(
  task: DecodeTask,
  parts: { readonly ordinal: Sql; readonly rescued: Sql },
  name: string,
): Sql {
  switch (name) {
    case '_raw_object':
      return sql`${task.object.id}`
    case '_raw_row':
      return parts.ordinal
    case '_ingested_at':
      return sql`make_timestamp(${BigInt(task.object.landedMs) * 1000n})`
    case '_rescued':
      return parts.rescued
    default:
      return sql`NULL`
  }
}

function coalesce(texts: readonly Sql[]): Sql {
  return texts.length === 1 ? (texts[0] as Sql) : sql`COALESCE(${join(texts, ', ')})`
}

/** The text shape of a column as read_json's `columns` wants it: a string literal. */
function textType(type: ColumnType): Sql {
  return sql`${shapeName(type)}`
}

function shapeName(type: ColumnType): string {
  if (typeof type === 'string') return 'VARCHAR'
  if ('struct' in type)
    return `STRUCT(${type.struct.map(field => `${ident(field.name).text} ${shapeName(field.type)}`).join(', ')})`
  return 'list' in type ? `${shapeName(type.list)}[]` : 'JSON'
}

function typeLabel(type: ColumnType): string {
  if (typeof type === 'string') return type
  return 'struct' in type
    ? 'a struct of the declared types'
    : 'list' in type
      ? 'a list of the declared type'
      : 'a map of the declared type'
}
