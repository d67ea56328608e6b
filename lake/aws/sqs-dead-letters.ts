import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { LakeError } from '../errors.ts'
import type { DeadLetters, HeldLetter } from '../lake.ts'
import { awsError, commonKind } from './aws-errors.ts'

export interface SqsDeadLettersOptions {
  readonly client: SQSClient
  /** URLs of the queues of dead letters, and of the queues that are worked on, by name. */
  readonly deadLetters: Readonly<Record<string, string>>
  readonly queues: Readonly<Record<string, string>>
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html: 10 messages a call, of each batch call too. */
const MESSAGES_MAX = 10
/** Waiting asks all of a queue's servers; without it an answer may be empty though there are messages. */
const WAIT_SECONDS = 2

/** Standard SQS queues: at least once, in no order, and a receipt is of one taking. */
export function sqsDeadLetters(options: SqsDeadLettersOptions): DeadLetters {
  const { client } = options
  return {
    queues: async () =>
      Promise.all(
        Object.entries(options.deadLetters).map(async ([name, QueueUrl]) => {
          const answer = await sent(name, () =>
            client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] })),
          )
          return { name, letters: Number(answer.Attributes?.['ApproximateNumberOfMessages'] ?? 0) }
        }),
      ),
    take: async (queue, { lettersMax, holdSeconds }) => {
      const QueueUrl = urlOf(options.deadLetters, queue)
      const taken: HeldLetter[] = []
      while (taken.length < lettersMax) {
        const MaxNumberOfMessages = Math.min(MESSAGES_MAX, lettersMax - taken.length)
        const { Messages = [] } = await sent(queue, () =>
          client.send(
            new ReceiveMessageCommand({
              QueueUrl,
              MaxNumberOfMessages,
              VisibilityTimeout: holdSeconds,
              WaitTimeSeconds: WAIT_SECONDS,
              MessageSystemAttributeNames: ['SentTimestamp', 'ApproximateReceiveCount'],
              MessageAttributeNames: ['All'],
            }),
          ),
        )
        taken.push(...Messages.map(message => letterOf(queue, message)))
        if (Messages.length === 0) break
      }
      return taken
    },
    release: letters =>
      inBatches(letters, async (queue, Entries) => {
        const QueueUrl = urlOf(options.deadLetters, queue)
        const given = Entries.map(entry => ({ ...entry, VisibilityTimeout: 0 }))
        // One that is visible again by itself cannot be made so; nobody needs to know.
        await sent(queue, () => client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: given })))
      }),
    remove: letters =>
      inBatches(letters, async (queue, Entries) => {
        const QueueUrl = urlOf(options.deadLetters, queue)
        const { Failed = [] } = await sent(queue, () =>
          client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries })),
        )
        const failed = Failed.find(each => each.SenderFault !== true)
        if (failed === undefined) return
        const kind = commonKind({ name: failed.Code ?? 'Unknown', status: undefined, attempts: 1 }) ?? 'unavailable'
        throw new LakeError(kind, `queue ${queue}: ${Failed.length} letters were not removed: ${failed.Code}`, {
          queue,
        })
      }),
    send: async (queue, MessageBody) => {
      const QueueUrl = workedOn(options.queues, queue)
      await sent(queue, () => client.send(new SendMessageCommand({ QueueUrl, MessageBody })))
    },
    waiting: async queue => {
      const QueueUrl = workedOn(options.queues, queue)
      const { Attributes = {} } = await sent(queue, () =>
        client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...WAITING] })),
      )
      return WAITING.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0)
    },
  }
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html: to be taken, taken, and not to be taken yet. */
const WAITING = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const

function workedOn(urls: Readonly<Record<string, string>>, queue: string): string {
  const url = urls[queue]
  if (url === undefined) throw new LakeError('unsupported', `there is no queue ${queue} that is worked on`, { queue })
  return url
}

function urlOf(urls: Readonly<Record<string, string>>, queue: string): string {
  const url = urls[queue]
  if (url === undefined) throw new LakeError('not-found', `there is no queue of dead letters for ${queue}`, { queue })
  return url
}

async function sent<T>(queue: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw awsError(error, `queue ${queue}`, ({ name }) =>
      /QueueDoesNotExist|NonExistentQueue/.test(name) ? 'not-found' : undefined,
    )
  }
}

interface Entry {
  readonly Id: string
  readonly ReceiptHandle: string
}

async function inBatches(
  letters: readonly HeldLetter[],
  work: (queue: string, entries: Entry[]) => Promise<void>,
): Promise<void> {
  for (const [queue, own] of Map.groupBy(letters, letter => letter.queue))
    for (let at = 0; at < own.length; at += MESSAGES_MAX) {
      const batch = own.slice(at, at + MESSAGES_MAX)
      await work(
        queue,
        batch.map(({ receipt }, index) => ({ Id: String(index), ReceiptHandle: receipt })),
      )
    }
}

/**
 * EventBridge says why in attributes (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html), Lambda in the body
 * (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html); a queue that gave up after so many receives says nothing.
 */
function letterOf(queue: string, message: Message): HeldLetter {
  const attribute = (name: string): string | undefined => message.MessageAttributes?.[name]?.StringValue
  const body = message.Body ?? ''
  const failure = lambdaFailure(body)
  return {
    id: message.MessageId ?? '',
    queue,
    body,
    cause: attribute('ERROR_CODE') ?? failure?.cause ?? 'received-too-often',
    message: attribute('ERROR_MESSAGE') ?? failure?.message ?? 'whoever worked on the queue failed each time',
    sentMs: Number(message.Attributes?.SentTimestamp ?? 0),
    received: Number(message.Attributes?.ApproximateReceiveCount ?? 1),
    receipt: message.ReceiptHandle ?? '',
  }
}

function lambdaFailure(body: string): { readonly cause: string; readonly message: string } | undefined {
  try {
    const { requestContext, responsePayload } = JSON.parse(body) as {
      readonly requestContext?: { readonly condition?: unknown; readonly functionArn?: unknown }
      readonly responsePayload?: { readonly errorType?: unknown; readonly errorMessage?: unknown }
    }
    if (typeof requestContext?.functionArn !== 'string') return undefined
    return {
      cause: String(responsePayload?.errorType ?? requestContext.condition ?? 'Unknown'),
      message: String(responsePayload?.errorMessage ?? 'the function failed'),
    }
  } catch {
    return undefined
  }
}
