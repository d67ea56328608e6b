// The deployed rules match the events that S3 and Sluice's own code write, each leads to its target, and nothing that
// Sluice writes starts it again.
import { expect, inject, test } from 'vitest'
import { datasets } from '../../datasets/index.ts'
import type { BatchManifest, CommitReport, Verdict } from '../../lake/batch.ts'
import { withCanary } from '../../lake/canary.ts'
import {
  batchRejected,
  EVENT_SOURCE,
  RAW_BATCH_READY,
  rawBatchReady,
  TABLE_COMMITTED,
  tableCommitted,
} from '../../lake/events.ts'
import type { Lake, LakeEvent } from '../../lake/lake.ts'
import { matches } from '../../local/event-pattern.ts'
import { DETAIL_TYPES } from '../../workflows/events.ts'
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
  SCHEDULE,
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
  table: 'orders',
  tableUuid: 'u1',
  commitId: 'c1',
  snapshotId: '1',
  quarantineSnapshotId: undefined,
  objects: [],
  committedMs: 0,
}
const committed = (compactionDue: boolean) => tableCommitted(report, { table: 'orders', smallFiles: 9, compactionDue })
const verdict = { batch: 'b1', dataset: 'orders', status: 'halt', objects: [] } as unknown as Verdict
const others = [
  onBus(committed(false)),
  onBus(batchRejected(lake, verdict)),
  ...DETAIL_TYPES.filter(type => type !== RAW_BATCH_READY && type !== TABLE_COMMITTED).map(type =>
    // Whatever else it says: no event but a commit starts a compaction, above all not the one that a compaction publishes.
    onBus({ 'detail-type': type, detail: { dataset: 'orders', batch: 'b1', table: 'orders', compactionDue: true } }),
  ),
]

const pattern = (rule: string) => JSON.parse(one(graph, RULE, rule).inputs.eventPattern)
const bucket = (zone: string): string => one(graph, BUCKET, `${zone}Bucket`).id

const RULES = ['LandingObjectCreated', 'RawBatchReady', 'TableNeedsCompaction']

test('there are three rules, each with one target', () => {
  expect(ofType(graph, RULE).map(rule => rule.name)).toEqual(RULES)
  expect(ofType(graph, TARGET).map(target => target.inputs.rule)).toEqual(
    expect.arrayContaining(ofType(graph, RULE).map(rule => rule.id)),
  )
  expect(ofType(graph, TARGET)).toHaveLength(3)
})

test('an object in the landing bucket goes to the queue of ingest, on the default bus', () => {
  const rule = one(graph, RULE, 'LandingObjectCreated')
  expect(matches(pattern('LandingObjectCreated'), objectCreated(bucket('Landing')))).toBe(true)
  expect(rule.inputs.eventBusName).toBeUndefined()
  const target = one(graph, TARGET, 'LandingToIngest').inputs
  expect(target.rule).toBe(rule.id)
  expect(target.arn).toBe(one(graph, QUEUE, 'IngestQueueQueue').arn)
})

test.each([
  ['streams/clicks/event_date=2026-05-04/event_hour=10/key=de/x.gz', true],
  ['stream-errors/processing-failed/2026/05/04/10/x', true],
  ['stream-backup/2026/05/04/10/x.gz', false],
])('of what the stream writes, %s goes to ingest: %s', (key, goes) => {
  const event = objectCreated(bucket('Landing'))
  const written = { ...event, detail: { ...event.detail, object: { ...event.detail.object, key } } }
  expect(matches(pattern('LandingObjectCreated'), written)).toBe(goes)
})

test('no object that a function may write matches any rule: there is no loop', () => {
  const written = ofType(graph, FUNCTION)
    // It is called by a schedule and by nothing else; that is tested below.
    .filter(fn => fn.name !== 'CanaryFunction')
    .flatMap(fn => roleStatements(roleOf(graph, fn)))
    .filter(statement => list(statement.Action).includes('s3:PutObject'))
    .flatMap(statement => list(statement.Resource).map(arn => arn.split(':::')[1]!.split('/')[0]!))
  expect([...new Set(written)].sort()).toEqual(['Ops', 'Raw', 'Staging', 'Tables'].map(bucket).sort())
  for (const name of written)
    for (const rule of RULES) expect(matches(pattern(rule), objectCreated(name)), `${rule}: ${name}`).toBe(false)
})

test('the canary lands where ingest is told of it, and only the clock calls it', () => {
  const [canary] = ofType(graph, FUNCTION).filter(fn => fn.name === 'CanaryFunction')
  expect(ofType(graph, TARGET).map(target => target.inputs.arn)).not.toContain(canary?.arn)
  expect(ofType(graph, SCHEDULE).filter(schedule => schedule.inputs.target.arn === canary?.arn)).toHaveLength(1)
  const writes = roleStatements(roleOf(graph, canary!)).filter(each => list(each.Action).includes('s3:PutObject'))
  expect(writes.flatMap(each => list(each.Resource))).toEqual([`arn:aws:s3:::${bucket('Landing')}/sluice-canary/*`])
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

test('a commit that left too many small files starts compact, on the same bus; one that did not starts nothing', () => {
  const rule = one(graph, RULE, 'TableNeedsCompaction')
  expect(matches(pattern('TableNeedsCompaction'), onBus(committed(true)))).toBe(true)
  expect(matches(pattern('TableNeedsCompaction'), onBus(committed(false)))).toBe(false)
  expect(rule.inputs.eventBusName).toBe(one(graph, RULE, 'RawBatchReady').inputs.eventBusName)
  const target = one(graph, TARGET, 'TableToCompact').inputs
  expect(target.rule).toBe(rule.id)
  expect(target.eventBusName).toBe(rule.inputs.eventBusName)
  expect(target.arn).toBe(one(graph, MACHINE, 'CompactMachine').arn)
})

test('EventBridge hands a machine the whole event: definitions read its detail', () => {
  for (const name of ['RawBatchToRefine', 'TableToCompact']) {
    const target = one(graph, TARGET, name).inputs
    expect([target.input, target.inputPath, target.inputTransformer]).toEqual([undefined, undefined, undefined])
  }
})

const schedules = (machine: string) =>
  ofType(graph, SCHEDULE)
    .filter(each => each.inputs.target.arn === one(graph, MACHINE, machine).arn)
    .map(each => JSON.parse(each.inputs.target.input))

test('every table is compacted and maintained by the clock too: of datasets, their quarantines, what merges keep beside them, and of rules, no raw one', () => {
  const own = withCanary(datasets).flatMap(each => [
    ...[each.name, `${each.name}__quarantine`],
    ...(each.source.changes === undefined ? [] : [`${each.name}__tombstones`, `${each.name}__handover`]),
  ])
  const tables = [...own, 'sluice__quality_results'].toSorted()
  expect(
    schedules('CompactMachine')
      .map(input => input.detail.table)
      .toSorted(),
  ).toEqual(tables)
  expect(schedules('MaintainMachine').map(input => input.tables.toSorted())).toEqual([tables])
  for (const { inputs } of ofType(graph, SCHEDULE)) expect(inputs.name.length).toBeLessThanOrEqual(64)
})

test('no other event of Sluice starts anything', () => {
  for (const event of others)
    for (const rule of RULES) expect(matches(pattern(rule), event), `${rule}: ${event['detail-type']}`).toBe(false)
})

test('whoever publishes may put events on exactly that bus', () => {
  const bus = one(graph, 'aws:cloudwatch/eventBus:EventBus', 'BusBus').arn
  const publishers = ofType(graph, 'aws:iam/role:Role').filter(role =>
    roleStatements(role).some(each => list(each.Action).includes('events:PutEvents')),
  )
  expect(publishers.map(role => role.name)).toEqual([
    'CompactMachineRole',
    'CompactRole',
    'IngestRole',
    'MaintainMachineRole',
    'PublishRole',
    'RefineRole',
    'ReleaseRole',
    'ReplayMachineRole',
    'ReplayRole',
    'WatchRole',
  ])
  for (const role of publishers)
    for (const each of roleStatements(role).filter(each => list(each.Action).includes('events:PutEvents')))
      expect(list(each.Resource)).toEqual([bus])
})
