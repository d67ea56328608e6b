import { refine as refineDefinition } from '../workflows/refine.ts'
import { rawBatchReady } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { commitTables, type Permission, putEvents, readZone, useKey, writeTraces, writeZone } from './permissions.ts'
import { retention } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import { accountId, isProduction, named } from './stage.ts'
import { encryptedTopic, topicPolicy } from './topic.ts'

export type Refine = ReturnType<typeof refine>

/** "Raw Batch Ready" → the state machine of `workflows/refine.ts` with its two functions, and the topic for rejections. */
export function refine(resources: LakeResources) {
  const functions = { quality: quality(resources), publish: publish(resources) }
  const rejected = encryptedTopic('RejectedBatches', resources.storage.messages)
  topicPolicy('RejectedBatches', rejected)
  const machine = stateMachine(resources, functions, rejected)
  const deadLetters = deadLetterQueue('RefineDeadLetters')
  const rule = startRule(resources, machine, deadLetters)
  queuePolicy('RefineDeadLetters', deadLetters, { rules: [rule.arn] })
  return { ...functions, machine, rejected, rule, deadLetters }
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

// --- State machine -------------------------------------------------------------------------------------------------

interface Functions {
  readonly quality: sst.aws.Function
  readonly publish: sst.aws.Function
}

function stateMachine(
  { storage, bus }: LakeResources,
  functions: Functions,
  rejected: sst.aws.SnsTopic,
): aws.sfn.StateMachine {
  const logs = new aws.cloudwatch.LogGroup('RefineLogs', {
    // Step Functions may write to groups of this prefix without the account's log resource policy growing.
    name: `/aws/vendedlogs/states/${named('refine')}`,
    retentionInDays: isProduction() ? retention.logDays.production : retention.logDays.test,
  })
  const role = serviceRole('RefineRole', 'states.amazonaws.com', [
    { actions: ['lambda:InvokeFunction'], resources: [functions.quality.arn, functions.publish.arn] },
    { actions: ['sns:Publish'], resources: [rejected.arn] },
    useKey(storage.messages, ['kms:GenerateDataKey', 'kms:Decrypt'], 'sns'),
    putEvents(bus),
    deliverLogs,
    writeTraces,
    { actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets'], resources: ['*'] },
  ])
  const definition = $resolve({
    quality: functions.quality.arn,
    publish: functions.publish.arn,
    rejectedTopic: rejected.arn,
    bus: bus.name,
    staging: storage.staging.uri,
  }).apply(refineDefinition)
  return new aws.sfn.StateMachine('Refine', {
    name: named('refine'),
    type: 'STANDARD',
    roleArn: role.arn,
    definition: $jsonStringify(definition),
    // Events and answers are pointers and counts, but causes of failures may quote names of a user's columns.
    loggingConfiguration: { level: 'ALL', includeExecutionData: false, logDestination: $interpolate`${logs.arn}:*` },
    tracingConfiguration: { enabled: true },
  })
}

/** None of these can be limited to a resource: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html */
const deliverLogs: Permission = {
  actions: [
    'logs:CreateLogDelivery',
    'logs:GetLogDelivery',
    'logs:UpdateLogDelivery',
    'logs:DeleteLogDelivery',
    'logs:ListLogDeliveries',
    'logs:PutResourcePolicy',
    'logs:DescribeResourcePolicies',
    'logs:DescribeLogGroups',
  ],
  resources: ['*'],
}

function startRule(
  { bus }: LakeResources,
  machine: aws.sfn.StateMachine,
  deadLetters: sst.aws.Queue,
): aws.cloudwatch.EventRule {
  const rule = new aws.cloudwatch.EventRule('RawBatchReady', {
    name: named('raw-batch-ready'),
    description: 'A batch of raw objects is ready: refine it',
    eventBusName: bus.name,
    eventPattern: $jsonStringify(rawBatchReady),
  })
  const role = serviceRole('RawBatchReadyRole', 'events.amazonaws.com', [
    { actions: ['states:StartExecution'], resources: [machine.arn] },
  ])
  new aws.cloudwatch.EventTarget('RawBatchToRefine', {
    rule: rule.name,
    eventBusName: bus.name,
    arn: machine.arn,
    roleArn: role.arn,
    deadLetterConfig: { arn: deadLetters.arn },
    retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
  })
  return rule
}

/** A role for one AWS service, on behalf of this account only (the "confused deputy" of the IAM user guide). */
function serviceRole(name: string, service: string, permissions: readonly Permission[]): aws.iam.Role {
  const trust = aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        actions: ['sts:AssumeRole'],
        principals: [{ type: 'Service', identifiers: [service] }],
        conditions: [{ test: 'StringEquals', variable: 'aws:SourceAccount', values: [accountId()] }],
      },
    ],
  })
  const policy = aws.iam.getPolicyDocumentOutput({ statements: [...permissions] })
  return new aws.iam.Role(name, {
    assumeRolePolicy: trust.json,
    inlinePolicies: [{ name: 'inline', policy: policy.json }],
  })
}
