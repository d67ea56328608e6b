import { type Dataset, defineDataset, type TypeSpec } from '#lake/dataset.ts'
import type { ChangeSourceSpec, Connector } from '#lake/dataset-changes.ts'

/** One case of changes, as a file of a folder of cases holds it. */
export interface ChangeCase {
  readonly name: string
  readonly note: string
  readonly format: 'debezium-json' | 's3-debezium-json' | 'dms-json' | 'dms-csv' | 'dms-parquet'
  readonly table: string
  readonly key: readonly string[]
  readonly columns: Readonly<Record<string, string>>
  readonly options: CaseOptions
  readonly batches: readonly (readonly CaseEvent[])[]
  readonly expected_rows: readonly CaseRow[]
  readonly expected_tables?: Readonly<Record<string, readonly CaseRow[]>>
  readonly expected_stats: CaseStats
  readonly expected_dead_letter_reasons?: Readonly<Record<string, number>>
  readonly invariants: readonly ('replay' | 'rebatch' | 'duplicate' | 'permute')[]
}

export type CaseRow = Readonly<Record<string, unknown>>

export interface CaseStats {
  readonly received: number
  readonly applied: number
  readonly superseded: number
  readonly stale: number
  readonly duplicate: number
  readonly skipped: number
  readonly dead_letter: number
  readonly patched: number
}

export interface CaseOptions {
  readonly mode?: 'scd2'
  readonly deletes?: 'soft'
  readonly ignoreNulls?: boolean
  readonly flattened?: boolean
  readonly addFields?: ChangeSourceSpec['addFields']
  readonly addHeaders?: ChangeSourceSpec['addHeaders']
  readonly decimals?: 'base64'
  readonly evolve?: 'add' | 'widen'
  readonly partitionBy?: readonly string[]
  readonly route?: Readonly<Record<string, string>>
  readonly epochs?: { readonly field: string; readonly order: readonly (string | number)[] }
  readonly columnOrder?: readonly string[]
  readonly header?: boolean
  readonly includeOpForFullLoad?: boolean
  readonly timestampColumn?: string
  readonly seqColumn?: string
  readonly csvNullValue?: string
  readonly beforeImagePrefix?: string
  readonly beforeImageField?: string
  readonly transactionFiles?: boolean
  readonly tables?: Readonly<Record<string, CaseTable>>
}

interface CaseTable {
  readonly table: string
  readonly key: readonly string[]
  readonly columnOrder?: readonly string[]
  readonly columns: Readonly<Record<string, string>>
}

export type CaseEvent =
  | {
      readonly topic: string
      readonly partition: number
      readonly offset: number
      readonly key: string | null
      readonly value: string | null
      readonly headers?: readonly Readonly<Record<string, string>>[]
    }
  | { readonly file: string; readonly content: string }
  | { readonly file: string; readonly rows: readonly CaseRow[] }

/** A table of a case, and the dataset that is to become it. */
export interface CaseTarget {
  readonly table: string
  readonly dataset: Dataset
  readonly columns: Readonly<Record<string, string>>
}

/** The project's own configuration for a case: one dataset for each of its tables. */
export function targetsOf(given: ChangeCase): readonly CaseTarget[] {
  const { options } = given
  const own = { table: given.table, key: given.key, columns: given.columns, columnOrder: options.columnOrder }
  const tables =
    options.tables ?? Object.fromEntries(sourcesOf(given).map(([source, table]) => [source, { ...own, table }]))
  const many = Object.keys(tables).length > 1
  return Object.entries(tables).map(([source, table]) => ({
    table: table.table,
    columns: table.columns,
    dataset: datasetOf(given, {
      ...own,
      ...table,
      source: many || options.route || options.transactionFiles ? source : undefined,
    }),
  }))
}

const sourcesOf = (given: ChangeCase): readonly (readonly [string, string])[] =>
  Object.entries(given.options.route ?? { [given.table]: given.table })

interface Target extends CaseTable {
  /** The source table, where the stream has several. */
  readonly source: string | undefined
}

function datasetOf(given: ChangeCase, target: Target): Dataset {
  const { options, format } = given
  const csv = { header: options.header ?? false, null: options.csvNullValue ?? 'NULL' }
  return defineDataset({
    name: target.table.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_'),
    source: {
      system: 'conformance',
      format: format === 'dms-csv' ? 'csv' : format === 'dms-parquet' ? 'parquet' : 'ndjson',
      match: '**',
      ...(format === 'dms-csv' ? { csv } : {}),
      changes: changesOf(given, target),
    },
    columns: Object.fromEntries(Object.entries(target.columns).map(([name, type]) => [name, typeOf(type)])),
    evolution: options.evolve ?? 'discard',
    publish: {
      mode: options.mode === 'scd2' ? 'history' : 'merge',
      key: target.key,
      ...(options.deletes === undefined ? {} : { deletes: options.deletes }),
    },
    ...(options.partitionBy === undefined ? {} : { partitionBy: options.partitionBy }),
  })
}

function changesOf({ options, format, batches }: ChangeCase, target: Target): ChangeSourceSpec {
  const shape = format.startsWith('dms') ? 'dms' : options.flattened ? 'flattened' : 'debezium'
  return {
    shape,
    wrapper: format === 'debezium-json' || format === 'dms-json' ? 'kafka' : 'none',
    ...(shape === 'flattened' ? { connector: flattenedConnector(JSON.stringify([options, batches])) } : {}),
    ...(options.addFields === undefined ? {} : { addFields: options.addFields }),
    ...(options.addHeaders === undefined ? {} : { addHeaders: options.addHeaders }),
    ...(target.source === undefined ? {} : { tables: target.source }),
    ...(options.epochs === undefined
      ? {}
      : { epochs: { field: options.epochs.field, order: options.epochs.order.map(String) } }),
    decimals: options.decimals ?? 'text',
    ...(options.ignoreNulls ? { nulls: 'unchanged' as const } : {}),
    ...(shape === 'dms' ? { dms: dmsOf(options, target) } : {}),
  }
}

function dmsOf(options: CaseOptions, target: Target): NonNullable<ChangeSourceSpec['dms']> {
  return {
    columnOrder: target.columnOrder,
    fullLoadOperation: options.includeOpForFullLoad ?? false,
    timestampColumn: options.timestampColumn,
    sequenceColumn: options.seqColumn,
    beforeImagePrefix: options.beforeImagePrefix,
    transactionFiles: options.transactionFiles ?? false,
  }
}

/** A flattened record does not name its connector; the fields that a case configures do. */
function flattenedConnector(text: string): Connector {
  if (/__(source_)?(file|pos)\b/.test(text)) return 'mysql'
  if (/__(source_)?(commit|change)_lsn\b/.test(text)) return 'sqlserver'
  return /__(source_)?(commit_)?scn\b/.test(text) ? 'oracle' : 'postgresql'
}

const TYPES: Readonly<Record<string, TypeSpec>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'int',
  SMALLINT: 'int',
  INT: 'int',
  INTEGER: 'int',
  BIGINT: 'long',
  REAL: 'float',
  FLOAT: 'float',
  DOUBLE: 'double',
  DATE: 'date',
  TIME: 'time',
  TIMESTAMP: 'timestamp',
  TIMESTAMPTZ: 'timestamptz',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
  VARCHAR: 'string',
  TEXT: 'string',
  JSON: 'string',
  UUID: 'uuid',
  BLOB: 'binary',
  BYTEA: 'binary',
}

function typeOf(name: string): TypeSpec {
  const decimal = /^(?:DECIMAL|NUMERIC)\((\d+),\s*(\d+)\)$/i.exec(name)
  if (decimal !== null) return `decimal(${Number(decimal[1])},${Number(decimal[2])})`
  const list = /^(.*)\[\]$/.exec(name)
  if (list !== null) return { list: typeOf(list[1] as string) }
  const type = TYPES[name.toUpperCase()] ?? (/^VARCHAR\(/i.test(name) ? 'string' : undefined)
  if (type === undefined) throw new Error(`the case has a column of type ${name}, which no table can have`)
  return type
}
