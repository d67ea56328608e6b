import { changeRow } from '#lake/changes.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Contract, ContractColumn } from '../contract.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { type ChangeParts, problem, shown } from './parts.ts'
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

/**
 * Writes the change rows of all records as Parquet, those that are no rows among them: `_outcome` says what a record is, `_message` why it
 * is refused. Fails with `engine-failed` when the records cannot be read this way, and with `Rounded`.
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
  if (ROUNDED in outcomes) throw new Rounded(`${outcomes[ROUNDED]} records`)
  return { path, outcomes, byLine }
}

const ROW_GROUP_ROWS = 61_440
const ROUNDED = 'rounded'

export const keyColumns = ({ dataset, columns }: Contract): readonly ContractColumn[] => {
  const names = keyNames(dataset)
  return names.map(name => columns.find(column => column.name === name) as ContractColumn)
}

const keyNames = ({ publish }: Dataset): readonly string[] =>
  publish.mode === 'merge' || publish.mode === 'history' ? publish.key : []

interface RowsTask {
  readonly parts: ChangeParts
  readonly exact: boolean
}

function changeRowsSql(task: DecodeTask, { parts, exact }: RowsTask): Sql {
  const { contract } = task
  const key = keyColumns(contract)
  const record = recordSql(contract, { parts, key })
  const outcome = sql`CASE WHEN ${parts.elsewhere} THEN 'elsewhere' WHEN ${parts.skipped} THEN 'skipped' ${join(exact ? [] : roundedSql(contract, parts), ' ')} WHEN _problem IS NOT NULL THEN _problem.reason ELSE 'row' END`
  const shaped = sql`SELECT *, ${outcome} AS _outcome FROM (${record})`
  return sql`SELECT ${outputs(task, { parts, key })}, _outcome, CASE WHEN _outcome NOT IN ('row', 'skipped', 'elsewhere') THEN _problem.message END AS _message, "offset" AS _offset, length AS _length FROM (${shaped})`
}

/** A record with its problem, and all that is asked of more than once. */
function recordSql(
  contract: Contract,
  { parts, key }: { readonly parts: ChangeParts; readonly key: readonly ContractColumn[] },
): Sql {
  const asked = [
    sql`${parts.op} AS _op`,
    ...key.flatMap((column, at) => [
      sql`${parts.key(column)} AS ${keyAlias(at)}`,
      sql`${parts.oldKey?.(column) ?? sql`NULL::VARCHAR`} AS ${oldKeyAlias(at)}`,
    ]),
  ]
  const problems = [
    ...parts.problems,
    ...key.flatMap((column, at) => keyProblems(column, parts, at)),
    ...(contract.dataset.evolution === 'freeze'
      ? [
          problem(
            sql`_op = 'upsert' AND ${parts.unknown} IS NOT NULL`,
            'unknown_column',
            sql`concat('not in the contract: ', ${parts.unknown})`,
          ),
        ]
      : []),
    ...contract.columns.filter(column => !key.includes(column)).flatMap(column => valueProblems(column, parts)),
  ]
  const known = sql`SELECT *, ${join(asked, ', ')} FROM ${parts.from}`
  const judged = sql`CASE ${join(problems, ' ')} END`
  const merged = sql`CASE WHEN fault IS NOT NULL THEN fault ELSE ${judged} END`
  return sql`SELECT *, ${merged} AS _problem FROM (${known})`
}

const keyAlias = (at: number): Sql => ident(`_key_${at}`)
const oldKeyAlias = (at: number): Sql => ident(`_old_key_${at}`)

function keyProblems(column: ContractColumn, parts: ChangeParts, at: number): readonly Sql[] {
  const text = keyAlias(at)
  const { fits } = wired(column, text, parts.wire(column))
  const wanted = sql`_op <> 'truncate'`
  return [
    problem(sql`${wanted} AND ${text} IS NULL`, 'missing_key', sql`${`the event has no ${column.name}`}`),
    ...(fits === undefined ? [] : [problem(sql`${wanted} AND NOT ${fits}`, badReason(column), misfit(column, text))]),
  ]
}

function valueProblems(column: ContractColumn, parts: ChangeParts): readonly Sql[] {
  const text = parts.value(column)
  const kept = parts.kept(column)
  const { fits } = wired(column, text, parts.wire(column))
  const concrete = kept === undefined ? sql`_op = 'upsert'` : sql`_op = 'upsert' AND NOT ${kept}`
  return [
    ...(fits === undefined || column.soft
      ? []
      : [
          problem(
            sql`${concrete} AND ${text} IS NOT NULL AND NOT COALESCE(${fits}, FALSE)`,
            badReason(column),
            misfit(column, text),
          ),
        ]),
    ...(column.required
      ? [
          problem(
            sql`${concrete} AND ${text} IS NULL`,
            `required:${column.name}`,
            sql`${`${column.name}: required, but missing or null`}`,
          ),
        ]
      : []),
  ]
}

const badReason = ({ type }: ContractColumn): string =>
  type === 'int' || type === 'long' ? 'bad_integer' : 'bad_value'

const misfit = (column: ContractColumn, text: Sql): Sql =>
  sql`concat(${`${column.name}: `}, ${shown(text)}, ${` is not ${typeof column.type === 'string' ? column.type : 'of the declared type'}`})`

function roundedSql({ columns }: Contract, parts: ChangeParts): readonly Sql[] {
  const doubts = columns.flatMap(column => {
    const doubt = isRounded(column, parts.value(column))
    return doubt === undefined ? [] : [sql`(_op = 'upsert' AND ${doubt})`]
  })
  return doubts.length === 0 ? [] : [sql`WHEN ${join(doubts, ' OR ')} THEN ${ROUNDED}`]
}

// --- Columns of a change row ---------------------------------------------------------------------------------------

interface OutputTask {
  readonly parts: ChangeParts
  readonly key: readonly ContractColumn[]
}

function outputs(task: DecodeTask, { parts, key }: OutputTask): Sql {
  const { dataset, columns } = task.contract
  const byName = new Map(columns.map(column => [column.name, column]))
  const values = changeRow(dataset, task.schema).map(({ name, type }) => {
    const column = byName.get(name)
    const value = column === undefined ? fixedSql(task, { parts, key }, name) : valueSql(column, { parts, key })
    return sql`CAST(CASE WHEN _outcome = 'row' OR ${isPlace(name)} THEN ${value} END AS ${type}) AS ${ident(name)}`
  })
  return join(values, ', ')
}

/** Refused records are looked up by these. */
const isPlace = (name: string): boolean => name === '_raw_object' || name === '_raw_row'

function valueSql(column: ContractColumn, { parts, key }: OutputTask): Sql {
  const at = key.indexOf(column)
  if (at >= 0) return sql`CASE WHEN _op <> 'truncate' THEN ${wired(column, keyAlias(at), parts.wire(column)).value} END`
  const text = parts.value(column)
  const { value, fits } = wired(column, text, parts.wire(column))
  const kept = parts.kept(column)
  const concrete = kept === undefined ? sql`_op = 'upsert'` : sql`_op = 'upsert' AND NOT ${kept}`
  return sql`CASE WHEN ${concrete}${column.soft && fits ? sql` AND ${fits}` : sql``} THEN ${value} END`
}

function fixedSql(task: DecodeTask, { parts, key }: OutputTask, name: string): Sql {
  switch (name) {
    case '_op':
      return sql`_op`
    case '_position':
      return parts.position
    case '_snapshot':
      return parts.snapshot
    case '_lane':
      return parts.lane
    case '_ordinal':
      return parts.place
    case '_kept':
      return sql`CASE WHEN _op = 'upsert' THEN ${keptSql(task.contract, { parts, key })} ELSE [] END`
    case '_event_us':
      return parts.eventUs
    case '_content':
      return sql`format('{:016x}', ${parts.content})`
    case '_old_key':
      return oldKeySql({ parts, key })
    case '_raw_object':
      return sql`${task.object.id}`
    case '_raw_row':
      return sql`ordinal`
    case '_ingested_at':
      return sql`make_timestamp(${BigInt(task.object.landedMs) * 1000n})`
    case '_rescued':
      return sql`CASE WHEN _op = 'upsert' THEN ${rescuedSql(task.contract, parts)} END`
    default:
      // A column that the table has and nobody declares any more.
      return sql`NULL`
  }
}

function keptSql({ columns }: Contract, { parts, key }: OutputTask): Sql {
  const names = columns
    .filter(column => !key.includes(column))
    .flatMap(column => {
      const kept = parts.kept(column)
      return kept === undefined ? [] : [{ column, kept }]
    })
  if (names.length === 0) return sql`[]`
  const any = join(
    names.map(({ kept }) => kept),
    ' OR ',
  )
  const listed = join(
    names.map(({ column, kept }) => sql`CASE WHEN ${kept} THEN ${column.name} END`),
    ', ',
  )
  return sql`CASE WHEN ${any} THEN list_filter([${listed}], lambda name: name IS NOT NULL) ELSE [] END`
}

/** Set when the whole old key is known and another than the new one, by value: `1` and `1.0` are one number. */
function oldKeySql({ parts, key }: OutputTask): Sql {
  if (parts.oldKey === undefined) return sql`NULL`
  const typedKey = (column: ContractColumn, text: Sql): Sql => wired(column, text, parts.wire(column)).value
  const known = join(
    key.map((_column, at) => sql`${oldKeyAlias(at)} IS NOT NULL`),
    ' AND ',
  )
  const differs = join(
    key.map((column, at) => sql`${typedKey(column, oldKeyAlias(at))} <> ${typedKey(column, keyAlias(at))}`),
    ' OR ',
  )
  const texts = join(
    key.map((_column, at) => sql`${oldKeyAlias(at)} <> ${keyAlias(at)}`),
    ' OR ',
  )
  const packed = join(
    key.map((column, at) => sql`${ident(column.name)} := ${typedKey(column, oldKeyAlias(at))}`),
    ', ',
  )
  return sql`CASE WHEN _op = 'upsert' AND ${known} AND (${texts}) THEN CASE WHEN ${differs} THEN struct_pack(${packed}) END END`
}

/** Fields that the contract does not know, and values that a column which evolution added cannot hold. */
function rescuedSql({ columns }: Contract, parts: ChangeParts): Sql {
  return columns
    .filter(column => column.soft)
    .reduce((merged, column) => {
      const text = parts.value(column)
      const { fits } = wired(column, text, parts.wire(column))
      if (fits === undefined) return merged
      const addition = sql`json_object(${column.name}, ${text})`
      return sql`CASE WHEN ${text} IS NOT NULL AND NOT ${fits} THEN CAST(json_merge_patch(COALESCE(${merged}, '{}'), ${addition}) AS VARCHAR) ELSE ${merged} END`
    }, parts.unknown)
}
