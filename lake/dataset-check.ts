import type {
  Column,
  ColumnSpec,
  ColumnType,
  CsvDialect,
  Dataset,
  DatasetSpec,
  PartitionField,
  Primitive,
  SortField,
  Transform,
  TypeSpec,
} from './dataset.ts'
import { LakeError } from './errors.ts'

const DEFAULTS = {
  csv: { delimiter: ',', header: true, quote: '"', escape: '"', null: '' } satisfies CsvDialect,
  limits: { objectBytesMax: 5_000_000_000, recordBytesMax: 16_777_216, expansionMax: 200 },
  raw: { partitions: 'projection' },
  compaction: { targetFileBytes: 268_435_456, minFiles: 5, strategy: 'binpack' },
  retention: { snapshotAgeHours: 120, minSnapshots: 1 },
} as const

const FIELDS = new Set(
  (
    'name description source contract columns evolution partitionBy sortBy publish limits raw compaction retention ' +
    'quality freshness dataClass owner tags'
  ).split(' '),
)

/** Checks a declaration at run time and fills in its defaults. Fails with `dataset-invalid`, naming dataset, field and fix. */
export function checkDataset(spec: DatasetSpec<string>): Dataset {
  const check: Check = checker(spec.name)
  for (const field of Object.keys(spec))
    check(FIELDS.has(field), field, `is not a setting; the settings are ${[...FIELDS].join(', ')}`)
  check(
    /^[a-z][a-z0-9_]{0,99}$/.test(spec.name ?? ''),
    'name',
    'must be lower-case letters, digits and underscores (Glue allows no others), starting with a letter, at most 100',
  )
  check(!spec.name.includes('__'), 'name', 'must not contain "__": it separates the dataset from its side tables')
  const columns = columnsOf(spec.columns ?? {}, '', check)
  check(columns.length > 0, 'columns', 'is empty: declare at least one column')
  const contract = contractOf(spec, check)
  if (spec.source?.format === 'csv')
    for (const column of columns)
      check(typeof column.type === 'string', `columns.${column.name}`, 'is nested, which CSV cannot hold')
  checkChoices(spec, check)
  return {
    name: spec.name,
    description: spec.description ?? '',
    source: sourceOf(spec, check),
    contract,
    columns,
    evolution: spec.evolution ?? 'discard',
    partitionBy: (spec.partitionBy ?? []).map((text, at) => partitionOf(text, columns, `partitionBy[${at}]`, check)),
    sortBy: (spec.sortBy ?? []).map((text, at) => sortOf(text, columns, `sortBy[${at}]`, check)),
    publish: publishOf(spec, check),
    limits: { ...DEFAULTS.limits, ...positive(spec.limits, 'limits', check) },
    raw: { ...DEFAULTS.raw, ...spec.raw },
    compaction: { ...DEFAULTS.compaction, ...spec.compaction },
    retention: { ...DEFAULTS.retention, ...positive(spec.retention, 'retention', check) },
    quality: spec.quality,
    freshness: spec.freshness,
    dataClass: spec.dataClass ?? 'internal',
    owner: spec.owner ?? 'unowned',
    tags: spec.tags ?? {},
  }
}

const CHOICES: readonly (readonly [string, (spec: DatasetSpec<string>) => unknown, readonly string[]])[] = [
  ['evolution', spec => spec.evolution, ['add', 'freeze', 'discard']],
  ['raw.partitions', spec => spec.raw?.partitions, ['projection', 'registered']],
  ['compaction.strategy', spec => spec.compaction?.strategy, ['binpack', 'sort', 'zorder']],
  ['dataClass', spec => spec.dataClass, ['public', 'internal', 'confidential', 'pii']],
]

function checkChoices(spec: DatasetSpec<string>, check: Check): void {
  for (const [field, read, words] of CHOICES) {
    const value = read(spec)
    const listed = words.map(word => `'${word}'`)
    check(
      value === undefined || words.some(word => word === value),
      field,
      `must be ${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}`,
    )
  }
}

type Check = (condition: boolean, field: string, fix: string) => asserts condition

function checker(name: string): Check {
  return (condition, field, fix) => {
    if (!condition)
      throw new LakeError('dataset-invalid', `dataset "${name}": ${field} ${fix}`, { dataset: name, field })
  }
}

function contractOf(spec: DatasetSpec<string>, check: Check): Dataset['contract'] {
  const version = spec.contract?.version ?? 1
  const accepts = spec.contract?.accepts ?? { min: version, max: version }
  check(Number.isInteger(version) && version > 0, 'contract.version', 'must be a whole number from 1')
  check(
    accepts.min <= version && version <= accepts.max,
    'contract.accepts',
    `must contain the contract's own version ${version}`,
  )
  return { version, accepts }
}

function sourceOf(spec: DatasetSpec<string>, check: Check): Dataset['source'] {
  const source = spec.source
  check(source !== undefined, 'source', 'is missing: give system, format and match')
  const match = typeof source.match === 'string' ? [source.match] : (source.match ?? [])
  check(
    ['ndjson', 'json', 'csv', 'parquet', 'avro'].includes(source.format),
    'source.format',
    "must be 'ndjson', 'json', 'csv', 'parquet' or 'avro'",
  )
  check(
    /^[\w .:/=+@-]{1,200}$/.test(source.system ?? ''),
    'source.system',
    'must be 1 to 200 letters, digits, spaces or _.:/=+-@ (it becomes an S3 tag)',
  )
  check(
    match.length > 0 && match.every(glob => glob.length > 0),
    'source.match',
    "must name landing keys, e.g. 'orders/*.json'",
  )
  const csv = { ...DEFAULTS.csv, ...source.csv }
  check(csv.delimiter.length === 1, 'source.csv.delimiter', 'must be one character')
  check(
    csv.quote.length <= 1 && csv.escape.length <= 1,
    'source.csv.quote',
    'and escape must be one character or empty',
  )
  check(source.records === undefined || source.format === 'json', 'source.records', "applies to format 'json' only")
  return { system: source.system, format: source.format, match, csv, records: source.records }
}

function publishOf(spec: DatasetSpec<string>, check: Check): Dataset['publish'] {
  const publish = spec.publish ?? 'append'
  const value =
    publish === 'append'
      ? { mode: publish }
      : publish === 'replace'
        ? { mode: publish, scope: 'table' as const }
        : publish
  check(['append', 'replace'].includes(value.mode), 'publish', "must be 'append' or 'replace'")
  if (value.mode === 'replace') {
    check(['table', 'partitions'].includes(value.scope), 'publish.scope', "must be 'table' or 'partitions'")
    check(
      value.scope === 'table' || (spec.partitionBy?.length ?? 0) > 0,
      'publish.scope',
      "is 'partitions', but the table has none: add partitionBy",
    )
  }
  return value
}

function positive<T extends Readonly<Record<string, number>>>(
  values: T | undefined,
  field: string,
  check: Check,
): T | undefined {
  for (const [name, value] of Object.entries(values ?? {}))
    check(Number.isFinite(value) && value > 0, `${field}.${name}`, 'must be a number above 0')
  return values
}

// --- Columns and types ---------------------------------------------------------------------------------------------

function columnsOf(specs: Readonly<Record<string, ColumnSpec>>, prefix: string, check: Check): readonly Column[] {
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
  check(
    prefix !== '' || !name.startsWith('_'),
    field,
    'must not start with an underscore: those names are for lineage columns',
  )
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

function partitionOf(text: string, columns: readonly Column[], field: string, check: Check): PartitionField {
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

function sortOf(text: string, columns: readonly Column[], field: string, check: Check): SortField {
  const parts = /^(.*?)(?:\s+(asc|desc))?$/.exec(text)
  const column = parts?.[1] ?? text
  check(
    columns.some(each => each.name === column && typeof each.type === 'string'),
    field,
    `names "${column}", which is not a declared primitive column`,
  )
  return { column, direction: parts?.[2] === 'desc' ? 'desc' : 'asc' }
}
