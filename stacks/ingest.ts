import { landingObjectCreated } from '../workflows/rules.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { consumeQueue, putEvents, readZone, registerPartitions, writeZone } from './permissions.ts'
import { ingestQueue } from './plan.ts'
import { deadLetterQueue, queuePolicy } from './queue.ts'
import { named } from './stage.ts'

export type Ingest = ReturnType<typeof ingest>

/** Landing bucket → EventBridge → SQS, which gathers by size and age → `ingest`. */
export function ingest(resources: LakeResources) {
  const deadLetters = deadLetterQueue('IngestDeadLetters')
  const queue = new sst.aws.Queue('IngestQueue', {
    visibilityTimeout: `${ingestQueue.visibilitySeconds} seconds`,
    dlq: { queue: deadLetters.arn, retry: ingestQueue.receivesMax },
    transform: {
      queue: args => {
        args.messageRetentionSeconds = ingestQueue.retentionSeconds
        args.sqsManagedSseEnabled = true
      },
    },
  })
  const rule = landingRule(resources, queue, deadLetters)
  queuePolicy('IngestQueue', queue, { rules: [rule.arn] })
  queuePolicy('IngestDeadLetters', deadLetters, { rules: [rule.arn] })
  const { landing, raw, ops } = resources.storage
  const fn = lakeFunction('ingest', resources, [
    ...readZone(landing),
    ...readZone(raw),
    ...writeZone(raw),
    ...readZone(ops),
    ...writeZone(ops),
    ...registerPartitions(resources.catalog),
    putEvents(resources.bus),
    consumeQueue(queue),
  ])
  consume(queue, fn)
  return { queue, deadLetters, rule, function: fn }
}

function landingRule(resources: LakeResources, queue: sst.aws.Queue, deadLetters: sst.aws.Queue) {
  const rule = new aws.cloudwatch.EventRule('LandingObjectCreated', {
    name: named('landing-object-created'),
    description: 'An object was written to the landing bucket: ingest it',
    eventPattern: $jsonStringify(resources.storage.landing.bucket.name.apply(landingObjectCreated)),
  })
  new aws.cloudwatch.EventTarget('LandingToIngest', {
    rule: rule.name,
    arn: queue.arn,
    deadLetterConfig: { arn: deadLetters.arn },
    // EventBridge's own maximum: an event that is dropped is an object that only a reconciliation finds again.
    retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
  })
  return rule
}

function consume(queue: sst.aws.Queue, fn: sst.aws.Function): void {
  new aws.lambda.EventSourceMapping('IngestFromQueue', {
    eventSourceArn: queue.arn,
    functionName: fn.name,
    batchSize: ingestQueue.messagesMax,
    maximumBatchingWindowInSeconds: ingestQueue.ageSecondsMax,
    // Without it one bad object would bring back the messages of all others.
    functionResponseTypes: ['ReportBatchItemFailures'],
    scalingConfig: { maximumConcurrency: ingestQueue.concurrencyMax },
  })
}
