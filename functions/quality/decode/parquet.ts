import { stat } from 'node:fs/promises'
import type { Primitive } from '#lake/dataset.ts'
import type { Row, Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { copyToParquet } from '#lake/iceberg/data-file.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import type { ContractColumn } from '../contract.ts'
import { unreadable } from './inflate.ts'
import { scanJsonRecords } from './json.ts'
import { linesOf } from './lines.ts'
import type { Ordinals } from './ordinals.ts'
import type { PlaceSink } from './records.ts'
import type { ScannedObject } from './scanned.ts'
import { clean, type DecodeTask, lineageValue, ROW_GROUP_ROWS } from './typed-copy.ts'

const COLUMNS_MAX = 5_000
const ROW_GROUPS_MAX = 100_000
/** Runs of one value take next to no bytes, so as many as this are believed of any file. */
const VALUES_ALWAYS = 100_000_000

/**
 * Parquet: columns by name, copied as they are where their type is the contract's or narrower. A file with anything else in
 * it (unknown columns, other types, a value that does not fit) is written out as JSON, record by record, and goes the way of
 * JSON, so that every rule of the contract exists once. The raw form of a refused row is that JSON.
 */
export async function decodeParquet(session: Session, task: DecodeTask): Promise<ScannedObject> {
  const columns = await columnsOf(session, task)
  const direct = directSelect(task, columns)
  if (direct !== undefined) {
    try {
      const rows = await copyToParquet(session, {
        source: direct,
        schema: task.schema,
        path: `${task.base}.parquet`,
        rowGroupRows: ROW_GROUP_ROWS,
      })
      return clean(task, rows)
    } catch (error) {
      if (!isLakeError(error, 'engine-failed')) throw error
    }
  }
  return scanJsonRecords(session, { ...task, path: await asJson(session, task, { columns }) }, { columnar: true })
}

/** Writes these rows alone as the JSON that refused rows are kept in, and says where each of them stands in it. Returns that file. */
export async function placesInParquet(
  session: Session,
  task: DecodeTask,
  { wanted, sink }: { readonly wanted: Ordinals; readonly sink: PlaceSink },
): Promise<string> {
  const rows = sql`WHERE file_row_number + 1 IN (${wanted.select}) ORDER BY file_row_number`
  const path = await asJson(session, task, { columns: await columnsOf(session, task), rows })
  const ordinals = wanted[Symbol.iterator]()
  for await (const { offset, bytes } of linesOf(path)) {
    sink.place({ ordinal: ordinals.next().value ?? 0, offset, length: bytes.length })
    await sink.drain()
  }
  return path
}

type SourceColumns = ReadonlyMap<string, string>

/** Names and DuckDB types of the file's columns. Errors: `file-unreadable`. */
async function columnsOf(session: Session, task: DecodeTask): Promise<SourceColumns> {
  const [footer] = await readable(() =>
    session.rows(
      sql`SELECT num_row_groups::INTEGER AS groups, num_rows AS rows FROM parquet_file_metadata(${task.path})`,
    ),
  )
  if (Number(footer?.['groups']) > ROW_GROUPS_MAX)
    throw unreadable('row_groups', `the file has more than ${ROW_GROUPS_MAX} row groups`)
  const described = await readable(() =>
    session.rows(sql`DESCRIBE SELECT * FROM read_parquet(${task.path}, hive_partitioning = FALSE)`),
  )
  if (described.length > COLUMNS_MAX) throw unreadable('schema_width', `the file has more than ${COLUMNS_MAX} columns`)
  const values = Number(footer?.['rows']) * described.length
  const valuesMax = Math.max(VALUES_ALWAYS, (await stat(task.path)).size * task.contract.dataset.limits.expansionMax)
  if (values > valuesMax) throw unreadable('ratio', `the file claims ${values} values, more than ${valuesMax}`)
  // DuckDB tells columns apart that differ only in case by a suffix; which of them a reader means, nobody can tell.
  const names = await readable(() => session.rows(sql`SELECT name FROM parquet_schema(${task.path})`))
  const top = new Set(described.map(column => String(column['column_name'])))
  if (
    described.some(
      column =>
        /_\d+$/.test(String(column['column_name'])) && !names.some(each => each['name'] === column['column_name']),
    )
  )
    throw unreadable(
      'ambiguous_column',
      `columns of the file differ only in case: ${[...top].join(', ').slice(0, 200)}`,
    )
  return new Map(described.map(column => [String(column['column_name']), String(column['column_type'])]))
}

async function readable(read: () => Promise<readonly Row[]>): Promise<readonly Row[]> {
  try {
    return await read()
  } catch (error) {
    if (!isLakeError(error, 'engine-failed')) throw error
    const codec = /codec|compression|encrypt/i.test(error.message)
    throw unreadable(
      codec ? 'codec' : 'corrupt',
      codec ? 'the file uses a codec or an encryption that is not supported' : 'the file is no readable Parquet',
      error,
    )
  }
}

// --- The direct way ------------------------------------------------------------------------------------------------

function directSelect(task: DecodeTask, source: SourceColumns): Sql | undefined {
  const known = new Map<string, { readonly value: Sql; readonly doubts: readonly Sql[] }>()
  const used = new Set<string>()
  for (const column of task.contract.columns) {
    const names = [column.name, ...column.from].filter(name => source.has(name))
    if (names.length > 1 || (names.length === 0 && column.default !== undefined)) return undefined
    const conversion = convert(task, column, { name: names[0], type: source.get(names[0] ?? '') })
    if (conversion === undefined) return undefined
    if (names[0] !== undefined) used.add(names[0])
    known.set(column.name, conversion)
  }
  if (used.size < source.size) return undefined
  const doubts = [...known.values()].flatMap(each => each.doubts)
  const ordinal =
    doubts.length === 0
      ? sql`file_row_number + 1`
      : sql`CASE WHEN ${join(doubts, ' OR ')} THEN error('doubtful row') ELSE file_row_number + 1 END`
  const outputs = task.schema.fields.map(field => {
    const value = known.get(field.name)?.value ?? lineageValue(task, { ordinal, rescued: sql`NULL` }, field.name)
    return sql`${value} AS ${ident(field.name)}`
  })
  return sql`SELECT ${join(outputs, ', ')} FROM read_parquet(${task.path}, file_row_number = TRUE, hive_partitioning = FALSE)`
}

function convert(
  task: DecodeTask,
  column: ContractColumn,
  source: { readonly name: string | undefined; readonly type: string | undefined },
): { readonly value: Sql; readonly doubts: readonly Sql[] } | undefined {
  if (source.name === undefined || source.type === undefined)
    return column.required ? undefined : { value: sql`NULL`, doubts: [] }
  const input = ident(source.name)
  const missing = column.required ? [sql`${input} IS NULL`] : []
  const target = task.schema.fields.find(field => field.name === column.name)
  if (typeof column.type !== 'string') {
    const same =
      target !== undefined && duckdbType(target.type).text.replaceAll('"', '') === source.type.replaceAll('"', '')
    return same ? { value: input, doubts: missing } : undefined
  }
  if (column.format !== undefined) return undefined
  const way = wayOf(source.type, column.type)
  if (way === 'other') return undefined
  if (way === 'wider') return { value: input, doubts: missing }
  const value = sql`TRY_CAST(${input} AS ${duckdbType(column.type)})`
  return { value, doubts: [...missing, sql`(${input} IS NOT NULL AND NOT COALESCE(${value} = ${input}, FALSE))`] }
}

const INTEGER_DIGITS: Readonly<Record<string, number>> = {
  TINYINT: 3,
  UTINYINT: 3,
  SMALLINT: 5,
  USMALLINT: 5,
  INTEGER: 10,
  UINTEGER: 10,
  BIGINT: 19,
  UBIGINT: 20,
  HUGEINT: 38,
}
const LOSSLESS: Readonly<Partial<Record<Primitive, readonly string[]>>> = {
  boolean: ['BOOLEAN'],
  int: ['TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT', 'INTEGER'],
  long: ['TINYINT', 'UTINYINT', 'SMALLINT', 'USMALLINT', 'INTEGER', 'UINTEGER', 'BIGINT'],
  float: ['FLOAT'],
  double: ['FLOAT', 'DOUBLE', 'TINYINT', 'SMALLINT', 'INTEGER', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  date: ['DATE'],
  time: ['TIME'],
  timestamp: ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS'],
  // A timestamp without a zone is taken as UTC, as in text.
  timestamptz: ['TIMESTAMP WITH TIME ZONE', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS'],
  string: ['VARCHAR'],
  uuid: ['UUID'],
  binary: ['BLOB'],
}

/** `checked`: each value must be compared, as with int64, which pandas writes for everything whole. */
function wayOf(source: string, target: Primitive): 'wider' | 'checked' | 'other' {
  if (LOSSLESS[target]?.includes(source)) return 'wider'
  const numeric = source in INTEGER_DIGITS || /^(FLOAT|DOUBLE|DECIMAL)/.test(source)
  const wanted = /^decimal\((\d+),(\d+)\)$/.exec(target)
  if (!wanted) return numeric && (target === 'int' || target === 'long' || target === 'double') ? 'checked' : 'other'
  const held = /^DECIMAL\((\d+),(\d+)\)$/.exec(source)
  const [whole, scale] = held ? [Number(held[1]) - Number(held[2]), Number(held[2])] : [INTEGER_DIGITS[source] ?? 99, 0]
  if (whole <= Number(wanted[1]) - Number(wanted[2]) && scale <= Number(wanted[2])) return 'wider'
  return numeric ? 'checked' : 'other'
}

// --- The long way --------------------------------------------------------------------------------------------------

async function asJson(
  session: Session,
  task: DecodeTask,
  { columns, rows = sql`` }: { readonly columns: SourceColumns; readonly rows?: Sql },
): Promise<string> {
  const path = `${task.base}.parquet.ndjson`
  const outputs = [...columns].map(([name, type]) => {
    const column = ident(name)
    if (type === 'BLOB') return sql`to_base64(${column}) AS ${column}`
    // JSON has no NaN and no Infinity; as text they reach the contract, which refuses them by name.
    if (type === 'DOUBLE' || type === 'FLOAT')
      return sql`CASE WHEN isfinite(${column}) THEN CAST(${column} AS JSON) ELSE to_json(CAST(${column} AS VARCHAR)) END AS ${column}`
    return column
  })
  await readable(async () => {
    await session.run(
      sql`COPY (SELECT ${join(outputs, ', ')} FROM read_parquet(${task.path}, file_row_number = TRUE, hive_partitioning = FALSE) ${rows}) TO ${path} (FORMAT json)`,
    )
    return []
  })
  return path
}
