// Contract: starting a workflow is idempotent by its name, which is made fit for Step Functions without two names becoming one.
import { SFNClient } from '@aws-sdk/client-sfn'
import { afterEach, expect, test } from 'vitest'
import { executionName, stepFunctions } from '#lake/aws/step-functions.ts'
import { kindOf } from '../../contracts/storage.contract.ts'
import {
  credentials,
  inputOf,
  json,
  jsonFailure,
  type Reply,
  type ScriptedServer,
  scriptedServer,
} from './scripted-server.ts'

let server: ScriptedServer
afterEach(() => server?.close())

const ARN = 'arn:aws:states:eu-central-1:1:stateMachine:refine'
async function start(reply: Reply, machine = 'refine'): Promise<void> {
  server = await scriptedServer(() => reply)
  const client = new SFNClient({ endpoint: server.endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 })
  const workflows = stepFunctions({ client, machines: { refine: ARN } })
  await workflows.start(machine, { name: 'batch-1-0', input: { batch: 1 } })
}

test('sends machine, name and input', async () => {
  await start(json({ executionArn: 'x', startDate: 1 }))
  expect(inputOf(server.requests[0])).toEqual({ stateMachineArn: ARN, name: 'batch-1-0', input: '{"batch":1}' })
})

test('a name that exists is a success, other refusals have their kinds', async () => {
  expect(await kindOf(start(jsonFailure(400, 'ExecutionAlreadyExists')))).toBeUndefined()
  expect(await kindOf(start(jsonFailure(400, 'ExecutionLimitExceeded')))).toBe('throttled')
  expect(await kindOf(start(jsonFailure(400, 'StateMachineDoesNotExist')))).toBe('usage')
  expect(await kindOf(start(jsonFailure(400, 'AccessDeniedException')))).toBe('access-denied')
  expect(await kindOf(start(jsonFailure(500, 'InternalFailure')))).toBe('unavailable')
})

test('a machine without an ARN is a mistake of the deployment', async () => {
  expect(await kindOf(start(json({}), 'unknown'))).toBe('usage')
})

test('names that do not fit keep their beginning and get a hash', () => {
  expect(executionName('01JQ-batch_7-0')).toBe('01JQ-batch_7-0')
  for (const name of ['a/b', 'a:b', 'a b', 'ü', 'x'.repeat(81), `${'x'.repeat(81)}y`]) {
    expect(executionName(name)).toMatch(/^[A-Za-z0-9_-]{1,80}$/)
    expect(executionName(name)).not.toBe(executionName(`${name} `))
  }
  expect(executionName('a/b')).not.toBe(executionName('a:b'))
})
