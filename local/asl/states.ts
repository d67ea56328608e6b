import type {
  Assignments,
  ChoiceState,
  ParallelState,
  State,
  TaskState,
  Template,
  WaitState,
} from '#workflows/states-language.ts'
import { AslError, checkSize } from './errors.ts'
import { runMap } from './map.ts'
import { evaluate, evaluateNumber, evaluateString } from './query.ts'
import type { Outcome, Run, Scope, Variables } from './runtime.ts'

/** Runs a state once, without its Retry and Catch. */
export async function runState(state: State, scope: Scope, run: Run): Promise<Outcome> {
  switch (state.Type) {
    case 'Pass':
      return leave(state, scope, run)
    case 'Succeed':
      return leave({ ...state, End: true }, scope, run)
    case 'Fail':
      throw new AslError(
        state.Error === undefined ? 'States.Failed' : await evaluateString(state.Error, scope, run.runtime),
        state.Cause === undefined ? '' : await evaluateString(state.Cause, scope, run.runtime),
      )
    case 'Wait':
      await run.runtime.clock.sleep(Math.max(0, await waitMs(state, scope, run)), run.signal)
      return leave(state, scope, run)
    case 'Choice':
      return choose(state, scope, run)
    case 'Task':
      return leave(state, withResult(scope, await runTask(state, scope, run)), run)
    case 'Parallel':
      return leave(state, withResult(scope, await runParallel(state, scope, run)), run)
    case 'Map':
      return leave(state, withResult(scope, await runMap(state, scope, run)), run)
    default:
      return unknownState(state)
  }
}

interface Leaving {
  readonly Output?: Template
  readonly Assign?: Assignments
  readonly Next?: string
  readonly End?: true
}

/** Output and Assign see the variables as they were before the state: both are evaluated before either takes effect. */
async function leave(state: Leaving, scope: Scope, run: Run): Promise<Outcome> {
  const passed = 'result' in scope.states ? scope.states.result : scope.states.input
  return {
    output: state.Output === undefined ? passed : await evaluate(state.Output, scope, run.runtime),
    assigned: await assign(state.Assign, scope, run),
    next: state.End ? undefined : state.Next,
  }
}

export async function assign(assignments: Assignments | undefined, scope: Scope, run: Run): Promise<Variables> {
  const values = await evaluate(assignments ?? {}, scope, run.runtime)
  checkSize(values, 'Assign')
  return values as Variables // The template is an object, so its value is one.
}

const withResult = (scope: Scope, result: unknown): Scope => ({ ...scope, states: { ...scope.states, result } })

/** A matching rule's own Assign is used; the state's is for `Default` alone. The state's Output serves rules without one. */
async function choose(state: ChoiceState, scope: Scope, run: Run): Promise<Outcome> {
  for (const rule of state.Choices) {
    const holds = await evaluate(rule.Condition, scope, run.runtime)
    if (typeof holds !== 'boolean')
      throw new AslError('States.QueryEvaluationError', `${rule.Condition} is not a boolean`)
    if (holds) return leave({ ...(state.Output === undefined ? {} : { Output: state.Output }), ...rule }, scope, run)
  }
  if (state.Default === undefined)
    throw new AslError('States.NoChoiceMatched', 'no rule matched and there is no Default')
  return leave({ ...state, Next: state.Default }, scope, run)
}

async function waitMs(state: WaitState, scope: Scope, run: Run): Promise<number> {
  if ('Seconds' in state) return (await evaluateNumber(state.Seconds, scope, run.runtime)) * 1000
  const timestamp = await evaluateString(state.Timestamp, scope, run.runtime)
  const untilMs = Date.parse(timestamp)
  if (Number.isNaN(untilMs)) throw new AslError('States.Runtime', `${timestamp} is not a timestamp`)
  return untilMs - run.runtime.clock.nowMs()
}

async function runTask(state: TaskState, scope: Scope, run: Run): Promise<unknown> {
  const args = state.Arguments === undefined ? scope.states.input : await evaluate(state.Arguments, scope, run.runtime)
  checkSize(args, 'Arguments')
  const seconds =
    state.TimeoutSeconds === undefined ? undefined : await evaluateNumber(state.TimeoutSeconds, scope, run.runtime)
  const result = await withTimeout(seconds, run, signal =>
    run.runtime.task({ resource: state.Resource, arguments: args, context: scope.states.context, signal }),
  )
  checkSize(result, 'the result of the task')
  return result ?? null
}

/** Fails with `States.Timeout` after the given time; the work is told by its signal, and what it still does is ignored. */
export async function withTimeout<T>(
  seconds: number | undefined,
  run: Run,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const done = new AbortController()
  const signal = AbortSignal.any([run.signal, done.signal])
  const ended = new Promise<never>((_resolve, reject) => {
    run.signal.addEventListener('abort', () => reject(run.signal.reason), { once: true, signal: done.signal })
    if (seconds === undefined) return
    run.runtime.clock.sleep(seconds * 1000, signal).then(
      () => reject(new AslError('States.Timeout', `nothing came back for ${seconds} s`)),
      () => undefined, // The sleep was cut short because the work is done.
    )
  })
  try {
    return await Promise.race([work(signal), ended])
  } finally {
    done.abort()
  }
}

/** All branches at once; the first failure stops the others. */
async function runParallel(state: ParallelState, scope: Scope, run: Run): Promise<unknown> {
  const input = state.Arguments === undefined ? scope.states.input : await evaluate(state.Arguments, scope, run.runtime)
  const failed = new AbortController()
  const inner: Run = { ...run, signal: AbortSignal.any([run.signal, failed.signal]) }
  try {
    return await Promise.all(state.Branches.map(branch => run.runBranch(branch, input, scope.variables, inner)))
  } catch (error) {
    failed.abort(error)
    throw error
  }
}

function unknownState(state: never): never {
  throw new AslError('States.Runtime', `unknown state type: ${JSON.stringify(state)}`)
}
