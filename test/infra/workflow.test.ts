// The deployed state machines are those in workflows/ with ARNs of this stage filled in, which the local mode runs too, and
// the role of each may do exactly what its definition asks for.
import { createRequire } from 'node:module'
import { describe, expect, inject, test } from 'vitest'
import { compact } from '../../workflows/compact.ts'
import { maintain } from '../../workflows/maintain.ts'
import { refine } from '../../workflows/refine.ts'
import { replay } from '../../workflows/replay.ts'
import { TASK_TIMEOUT_SECONDS } from '../../workflows/tasks.ts'
import { FUNCTION, list, MACHINE, ofType, one, ROLE, roleStatements, TOPIC } from './checks/check.ts'

const { test: graph } = inject('graphs')
// The package is CommonJS without types; this is the part of its answer that is used.
const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean
  readonly errors: readonly unknown[]
}

const fn = (name: string): string => one(graph, FUNCTION, `${name}Function`).arn!
const bucket = (zone: string): string => one(graph, 'aws:s3/bucket:Bucket', `${zone}Bucket`).id
const bus = one(graph, 'aws:cloudwatch/eventBus:EventBus', 'BusBus')
const workGroup = (id: string) => one(graph, 'aws:athena/workgroup:Workgroup', id)
const topic = one(graph, TOPIC, 'RejectedBatchesTopic').arn!
const database = one(graph, 'aws:glue/catalogDatabase:CatalogDatabase', 'Database').inputs.name

const output = `s3://${bucket('Ops')}/athena/`
const athena = { workGroup: workGroup('Compaction').inputs.name, output }
const merge = { database, workGroup: workGroup('Merge').inputs.name, output }
const staging = `s3://${bucket('Staging')}`

const MACHINES = [
  {
    name: 'Refine',
    expected: refine({
      quality: fn('Quality'),
      cdcApply: fn('CdcApply'),
      publish: fn('Publish'),
      rejectedTopic: topic,
      bus: bus.id,
      staging,
      athena: merge,
    }),
    functions: [fn('CdcApply'), fn('Publish'), fn('Quality')],
    services: ['athena', 'events', 'glue', 'kms', 'lambda', 'logs', 's3', 'sns', 'xray'],
    tasks: [
      'Announce Failure',
      'Announce Rejection',
      'Apply Changes',
      'Go On',
      'Notify',
      'Publish',
      'Quality',
      'Record',
      'Run Statement',
    ],
  },
  {
    name: 'CompactMachine',
    expected: compact({ compact: fn('Compact'), bus: bus.id, database, athena, groupsAtOnce: 5, windowMinutes: 15 }),
    functions: [fn('Compact')],
    services: ['athena', 'events', 'glue', 'kms', 'lambda', 'logs', 's3', 'xray'],
    tasks: ['Announce Failure', 'Commit', 'Optimize', 'Plan', 'Rewrite'],
  },
  {
    name: 'ReplayMachine',
    expected: replay({
      ...{ replay: fn('Replay'), quality: fn('Quality'), cdcApply: fn('CdcApply'), publish: fn('Publish') },
      ...{ bus: bus.id, staging, opsBucket: bucket('Ops'), batchesAtOnce: 10, athena: merge },
    }),
    functions: [fn('CdcApply'), fn('Publish'), fn('Quality'), fn('Replay')],
    services: ['athena', 'events', 'glue', 'kms', 'lambda', 'logs', 's3', 'states', 'xray'],
    tasks: [
      'Admit',
      'Announce Failure',
      'Announce Rejection',
      'Announce Replay Failure',
      'Apply Changes',
      'Begin',
      'Finish',
      'Go On',
      'Publish',
      'Quality',
      'Record',
      'Run Statement',
      'Settle',
      'Settle Failure',
    ],
  },
  {
    name: 'MaintainMachine',
    expected: maintain({ maintain: fn('Maintain'), sweep: fn('Sweep'), bus: bus.id, tablesAtOnce: 4 }),
    functions: [fn('Maintain'), fn('Sweep')],
    services: ['events', 'lambda', 'logs', 'xray'],
    tasks: ['Announce Failure', 'Expire Snapshots', 'Rewrite Manifests', 'Sweep'],
  },
] as const

interface State {
  readonly Type: string
  readonly Resource?: string
  readonly TimeoutSeconds?: number
  readonly Retry?: readonly { readonly ErrorEquals: readonly string[]; readonly JitterStrategy?: string }[]
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[] }[]
  readonly ItemProcessor?: { readonly States: Readonly<Record<string, State>> }
}

/** Tasks of a definition, those inside its maps too. */
function tasksOf(states: Readonly<Record<string, State>>): readonly (readonly [string, State])[] {
  return Object.entries(states).flatMap(([name, state]) => [
    ...(state.Type === 'Task' ? [[name, state] as const] : []),
    ...tasksOf(state.ItemProcessor?.States ?? {}),
  ])
}

const WORK_GROUPS: Readonly<Record<string, readonly (string | undefined)[]>> = {
  CompactMachine: [workGroup('Compaction').arn],
  Refine: [workGroup('Merge').arn],
  ReplayMachine: [workGroup('Merge').arn],
}

test('every machine is known here', () => {
  expect(ofType(graph, MACHINE).map(each => each.name)).toEqual(MACHINES.map(each => each.name).toSorted())
})

describe.each(MACHINES)('$name', ({ name, expected, functions, services, tasks: names }) => {
  const machine = one(graph, MACHINE, name).inputs
  const definition = JSON.parse(machine.definition)
  const tasks = tasksOf(definition.States)
  const role = one(graph, ROLE, `${name}Role`)

  test('is the one in workflows/, for the resources of this stage', () => {
    expect(definition).toEqual(JSON.parse(JSON.stringify(expected)))
    expect(machine.type).toBe('STANDARD')
  })

  test('is valid Amazon States Language', () => {
    expect(validate(definition)).toMatchObject({ isValid: true, errors: [] })
    expect(validate({ ...definition, StartAt: 'Nowhere' }).isValid).toBe(false)
  })

  test('waits for a function longer than it may run', () => {
    for (const arn of functions)
      expect(TASK_TIMEOUT_SECONDS).toBeGreaterThan(
        ofType(graph, FUNCTION).find(each => each.arn === arn)!.inputs.timeout,
      )
  })

  test('gives every task a timeout, retries with jitter and an end for what they do not heal', () => {
    expect(tasks.map(([task]) => task).toSorted()).toEqual(names)
    for (const [task, state] of tasks) {
      expect(state.TimeoutSeconds, task).toBeGreaterThan(0)
      expect(
        state.Retry?.some(retrier => retrier.JitterStrategy === 'FULL'),
        task,
      ).toBe(true)
      expect(
        state.Catch?.some(catcher => catcher.ErrorEquals.includes('States.ALL')),
        task,
      ).toBe(true)
    }
  })

  test('calls functions again after every error of the service', () => {
    const invokes = tasks.filter(([, state]) => state.Resource === 'arn:aws:states:::lambda:invoke')
    expect(invokes.length).toBeGreaterThan(1)
    for (const [task, state] of invokes)
      expect(
        state.Retry?.flatMap(retrier => retrier.ErrorEquals),
        task,
      ).toEqual(
        expect.arrayContaining([
          'Lambda.ServiceException',
          'Lambda.AWSLambdaException',
          'Lambda.SdkClientException',
          'Lambda.TooManyRequestsException',
        ]),
      )
  })

  test('may call what it calls, and nothing more', () => {
    const allowed = (action: string): readonly string[] =>
      roleStatements(role)
        .filter(statement => list(statement.Action).includes(action))
        .flatMap(statement => list(statement.Resource))
    expect(allowed('lambda:InvokeFunction').toSorted()).toEqual([...functions].toSorted())
    expect(allowed('events:PutEvents')).toEqual([bus.arn])
    expect(allowed('sns:Publish')).toEqual(name === 'Refine' ? [topic] : [])
    expect(allowed('athena:StartQueryExecution')).toEqual(WORK_GROUPS[name] ?? [])
    const actions = roleStatements(role).flatMap(statement => list(statement.Action))
    expect([...new Set(actions.map(action => action.split(':')[0]))].toSorted()).toEqual(services)
  })
})

test.each([
  ['CompactMachine', []],
  ['Refine', []],
  ['ReplayMachine', ['replays/*']],
])('Athena reads and writes tables, and of ops its own output alone: %s', (name, others) => {
  const reach = (action: string): readonly string[] =>
    roleStatements(one(graph, ROLE, `${name}Role`))
      .filter(statement => list(statement.Action).includes(action))
      .flatMap(statement => list(statement.Resource))
  for (const action of ['s3:GetObject', 's3:PutObject'])
    expect(reach(action).toSorted(), action).toEqual(
      [
        ...['athena/*', ...others].map(keys => `arn:aws:s3:::${bucket('Ops')}/${keys}`),
        `arn:aws:s3:::${bucket('Tables')}/*`,
      ].toSorted(),
    )
})
