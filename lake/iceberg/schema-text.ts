import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { assert, LakeError } from '../errors.ts'
import type { CatalogColumn } from '../lake.ts'
import { parsePrimitive } from './primitive.ts'
import type { IcebergType, NestedField, Schema } from './types.ts'

/** The DuckDB type that holds an Iceberg type exactly, as syntax; `.text` of it is the name. */
export function duckdbType(type: IcebergType): Sql {
  if (typeof type === 'string') return duckdbPrimitive(type)
  switch (type.type) {
    case 'struct':
      return sql`STRUCT(${join(
        type.fields.map(field => sql`${ident(field.name)} ${duckdbType(field.type)}`),
        ', ',
      )})`
    case 'list':
      return sql`${duckdbType(type.element)}[]`
    case 'map':
      return sql`MAP(${duckdbType(type.key)}, ${duckdbType(type.value)})`
  }
}

function duckdbPrimitive(type: string): Sql {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'boolean':
      return sql`BOOLEAN`
    case 'int':
      return sql`INTEGER`
    case 'long':
      return sql`BIGINT`
    case 'float':
      return sql`FLOAT`
    case 'double':
      return sql`DOUBLE`
    case 'decimal':
      return sql`DECIMAL(${primitive.precision}, ${primitive.scale})`
    case 'date':
      return sql`DATE`
    case 'time':
      return sql`TIME`
    case 'timestamp':
      return sql`TIMESTAMP`
    case 'timestamptz':
      return sql`TIMESTAMP WITH TIME ZONE`
    case 'string':
      return sql`VARCHAR`
    case 'uuid':
      return sql`UUID`
    case 'binary':
    case 'fixed':
      return sql`BLOB`
  }
}

/**
 * The value of COPY's FIELD_IDS option: every field at every depth, because DuckDB writes no id for a column that is left out
 * and says nothing, and readers then see NULLs.
 */
export function fieldIds(schema: Schema): Sql {
  return sql`{${join(schema.fields.map(fieldIdEntry), ', ')}}`
}

function fieldIdEntry(field: NestedField): Sql {
  return sql`${ident(field.name)}: ${fieldIdValue(field.id, field.type)}`
}

function fieldIdValue(id: number, type: IcebergType): Sql {
  if (typeof type === 'string') return sql`${id}`
  switch (type.type) {
    case 'struct':
      assert(type.fields.length > 0, 'Parquet cannot hold a struct without fields')
      return sql`{__duckdb_field_id: ${id}, ${join(type.fields.map(fieldIdEntry), ', ')}}`
    case 'list':
      return sql`{__duckdb_field_id: ${id}, element: ${fieldIdValue(type['element-id'], type.element)}}`
    case 'map':
      return sql`{__duckdb_field_id: ${id}, key: ${fieldIdValue(type['key-id'], type.key)}, value: ${fieldIdValue(type['value-id'], type.value)}}`
  }
}

/** How Hive is to see temporal values: as they are, or as the text or number that stands in a raw file. */
export type HiveTimes = 'timestamp' | 'string' | 'bigint'

/** The Hive type that Glue and Athena show (Iceberg's IcebergToGlueConverter): informational, time and uuid become string. */
export function hiveType(type: IcebergType, times: HiveTimes = 'timestamp'): string {
  if (typeof type === 'string') return hivePrimitive(type, times)
  switch (type.type) {
    case 'struct':
      return `struct<${type.fields.map(field => `${field.name}:${hiveType(field.type, times)}`).join(',')}>`
    case 'list':
      return `array<${hiveType(type.element, times)}>`
    case 'map':
      return `map<${hiveType(type.key, times)},${hiveType(type.value, times)}>`
  }
}

function hivePrimitive(type: string, times: HiveTimes): string {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'long':
      return 'bigint'
    case 'date':
      return times === 'string' ? 'string' : 'date'
    case 'time':
      return times === 'bigint' ? 'bigint' : 'string'
    case 'timestamp':
    case 'timestamptz':
      return times
    case 'uuid':
      return 'string'
    case 'fixed':
      return 'binary'
    case 'decimal':
      return `decimal(${primitive.precision},${primitive.scale})`
    default:
      return primitive.kind
  }
}

/** The catalog's columns: the current schema's first, then those that only older schemas have (Iceberg's Glue convention). */
export function catalogColumns(schemas: readonly Schema[], currentId: number): readonly CatalogColumn[] {
  const current = schemas.find(schema => schema['schema-id'] === currentId)
  if (!current) throw new LakeError('table-corrupt', `the metadata has no schema ${currentId}`, { schemaId: currentId })
  const older = schemas.filter(schema => schema !== current).toReversed()
  const columns = [current, ...older].flatMap(schema =>
    schema.fields.map(field => catalogColumn(field, schema === current)),
  )
  return [...Map.groupBy(columns, column => column.name.toLowerCase()).values()].map(same => same[0] as CatalogColumn)
}

function catalogColumn(field: NestedField, current: boolean): CatalogColumn {
  return {
    name: field.name,
    type: hiveType(field.type),
    ...(field.doc === undefined ? {} : { comment: field.doc }),
    parameters: {
      'iceberg.field.id': String(field.id),
      'iceberg.field.optional': String(!field.required),
      'iceberg.field.current': String(current),
    },
  }
}
