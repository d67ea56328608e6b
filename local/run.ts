import { type IngestReport, ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { batchRequest } from '#lake/batch-request.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import { isLakeError, LakeError, TERMINAL_ERROR } from '#lake/errors.ts'
import { EVENT_SOURCE } from '#lake/events.ts'
import type { LakeEvent, ObjectInfo } from '#lake/lake.ts'
import { refine } from '#workflows/refine.ts'
import { landingObjectCreated, rawBatchReady } from '#workflows/rules.ts'
import type { TaskCall } from './asl/runtime.ts'
import { type AslRuntime, execute } from './asl.ts'
import { matches } from './event-pattern.ts'
import { LocalQueue } from './queue.ts'

/** What happened, for people to watch. */
export type LocalStep =
  | { readonly kind: 'ingested'; readonly report: IngestReport }
  | { readonly kind: 'state'; readonly dataset: string; readonly batch: string; readonly state: string }
  | {
      readonly kind: 'retry'
      readonly dataset: string
      readonly batch: string
      readonly state: string
      readonly error: string
      readonly cause: string
    }
  | { readonly kind: 'event'; readonly event: LakeEvent }
  | { readonly kind: 'notice'; readonly subject: string; readonly message: string }
  | {
      readonly kind: 'finished'
      readonly dataset: string
      readonly batch: string
      readonly status: string
      readonly error?: string
      readonly cause?: string
    }
  | { readonly kind: 'dead'; readonly message: string; readonly error: string }

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

const FUNCTIONS = { quality, publish } as const

/**
 * The whole pipeline in this process: the same stories, the same event patterns and the same state machine as on AWS, with a
 * queue, a bus and an interpreter in the place of SQS, EventBridge and Step Functions.
 */
export function startLocal(lake: LocalLake, datasets: readonly Dataset[], options: LocalOptions = {}): LocalRunner {
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
    dead: (message, error) =>
      step({
        kind: 'dead',
        message: message.body,
        error: error instanceof Error ? error.message : 'delivered too often',
      }),
  })
  const runtime = stepFunctions(lake, datasets, step)
  const inTurn = oneAtATime()
  const unsubscribe = lake.bus.subscribe(async event => {
    step({ kind: 'event', event })
    const envelope = { source: EVENT_SOURCE, ...event }
    if (matches(rawBatchReady, envelope)) await inTurn(() => refineBatch(lake, envelope, { runtime, step }))
  })
  const landed = (objects: readonly ObjectInfo[]): void => {
    for (const object of objects) {
      const event = objectCreated(lake, bucket, object)
      if (matches(landingObjectCreated(bucket), event))
        queue.send({ messageId: lake.ids.uuid(), body: JSON.stringify(event) })
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
    },
  }
}

/** On disk the landing bucket is the folder's name. */
const bucketOf = (lake: LocalLake): string => lake.zones.landing.split('/').at(-1) as string

/** As S3 sends it (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). */
function objectCreated(lake: LocalLake, bucket: string, object: ObjectInfo): Readonly<Record<string, unknown>> {
  const key = object.uri.slice(lake.zones.landing.length + 1)
  return {
    version: '0',
    id: lake.ids.uuid(),
    source: 'aws.s3',
    'detail-type': 'Object Created',
    account: '000000000000',
    region: 'local',
    time: new Date(object.modifiedMs).toISOString(),
    detail: {
      version: '0',
      bucket: { name: bucket },
      object: { key, size: object.bytes, 'version-id': object.version },
      reason: 'PutObject',
    },
  }
}

/** Each execution plans for all the memory there is, so they wait for each other before they start, not within. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const turn = last.then(work, work)
    last = turn.catch(() => undefined)
    return turn
  }
}

// --- Step Functions ------------------------------------------------------------------------------------------------

interface Refining {
  readonly runtime: AslRuntime
  readonly step: (step: LocalStep) => void
}

async function refineBatch(lake: LocalLake, event: LakeEvent, { runtime, step }: Refining): Promise<void> {
  const { dataset, batch } = event.detail as { readonly dataset: string; readonly batch: string }
  const machine = refine({
    quality: 'quality',
    publish: 'publish',
    rejectedTopic: 'rejected',
    bus: 'sluice',
    staging: lake.zones.staging,
  })
  const result = await execute(
    machine,
    event,
    {
      ...runtime,
      onEvent: each => {
        const about = { dataset, batch, state: each.state ?? '' }
        if (each.type === 'StateEntered') step({ kind: 'state', ...about })
        if (each.type === 'StateRetryScheduled' || each.type === 'StateCaught')
          step({ kind: 'retry', ...about, error: each.error ?? '', cause: each.cause ?? '' })
      },
    },
    { name: lake.ids.uuid(), machine: 'refine' },
  )
  const failure = result.status === 'SUCCEEDED' ? {} : { error: result.error, cause: result.cause }
  step({ kind: 'finished', dataset, batch, status: result.status, ...failure })
}

function stepFunctions(lake: LocalLake, datasets: readonly Dataset[], step: (step: LocalStep) => void): AslRuntime {
  return {
    clock: lake.clock,
    ids: lake.ids,
    task: async call => {
      switch (call.resource) {
        case 'arn:aws:states:::lambda:invoke':
          return invoke(lake, datasets, call)
        case 'arn:aws:states:::sns:publish':
          return notify(call, step)
        case 'arn:aws:states:::events:putEvents':
          return putEvents(lake, call)
        default:
          throw new LakeError('unsupported', `local mode has no service ${call.resource}`)
      }
    },
  }
}

async function invoke(lake: LocalLake, datasets: readonly Dataset[], call: TaskCall): Promise<unknown> {
  const { FunctionName, Payload } = call.arguments as {
    readonly FunctionName: keyof typeof FUNCTIONS
    readonly Payload: unknown
  }
  try {
    const { dataset, batch } = batchRequest(datasets, Payload)
    return { Payload: await FUNCTIONS[FunctionName](lake, dataset, { batch }), StatusCode: 200 }
  } catch (error) {
    lake.log.error(`${FunctionName} failed`, { error: error instanceof Error ? error.message : String(error) })
    throw asTaskError(error)
  }
}

/** Retry and Catch go by an error's name, as Lambda reports it. */
function asTaskError(error: unknown): Error {
  const named = new Error(error instanceof Error ? error.message : String(error), { cause: error })
  if (isLakeError(error)) named.name = error.retryable ? `Sluice.${error.kind}` : TERMINAL_ERROR
  return named
}

async function notify(call: TaskCall, step: (step: LocalStep) => void): Promise<unknown> {
  const { Subject, Message } = call.arguments as { readonly Subject: string; readonly Message: string }
  step({ kind: 'notice', subject: Subject, message: Message })
  return { MessageId: 'local' }
}

async function putEvents(lake: LocalLake, call: TaskCall): Promise<unknown> {
  const { Entries } = call.arguments as {
    readonly Entries: readonly { readonly DetailType: string; readonly Detail: unknown }[]
  }
  await lake.bus.publish(
    Entries.map(entry => ({
      'detail-type': entry.DetailType,
      detail: (typeof entry.Detail === 'string' ? JSON.parse(entry.Detail) : entry.Detail) as LakeEvent['detail'],
    })),
  )
  return { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: lake.ids.uuid() })) }
}
