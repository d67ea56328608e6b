import type { Graph, Resource } from '../graph.ts'
import {
  type Check,
  editPolicy,
  FUNCTION,
  list,
  MACHINE,
  ofType,
  one,
  parsePolicy,
  QUEUE,
  ROLE,
  RULE,
  roleOf,
  roleStatements,
  SCHEDULE,
  type Statement,
  TARGET,
  TOPIC,
} from './check.ts'

const MAPPING = 'aws:lambda/eventSourceMapping:EventSourceMapping'
const QUEUE_POLICY = 'aws:sqs/queuePolicy:QueuePolicy'
const GROUP = 'aws:scheduler/scheduleGroup:ScheduleGroup'
const ASYNC = 'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig'
const ALARM = 'aws:cloudwatch/metricAlarm:MetricAlarm'

/** ARNs of queues that take what others could not deliver or process. */
function deadLetterArns(graph: Graph): ReadonlySet<string> {
  const redrives = ofType(graph, QUEUE).flatMap(queue => redriveOf(queue)?.deadLetterTargetArn ?? [])
  const targets = ofType(graph, TARGET).flatMap(target => target.inputs.deadLetterConfig?.arn ?? [])
  const schedules = ofType(graph, SCHEDULE).flatMap(schedule => schedule.inputs.target.deadLetterConfig?.arn ?? [])
  const failures = ofType(graph, ASYNC).flatMap(each => each.inputs.destinationConfig?.onFailure?.destination ?? [])
  return new Set([...redrives, ...targets, ...schedules, ...failures])
}

function redriveOf(queue: Resource): { deadLetterTargetArn: string; maxReceiveCount: number } | undefined {
  return queue.inputs.redrivePolicy ? JSON.parse(queue.inputs.redrivePolicy) : undefined
}

const workQueues = (graph: Graph): readonly Resource[] =>
  ofType(graph, QUEUE).filter(queue => !deadLetterArns(graph).has(queue.arn!))

const statementsOf = (graph: Graph, queue: Resource): readonly Statement[] =>
  ofType(graph, QUEUE_POLICY)
    .filter(each => each.inputs.queueUrl === queue.id)
    .flatMap(each => parsePolicy(each.inputs.policy))

/** The function that takes the messages of a queue, with how it does. */
function consumer(graph: Graph, queue: Resource): { readonly mapping: Resource; readonly fn: Resource } {
  const mapping = ofType(graph, MAPPING).find(each => each.inputs.eventSourceArn === queue.arn)
  const fn = ofType(graph, FUNCTION).find(each => each.id === mapping?.inputs.functionName)
  if (!mapping || !fn) throw new Error(`nothing consumes ${queue.name}`)
  return { mapping, fn }
}

export const messagingChecks: readonly Check[] = [
  {
    name: 'every queue that is worked on has a dead letter queue of this stage, after 3 to 10 receives',
    find: graph => {
      const known = new Set(ofType(graph, QUEUE).map(each => each.arn))
      const queues = workQueues(graph)
      if (queues.length === 0) return ['no queue is worked on']
      return queues
        .filter(queue => {
          const redrive = redriveOf(queue)
          return (
            !redrive ||
            !known.has(redrive.deadLetterTargetArn) ||
            !(redrive.maxReceiveCount >= 3 && redrive.maxReceiveCount <= 10)
          )
        })
        .map(queue => queue.name)
    },
    breakIt: graph => {
      one(graph, QUEUE, 'IngestQueueQueue').inputs.redrivePolicy = undefined
    },
  },
  {
    name: 'a message stays invisible for six timeouts of the function that works on it, and the batching window',
    find: graph =>
      workQueues(graph)
        .filter(queue => {
          const { mapping, fn } = consumer(graph, queue)
          const window = mapping.inputs.maximumBatchingWindowInSeconds
          return !(queue.inputs.visibilityTimeoutSeconds >= 6 * fn.inputs.timeout + window)
        })
        .map(queue => queue.name),
    breakIt: graph => {
      one(graph, FUNCTION, 'IngestFunction').inputs.timeout += 60
    },
  },
  {
    name: 'a bad message does not bring back the others, and messages are gathered by number and age',
    find: graph =>
      workQueues(graph)
        .map(queue => consumer(graph, queue).mapping)
        .filter(
          ({ inputs }) =>
            !inputs.functionResponseTypes?.includes('ReportBatchItemFailures') ||
            !(inputs.batchSize > 10 && inputs.maximumBatchingWindowInSeconds > 0),
        )
        .map(mapping => mapping.name),
    breakIt: graph => {
      one(graph, MAPPING, 'IngestFromQueue').inputs.functionResponseTypes = []
    },
  },
  {
    name: 'dead letters are kept for 14 days, longer than the messages that become one',
    find: graph =>
      ofType(graph, QUEUE)
        .filter(queue =>
          deadLetterArns(graph).has(queue.arn!)
            ? queue.inputs.messageRetentionSeconds !== 1_209_600
            : !(queue.inputs.messageRetentionSeconds < 1_209_600),
        )
        .map(queue => queue.name),
    breakIt: graph => {
      one(graph, QUEUE, 'RefineDeadLettersQueue').inputs.messageRetentionSeconds = 345_600
    },
  },
  {
    name: 'queues are encrypted and refuse plain HTTP',
    find: graph =>
      ofType(graph, QUEUE)
        .filter(
          queue =>
            queue.inputs.sqsManagedSseEnabled !== true ||
            !statementsOf(graph, queue).some(
              each =>
                each.Effect === 'Deny' &&
                each.Principal === '*' &&
                each.Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
            ),
        )
        .map(queue => queue.name),
    breakIt: graph => {
      one(graph, QUEUE, 'IngestDeadLettersQueue').inputs.sqsManagedSseEnabled = false
    },
  },
  {
    name: 'only EventBridge sends to a queue, and only for a rule of this stage',
    find: graph => {
      const rules = new Set(ofType(graph, RULE).map(each => each.arn))
      return ofType(graph, QUEUE).flatMap(queue =>
        statementsOf(graph, queue)
          .filter(each => each.Effect === 'Allow')
          .filter(each => {
            const source = each.Condition?.['ArnEquals']?.['aws:SourceArn'] as string | undefined
            const service = (each.Principal as { readonly Service?: string }).Service
            return service !== 'events.amazonaws.com' || !list(source).length || !list(source).every(a => rules.has(a))
          })
          .map(() => queue.name),
      )
    },
    breakIt: graph => {
      const policy = one(graph, QUEUE_POLICY, 'IngestQueuePolicy')
      policy.inputs.policy = editPolicy(policy.inputs.policy, all => all.map(({ Condition: _, ...each }) => each))
    },
  },
  {
    name: 'every rule has a target with a dead letter queue that EventBridge may write to, and a retry policy',
    find: graph =>
      ofType(graph, RULE)
        .filter(rule => {
          const targets = ofType(graph, TARGET).filter(each => each.inputs.rule === rule.id)
          return targets.length === 0 || targets.some(target => !deliversSafely(graph, target, rule))
        })
        .map(rule => rule.name),
    breakIt: graph => {
      one(graph, TARGET, 'RawBatchToRefine').inputs.deadLetterConfig = undefined
    },
  },
  {
    name: 'every schedule starts a machine or calls a function of this stage by a role that may, has a dead letter queue that the role may write to, and a retry policy',
    find: graph =>
      ofType(graph, SCHEDULE)
        .filter(({ inputs: { target, groupName } }) => {
          const role = ofType(graph, ROLE).find(each => each.arn === target.roleArn)
          const isMachine = ofType(graph, MACHINE).some(machine => machine.arn === target.arn)
          const isFunction = ofType(graph, FUNCTION).some(fn => fn.arn === target.arn)
          return (
            !(isMachine || isFunction) ||
            groupName !== one(graph, GROUP, 'Schedules').inputs.name ||
            !may(role, isMachine ? 'states:StartExecution' : 'lambda:InvokeFunction', target.arn) ||
            !may(role, 'sqs:SendMessage', target.deadLetterConfig?.arn) ||
            !(target.retryPolicy?.maximumRetryAttempts > 0)
          )
        })
        .map(schedule => schedule.name),
    breakIt: graph => {
      one(graph, SCHEDULE, 'MaintainSchedule-maintain').inputs.target.deadLetterConfig = undefined
    },
  },
  {
    name: 'every function that a schedule calls and nobody waits for hands on what it cannot do, to a queue that it may write to',
    find: graph => {
      const called = ofType(graph, SCHEDULE).map(schedule => schedule.inputs.target.arn)
      return ofType(graph, FUNCTION)
        .filter(fn => called.includes(fn.arn))
        .filter(fn => {
          const config = ofType(graph, ASYNC).find(each => each.inputs.functionName === fn.id)?.inputs
          const queue = config?.destinationConfig?.onFailure?.destination
          return (
            !ofType(graph, QUEUE).some(each => each.arn === queue) ||
            !may(roleOf(graph, fn), 'sqs:SendMessage', queue) ||
            !(config.maximumRetryAttempts >= 1)
          )
        })
        .map(fn => fn.name)
    },
    breakIt: graph => {
      one(graph, ASYNC, 'WatchScheduleAsync').inputs.destinationConfig = undefined
    },
  },
  {
    name: 'topics are encrypted with our key, because CloudWatch cannot use the default one',
    find: graph => {
      const key = one(graph, 'aws:kms/key:Key', 'MessagesKey')
      const topics = ofType(graph, TOPIC)
      if (topics.length !== 2) return [`${topics.length} topics`]
      return topics.filter(topic => topic.inputs.kmsMasterKeyId !== key.arn).map(topic => topic.name)
    },
    breakIt: graph => {
      one(graph, TOPIC, 'AlarmsTopic').inputs.kmsMasterKeyId = 'alias/aws/sns'
    },
  },
  {
    name: 'topics refuse plain HTTP',
    find: graph =>
      ofType(graph, TOPIC)
        .filter(
          topic =>
            !ofType(graph, 'aws:sns/topicPolicy:TopicPolicy')
              .filter(each => each.inputs.arn === topic.arn)
              .flatMap(each => parsePolicy(each.inputs.policy))
              .some(each => each.Effect === 'Deny' && each.Condition?.['Bool']?.['aws:SecureTransport'] === 'false'),
        )
        .map(topic => topic.name),
    breakIt: graph => {
      const policy = one(graph, 'aws:sns/topicPolicy:TopicPolicy', 'RejectedBatchesPolicy')
      policy.inputs.arn = 'another topic'
    },
  },
  {
    name: 'every dead letter queue, function, state machine, rule and schedule has its alarms, and alarms reach the topic',
    find: graph => {
      const alarms = ofType(graph, ALARM)
      const missing = (metric: string, dimension: string, value: string | undefined): readonly string[] =>
        alarms.some(each => each.inputs.metricName === metric && each.inputs.dimensions[dimension] === value)
          ? []
          : [`${metric} of ${value}`]
      const queues = ofType(graph, QUEUE).filter(each => deadLetterArns(graph).has(each.arn!))
      const topic = one(graph, TOPIC, 'AlarmsTopic').arn
      return [
        ...queues.flatMap(each => missing('ApproximateNumberOfMessagesVisible', 'QueueName', queueName(each))),
        ...workQueues(graph).flatMap(each => missing('ApproximateAgeOfOldestMessage', 'QueueName', queueName(each))),
        ...ofType(graph, FUNCTION).flatMap(each =>
          ['Errors', 'Throttles'].flatMap(metric => missing(metric, 'FunctionName', each.id)),
        ),
        ...ofType(graph, MACHINE).flatMap(each =>
          ['ExecutionsFailed', 'ExecutionsTimedOut'].flatMap(metric => missing(metric, 'StateMachineArn', each.arn)),
        ),
        ...ofType(graph, RULE).flatMap(each => missing('FailedInvocations', 'RuleName', each.id)),
        ...ofType(graph, GROUP).flatMap(each => missing('InvocationDroppedCount', 'ScheduleGroup', each.inputs.name)),
        ...alarms.filter(each => !each.inputs.alarmActions?.includes(topic)).map(each => each.name),
      ]
    },
    breakIt: graph => {
      one(graph, ALARM, 'Alarm-refine-dead-letters').inputs.dimensions.QueueName = 'another'
    },
  },
]

const may = (role: Resource | undefined, action: string, arn: unknown): boolean =>
  role !== undefined &&
  typeof arn === 'string' &&
  roleStatements(role).some(each => list(each.Action).includes(action) && list(each.Resource).includes(arn))

const queueName = (queue: Resource): string => queue.arn!.split(':').at(-1)!

function deliversSafely(graph: Graph, { inputs }: Resource, rule: Resource): boolean {
  const deadLetters = ofType(graph, QUEUE).find(each => each.arn === inputs.deadLetterConfig?.arn)
  const allowed =
    deadLetters !== undefined &&
    statementsOf(graph, deadLetters).some(each => each.Condition?.['ArnEquals']?.['aws:SourceArn'] === rule.arn)
  return allowed && inputs.retryPolicy?.maximumEventAgeInSeconds > 0 && inputs.retryPolicy?.maximumRetryAttempts > 0
}
