import { CANARY_MINUTES } from '#lake/canary.ts'
import { EVENT_SOURCE, RAW_BATCH_READY, TABLE_COMMITTED } from '#lake/events.ts'
import { STREAM_BACKUP_FOLDER } from '#lake/stream.ts'

/** An EventBridge pattern: the leaves are arrays of values or operators, any of which may match. */
export type EventPattern = { readonly [field: string]: EventPattern | readonly unknown[] }

/**
 * An object was written to the landing bucket. The bucket is pinned by name, so that what Sluice itself writes to its
 * other zones can never start `ingest` again. Once EventBridge is switched on, a bucket sends every kind of event
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventBridge.html): deletions, tags and restores are left out here, as is what a delivery stream
 * keeps of events before it transforms them.
 */
export const landingObjectCreated = (bucket: string): EventPattern => ({
  source: ['aws.s3'],
  'detail-type': ['Object Created'],
  detail: { bucket: { name: [bucket] }, object: { key: [{ 'anything-but': { prefix: `${STREAM_BACKUP_FOLDER}/` } }] } },
})

/** `ingest` has written a batch manifest: `refine` may start. On Sluice's own bus. */
export const rawBatchReady: EventPattern = {
  source: [EVENT_SOURCE],
  'detail-type': [RAW_BATCH_READY],
  detail: { dataset: [{ exists: true }], batch: [{ exists: true }] },
}

/**
 * A commit left some partition with as many small files as the dataset allows: `compact` may start. On Sluice's own bus. What
 * a compaction commits is told as another event, so that none starts the next.
 */
export const tableNeedsCompaction: EventPattern = {
  source: [EVENT_SOURCE],
  'detail-type': [TABLE_COMMITTED],
  detail: { table: [{ exists: true }], compactionDue: [true] },
}

/** Something that starts by the clock: an EventBridge schedule (https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html). */
export interface Schedule {
  readonly name: string
  readonly description: string
  /** In UTC. */
  readonly expression: string
  /** It starts at some moment within so many minutes, so that not all tables start at once. */
  readonly windowMinutes: number
  readonly input: unknown
}

/** Once a day for each table: late data, quarantine tables, and what was over the bound of one execution. */
export function compactionSchedules(tables: readonly string[]): readonly Schedule[] {
  return tables.map(table => ({
    name: `compact-${table}`,
    description: `Compacts whatever small files ${table} has`,
    expression: 'cron(0 1 * * ? *)',
    windowMinutes: 60,
    // Not every dataset has had data yet, nor has every one a quarantine.
    input: { detail: { table, ifExists: true } },
  }))
}

/** After the compactions of the night, whose inputs become old snapshots. */
export function maintenanceSchedule(tables: readonly string[]): Schedule {
  return {
    name: 'maintain',
    description: 'Expires snapshots, rewrites manifests and removes files that nothing reaches',
    expression: 'cron(0 4 * * ? *)',
    windowMinutes: 30,
    input: { tables },
  }
}

/** Landing, and each dataset by itself: a listing of years may take the quarter of an hour that a function has. */
export function reconciliationSchedules(datasets: readonly string[]): readonly Schedule[] {
  const daily = { expression: 'cron(0 5 * * ? *)', windowMinutes: 60 }
  return [
    {
      ...{ name: 'reconcile', description: 'Compares landing with what was taken from it', ...daily },
      input: { action: 'reconcile' },
    },
    ...datasets.map(dataset => ({
      ...{ name: `reconcile-${dataset}`, description: `Compares raw objects of ${dataset} with what was committed` },
      ...{ ...daily, input: { action: 'reconcile', dataset } },
    })),
  ]
}

/** How late and how complete every dataset is. Metrics that nobody writes cannot alarm, so this one's absence does. */
export const watchSchedule: Schedule = {
  name: 'watch',
  description: 'Measures freshness and completeness of every dataset',
  expression: 'rate(15 minutes)',
  windowMinutes: 5,
  input: {},
}

/** One small object that has to come out in its table: whatever breaks between the two is seen by its absence. */
export const canarySchedule: Schedule = {
  name: 'canary',
  description: 'Puts a canary into landing',
  expression: `rate(${CANARY_MINUTES} minutes)`,
  windowMinutes: 5,
  input: {},
}
