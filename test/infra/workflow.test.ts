// The deployed state machine is the one in workflows/refine.ts with ARNs of this stage filled in, which the local mode
// runs too, and its role may do exactly what the definition asks for.
import { createRequire } from 'node:module'
import { expect, inject, test } from 'vitest'
import { refine, TASK_TIMEOUT_SECONDS } from '../../workflows/refine.ts'
import { FUNCTION, list, MACHINE, one, ROLE, roleStatements, TOPIC } from './checks/check.ts'

const { test: graph } = inject('graphs')
// The package is CommonJS without types; this is the part of its answer that is used.
const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean
  readonly errors: readonly unknown[]
}

const machine = one(graph, MACHINE, 'Refine').inputs
const definition = JSON.parse(machine.definition)
const bus = one(graph, 'aws:cloudwatch/eventBus:EventBus', 'BusBus')
const targets = {
  quality: one(graph, FUNCTION, 'QualityFunction').arn!,
  publish: one(graph, FUNCTION, 'PublishFunction').arn!,
  rejectedTopic: one(graph, TOPIC, 'RejectedBatchesTopic').arn!,
  bus: bus.id,
  staging: `s3://${one(graph, 'aws:s3/bucket:Bucket', 'StagingBucket').id}`,
}

test('the definition is the one in workflows/, for the resources of this stage', () => {
  expect(definition).toEqual(JSON.parse(JSON.stringify(refine(targets))))
  expect(machine.type).toBe('STANDARD')
})

test('the deployed definition is valid Amazon States Language', () => {
  expect(validate(definition)).toMatchObject({ isValid: true, errors: [] })
  expect(validate({ ...definition, StartAt: 'Nowhere' }).isValid).toBe(false)
})

test('a task waits longer than its function may run', () => {
  for (const name of ['QualityFunction', 'PublishFunction'])
    expect(TASK_TIMEOUT_SECONDS).toBeGreaterThan(one(graph, FUNCTION, name).inputs.timeout)
})

interface Task {
  readonly Type: string
  readonly Resource?: string
  readonly TimeoutSeconds?: number
  readonly Retry?: readonly { readonly ErrorEquals: readonly string[]; readonly JitterStrategy?: string }[]
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[] }[]
}

const tasks = Object.entries<Task>(definition.States).filter(([, state]) => state.Type === 'Task')

test('every task has a timeout, retries with jitter and an end for what they do not heal', () => {
  expect(tasks.map(([name]) => name).sort()).toEqual(
    ['Announce Failure', 'Announce Rejection', 'Notify', 'Publish', 'Quality'].sort(),
  )
  for (const [name, task] of tasks) {
    expect(task.TimeoutSeconds, name).toBeGreaterThan(0)
    expect(
      task.Retry?.some(retrier => retrier.JitterStrategy === 'FULL'),
      name,
    ).toBe(true)
    expect(
      task.Catch?.some(catcher => catcher.ErrorEquals.includes('States.ALL')),
      name,
    ).toBe(true)
  }
})

test('calls of Lambda are retried for every error of the service', () => {
  const invokes = tasks.filter(([, task]) => task.Resource === 'arn:aws:states:::lambda:invoke')
  expect(invokes).toHaveLength(2)
  for (const [name, task] of invokes)
    expect(
      task.Retry?.flatMap(retrier => retrier.ErrorEquals),
      name,
    ).toEqual(
      expect.arrayContaining([
        'Lambda.ServiceException',
        'Lambda.AWSLambdaException',
        'Lambda.SdkClientException',
        'Lambda.TooManyRequestsException',
      ]),
    )
})

test('its role may call what the definition calls, and nothing more', () => {
  const allowed = (action: string): readonly string[] =>
    roleStatements(one(graph, ROLE, 'RefineRole'))
      .filter(statement => list(statement.Action).includes(action))
      .flatMap(statement => list(statement.Resource))
  expect(allowed('lambda:InvokeFunction').toSorted()).toEqual([targets.publish, targets.quality].toSorted())
  expect(allowed('sns:Publish')).toEqual([targets.rejectedTopic])
  expect(allowed('events:PutEvents')).toEqual([bus.arn])
  const services = roleStatements(one(graph, ROLE, 'RefineRole')).flatMap(statement => list(statement.Action))
  expect([...new Set(services.map(action => action.split(':')[0]))].sort()).toEqual([
    'events',
    'kms',
    'lambda',
    'logs',
    'sns',
    'xray',
  ])
})
