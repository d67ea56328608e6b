import { LINEAGE } from '../dataset.ts'
import type { Cell, Row, Session } from '../duckdb/engine.ts'
import { ident, join, literal, type Sql, sql } from '../duckdb/sql.ts'
import { assert, LakeError } from '../errors.ts'
import { boundsFromText } from './bounds.ts'
import { parsePrimitive } from './primitive.ts'
import { assertUniqueIds, type LeafField, leafFields } from './schema.ts'
import { duckdbType, fieldIds } from './schema-text.ts'
import type { DataFile, PartitionValue, Schema } from './types.ts'

export interface ParquetOptions {
  /** Rows of a row group: what a writing thread holds in memory. DuckDB's own default when absent. */
  readonly rowGroupRows?: number | undefined
  readonly codec?: 'zstd' | 'snappy' | undefined
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
  const compression = options.codec === 'snappy' ? sql`COMPRESSION snappy` : sql`COMPRESSION zstd, COMPRESSION_LEVEL 1`
  const groups = options.rowGroupRows === undefined ? sql`` : sql`, ROW_GROUP_SIZE ${options.rowGroupRows}`
  // Iceberg Java writes the schema too; readers without field ids resolve renames by it.
  const keyValues = sql`KV_METADATA {'iceberg.schema': ${literal(JSON.stringify(schema))}}`
  return sql`FORMAT parquet, ${compression}${groups}, FIELD_IDS ${fieldIds(schema)}, RETURN_STATS, ${keyValues}`
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
}

/** The manifest entry of a local file; `file_path` stays empty until the file has its place in the table. */
export async function describeDataFile(session: Session, copied: CopiedFile, what: Description): Promise<DataFile> {
  const { splitOffsets, wideDecimals } = await inspect(session, copied.path)
  return {
    content: 0,
    file_path: '',
    file_format: 'PARQUET',
    partition: what.partition,
    spec_id: what.specId,
    record_count: BigInt(copied.rows),
    file_size_in_bytes: BigInt(copied.bytes),
    ...metrics(what.schema, columnStats(copied.stats), wideDecimals),
    split_offsets: splitOffsets,
    equality_ids: null,
    sort_order_id: what.sortOrderId ?? 0,
    referenced_data_file: null,
  }
}

async function inspect(
  session: Session,
  path: string,
): Promise<{ readonly splitOffsets: readonly bigint[]; readonly wideDecimals: boolean }> {
  const rows = await session.rows(
    sql`SELECT version() AS engine, min(COALESCE(dictionary_page_offset, data_page_offset)) AS start FROM parquet_metadata(${path}) GROUP BY row_group_id ORDER BY row_group_id`,
  )
  return {
    splitOffsets: rows.map(row => BigInt(String(row['start']))),
    wideDecimals: rows.every(row => trustsWideDecimals(String(row['engine']))),
  }
}

/** DuckDB before 1.5.6 gives wrong minima and maxima of decimals over 18 digits (duckdb#23504): readers would skip matching files. */
function trustsWideDecimals(engine: string): boolean {
  const [major = 0, minor = 0, patch = 0] = engine.replace(/^v/, '').split(/[.-]/).map(Number)
  return major > 1 || (major === 1 && (minor > 5 || (minor === 5 && patch >= 6)))
}

// --- Metrics -------------------------------------------------------------------------------------------------------

type Stats = Readonly<Record<string, string | undefined>>

/** Iceberg's default for tables without metrics settings: wide tables would fill their manifests with bounds nobody asks for. */
const METRICS_COLUMNS_MAX = 100
const LINEAGE_NAMES: ReadonlySet<string> = new Set(LINEAGE.map(column => column.name))
/** Bounds of the whole value, so that the files of a raw object are found by pruning alone. */
const FULL_METRICS: ReadonlySet<string> = new Set(['_raw_object'])

type Metrics = Pick<
  DataFile,
  'column_sizes' | 'value_counts' | 'null_value_counts' | 'nan_value_counts' | 'lower_bounds' | 'upper_bounds'
>

function metrics(schema: Schema, stats: ReadonlyMap<string, Stats>, wideDecimals: boolean): Metrics {
  const leaves = leafFields(schema)
  const found = {
    column_sizes: new Map<number, bigint>(),
    value_counts: new Map<number, bigint>(),
    null_value_counts: new Map<number, bigint>(),
    nan_value_counts: new Map<number, bigint>(),
    lower_bounds: new Map<number, Buffer>(),
    upper_bounds: new Map<number, Buffer>(),
  }
  assert(stats.size === leaves.length, 'every column of the file is a field of the schema')
  for (const [index, leaf] of leaves.entries()) {
    const column = stats.get(leaf.path.map(quoted).join('.'))
    assert(column, `the file has the column ${leaf.path.join('.')}`)
    if (index >= METRICS_COLUMNS_MAX && !LINEAGE_NAMES.has(leaf.path[0] as string)) continue
    count(found.column_sizes, leaf.id, column['column_size_bytes'])
    count(found.value_counts, leaf.id, column['num_values'])
    count(found.null_value_counts, leaf.id, column['null_count'])
    if (leaf.repeated) continue
    if (column['has_nan'] === 'false') found.nan_value_counts.set(leaf.id, 0n)
    if (isWideDecimal(leaf) && !wideDecimals) continue
    const full = leaf.path.length === 1 && FULL_METRICS.has(leaf.path[0] as string)
    const { lower, upper } = boundsFromText(leaf.type, { min: column['min'], max: column['max'] }, { full })
    if (lower !== undefined) found.lower_bounds.set(leaf.id, lower)
    if (upper !== undefined) found.upper_bounds.set(leaf.id, upper)
  }
  return found
}

function isWideDecimal(leaf: LeafField): boolean {
  const primitive = parsePrimitive(leaf.type)
  return primitive.kind === 'decimal' && primitive.precision > 18
}

function count(into: Map<number, bigint>, id: number, text: string | undefined): void {
  if (text !== undefined) into.set(id, BigInt(text))
}

/** As DuckDB names a column in its statistics: `"st"."n"`. */
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** RETURN_STATS has one MAP(path → MAP(name → text)), which the engine gives as lists of keys and values. */
function columnStats(row: Row): ReadonlyMap<string, Stats> {
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
