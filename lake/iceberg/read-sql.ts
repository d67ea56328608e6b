import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { duckdbType } from './schema-text.ts'
import type { NestedField, Schema } from './types.ts'

/**
 * A SELECT of all rows of local data files under a schema, whatever schema each was written under: columns are found by field
 * id, missing ones are null, narrower ones widened. `places` adds `_file` (the path) and `_pos` (the row's number in it, from 0).
 */
export function readSql(schema: Schema, paths: readonly string[], options: { readonly places?: boolean } = {}): Sql {
  const columns = schema.fields.map(field => ident(field.name))
  if (paths.length === 0) return emptySql(schema, options.places ?? false)
  const place = options.places ? [sql`"_sluice_file" AS _file`, sql`file_row_number AS _pos`] : []
  const extra = options.places ? sql`, filename = '_sluice_file', file_row_number = true` : sql``
  return sql`SELECT ${join([...columns, ...place], ', ')} FROM read_parquet(${paths}, schema = MAP {${join(
    schema.fields.map(fieldEntry),
    ', ',
  )}}, hive_partitioning = false${extra})`
}

function fieldEntry(field: NestedField): Sql {
  return sql`${field.id}: {name: ${field.name}, type: ${duckdbType(field.type).text}, default_value: NULL}`
}

function emptySql(schema: Schema, places: boolean): Sql {
  const columns = schema.fields.map(field => sql`CAST(NULL AS ${duckdbType(field.type)}) AS ${ident(field.name)}`)
  const place = places ? [sql`CAST(NULL AS VARCHAR) AS _file`, sql`CAST(NULL AS BIGINT) AS _pos`] : []
  return sql`SELECT ${join([...columns, ...place], ', ')} WHERE false`
}
