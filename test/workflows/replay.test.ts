// `replay` admits each batch, takes it through the steps of `refine`, and settles it; one that fails is settled as failed and keeps no
// other from going on. In the end the replay is reported, and an execution with failed batches fails and says so.
import { expect, test } from 'vitest'
import type { TaskCall } from '#local/asl/runtime.ts'
import { execute } from '#local/asl.ts'
import { replay } from '#workflows/replay.ts'
import { named, recording } from '../local/virtual-clock.ts'
import { validate } from './run-machine.ts'

const targets = {
  ...{ quality: 'quality', cdcApply: 'cdcApply', publish: 'publish', replay: 'replay', bus: 'sluice' },
  ...{ staging: 's3://staging', opsBucket: 'ops', batchesAtOnce: 2 },
  athena: { database: 'lake', workGroup: 'sluice', output: 's3://ops/athena/' },
}
const BATCHES = ['b0', 'b1', 'b2']

interface Answers {
  readonly begin?: unknown
  readonly admit?: (batch: string) => unknown
  readonly quality?: (batch: string) => unknown
  readonly failed?: number
}

/** Runs the machine over three batches; `did` is every call in a word, and `read` where the items came from. */
async function run(answers: Answers, input: unknown = { replay: 'r1', generation: 2 }) {
  const read: unknown[] = []
  const world = recording(call => answer(call, answers), {
    readItems: async (_reader, place) => {
      read.push(place)
      return BATCHES.map((batch, item) => ({ detail: { dataset: 'orders', batch }, replay: 'r1', item }))
    },
    writeResults: async () => ({ ResultWriterDetails: {} }),
  })
  const execution = await execute(replay(targets), input, world.runtime, { name: 'by-hand', machine: 'replay' })
  const calls = world.calls.map(call => call.arguments as Arguments)
  return { execution, read, calls, did: calls.map(inAWord) }
}

interface Arguments {
  readonly FunctionName?: string
  readonly Payload?: Readonly<Record<string, unknown>> & { readonly action?: string; readonly batch?: string }
  readonly Entries?: readonly { readonly DetailType: string; readonly Detail: unknown }[]
}

const inAWord = ({ FunctionName, Payload, Entries }: Arguments): string =>
  Entries?.[0]?.DetailType ?? [Payload?.action ?? FunctionName, Payload?.batch].filter(Boolean).join(' ')

function answer(call: TaskCall, { begin, admit, quality, failed = 0 }: Answers): unknown {
  const { FunctionName, Payload } = call.arguments as Arguments
  const payload = (value: unknown) => ({ StatusCode: 200, Payload: value })
  const batch = Payload?.batch ?? ''
  if (FunctionName === undefined) return { FailedEntryCount: 0 }
  if (FunctionName === 'quality') return payload(quality?.(batch) ?? { status: 'pass', mode: 'append' })
  if (FunctionName === 'publish') return payload({ rows: 1 })
  switch (Payload?.action) {
    case 'begin':
      return payload(
        begin ?? { replay: 'r1', generation: 2, items: 3, concurrency: 4, itemsKey: 'replays/r1/items.json' },
      )
    case 'admit':
      return payload(admit?.(batch) ?? { go: 'refine' })
    case 'finish':
      return payload({ items: 3, failed })
    default:
      return payload({})
  }
}

test('the definition is valid Amazon States Language', () => {
  expect(validate(replay(targets))).toMatchObject({ isValid: true, errors: [] })
})

test('begin, then each batch admitted, refined and settled, then finish', async () => {
  const { execution, did, read, calls } = await run({})
  expect(execution.status).toBe('SUCCEEDED')
  expect(did.toSorted()).toEqual(
    [
      'begin',
      'finish',
      ...BATCHES.flatMap(batch => ['admit', 'quality', 'publish', 'settle'].map(each => `${each} ${batch}`)),
    ].toSorted(),
  )
  expect([did[0], did.at(-1)]).toEqual(['begin', 'finish'])
  expect(read).toEqual([{ Bucket: 'ops', Key: 'replays/r1/items.json' }])
  expect(calls.find(call => call.Payload?.action === 'admit')?.Payload).toMatchObject({
    replay: 'r1',
    item: 0,
    generation: 2,
    batch: 'b0',
  })
})

test('started by hand, the request is planned under the name of the execution', async () => {
  const { calls } = await run({}, { request: { dataset: 'orders', mode: 'failed' } })
  expect(calls[0]?.Payload).toEqual({
    action: 'begin',
    replay: 'by-hand',
    request: { dataset: 'orders', mode: 'failed' },
  })
})

test('nothing to replay: no map, no report', async () => {
  const { execution, did } = await run({
    begin: { replay: 'r1', generation: 1, items: 0, concurrency: 1, itemsKey: '' },
  })
  expect([execution.status, did]).toEqual(['SUCCEEDED', ['begin']])
})

test('a batch that is held or done is left as it is', async () => {
  const { did } = await run({ admit: batch => ({ go: batch === 'b1' ? 'refine' : batch === 'b0' ? 'held' : 'done' }) })
  expect(did.filter(each => !/^(begin|finish|admit)/.test(each))).toEqual(['quality b1', 'publish b1', 'settle b1'])
})

test('a halted batch is announced, recorded and settled; nobody is told of it by mail', async () => {
  const { execution, did } = await run({
    quality: batch => (batch === 'b2' ? { status: 'halt', reason: 'too few rows' } : undefined),
  })
  expect(execution.status).toBe('SUCCEEDED')
  expect(did.filter(each => each.endsWith('b2') || each === 'Batch Rejected')).toEqual([
    'admit b2',
    'quality b2',
    'Batch Rejected',
    'publish b2',
    'settle b2',
  ])
})

test('a batch that fails is settled as failed with its reason, and the others go on', async () => {
  const { execution, did, calls } = await run({
    failed: 1,
    quality: batch => {
      if (batch === 'b0') throw named('Sluice.Terminal', 'the raw object is gone')
      return undefined
    },
  })
  expect(did.filter(each => each.startsWith('settle')).toSorted()).toEqual(['settle b0', 'settle b1', 'settle b2'])
  expect(calls.find(call => call.Payload?.action === 'settle' && call.Payload.batch === 'b0')?.Payload).toMatchObject({
    failure: 'Sluice.Terminal: the raw object is gone',
  })
  expect(did.slice(-2)).toEqual(['finish', 'Replay Failed'])
  expect(execution).toMatchObject({
    status: 'FAILED',
    error: 'Sluice.BatchesFailed',
    cause: '1 of 3 batches failed; the report of the replay names them',
  })
})

test('a plan that cannot be made fails the execution and names the replay', async () => {
  const { execution, calls } = await run({ begin: new Proxy({}, { get: () => undefined }) })
  expect(execution.status).toBe('FAILED')
  expect(calls.at(-1)?.Entries?.[0]?.Detail).toMatchObject({ replay: 'r1' })
})
