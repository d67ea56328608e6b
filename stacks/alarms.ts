import { datasets } from '../datasets/index.ts'
import { canaryDataset, withCanary } from '../lake/canary.ts'
import type { Dataset } from '../lake/dataset.ts'
import { type Alarm, METRICS, metricAlarm } from './alarm.ts'
import type { Canary } from './canary.ts'
import type { Compact } from './compact.ts'
import type { Firehose } from './firehose.ts'
import type { Ingest } from './ingest.ts'
import type { Maintain } from './maintain.ts'
import { alarmLimits } from './plan.ts'
import type { Records } from './records.ts'
import type { Refine } from './refine.ts'
import type { Replay } from './replay.ts'
import type { Storage } from './storage.ts'
import { alarmTopic } from './topic.ts'
import type { Watch } from './watch.ts'

export interface Stages {
  readonly storage: Storage
  readonly ingest: Ingest
  readonly firehose: Firehose
  readonly refine: Refine
  /** Of a stage that reads streams. */
  readonly records: Records | undefined
  readonly compact: Compact
  readonly maintain: Maintain
  readonly watch: Watch
  readonly canary: Canary
  readonly replay: Replay
  readonly schedules: aws.scheduler.ScheduleGroup
}

/** Whatever stops rows on their way to a table, or tables from staying small, is told to one topic. Subscribe to it by mail, chat or pager. */
export function alarms({
  storage,
  ingest,
  firehose,
  refine,
  records,
  compact,
  maintain,
  watch,
  canary,
  replay,
  schedules,
}: Stages) {
  const topic = alarmTopic(storage)
  const all = [
    deadLetters('ingest', ingest.deadLetters),
    deadLetters('refine', refine.deadLetters),
    queueAge(ingest.queue),
    ...functionAlarms('ingest', ingest.function),
    ...functionAlarms('firehose', firehose.function),
    ...streamAlarms(firehose.stream),
    ...functionAlarms('quality', refine.quality),
    ...functionAlarms('cdc-apply', refine.cdcApply),
    ...functionAlarms('publish', refine.publish),
    ...functionAlarms('release', refine.release),
    ...(records === undefined ? [] : recordAlarms(records)),
    deadLetters('compact', compact.deadLetters),
    deadLetters('maintain', maintain.deadLetters),
    ...functionAlarms('compact', compact.function),
    ...functionAlarms('maintain', maintain.maintain),
    ...functionAlarms('sweep', maintain.sweep),
    ...machineAlarms('refine', refine.machine, 'batches stay outside their tables'),
    ...machineAlarms('compact', compact.machine, 'tables keep their small files'),
    ...machineAlarms('maintain', maintain.machine, 'tables keep old snapshots and files'),
    deadLetters('watch', watch.deadLetters),
    ...functionAlarms('watch', watch.function),
    ...asyncAlarms('watch', watch.function),
    ...watchAlarms(),
    ...datasets.filter(({ source }) => source.changes !== undefined).map(refusedChanges),
    deadLetters('canary', canary.deadLetters),
    ...functionAlarms('canary', canary.function),
    ...asyncAlarms('canary', canary.function),
    deadLetters('replay', replay.deadLetters),
    ...functionAlarms('replay', replay.function),
    ...asyncAlarms('replay', replay.function),
    ...machineAlarms('replay', replay.machine, 'batches of a replay are still to do'),
    reconciled('unaccounted-objects', 'UnaccountedObjects', UNACCOUNTED),
    reconciled('repairs-given-up', 'RepairsGivenUp', GIVEN_UP),
    ...scheduleAlarms(schedules),
    ...ruleAlarms('landing-object-created', { RuleName: ingest.rule.name }),
    ...ruleAlarms('raw-batch-ready', {
      RuleName: refine.rule.name,
      EventBusName: refine.rule.eventBusName.apply(text),
    }),
    ...ruleAlarms('table-needs-compaction', {
      RuleName: compact.rule.name,
      EventBusName: compact.rule.eventBusName.apply(text),
    }),
  ]
  for (const alarm of all) metricAlarm(alarm, topic)
  return { topic }
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

const UNACCOUNTED =
  'Reconciliation found objects in landing or raw that nothing accounts for; what it can it has taken up again'
const GIVEN_UP = 'Raw objects failed in one repair after the other: no other is begun until somebody replays them'

/** `lake/aws/reconcile-metrics.ts` writes them. */
const reconciled = (name: string, metric: string, why: string): Alarm => ({
  ...{ name, metric, why, namespace: METRICS, statistic: 'Maximum', dimensions: { service: $app.name }, above: 0 },
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

/** What Lambda could neither run nor hand on: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
function asyncAlarms(name: string, fn: sst.aws.Function): readonly Alarm[] {
  return ['AsyncEventsDropped', 'DestinationDeliveryFailures'].map(metric => ({
    name: `${name}-${metric.toLowerCase()}`,
    why: `Lambda reports ${metric} for ${name}: a scheduled run is lost`,
    namespace: 'AWS/Lambda',
    metric,
    statistic: 'Sum',
    dimensions: { FunctionName: fn.name },
    above: 0,
  }))
}

/** How far reading is behind, and invocations that could not even be put aside: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html */
function recordAlarms({ function: fn, kinds }: Records): readonly Alarm[] {
  const own = (metric: string, rest: Pick<Alarm, 'why' | 'above' | 'statistic'>): Alarm => ({
    name: `records-${metric.toLowerCase()}`,
    namespace: 'AWS/Lambda',
    metric,
    dimensions: { FunctionName: fn.name },
    ...rest,
  })
  const [age, behind] = [alarmLimits.recordAgeMs, alarmLimits.recordsBehind]
  return [
    ...functionAlarms('records', fn),
    own('DestinationDeliveryFailures', {
      why: 'What Lambda gave up of a stream could not be put into landing: records are lost',
      statistic: 'Sum',
      above: 0,
    }),
    ...(kinds.has('kinesis')
      ? [own('IteratorAge', { why: 'Records of Kinesis are read too late', statistic: 'Maximum', above: age })]
      : []),
    ...(kinds.has('msk')
      ? [own('OffsetLag', { why: 'Records of Kafka are read too late', statistic: 'Maximum', above: behind })]
      : []),
  ]
}

/** What the watch measures, in the namespace of the functions' own metrics; `lake/aws/lag-metrics.ts` writes it. */
function watchAlarms(): readonly Alarm[] {
  const own = (
    name: string,
    metric: string,
    rest: Pick<Alarm, 'why' | 'above' | 'dimensions' | 'statistic'>,
  ): Alarm => ({ name, metric, namespace: METRICS, ...rest })
  return [
    {
      ...own('watch-heartbeat', 'DatasetsWatched', {
        why: 'Nobody measures freshness and completeness: the watch has not run',
        statistic: 'Maximum',
        dimensions: { service: $app.name },
        above: DATASETS_MAX,
      }),
      silentMinutes: alarmLimits.heartbeatMinutes,
    },
    own('erasure-open', 'OldestErasureHours', {
      ...{ why: 'An erasure began and did not end: something of a person may be left', statistic: 'Maximum' },
      ...{ dimensions: { service: $app.name }, above: alarmLimits.erasureHours },
    }),
    ...withCanary(datasets).flatMap(({ name, freshness }) => [
      own(`${name}-rows-missing`, 'RowsMissing', {
        why: `Records of ${name} that were put are neither in its table nor in its quarantine`,
        statistic: 'Maximum',
        dimensions: { service: $app.name, dataset: name },
        above: 0,
      }),
      ...(freshness === undefined
        ? []
        : [
            own(`${name}-late`, 'LagShareOfPromise', {
              why: `${name} is later than the ${freshness.maxLagMinutes} minutes that it promises`,
              statistic: 'Maximum',
              dimensions: { service: $app.name, dataset: name },
              above: alarmLimits.lagShare,
            }),
          ].map(alarm =>
            name === canaryDataset.name ? { ...alarm, silentMinutes: alarmLimits.canaryMinutes } : alarm,
          )),
    ]),
  ]
}

/** No heartbeat tells of so many: the alarm is about silence alone. */
const DATASETS_MAX = 1_000_000

/** `lake/aws/change-metrics.ts` writes it. A change that is put aside leaves its row behind the source. */
const refusedChanges = ({ name }: Dataset): Alarm => ({
  name: `${name}-changes-refused`,
  why: `Changes of ${name} are in quarantine: its table is not what its source has`,
  namespace: METRICS,
  metric: 'ChangesDeadLetter',
  statistic: 'Sum',
  dimensions: { service: $app.name, dataset: name },
  above: 0,
})

function machineAlarms(name: string, machine: aws.sfn.StateMachine, so: string): readonly Alarm[] {
  return ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted', 'ExecutionThrottled'].map(metric => ({
    name: `${name}-${metric.toLowerCase()}`,
    why: `Step Functions reports ${metric} for ${name}: ${so}`,
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

/**
 * https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html. What Firehose cannot deliver or decrypt it keeps for 24 hours, and then it is
 * lost: these alarms are what stands between.
 */
function streamAlarms(stream: aws.kinesis.FirehoseDeliveryStream): readonly Alarm[] {
  const watched: readonly (readonly [metric: string, why: string])[] = [
    ['DeliveryToS3.DataFreshness', 'Events wait too long for their delivery; after 24 hours they are lost'],
    ['PartitionCountExceeded', 'The stream fills as many folders as it may: further events go to the errors'],
    ['ThrottledRecords', 'Producers put more than the stream takes'],
    ['KMSKeyAccessDenied', 'The stream may not use its key: events are lost after 24 hours'],
    ['KMSKeyDisabled', 'The key of the stream is disabled: events are lost after 24 hours'],
    ['KMSKeyInvalidState', 'The key of the stream is about to be deleted: events are lost after 24 hours'],
    ['KMSKeyNotFound', 'The key of the stream is gone: events are lost after 24 hours'],
  ]
  return watched.map(([metric, why]) => ({
    name: `events-${metric.toLowerCase().replaceAll('.', '-')}`,
    why,
    namespace: 'AWS/Firehose',
    metric,
    statistic: metric === 'ThrottledRecords' ? 'Sum' : 'Maximum',
    dimensions: { DeliveryStreamName: stream.name },
    above: metric === 'DeliveryToS3.DataFreshness' ? alarmLimits.streamAgeSeconds : 0,
  }))
}

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/monitoring-cloudwatch.html */
function scheduleAlarms(group: aws.scheduler.ScheduleGroup): readonly Alarm[] {
  return ['InvocationDroppedCount', 'InvocationsFailedToBeSentToDeadLetterCount'].map(metric => ({
    name: `schedules-${metric.toLowerCase()}`,
    why: `EventBridge reports ${metric}: a compaction or a maintenance did not start`,
    namespace: 'AWS/Scheduler',
    metric,
    statistic: 'Sum',
    dimensions: { ScheduleGroup: group.name },
    above: 0,
  }))
}

const text = (value: string | undefined): string => value ?? 'default'
