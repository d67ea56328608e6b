import type { Cell, Row, Session } from '../duckdb/engine.ts'
import { ident, join, literal, type Sql, sql } from '../duckdb/sql.ts'
import { assert, LakeError } from '../errors.ts'
import { type ColumnStats, fileMetrics } from './metrics.ts'
import { metricsConfig } from './metrics-config.ts'
import { assertUniqueIds } from './schema.ts'
import { duckdbType, fieldIds } from './schema-text.ts'
import { compression, TABLE_PROPERTIES } from './table-properties.ts'
import type { DataFile, PartitionValue, Schema } from './types.ts'

export interface ParquetOptions {
  /** Rows of a row group: what a writing thread holds in memory. DuckDB's own default when absent. */
  readonly rowGroupRows?: number | undefined
  /** Goes before what `properties` say. */
  readonly codec?: 'zstd' | 'snappy' | undefined
  /** The table's: they name its codec. Those of a new table when absent. */
  readonly properties?: Readonly<Record<string, string>> | undefined
}

/** A Parquet file on local disk that DuckDB wrote, and what it said of it. */
export interface CopiedFile {
  readonly path: string
  readonly rows: number
  readonly bytes: number
  /** The row that COPY … RETURN_STATS gave: `describeDataFile` turns it into a manifest's data file. */
  readonly stats: Row
}

/** Writes a SELECT as one file in the table's form: the schema's columns in its order and types, and nothing else. */
export async function copyToParquet(
  session: Session,
  task: ParquetOptions & { readonly source: Sql; readonly schema: Schema; readonly path: string },
): Promise<CopiedFile> {
  const select = sql`SELECT ${tableColumns(task.schema)} FROM (${task.source})`
  const [stats] = await session.rows(sql`COPY (${select}) TO ${task.path} (${copyOptions(task.schema, task)})`)
  assert(stats, 'COPY … RETURN_STATS gives one row for each file')
  return copiedFile(stats)
}

/** The columns of a table as a select list: cast, because Parquet marks of other widths (INT_8, UINT_64, JSON) break readers. */
export function tableColumns(schema: Schema): Sql {
  return join(
    schema.fields.map(field => sql`CAST(${ident(field.name)} AS ${duckdbType(field.type)}) AS ${ident(field.name)}`),
    ', ',
  )
}

/** What stands in the parentheses of a COPY that writes data files of this schema. */
export function copyOptions(schema: Schema, options: ParquetOptions = {}): Sql {
  assertUniqueIds(schema)
  const groups = options.rowGroupRows === undefined ? sql`` : sql`, ROW_GROUP_SIZE ${options.rowGroupRows}`
  // Iceberg Java writes the schema too; readers without field ids resolve renames by it.
  const keyValues = sql`KV_METADATA {'iceberg.schema': ${literal(JSON.stringify(schema))}}`
  return sql`FORMAT parquet, ${compression(options.properties ?? TABLE_PROPERTIES, options.codec)}${groups}, FIELD_IDS ${fieldIds(schema)}, RETURN_STATS, ${keyValues}`
}

export function copiedFile(stats: Row): CopiedFile {
  return {
    path: String(stats['filename']),
    rows: Number(stats['count']),
    bytes: Number(stats['file_size_bytes']),
    stats,
  }
}

export interface Description {
  readonly schema: Schema
  readonly specId: number
  /** One value per field of the spec, in Avro form. */
  readonly partition: readonly PartitionValue[]
  /** 0 when the rows are in no declared order. */
  readonly sortOrderId?: number
  /** The table's: they say how much the manifest is to tell of which column. Those of a new table when absent. */
  readonly properties?: Readonly<Record<string, string>> | undefined
}

/** The manifest entry of a local file; `file_path` stays empty until the file has its place in the table. */
export async function describeDataFile(session: Session, copied: CopiedFile, what: Description): Promise<DataFile> {
  const metrics = await fileMetrics(session, {
    path: copied.path,
    schema: what.schema,
    stats: columnStats(copied.stats),
    config: metricsConfig(what.properties ?? TABLE_PROPERTIES),
  })
  return {
    content: 0,
    file_path: '',
    file_format: 'PARQUET',
    partition: what.partition,
    spec_id: what.specId,
    record_count: BigInt(copied.rows),
    file_size_in_bytes: BigInt(copied.bytes),
    ...metrics,
    equality_ids: null,
    sort_order_id: what.sortOrderId ?? 0,
    referenced_data_file: null,
  }
}

/** RETURN_STATS has one MAP(path → MAP(name → text)), which the engine gives as lists of keys and values. */
function columnStats(row: Row): ReadonlyMap<string, ColumnStats> {
  return new Map(
    entries(row['column_statistics']).map(([path, values]) => [path, Object.fromEntries(textEntries(values))]),
  )
}

function textEntries(map: Cell | undefined): readonly (readonly [string, string])[] {
  return entries(map).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)] as const]))
}

export function entries(map: Cell | undefined): readonly (readonly [string, Cell])[] {
  if (map === null || map === undefined) return []
  if (!Array.isArray(map)) throw new LakeError('engine-failed', 'a MAP was expected in the answer of COPY')
  return (map as readonly { readonly key: Cell; readonly value: Cell }[]).map(({ key, value }) => [String(key), value])
}
