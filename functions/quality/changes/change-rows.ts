import { changeRow } from '#lake/changes.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Contract, ContractColumn } from '../contract.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { type ChangeParts, problem, shown } from './parts.ts'
import { soughtSql } from './sought.ts'
import { isRounded, wired } from './wire.ts'

/** One object's records, decoded: all of them, with what became of each. */
export interface DecodedChanges {
  readonly path: string
  /** Records by outcome: `row`, `skipped`, `elsewhere`, or the reason of refusal. */
  readonly outcomes: Readonly<Record<string, number>>
  /** See `Records`. */
  readonly byLine: boolean
}

export const ROW = 'row'
export const SKIPPED = 'skipped'
export const ELSEWHERE = 'elsewhere'

/** Numbers of some record may have been rounded by the reader: they must be read as text. */
export class Rounded extends Error {}

/** Some records are of a kind that the first of them did not show. */
export class Surprised extends Error {}

/**
 * Writes the change rows of all records as Parquet, those that are no rows among them: `_outcome` says what a record is, `_message` why it
 * is refused. Fails with `engine-failed` when the records cannot be read this way, with `Rounded` or `Surprised`.
 */
export async function writeChangeRows(
  session: Session,
  task: DecodeTask,
  { parts, exact, byLine }: { readonly parts: ChangeParts; readonly exact: boolean; readonly byLine: boolean },
): Promise<DecodedChanges> {
  const path = `${task.base}.changes.parquet`
  const rows = changeRowsSql(task, { parts, exact })
  await session.run(
    sql`COPY (${rows}) TO ${path} (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
  )
  const counts = await session.rows(
    sql`SELECT _outcome, count(*)::INTEGER AS records FROM read_parquet(${path}) GROUP BY _outcome`,
  )
  const outcomes = Object.fromEntries(counts.map(each => [String(each['_outcome']), Number(each['records'])]))
  if (SURPRISE in outcomes) throw new Surprised(`${outcomes[SURPRISE]} records`)
  if (ROUNDED in outcomes) throw new Rounded(`${outcomes[ROUNDED]} records`)
  return { path, outcomes, byLine }
}

const ROW_GROUP_ROWS = 61_440
const ROUNDED = 'rounded'
const SURPRISE = 'surprise'

export const keyColumns = ({ dataset, columns }: Contract): readonly ContractColumn[] => {
  const names = dataset.publish.mode === 'merge' || dataset.publish.mode === 'history' ? dataset.publish.key : []
  return names.map(name => columns.find(column => column.name === name) as ContractColumn)
}

interface RowsTask {
  readonly parts: ChangeParts
  readonly exact: boolean
}

/**
 * Step by step, each a SELECT over the one before: texts, typed values, what is wrong, the row. What a step needs twice it finds as a
 * column; written out in place, expressions would grow with every step, and planning them would take longer than reading a small object.
 */
function changeRowsSql(task: DecodeTask, { parts, exact }: RowsTask): Sql {
  const columns = columnParts(task.contract, parts)
  const texts = sql`SELECT *, ${join([...commonTexts(parts), ...columns.flatMap(textsOf)], ', ')} FROM ${parts.from}`
  const values = sql`SELECT *, ${join(columns.flatMap(valuesOf), ', ')} FROM (${texts})`
  const judged = sql`SELECT *, ${problemSql(task.contract, { parts, columns })} AS _problem FROM (${values})`
  const rounded = exact ? [] : columns.flatMap(roundedSql)
  const doubts = rounded.length === 0 ? sql`` : sql`WHEN _op = 'upsert' AND (${join(rounded, ' OR ')}) THEN ${ROUNDED}`
  const outcome = sql`CASE WHEN ${parts.surprise} THEN ${SURPRISE} WHEN ${parts.elsewhere} THEN 'elsewhere' WHEN ${parts.skipped} THEN 'skipped' ${doubts} WHEN _problem IS NOT NULL THEN _problem.reason ELSE 'row' END`
  const shaped = sql`SELECT *, ${outcome} AS _outcome FROM (${judged})`
  const kept = columns.filter(({ kept }) => kept !== undefined)
  return sql`SELECT ${outputs(task, { parts, columns, kept })}, _outcome, CASE WHEN _outcome NOT IN ('row', 'skipped', 'elsewhere') THEN _problem.message END AS _message, "offset" AS _offset, length AS _length${soughtSql(task, { parts, columns })} FROM (${shaped})`
}

/** One column of the contract, with the names under which the steps hand it on. */
export interface ColumnParts {
  readonly column: ContractColumn
  readonly isKey: boolean
  readonly parts: ChangeParts
  readonly text: Sql
  readonly value: Sql
  readonly fits: Sql
  readonly kept: Sql | undefined
  readonly oldText: Sql
  readonly oldValue: Sql
}

function columnParts(contract: Contract, parts: ChangeParts): readonly ColumnParts[] {
  const key = keyColumns(contract)
  return contract.columns.map((column, at) => {
    const isKey = key.includes(column)
    const kept = isKey ? undefined : parts.kept(column)
    return {
      column,
      isKey,
      parts,
      text: ident(`text_${at}`),
      value: ident(`value_${at}`),
      fits: ident(`fits_${at}`),
      kept: kept && ident(`kept_${at}`),
      oldText: ident(`old_text_${at}`),
      oldValue: ident(`old_value_${at}`),
    }
  })
}

function commonTexts(parts: ChangeParts): readonly Sql[] {
  return [
    sql`${parts.op} AS _op`,
    sql`${parts.position.text} AS position_text`,
    sql`${parts.position.broken} AS position_broken`,
    sql`${parts.unknown} AS unknown_fields`,
  ]
}

function textsOf({ column, isKey, parts, ...names }: ColumnParts): readonly Sql[] {
  const kept = parts.kept(column)
  return [
    sql`${isKey ? parts.key(column) : parts.value(column)} AS ${names.text}`,
    ...(names.kept && kept ? [sql`${kept} AS ${names.kept}`] : []),
    ...(isKey && parts.oldKey ? [sql`${parts.oldKey(column)} AS ${names.oldText}`] : []),
  ]
}

function valuesOf({ column, isKey, parts, text, value, fits, oldText, oldValue }: ColumnParts): readonly Sql[] {
  const wire = parts.wire(column)
  const typedText = wired(column, text, wire)
  return [
    sql`${typedText.value} AS ${value}`,
    sql`(${text} IS NULL OR COALESCE(${typedText.fits ?? sql`TRUE`}, FALSE)) AS ${fits}`,
    ...(isKey && parts.oldKey ? [sql`${wired(column, oldText, wire).value} AS ${oldValue}`] : []),
  ]
}

// --- What is wrong -------------------------------------------------------------------------------------------------

interface Judging {
  readonly parts: ChangeParts
  readonly columns: readonly ColumnParts[]
}

function problemSql({ dataset }: Contract, { parts, columns }: Judging): Sql {
  const unread = sql`${parts.needsPosition} AND position_broken`
  const missing = sql`${parts.needsPosition} AND position_text IS NULL`
  const frozen = problem(
    sql`_op = 'upsert' AND unknown_fields IS NOT NULL`,
    'unknown_column',
    sql`concat('not in the contract: ', left(unknown_fields, 200))`,
  )
  const problems = [
    ...parts.problems,
    problem(unread, 'bad_integer', sql`'a part of the log position is no number of its kind'`),
    problem(missing, 'missing_version', sql`${parts.noPosition}`),
    ...columns.filter(({ isKey }) => isKey).flatMap(keyProblems),
    ...(dataset.evolution === 'freeze' ? [frozen] : []),
    ...columns.filter(({ isKey }) => !isKey).flatMap(valueProblems),
  ]
  return sql`CASE WHEN fault IS NOT NULL THEN fault ${join(problems, ' ')} END`
}

function keyProblems({ column, text, fits }: ColumnParts): readonly Sql[] {
  return [
    problem(sql`_op <> 'truncate' AND ${text} IS NULL`, 'missing_key', sql`${`the event has no ${column.name}`}`),
    problem(sql`_op <> 'truncate' AND NOT ${fits}`, badReason(column), misfit(column, text)),
  ]
}

function valueProblems({ column, text, fits, kept }: ColumnParts): readonly Sql[] {
  const concrete = kept === undefined ? sql`_op = 'upsert'` : sql`_op = 'upsert' AND NOT ${kept}`
  const missing = sql`${`${column.name}: required, but missing or null`}`
  return [
    ...(column.soft ? [] : [problem(sql`${concrete} AND NOT ${fits}`, badReason(column), misfit(column, text))]),
    ...(column.required ? [problem(sql`${concrete} AND ${text} IS NULL`, `required:${column.name}`, missing)] : []),
  ]
}

const badReason = ({ type }: ContractColumn): string =>
  type === 'int' || type === 'long' ? 'bad_integer' : 'bad_value'

const misfit = (column: ContractColumn, text: Sql): Sql =>
  sql`concat(${`${column.name}: `}, ${shown(text)}, ${` is not ${typeof column.type === 'string' ? column.type : 'of the declared type'}`})`

function roundedSql({ column, text }: ColumnParts): readonly Sql[] {
  const doubt = isRounded(column, text)
  return doubt === undefined ? [] : [doubt]
}

// --- Columns of a change row ---------------------------------------------------------------------------------------

interface OutputTask extends Judging {
  readonly kept: readonly ColumnParts[]
}

function outputs(task: DecodeTask, output: OutputTask): Sql {
  const byName = new Map(output.columns.map(each => [each.column.name, each]))
  const values = changeRow(task.contract.dataset, task.schema).map(({ name, type }) => {
    const known = byName.get(name)
    const value = known === undefined ? fixedSql(task, output, name) : valueSql(known)
    const always = name === '_raw_object' || name === '_raw_row'
    return sql`CAST(${always ? value : sql`CASE WHEN _outcome = 'row' THEN ${value} END`} AS ${type}) AS ${ident(name)}`
  })
  return join(values, ', ')
}

function valueSql({ column, isKey, value, fits, kept }: ColumnParts): Sql {
  if (isKey) return sql`CASE WHEN _op <> 'truncate' THEN ${value} END`
  const concrete = kept === undefined ? sql`_op = 'upsert'` : sql`_op = 'upsert' AND NOT ${kept}`
  return sql`CASE WHEN ${concrete}${column.soft ? sql` AND ${fits}` : sql``} THEN ${value} END`
}

function fixedSql(task: DecodeTask, { parts, columns, kept }: OutputTask, name: string): Sql {
  switch (name) {
    case '_op':
      return sql`_op`
    case '_position':
      return sql`position_text`
    case '_snapshot':
      return parts.snapshot
    case '_lane':
      return parts.lane
    case '_ordinal':
      return parts.place
    case '_kept':
      return keptSql(kept)
    case '_event_us':
      return parts.eventUs
    case '_content':
      return sql`format('{:016x}', ${parts.content})`
    case '_old_key':
      return parts.oldKey === undefined ? sql`NULL` : oldKeySql(columns.filter(({ isKey }) => isKey))
    case '_raw_object':
      return sql`${task.object.id}`
    case '_raw_row':
      return sql`ordinal`
    case '_ingested_at':
      return sql`make_timestamp(${BigInt(task.object.landedMs) * 1000n})`
    case '_rescued':
      return sql`CASE WHEN _op = 'upsert' THEN ${rescuedSql(columns)} END`
    default:
      // A column that the table has and nobody declares any more.
      return sql`NULL`
  }
}

function keptSql(kept: readonly ColumnParts[]): Sql {
  if (kept.length === 0) return sql`[]`
  const flags = kept.map(each => each.kept as Sql)
  const listed = kept.map(({ column, kept: flag }) => sql`CASE WHEN ${flag as Sql} THEN ${column.name} END`)
  return sql`CASE WHEN _op = 'upsert' AND (${join(flags, ' OR ')}) THEN list_filter([${join(listed, ', ')}], lambda name: name IS NOT NULL) ELSE [] END`
}

/** Set when the whole old key is known and another than the new one, by value: `1` and `1.0` are one number. */
function oldKeySql(key: readonly ColumnParts[]): Sql {
  const known = key.map(({ oldValue }) => sql`${oldValue} IS NOT NULL`)
  const differs = key.map(({ oldValue, value }) => sql`${oldValue} <> ${value}`)
  const packed = key.map(({ column, oldValue }) => sql`${ident(column.name)} := ${oldValue}`)
  return sql`CASE WHEN _op = 'upsert' AND ${join(known, ' AND ')} AND (${join(differs, ' OR ')}) THEN struct_pack(${join(packed, ', ')}) END`
}

/** Fields that the contract does not know, and values that a column which evolution added cannot hold. */
function rescuedSql(columns: readonly ColumnParts[]): Sql {
  return columns
    .filter(({ column }) => column.soft)
    .reduce((merged, { column, text, fits }) => {
      const addition = sql`json_object(${column.name}, ${text})`
      return sql`CASE WHEN NOT ${fits} THEN CAST(json_merge_patch(COALESCE(${merged}, '{}'), ${addition}) AS VARCHAR) ELSE ${merged} END`
    }, sql`unknown_fields`)
}
