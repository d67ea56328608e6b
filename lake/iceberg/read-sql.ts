import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { LakeError } from '../errors.ts'
import type { FileLayout } from './file-layout.ts'
import { fitsByName, layoutColumns } from './layout-sql.ts'
import { NAME_MAPPING } from './name-mapping.ts'
import { duckdbType } from './schema-text.ts'
import type { NestedField, Schema } from './types.ts'

export interface ReadOptions {
  /** Adds `_file` (the path) and `_pos` (the row's number in it, from 0). */
  readonly places?: boolean
  /** What the files hold, by path. A file that is not among them is taken for one that Sluice wrote under the names of the schema. */
  readonly layouts?: ReadonlyMap<string, FileLayout>
  /** How many rows the files have in all, by which DuckDB plans joins: it does not open them to find out. */
  readonly rows?: bigint
}

/**
 * A SELECT of all rows of local data files under a schema, whatever schema each was written under: fields at any depth are found by
 * field id, missing ones are null, narrower ones widened. Fails with `unsupported`, naming the file, when it has neither field ids
 * nor a name mapping.
 */
export function readSql(schema: Schema, paths: readonly string[], options: ReadOptions = {}): Sql {
  if (paths.length === 0) return emptySql(schema, options.places ?? false)
  const groups = grouped(schema, paths, options.layouts ?? new Map())
  const rowsEach = (options.rows ?? 0n) / BigInt(paths.length)
  const selects = groups.map(group =>
    groupSql(schema, group, { ...options, rows: rowsEach * BigInt(group.paths.length) }),
  )
  return join(selects, ' UNION ALL ')
}

/** Files that are read alike. */
interface Group {
  /** undefined: DuckDB reads them under the schema by itself. It finds columns by field id, and the fields inside them by name. */
  readonly layout: FileLayout | undefined
  readonly hidesNaN: boolean
  readonly paths: readonly string[]
}

function grouped(schema: Schema, paths: readonly string[], layouts: ReadonlyMap<string, FileLayout>): readonly Group[] {
  const each = paths.map((path): Group & { readonly key: string } => {
    const known = layouts.get(path)
    if (known && !known.identified) throw unidentified(path)
    const layout = known && !fitsByName(schema, known) ? known : undefined
    const hidesNaN = known?.hidesNaN ?? false
    return { layout, hidesNaN, paths: [path], key: `${hidesNaN} ${layout ? layoutKey(layout) : ''}` }
  })
  return [...Map.groupBy(each, ({ key }) => key).values()].map(same => ({
    ...(same[0] as Group),
    paths: same.flatMap(one => one.paths),
  }))
}

const layoutKey = ({ fields, constants }: FileLayout): string =>
  JSON.stringify([
    fields,
    [...constants].map(([id, value]) => [id, typeof value === 'bigint' ? `${value}n` : value, Object.is(value, -0)]),
  ])

function unidentified(path: string): LakeError {
  return new LakeError(
    'unsupported',
    `a data file has no field ids, and the table has no name mapping to tell its columns by: set the property ${NAME_MAPPING}`,
    { file: path },
  )
}

function groupSql(schema: Schema, { layout, hidesNaN, paths }: Group, options: ReadOptions): Sql {
  const names = schema.fields.map(field => ident(field.name))
  const columns = layout ? layoutColumns(schema, layout) : join(names, ', ')
  const entries = join(schema.fields.map(fieldEntry), ', ')
  const how = layout ? sql`` : sql`, schema = MAP {${entries}}`
  const place = options.places ? sql`, "_sluice_file" AS _file, file_row_number AS _pos` : sql``
  const extra = options.places ? sql`, filename = '_sluice_file', file_row_number = true` : sql``
  const rows = options.rows ? sql`, explicit_cardinality = ${options.rows}` : sql``
  const nan = hidesNaN ? sql`, can_have_nan = true` : sql``
  return sql`SELECT ${columns}${place} FROM read_parquet(${paths}, hive_partitioning = false${how}${extra}${rows}${nan})`
}

function fieldEntry(field: NestedField): Sql {
  return sql`${field.id}: {name: ${field.name}, type: ${duckdbType(field.type).text}, default_value: NULL}`
}

function emptySql(schema: Schema, places: boolean): Sql {
  const columns = schema.fields.map(field => sql`CAST(NULL AS ${duckdbType(field.type)}) AS ${ident(field.name)}`)
  const place = places ? [sql`CAST(NULL AS VARCHAR) AS _file`, sql`CAST(NULL AS BIGINT) AS _pos`] : []
  return sql`SELECT ${join([...columns, ...place], ', ')} WHERE false`
}
