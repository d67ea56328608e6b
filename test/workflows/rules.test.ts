// Each rule matches the events it is for, as S3 and Sluice really write them, and nothing else: above all, nothing that
// Sluice writes to its own zones may start `ingest` again.
import { expect, test } from 'vitest'
import type { BatchManifest } from '#lake/batch.ts'
import * as events from '#lake/events.ts'
import type { Lake, LakeEvent } from '#lake/lake.ts'
import { matches } from '#local/event-pattern.ts'
import { DETAIL_TYPES } from '#workflows/events.ts'
import {
  compactionSchedules,
  landingObjectCreated,
  maintenanceSchedule,
  rawBatchReady,
  tableNeedsCompaction,
} from '#workflows/rules.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const objectEvent = (bucket: string, type = 'Object Created') => ({
  version: '0',
  id: '2ee9cc15-d022-99ea-1fb8-1b1bac4850f9',
  'detail-type': type,
  source: 'aws.s3',
  account: '111122223333',
  time: '2026-01-12T00:00:00Z',
  region: 'eu-west-1',
  resources: [`arn:aws:s3:::${bucket}`],
  detail: {
    version: '0',
    bucket: { name: bucket },
    object: { key: 'orders/a.json', size: 131, etag: 'b1946', 'version-id': 'v1', sequencer: '00617F08299329D189' },
    'request-id': 'N4N7GDK58NMKJ12R',
    requester: '123456789012',
    'source-ip-address': '1.2.3.4',
    reason: 'PutObject',
  },
})

const published = (event: LakeEvent) => ({ ...event, source: events.EVENT_SOURCE, version: '0', id: 'x' })

/** The builders of events read the zones alone. */
const lake = {
  zones: { landing: 's3://l', raw: 's3://r', staging: 's3://s', tables: 's3://t', ops: 's3://o' },
} as unknown as Lake

const manifest: BatchManifest = { id: 'b1', dataset: 'orders', objects: [] }

test('an object in the landing bucket starts ingest', () => {
  expect(matches(landingObjectCreated('landing'), objectEvent('landing'))).toBe(true)
})

test.each(['raw', 'staging', 'tables', 'ops', 'landing-of-someone-else'])('an object in %s does not', bucket => {
  expect(matches(landingObjectCreated('landing'), objectEvent(bucket))).toBe(false)
})

test.each(['Object Deleted', 'Object Tags Added', 'Object Restore Completed', 'Object Storage Class Changed'])(
  '%s does not start ingest',
  type => {
    expect(matches(landingObjectCreated('landing'), objectEvent('landing', type))).toBe(false)
  },
)

test('someone else who calls an event "Object Created" does not start ingest', () => {
  const forged = { ...objectEvent('landing'), source: 'com.example' }
  expect(matches(landingObjectCreated('landing'), forged)).toBe(false)
})

test('what ingest publishes starts refine', () => {
  expect(matches(rawBatchReady, published(events.rawBatchReady(lake, manifest)))).toBe(true)
})

test('no other event of Sluice starts refine', () => {
  for (const type of DETAIL_TYPES.filter(each => each !== 'Raw Batch Ready'))
    expect(matches(rawBatchReady, published({ 'detail-type': type, detail: { dataset: 'orders', batch: 'b1' } }))).toBe(
      false,
    )
})

test('an event without dataset or batch, or of another source, does not start refine', () => {
  const ready = published(events.rawBatchReady(lake, manifest))
  expect(matches(rawBatchReady, { ...ready, source: 'com.example' })).toBe(false)
  expect(matches(rawBatchReady, { ...ready, detail: { dataset: 'orders' } })).toBe(false)
})

/** As `publish` tells of it. */
const committed = (detail: Readonly<Record<string, unknown>>) =>
  published({
    'detail-type': 'Table Committed',
    detail: { dataset: 'orders', table: 'orders', smallFiles: 9, ...detail },
  })

test('a commit after which compaction is due starts compact; others do not, however many small files they count', () => {
  expect(matches(tableNeedsCompaction, committed({ compactionDue: true }))).toBe(true)
  expect(matches(tableNeedsCompaction, committed({ compactionDue: false }))).toBe(false)
  expect(matches(tableNeedsCompaction, committed({}))).toBe(false)
  expect(matches(tableNeedsCompaction, committed({ compactionDue: 'true' }))).toBe(false)
  expect(matches(tableNeedsCompaction, { ...committed({ compactionDue: true }), source: 'com.example' })).toBe(false)
})

test('no other event starts compact, above all none that a compaction itself publishes: there is no loop', () => {
  for (const type of [...DETAIL_TYPES.filter(each => each !== 'Table Committed'), 'Table Compacted'])
    expect(
      matches(
        tableNeedsCompaction,
        published({ 'detail-type': type, detail: { table: 'orders', compactionDue: true } }),
      ),
      type,
    ).toBe(false)
})

test('every table is compacted once a day, and maintained once a day after that', () => {
  const tables = ['orders', 'orders__quarantine']
  const schedules = compactionSchedules(tables)
  expect(schedules.map(each => each.input)).toEqual([
    { detail: { table: 'orders', ifExists: true } },
    { detail: { table: 'orders__quarantine', ifExists: true } },
  ])
  expect(new Set(schedules.map(each => each.name)).size).toBe(2)
  const maintenance = maintenanceSchedule(tables)
  expect(maintenance.input).toEqual({ tables })
  for (const each of [...schedules, maintenance]) expect(each.expression).toMatch(/^cron\(0 \d+ \* \* \? \*\)$/)
  const hour = (expression: string): number => Number(expression.split(' ')[1])
  for (const each of schedules) expect(hour(each.expression)).toBeLessThan(hour(maintenance.expression))
})
