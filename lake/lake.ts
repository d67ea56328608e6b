import type { Session, SessionOptions } from './duckdb/engine.ts'

/**
 * Every effect of Sluice, on one screen. Stories receive a `Lake` and nothing else of the world, which is what makes the
 * same code run on AWS, on a folder, in memory and under fault simulation.
 */
export interface Lake {
  readonly zones: Zones
  readonly storage: Storage
  readonly catalog: Catalog
  readonly engine: Engine
  readonly bus: Bus
  readonly stream: Stream
  readonly workflows: Workflows
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  /** What this process may use; sessions, row groups and concurrency are planned from it. */
  readonly limits: Limits
}

/** Base URIs without a trailing slash, `s3://bucket` or `file:///folder`; an object's URI is the base, a slash and its key. */
export interface Zones {
  readonly landing: Uri
  readonly raw: Uri
  readonly staging: Uri
  readonly tables: Uri
  readonly ops: Uri
}

/** `s3://bucket/key` or `file:///path`: the base and the key joined as they are, never percent-encoded (Iceberg spec, "paths"). */
export type Uri = string

export interface Limits {
  readonly memoryBytes: number
  readonly threads: number
  /** A folder of this process's own for staged and spilled files. */
  readonly scratch: string
}

// --- Storage -------------------------------------------------------------------------------------------------------

export interface ObjectInfo {
  readonly uri: Uri
  readonly bytes: number
  /** The S3 version id; on disk a token that changes whenever the bytes are replaced. */
  readonly version: string
  /** Milliseconds since the epoch. For multipart uploads S3 gives the start of the upload, so never use it as a watermark. */
  readonly modifiedMs: number
  readonly metadata: Readonly<Record<string, string>>
}

export interface ObjectVersion extends ObjectInfo {
  /** What a read without a version gives; false of one that was replaced or deleted. */
  readonly isCurrent: boolean
}

export interface ReadOptions {
  /** Read exactly this version; another or a deleted one fails with `not-found`. */
  readonly version?: string
}

export interface WriteOptions {
  /** Create only: fails with `already-exists` when the object is there (If-None-Match: *, HTTP 412). */
  readonly ifNoneMatch?: boolean
  /** User metadata (x-amz-meta-…): printable ASCII keys in lower case; values of any text, stored percent-encoded where S3 needs it. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  readonly contentType?: string
}

export interface StagedFile {
  /** A local file. It may be the stored object itself: never write to it. */
  readonly path: string
  readonly bytes: number
  /** Lower-case hex, taken from the local bytes. Empty when `unhashed` was asked for. */
  readonly sha256: string
}

export interface StageOptions extends ReadOptions {
  /** What the bytes must hash to. */
  readonly sha256?: string
  /** For files that nobody has a checksum of: hashing a thousand of them takes a quarter as long as rewriting them. */
  readonly unhashed?: boolean
}

/** Objects by URI. Errors: `not-found`, `already-exists`, `throttled` and `unavailable` (retryable), `access-denied`, `checksum`. */
export interface Storage {
  /** Local folders whose files `stage` may hand out as they are stored; a session that reads staged files must be allowed in. */
  readonly folders: readonly string[]
  /** undefined when the object (or that version of it) does not exist. Metadata included. */
  head(uri: Uri, options?: ReadOptions): Promise<ObjectInfo | undefined>
  /** The whole object, or bytes `start` (inclusive) to `end` (exclusive) of it. */
  get(
    uri: Uri,
    options?: ReadOptions & { readonly range?: { readonly start: number; readonly end: number } },
  ): Promise<Uint8Array>
  put(uri: Uri, body: Uint8Array, options?: WriteOptions): Promise<ObjectInfo>
  /** Server-side copy, bytes never pass through this process. Metadata and tags are replaced by those given. */
  copy(from: Uri, to: Uri, options?: WriteOptions & ReadOptions): Promise<ObjectInfo>
  /** Objects whose URI starts with `prefix`, in UTF-8 byte order of the key, page by page; without metadata. */
  list(prefix: Uri, options?: { readonly startAfter?: Uri }): AsyncIterable<ObjectInfo>
  /**
   * As `list`, with every version that is there, replaced and deleted ones too, where the store keeps them; those of a key follow each
   * other. A store without versions gives what `list` gives.
   */
  versions(prefix: Uri): AsyncIterable<ObjectVersion>
  /** Brings the object to local disk by parallel ranged reads; `sha256` given: a difference fails with `checksum`. */
  stage(uri: Uri, folder: string, options?: StageOptions): Promise<StagedFile>
  /** Uploads a local file, in parts when it is large; the stored bytes are checked against `sha256`. */
  upload(path: string, uri: Uri, options: WriteOptions & { readonly sha256: string }): Promise<ObjectInfo>
  /** Only the sweeper may call this; no other role has the permission. Deleting what is not there succeeds. */
  delete(uri: Uri): Promise<void>
  /**
   * Destroys every version of the object that is not current, for good; of a deleted object all of them. Only an erasure may call this, by a
   * role of its own. Where nothing is versioned only folders may be left of it, and go when they are empty.
   */
  purge(uri: Uri): Promise<void>
}

// --- Catalog -------------------------------------------------------------------------------------------------------

/** A table name of the lake's one database: `^[a-z0-9_]{1,255}$`. */
export type TableName = string

export interface CatalogColumn {
  readonly name: string
  /** A Hive type: `bigint`, `struct<a:int>`, `array<string>` … */
  readonly type: string
  readonly comment?: string
  readonly parameters?: Readonly<Record<string, string>>
}

/** The catalog's pointer to an Iceberg table. `token` is Glue's VersionId (a counter on disk): what a swap compares. */
export interface CatalogEntry {
  readonly name: TableName
  readonly metadataLocation: Uri
  readonly token: string
}

export interface IcebergEntry {
  readonly metadataLocation: Uri
  readonly location: Uri
  /** Informational only; readers take the schema from the metadata file. */
  readonly columns: readonly CatalogColumn[]
  readonly description?: string
}

export interface HiveTable {
  readonly location: Uri
  readonly columns: readonly CatalogColumn[]
  readonly partitionKeys: readonly CatalogColumn[]
  readonly format: 'json' | 'csv' | 'parquet' | 'avro'
  readonly serde: {
    readonly library: string
    readonly inputFormat: string
    readonly outputFormat: string
    readonly parameters: Readonly<Record<string, string>>
  }
  readonly parameters: Readonly<Record<string, string>>
}

export interface HivePartition {
  readonly values: readonly string[]
  readonly location: Uri
}

/** The Glue Data Catalog or a folder of pointer files. Errors: `already-exists`, `conflict`, `not-found`, `commit-unknown`, `throttled`. */
export interface Catalog {
  load(name: TableName): Promise<CatalogEntry | undefined>
  create(name: TableName, entry: IcebergEntry): Promise<void>
  /**
   * Compare-and-swap, sent exactly once: `conflict` when the table moved on (which may be our own lost success),
   * `commit-unknown` when the answer was lost. History decides both (reference: Iceberg CommitStateUnknown).
   */
  swap(name: TableName, expected: CatalogEntry, entry: IcebergEntry): Promise<void>
  tables(): Promise<readonly TableName[]>
  /** Creates or updates a Hive-style table of files. */
  putHiveTable(name: TableName, table: HiveTable): Promise<void>
  hiveTable(name: TableName): Promise<HiveTable | undefined>
  /** Idempotent: a partition that exists at the same location is a success; at another location it fails with `conflict`. */
  addPartitions(name: TableName, partitions: readonly HivePartition[]): Promise<void>
  partitions(name: TableName): Promise<readonly HivePartition[]>
}

// --- Engine, bus, workflows, clock, ids, log -----------------------------------------------------------------------

/** DuckDB, opened locked down for one piece of work: the memory limit, threads and the folders it may touch are fixed from the first statement on. */
export interface Engine {
  open(options: SessionOptions): Promise<Session>
}

export interface LakeEvent {
  readonly 'detail-type': string
  readonly detail: Readonly<Record<string, unknown>>
}

/** EventBridge, source `sluice`. At least once, out of order: events carry pointers, never rows. Partial failures are retried per entry. */
export interface Bus {
  publish(events: readonly LakeEvent[]): Promise<void>
}

/**
 * A delivery stream (Firehose): takes records and delivers them to landing by and by, at least once and in any order. Errors of a whole call, after which
 * nobody knows which of its records were taken: `throttled`, `unavailable`, `access-denied`, `not-found`.
 */
export interface Stream {
  /**
   * One call: at most 500 records of 4 MiB together, each of 1,000 KiB at most; more is a `usage` error, and nothing is put. Of each record, in order, the
   * code by which it was refused; undefined when it was taken. Refused records may be put again.
   */
  put(records: readonly Uint8Array[]): Promise<readonly (string | undefined)[]>
}

/** Step Functions. Starting a name that already runs or ran is a success. */
export interface Workflows {
  start(machine: string, options: { readonly name: string; readonly input: unknown }): Promise<void>
}

// --- Dead letters --------------------------------------------------------------------------------------------------

/** Something that nobody could deliver or process: it stays until somebody decides, for 14 days at most. */
export interface DeadLetter {
  /** The same for the same letter, however often it is taken. */
  readonly id: string
  /** Who could not be given it: `ingest`, `refine` … */
  readonly queue: string
  readonly body: string
  /** A code to group by, as far as whoever gave up says one. */
  readonly cause: string
  readonly message: string
  /** When it was first sent: SQS keeps the time of the original message. */
  readonly sentMs: number
  /** How often it was taken from the queue of dead letters, this time included. */
  readonly received: number
}

/** Nobody else is given it until it is released or the time is up. */
export interface HeldLetter extends DeadLetter {
  readonly receipt: string
}

export interface DeadLetterQueue {
  readonly name: string
  /** About as many: SQS does not count exactly. Those that somebody holds are left out. */
  readonly letters: number
}

/**
 * SQS queues, or documents in a folder. At least once: a letter may be taken twice, and comes back to others when the time is up. Taking
 * gives some letters of all, and none only when there are none or all are held.
 */
export interface DeadLetters {
  queues(): Promise<readonly DeadLetterQueue[]>
  take(
    queue: string,
    options: { readonly lettersMax: number; readonly holdSeconds: number },
  ): Promise<readonly HeldLetter[]>
  /** Gives letters back at once. Those whose time is up are back already, which is a success. */
  release(letters: readonly HeldLetter[]): Promise<void>
  /** Removes letters for good. One that is gone is a success. */
  remove(letters: readonly HeldLetter[]): Promise<void>
  /** Puts a message into the queue that is worked on, in whose name the letters are; `unsupported` when there is none. */
  send(queue: string, body: string): Promise<void>
  /**
   * About how many messages the queue that is worked on holds, those that somebody is working on included; `unsupported` when there is none.
   * undefined where messages are in the memory of whoever works on them, and nobody else can count them.
   */
  waiting(queue: string): Promise<number | undefined>
}

export interface Clock {
  nowMs(): number
  /** Rejects when the signal fires; a clock without timers may ignore it. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Ids {
  /** A random UUID, version 4. */
  uuid(): string
  /** Uniform in [0, 1), for jitter. */
  random(): number
}

export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}
