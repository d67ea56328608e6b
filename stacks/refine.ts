import { refine as refineDefinition } from '../workflows/refine.ts'
import { rawBatchReady } from '../workflows/rules.ts'
import { athenaTargets, athenaWorkGroup, useAthena } from './athena.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { startOnEvent, stateMachine } from './machine.ts'
import { commitTables, invokeFunctions, putEvents, readTables, readZone, useKey, writeZone } from './permissions.ts'
import { athena } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import { encryptedTopic, topicPolicy } from './topic.ts'

export type Refine = ReturnType<typeof refine>

/**
 * "Raw Batch Ready" → the state machine of `workflows/refine.ts` with its functions, and the topic for rejections. The function `release` selects
 * what is to be refined once more.
 */
export function refine(resources: LakeResources) {
  const functions = { quality: quality(resources), cdcApply: cdcApply(resources), publish: publish(resources) }
  const releaseFunction = release(resources)
  const rejected = encryptedTopic('RejectedBatches', resources.storage.messages)
  topicPolicy('RejectedBatches', rejected)
  const workGroup = athenaWorkGroup(resources.storage, {
    id: 'Merge',
    description: 'Merges change events into Iceberg tables that outgrow a function',
    scannedBytesMax: athena.scannedBytesMax.merge,
  })
  const machine = refineMachine(resources, { ...functions, workGroup, rejected })
  const deadLetters = deadLetterQueue('RefineDeadLetters')
  const rule = startOnEvent('RawBatchReady', {
    bus: resources.bus,
    rule: 'raw-batch-ready',
    target: 'RawBatchToRefine',
    description: 'A batch of raw objects is ready: refine it',
    pattern: rawBatchReady,
    machine,
    deadLetters,
  })
  queuePolicy('RefineDeadLetters', deadLetters, { rules: [rule.arn] })
  return { ...functions, release: releaseFunction, workGroup, machine, rejected, rule, deadLetters }
}

/** Reads foreign bytes, so it may write staged files and the metadata of new tables, but no data of a table. */
function quality(resources: LakeResources): sst.aws.Function {
  const { raw, staging, tables, ops } = resources.storage
  return lakeFunction('quality', resources, [
    ...readZone(raw),
    ...readZone(ops),
    ...readZone(staging),
    ...writeZone(staging),
    ...readZone(tables),
    ...writeZone(tables, '*/metadata/*'),
    ...commitTables(resources.catalog),
  ])
}

/** Folds staged change rows into tables, and stages what comes too late and what it hands over; it cannot read raw objects. */
function cdcApply(resources: LakeResources): sst.aws.Function {
  const { staging, tables, ops } = resources.storage
  return lakeFunction('cdc-apply', resources, [
    ...readZone(staging),
    ...writeZone(staging),
    ...readZone(tables),
    ...writeZone(tables),
    ...readZone(ops),
    ...writeZone(ops),
    ...commitTables(resources.catalog),
  ])
}

/** Commits what quality staged; it cannot read raw objects. */
function publish(resources: LakeResources): sst.aws.Function {
  const { staging, tables, ops } = resources.storage
  return lakeFunction('publish', resources, [
    ...readZone(staging),
    ...readZone(tables),
    ...writeZone(tables),
    ...readZone(ops),
    ...writeZone(ops),
    ...commitTables(resources.catalog),
    putEvents(resources.bus),
  ])
}

/** Selects what is to be released and announces it; whoever may invoke it may release. It commits nothing by itself. */
function release(resources: LakeResources): sst.aws.Function {
  const { tables, ops } = resources.storage
  return lakeFunction('release', resources, [
    ...readZone(tables),
    ...readZone(ops, 'batches/*'),
    ...writeZone(ops, 'batches/*'),
    ...readTables(resources.catalog),
    putEvents(resources.bus),
  ])
}

interface Parts {
  readonly quality: sst.aws.Function
  readonly cdcApply: sst.aws.Function
  readonly publish: sst.aws.Function
  readonly workGroup: aws.athena.Workgroup
  readonly rejected: sst.aws.SnsTopic
}

function refineMachine(
  { storage, bus, catalog }: LakeResources,
  { workGroup, rejected, ...functions }: Parts,
): aws.sfn.StateMachine {
  const definition = $resolve({
    quality: functions.quality.arn,
    cdcApply: functions.cdcApply.arn,
    publish: functions.publish.arn,
    rejectedTopic: rejected.arn,
    bus: bus.name,
    staging: storage.staging.uri,
    athena: athenaTargets({ storage, catalog }, workGroup),
  }).apply(refineDefinition)
  return stateMachine('Refine', {
    name: 'refine',
    definition,
    permissions: [
      invokeFunctions([functions.quality, functions.cdcApply, functions.publish]),
      { actions: ['sns:Publish'], resources: [rejected.arn] },
      useKey(storage.messages, ['kms:GenerateDataKey', 'kms:Decrypt'], 'sns'),
      putEvents(bus),
      ...useAthena({ storage, catalog }, workGroup),
    ],
  })
}
