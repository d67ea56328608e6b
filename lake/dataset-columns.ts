import type {
  Column,
  ColumnSpec,
  ColumnType,
  PartitionField,
  Primitive,
  SortField,
  Transform,
  TypeSpec,
} from './dataset.ts'

/** Fails with `dataset-invalid` unless the condition holds; `field` and `fix` together make the sentence that the user reads. */
export type Check = (condition: boolean, field: string, fix: string) => asserts condition

/** The columns of a table, or of a struct when there is a prefix: names that two of them claim are refused. */
export function columnsOf(
  specs: Readonly<Record<string, ColumnSpec>>,
  prefix: string,
  check: Check,
): readonly Column[] {
  const columns = Object.entries(specs).map(([name, spec]) => columnOf(name, spec, prefix, check))
  const claimed = new Map<string, string>()
  for (const column of columns) {
    for (const name of [column.name, ...column.from]) {
      const other = claimed.get(name.toLowerCase())
      check(
        other === undefined || other === `columns.${prefix}${column.name}`,
        `columns.${prefix}${column.name}`,
        `and ${other} both take "${name}": names must differ by more than case`,
      )
      claimed.set(name.toLowerCase(), `columns.${prefix}${column.name}`)
    }
  }
  return columns
}

function columnOf(name: string, spec: ColumnSpec, prefix: string, check: Check): Column {
  const field = `columns.${prefix}${name}`
  check(name.trim().length > 0 && Buffer.byteLength(name) <= 255, field, 'must have a name of 1 to 255 bytes')
  check(!/\p{Cc}/u.test(name), field, 'must not have control characters in its name')
  const full = typeof spec === 'object' && spec !== null && 'type' in spec ? spec : { type: spec }
  for (const key of Object.keys(full))
    check(['type', 'required', 'from', 'default', 'format', 'doc'].includes(key), field, `has no setting "${key}"`)
  const type = typeOf(full.type, field, `${prefix}${name}.`, check)
  const temporal = type === 'date' || type === 'timestamp' || type === 'timestamptz'
  check(full.format === undefined || temporal, `${field}.format`, 'applies to date, timestamp and timestamptz only')
  check(
    full.format === undefined || /^(epoch-(seconds|millis|micros)|%.+)$/.test(full.format),
    `${field}.format`,
    "must be 'epoch-seconds', 'epoch-millis', 'epoch-micros' or a strptime pattern such as '%m/%d/%Y'",
  )
  check(
    full.default === undefined || typeof type === 'string',
    `${field}.default`,
    'applies to columns of a primitive type only',
  )
  return {
    name,
    type,
    required: full.required ?? false,
    from: full.from === undefined ? [] : typeof full.from === 'string' ? [full.from] : full.from,
    default: full.default === undefined ? undefined : String(full.default),
    format: full.format,
    doc: full.doc,
  }
}

const PRIMITIVES = new Set([
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'string',
  'uuid',
  'binary',
])

function typeOf(spec: TypeSpec, field: string, prefix: string, check: Check): ColumnType {
  check(spec !== undefined && spec !== null, field, 'has no type')
  if (typeof spec === 'string') return primitiveOf(spec, field, check)
  if ('struct' in spec) return { struct: columnsOf(spec.struct, prefix, check) }
  if ('list' in spec) return { list: typeOf(spec.list, `${field}.element`, `${prefix}element.`, check) }
  check('map' in spec, field, 'must be a primitive type, { struct }, { list } or { map }')
  const key = typeOf(spec.map.key, `${field}.key`, `${prefix}key.`, check)
  check(key === 'string', `${field}.key`, 'must be string: JSON has no other keys')
  return { map: { key, value: typeOf(spec.map.value, `${field}.value`, `${prefix}value.`, check) } }
}

function primitiveOf(name: string, field: string, check: Check): Primitive {
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(name)
  if (decimal) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])]
    check(
      precision >= 1 && precision <= 38 && scale <= precision,
      field,
      `is ${name}: precision must be 1 to 38 and scale at most the precision`,
    )
    return `decimal(${precision},${scale})`
  }
  check(
    PRIMITIVES.has(name),
    field,
    `is "${name}", which is no type; use ${[...PRIMITIVES].join(', ')} or decimal(P,S)`,
  )
  return name as Primitive
}

// --- Partitioning and sorting --------------------------------------------------------------------------------------

/** `day(at)`, `bucket(16, id)` or a column's own name, read against the declared columns. */
export function partitionOf(text: string, columns: readonly Column[], field: string, check: Check): PartitionField {
  const call = /^(year|month|day|hour)\((.+)\)$/.exec(text)
  const sized = /^(bucket|truncate)\((\d+),\s*(.+)\)$/.exec(text)
  const column = call?.[2] ?? sized?.[3] ?? text
  const type = columns.find(each => each.name === column)?.type
  check(
    type !== undefined,
    field,
    `names the column "${column}", which is not declared; the columns are ${columns.map(each => each.name).join(', ')}`,
  )
  check(
    typeof type === 'string',
    field,
    `partitions by "${column}", which is nested: only primitive columns can partition`,
  )
  const transform: Transform = call
    ? { name: call[1] as 'year' | 'month' | 'day' | 'hour' }
    : sized
      ? { name: sized[1] as 'bucket' | 'truncate', width: Number(sized[2]) }
      : { name: 'identity' }
  check(allows(transform, type), field, `cannot apply ${transform.name} to ${column}, a ${type}`)
  return { column, transform }
}

/** Which source types each transform takes (Iceberg spec, "Partition Transforms"). */
function allows(transform: Transform, type: Primitive): boolean {
  const zoned = type === 'timestamp' || type === 'timestamptz'
  switch (transform.name) {
    case 'identity':
      return true
    case 'hour':
      return zoned
    case 'year':
    case 'month':
    case 'day':
      return zoned || type === 'date'
    case 'bucket':
      return transform.width > 0 && !['boolean', 'float', 'double'].includes(type)
    case 'truncate':
      return transform.width > 0 && (['int', 'long', 'string', 'binary'].includes(type) || type.startsWith('decimal'))
  }
}

/** `at`, `at asc` or `at desc`. */
export function sortOf(text: string, columns: readonly Column[], field: string, check: Check): SortField {
  const parts = /^(.*?)(?:\s+(asc|desc))?$/.exec(text)
  const column = parts?.[1] ?? text
  check(
    columns.some(each => each.name === column && typeof each.type === 'string'),
    field,
    `names "${column}", which is not a declared primitive column`,
  )
  return { column, direction: parts?.[2] === 'desc' ? 'desc' : 'asc' }
}
