// Contract: every event is accepted by EventBridge or the publisher hears of it. Calls stay within the quotas, and of a call
// that failed in part only the failed entries are sent again, a bounded number of times.
import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { afterEach, expect, test } from 'vitest'
import { eventBus } from '#lake/aws/event-bus.ts'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  credentials,
  inputOf,
  json,
  jsonFailure,
  type Reply,
  retrying,
  type ScriptedServer,
  scriptedServer,
} from './scripted-server.ts'

let server: ScriptedServer
afterEach(() => server.close())

interface Entry {
  readonly Source: string
  readonly DetailType: string
  readonly Detail: string
  readonly EventBusName: string
}

/** The batches of each call, as numbers; the answer to a call is given entry by entry. */
async function serve(answer: (batches: readonly number[], call: number) => Reply): Promise<{ calls: number[][] }> {
  const calls: number[][] = []
  server = await scriptedServer(request => {
    const entries = inputOf(request)['Entries'] as readonly Entry[]
    for (const entry of entries)
      expect(entry).toMatchObject({ Source: 'sluice', DetailType: 'Raw Batch Ready', EventBusName: 'lake' })
    calls.push(entries.map(entry => JSON.parse(entry.Detail).batch))
    return answer(calls.at(-1) ?? [], calls.length)
  })
  return { calls }
}
const accepted = (batches: readonly number[], refused: readonly number[] = [], ErrorCode = 'InternalFailure'): Reply =>
  json({
    FailedEntryCount: refused.length,
    Entries: batches.map(batch => (refused.includes(batch) ? { ErrorCode } : { EventId: String(batch) })),
  })
const bus = () =>
  eventBus({
    ...retrying(),
    client: new EventBridgeClient({ endpoint: server.endpoint, region: 'eu-central-1', credentials, maxAttempts: 2 }),
    bus: 'lake',
  })
const events = (count: number, pad = 0) =>
  Array.from({ length: count }, (_, batch) => ({
    'detail-type': 'Raw Batch Ready',
    detail: { batch, pad: 'x'.repeat(pad) },
  }))

test('at most ten entries a call', async () => {
  const { calls } = await serve(batches => accepted(batches))
  await bus().publish(events(23))
  expect(calls.map(call => call.length)).toEqual([10, 10, 3])
  expect(calls.flat()).toEqual(Array.from({ length: 23 }, (_, index) => index))
})

test('at most 256 KB a call', async () => {
  const { calls } = await serve(batches => accepted(batches))
  await bus().publish(events(6, 100_000))
  expect(calls).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
  ])
})

test('only the entries that failed are sent again', async () => {
  const { calls } = await serve((batches, call) => accepted(batches, call === 1 ? [1, 3] : call === 2 ? [3] : []))
  await bus().publish(events(4))
  expect(calls).toEqual([[0, 1, 2, 3], [1, 3], [3]])
})

test('an entry that fails for ever is an error after five calls', async () => {
  const { calls } = await serve(batches => accepted(batches, [1], 'ThrottlingException'))
  expect(await kindOf(bus().publish(events(2)))).toBe('throttled')
  expect(calls).toEqual([[0, 1], [1], [1], [1], [1]])
})

test('a refusal that will not pass is not tried again', async () => {
  const { calls } = await serve(batches => accepted(batches, [0], 'NotAuthorizedForSourceException'))
  expect(await kindOf(bus().publish(events(1)))).toBe('access-denied')
  expect(calls).toHaveLength(1)
})

test('an event that is too large is refused before anything is sent', async () => {
  const { calls } = await serve(batches => accepted(batches))
  expect(await kindOf(bus().publish([...events(1), ...events(1, 256_000)]))).toBe('usage')
  expect(calls).toEqual([])
})

test('a call that fails as a whole is tried again, and then an error', async () => {
  const { calls } = await serve(() => jsonFailure(500, 'InternalException'))
  expect(await kindOf(bus().publish(events(1)))).toBe('unavailable')
  // Five attempts of ours, two of the SDK in each.
  expect(calls).toHaveLength(10)
})
