import { POSITION_FIELDS } from '#lake/added-fields.ts'
import type { ChangeSource, Connector } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { ContractColumn } from '../contract.ts'
import { isPlaceholder, rowShape, textIn, unknownIn } from './fields.ts'
import { type ChangeParts, problem, shown } from './parts.ts'
import { epochOf, type Position, positionOf } from './position.ts'
import type { Records } from './records.ts'
import type { Wire, WireByCase } from './wire.ts'

export interface EnvelopeTask {
  readonly changes: ChangeSource
  readonly columns: readonly ContractColumn[]
  readonly key: readonly ContractColumn[]
  /** Columns that are wanted of the image before, too. */
  readonly sought: readonly ContractColumn[]
  readonly records: Records
  /** Some records are wrapped in `{schema, payload}`. */
  readonly schemaful: boolean
  /** Connectors that the records come from. */
  readonly connectors: readonly Connector[]
  /** Not all records were looked at to find these two out. */
  readonly isGuess: boolean
  readonly wire: (column: ContractColumn) => Wire | WireByCase
}

export const CONNECTORS: readonly Connector[] = ['postgresql', 'mysql', 'mariadb', 'sqlserver', 'oracle', 'mongodb']

/** Debezium's envelope of relational sources: `{before, after, source, op}`. */
export function envelope(task: EnvelopeTask): ChangeParts {
  const { changes, columns } = task
  const parts = commonParts(task, { position: positionAmong(task.connectors), from: parsed(task) })
  const oldHeader = keyHeader('__debezium.oldkey')
  const before = (column: ContractColumn): Sql => textIn(sql`e."before"`, column)
  return {
    ...parts,
    problems: [...parts.problems, MISSING_AFTER, noRow(task.key)],
    content: sql`hash(e.op, e.after, e.before, k)`,
    value: column => textIn(sql`e."after"`, column),
    kept: column => keptOf(changes, columnText(column), column),
    key: column =>
      sql`CASE WHEN e.op = 'd' OR body IS NULL THEN COALESCE(${keyText(column)}, ${before(column)}) ELSE COALESCE(${columnText(column)}, ${keyText(column)}) END`,
    oldKey: column => sql`CASE WHEN e.op IN ('c', 'u', 'r') THEN COALESCE(${oldHeader(column)}, ${before(column)}) END`,
    otherKeys: [keyText, before, oldHeader, keyHeader('__debezium.newkey')],
    before,
    unknown: unknownIn(sql`json_extract(body, '$.after')`, sql`keys`, columns),
  }
}

const MISSING_AFTER = problem(
  sql`e.op IN ('c', 'u', 'r') AND e."after" IS NULL`,
  'missing_after',
  sql`'the event has no image of the row after the change'`,
)

/** Text, a number or an array would be read as a row of nothing but NULL: only where the key is NULL its fields are looked at. */
const noRow = (key: readonly ContractColumn[]) =>
  problem(
    sql`CASE WHEN e.op IN ('c', 'u', 'r') AND (${join(
      key.map(column => sql`${columnText(column)} IS NULL`),
      ' OR ',
    )}) THEN COALESCE(len(keys), 0) = 0 ELSE FALSE END`,
    'missing_after',
    sql`'the image of the row after the change is no object with fields'`,
  )

const columnText = (column: ContractColumn): Sql => textIn(sql`e."after"`, column)

/** The message key, plain or with its schema. */
export const keyText = (column: ContractColumn): Sql =>
  sql`COALESCE(${textIn(sql`k`, column)}, ${textIn(sql`k.payload`, column)})`

/** JSON's null and an absent field read alike: in a full image both are NULL, and only declared sparse sources tell them apart. */
export function keptOf(changes: ChangeSource, text: Sql, column: ContractColumn): Sql {
  const placeholder = isPlaceholder(column, text, changes.placeholder)
  if (changes.nulls === 'unchanged') return sql`(${text} IS NULL OR ${placeholder})`
  if (changes.absent !== 'unchanged') return placeholder
  const names = [column.name, ...column.from]
  return sql`((${text} IS NULL AND NOT list_has_any(COALESCE(keys, []), ${names})) OR ${placeholder})`
}

// --- What records are parsed into ----------------------------------------------------------------------------------

function parsed(task: EnvelopeTask): Sql {
  const { columns, key, sought, records, schemaful } = task
  const row = rowShape(columns)
  // Of the row before, only its key says something that is not in the one after; but for somebody who seeks a value.
  const shape = { before: rowShape([...key, ...sought]), after: row, ...envelopeShape(task) }
  const keyShape = { ...rowShape(key), payload: rowShape(key) }
  const bodies = sql`SELECT *, ${bodyOf(schemaful)} AS body${schemaText(schemaful)} FROM (${records.from})`
  const structs = sql`SELECT *, TRY(json_transform(body, ${JSON.stringify(shape)})) AS e, TRY(json_transform(key_text, ${JSON.stringify(keyShape)})) AS k FROM (${bodies})`
  return sql`(SELECT *, CASE WHEN e.op IN ('c', 'u', 'r') THEN TRY(json_keys(body, '$.after')) END AS keys FROM (${structs}))`
}

/** Which schema a record was written by, where that is asked for. */
export const schemaText = (schemaful: boolean): Sql =>
  schemaful ? sql`, TRY(json_extract(value_text, '$.schema'))::VARCHAR AS schema_text` : sql``

/** Beside the images: what tells records apart and puts them in order. Every field that is not asked for is time saved. */
export function envelopeShape({ changes, connectors }: EnvelopeTask): Readonly<Record<string, unknown>> {
  const fields = [
    ...['connector', 'snapshot', 'ts_ms', 'ts_us'],
    ...(changes.tables.length === 0 ? [] : ['db', 'schema', 'table', 'collection']),
    ...connectors.flatMap(connector => POSITION_FIELDS[connector]),
    ...(changes.epochs === undefined ? [] : [changes.epochs.field]),
  ]
  return { source: Object.fromEntries(fields.map(name => [name, 'VARCHAR'])), op: 'VARCHAR' }
}

/** The event without its schema. A record that is `{schema, payload: null}` is one without a value. */
export function bodyOf(schemaful: boolean): Sql {
  const value = sql`CASE WHEN value_text = '' OR trim(value_text) = 'null' THEN NULL ELSE value_text END`
  if (!schemaful) return sql`CASE WHEN strlen(value_text) < 8 THEN (${value}) ELSE value_text END`
  const isWrapped = sql`(contains(value_text, '"payload"') AND TRY(json_exists(value_text, '$.payload')) AND NOT TRY(json_exists(value_text, '$.op')))`
  const payload = sql`json_extract(value_text, '$.payload')`
  return sql`CASE WHEN ${isWrapped} THEN CASE WHEN json_type(${payload}) = 'NULL' THEN NULL ELSE CAST(${payload} AS VARCHAR) END ELSE (${value}) END`
}

// --- What all envelopes have in common -----------------------------------------------------------------------------

type Common = Omit<ChangeParts, 'content' | 'value' | 'kept' | 'key' | 'oldKey' | 'otherKeys' | 'before' | 'unknown'>

export function commonParts(
  task: EnvelopeTask,
  { position, from }: { readonly position: Position; readonly from: Sql },
): Common {
  const { changes, wire } = task
  const epoch = epochOf(changes, sql`e.source`)
  const tombstone = sql`(body IS NULL AND fault IS NULL)`
  return {
    from,
    skipped: sql`(fault IS NULL AND (e.op = 'm' OR (${tombstone} AND ${ofNoTable(changes)}) OR CASE WHEN e.op IS NULL THEN ${isControl()} END))`,
    elsewhere: elsewhere(changes),
    problems: envelopeProblems(changes, tombstone),
    op: sql`CASE WHEN ${tombstone} OR e.op = 'd' THEN 'delete' WHEN e.op = 't' THEN 'truncate' ELSE 'upsert' END`,
    position: { ...position, text: sql`(${epoch} || ${position.text})` },
    needsPosition: sql`body IS NOT NULL`,
    noPosition:
      changes.epochs === undefined
        ? 'source has no log position'
        : 'source has no log position, or is of a log that source.changes.epochs does not list',
    surprise: surpriseOf(task),
    snapshot: isSnapshot(),
    lane: sql`lane`,
    place: sql`place`,
    eventUs: sql`COALESCE(TRY_CAST(e.source.ts_us AS BIGINT), TRY_CAST(e.source.ts_ms AS BIGINT) * 1000)`,
    whole: WHOLE,
    wire,
  }
}

/** A record in the `{schema, payload}` that the first ones had not, or of a connector that they did not come from. */
export function surpriseOf({ schemaful, connectors, isGuess }: EnvelopeTask): Sql {
  if (!isGuess) return sql`FALSE`
  const others = CONNECTORS.filter(each => !connectors.includes(each))
  const wrapped = schemaful ? sql`FALSE` : sql`(e.op IS NULL AND contains(value_text, '"payload"'))`
  return sql`COALESCE(${wrapped} OR e.source.connector IN ${listOf(others)}, FALSE)`
}

/** `snapshot` is a word (true, first, last, incremental …), in older versions a boolean. */
export const isSnapshot = (): Sql =>
  sql`COALESCE(e.op = 'r' OR lower(e.source.snapshot) NOT IN ('false', 'null'), FALSE)`

/** Records of the stream that no table has. Signals are known by the fields that they have, too; a flattened row may have the same. */
const isControl = (): Sql => sql`(${isNotice()} OR ${hasFields('id', 'type', 'data')})`

/** Heartbeats, transaction markers, changes of schemas. Known by the fields that they have. */
export function isNotice(): Sql {
  const heartbeat = sql`(${hasFields('ts_ms')} AND list_has_all(['ts_ms', 'ts_us', 'ts_ns', 'id'], ${FIELDS}))`
  const marker = sql`(${hasFields('status', 'id')} AND TRY(json_extract_string(body, '$.status')) IN ('BEGIN', 'END'))`
  return sql`(${heartbeat} OR ${marker} OR list_has_any(${FIELDS}, ['ddl', 'tableChanges']))`
}

const FIELDS = sql`COALESCE(TRY(json_keys(body)), [])`
export const hasFields = (...names: readonly string[]): Sql => sql`list_has_all(${FIELDS}, ${names})`

/**
 * A record without a value does not name its table. Its topic does, where each table has one of its own (`prefix.schema.table`); on a topic
 * of many tables the same key may be a row of each, and the delete that came before it has done its work.
 */
export function ofNoTable({ tables }: ChangeSource): Sql {
  if (tables.length === 0) return sql`FALSE`
  const topic = sql`regexp_replace(lane, '-[0-9]+$', '')`
  const own = tables.map(table => sql`ends_with(concat('.', ${topic}), ${`.${table}`})`)
  return sql`NOT (${join(own, ' OR ')})`
}

function elsewhere({ tables }: ChangeSource): Sql {
  if (tables.length === 0) return sql`FALSE`
  const table = sql`COALESCE(e.source."table", e.source.collection)`
  const full = [sql`e.source."schema"`, sql`e.source.db`].map(
    owner => sql`concat(${owner}, '.', ${table}) IN ${listOf(tables)}`,
  )
  return sql`(${table} IS NOT NULL AND ${table} <> '' AND NOT (${join(full, ' OR ')}))`
}

const listOf = (texts: readonly string[]): Sql =>
  sql`(${join(
    texts.map(text => sql`${text}`),
    ', ',
  )})`

function envelopeProblems(changes: ChangeSource, tombstone: Sql): readonly Sql[] {
  const row = sql`NOT ${tombstone}`
  return [
    problem(
      sql`${row} AND e.op IS NULL AND NOT COALESCE(json_valid(body), FALSE)`,
      'malformed_json',
      sql`'the event is no JSON'`,
    ),
    problem(
      sql`${row} AND e.op IS NULL AND json_type(body) <> 'OBJECT'`,
      'not_an_object',
      sql`concat('the event is JSON, but of type ', json_type(body))`,
    ),
    problem(sql`${row} AND e.op IS NULL`, 'not_an_envelope', sql`'the event has no op: it is no envelope of Debezium'`),
    problem(sql`e.op NOT IN ('c', 'u', 'd', 'r', 't', 'm')`, 'unknown_op', sql`concat('op is ', ${shown(sql`e.op`)})`),
    problem(
      sql`${row} AND (e.source.connector IS NULL OR e.source.connector NOT IN ${listOf(CONNECTORS)})`,
      'unknown_connector',
      sql`concat('source.connector is ', COALESCE(${shown(sql`e.source.connector`)}, 'missing'))`,
    ),
    ...wrongConnector(changes),
  ]
}

/** Positions of two connectors cannot be compared. MariaDB calls itself MySQL in older versions. */
function wrongConnector({ connector }: ChangeSource): readonly Sql[] {
  if (connector === undefined) return []
  const same = connector === 'mysql' || connector === 'mariadb' ? ['mysql', 'mariadb'] : [connector]
  const message = sql`concat('source.connector is ', ${shown(sql`e.source.connector`)}, ${`, declared is ${connector}`})`
  return [problem(sql`e.source.connector NOT IN ${listOf(same)}`, 'unknown_connector', message)]
}

/** Each record by its own connector, unless one is declared. */
function positionAmong(connectors: readonly Connector[]): Position {
  const field = (name: string): Sql => sql`e.source.${ident(name)}`
  const positions = connectors.map(each => ({ each, position: positionOf(each, { field, snapshot: isSnapshot() }) }))
  const [only] = positions
  if (only === undefined) return { text: sql`NULL::VARCHAR`, broken: sql`FALSE` }
  if (positions.length === 1) return only.position
  const among = (of: 'text' | 'broken'): Sql =>
    sql`CASE e.source.connector ${join(
      positions.map(({ each, position }) => sql`WHEN ${each} THEN ${position[of]}`),
      ' ',
    )} END`
  return { text: among('text'), broken: among('broken') }
}

/** What is in a record of a stream: its key, its event, its headers. */
export const WHOLE: Sql = sql`concat_ws(' ', key_text, value_text, headers)`

/** The header of one half of a key change: the key that the row had, or was to have, plain or with its schema. */
export function keyHeader(name: '__debezium.oldkey' | '__debezium.newkey'): (column: ContractColumn) => Sql {
  const header = sql`CASE WHEN contains(headers, ${name}) THEN json_extract_string(headers, ${`$[*]."${name}"`})[1] END`
  return column => {
    const at = (name: string): Sql =>
      sql`TRY(json_extract_string(${header}, ${[jsonPath(name), jsonPath('payload', name)]}))`
    const texts = [column.name, ...column.from].map(name => sql`COALESCE(${at(name)}[1], ${at(name)}[2])`)
    return texts.length === 1 ? (texts[0] as Sql) : sql`COALESCE(${join(texts, ', ')})`
  }
}

const jsonPath = (...names: readonly string[]): string =>
  `$${names.map(name => `."${name.replaceAll('"', '\\"')}"`).join('')}`
