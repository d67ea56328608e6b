import { type AddedFields, addedFieldsOf } from './added-fields.ts'
import type { CsvDialect, DatasetSpec, Source } from './dataset.ts'
import type { Check } from './dataset-columns.ts'

export type Connector = 'postgresql' | 'mysql' | 'mariadb' | 'sqlserver' | 'oracle' | 'mongodb'

/** How records of a change stream look, and which of their fields carry the version. Facts and set-up by source: docs/cdc.md. */
export interface ChangeSource {
  /** `debezium`: the envelope. `flattened`: ExtractNewRecordState. `dms`: files and messages of AWS DMS. */
  readonly shape: 'debezium' | 'flattened' | 'dms'
  /** What is around each record: nothing (files), or the fields of a Kafka or Kinesis record, with key and headers. */
  readonly wrapper: 'none' | 'kafka' | 'kinesis'
  /** undefined: each envelope says which connector it comes from. */
  readonly connector: Connector | undefined
  /** `schema.table` of the source tables that feed this dataset; none: all of the stream. */
  readonly tables: readonly string[]
  /** Which server's log came first, for sources whose log starts again: the field of `source` that tells, and its values from the oldest. */
  readonly epochs: { readonly field: string; readonly order: readonly string[] } | undefined
  /** Decimals of events without a schema: `base64` with the scale of the column (`decimal.handling.mode=precise`), or `text`. */
  readonly decimals: 'base64' | 'text' | undefined
  /** Numbers in timestamp and time columns of events without a schema. undefined: micros of PostgreSQL, millis of the others. */
  readonly timestamps: 'millis' | 'micros' | 'nanos' | undefined
  /** `binary.handling.mode`. */
  readonly bytes: 'base64' | 'base64url' | 'hex'
  /** What stands for a value that the source did not send (`unavailable.value.placeholder`). */
  readonly placeholder: string
  /** `unchanged`: a NULL keeps the old value. */
  readonly nulls: 'value' | 'unchanged'
  /** `unchanged`: records are sparse, and a column that is absent keeps its old value. */
  readonly absent: 'null' | 'unchanged'
  /** Avro schemas by id, as JSON text: the frames of Confluent (a number) and Glue (a UUID) name them. */
  readonly avro: Readonly<Record<string, string>>
  /** Of shape `flattened`: how `add.fields` names the fields of a record … */
  readonly addFields: AddedFields
  /** … and `add.headers` its headers. */
  readonly addHeaders: AddedFields
  readonly dms: DmsOptions
}

export interface DmsOptions {
  /** Order of the columns in files without a header; the declared order when absent. */
  readonly columnOrder: readonly string[] | undefined
  /** `IncludeOpForFullLoad`. */
  readonly fullLoadOperation: boolean
  /** `TimestampColumnName`. */
  readonly timestampColumn: string | undefined
  /** The column that a transformation rule fills with `$AR_H_CHANGE_SEQ`. */
  readonly sequenceColumn: string | undefined
  /** Of `add-before-image-columns`. */
  readonly beforeImagePrefix: string | undefined
  /** Member of a JSON message that holds the row before the change. */
  readonly beforeImageField: string
  /** `PreserveTransactions`: CDC_TXN files, each row led by operation, table and schema. */
  readonly transactionFiles: boolean
  /** The position of JSON messages: `transaction` ids, or the LSN that `stream-position` begins with (PostgreSQL). */
  readonly position: 'transaction' | 'stream-position'
}

type NotPlain = 'dms' | 'shape' | 'tables' | 'addFields' | 'addHeaders'

export interface ChangeSourceSpec extends Partial<Omit<ChangeSource, NotPlain>> {
  readonly shape: ChangeSource['shape']
  readonly tables?: string | readonly string[]
  readonly addFields?: Partial<AddedFields>
  readonly addHeaders?: Partial<AddedFields>
  readonly dms?: Partial<DmsOptions> & {
    /** What the task replicates. Anything but `all` is refused: deletes would never arrive. */
    readonly operations?: 'all' | 'inserts-and-updates' | 'inserts'
  }
}

const DEFAULTS: Omit<ChangeSource, 'shape'> = {
  wrapper: 'none',
  connector: undefined,
  tables: [],
  epochs: undefined,
  decimals: undefined,
  timestamps: undefined,
  bytes: 'base64',
  placeholder: '__debezium_unavailable_value',
  nulls: 'value',
  absent: 'null',
  avro: {},
  addFields: addedFieldsOf(undefined),
  addHeaders: addedFieldsOf(undefined),
  dms: {
    columnOrder: undefined,
    fullLoadOperation: false,
    timestampColumn: undefined,
    sequenceColumn: undefined,
    beforeImagePrefix: undefined,
    beforeImageField: 'before-image',
    transactionFiles: false,
    position: 'transaction',
  },
}

const CHOICES = {
  shape: ['debezium', 'flattened', 'dms'],
  wrapper: ['none', 'kafka', 'kinesis'],
  connector: ['postgresql', 'mysql', 'mariadb', 'sqlserver', 'oracle', 'mongodb'],
  decimals: ['base64', 'text'],
  timestamps: ['millis', 'micros', 'nanos'],
  bytes: ['base64', 'base64url', 'hex'],
  nulls: ['value', 'unchanged'],
  absent: ['null', 'unchanged'],
} as const

/** Columns of change rows (changes.ts) and hidden ones of the tables that they feed: a dataset may have none of these names. */
export const STATE_NAMES: readonly string[] = [
  ...['_version', '_place', '_authors', '_deleted', '_valid_from', '_valid_to', '_is_current'],
]
export const KEPT_NAMES: ReadonlySet<string> = new Set([
  ...['_op', '_position', '_snapshot', '_lane', '_ordinal', '_kept', '_old_key', '_event_us', '_content'],
  ...['_raw_object', '_raw_row', '_ingested_at', '_rescued'],
  ...['_handover_run', '_handover_part'],
  ...STATE_NAMES,
])

/** DMS writes no header and `NULL` for null unless it is told otherwise (CsvNullValue). */
export const DMS_CSV: Partial<CsvDialect> = { header: false, null: 'NULL' }

/** The change stream that a source declares. Fails with `dataset-invalid` where its records could not be put in order. */
export function changesOf(spec: DatasetSpec<string>, source: Omit<Source, 'changes'>, check: Check): Source['changes'] {
  const given = spec.source.changes
  if (given === undefined) return undefined
  const field = 'source.changes'
  checkNames(given, check)
  const changes: ChangeSource = {
    ...DEFAULTS,
    ...given,
    tables: typeof given.tables === 'string' ? [given.tables] : (given.tables ?? []),
    addFields: addedFieldsOf(given.addFields),
    addHeaders: addedFieldsOf(given.addHeaders),
    dms: { ...DEFAULTS.dms, ...withoutOperations(given.dms) },
  }
  for (const table of changes.tables)
    check(table.includes('.'), `${field}.tables`, `names "${table}": give schema and table, e.g. 'public.${table}'`)
  checkShape(changes, source, check)
  checkEpochs(changes, check)
  if (changes.shape === 'dms') checkDms(spec, { changes, source }, check)
  else check(given.dms === undefined, `${field}.dms`, "applies to shape 'dms' only")
  return changes
}

function withoutOperations(dms: ChangeSourceSpec['dms']): Partial<DmsOptions> {
  const { operations: _operations, ...options } = dms ?? {}
  return options
}

function checkNames(given: ChangeSourceSpec, check: Check): void {
  const known = ['shape', ...Object.keys(DEFAULTS)]
  for (const name of Object.keys(given))
    check(known.includes(name), `source.changes.${name}`, `is not a setting; the settings are ${known.join(', ')}`)
  const dms = [...Object.keys(DEFAULTS.dms), 'operations']
  for (const name of Object.keys(given.dms ?? {}))
    check(dms.includes(name), `source.changes.dms.${name}`, `is not a setting; the settings are ${dms.join(', ')}`)
  for (const [name, words] of Object.entries(CHOICES)) {
    const value = given[name as keyof typeof CHOICES]
    const listed = words.map(word => `'${word}'`).join(', ')
    const optional = name !== 'shape' && value === undefined
    check(optional || words.some(word => word === value), `source.changes.${name}`, `must be one of ${listed}`)
  }
}

function checkShape(changes: ChangeSource, source: Omit<Source, 'changes'>, check: Check): void {
  const field = 'source.changes'
  const { shape, wrapper, connector } = changes
  check(
    source.format === 'ndjson' || (shape === 'dms' && wrapper === 'none' && ['csv', 'parquet'].includes(source.format)),
    'source.format',
    shape === 'dms'
      ? "must be 'csv', 'parquet' or 'ndjson' for DMS"
      : "must be 'ndjson': one change event after the other",
  )
  check(
    shape !== 'flattened' || connector !== undefined,
    `${field}.connector`,
    'is missing: a flattened record does not say which of its fields is the version; add source.lsn, source.pos or the like to ' +
      'add.fields of ExtractNewRecordState and name the connector here. Without a version nothing tells a late record from a new one',
  )
  check(
    shape !== 'flattened' || connector !== 'mongodb',
    `${field}.connector`,
    "is 'mongodb': a flattened record of MongoDB has no version but a clock, which steps back; use shape 'debezium'",
  )
  check(
    Object.keys(changes.avro).length === 0 || wrapper !== 'none',
    `${field}.avro`,
    "applies to wrapper 'kafka' and 'kinesis': frames are single records, not files",
  )
  check(
    changes.placeholder !== '',
    `${field}.placeholder`,
    'must not be empty: every empty text would be left unchanged',
  )
}

function checkEpochs({ epochs, shape }: ChangeSource, check: Check): void {
  if (epochs === undefined) return
  const field = 'source.changes.epochs'
  check(shape === 'debezium', field, "applies to shape 'debezium': it names a field of source")
  check(/^\w+$/.test(epochs.field ?? ''), `${field}.field`, "must name a field of source, e.g. 'server_id'")
  check(
    Array.isArray(epochs.order) && epochs.order.length > 0 && epochs.order.length <= 256,
    `${field}.order`,
    'must list the values of that field from the oldest log to the newest, at most 256',
  )
  check(new Set(epochs.order.map(String)).size === epochs.order.length, `${field}.order`, 'names a value twice')
}

function checkDms(
  spec: DatasetSpec<string>,
  { changes, source }: { readonly changes: ChangeSource; readonly source: Omit<Source, 'changes'> },
  check: Check,
): void {
  const field = 'source.changes.dms'
  const { dms } = changes
  const operations = spec.source.changes?.dms?.operations ?? 'all'
  check(
    operations === 'all',
    `${field}.operations`,
    `is '${operations}' (CdcInsertsOnly, CdcInsertsAndUpdates): deletes never arrive, so the table would keep rows that the source has not. ` +
      "Let the task replicate all changes, or publish the files with 'append'",
  )
  check(
    !dms.transactionFiles || (source.format === 'csv' && changes.tables.length > 0),
    `${field}.transactionFiles`,
    "needs format 'csv' and source.changes.tables: such files hold rows of every table",
  )
  check(
    changes.connector === undefined,
    'source.changes.connector',
    "applies to the shapes of Debezium; drop it with 'dms'",
  )
  for (const name of dms.columnOrder ?? [])
    check(
      Object.hasOwn(spec.columns, name) || [dms.timestampColumn, dms.sequenceColumn].includes(name),
      `${field}.columnOrder`,
      `names "${name}", which is not declared`,
    )
}
