import { LakeError } from '../errors.ts'

/** An Avro schema as Iceberg uses it, with the spec's extra attributes kept (`field-id`, `element-id`, `logicalType: map` …). */
export type AvroSchema = string | AvroComplex | readonly AvroSchema[]

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly 'field-id'?: number
  readonly default?: unknown
}

export interface AvroComplex {
  readonly type: AvroSchema
  readonly name?: string
  readonly namespace?: string
  readonly fields?: readonly AvroField[]
  readonly items?: AvroSchema
  readonly values?: AvroSchema
  readonly size?: number
  readonly symbols?: readonly string[]
  readonly logicalType?: string
  readonly [attribute: string]: unknown
}

/** What Avro data is in memory. A map with `logicalType: map` is a Map; longs are bigint, ints numbers. */
export type AvroValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | readonly AvroValue[]
  | ReadonlyMap<number | string, AvroValue>
  | { readonly [field: string]: AvroValue }

export type AvroRecord = { readonly [field: string]: AvroValue }

/** `optional` in the spec: a union with null first and a null default. */
export const optional = (type: AvroSchema): AvroSchema => ['null', type]

/** Named types are written out once and by name afterwards (Avro spec, "Names"); this resolves the later mentions. */
export type Names = Map<string, AvroComplex>

export function remember(names: Names, schema: AvroComplex): void {
  if (schema.name === undefined) return
  names.set(schema.name, schema)
  if (schema.namespace !== undefined) names.set(`${schema.namespace}.${schema.name}`, schema)
}

export function resolve(names: Names, name: string): AvroComplex {
  const found = names.get(name)
  if (!found) throw new LakeError('table-corrupt', `the Avro schema names a type ${name} that it does not define`)
  return found
}

/** An array of key–value records that the spec says is a map, because Avro's own maps have only text keys. */
export function keyValue(schema: AvroComplex): readonly [AvroField, AvroField] | undefined {
  const { items, logicalType } = schema
  if (logicalType !== 'map' || typeof items !== 'object' || Array.isArray(items)) return undefined
  const fields = (items as AvroComplex).fields
  return fields?.length === 2 ? [fields[0] as AvroField, fields[1] as AvroField] : undefined
}
