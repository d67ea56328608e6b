// The deployed rules match the events that S3 and Sluice's own code write, each leads to its target, and nothing that
// Sluice writes starts it again.
import { expect, inject, test } from 'vitest'
import type { BatchManifest, CommitReport, Verdict } from '../../lake/batch.ts'
import { batchRejected, EVENT_SOURCE, rawBatchReady, tableCommitted } from '../../lake/events.ts'
import type { Lake, LakeEvent } from '../../lake/lake.ts'
import { matches } from '../../local/event-pattern.ts'
import { BATCH_FAILED } from '../../workflows/events.ts'
import {
  BUCKET,
  FUNCTION,
  list,
  MACHINE,
  ofType,
  one,
  QUEUE,
  RULE,
  roleOf,
  roleStatements,
  TARGET,
} from './checks/check.ts'

const { test: graph } = inject('graphs')

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html */
const objectCreated = (bucket: string) => ({
  version: '0',
  id: '2ee9cc15-d022-99ea-1fb8-1b1bac4850f9',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '123456789012',
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

const onBus = (event: LakeEvent) => ({ version: '0', id: 'x', source: EVENT_SOURCE, ...event })

// The builders read the zones alone.
const lake = { zones: { ops: 's3://ops', staging: 's3://staging' } } as unknown as Lake
const manifest: BatchManifest = { id: 'b1', dataset: 'orders', objects: [] }
const report: CommitReport = {
  batch: 'b1',
  dataset: 'orders',
  commitId: 'c1',
  snapshotId: '1',
  quarantineSnapshotId: undefined,
  objects: [],
  committedMs: 0,
}
const verdict = { batch: 'b1', dataset: 'orders', status: 'halt', objects: [] } as unknown as Verdict
const others = [
  onBus(tableCommitted(report, { table: 'orders', smallFiles: 0 })),
  onBus(batchRejected(lake, verdict)),
  onBus({ 'detail-type': BATCH_FAILED, detail: { dataset: 'orders', batch: 'b1' } }),
]

const pattern = (rule: string) => JSON.parse(one(graph, RULE, rule).inputs.eventPattern)
const bucket = (zone: string): string => one(graph, BUCKET, `${zone}Bucket`).id

test('there are two rules, each with one target', () => {
  expect(ofType(graph, RULE).map(rule => rule.name)).toEqual(['LandingObjectCreated', 'RawBatchReady'])
  expect(ofType(graph, TARGET)).toHaveLength(2)
})

test('an object in the landing bucket goes to the queue of ingest, on the default bus', () => {
  const rule = one(graph, RULE, 'LandingObjectCreated')
  expect(matches(pattern('LandingObjectCreated'), objectCreated(bucket('Landing')))).toBe(true)
  expect(rule.inputs.eventBusName).toBeUndefined()
  const target = one(graph, TARGET, 'LandingToIngest').inputs
  expect(target.rule).toBe(rule.id)
  expect(target.arn).toBe(one(graph, QUEUE, 'IngestQueueQueue').arn)
})

test('no object that a function may write matches any rule: there is no loop', () => {
  const written = ofType(graph, FUNCTION)
    .flatMap(fn => roleStatements(roleOf(graph, fn)))
    .filter(statement => list(statement.Action).includes('s3:PutObject'))
    .flatMap(statement => list(statement.Resource).map(arn => arn.split(':::')[1]!.split('/')[0]!))
  expect([...new Set(written)].sort()).toEqual(['Ops', 'Raw', 'Staging', 'Tables'].map(bucket).sort())
  for (const name of written)
    for (const rule of ['LandingObjectCreated', 'RawBatchReady'])
      expect(matches(pattern(rule), objectCreated(name)), `${rule}: ${name}`).toBe(false)
})

test('the event of a ready batch starts refine, on the bus that functions publish to', () => {
  const rule = one(graph, RULE, 'RawBatchReady').inputs
  expect(matches(pattern('RawBatchReady'), onBus(rawBatchReady(lake, manifest)))).toBe(true)
  const variables = one(graph, FUNCTION, 'IngestFunction').inputs.environment.variables
  expect(rule.eventBusName).toBe(variables.SLUICE_BUS)
  const target = one(graph, TARGET, 'RawBatchToRefine').inputs
  expect(target.rule).toBe(one(graph, RULE, 'RawBatchReady').id)
  expect(target.eventBusName).toBe(rule.eventBusName)
  expect(target.arn).toBe(one(graph, MACHINE, 'Refine').arn)
})

test('EventBridge hands refine the whole event: the definition reads its detail', () => {
  const target = one(graph, TARGET, 'RawBatchToRefine').inputs
  expect([target.input, target.inputPath, target.inputTransformer]).toEqual([undefined, undefined, undefined])
})

test('no other event of Sluice starts anything', () => {
  for (const event of others)
    for (const rule of ['LandingObjectCreated', 'RawBatchReady'])
      expect(matches(pattern(rule), event), `${rule}: ${event['detail-type']}`).toBe(false)
})

test('whoever publishes may put events on exactly that bus', () => {
  const bus = one(graph, 'aws:cloudwatch/eventBus:EventBus', 'BusBus').arn
  const publishers = ofType(graph, 'aws:iam/role:Role').filter(role =>
    roleStatements(role).some(each => list(each.Action).includes('events:PutEvents')),
  )
  expect(publishers.map(role => role.name)).toEqual(['IngestRole', 'PublishRole', 'RefineRole'])
  for (const role of publishers)
    for (const each of roleStatements(role).filter(each => list(each.Action).includes('events:PutEvents')))
      expect(list(each.Resource)).toEqual([bus])
})
