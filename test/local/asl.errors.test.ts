// Retry, Catch and timeouts: who catches what, how long it waits, and what a caught error leaves behind.
import { expect, test } from 'vitest'
import { execute } from '#local/asl.ts'
import type { Catcher, Retrier, StateMachine, TaskState } from '#workflows/states-language.ts'
import { named, recording } from './virtual-clock.ts'

const options = { name: 'run', machine: 'test' }

const task = (more: Partial<TaskState>): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: 'T',
  States: {
    T: { Type: 'Task', Resource: 'r', End: true, ...more },
    Caught: { Type: 'Pass', Output: { caught: '{% $states.input %}' }, End: true },
  },
})

const catching = (errorEquals: string): Catcher => ({ ErrorEquals: [errorEquals], Next: 'Caught' })

/** Fails with the given errors in turn, then answers `done`. */
function failing(...errors: readonly Error[]): ReturnType<typeof recording> {
  const left = [...errors]
  return recording(() => {
    const error = left.shift()
    if (error) throw error
    return 'done'
  })
}

const delays = (world: ReturnType<typeof recording>): readonly unknown[] =>
  world.events.filter(event => event.type === 'StateRetryScheduled').map(event => event.delayMs)

test('without MaxAttempts there are three retries, 1 s, 2 s and 4 s apart', async () => {
  const world = failing(named('A'), named('A'), named('A'))
  const execution = await execute(task({ Retry: [{ ErrorEquals: ['A'] }] }), {}, world.runtime, options)
  expect(execution).toEqual({ status: 'SUCCEEDED', output: 'done' })
  expect(delays(world)).toEqual([1000, 2000, 4000])
})

test('MaxDelaySeconds bounds the delay before jitter halves it', async () => {
  const world = failing(named('A'), named('A'), named('A'))
  const retry: Retrier = {
    ErrorEquals: ['A'],
    IntervalSeconds: 10,
    BackoffRate: 3,
    MaxDelaySeconds: 60,
    JitterStrategy: 'FULL',
  }
  await execute(task({ Retry: [retry] }), {}, world.runtime, options)
  expect(delays(world)).toEqual([5000, 15_000, 30_000])
})

test('each retrier counts its own attempts', async () => {
  const world = failing(named('A'), named('B'), named('A'), named('B'))
  const retry = (error: string): Retrier => ({
    ErrorEquals: [error],
    MaxAttempts: 2,
    IntervalSeconds: 1,
    BackoffRate: 1,
  })
  const execution = await execute(task({ Retry: [retry('A'), retry('B')] }), {}, world.runtime, options)
  expect(execution.status).toBe('SUCCEEDED')
  expect(world.calls).toHaveLength(5)
})

test('MaxAttempts 0 forbids what a later retrier would allow', async () => {
  const world = failing(named('Terminal'))
  const machine = task({
    Retry: [{ ErrorEquals: ['Terminal'], MaxAttempts: 0 }, { ErrorEquals: ['States.ALL'] }],
    Catch: [catching('Terminal')],
  })
  const execution = await execute(machine, {}, world.runtime, options)
  expect(world.calls).toHaveLength(1)
  expect(execution).toEqual({ status: 'SUCCEEDED', output: { caught: { Error: 'Terminal', Cause: '' } } })
})

test('when the retries are used up, the error goes to Catch with its own Output and Assign', async () => {
  const world = failing(named('A', 'first'), named('A', 'second'))
  const machine: StateMachine = {
    QueryLanguage: 'JSONata',
    StartAt: 'T',
    States: {
      T: {
        Type: 'Task',
        Resource: 'r',
        Retry: [{ ErrorEquals: ['A'], MaxAttempts: 1 }],
        Catch: [
          {
            ErrorEquals: ['A'],
            Assign: { cause: '{% $states.errorOutput.Cause %}' },
            Output: '{% $states.errorOutput.Error %}',
            Next: 'After',
          },
        ],
        End: true,
      },
      After: { Type: 'Pass', Output: ['{% $states.input %}', '{% $cause %}'], End: true },
    },
  }
  expect(await execute(machine, {}, world.runtime, options)).toEqual({ status: 'SUCCEEDED', output: ['A', 'second'] })
})

test.each([
  ['States.ALL', 'Mine', true],
  ['States.ALL', 'States.Timeout', true],
  ['States.ALL', 'States.DataLimitExceeded', false],
  ['States.ALL', 'States.Runtime', false],
  ['States.TaskFailed', 'Mine', true],
  ['States.TaskFailed', 'States.Timeout', false],
  ['Mine', 'Yours', false],
])('a catcher of %s and the error %s: %s', async (catcher, error, caught) => {
  const world = failing(named(error))
  const execution = await execute(task({ Catch: [catching(catcher)] }), {}, world.runtime, options)
  expect(execution.status).toBe(caught ? 'SUCCEEDED' : 'FAILED')
})

test('a task that hangs fails with States.Timeout, is told so, and may be retried', async () => {
  let attempts = 0
  const world = recording(() => (++attempts === 1 ? new Promise(() => undefined) : 'late'))
  const startMs = world.runtime.clock.nowMs()
  const machine = task({ TimeoutSeconds: 30, Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 5 }] })
  expect(await execute(machine, {}, world.runtime, options)).toEqual({ status: 'SUCCEEDED', output: 'late' })
  expect(world.runtime.clock.nowMs() - startMs).toBe(35_000)
  expect(world.calls.map(call => call.signal.aborted)).toEqual([true, true])
})

test('an execution that outlasts its own timeout is timed out, and no Catch stops that', async () => {
  const world = recording(() => new Promise(() => undefined))
  const machine = { ...task({ Catch: [catching('States.ALL')] }), TimeoutSeconds: 60 }
  expect(await execute(machine, {}, world.runtime, options)).toMatchObject({ status: 'TIMED_OUT' })
  expect(world.events.at(-1)?.type).toBe('ExecutionTimedOut')
})

test('a result of more than 256 KiB fails the execution, whatever is caught', async () => {
  const world = recording(() => 'x'.repeat(300_000))
  const execution = await execute(task({ Catch: [catching('States.ALL')] }), {}, world.runtime, options)
  expect(execution).toMatchObject({ status: 'FAILED', error: 'States.DataLimitExceeded' })
})

test('an expression that fails inside a task is caught like any other error', async () => {
  const world = recording(() => ({}))
  const machine = task({ Output: '{% $states.result.missing %}', Catch: [catching('States.QueryEvaluationError')] })
  expect(await execute(machine, {}, world.runtime, options)).toMatchObject({
    status: 'SUCCEEDED',
    output: { caught: { Error: 'States.QueryEvaluationError' } },
  })
})
