// `refine` takes one raw batch through quality into its table: a pass is published, a halt is told and succeeds, and
// whatever fails after its retries ends in "Batch Failed" and a failed execution.
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import type { TaskCall } from '#local/asl/runtime.ts'
import { execute } from '#local/asl.ts'
import { refine } from '#workflows/refine.ts'
import { named, recording } from '../local/virtual-clock.ts'

// The package is CommonJS without types; this is the part of its answer that is used.
const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean
  readonly errors: readonly unknown[]
}

const targets = {
  quality: 'arn:aws:lambda:eu-west-1:123456789012:function:quality',
  cdcApply: 'arn:aws:lambda:eu-west-1:123456789012:function:cdc-apply',
  publish: 'arn:aws:lambda:eu-west-1:123456789012:function:publish',
  rejectedTopic: 'arn:aws:sns:eu-west-1:123456789012:rejected',
  bus: 'sluice',
  staging: 's3://staging-bucket',
  athena: { database: 'lake', workGroup: 'sluice', output: 's3://ops-bucket/athena/' },
}

const event = {
  source: 'sluice',
  'detail-type': 'Raw Batch Ready',
  detail: { dataset: 'orders', batch: 'b1', manifest: 's3://ops/batches/orders/b1/manifest.json' },
}

const passed = { dataset: 'orders', batch: 'b1', status: 'pass', mode: 'append', read: 10, quarantined: 1 }
const published = { dataset: 'orders', batch: 'b1', snapshotId: '9007199254740993', rows: 9 }

type Answer = (call: TaskCall) => unknown

/** Runs `refine` with the two functions answering as given; topic and bus accept everything unless told otherwise. */
async function run(quality: Answer, publish: Answer, others: Answer = () => ({ FailedEntryCount: 0 })) {
  const world = recording(call => {
    const functionName = (call.arguments as { readonly FunctionName?: string }).FunctionName
    if (functionName === targets.quality) return { StatusCode: 200, Payload: quality(call) }
    if (functionName === targets.cdcApply) return { StatusCode: 200, Payload: { dataset: 'orders', batch: 'b1' } }
    if (functionName === targets.publish) return { StatusCode: 200, Payload: publish(call) }
    return others(call)
  })
  const execution = await execute(refine(targets), event, world.runtime, { name: 'x', machine: 'refine' })
  const did = world.calls.map(call => what(call))
  return { execution, did, calls: world.calls }
}

function what(call: TaskCall): string {
  const name = (call.arguments as { readonly FunctionName?: string }).FunctionName?.split(':').at(-1)
  return name ?? call.resource.split(':').at(-1)!
}

const throws =
  (error: Error): Answer =>
  () => {
    throw error
  }
const never: Answer = () => {
  throw new Error('must not be called')
}
const entry = (call: TaskCall | undefined): unknown =>
  (call as TaskCall & { readonly arguments: { readonly Entries: readonly unknown[] } }).arguments.Entries[0]

test('the definition is valid Amazon States Language', () => {
  expect(validate(refine(targets))).toMatchObject({ isValid: true, errors: [] })
})

test.each(['append', 'replace'])('a batch that passes is published: %s', async mode => {
  const { execution, did, calls } = await run(
    () => ({ ...passed, mode }),
    () => published,
  )
  expect(execution).toEqual({ status: 'SUCCEEDED', output: published })
  expect(did).toEqual(['quality', 'publish'])
  for (const call of calls)
    expect((call.arguments as { readonly Payload: unknown }).Payload).toEqual({ dataset: 'orders', batch: 'b1' })
})

test.each(['merge', 'history'])('changes are applied before the batch is published: %s', async mode => {
  const { execution, did, calls } = await run(
    () => ({ ...passed, mode }),
    () => published,
  )
  expect(execution).toEqual({ status: 'SUCCEEDED', output: published })
  expect(did).toEqual(['quality', 'cdc-apply', 'publish'])
  for (const call of calls)
    expect((call.arguments as { readonly Payload: unknown }).Payload).toEqual({ dataset: 'orders', batch: 'b1' })
})

const recorded = { dataset: 'orders', batch: 'b1', rows: 0 }

test('a halted batch: people and programs are told, what the rules said is recorded, and the execution succeeds', async () => {
  const halted = { ...passed, status: 'halt', reason: 'Completeness "id" > 0.99' }
  const { execution, did, calls } = await run(
    () => halted,
    () => recorded,
  )
  expect(execution).toEqual({ status: 'SUCCEEDED', output: halted })
  expect(did).toEqual(['quality', 'publish', 'putEvents', 'publish'])
  expect(calls[3]).toMatchObject({
    arguments: { FunctionName: targets.publish, Payload: { dataset: 'orders', batch: 'b1' } },
  })
  expect(calls[1]).toMatchObject({
    resource: 'arn:aws:states:::sns:publish',
    arguments: { TopicArn: targets.rejectedTopic, Subject: 'Sluice rejected a batch of orders' },
  })
  expect(entry(calls[2])).toEqual({
    Source: 'sluice',
    DetailType: 'Batch Rejected',
    EventBusName: 'sluice',
    Detail: {
      dataset: 'orders',
      batch: 'b1',
      reason: 'Completeness "id" > 0.99',
      verdict: 's3://staging-bucket/orders/b1/verdict.json',
    },
  })
})

test('a halt without a reason still has one in the event', async () => {
  const { calls } = await run(
    () => ({ ...passed, status: 'halt' }),
    () => recorded,
  )
  expect(entry(calls[2])).toMatchObject({ Detail: { reason: 'halted by a quality rule' } })
})

test('when the results of a halted batch cannot be recorded, people have been told and the batch has failed', async () => {
  const { execution, did, calls } = await run(
    () => ({ ...passed, status: 'halt' }),
    throws(named('Sluice.Terminal', 'no table')),
  )
  expect(execution).toEqual({ status: 'FAILED', error: 'Sluice.Terminal', cause: 'no table' })
  expect(did).toEqual(['quality', 'publish', 'putEvents', 'publish', 'putEvents'])
  expect(entry(calls[4])).toMatchObject({ DetailType: 'Batch Failed', Detail: { stage: 'publish' } })
})

test('a terminal error is not retried: "Batch Failed" and a failed execution', async () => {
  const { execution, did, calls } = await run(throws(named('Sluice.Terminal', 'manifest is not there')), never)
  expect(did).toEqual(['quality', 'putEvents'])
  expect(execution).toEqual({ status: 'FAILED', error: 'Sluice.Terminal', cause: 'manifest is not there' })
  expect(entry(calls[1])).toMatchObject({
    Source: 'sluice',
    DetailType: 'Batch Failed',
    Detail: {
      dataset: 'orders',
      batch: 'b1',
      stage: 'quality',
      error: 'Sluice.Terminal',
      cause: 'manifest is not there',
      execution: expect.stringContaining('execution:refine:x'),
    },
  })
})

test.each([
  ['Sluice.conflict', 5],
  ['Lambda.TooManyRequestsException', 7],
  ['Lambda.ServiceException', 7],
  ['Lambda.Unknown', 2],
  ['Sandbox.Timedout', 2],
  ['SomethingElse', 5],
])('%s is tried %i times in all', async (error, times) => {
  const { did } = await run(() => passed, throws(named(error)))
  expect(did).toEqual(['quality', ...Array<string>(times).fill('publish'), 'putEvents'])
})

test('an error that goes away leaves no trace', async () => {
  let attempts = 0
  const { execution, did } = await run(
    () => passed,
    () => {
      if (++attempts < 3) throw named('Sluice.conflict', 'the table moved on')
      return published
    },
  )
  expect(execution).toEqual({ status: 'SUCCEEDED', output: published })
  expect(did).toEqual(['quality', 'publish', 'publish', 'publish'])
})

test('a step that died by its timeout is tried once more, then the batch has failed', async () => {
  const { execution, did } = await run(throws(named('States.Timeout')), never)
  expect(execution).toMatchObject({ status: 'FAILED', error: 'States.Timeout' })
  expect(did).toEqual(['quality', 'quality', 'putEvents'])
})

test.each([{ mode: 'upsert' }, { status: 'maybe' }, { mode: undefined }])(
  'an answer that the workflow has no way for fails the batch: %o',
  async more => {
    const { execution, did, calls } = await run(() => ({ ...passed, ...more }), never)
    expect(execution).toMatchObject({ status: 'FAILED', error: 'Sluice.Unroutable' })
    expect(did).toEqual(['quality', 'putEvents'])
    expect(entry(calls[1])).toMatchObject({ Detail: { stage: 'route' } })
  },
)

test('a topic or bus that refuses the rejection fails the execution, and the failure is announced', async () => {
  const { execution, did } = await run(
    () => ({ ...passed, status: 'halt' }),
    never,
    call => {
      if (what(call) === 'publish') throw named('SNS.AuthorizationErrorException')
      return { FailedEntryCount: 0 }
    },
  )
  expect(execution).toMatchObject({ status: 'FAILED', error: 'SNS.AuthorizationErrorException' })
  expect(did).toEqual(['quality', ...Array<string>(5).fill('publish'), 'putEvents'])
})

test('when not even the failure can be announced, the execution fails with the first error', async () => {
  const { execution } = await run(
    throws(named('Sluice.Terminal', 'first')),
    never,
    throws(named('EventBridge.FailedEntry')),
  )
  expect(execution).toEqual({ status: 'FAILED', error: 'Sluice.Terminal', cause: 'first' })
})

test('a long cause is cut, so that the event stays small', async () => {
  const { execution } = await run(throws(named('Sluice.Terminal', 'x'.repeat(100_000))), never)
  expect(execution).toMatchObject({ status: 'FAILED', cause: 'x'.repeat(2000) })
})
