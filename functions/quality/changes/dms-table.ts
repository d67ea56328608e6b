import type { ChangeSource } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import { type DmsRows, WIDTH } from './dms-csv.ts'
import type { DmsFile } from './dms-file.ts'
import { type ChangeParts, namesOf, problem, shown } from './parts.ts'

export interface DmsTableTask {
  readonly changes: ChangeSource
  readonly columns: readonly ContractColumn[]
  readonly file: DmsFile
  readonly rows: DmsRows
}

const SEQUENCE_DIGITS = 38
const TIME_DIGITS = 20
const FILE_DIGITS = 20
const ROW_DIGITS = 12

/** Files of DMS, CSV and Parquet: rows with an operation, and with what transformation rules put beside them. */
export function dmsTable({ changes, columns, file, rows }: DmsTableTask): ChangeParts {
  const { dms } = changes
  const field = (name: string | undefined): Sql =>
    name !== undefined && rows.names.includes(name) ? sql`e.${ident(name)}` : sql`NULL::VARCHAR`
  const value = (column: ContractColumn): Sql =>
    emptied(column, field(namesOf(column).find(name => rows.names.includes(name))))
  const op = rows.op === undefined ? sql`'I'` : field(rows.op)
  const isLoad = file.kind === 'load'
  const position = isLoad ? sql`${'0'.repeat(widthOf(changes))}` : positionOf({ changes, file, field })
  const prefix = dms.beforeImagePrefix
  const before = (column: ContractColumn): Sql => emptied(column, field(`${prefix}${column.name}`))
  return {
    from: sql`(SELECT *, ${file.folder} AS folder, lpad(ordinal::VARCHAR, ${ROW_DIGITS}, '0') AS row_text FROM (${rows.from}))`,
    skipped: sql`FALSE`,
    elsewhere: elsewhere(changes, { rows, field }),
    problems: [
      ...(rows.op === undefined
        ? []
        : [
            problem(
              sql`${op} IS NULL OR ${op} NOT IN ('I', 'U', 'D')`,
              'unknown_op',
              sql`concat('Op is ', COALESCE(${shown(op)}, 'missing'))`,
            ),
          ]),
      ...(rows.table === undefined
        ? []
        : [
            problem(
              sql`e.${ident(WIDTH)} <> ${rows.names.length}`,
              'column_count',
              sql`concat('the row has ', e.${ident(WIDTH)}, ${` fields, ${rows.names.length} are declared`})`,
            ),
          ]),
    ],
    op: sql`CASE WHEN ${op} = 'D' THEN 'delete' ELSE 'upsert' END`,
    position: { text: sql`('00.' || ${position})`, broken: sql`FALSE` },
    needsPosition: sql`TRUE`,
    noPosition: missingVersion(changes),
    surprise: sql`FALSE`,
    snapshot: isLoad ? sql`TRUE` : sql`FALSE`,
    lane: isLoad ? sql`concat(folder, '/load')` : sql`folder`,
    place: sql`concat(${file.order ?? ''}, row_text)`,
    eventUs: eventTime({ changes, file, field }),
    content: sql`hash(e)`,
    value,
    kept: column => (changes.nulls === 'unchanged' ? sql`(${value(column)} IS NULL)` : undefined),
    key: value,
    oldKey: prefix === undefined ? undefined : column => sql`CASE WHEN ${op} = 'U' THEN ${before(column)} END`,
    otherKeys: prefix === undefined ? [] : [before],
    before: prefix === undefined ? undefined : before,
    whole: sql`CAST(e AS VARCHAR)`,
    wire: () => ({ kind: 'plain' }),
    unknown: unknownColumns({ changes, columns, rows }),
  }
}

type Field = (name: string | undefined) => Sql

/** What is no text has no empty value: a column that DMS has nothing for comes empty. */
const emptied = ({ type }: ContractColumn, text: Sql): Sql => (type === 'string' ? text : sql`nullif(${text}, '')`)

function elsewhere({ tables }: ChangeSource, { rows, field }: { readonly rows: DmsRows; readonly field: Field }): Sql {
  if (tables.length === 0 || rows.table === undefined) return sql`FALSE`
  const listed = join(
    tables.map(table => sql`${table}`),
    ', ',
  )
  return sql`COALESCE(concat(${field(rows.schema)}, '.', ${field(rows.table)}) NOT IN (${listed}), FALSE)`
}

interface Named {
  readonly changes: ChangeSource
  readonly file: DmsFile
  readonly field: Field
}

/** The sequence of the task where there is one; else the time of the commit, which ties; then file and row. */
function positionOf({ changes: { dms }, file, field }: Named): Sql {
  const sequence = field(dms.sequenceColumn)
  if (dms.sequenceColumn !== undefined)
    return sql`CASE WHEN regexp_full_match(${sequence}, '[0-9]{1,38}') THEN lpad(${sequence}, ${SEQUENCE_DIGITS}, '0') END`
  if (file.order === undefined) return sql`NULL`
  const place = sql`concat(${file.order}, row_text)`
  if (dms.timestampColumn === undefined) return place
  const us = sql`epoch_us(TRY_CAST(${field(dms.timestampColumn)} AS TIMESTAMP))`
  return sql`(lpad(CAST(${us} AS VARCHAR), ${TIME_DIGITS}, '0') || ${place})`
}

/** Of a full load the position is zero, in as many digits as the others have. */
function widthOf({ dms }: ChangeSource): number {
  if (dms.sequenceColumn !== undefined) return SEQUENCE_DIGITS
  return (dms.timestampColumn === undefined ? 0 : TIME_DIGITS) + FILE_DIGITS + ROW_DIGITS
}

function missingVersion({ dms }: ChangeSource): string {
  if (dms.sequenceColumn !== undefined) return `${dms.sequenceColumn} holds no sequence of digits`
  if (dms.timestampColumn !== undefined) return `${dms.timestampColumn} holds no time`
  return 'the file has no name of DMS, from which its place among the others could be told'
}

function eventTime({ changes: { dms }, file, field }: Named): Sql {
  const begun = sql`${file.us ?? null}::BIGINT`
  if (dms.timestampColumn === undefined) return begun
  return sql`COALESCE(epoch_us(TRY_CAST(${field(dms.timestampColumn)} AS TIMESTAMP)), ${begun})`
}

/** Columns of a header, or of a Parquet file, that the contract does not know. */
function unknownColumns({ changes: { dms }, columns, rows }: Omit<DmsTableTask, 'file'>): Sql {
  const known = new Set([
    ...columns.flatMap(namesOf),
    rows.op,
    rows.table,
    rows.schema,
    dms.timestampColumn,
    dms.sequenceColumn,
  ])
  const before = dms.beforeImagePrefix
  const unknown = rows.names.filter(name => !known.has(name) && !(before !== undefined && name.startsWith(before)))
  if (unknown.length === 0) return sql`NULL::VARCHAR`
  const members = unknown.map(name => sql`${name}, e.${ident(name)}`)
  return sql`CAST(json_object(${join(members, ', ')}) AS VARCHAR)`
}
