// A merge that outgrows its function goes back and forth between it and Athena, until the function answers with its report; a statement that lost a
// race is sent again under another token, one that was not taken under the same, and whatever else fails ends in "Batch Failed".
import { expect, test } from 'vitest'
import type { TaskCall } from '#local/asl/runtime.ts'
import { execute } from '#local/asl.ts'
import { refine } from '#workflows/refine.ts'
import { named, recording } from '../local/virtual-clock.ts'

const targets = {
  ...{ quality: 'quality', cdcApply: 'cdc-apply', publish: 'publish', rejectedTopic: 'topic', bus: 'sluice' },
  staging: 's3://staging',
  athena: { database: 'lake', workGroup: 'merge', output: 's3://ops/athena/' },
}
const event = { detail: { dataset: 'people', batch: 'b1' } }

interface Arguments {
  readonly FunctionName?: string
  readonly Payload?: unknown
  readonly QueryString?: string
  readonly ClientRequestToken?: string
}
const argumentsOf = ({ arguments: given }: TaskCall): Arguments => given as Arguments
const nameOf = (call: TaskCall): string => argumentsOf(call).FunctionName ?? call.resource.split(':').at(-1) ?? ''

const step = (run: string, kind: string) => ({
  ...{ dataset: 'people', batch: 'b1', step: { run, round: 1 }, statement: `${kind} ${run}` },
  statementId: `${run}-${kind}`,
})
const report = { dataset: 'people', batch: 'b1', counts: { received: 3, applied: 3 } }

/** Answers of the function one after the other, and of Athena by the number of the call. */
async function run(answers: readonly unknown[], athena: (call: number) => unknown = () => ({})) {
  let applied = 0
  let statements = 0
  const world = recording(call => {
    if (nameOf(call) === 'quality') return { Payload: { status: 'pass', mode: 'merge' } }
    if (nameOf(call) === 'cdc-apply') return { Payload: answers[applied++] }
    if (nameOf(call) === 'publish') return { Payload: { rows: 3 } }
    return call.resource.includes('athena') ? athena(statements++) : { FailedEntryCount: 0 }
  })
  const execution = await execute(refine(targets), event, world.runtime, { name: 'x', machine: 'refine' })
  return { execution, calls: world.calls, did: world.calls.map(nameOf) }
}

const handedOver = [step('r1', 'locate'), step('r1', 'merge'), step('r2', 'locate'), report]
const throws = (error: Error) => {
  throw error
}

test('each statement is run, and the function goes on from its step', async () => {
  const { execution, calls, did } = await run(handedOver)
  expect(execution).toEqual({ status: 'SUCCEEDED', output: { rows: 3 } })
  const both = ['startQueryExecution.sync', 'cdc-apply']
  expect(did).toEqual(['quality', 'cdc-apply', ...both, ...both, ...both, 'publish'])
  expect(calls.filter(call => nameOf(call) === 'cdc-apply').map(call => argumentsOf(call).Payload)).toEqual([
    { dataset: 'people', batch: 'b1' },
    ...['r1', 'r1', 'r2'].map(name => ({ dataset: 'people', batch: 'b1', step: { run: name, round: 1 } })),
  ])
  expect(calls[2]?.arguments).toEqual({
    QueryString: 'locate r1',
    ClientRequestToken: expect.stringMatching(/^r1-locate-\d{4}-/),
    QueryExecutionContext: { Catalog: 'AwsDataCatalog', Database: 'lake' },
    WorkGroup: 'merge',
    ResultConfiguration: { OutputLocation: 's3://ops/athena/' },
  })
})

test('a report at once needs no Athena', async () => {
  const { did } = await run([report])
  expect(did).toEqual(['quality', 'cdc-apply', 'publish'])
})

test('a statement that lost a race is sent again, under a token of its own', async () => {
  const { execution, calls } = await run(handedOver, call =>
    call < 2 ? throws(named('States.TaskFailed', '{"AthenaError":"ICEBERG_COMMIT_ERROR: Failed to commit"}')) : {},
  )
  expect(execution.status).toBe('SUCCEEDED')
  const sent = calls.filter(call => call.resource.includes('athena')).map(argumentsOf)
  expect(sent.map(each => each.QueryString)).toEqual(['locate r1', 'locate r1', 'locate r1', 'merge r1', 'locate r2'])
})

test('one that was not taken is sent again under the same token', async () => {
  const { execution, calls } = await run(handedOver, call =>
    call < 3 ? throws(named('Athena.TooManyRequestsException')) : {},
  )
  expect(execution.status).toBe('SUCCEEDED')
  const tokens = calls
    .filter(call => call.resource.includes('athena'))
    .map(call => argumentsOf(call).ClientRequestToken)
  expect(new Set(tokens.slice(0, 4)).size).toBe(1)
  expect(new Set(tokens).size).toBe(3)
})

test('one that loses every race, or fails for another reason, fails the batch', async () => {
  const conflict = named('States.TaskFailed', 'ICEBERG_COMMIT_ERROR')
  const lost = await run(handedOver, () => throws(conflict))
  expect(lost.did.filter(name => name.startsWith('start'))).toHaveLength(8)
  expect(lost.execution).toEqual({ status: 'FAILED', error: 'States.TaskFailed', cause: 'ICEBERG_COMMIT_ERROR' })
  const wrong = await run(handedOver, () => throws(named('States.TaskFailed', 'EXCEEDED_LOCAL_MEMORY_LIMIT')))
  expect(wrong.did).toEqual(['quality', 'cdc-apply', 'startQueryExecution.sync', 'putEvents'])
  expect(wrong.execution).toMatchObject({ status: 'FAILED', cause: 'EXCEEDED_LOCAL_MEMORY_LIMIT' })
  expect(wrong.calls.at(-1)).toMatchObject({
    arguments: { Entries: [{ DetailType: 'Batch Failed', Detail: { stage: 'cdc-apply', batch: 'b1' } }] },
  })
})
