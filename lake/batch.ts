import { createHash } from 'node:crypto'
import type { Dataset } from './dataset.ts'
import { isLakeError } from './errors.ts'
import type { DataFile } from './iceberg/types.ts'
import type { Lake, TableName, Uri } from './lake.ts'
import type { JudgedRecords, Selection } from './quarantine/selection.ts'

/** One raw object: the exact bytes of one version of one landing object. */
export interface RawObject {
  /** A ULID of the landing version's time and a hash of (bucket, key, version): the same delivery always gives the same id, and ids sort by time. */
  readonly id: string
  readonly uri: Uri
  readonly version: string
  readonly bytes: number
  readonly sha256: string
  readonly sourceUri: Uri
  readonly sourceVersion: string
  readonly landedMs: number
  readonly contractVersion: number
}

/** What "Raw Batch Ready" points at: `ops/batches/<dataset>/<id>/manifest.json`. Immutable. */
export interface BatchManifest {
  readonly id: string
  readonly dataset: string
  readonly objects: readonly RawObject[]
  /** The table that the rows go to, when it is not the dataset's own: one that a replay builds beside it. */
  readonly into?: TableName
  /** Quarantined records of the objects, for a batch that is about them alone. */
  readonly selection?: Selection
}

/** The dataset under the name of the table that the batch is for; its quarantine and other side tables are named after that. */
export function datasetInto(dataset: Dataset, { into }: Pick<BatchManifest, 'into'>): Dataset {
  return into === undefined ? dataset : { ...dataset, name: into }
}

/** What became of the records of one raw object. A file that cannot be read counts as one record, quarantined. */
export interface ObjectOutcome {
  readonly rawObject: string
  readonly read: number
  /** In the table; of a change stream, in the files of change rows. */
  readonly applied: number
  readonly quarantined: number
  /** Records of an extract that a newer one had already replaced, and the like. */
  readonly superseded: number
  /** Records of a change stream that are no rows of any table: heartbeats, transaction markers. */
  readonly skipped?: number
  /** Records of tables that the dataset does not hold. */
  readonly elsewhere?: number
  /** Records that somebody dropped from quarantine: they stay out, however often the object is applied. */
  readonly suppressed?: number
  /** Quarantined records by reason. */
  readonly reasons: Readonly<Record<string, number>>
}

/** A data file written in final form to staging; publishing copies it into the table and commits it. */
export interface StagedDataFile {
  readonly uri: Uri
  readonly sha256: string
  /** `file_path` is empty until the file has its place in the table. */
  readonly file: DataFile
}

/** The columns, partition spec and ids that staged files were written with; publishing checks that the table still agrees. */
export interface StagedTable {
  readonly table: string
  readonly tableUuid: string
  readonly schemaId: number
  readonly specId: number
  readonly files: readonly StagedDataFile[]
}

/** Change rows of a batch (changes.ts), as Parquet files for `cdc-apply` to fold into the table. */
export interface StagedChanges {
  readonly files: readonly {
    readonly uri: Uri
    readonly sha256: string
    readonly bytes: number
    readonly rows: number
  }[]
  /** Deletes that no record brought: of rows that a snapshot did not read. */
  readonly swept?: number
}

/** What `quality` says of a batch: `staging/<dataset>/<batch>/verdict.json`. The first one written is the one that counts. */
export interface Verdict {
  readonly batch: string
  readonly dataset: string
  readonly status: 'pass' | 'halt'
  readonly reason?: string
  /** Of a dataset of changes it has no files: what its table becomes is for `cdc-apply` to find out. */
  readonly target: StagedTable
  /** Of a dataset of changes, unless the batch is halted. */
  readonly changes?: StagedChanges
  readonly quarantine: StagedTable | undefined
  readonly objects: readonly ObjectOutcome[]
  /** Of a batch with a selection. */
  readonly judged?: readonly JudgedRecords[]
  /** What the dataset's rules said; absent when it has none. */
  readonly quality?: QualityVerdict
}

/** What the rules of a dataset said of a batch, halted or not. */
export interface QualityVerdict {
  readonly evaluatedMs: number
  /** Passed rules of all, 0 to 1. */
  readonly score: number
  readonly rules: readonly RuleVerdict[]
  /** Every metric that was computed, by Glue's name for it: `Column.id.Completeness`. */
  readonly metrics: Readonly<Record<string, number>>
  /** One row for each rule, for the results table. */
  readonly results: StagedTable
}

export interface RuleVerdict {
  /** The rule as it prints. */
  readonly rule: string
  /** With what its dynamic parts were: `RowCount > 120.5` for `RowCount > avg(last(3))`. */
  readonly evaluatedRule: string
  readonly outcome: 'Passed' | 'Failed' | 'Error'
  readonly reason?: string
  /** What followed: rows in quarantine, a halted batch, or nothing. */
  readonly consequence: 'none' | 'quarantine' | 'halt'
  readonly labels: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
  /** Of rules that speak of single rows. */
  readonly rows?: { readonly passed: number; readonly failed: number; readonly skipped: number }
}

/** What `publish` did: `ops/batches/<dataset>/<id>/commit.json`, rebuildable from the snapshot summaries. */
export interface CommitReport {
  readonly batch: string
  readonly dataset: string
  /** The table as it was called then, and what it is for good: a replay may exchange two tables by their names. */
  readonly table: TableName
  readonly tableUuid: string
  readonly commitId: string
  /** Decimal text of the 64-bit id. */
  readonly snapshotId: string
  readonly quarantineSnapshotId: string | undefined
  /** Of a batch with a selection these are changes of the accounts in which its records stood (quarantine/account.ts). */
  readonly objects: readonly ObjectOutcome[]
  readonly settled?: {
    readonly action: Selection['action']
    /** Records that the batch took out of quarantine; what others took before it is not among them. */
    readonly taken: number
  }
  readonly committedMs: number
  /** Of a batch of change events. */
  readonly changes?: ChangeCounts
}

/** What `cdc-apply` did: `ops/batches/<dataset>/<id>/changes.json`, rebuildable from the snapshot summary. */
export interface ChangeReport {
  readonly batch: string
  readonly dataset: string
  readonly table: TableName
  readonly tableUuid: string
  readonly commitId: string
  readonly snapshotId: string
  readonly counts: ChangeCounts
  readonly committedMs: number
  /** When the newest change of the batch happened in its source, where that tells. */
  readonly newestEventMs?: number
  /** Changes that came too late to be told from those of deleted rows; `publish` puts them aside with what quality refused. */
  readonly quarantine?: StagedTable
}

/** Every record has one outcome: received = applied + superseded + stale + duplicate + skipped + deadLetters. */
export interface ChangeCounts {
  readonly received: number
  /** Made the row of its key, or its end. */
  readonly applied: number
  /** Newer than what was known before the batch, and beaten within it. */
  readonly superseded: number
  /** Not newer than what was known before the batch. */
  readonly stale: number
  readonly duplicate: number
  /** No row: heartbeats, transaction markers, tombstones of deleted rows. */
  readonly skipped: number
  /** In quarantine, with the reason. */
  readonly deadLetters: number
  /** Columns of newer rows that late records filled. */
  readonly patched: number
  /** Columns of rows whose value no record has told yet. */
  readonly unresolved: number
  /** Late records of deleted rows. */
  readonly resurrectionsPrevented: number
}

/** What `ingest` did with one version of a landing object: `ops/landed/<hash of its URI>/<raw id>.json`. */
export interface LandedRecord {
  readonly sourceUri: Uri
  readonly sourceVersion: string
  readonly rawObject: string
  readonly dataset: string | undefined
  readonly outcome:
    | { readonly kind: 'batched'; readonly batch: string; readonly rawUri: Uri }
    | { readonly kind: 'duplicate'; readonly of: string; readonly rawUri: Uri }
    | { readonly kind: 'rejected'; readonly reason: string; readonly message: string }
}

// --- Where these live ----------------------------------------------------------------------------------------------

export const manifestUri = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.ops}/batches/${dataset}/${batch}/manifest.json`
export const commitUri = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.ops}/batches/${dataset}/${batch}/commit.json`
export const changesUri = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.ops}/batches/${dataset}/${batch}/changes.json`
export const verdictUri = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.staging}/${dataset}/${batch}/verdict.json`
export const landedUri = (lake: Lake, sourceUri: Uri, rawObject: string): Uri =>
  `${landedPrefix(lake, sourceUri)}${rawObject}.json`
export const landedPrefix = (lake: Lake, sourceUri: Uri): Uri =>
  `${lake.zones.ops}/landed/${hashText(sourceUri).slice(0, 32)}/`
/** One per dataset and content: which raw object first brought these bytes under this key. */
export const claimUri = (lake: Lake, dataset: string, claim: string): Uri =>
  `${lake.zones.ops}/claims/${dataset}/${claim}.json`

export function hashText(...parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:${part}`)
  return hash.digest('hex')
}

// --- JSON objects in storage ---------------------------------------------------------------------------------------

/** 64-bit numbers in these documents are bigints in memory and plain digits in JSON, exact both ways; binary values are base64. */
export async function readDocument<T>(lake: Pick<Lake, 'storage'>, uri: Uri): Promise<T | undefined> {
  try {
    return parseDocument(Buffer.from(await lake.storage.get(uri)).toString('utf8')) as T
  } catch (error) {
    if (isLakeError(error, 'not-found')) return undefined
    throw error
  }
}

/** Writes once: the document that was there first stays and is returned. */
export async function writeDocumentOnce<T>(lake: Lake, uri: Uri, document: T): Promise<T> {
  try {
    await lake.storage.put(uri, Buffer.from(formatDocument(document)), {
      ifNoneMatch: true,
      contentType: 'application/json',
    })
    return document
  } catch (error) {
    if (!isLakeError(error, 'already-exists')) throw error
    return (await readDocument<T>(lake, uri)) ?? document
  }
}

export function formatDocument(document: unknown): string {
  return JSON.stringify(document, (_key, value) => {
    if (typeof value === 'bigint') return { $long: value.toString() }
    // JSON has no NaN, no infinity and no −0.0, which partition values may be.
    if (typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)))
      return { $double: Object.is(value, -0) ? '-0' : String(value) }
    if (value instanceof Map) return { $map: [...value] }
    return isBufferJson(value) ? { $bytes: Buffer.from(value.data).toString('base64') } : value
  })
}

export function parseDocument(text: string): unknown {
  return JSON.parse(text, (_key, value) => {
    if (value === null || typeof value !== 'object') return value
    if ('$long' in value) return BigInt(value.$long)
    if ('$double' in value) return Number(value.$double)
    if ('$map' in value) return new Map(value.$map)
    return '$bytes' in value ? Buffer.from(value.$bytes, 'base64') : value
  })
}

/** JSON.stringify hands a Buffer to the replacer in this form. */
function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    value.type === 'Buffer' &&
    'data' in value &&
    Array.isArray(value.data)
  )
}
