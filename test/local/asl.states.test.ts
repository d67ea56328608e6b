// Each state type does with its input, arguments, output and variables what the Amazon States Language says.
import { expect, test } from 'vitest'
import { execute } from '#local/asl.ts'
import type { State, StateMachine } from '#workflows/states-language.ts'
import { recording } from './virtual-clock.ts'

const machine = (states: Readonly<Record<string, State>>): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: Object.keys(states)[0]!,
  States: states,
})

const options = { name: 'run', machine: 'test' }

async function outputOf(
  states: Readonly<Record<string, State>>,
  input: unknown,
  world = recording(() => null),
): Promise<unknown> {
  const execution = await execute(machine(states), input, world.runtime, options)
  if (execution.status !== 'SUCCEEDED') throw new Error(`${execution.error}: ${execution.cause}`)
  return execution.output
}

test('Pass hands its input on, or its Output', async () => {
  expect(await outputOf({ A: { Type: 'Pass', End: true } }, { x: 1 })).toEqual({ x: 1 })
  expect(
    await outputOf(
      { A: { Type: 'Pass', Output: { y: '{% $states.input.x + 1 %}', z: 'plain' }, End: true } },
      { x: 1 },
    ),
  ).toEqual({ y: 2, z: 'plain' })
})

test('variables are assigned after the state: Output still sees the old ones', async () => {
  const output = await outputOf(
    {
      A: { Type: 'Pass', Assign: { n: 1 }, Next: 'B' },
      B: { Type: 'Pass', Assign: { n: '{% $n + 1 %}' }, Output: '{% $n %}', Next: 'C' },
      C: { Type: 'Pass', Output: { before: '{% $states.input %}', after: '{% $n %}' }, End: true },
    },
    {},
  )
  expect(output).toEqual({ before: 1, after: 2 })
})

test('Task hands evaluated Arguments to the resource and its result to Output', async () => {
  const world = recording(call => ({ Payload: { got: call.arguments } }))
  const output = await outputOf(
    {
      A: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: { FunctionName: 'f', Payload: '{% $states.input.detail %}' },
        Output: '{% $states.result.Payload.got.Payload.n %}',
        End: true,
      },
    },
    { detail: { n: 7 } },
    world,
  )
  expect(output).toBe(7)
  expect(world.calls.map(call => call.resource)).toEqual(['arn:aws:states:::lambda:invoke'])
})

test('Task without Arguments hands on its input', async () => {
  const world = recording(call => call.arguments)
  expect(await outputOf({ A: { Type: 'Task', Resource: 'r', End: true } }, [1, 2], world)).toEqual([1, 2])
})

test('Choice takes the first rule that holds, and Default otherwise', async () => {
  const states: Readonly<Record<string, State>> = {
    A: {
      Type: 'Choice',
      Choices: [
        { Condition: '{% $states.input > 10 %}', Next: 'Big' },
        { Condition: '{% $states.input > 5 %}', Output: 'middle', Next: 'End' },
      ],
      Default: 'End',
    },
    Big: { Type: 'Pass', Output: 'big', End: true },
    End: { Type: 'Succeed' },
  }
  expect(await outputOf(states, 11)).toBe('big')
  expect(await outputOf(states, 6)).toBe('middle')
  expect(await outputOf(states, 1)).toBe(1)
})

test('a Choice that matches nothing and has no Default fails, and so does a condition that is not a boolean', async () => {
  const choice = (condition: string): StateMachine =>
    machine({ A: { Type: 'Choice', Choices: [{ Condition: condition, Next: 'B' }] }, B: { Type: 'Succeed' } })
  const { runtime } = recording(() => null)
  expect(await execute(choice('{% false %}'), {}, runtime, options)).toMatchObject({
    status: 'FAILED',
    error: 'States.NoChoiceMatched',
  })
  expect(await execute(choice('{% 1 %}'), {}, runtime, options)).toMatchObject({
    error: 'States.QueryEvaluationError',
  })
})

test('Wait sleeps for seconds or until a timestamp, on the clock it was given', async () => {
  const world = recording(() => null)
  const startMs = world.runtime.clock.nowMs()
  await outputOf({ A: { Type: 'Wait', Seconds: '{% $states.input.s %}', End: true } }, { s: 90 }, world)
  expect(world.runtime.clock.nowMs() - startMs).toBe(90_000)
  await outputOf({ A: { Type: 'Wait', Timestamp: '2026-01-02T00:00:00Z', End: true } }, {}, world)
  expect(world.runtime.clock.nowMs()).toBe(Date.UTC(2026, 0, 2))
})

test('Fail ends the execution with its error and cause', async () => {
  const { runtime } = recording(() => null)
  const failing = machine({ A: { Type: 'Fail', Error: '{% $states.input.e %}', Cause: 'because' } })
  expect(await execute(failing, { e: 'Mine' }, runtime, options)).toEqual({
    status: 'FAILED',
    error: 'Mine',
    cause: 'because',
  })
})

test('Parallel gives the outputs of its branches in order; their variables stay inside', async () => {
  const branch = (text: string): { readonly StartAt: string; readonly States: Readonly<Record<string, State>> } => ({
    StartAt: 'A',
    States: {
      A: { Type: 'Pass', Assign: { v: text }, Next: 'B' },
      B: { Type: 'Pass', Output: '{% $v & $states.input %}', End: true },
    },
  })
  const output = await outputOf(
    {
      Start: { Type: 'Pass', Assign: { v: 'outer' }, Next: 'P' },
      P: { Type: 'Parallel', Branches: [branch('a'), branch('b')], Next: 'After' },
      After: { Type: 'Pass', Output: { result: '{% $states.input %}', v: '{% $v %}' }, End: true },
    },
    '!',
  )
  expect(output).toEqual({ result: ['a!', 'b!'], v: 'outer' })
})

test('a failing branch fails the Parallel state and stops its neighbours', async () => {
  const world = recording(call => {
    if (call.resource === 'fails') throw new Error('no')
    return new Promise((_resolve, reject) => call.signal.addEventListener('abort', () => reject(call.signal.reason)))
  })
  const task = (resource: string): { readonly StartAt: string; readonly States: Readonly<Record<string, State>> } => ({
    StartAt: 'T',
    States: { T: { Type: 'Task', Resource: resource, End: true } },
  })
  const execution = await execute(
    machine({ P: { Type: 'Parallel', Branches: [task('hangs'), task('fails')], End: true } }),
    {},
    world.runtime,
    options,
  )
  expect(execution).toMatchObject({ status: 'FAILED', error: 'States.TaskFailed', cause: 'no' })
  expect(world.calls.find(call => call.resource === 'hangs')?.signal.aborted).toBe(true)
})

test('the context object names execution, machine, state and retry count', async () => {
  const context = (await outputOf(
    { A: { Type: 'Pass', Output: '{% $states.context %}', End: true } },
    { x: 1 },
  )) as Readonly<Record<string, unknown>>
  expect(context).toMatchObject({
    Execution: { Name: 'run', Input: { x: 1 }, StartTime: '2026-01-01T00:00:00.000Z' },
    StateMachine: { Name: 'test' },
    State: { Name: 'A', RetryCount: 0 },
  })
})

test('an endless loop of states ends as an execution does whose history is full', async () => {
  const { runtime } = recording(() => null)
  const loop = machine({ A: { Type: 'Pass', Next: 'A' } })
  expect(await execute(loop, {}, runtime, options)).toMatchObject({ status: 'FAILED', error: 'States.Runtime' })
})
