import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { LakeError } from '../errors.ts'
import type { FileField, FileLayout, FileType } from './file-layout.ts'
import { duckdbType } from './schema-text.ts'
import type { IcebergType, NestedField, PartitionValue, Schema, StructType } from './types.ts'
import { fromPartition } from './value.ts'
import { valueSql } from './value-sql.ts'

/**
 * Whether DuckDB's own mapping reads the file rightly: columns by field id, and the fields inside them by names that nobody has
 * renamed or used again.
 */
export function fitsByName(schema: Schema, { fields, constants }: FileLayout): boolean {
  const fitsColumn = (column: NestedField): boolean => {
    const found = byId(fields, column.id)
    return found === undefined || fits(column.type, found.type)
  }
  return constants.size === 0 && schema.fields.every(fitsColumn)
}

function fits(type: IcebergType, file: FileType): boolean {
  if (typeof type === 'string') return file.kind === 'primitive' && conversion(type, file.stored) === 'cast'
  if (type.type === 'list') return file.kind === 'list' && fits(type.element, file.element.type)
  if (type.type === 'map')
    return file.kind === 'map' && fits(type.key, file.key.type) && fits(type.value, file.value.type)
  if (file.kind !== 'struct') return false
  const pairs = type.fields.map(field => ({
    field,
    found: byId(file.fields, field.id),
    named: byName(file.fields, field),
  }))
  // A struct without any field in common is one that DuckDB cannot cast.
  return (
    pairs.some(({ found }) => found !== undefined) &&
    pairs.every(({ field, found, named }) => found === named && (!found || fits(field.type, found.type)))
  )
}

const byId = (fields: readonly FileField[], id: number): FileField | undefined => fields.find(field => field.id === id)

/** As DuckDB compares names. */
const byName = (fields: readonly FileField[], { name }: NestedField): FileField | undefined =>
  fields.find(field => field.name.toLowerCase() === name.toLowerCase())

/** Unmarked bytes, which Hive and Impala write for text, are no text to DuckDB, and its cast would write them out as `\x41`. */
function conversion(type: string, stored: string): 'cast' | 'decode' | 'encode' {
  if (type === 'string' && stored === 'BYTE_ARRAY') return 'decode'
  return type === 'binary' && stored === 'BYTE_ARRAY UTF8' ? 'encode' : 'cast'
}

/** The columns of a schema as a select list over a file of this layout, each nested value built anew from the fields it is made of. */
export function layoutColumns(schema: Schema, layout: FileLayout): Sql {
  checkNames(layout.fields)
  const columns = schema.fields.map(column => {
    const found = byId(layout.fields, column.id)
    const value = found
      ? fieldSql(column.type, found, { value: ident(found.name), depth: 0, layout })
      : absent(column, layout)
    return sql`${value} AS ${ident(column.name)}`
  })
  return join(columns, ', ')
}

/** DuckDB gives the second of two names that differ by case another name, and then neither can be asked for with certainty. */
function checkNames(fields: readonly FileField[]): void {
  const twice = fields.find((field, index) =>
    fields.some((other, at) => at < index && other.name.toLowerCase() === field.name.toLowerCase()),
  )
  if (twice)
    throw new LakeError('unsupported', `a data file has two columns ${twice.name} that differ by case only`, {
      column: twice.name,
    })
}

interface Place {
  /** The value as it is in the file. */
  readonly value: Sql
  /** Of lambdas around it: their parameters must have different names. */
  readonly depth: number
  readonly layout: FileLayout
}

function fieldSql(type: IcebergType, file: FileField, place: Place): Sql {
  const { value, depth } = place
  if (typeof type === 'string') return primitiveOf(type, file, value)
  if (type.type === 'struct' && file.type.kind === 'struct') return structOf(type, file.type.fields, place)
  const item = ident(`item_${depth}`)
  if (type.type === 'list' && file.type.kind === 'list') {
    const element = fieldSql(type.element, file.type.element, { ...place, value: item, depth: depth + 1 })
    return sql`list_transform(${value}, lambda ${item}: ${element})`
  }
  if (type.type === 'map' && file.type.kind === 'map') {
    const key = fieldSql(type.key, file.type.key, { ...place, value: sql`${item}.key`, depth: depth + 1 })
    const mapped = fieldSql(type.value, file.type.value, { ...place, value: sql`${item}.value`, depth: depth + 1 })
    const pairs = sql`list_transform(map_entries(${value}), lambda ${item}: struct_pack(k := ${key}, v := ${mapped}))`
    return sql`map_from_entries(${pairs})`
  }
  throw mismatch(type, file)
}

/** A struct that is null stays null, and is not one of nulls. */
function structOf(type: StructType, fields: readonly FileField[], place: Place): Sql {
  checkNames(fields)
  const parts = type.fields.map(field => {
    const found = byId(fields, field.id)
    const below = found && { ...place, value: sql`struct_extract(${place.value}, ${found.name})` }
    return sql`${ident(field.name)} := ${below ? fieldSql(field.type, found, below) : absent(field, place.layout)}`
  })
  return sql`CASE WHEN ${place.value} IS NOT NULL THEN struct_pack(${join(parts, ', ')}) END`
}

function primitiveOf(type: string, file: FileField, value: Sql): Sql {
  if (file.type.kind !== 'primitive') throw mismatch(type, file)
  switch (conversion(type, file.type.stored)) {
    case 'decode':
      return sql`decode(${value})`
    case 'encode':
      return sql`encode(${value})`
    case 'cast':
      return sql`CAST(${value} AS ${duckdbType(type)})`
  }
}

function absent(field: NestedField, { constants }: FileLayout): Sql {
  const constant: PartitionValue = constants.get(field.id) ?? null
  const value = typeof field.type === 'string' ? fromPartition(field.type, constant) : null
  return value === null || typeof field.type !== 'string'
    ? sql`CAST(NULL AS ${duckdbType(field.type)})`
    : valueSql(field.type, value)
}

function mismatch(type: IcebergType, file: FileField): LakeError {
  const wanted = typeof type === 'string' ? type : type.type
  return new LakeError('table-corrupt', `${file.name}: a data file holds a ${file.type.kind}, the table a ${wanted}`, {
    column: file.name,
  })
}
