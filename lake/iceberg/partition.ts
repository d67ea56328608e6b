import type { PartitionField, SortField } from '../dataset.ts'
import { join, path, type Sql, sql } from '../duckdb/sql.ts'
import { assert, LakeError } from '../errors.ts'
import { isPrimitive } from './primitive.ts'
import { allFields, columnByName } from './schema.ts'
import { checkTransform, parseTransform, resultType, type Transform, transformText } from './transform.ts'
import { transformSql } from './transform-sql.ts'
import type {
  NestedField,
  PartitionSpec,
  PartitionSpecField,
  PartitionValue,
  PrimitiveType,
  Schema,
  SortOrder,
} from './types.ts'
import { fromPartition } from './value.ts'

/** The first id that partition fields get (spec, "Partitioning"). */
export const FIRST_PARTITION_ID = 1000

/** The names of the schema's columns, and the specs that the table has had. */
export interface SpecHistory {
  readonly schema: Schema
  readonly specs: readonly PartitionSpec[]
  readonly lastPartitionId: number
}

/**
 * The spec of a declaration. An equivalent one that the table has is reused, the first of `existing` first; so are id and name of any field
 * that one of them has, because ids are unique over all specs of a table (spec, "Partition Evolution").
 */
export function partitionSpecFor(
  schema: Schema,
  declared: readonly PartitionField[],
  existing: readonly PartitionSpec[] = [],
  lastPartitionId: number = highestPartitionId(existing),
): PartitionSpec {
  const history = { schema, specs: existing, lastPartitionId }
  const fields: PartitionSpecField[] = []
  for (const { column, transform } of declared)
    fields.push(partitionField({ source: columnByName(schema, column), label: column, transform }, history, fields))
  const same = existing.find(spec => JSON.stringify(spec.fields.map(essence)) === JSON.stringify(fields.map(essence)))
  return same ?? specOf(fields, existing)
}

/** A spec under the id after the highest of those that there are. */
export function specOf(fields: readonly PartitionSpecField[], existing: readonly PartitionSpec[]): PartitionSpec {
  return { 'spec-id': Math.max(-1, ...existing.map(spec => spec['spec-id'])) + 1, fields }
}

export interface NewPartitionField {
  readonly source: NestedField
  /** What the source is called in messages and in the field's own name. */
  readonly label: string
  readonly transform: PartitionField['transform']
  /** Iceberg's own name when absent. */
  readonly name?: string | undefined
}

/** One more field after those of a spec in the making: with the id, and where it is free the name, that an older spec gave to the same. */
export function partitionField(
  { source, label, transform, name }: NewPartitionField,
  { schema, specs, lastPartitionId }: SpecHistory,
  above: readonly PartitionSpecField[],
): PartitionSpecField {
  if (!isPrimitive(source.type))
    throw new LakeError('dataset-invalid', `${label}: only a column of a primitive type can partition a table`, {
      column: label,
    })
  checkTransform(transform, source.type)
  const text = transformText(transform)
  if (above.some(field => field['source-id'] === source.id && field.transform === text))
    throw new LakeError('dataset-invalid', `${label}: the table would be partitioned by ${text} of it twice`, {
      column: label,
    })
  const known = specs
    .flatMap(spec => spec.fields)
    .filter(field => field['source-id'] === source.id && field.transform === text)
  const before = known.find(field => field.name === name) ?? (name === undefined ? known[0] : undefined)
  const used = above.map(field => field.name)
  const former = before !== undefined && !used.includes(before.name) ? before.name : undefined
  const taken = new Set([...schema.fields.map(field => field.name), ...used])
  return {
    'source-id': source.id,
    'field-id':
      before?.['field-id'] ?? Math.max(lastPartitionId, highestPartitionId([{ 'spec-id': 0, fields: above }])) + 1,
    name: name ?? former ?? partitionName(label, transform, taken),
    transform: text,
  }
}

export function highestPartitionId(specs: readonly PartitionSpec[]): number {
  return Math.max(FIRST_PARTITION_ID - 1, ...specs.flatMap(spec => spec.fields.map(field => field['field-id'])))
}

const essence = (field: PartitionSpecField): readonly unknown[] => [
  field['source-id'],
  field.transform,
  field['field-id'],
]

/** Iceberg's own names: `ts_day`, `id_bucket`, `name_trunc`. A name may equal a column's only when the transform is identity. */
function partitionName(column: string, transform: PartitionField['transform'], taken: ReadonlySet<string>): string {
  if (transform.name === 'identity') return column
  const plain = `${column}_${transform.name === 'truncate' ? 'trunc' : transform.name}`
  if (!taken.has(plain)) return plain
  const sized = 'width' in transform ? `${plain}_${transform.width}` : plain
  let name = sized
  for (let number = 2; taken.has(name); number++) name = `${sized}_${number}`
  return name
}

/** One field of a spec with everything that its values need. */
export interface PartitionColumn {
  readonly field: PartitionSpecField
  /** The source column, with its names from the table down; undefined when no schema has it any more. */
  readonly source: { readonly name: string; readonly type: PrimitiveType; readonly path: readonly string[] } | undefined
  readonly transform: Transform
  readonly type: PrimitiveType
}

/** A source column that was dropped leaves its partition field readable as text-free: the type is then taken from older schemas. */
export function partitionColumns(spec: PartitionSpec, schemas: readonly Schema[]): readonly PartitionColumn[] {
  return spec.fields.map(field => {
    const transform = parseTransform(field.transform)
    const found = schemas
      .map(schema => allFields(schema.fields).find(candidate => candidate.field.id === field['source-id']))
      .find(candidate => candidate !== undefined)
    if (!found) return { field, source: undefined, transform, type: resultType(transform, 'string') }
    const { name, type } = found.field
    assert(isPrimitive(type), 'a partition source is primitive')
    return { field, source: { name, type, path: found.path }, transform, type: resultType(transform, type) }
  })
}

/** The folder of a partition below `data/`, as Hive names it: for people only, readers take values from the manifests. */
export function partitionFolder(columns: readonly PartitionColumn[], values: readonly PartitionValue[]): string {
  return columns
    .map((column, index) => `${folderText(column.field.name)}=${folderText(valueText(column, values[index] ?? null))}`)
    .join('/')
}

/** What a person calls the value of a partition: `2024-05`, `2024-05-03`, `null`. */
export function valueText(column: PartitionColumn, stored: PartitionValue): string {
  const value = fromPartition(column.type, stored)
  if (value === null) return 'null'
  switch (column.transform.name) {
    case 'year':
      return String(1970 + Number(value))
    case 'month':
      return isoOf(Date.UTC(1970, Number(value))).slice(0, -3)
    case 'day':
      return isoOf(Number(value) * 86_400_000)
    case 'hour':
      return `${isoOf(Math.floor(Number(value) / 24) * 86_400_000)}-${String(((Number(value) % 24) + 24) % 24).padStart(2, '0')}`
    default:
      return plainText(column.type, value)
  }
}

function plainText(type: PrimitiveType, value: NonNullable<ReturnType<typeof fromPartition>>): string {
  if (type === 'date') return isoOf(Number(value) * 86_400_000)
  if (type === 'uuid') return (value as Buffer).toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  if (Buffer.isBuffer(value)) return value.toString('hex')
  if (typeof value === 'bigint' && type.startsWith('timestamp'))
    return `${new Date(Number(value / 1000n)).toISOString().slice(0, 19)}.${String(((value % 1_000_000n) + 1_000_000n) % 1_000_000n).padStart(6, '0')}`
  if (typeof value === 'bigint' && type.startsWith('decimal'))
    return decimalText(value, Number(/,\s*(\d+)/.exec(type)?.[1]))
  return String(value)
}

export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const point = digits.length - scale
  const text = scale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`
  return unscaled < 0n ? `-${text}` : text
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString().split('T')[0] as string
}

/** Escaped, and cut: a file system allows 255 bytes in a name, an S3 key 1,024 in all. */
function folderText(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed()).replaceAll('*', '%2A')
  return escaped.length <= 120 ? escaped : `${escaped.slice(0, 117)}...`
}

// --- Sort orders ---------------------------------------------------------------------------------------------------

export const UNSORTED: SortOrder = { 'order-id': 0, fields: [] }

/** Order 0 is unsorted; an equal order is reused. Nulls first when ascending, last when descending, as Iceberg's defaults. */
export function sortOrderFor(
  schema: Schema,
  declared: readonly SortField[],
  existing: readonly SortOrder[] = [],
): SortOrder {
  if (declared.length === 0) return UNSORTED
  const fields = declared.map(({ column, direction }): SortOrder['fields'][number] => ({
    transform: 'identity',
    'source-id': columnByName(schema, column).id,
    direction,
    'null-order': direction === 'asc' ? 'nulls-first' : 'nulls-last',
  }))
  const same = existing.find(order => JSON.stringify(order.fields) === JSON.stringify(fields))
  return same ?? { 'order-id': Math.max(0, ...existing.map(order => order['order-id'])) + 1, fields }
}

/** The terms of an ORDER BY; none for an order that this schema or DuckDB cannot express. */
export function sortTerms(schema: Schema, order: SortOrder): readonly Sql[] {
  const terms = order.fields.map(field => {
    const source = allFields(schema.fields).find(candidate => candidate.field.id === field['source-id'])
    const transform = parseTransform(field.transform)
    if (!source || !isPrimitive(source.field.type) || transform.name === 'void' || transform.name === 'unknown')
      return undefined
    const direction = field.direction === 'asc' ? sql`ASC` : sql`DESC`
    const nulls = field['null-order'] === 'nulls-first' ? sql`NULLS FIRST` : sql`NULLS LAST`
    const value = path(...source.path)
    // Not the transform's own form of an identity, which for some types is text.
    const term = transform.name === 'identity' ? value : transformSql(transform, source.field.type, value)
    return sql`${term} ${direction} ${nulls}`
  })
  return terms.every(term => term !== undefined) ? terms : []
}

export const orderBy = (terms: readonly Sql[]): Sql =>
  terms.length === 0 ? sql`` : sql` ORDER BY ${join(terms, ', ')}`
