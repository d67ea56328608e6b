import type { ChangePublishSpec } from './dataset-change-publish.ts'
import type { ChangeSource, ChangeSourceSpec } from './dataset-changes.ts'
import { checkDataset } from './dataset-check.ts'
import type { Dedupe, DedupeSpec } from './dataset-dedupe.ts'
import type { StreamSettings, StreamSpec } from './dataset-stream.ts'
import type { Ruleset } from './dqdl/ast.ts'

/** Iceberg's primitive types, in the spec's spelling. */
export type Primitive =
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | `decimal(${number},${number})`
  | 'date'
  | 'time'
  | 'timestamp'
  | 'timestamptz'
  | 'string'
  | 'uuid'
  | 'binary'

export type ColumnType =
  | Primitive
  | { readonly struct: readonly Column[] }
  | { readonly list: ColumnType }
  | { readonly map: { readonly key: ColumnType; readonly value: ColumnType } }

/** How text or numbers become a date or time when they are not ISO 8601: epoch units, or a strptime pattern such as `%m/%d/%Y`. */
export type TemporalFormat = 'epoch-seconds' | 'epoch-millis' | 'epoch-micros' | `%${string}`

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** A row without a value is quarantined. Iceberg keeps the column `optional`, so that old files stay readable. */
  readonly required: boolean
  /** Names that older producers used: the only renames that are accepted. */
  readonly from: readonly string[]
  /** Text of the value taken when the field is absent (not when it is null). */
  readonly default: string | undefined
  readonly format: TemporalFormat | undefined
  readonly doc: string | undefined
}

export type Transform =
  | { readonly name: 'identity' | 'year' | 'month' | 'day' | 'hour' }
  | { readonly name: 'bucket' | 'truncate'; readonly width: number }

export interface PartitionField {
  readonly column: string
  readonly transform: Transform
}

export interface SortField {
  readonly column: string
  readonly direction: 'asc' | 'desc'
}

export interface CsvDialect {
  readonly delimiter: string
  readonly header: boolean
  readonly quote: string
  readonly escape: string
  /** The text that stands for null, besides an empty unquoted field. */
  readonly null: string
}

export type SourceFormat = 'ndjson' | 'json' | 'csv' | 'parquet' | 'avro'

export interface Source {
  /** The system that produces the data: metadata and tag `source-system` of every raw object. */
  readonly system: string
  /** `ndjson`: JSON objects by line or back to back. `json`: one document, an object or an array of objects. Compression is sniffed. */
  readonly format: SourceFormat
  readonly csv: CsvDialect
  /** In a `json` document that is an object: the field whose array holds the records. */
  readonly records: string | undefined
  /** Globs over landing keys: `*` within a path segment, `**` across segments; with the folder that its stream delivers to. */
  readonly match: readonly string[]
  /** The objects hold change events; they feed a table of mode `merge` or `history`. */
  readonly changes: ChangeSource | undefined
  /** undefined: the dataset takes no single events. */
  readonly stream: StreamSettings | undefined
}

/**
 * `replace`: each object is a full extract of the `table`, or of the `partitions` it holds; the newest wins. `merge`: change events keep
 * the current row of every key; `history`: all of its rows, with the time in which each was current.
 */
export type Publish =
  | {
      readonly mode: 'append'
      /** Absent: a row that is sent twice is there twice. */
      readonly dedupe?: Dedupe
    }
  | { readonly mode: 'replace'; readonly scope: 'table' | 'partitions' }
  | {
      readonly mode: 'merge' | 'history'
      readonly key: readonly string[]
      /** `soft`: the last row stays, marked `_deleted`. */
      readonly deletes: 'hard' | 'soft'
      /** How long a deleted key is remembered, so that late events do not bring it back. */
      readonly tombstoneHours: number
      /** So much of the table and the batch one function reads to find rows; a merge that has to read more is Athena's. */
      readonly mergeBytesMax: number
    }

export type Evolution = 'add' | 'widen' | 'freeze' | 'discard'

export interface Dataset {
  readonly name: string
  readonly description: string
  readonly source: Source
  readonly contract: { readonly version: number; readonly accepts: { readonly min: number; readonly max: number } }
  readonly columns: readonly Column[]
  /** Fields the contract does not know: `add` a nullable column, `freeze` (quarantine the row), or `discard` them into `_rescued`. */
  readonly evolution: Evolution
  readonly partitionBy: readonly PartitionField[]
  readonly sortBy: readonly SortField[]
  readonly publish: Publish
  readonly limits: {
    readonly objectBytesMax: number
    readonly recordBytesMax: number
    /** Uncompressed bytes per compressed byte; more is a decompression bomb. */
    readonly expansionMax: number
  }
  readonly raw: { readonly partitions: 'projection' | 'registered' }
  readonly compaction: {
    readonly targetFileBytes: number
    /** So many small files of one partition are worth rewriting. */
    readonly minFiles: number
    /** `sort` and `zorder` go by `sortBy`. */
    readonly strategy: 'binpack' | 'sort' | 'zorder'
    readonly codec: 'zstd' | 'snappy'
  }
  readonly retention: { readonly snapshotAgeHours: number; readonly minSnapshots: number }
  /** undefined: nothing is checked beyond the contract. */
  readonly quality: QualitySettings | undefined
  /** The promise of how old the newest rows may be. `eventTime`: the column that says when something happened. */
  readonly freshness: { readonly maxLagMinutes: number; readonly eventTime?: string } | undefined
  readonly dataClass: 'public' | 'internal' | 'confidential' | 'pii'
  readonly owner: string
  readonly tags: Readonly<Record<string, string>>
}

/** The gate that every batch passes before anything of it is published. */
export interface QualitySettings {
  /** DQDL as it was written, and as it was understood. */
  readonly rules: string
  readonly ruleset: Ruleset
  /** What is doubtful in the rules, as people read it: line, column and a caret. */
  readonly warnings: readonly string[]
  /** When a rule about the whole batch fails, or cannot be evaluated: `halt` publishes nothing of it. */
  readonly onFailure: 'halt' | 'warn'
  /** What becomes of rows that fail a rule about every row. */
  readonly rows: 'quarantine' | 'keep'
}

// --- What a user writes --------------------------------------------------------------------------------------------

export type TypeSpec =
  | Primitive
  | { readonly struct: Readonly<Record<string, ColumnSpec>> }
  | { readonly list: TypeSpec }
  | { readonly map: { readonly key: TypeSpec; readonly value: TypeSpec } }

export type ColumnSpec =
  | TypeSpec
  | {
      readonly type: TypeSpec
      readonly required?: boolean
      readonly from?: string | readonly string[]
      readonly default?: string | number | boolean
      readonly format?: TemporalFormat
      readonly doc?: string
    }

type Timed<C extends string> = `${'year' | 'month' | 'day' | 'hour'}(${C})`
type Sized<C extends string> = `${'bucket' | 'truncate'}(${number}, ${C})`
export type PartitionSpec<C extends string> = C | Timed<C> | Sized<C>
export type SortSpec<C extends string> = C | `${C} asc` | `${C} desc`

export interface DatasetSpec<C extends string> {
  readonly name: string
  readonly description?: string
  readonly source: {
    readonly system: string
    readonly format: SourceFormat
    /** May be left out by a dataset that takes single events only. */
    readonly match?: string | readonly string[]
    readonly csv?: Partial<CsvDialect>
    readonly records?: string
    readonly changes?: ChangeSourceSpec
    readonly stream?: StreamSpec<NoInfer<C>>
  }
  readonly contract?: { readonly version: number; readonly accepts?: { readonly min: number; readonly max: number } }
  readonly columns: Readonly<Record<C, ColumnSpec>>
  readonly evolution?: Evolution
  readonly partitionBy?: readonly PartitionSpec<NoInfer<C>>[]
  readonly sortBy?: readonly SortSpec<NoInfer<C>>[]
  readonly publish?:
    | 'append'
    | 'replace'
    | { readonly mode: 'append'; readonly dedupe?: DedupeSpec<NoInfer<C>> }
    | Extract<Publish, { mode: 'replace' }>
    | ChangePublishSpec
  readonly limits?: Partial<Dataset['limits']>
  readonly raw?: Partial<Dataset['raw']>
  readonly compaction?: Partial<Dataset['compaction']>
  readonly retention?: Partial<Dataset['retention']>
  /** A DQDL ruleset, or one with what is to follow when it fails. */
  readonly quality?: string | (Pick<QualitySettings, 'rules'> & Partial<Pick<QualitySettings, 'onFailure' | 'rows'>>)
  readonly freshness?: { readonly maxLagMinutes: number; readonly eventTime?: NoInfer<C> }
  readonly dataClass?: Dataset['dataClass']
  readonly owner?: string
  readonly tags?: Readonly<Record<string, string>>
}

/**
 * One typed declaration per table. Wrong names are found while typing; everything else when the module is loaded: a
 * `dataset-invalid` error that names the dataset, the field and the fix.
 */
export function defineDataset<const C extends string>(spec: DatasetSpec<C>): Dataset {
  return checkDataset(spec as DatasetSpec<string>)
}

/** Columns that Sluice adds to every table, after the user's own. */
export const LINEAGE: readonly Column[] = [
  ownColumn('_raw_object', 'string', 'id of the raw object that the row came from'),
  ownColumn('_raw_row', 'long', 'ordinal of the record in that object, from 1'),
  ownColumn('_ingested_at', 'timestamptz', 'when that object landed'),
]

/** Holds, as JSON, the fields of a row that the contract does not know. In tables whose evolution is `add` or `discard`. */
export const RESCUED: Column = ownColumn('_rescued', 'string', 'JSON of the fields that the contract does not know')

/** A column that Sluice fills: it may be null, and nothing is read into it. */
export function ownColumn(name: string, type: Column['type'], doc: string): Column {
  return { name, type, required: false, from: [], default: undefined, format: undefined, doc }
}

/** What the rows of tables that change events feed remember of the change that made them, so that an older one never undoes it. */
export const GUARD: readonly Column[] = [
  ownColumn('_version', 'string', 'position in the log of the source; greater text is newer'),
  ownColumn('_place', 'string', 'lane, ordinal and content of the change, which put changes of one position in order'),
  ownColumn(
    '_authors',
    'string',
    'JSON: versions of the columns that are older than the row, because later changes left them out',
  ),
]
const SOFT: readonly Column[] = [ownColumn('_deleted', 'boolean', 'whether the source has deleted the row')]
const VALIDITY: readonly Column[] = [
  ownColumn('_valid_from', 'timestamptz', 'when the row became current in the source'),
  ownColumn('_valid_to', 'timestamptz', 'when the next one did, or the row was deleted; null while it is current'),
  ownColumn('_is_current', 'boolean', 'whether the row is the newest of its key'),
]

/** All columns of the dataset's table, in order. */
export function tableColumns(dataset: Dataset): readonly Column[] {
  return [
    ...dataset.columns,
    ...(dataset.evolution === 'freeze' ? [] : [RESCUED]),
    ...LINEAGE,
    ...stateColumns(dataset.publish),
  ]
}

function stateColumns(publish: Publish): readonly Column[] {
  if (publish.mode === 'merge') return [...GUARD, ...(publish.deletes === 'soft' ? SOFT : [])]
  return publish.mode === 'history' ? [...GUARD, ...VALIDITY] : []
}

/** The name of the dataset's Hive-style table of raw objects, and of its side tables. */
export const rawTableName = (dataset: Pick<Dataset, 'name'>): string => `${dataset.name}__raw`
/** Of a table that change events feed: deleted keys and truncates, so that late events do not bring rows back. */
export const tombstoneTableName = (dataset: Pick<Dataset, 'name'>): string => `${dataset.name}__tombstones`
/** Of a table that change events feed: what Athena and `cdc-apply` hand each other when a merge outgrows the function. */
export const handOverTableName = (dataset: Pick<Dataset, 'name'>): string => `${dataset.name}__handover`
export const quarantineTableName = (dataset: Pick<Dataset, 'name'>): string => `${dataset.name}__quarantine`
