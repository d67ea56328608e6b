import { type AvroComplex, type AvroField, type AvroSchema, optional } from './avro-schema.ts'
import type { PartitionColumn } from './partition.ts'
import { decimalBytes, parsePrimitive } from './primitive.ts'
import type { PrimitiveType } from './types.ts'

const COLUMN_SIZES = 108
const SPLIT_OFFSETS = 132
const STATISTICS: ReadonlySet<number> = new Set([COLUMN_SIZES, 109, 110, 137, 125, 128, SPLIT_OFFSETS])

/** `manifest_entry` of version 2 for one partition spec (spec, "Manifests"). Field ids are what readers go by. */
export function manifestEntrySchema(columns: readonly PartitionColumn[]): AvroComplex {
  const partition = columns.map(column =>
    optionalField(partitionKey(column), column.field['field-id'], avroType(column)),
  )
  return record('manifest_entry', [
    field('status', 0, 'int'),
    optionalField('snapshot_id', 1, 'long'),
    optionalField('sequence_number', 3, 'long'),
    optionalField('file_sequence_number', 4, 'long'),
    field('data_file', 2, record('r2', dataFileFields(record('r102', partition)))),
  ])
}

function dataFileFields(partition: AvroComplex): readonly AvroField[] {
  return [
    field('content', 134, 'int'),
    field('file_path', 100, 'string'),
    field('file_format', 101, 'string'),
    field('partition', 102, partition),
    field('record_count', 103, 'long'),
    field('file_size_in_bytes', 104, 'long'),
    optionalField('column_sizes', COLUMN_SIZES, idMap(117, 118, 'long')),
    optionalField('value_counts', 109, idMap(119, 120, 'long')),
    optionalField('null_value_counts', 110, idMap(121, 122, 'long')),
    optionalField('nan_value_counts', 137, idMap(138, 139, 'long')),
    optionalField('lower_bounds', 125, idMap(126, 127, 'bytes')),
    optionalField('upper_bounds', 128, idMap(129, 130, 'bytes')),
    optionalField('key_metadata', 131, 'bytes'),
    optionalField('split_offsets', SPLIT_OFFSETS, list(133, 'long')),
    optionalField('equality_ids', 135, list(136, 'int')),
    optionalField('sort_order_id', 140, 'int'),
    optionalField('referenced_data_file', 143, 'string'),
  ]
}

/** `manifest_file` of version 2 (spec, "Manifest Lists"). */
export const MANIFEST_FILE_SCHEMA: AvroComplex = record('manifest_file', [
  field('manifest_path', 500, 'string'),
  field('manifest_length', 501, 'long'),
  field('partition_spec_id', 502, 'int'),
  field('content', 517, 'int'),
  field('sequence_number', 515, 'long'),
  field('min_sequence_number', 516, 'long'),
  field('added_snapshot_id', 503, 'long'),
  field('added_files_count', 504, 'int'),
  field('existing_files_count', 505, 'int'),
  field('deleted_files_count', 506, 'int'),
  field('added_rows_count', 512, 'long'),
  field('existing_rows_count', 513, 'long'),
  field('deleted_rows_count', 514, 'long'),
  optionalField(
    'partitions',
    507,
    list(
      508,
      record('r508', [
        field('contains_null', 509, 'boolean'),
        optionalField('contains_nan', 518, 'boolean'),
        optionalField('lower_bound', 510, 'bytes'),
        optionalField('upper_bound', 511, 'bytes'),
      ]),
    ),
  ),
  optionalField('key_metadata', 519, 'bytes'),
])

const NAMES: ReadonlyMap<number, string> = new Map(
  [manifestEntrySchema([]), MANIFEST_FILE_SCHEMA].flatMap(schema => [...namesById(schema)]),
)

/** Writers of older versions use other names (`added_data_files_count`); the ids are the same. Partition fields go by id. */
export function keyById(from: AvroField): string {
  const id = from['field-id']
  return id === undefined ? from.name : (NAMES.get(id) ?? `#${id}`)
}

/** Whether a field is one that only a search by bounds or a rewritten manifest needs; most of a manifest's bytes are these. */
export function isStatistic(from: AvroField): boolean {
  return STATISTICS.has(from['field-id'] ?? -1)
}

export const isColumnSizes = (from: AvroField): boolean => from['field-id'] === COLUMN_SIZES

/** Those that a search by bounds has no use for. */
export function isUnsearched(from: AvroField): boolean {
  return from['field-id'] === COLUMN_SIZES || from['field-id'] === SPLIT_OFFSETS
}

/** Where a decoded partition record holds the value of a field. */
export const partitionSlot = (fieldId: number): string => `#${fieldId}`

/** The name of a partition field in the Avro record: the letters that Avro allows, as Iceberg's AvroSchemaUtil makes them. */
export function partitionKey(column: PartitionColumn): string {
  return [...column.field.name]
    .map((letter, index) => {
      if (/[A-Za-z_]/.test(letter) || (index > 0 && /\d/.test(letter))) return letter
      return /\d/.test(letter) ? `_${letter}` : `_x${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase()}`
    })
    .join('')
}

function avroType(column: PartitionColumn): AvroSchema {
  return avroPrimitive(column.type, `_${column.field['field-id']}`)
}

/** Appendix A. Names of fixed types must be unique in a schema, so they end with the id of the field. */
function avroPrimitive(type: PrimitiveType, suffix: string): AvroSchema {
  const primitive = parsePrimitive(type)
  switch (primitive.kind) {
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'time':
      return { type: 'long', logicalType: 'time-micros' }
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false }
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }
    case 'binary':
      return 'bytes'
    case 'uuid':
      return { type: 'fixed', name: `uuid_fixed${suffix}`, size: 16, logicalType: 'uuid' }
    case 'fixed':
      return { type: 'fixed', name: `fixed_${primitive.length}${suffix}`, size: primitive.length }
    case 'decimal': {
      const { precision, scale } = primitive
      const name = `decimal_${precision}_${scale}${suffix}`
      return { type: 'fixed', name, size: decimalBytes(precision), logicalType: 'decimal', precision, scale }
    }
    default:
      return primitive.kind
  }
}

function record(name: string, fields: readonly AvroField[]): AvroComplex {
  return { type: 'record', name, fields }
}

function field(name: string, id: number, type: AvroSchema): AvroField {
  return { name, type, 'field-id': id }
}

function optionalField(name: string, id: number, type: AvroSchema): AvroField {
  return { name, type: optional(type), default: null, 'field-id': id }
}

function list(elementId: number, items: AvroSchema): AvroComplex {
  return { type: 'array', items, 'element-id': elementId }
}

function idMap(keyId: number, valueId: number, value: AvroSchema): AvroComplex {
  const items = record(`k${keyId}_v${valueId}`, [field('key', keyId, 'int'), field('value', valueId, value)])
  return { type: 'array', items, logicalType: 'map' }
}

function* namesById(schema: AvroSchema): Generator<readonly [number, string]> {
  if (typeof schema === 'string') return
  if (Array.isArray(schema)) {
    for (const branch of schema as readonly AvroSchema[]) yield* namesById(branch)
    return
  }
  const complex = schema as AvroComplex
  for (const inner of complex.fields ?? []) {
    if (inner['field-id'] !== undefined) yield [inner['field-id'], inner.name]
    yield* namesById(inner.type)
  }
  if (complex.items !== undefined) yield* namesById(complex.items)
}
