import { checkAdded } from './added-fields.ts'
import type { Column, CsvDialect, Dataset, DatasetSpec } from './dataset.ts'
import { changePublishOf } from './dataset-change-publish.ts'
import { changesOf, DMS_CSV, KEPT_NAMES } from './dataset-changes.ts'
import { type Check, columnsOf, partitionOf, sortOf } from './dataset-columns.ts'
import { dedupeOf } from './dataset-dedupe.ts'
import { qualityOf } from './dataset-quality.ts'
import { streamOf } from './dataset-stream.ts'
import { LakeError } from './errors.ts'
import { STREAM_FOLDERS, streamGlob } from './stream.ts'

const DEFAULTS = {
  csv: { delimiter: ',', header: true, quote: '"', escape: '"', null: '' } satisfies CsvDialect,
  limits: { objectBytesMax: 5_000_000_000, recordBytesMax: 16_777_216, expansionMax: 200 },
  raw: { partitions: 'projection' },
  compaction: { targetFileBytes: 268_435_456, minFiles: 5, strategy: 'binpack', codec: 'zstd' },
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
  checkNames(columns, spec.source?.changes !== undefined, check)
  const contract = contractOf(spec, check)
  if (spec.source?.format === 'csv')
    for (const column of columns)
      check(typeof column.type === 'string', `columns.${column.name}`, 'is nested, which CSV cannot hold')
  checkChoices(spec, check)
  const source = sourceOf(spec, columns, check)
  const isOfChanges = source.changes !== undefined
  check(
    spec.evolution !== 'widen' || isOfChanges,
    'evolution',
    "'widen' is for tables of change events: declare the type that values need",
  )
  return {
    name: spec.name,
    description: spec.description ?? '',
    source,
    contract,
    columns,
    evolution: spec.evolution ?? 'discard',
    partitionBy: (spec.partitionBy ?? []).map((text, at) => partitionOf(text, columns, `partitionBy[${at}]`, check)),
    sortBy: (spec.sortBy ?? []).map((text, at) => sortOf(text, columns, `sortBy[${at}]`, check)),
    publish: publishOf(spec, { columns, source }, check),
    limits: { ...DEFAULTS.limits, ...positive(spec.limits, 'limits', check) },
    raw: { ...DEFAULTS.raw, ...spec.raw },
    compaction: compactionOf(spec, check),
    retention: { ...DEFAULTS.retention, ...positive(spec.retention, 'retention', check) },
    quality: qualityOf(spec.quality, check),
    freshness: freshnessOf(spec, columns, check),
    dataClass: spec.dataClass ?? 'internal',
    owner: spec.owner ?? 'unowned',
    tags: spec.tags ?? {},
  }
}

const CHOICES: readonly (readonly [string, (spec: DatasetSpec<string>) => unknown, readonly string[]])[] = [
  ['evolution', spec => spec.evolution, ['add', 'widen', 'freeze', 'discard']],
  ['raw.partitions', spec => spec.raw?.partitions, ['projection', 'registered']],
  ['compaction.strategy', spec => spec.compaction?.strategy, ['binpack', 'sort', 'zorder']],
  ['compaction.codec', spec => spec.compaction?.codec, ['zstd', 'snappy']],
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

function sourceOf(spec: DatasetSpec<string>, columns: readonly Column[], check: Check): Dataset['source'] {
  const source = spec.source
  check(source !== undefined, 'source', 'is missing: give system, format and match')
  const match = matchOf(spec, check)
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
  const csv = { ...DEFAULTS.csv, ...(source.changes?.shape === 'dms' ? DMS_CSV : {}), ...source.csv }
  check(/^[\t -~]$/.test(csv.delimiter), 'source.csv.delimiter', 'must be one printable ASCII character, or a tab')
  check(
    /^[!-~]?$/.test(csv.quote) && /^[!-~]?$/.test(csv.escape),
    'source.csv.quote',
    'and escape must be one printable ASCII character or empty',
  )
  check(source.records === undefined || source.format === 'json', 'source.records', "applies to format 'json' only")
  const { system, format, records } = source
  const plain = { system, format, match, csv, records, stream: streamOf(spec, columns, check) }
  const changes = changesOf(spec, plain, check)
  if (changes !== undefined) checkAdded(spec, { changes, columns }, check)
  return { ...plain, changes }
}

/** The declared globs, and the folder of the stream. */
function matchOf({ name, source }: DatasetSpec<string>, check: Check): readonly string[] {
  const declared = typeof source.match === 'string' ? [source.match] : (source.match ?? [])
  check(
    (declared.length > 0 || source.stream !== undefined) && declared.every(glob => glob.length > 0),
    'source.match',
    "must name landing keys, e.g. 'orders/*.json'",
  )
  for (const glob of declared)
    check(
      !STREAM_FOLDERS.some(folder => glob.startsWith(`${folder}/`)),
      'source.match',
      `is "${glob}", but that folder is for what delivery streams write: declare source.stream, or choose another folder`,
    )
  return source.stream === undefined ? declared : [...declared, streamGlob(name)]
}

function publishOf(
  spec: DatasetSpec<string>,
  { columns, source }: Pick<Dataset, 'columns' | 'source'>,
  check: Check,
): Dataset['publish'] {
  const publish = spec.publish ?? 'append'
  const value =
    publish === 'append'
      ? { mode: publish }
      : publish === 'replace'
        ? { mode: publish, scope: 'table' as const }
        : publish
  check(
    ['append', 'replace', 'merge', 'history'].includes(value.mode),
    'publish',
    "must be 'append' or 'replace', or { mode: 'merge' or 'history', key: … } for change events",
  )
  const { changes } = source
  if (value.mode !== 'append' && value.mode !== 'replace') {
    checkChangeColumns(columns, check)
    return changePublishOf(value, { columns, changes }, check)
  }
  check(
    changes === undefined,
    'publish',
    "must be 'merge' or 'history' with source.changes: change events are no rows to append",
  )
  if (value.mode === 'append') return appendOf(value, columns, check)
  check(
    !('dedupe' in value),
    'publish.dedupe',
    "applies to 'append' only: each extract that replaces another has all of its rows",
  )
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

function appendOf(
  { mode, dedupe, ...others }: Extract<DatasetSpec<string>['publish'], { readonly mode: 'append' }>,
  columns: readonly Column[],
  check: Check,
): Dataset['publish'] {
  for (const name of Object.keys(others))
    check(false, `publish.${name}`, "is not a setting of 'append'; its one setting is dedupe")
  return dedupe === undefined ? { mode } : { mode, dedupe: dedupeOf(dedupe, columns, check) }
}

/** What a change event means that does not have a column is settled; see `absent` of its source. */
function checkChangeColumns(columns: Dataset['columns'], check: Check): void {
  for (const { name, default: value } of columns)
    check(value === undefined, `columns.${name}.default`, 'does not apply: a change event without the column says NULL')
}

/** Documents of MongoDB have an `_id`, so the columns of change datasets may begin with an underscore where Sluice's do not. */
function checkNames(columns: Dataset['columns'], changes: boolean, check: Check): void {
  for (const { name } of columns) {
    check(
      changes || !name.startsWith('_'),
      `columns.${name}`,
      'must not start with an underscore: those names are for lineage columns',
    )
    check(
      !changes || !KEPT_NAMES.has(name.toLowerCase()),
      `columns.${name}`,
      'is a name that Sluice keeps for itself: take another, and let "from" name the field',
    )
  }
}

function freshnessOf(
  { freshness }: DatasetSpec<string>,
  columns: readonly Column[],
  check: Check,
): Dataset['freshness'] {
  if (freshness === undefined) return undefined
  const { maxLagMinutes, eventTime } = freshness
  check(Number.isFinite(maxLagMinutes) && maxLagMinutes > 0, 'freshness.maxLagMinutes', 'must be a number above 0')
  if (eventTime === undefined) return { maxLagMinutes }
  const type = columns.find(column => column.name === eventTime)?.type
  check(
    type === 'timestamptz' || type === 'timestamp' || type === 'date',
    'freshness.eventTime',
    'must name a column of type timestamptz, timestamp or date',
  )
  return { maxLagMinutes, eventTime }
}

const MIB = 1_048_576

/** Below a MiB a file is mostly footer; above 512 a function cannot hold one and its rewritten copy beside others. */
const TARGET_BYTES = { min: MIB, max: 512 * MIB }

function compactionOf(spec: DatasetSpec<string>, check: Check): Dataset['compaction'] {
  const { targetFileBytes, minFiles, ...rest } = { ...DEFAULTS.compaction, ...spec.compaction }
  check(
    Number.isInteger(targetFileBytes) && targetFileBytes >= TARGET_BYTES.min && targetFileBytes <= TARGET_BYTES.max,
    'compaction.targetFileBytes',
    `must be a whole number from ${TARGET_BYTES.min} (1 MiB) to ${TARGET_BYTES.max} (512 MiB); 134217728 (128 MiB) and more read best`,
  )
  check(Number.isInteger(minFiles) && minFiles >= 2, 'compaction.minFiles', 'must be a whole number from 2')
  check(
    rest.strategy === 'binpack' || (spec.sortBy?.length ?? 0) > 0,
    'compaction.strategy',
    `is '${rest.strategy}', but the table has no order: add sortBy`,
  )
  return { targetFileBytes, minFiles, ...rest }
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
