import type { Branch, Catcher, Retrier, State, StateMachine } from '#workflows/states-language.ts'
import { AslError, aslError, caughtBy, checkSize } from './asl/errors.ts'
import { evaluate } from './asl/query.ts'
import type { AslEvent, AslRuntime, Context, Outcome, Run, Scope, Variables } from './asl/runtime.ts'
import { assign, runState, withTimeout } from './asl/states.ts'

export interface ExecutionOptions {
  readonly name: string
  /** Name of the state machine. */
  readonly machine: string
}

export type Execution =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED' | 'TIMED_OUT'; readonly error: string; readonly cause: string }

/**
 * Runs a deployed definition in this process, by https://states-language.net/spec.html and the Step Functions developer
 * guide: Task, Choice, Map (inline and distributed), Parallel, Wait, Pass, Succeed and Fail in the JSONata dialect. Never
 * rejects: an execution ends in a status. Not here: `.sync`, `.waitForTaskToken`, heartbeats, activities and JSONPath.
 */
export async function execute(
  machine: StateMachine,
  input: unknown,
  runtime: AslRuntime,
  options: ExecutionOptions,
): Promise<Execution> {
  const run = newRun(input, runtime, options)
  run.emit({ type: 'ExecutionStarted', input })
  const execution = await withTimeout(machine.TimeoutSeconds, run, signal =>
    settle(machine, input, { ...run, signal }),
  ).catch((thrown): Execution => ({ status: 'TIMED_OUT', ...failureOf(thrown) }))
  run.emit(closing(execution))
  return execution
}

/** Only the execution's own timeout passes by here; a task that timed out fails the execution like any other error. */
async function settle(machine: StateMachine, input: unknown, run: Run): Promise<Execution> {
  try {
    checkSize(input, 'the input of the execution')
    return { status: 'SUCCEEDED', output: await runBranch(machine, input, {}, run) }
  } catch (thrown) {
    return { status: 'FAILED', ...failureOf(thrown) }
  }
}

function failureOf(thrown: unknown): { readonly error: string; readonly cause: string } {
  const { error, message: cause } = aslError(thrown)
  return { error, cause }
}

function closing(execution: Execution): Omit<AslEvent, 'timeMs' | 'execution'> {
  if (execution.status === 'SUCCEEDED') return { type: 'ExecutionSucceeded', output: execution.output }
  const { status, error, cause } = execution
  return { type: status === 'FAILED' ? 'ExecutionFailed' : 'ExecutionTimedOut', error, cause }
}

function newRun(input: unknown, runtime: AslRuntime, options: ExecutionOptions): Run {
  const id = `arn:aws:states:local:000000000000:execution:${options.machine}:${options.name}`
  return {
    runtime,
    runBranch,
    signal: new AbortController().signal,
    context: {
      Execution: {
        Id: id,
        Name: options.name,
        Input: input,
        StartTime: timestamp(runtime),
        RoleArn: 'arn:aws:iam::000000000000:role/local',
      },
      StateMachine: {
        Id: `arn:aws:states:local:000000000000:stateMachine:${options.machine}`,
        Name: options.machine,
      },
    },
    emit: event => runtime.onEvent?.({ ...event, timeMs: runtime.clock.nowMs(), execution: id }),
  }
}

const timestamp = (runtime: AslRuntime): string => new Date(runtime.clock.nowMs()).toISOString()

/** AWS ends an execution whose history has 25,000 events; an endless loop of states ends here after fewer. */
const TRANSITIONS_MAX = 10_000

/** A state machine, a branch or one iteration: variables assigned inside are not seen outside. */
async function runBranch(branch: Branch, input: unknown, outer: Variables, run: Run): Promise<unknown> {
  let variables = outer
  let value = input
  let name = branch.StartAt
  for (let transitions = 0; transitions < TRANSITIONS_MAX; transitions += 1) {
    const state = branch.States[name]
    if (!state) throw new AslError('States.Runtime', `there is no state ${name}`)
    run.signal.throwIfAborted()
    run.emit({ type: 'StateEntered', state: name, input: value })
    const outcome = await runGuarded(name, state, { input: value, variables, run })
    checkSize(outcome.output, `the output of ${name}`)
    run.emit({ type: 'StateExited', state: name, output: outcome.output })
    variables = { ...variables, ...outcome.assigned }
    value = outcome.output
    if (outcome.next === undefined) return value
    name = outcome.next
  }
  throw new AslError('States.Runtime', `more than ${TRANSITIONS_MAX} transitions`)
}

interface Entry {
  readonly input: unknown
  readonly variables: Variables
  readonly run: Run
}

/** A state with its Retry and Catch. Each retrier counts its own attempts; when the one that matches is used up, Catch decides. */
async function runGuarded(name: string, state: State, { input, variables, run }: Entry): Promise<Outcome> {
  const retriers = 'Retry' in state ? (state.Retry ?? []) : []
  const attempts = new Map<Retrier, number>()
  const entered = timestamp(run.runtime)
  for (let retries = 0; ; retries += 1) {
    const context: Context = {
      ...run.context,
      State: { Name: name, EnteredTime: entered, RetryCount: retries },
    }
    const scope: Scope = { variables, states: { input, context } }
    try {
      return await runState(state, scope, run)
    } catch (thrown) {
      if (run.signal.aborted) throw thrown
      const error = aslError(thrown)
      const retrier = retriers.find(each => caughtBy(each.ErrorEquals, error.error))
      const made = retrier ? (attempts.get(retrier) ?? 0) : 0
      if (!retrier || made >= (retrier.MaxAttempts ?? 3)) return recover(name, { state, error, scope, run })
      attempts.set(retrier, made + 1)
      const delayMs = retryDelayMs(retrier, made, run.runtime)
      run.emit({ type: 'StateRetryScheduled', state: name, error: error.error, cause: error.message, delayMs })
      await run.runtime.clock.sleep(delayMs, run.signal)
    }
  }
}

function retryDelayMs(retrier: Retrier, made: number, runtime: AslRuntime): number {
  const grown = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** made
  const seconds = Math.min(grown, retrier.MaxDelaySeconds ?? Infinity)
  return seconds * 1000 * (retrier.JitterStrategy === 'FULL' ? runtime.ids.random() : 1)
}

interface Failure {
  readonly state: State
  readonly error: AslError
  readonly scope: Scope
  readonly run: Run
}

async function recover(name: string, { state, error, scope, run }: Failure): Promise<Outcome> {
  const catchers: readonly Catcher[] = 'Catch' in state ? (state.Catch ?? []) : []
  const catcher = catchers.find(each => caughtBy(each.ErrorEquals, error.error))
  if (!catcher) throw error
  run.emit({ type: 'StateCaught', state: name, error: error.error, cause: error.message })
  const errorOutput = { Error: error.error, Cause: error.message }
  const caught: Scope = { ...scope, states: { ...scope.states, errorOutput } }
  return {
    output: catcher.Output === undefined ? errorOutput : await evaluate(catcher.Output, caught, run.runtime),
    assigned: await assign(catcher.Assign, caught, run),
    next: catcher.Next,
  }
}

export type { AslEvent, AslRuntime }
