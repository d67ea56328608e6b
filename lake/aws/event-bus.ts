import { type EventBridgeClient, PutEventsCommand, type PutEventsRequestEntry } from '@aws-sdk/client-eventbridge'
import { LakeError } from '../errors.ts'
import { EVENT_SOURCE } from '../events.ts'
import type { Bus, LakeEvent } from '../lake.ts'
import { attempts, type Retrying } from './attempts.ts'
import { awsError, commonKind } from './aws-errors.ts'

/** https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html: 10 entries a call, and 256 KB, which is safe in every region. */
const ENTRIES_MAX = 10
const BYTES_MAX = 256_000

export interface EventBusOptions extends Retrying {
  readonly client: EventBridgeClient
  readonly bus: string
}

/** EventBridge. A call can fail for some of its entries only: those, and no others, are sent again, at most five times. */
export function eventBus(options: EventBusOptions): Bus {
  return {
    publish: async events => {
      for (const call of calls(events.map(event => entryOf(options.bus, event)))) await publishCall(options, call)
    },
  }
}

function entryOf(bus: string, event: LakeEvent): PutEventsRequestEntry {
  const entry = {
    EventBusName: bus,
    Source: EVENT_SOURCE,
    DetailType: event['detail-type'],
    Detail: JSON.stringify(event.detail),
  }
  if (sizeOf(entry) > BYTES_MAX)
    throw new LakeError('usage', `an event "${entry.DetailType}" is too large: events carry pointers, never rows`, {
      bytes: sizeOf(entry),
    })
  return entry
}

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html */
function sizeOf(entry: PutEventsRequestEntry): number {
  return [entry.Source, entry.DetailType, entry.Detail].reduce((sum, text) => sum + Buffer.byteLength(text ?? ''), 0)
}

function calls(entries: readonly PutEventsRequestEntry[]): readonly (readonly PutEventsRequestEntry[])[] {
  const all: PutEventsRequestEntry[][] = []
  let bytes = 0
  for (const entry of entries) {
    const size = sizeOf(entry)
    const last = all.at(-1)
    if (last === undefined || last.length === ENTRIES_MAX || bytes + size > BYTES_MAX) {
      all.push([entry])
      bytes = size
    } else {
      last.push(entry)
      bytes += size
    }
  }
  return all
}

async function publishCall(options: EventBusOptions, call: readonly PutEventsRequestEntry[]): Promise<void> {
  let left = call
  const passing = (error: LakeError): boolean => error.retryable
  await attempts(options, passing, async () => {
    const answer = await options.client.send(new PutEventsCommand({ Entries: [...left] })).catch(error => {
      throw awsError(error, `event bus ${options.bus}`)
    })
    const results = answer.Entries ?? []
    left = left.filter((_entry, index) => results[index]?.EventId === undefined)
    if (left.length === 0) return
    const code = results.find(result => result.ErrorCode !== undefined)?.ErrorCode ?? 'Unknown'
    const kind = commonKind({ name: code, status: undefined, attempts: 1 }) ?? 'unavailable'
    throw new LakeError(kind, `event bus ${options.bus} refused ${left.length} entries: ${code}`, {
      bus: options.bus,
      code,
      entries: left.length,
    })
  })
}
