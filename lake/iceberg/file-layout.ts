import { readFooter, type SchemaElement } from '../duckdb/parquet-footer.ts'
import { LakeError } from '../errors.ts'
import { type MappedField, mappedIds, parseNameMapping } from './name-mapping.ts'
import type { PartitionValue, ScanFile } from './types.ts'

/** What a Parquet file holds, under the names and shapes that DuckDB gives it. Names and ids are those of whoever wrote it. */
export interface FileLayout {
  readonly fields: readonly FileField[]
  /** Whether the file itself, or the table's name mapping, tells which column is which. */
  readonly identified: boolean
  /** Values, by field id, of columns that the file leaves out because all its rows are of one partition, as Hive's files do. */
  readonly constants: ReadonlyMap<number, PartitionValue>
  /** Whether the minima and maxima in the file may pass over NaN, as Arrow's writer lets them: rows with NaN must not be skipped by them. */
  readonly hidesNaN: boolean
}

export interface FileField {
  readonly name: string
  readonly id: number | undefined
  readonly type: FileType
}

export type FileType =
  /** `stored` is Parquet's own words for it, `INT64` or `BYTE_ARRAY UTF8`: files that agree in them can be read as one. */
  | { readonly kind: 'primitive'; readonly stored: string }
  | { readonly kind: 'struct'; readonly fields: readonly FileField[] }
  | { readonly kind: 'list'; readonly element: FileField }
  | { readonly kind: 'map'; readonly key: FileField; readonly value: FileField }

/**
 * Reads the footer of a local data file, whole or sparse, and finds out which field of the table each of its columns is: by the ids in the
 * file, or when it has none at all by the table's name mapping (spec, "Column Projection"). Fails with `file-unreadable`.
 */
export function layoutOf(path: string, live: Pick<ScanFile, 'context' | 'file'>): FileLayout {
  const { fields: own, hidesNaN } = readFile(path)
  const mapping = hasIds(own) ? undefined : live.context?.nameMapping
  const fields = mapping === undefined ? own : withIds(own, mappedIds(parseNameMapping(mapping)))
  const identified = hasIds(own) || mapping !== undefined
  return { fields, identified, constants: constantsOf(fields, live), hidesNaN }
}

/** The spec's first rule of column projection: what the file lacks and an identity transform has is in the manifest. */
function constantsOf(
  fields: readonly FileField[],
  { context, file }: Pick<ScanFile, 'context' | 'file'>,
): ReadonlyMap<number, PartitionValue> {
  const known = idsIn(fields)
  const values = (context?.spec.fields ?? []).map((field, index) => ({ field, value: file.partition[index] ?? null }))
  return new Map(
    values
      .filter(({ field }) => field.transform === 'identity' && !known.has(field['source-id']))
      .map(({ field, value }) => [field['source-id'], value]),
  )
}

function idsIn(fields: readonly FileField[]): ReadonlySet<number | undefined> {
  return new Set(fields.flatMap(field => [field.id, ...idsIn(fieldsBelow(field.type))]))
}

const hasIds = (fields: readonly FileField[]): boolean =>
  fields.some(field => field.id !== undefined || hasIds(fieldsBelow(field.type)))

export function fieldsBelow(type: FileType): readonly FileField[] {
  switch (type.kind) {
    case 'primitive':
      return []
    case 'struct':
      return type.fields
    case 'list':
      return [type.element]
    case 'map':
      return [type.key, type.value]
  }
}

function withIds(fields: readonly FileField[], mapping: ReadonlyMap<string, MappedField>): readonly FileField[] {
  return fields.map(field => {
    const mapped = mapping.get(field.name)
    return { name: field.name, id: mapped?.id, type: typeWithIds(field.type, mapped?.fields ?? new Map()) }
  })
}

function typeWithIds(type: FileType, mapping: ReadonlyMap<string, MappedField>): FileType {
  const [first, second] = withIds(fieldsBelow(type), mapping)
  switch (type.kind) {
    case 'primitive':
      return type
    case 'struct':
      return { kind: 'struct', fields: withIds(type.fields, mapping) }
    case 'list':
      return { kind: 'list', element: first ?? type.element }
    case 'map':
      return { kind: 'map', key: first ?? type.key, value: second ?? type.value }
  }
}

// --- The shape of a file -------------------------------------------------------------------------------------------

function readFile(path: string): Pick<FileLayout, 'fields' | 'hidesNaN'> {
  const { schema, createdBy } = readFooter(path)
  try {
    return { fields: fileFields(schema), hidesNaN: !createdBy?.startsWith('DuckDB') }
  } catch (cause) {
    throw new LakeError('file-unreadable', 'a Parquet file has columns that cannot be', { file: path }, { cause })
  }
}

/** The columns of a file by the elements of its schema, the root first. */
export const fileFields = (schema: readonly SchemaElement[]): readonly FileField[] => readChildren(schema, 0).fields

interface Read {
  readonly fields: readonly FileField[]
  /** Index of the element after the subtree. */
  readonly next: number
}

/** Parquet lists the nodes of its tree depth first, each with the number of its children. */
function readChildren(schema: readonly SchemaElement[], index: number): Read {
  const fields: FileField[] = []
  let next = index + 1
  for (let child = 0; child < (schema[index]?.num_children ?? 0); child++) {
    const read = readNode(schema, next)
    fields.push(read.field)
    next = read.next
  }
  return { fields, next }
}

function readNode(
  schema: readonly SchemaElement[],
  index: number,
): { readonly field: FileField; readonly next: number } {
  const element = schema[index]
  if (!element) throw new RangeError('the schema ends early')
  const { fields, next } = readChildren(schema, index)
  const entries = isMapEntries(element, schema[index - 1])
  const type = entries ? mapType(element, fields) : fields.length === 0 ? leafType(element) : groupType(element, fields)
  const field = { name: element.name, id: element.field_id, type }
  if (element.repetition_type !== 'REPEATED' || entries) return { field, next }
  // The one child of a repeated group stands for it: `repeated group list { element }` is a list of elements.
  const id = fields.length === 1 ? fields[0]?.id : element.field_id
  return { field: { ...field, type: { kind: 'list', element: { name: 'element', id, type } } }, next }
}

/**
 * The shape that DuckDB's Parquet reader gives a group (ParquetReader::ParseSchemaRecursive), the lists and maps of older writers
 * included: the SQL that reads the file is written against it.
 */
function groupType(element: SchemaElement, fields: readonly FileField[]): FileType {
  const marked = element.converted_type === 'LIST' || element.converted_type === 'MAP'
  const [only] = fields
  return fields.length === 1 && only && (marked || element.repetition_type === 'REPEATED')
    ? only.type
    : { kind: 'struct', fields }
}

/** The repeated pairs of a map: marked so themselves, or the one child of a group that is marked as a map. */
function isMapEntries(element: SchemaElement, above: SchemaElement | undefined): boolean {
  const inMap = above?.converted_type === 'MAP' && above.num_children === 1
  return element.converted_type === 'MAP_KEY_VALUE' ? element.repetition_type === 'REPEATED' : inMap
}

function mapType(element: SchemaElement, [key, value]: readonly FileField[]): FileType {
  if (!key || !value) throw new RangeError(`the map ${element.name} has no key and value`)
  return { kind: 'map', key: { ...key, name: 'key' }, value: { ...value, name: 'value' } }
}

/** The physical type, and the mark of what it stands for when there is one. */
function leafType({ type, type_length, converted_type, logical_type, precision, scale }: SchemaElement): FileType {
  const size = type_length === undefined ? '' : `[${type_length}]`
  const digits = precision === undefined ? '' : `(${precision},${scale ?? 0})`
  const mark = converted_type ?? (logical_type === undefined ? undefined : JSON.stringify(logical_type))
  return { kind: 'primitive', stored: `${type}${size}${mark === undefined ? '' : ` ${mark}${digits}`}` }
}
