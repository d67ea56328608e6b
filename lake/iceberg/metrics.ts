import { LINEAGE } from '../dataset.ts'
import type { Row, Session } from '../duckdb/engine.ts'
import { sql } from '../duckdb/sql.ts'
import { assert } from '../errors.ts'
import { type Bounds, boundsOf } from './bounds.ts'
import { type MetricsConfig, type MetricsMode, metricsMode } from './metrics-config.ts'
import { parsePrimitive } from './primitive.ts'
import { type LeafField, leafFields } from './schema.ts'
import type { DataFile, Schema } from './types.ts'
import { compareValues, fromText, type Value } from './value.ts'

/** Of one column of a file, as DuckDB's RETURN_STATS names and writes it. */
export type ColumnStats = Readonly<Record<string, string | undefined>>

export type Metrics = Pick<
  DataFile,
  | 'column_sizes'
  | 'value_counts'
  | 'null_value_counts'
  | 'nan_value_counts'
  | 'lower_bounds'
  | 'upper_bounds'
  | 'split_offsets'
>

export interface Measured {
  readonly path: string
  readonly schema: Schema
  /** By path, as DuckDB names a column: `"st"."n"`. */
  readonly stats: ReadonlyMap<string, ColumnStats>
  readonly config: MetricsConfig
}

/**
 * What a manifest says of a file's columns and row groups. What COPY returned is taken where it can be trusted; the rest is read from the
 * row groups in the footer, and where that does not tell either there is no bound, which is always right.
 */
export async function fileMetrics(session: Session, file: Measured): Promise<Metrics> {
  const columns = measuredColumns(file)
  const { offsets, engine } = await inspect(session, file.path)
  const doubtful = columns.filter(column => isDoubtful(column, offsets.length))
  const groups = await rowGroups(session, file.path, doubtful)
  return {
    ...counted(columns),
    nan_value_counts: new Map(
      columns.filter(column => hasNoNaN(column, groups.get(column.index))).map(({ leaf }) => [leaf.id, 0n]),
    ),
    ...bounded(columns, groups, trustsWideDecimals(engine)),
    split_offsets: offsets,
  }
}

interface Column {
  readonly leaf: LeafField
  /** Among the leaf columns of the file, as Parquet counts them. */
  readonly index: number
  readonly mode: MetricsMode
  readonly stats: ColumnStats
}

const LINEAGE_NAMES: ReadonlySet<string> = new Set(LINEAGE.map(column => column.name))

function measuredColumns({ schema, stats, config }: Measured): readonly Column[] {
  const leaves = leafFields(schema)
  assert(stats.size === leaves.length, 'every column of the file is a field of the schema')
  return leaves.map((leaf, index) => {
    const column = stats.get(leaf.path.map(quoted).join('.'))
    assert(column, `the file has the column ${leaf.path.join('.')}`)
    // Rows are found by their lineage, which stands after all other columns.
    const position = LINEAGE_NAMES.has(leaf.path[0] as string) ? 0 : index
    return { leaf, index, mode: metricsMode(config, { path: leaf.path, index: position }), stats: column }
  })
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Sizes of all columns, because planners weigh them; counts of those that are measured (Iceberg's ParquetUtil). */
function counted(columns: readonly Column[]): Pick<Metrics, 'column_sizes' | 'value_counts' | 'null_value_counts'> {
  const measured = columns.filter(column => column.mode.kind !== 'none')
  const counts = (from: readonly Column[], name: string): ReadonlyMap<number, bigint> =>
    new Map(
      from.flatMap(({ leaf, stats }) => {
        const text = stats[name]
        return text === undefined ? [] : [[leaf.id, BigInt(text)] as const]
      }),
    )
  return {
    column_sizes: counts(columns, 'column_size_bytes'),
    value_counts: counts(measured, 'num_values'),
    null_value_counts: counts(measured, 'null_count'),
  }
}

function bounded(
  columns: readonly Column[],
  groups: ReadonlyMap<number, readonly RowGroup[]>,
  wideDecimals: boolean,
): Pick<Metrics, 'lower_bounds' | 'upper_bounds'> {
  const bounds = columns
    .filter(column => hasBounds(column) && (wideDecimals || !isWideDecimal(column.leaf.type)))
    .map(column => ({ id: column.leaf.id, ...columnBounds(column, groups.get(column.index)) }))
  return {
    lower_bounds: new Map(bounds.flatMap(({ id, lower }) => (lower === undefined ? [] : [[id, lower]]))),
    upper_bounds: new Map(bounds.flatMap(({ id, upper }) => (upper === undefined ? [] : [[id, upper]]))),
  }
}

/** One row has any number of values below a list or a map, so bounds of those say nothing about rows. */
const hasBounds = ({ leaf, mode }: Column): boolean =>
  !leaf.repeated && (mode.kind === 'truncate' || mode.kind === 'full')

function columnBounds({ leaf, mode, stats }: Column, groups: readonly RowGroup[] | undefined): Bounds {
  const how = { length: mode.kind === 'truncate' ? mode.length : undefined }
  if (stats['min'] !== undefined || groups === undefined) {
    const [min, max] = [textValue(leaf.type, stats['min']), textValue(leaf.type, stats['max'])]
    return boundsOf(leaf.type, { min, max }, how)
  }
  return boundsOf(leaf.type, rangeOf(leaf.type, groups), how)
}

const textValue = (type: string, text: string | undefined): Value | undefined =>
  text === undefined ? undefined : fromText(type, text)

// --- What COPY does not say rightly --------------------------------------------------------------------------------

interface RowGroup {
  readonly values: bigint
  readonly nulls: bigint | undefined
  readonly min: string | undefined
  readonly max: string | undefined
}

const isFloating = (type: string): boolean => type === 'float' || type === 'double'

/**
 * DuckDB 1.5 drops the file's minimum and maximum as soon as one row group is wholly null, and says of NaN only whether the last row
 * group has any: a reader would skip files that hold NaN.
 */
function isDoubtful({ leaf, mode, stats }: Column, groups: number): boolean {
  if (leaf.repeated || mode.kind === 'none' || groups < 2) return false
  if (isFloating(leaf.type) && stats['has_nan'] === 'false') return true
  const nulls = stats['null_count']
  const lost = stats['min'] === undefined && nulls !== undefined && nulls !== '0' && nulls !== stats['num_values']
  return lost && (mode.kind === 'truncate' || mode.kind === 'full')
}

/** Parquet has no minimum for values among which one is NaN, so a row group that has one has none. */
function hasNoNaN({ leaf, mode, stats }: Column, groups: readonly RowGroup[] | undefined): boolean {
  if (leaf.repeated || mode.kind === 'none' || stats['has_nan'] !== 'false') return false
  return groups === undefined || groups.every(group => isEmpty(group) || group.min !== undefined)
}

const isEmpty = (group: RowGroup): boolean => group.nulls === group.values

/** Nothing when one row group with values does not say what they lie between. */
function rangeOf(
  type: string,
  groups: readonly RowGroup[],
): { readonly min: Value | undefined; readonly max: Value | undefined } {
  const filled = groups.filter(group => !isEmpty(group))
  const extreme = (name: 'min' | 'max', sign: 1 | -1): Value | undefined => {
    const values = filled.map(group => textValue(type, isBytes(type) ? hexOf(group[name]) : group[name]))
    if (!values.every(value => value !== undefined)) return undefined
    return values.toSorted((left, right) => sign * compareValues(left, right))[0]
  }
  return { min: extreme('min', 1), max: extreme('max', -1) }
}

const isBytes = (type: string): boolean => type === 'binary' || type.startsWith('fixed')

/** `parquet_metadata` writes unprintable bytes and the backslash as `\x5C` and the rest as they are; COPY writes digits alone. */
function hexOf(text: string | undefined): string | undefined {
  const parts = text?.split(/\\x([0-9A-F]{2})/)
  return parts?.map((part, index) => (index % 2 === 1 ? part : Buffer.from(part).toString('hex'))).join('')
}

async function inspect(
  session: Session,
  path: string,
): Promise<{ readonly offsets: readonly bigint[]; readonly engine: string }> {
  const rows = await session.rows(
    sql`SELECT version() AS engine, min(COALESCE(dictionary_page_offset, data_page_offset)) AS start FROM parquet_metadata(${path}) GROUP BY row_group_id ORDER BY row_group_id`,
  )
  return { offsets: rows.map(row => BigInt(String(row['start']))), engine: String(rows[0]?.['engine'] ?? '') }
}

/** By the index of the column. */
async function rowGroups(
  session: Session,
  path: string,
  columns: readonly Column[],
): Promise<ReadonlyMap<number, readonly RowGroup[]>> {
  if (columns.length === 0) return new Map()
  const wanted = columns.map(column => column.index)
  const rows = await session.rows(
    sql`SELECT column_id, num_values, stats_null_count, stats_min_value, stats_max_value FROM parquet_metadata(${path}) WHERE list_contains(${wanted}, column_id) ORDER BY row_group_id`,
  )
  return new Map(
    [...Map.groupBy(rows, row => Number(row['column_id']))].map(([index, group]) => [index, group.map(groupOf)]),
  )
}

function groupOf(row: Row): RowGroup {
  const text = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]))
  const nulls = text('stats_null_count')
  return {
    values: BigInt(String(row['num_values'])),
    nulls: nulls === undefined ? undefined : BigInt(nulls),
    min: text('stats_min_value'),
    max: text('stats_max_value'),
  }
}

function isWideDecimal(type: string): boolean {
  const primitive = parsePrimitive(type)
  return primitive.kind === 'decimal' && primitive.precision > 18
}

/** DuckDB before 1.5.6 gives wrong minima and maxima of decimals over 18 digits (duckdb#23504): readers would skip matching files. */
function trustsWideDecimals(engine: string): boolean {
  const [major = 0, minor = 0, patch = 0] = engine.replace(/^v/, '').split(/[.-]/).map(Number)
  return major > 1 || (major === 1 && (minor > 5 || (minor === 5 && patch >= 6)))
}
