import { ingest } from '#functions/ingest/ingest.ts'
import { hashText } from '#lake/batch.ts'
import { withCanary } from '#lake/canary.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import { isLakeError } from '#lake/errors.ts'
import type { ObjectInfo } from '#lake/lake.ts'
import { objectCreated } from '#lake/object-created.ts'
import { landingObjectCreated } from '#workflows/rules.ts'
import { matches } from './event-pattern.ts'
import { startExecutions } from './executions.ts'
import { LocalQueue } from './queue.ts'
import type { LocalStep } from './step.ts'

export type { LocalStep } from './step.ts'

export interface LocalOptions {
  readonly onStep?: (step: LocalStep) => void
  /** How long the queue gathers landing objects for one batch. */
  readonly windowMs?: number
}

export interface LocalRunner {
  /** Landing objects that were written: what S3 would tell EventBridge. */
  landed(objects: readonly ObjectInfo[]): void
  /** Tells again of everything in landing: what a crash left half done goes on, what is done stays. */
  catchUp(): Promise<number>
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
  close(): Promise<void>
}

/**
 * The whole pipeline in this process: the same stories, the same event patterns and the same state machines as on AWS, with a
 * queue, a bus and an interpreter in the place of SQS, EventBridge and Step Functions.
 */
export function startLocal(lake: LocalLake, declared: readonly Dataset[], options: LocalOptions = {}): LocalRunner {
  const datasets = withCanary(declared)
  const step = options.onStep ?? (() => undefined)
  const bucket = bucketOf(lake)
  const queue = new LocalQueue({
    clock: lake.clock,
    batchMax: 1_000,
    windowMs: options.windowMs ?? 50,
    receiveMax: 5,
    handle: async messages => {
      const report = await ingest(lake, datasets, {
        Records: messages.map(message => ({ ...message, eventSource: 'aws:sqs' })),
      })
      step({ kind: 'ingested', report })
      return report.batchItemFailures.map(each => each.itemIdentifier)
    },
    dead: async (message, error) => {
      const why = error instanceof Error ? error.message : 'it failed each time; the log says why'
      step({ kind: 'dead', message: message.body, error: why })
      await lake.deadLetters.keep({
        id: message.messageId,
        queue: INGEST_QUEUE,
        body: message.body,
        cause: isLakeError(error) ? error.kind : 'received-too-often',
        message: why,
        sentMs: lake.clock.nowMs(),
      })
    },
  })
  const detach = lake.deadLetters.attach(INGEST_QUEUE, body => queue.send({ messageId: idOf(body), body }))
  const started = startExecutions({ lake, datasets, step })
  const unsubscribe = lake.bus.subscribe(async event => {
    step({ kind: 'event', event })
    await started(event)
  })
  const landed = (objects: readonly ObjectInfo[]): void => {
    for (const object of objects) {
      const event = objectCreated(lake, object)
      if (matches(landingObjectCreated(bucket), event))
        queue.send({ messageId: idOf(object.uri, object.version), body: JSON.stringify(event) })
    }
  }
  const idle = async (): Promise<void> => {
    await queue.idle()
    await lake.bus.idle()
  }
  return {
    landed,
    idle,
    catchUp: async () => {
      let count = 0
      for await (const object of lake.storage.list(`${lake.zones.landing}/`)) {
        landed([object])
        count++
      }
      return count
    },
    close: async () => {
      await queue.close()
      await lake.bus.idle()
      unsubscribe()
      detach()
    },
  }
}

/** The same object, or the same message sent again, dies as the same letter. */
const idOf = (...parts: readonly string[]): string => hashText(...parts).slice(0, 32)

/** As the queue in front of `ingest` is called, here and on AWS. */
const INGEST_QUEUE = 'ingest'

/** On disk the landing bucket is the folder's name. */
const bucketOf = (lake: LocalLake): string => lake.zones.landing.split('/').at(-1) as string
