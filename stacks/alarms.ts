import type { Ingest } from './ingest.ts'
import { alarmLimits } from './plan.ts'
import type { Refine } from './refine.ts'
import { accountId, named } from './stage.ts'
import type { Storage } from './storage.ts'
import { encryptedTopic, topicPolicy } from './topic.ts'

interface Alarm {
  readonly name: string
  readonly why: string
  readonly namespace: string
  readonly metric: string
  readonly statistic: 'Sum' | 'Maximum'
  readonly dimensions: Record<string, $util.Input<string>>
  /** The alarm fires above this value. */
  readonly above: number
}

/** Whatever stops rows on their way to a table is told to one topic. Subscribe to it by mail, chat or pager. */
export function alarms(pipeline: { readonly storage: Storage; readonly ingest: Ingest; readonly refine: Refine }) {
  const topic = alarmTopic(pipeline.storage)
  const { ingest, refine } = pipeline
  const all = [
    deadLetters('ingest', ingest.deadLetters),
    deadLetters('refine', refine.deadLetters),
    queueAge(ingest.queue),
    ...functionAlarms('ingest', ingest.function),
    ...functionAlarms('quality', refine.quality),
    ...functionAlarms('publish', refine.publish),
    ...machineAlarms(refine.machine),
    ...ruleAlarms('landing-object-created', { RuleName: ingest.rule.name }),
    ...ruleAlarms('raw-batch-ready', {
      RuleName: refine.rule.name,
      EventBusName: refine.rule.eventBusName.apply(text),
    }),
  ]
  for (const alarm of all) metricAlarm(alarm, topic)
  return { topic }
}

function metricAlarm(alarm: Alarm, topic: sst.aws.SnsTopic): void {
  new aws.cloudwatch.MetricAlarm(`Alarm-${alarm.name}`, {
    name: named(alarm.name),
    alarmDescription: alarm.why,
    namespace: alarm.namespace,
    metricName: alarm.metric,
    statistic: alarm.statistic,
    dimensions: alarm.dimensions,
    comparisonOperator: 'GreaterThanThreshold',
    threshold: alarm.above,
    period: 300,
    evaluationPeriods: 1,
    // None of these metrics is written while nothing happens.
    treatMissingData: 'notBreaching',
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  })
}

// --- What is watched -----------------------------------------------------------------------------------------------

const deadLetters = (name: string, queue: sst.aws.Queue): Alarm => ({
  name: `${name}-dead-letters`,
  why: `Events that ${name} could not be given or could not process wait in its dead-letter queue`,
  namespace: 'AWS/SQS',
  metric: 'ApproximateNumberOfMessagesVisible',
  statistic: 'Maximum',
  dimensions: { QueueName: queue.nodes.queue.name },
  above: 0,
})

const queueAge = (queue: sst.aws.Queue): Alarm => ({
  name: 'ingest-queue-age',
  why: 'Landing objects wait too long for ingest',
  namespace: 'AWS/SQS',
  metric: 'ApproximateAgeOfOldestMessage',
  statistic: 'Maximum',
  dimensions: { QueueName: queue.nodes.queue.name },
  above: alarmLimits.queueAgeSeconds,
})

function functionAlarms(name: string, fn: sst.aws.Function): readonly Alarm[] {
  return ['Errors', 'Throttles'].map(metric => ({
    name: `${name}-${metric.toLowerCase()}`,
    why: `The function ${name} reports ${metric.toLowerCase()}`,
    namespace: 'AWS/Lambda',
    metric,
    statistic: 'Sum',
    dimensions: { FunctionName: fn.name },
    above: 0,
  }))
}

function machineAlarms(machine: aws.sfn.StateMachine): readonly Alarm[] {
  return ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted', 'ExecutionThrottled'].map(metric => ({
    name: `refine-${metric.toLowerCase()}`,
    why: `Step Functions reports ${metric} for refine: batches stay outside their tables`,
    namespace: 'AWS/States',
    metric,
    statistic: 'Sum',
    dimensions: { StateMachineArn: machine.arn },
    above: 0,
  }))
}

function ruleAlarms(name: string, dimensions: Alarm['dimensions']): readonly Alarm[] {
  return ['FailedInvocations', 'InvocationsFailedToBeSentToDlq'].map(metric => ({
    name: `${name}-${metric.toLowerCase()}`,
    why: `EventBridge reports ${metric} for the rule ${name}: events may be lost`,
    namespace: 'AWS/Events',
    metric,
    statistic: 'Sum',
    dimensions,
    above: 0,
  }))
}

const text = (value: string | undefined): string => value ?? 'default'

// --- The topic -----------------------------------------------------------------------------------------------------

function alarmTopic({ messages }: Storage): sst.aws.SnsTopic {
  const topic = encryptedTopic('Alarms', messages)
  topicPolicy('Alarms', topic, [
    {
      sid: 'Alarms',
      actions: ['sns:Publish'],
      resources: [topic.arn],
      principals: [{ type: 'Service', identifiers: ['cloudwatch.amazonaws.com'] }],
      conditions: [{ test: 'StringEquals', variable: 'aws:SourceAccount', values: [accountId()] }],
    },
  ])
  return topic
}
