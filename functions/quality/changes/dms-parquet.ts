import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import type { DmsRows } from './dms-csv.ts'

/** Parquet of DMS: files of changes have an `Op`, those of the full load have not. Values become text, from which the contract takes them. */
export async function dmsParquet(session: Session, task: DecodeTask): Promise<DmsRows> {
  const source = sql`read_parquet(${task.path}, file_row_number = TRUE, hive_partitioning = FALSE)`
  const described = await session.rows(sql`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${source}`)
  const columns = described.map(row => ({ name: String(row['column_name']), type: String(row['column_type']) }))
  const names = columns.map(({ name }) => name)
  const packed = columns.map(({ name, type }) => sql`${ident(name)} := ${textOf(ident(name), type)}`)
  const from = sql`SELECT file_row_number + 1 AS ordinal, NULL::BIGINT AS "offset", NULL::BIGINT AS length, NULL::STRUCT(reason VARCHAR, message VARCHAR) AS fault, struct_pack(${join(packed, ', ')}) AS e FROM ${source}`
  return { from, names, byLine: true, op: names.find(name => name === 'Op'), table: undefined, schema: undefined }
}

function textOf(column: Sql, type: string): Sql {
  if (type === 'BLOB') return sql`to_base64(${column})`
  return /[[(]/.test(type) && !type.startsWith('DECIMAL')
    ? sql`CAST(to_json(${column}) AS VARCHAR)`
    : sql`CAST(${column} AS VARCHAR)`
}

/** The rows as lines of JSON: the raw form of those that are refused. */
export async function parquetAsLines(session: Session, task: DecodeTask): Promise<string> {
  const path = `${task.base}.rows.ndjson`
  const rows = sql`SELECT * EXCLUDE (file_row_number) FROM read_parquet(${task.path}, file_row_number = TRUE, hive_partitioning = FALSE) ORDER BY file_row_number`
  await session.run(sql`COPY (${rows}) TO ${path} (FORMAT json)`)
  return path
}
