/** Sizes and times of everything that is deployed, in one place. */
export interface FunctionPlan {
  /** 1,769 MB is one vCPU (https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html). */
  readonly memoryMb: number
  readonly timeoutMinutes: number
  /** /tmp, in MB: 512 to 10,240. */
  readonly storageMb: number
}

/**
 * Nothing reserves concurrency. `ingest` is limited by its event source, `compact`, `maintain` and `sweep` by the Map states
 * that call them; a reservation would be taken out of the account's pool, which in a new account has ten, and what it throttles
 * would look like a fault.
 */
export const functionPlans = {
  // Stages up to 5 GB of landing objects at once, to take their SHA-256; moves no rows.
  ingest: { memoryMb: 1_769, timeoutMinutes: 15, storageMb: 10_240 },
  // Holds what one call of Firehose brings, 6 MB at most, and what it expands to. Firehose waits five minutes for an answer.
  firehose: { memoryMb: 1_769, timeoutMinutes: 5, storageMb: 512 },
  // Holds what one invocation brings, 6 MB at most. Event source mappings of MSK take no function that may run for longer than 14 minutes.
  records: { memoryMb: 1_769, timeoutMinutes: 5, storageMb: 512 },
  // Two vCPUs for two DuckDB threads; /tmp holds a batch of at most 2 GB, its Parquet and what DuckDB spills.
  quality: { memoryMb: 3_538, timeoutMinutes: 15, storageMb: 10_240 },
  // Two vCPUs for two DuckDB threads; /tmp holds key and version columns of the files that a batch touches.
  'cdc-apply': { memoryMb: 3_538, timeoutMinutes: 15, storageMb: 10_240 },
  // Copies inside S3 and commits; only manifests pass through.
  publish: { memoryMb: 1_769, timeoutMinutes: 15, storageMb: 2_048 },
  // Reads a few narrow columns of a quarantine table; /tmp holds them.
  release: { memoryMb: 1_769, timeoutMinutes: 15, storageMb: 10_240 },
  // Two vCPUs for two DuckDB threads; /tmp holds the files of one group, what comes of them, and what a sort spills.
  compact: { memoryMb: 3_538, timeoutMinutes: 15, storageMb: 10_240 },
  // Metadata alone: manifests of tables with hundreds of thousands of files.
  maintain: { memoryMb: 1_769, timeoutMinutes: 15, storageMb: 2_048 },
  // Lists a table's objects and compares them with what its metadata reaches.
  sweep: { memoryMb: 1_769, timeoutMinutes: 15, storageMb: 2_048 },
  // Compares listings of millions of objects on disk, with DuckDB; of data it reads nothing.
  replay: { memoryMb: 1_769, timeoutMinutes: 15, storageMb: 10_240 },
  // Reads documents, manifests and, of data, one column; never a row.
  watch: { memoryMb: 1_769, timeoutMinutes: 10, storageMb: 2_048 },
  // One put of a hundred bytes.
  canary: { memoryMb: 1_024, timeoutMinutes: 2, storageMb: 512 },
} as const satisfies Record<string, FunctionPlan>

export type FunctionName = keyof typeof functionPlans

/** A batch of messages is taken when it is full or when its oldest message is this old, whichever comes first. */
export const ingestQueue = {
  messagesMax: 100,
  ageSecondsMax: 30,
  receivesMax: 5,
  concurrencyMax: 10,
  /** Six times the function's timeout, and the window on top: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html */
  visibilitySeconds: 6 * functionPlans.ingest.timeoutMinutes * 60 + 30,
  retentionSeconds: 7 * 86_400,
} as const

/** Of Kinesis: as often as Lambda tries, for half of the shortest time that a stream keeps records; what it gives up lands all the same. */
export const recordRetries = { attemptsMax: 10_000, ageSecondsMax: 43_200 } as const

/** A folder's events are delivered when there are so many or when the first has waited for so long. With folders by key 64 MB is the least that Firehose takes. */
export const streamBuffer = {
  sizeMb: 64,
  intervalSeconds: 300,
  retrySeconds: 300,
} as const

/** SQS keeps messages 14 days at most; a dead letter keeps the enqueue time of the original message. */
export const DEAD_LETTER_RETENTION_SECONDS = 14 * 86_400

/** Of one execution. Both take from the account's pool of Lambdas, which the pipeline needs more. */
export const atOnce = {
  /** As many as Iceberg's own (rewriteDataFiles, max-concurrent-file-group-rewrites). */
  compactionGroups: 5,
  maintainedTables: 4,
  /** Of one replay, which may ask for fewer; the batches that land meanwhile need functions too. */
  replayedBatches: 10,
} as const

/** Longer than most compactions take, and as long as commits may leave small files lying. */
export const COMPACTION_WINDOW_MINUTES = 15

/** A statement that would scan more is ended. */
export const athena = {
  scannedBytesMax: {
    /** A group has the files of one partition, so this is far above what one needs. */
    compaction: 1_099_511_627_776,
    /** A merge looks for keys in every partition: the whole of a table of 4 TiB, if its bounds rule nothing out. */
    merge: 4_398_046_511_104,
  },
} as const

export const lifecycleDays = {
  abortMultipart: 7,
  /** Landing is transient: what matters was copied to raw. Longer than any queue or redrive keeps an event about it. */
  landing: 30,
  /** A batch's staged files; longer than the 14 days in which Step Functions can redrive an execution. */
  staging: 21,
  /** Replaced or swept versions, where nothing current ever expires. */
  noncurrent: 30,
} as const

/** Of stages that are thrown away and of those that stay (`removal: 'retain'`). */
export const retention = {
  logDays: { test: 30, production: 365 },
  /** Object Lock of raw, in governance mode: an administrator with the right to bypass it may still delete. */
  rawLockDays: { test: 1, production: 365 },
} as const

export const alarmLimits = {
  queueAgeSeconds: 3_600,
  /** How late a dataset is, of what it promises. */
  lagShare: 1,
  /** An erasure may have to be run again after a day. */
  erasureHours: 48,
  /** The watch runs every quarter of an hour; two silent hours are no delay of a schedule. */
  heartbeatMinutes: 120,
  /** A canary of which nothing is measured for an hour is as bad as a late one. */
  canaryMinutes: 60,
  /** Of Kinesis: how old records are when they are read. They are gathered for five minutes at most. */
  recordAgeMs: 900_000,
  /** Of Kafka: records of a partition that are not read yet. */
  recordsBehind: 1_000_000,
  /** Firehose gathers in stages, which takes half as long again as it is told; this is twice that. */
  streamAgeSeconds: 3 * streamBuffer.intervalSeconds,
} as const
