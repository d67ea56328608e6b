import type { ChangeSource, Connector } from '#lake/dataset-changes.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'

/** A log position as fixed-width text. */
export interface Position {
  /** NULL when a part that it needs is missing or is not what it should be. */
  readonly text: Sql
  /** TRUE when nothing is missing but something cannot be read: a word where a number belongs. */
  readonly broken: Sql
}

/** `field` gives the text of a field by its name in `source`; `snapshot` says whether the record is of a snapshot. */
export interface PositionFields {
  readonly field: (name: string) => Sql
  readonly snapshot: Sql
}

export function positionOf(connector: Connector, { field, snapshot }: PositionFields): Position {
  switch (connector) {
    case 'postgresql':
      return postgresql(field)
    case 'mysql':
    case 'mariadb':
      return mysql(field)
    case 'sqlserver':
      return sqlserver(field)
    case 'oracle':
      return oracle(field)
    case 'mongodb':
      return mongodb(field, snapshot)
  }
}

/** A whole number as hex of this many digits; NULL when the text is none, or needs more. */
export function hexOf(text: Sql, digits: 8 | 16): Sql {
  const value = sql`TRY_CAST(${text} AS ${digits === 16 ? sql`UBIGINT` : sql`UINTEGER`})`
  return sql`CASE WHEN CAST(${value} AS VARCHAR) = ${text} OR regexp_full_match(${text}, '[0-9]+') THEN ${digits === 16 ? sql`format('{:016x}', ${value})` : sql`format('{:08x}', ${value})`} END`
}

const orZero = (text: Sql, digits: 8 | 16): Sql =>
  sql`CASE WHEN ${text} IS NULL THEN ${'0'.repeat(digits)} ELSE ${hexOf(text, digits)} END`

const all = (...parts: readonly Sql[]): Sql => sql`(${parts.reduce((left, right) => sql`${left} || ${right}`)})`

/** The LSN of the change, else the second of `sequence`; the first is the previous commit's and alone says nothing. */
function postgresql(field: PositionFields['field']): Position {
  const lsn = sql`COALESCE(${field('lsn')}, json_extract_string(TRY_CAST(${field('sequence')} AS JSON), '$[1]'))`
  const text = hexOf(lsn, 16)
  return { text, broken: sql`(${lsn} IS NOT NULL AND ${text} IS NULL)` }
}

/** Number of the binlog file, position, row in the event: numbers, because `mysql-bin.1000000` comes after `.999999`. */
function mysql(field: PositionFields['field']): Position {
  const number = sql`nullif(regexp_extract(${field('file')}, '([0-9]+)$', 1), '')`
  const text = all(hexOf(number, 8), hexOf(field('pos'), 16), orZero(field('row'), 8))
  return { text, broken: sql`(${field('file')} IS NOT NULL AND ${field('pos')} IS NOT NULL AND ${text} IS NULL)` }
}

const LSN = '[0-9A-Fa-f]{8}:[0-9A-Fa-f]{8}:[0-9A-Fa-f]{4}'

/** Commit LSN, change LSN (none is lowest), serial number in the change. */
function sqlserver(field: PositionFields['field']): Position {
  const lsn = (name: string): Sql =>
    sql`CASE WHEN regexp_full_match(${field(name)}, ${LSN}) THEN lower(replace(${field(name)}, ':', '')) END`
  const change = sql`CASE WHEN ${field('change_lsn')} IS NULL THEN ${'0'.repeat(20)} ELSE ${lsn('change_lsn')} END`
  const text = all(lsn('commit_lsn'), change, orZero(field('event_serial_no'), 8))
  return { text, broken: sql`(${field('commit_lsn')} IS NOT NULL AND ${text} IS NULL)` }
}

/** SCN of the commit, because rows change long before they are committed; then the change's own place in the redo log. */
function oracle(field: PositionFields['field']): Position {
  const scn = field('scn')
  const commit = sql`COALESCE(${field('commit_scn')}, ${scn})`
  const text = all(
    hexOf(commit, 16),
    orZero(scn, 16),
    orZero(field('txSeq'), 8),
    rollback(field('rs_id')),
    orZero(field('ssn'), 8),
  )
  return { text, broken: sql`(${commit} IS NOT NULL AND ${text} IS NULL)` }
}

/** ` 0x000064.00000046.0010 `: log sequence, block and offset, as 8, 8 and 4 hex digits. */
function rollback(id: Sql): Sql {
  const parts = sql`string_split(regexp_replace(lower(trim(${id})), '^0x', ''), '.')`
  const part = (at: 1 | 2 | 3, width: number): Sql => sql`lpad(COALESCE(${parts}[${at}], ''), ${width}, '0')`
  return sql`CASE WHEN ${id} IS NULL THEN ${'0'.repeat(20)} ELSE concat(${part(1, 8)}, ${part(2, 8)}, ${part(3, 4)}) END`
}

/** The clock of the server and the order within its tick. A snapshot row has only the connector's clock: lowest. */
function mongodb(field: PositionFields['field'], snapshot: Sql): Position {
  const text = all(hexOf(field('ts_ms'), 16), orZero(field('ord'), 8))
  return {
    text: sql`CASE WHEN ${snapshot} THEN ${'0'.repeat(24)} ELSE ${text} END`,
    broken: sql`(${field('ts_ms')} IS NOT NULL AND ${text} IS NULL)`,
  }
}

/** `EE.`: which of the declared logs a record is of. NULL: a log that is not declared. */
export function epochOf({ epochs }: ChangeSource, source: Sql): Sql {
  if (epochs === undefined) return sql`'00.'`
  const value = sql`${source}.${ident(epochs.field)}`
  const cases = epochs.order.map(
    (each, at) => sql`WHEN ${value} = ${String(each)} THEN ${`${at.toString(16).padStart(2, '0')}.`}`,
  )
  return sql`CASE ${join(cases, ' ')} END`
}
