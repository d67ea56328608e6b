import { TERMINAL_ERROR } from '#lake/errors.ts'
import { EVENT_SOURCE } from '#lake/events.ts'
import type { Catcher, Retrier, States, TaskState, Template } from './states-language.ts'

/** A template that gives a `T`: the compiler sees a field that is missing or misspelt. */
export type Templated<T> = { readonly [Field in keyof T]: string }

/** Calls a function and puts out its answer. Whoever uses it says where failures go. */
export function invoke(functionArn: string, payload: Template): TaskState {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: functionArn, Payload: payload },
    Output: '{% $states.result.Payload %}',
    TimeoutSeconds: TASK_TIMEOUT_SECONDS,
    Retry: [LAMBDA_SERVICE, TERMINAL, DIED, RETRYABLE],
  }
}

/** The integration fails with `EventBridge.FailedEntry` when the bus refused the entry, so a refusal is retried too. */
export function announce(bus: string, type: string, detail: Readonly<Record<string, string>>): TaskState {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::events:putEvents',
    Arguments: { Entries: [{ Source: EVENT_SOURCE, DetailType: type, EventBusName: bus, Detail: detail }] },
    Output: '{% $states.input %}',
    TimeoutSeconds: 60,
    Retry: [ANNOUNCING],
  }
}

/** Catches whatever retries did not heal; the execution fails after it has said so. */
export function giveUp(stage: string): Catcher {
  return { ErrorEquals: ['States.ALL'], Output: { stage, ...CAUGHT }, Next: 'Announce Failure' }
}

/** What every execution ends in that has failed, perhaps after a state of its own. Its input has `error` and `cause`. */
export function announcedFailure(
  bus: string,
  type: string,
  { detail, next = 'Failed' }: { readonly detail: Readonly<Record<string, string>>; readonly next?: string },
): States {
  return {
    'Announce Failure': {
      ...announce(bus, type, detail),
      // The alarm on failed executions still fires when the event cannot be published.
      Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.input %}', Next: next }],
      Next: next,
    },
    Failed: { Type: 'Fail', Error: '{% $states.input.error %}', Cause: '{% $states.input.cause %}' },
  }
}

export interface Reviewed {
  /** The state in which an execution without failures ends. */
  readonly done: string
  /** What failed, in the plural: `groups`. */
  readonly parts: string
  /** What the others are: `committed`. */
  readonly others: string
  /** JSONata that tells of one part of `$failed`. */
  readonly each: string
  /** What the failure says besides its error and cause. */
  readonly output?: Readonly<Record<string, string>>
}

/** `Review`: ends well unless `$failed` holds parts of the work that were put aside, and then in `Announce Failure`, naming each. */
export function review({ done, parts, others, each, output = {} }: Reviewed): States {
  const failure = `${parts.charAt(0).toUpperCase()}${parts.slice(1)} Failed`
  const told = `' ${parts} failed, the others are ${others}: ' & $join($failed.(${each}), '; ')`
  return {
    Review: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $count($failed) > 0 %}', Next: failure }],
      Default: done,
    },
    [done]: { Type: 'Succeed' },
    [failure]: {
      Type: 'Pass',
      Output: {
        ...output,
        error: '{% $failed[0].error %}',
        cause: `{% $substring($string($count($failed)) & ${told}, 0, ${CAUSE_LENGTH_MAX}) %}`,
      },
      Next: 'Announce Failure',
    },
  }
}

/** A cause may hold a whole stack trace; events, payloads and the console need its beginning. */
export const CAUSE_LENGTH_MAX = 2000

/** `error` and `cause` of what a state has caught. */
export const CAUGHT = {
  error: '{% $states.errorOutput.Error %}',
  cause: causeUpTo(CAUSE_LENGTH_MAX),
} as const

export function causeUpTo(length: number): string {
  return `{% $states.errorOutput.Cause ? $substring($states.errorOutput.Cause, 0, ${length}) : '' %}`
}

/** Text as a JSONata string literal; JSONata takes JSON's escapes. */
export const quoted = (text: string): string => JSON.stringify(text)

// --- Retries -------------------------------------------------------------------------------------------------------

/** Longer than any function may run (15 minutes), so that Lambda's own timeout is seen first and attempts do not overlap. */
export const TASK_TIMEOUT_SECONDS = 960

/** https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html: none of these has run our code to its end. */
const LAMBDA_SERVICE: Retrier = {
  ErrorEquals: [
    'Lambda.ClientExecutionTimeoutException',
    'Lambda.ServiceException',
    'Lambda.AWSLambdaException',
    'Lambda.SdkClientException',
    'Lambda.TooManyRequestsException',
  ],
  IntervalSeconds: 2,
  MaxAttempts: 6,
  BackoffRate: 2,
  MaxDelaySeconds: 60,
  JitterStrategy: 'FULL',
}

const TERMINAL: Retrier = { ErrorEquals: [TERMINAL_ERROR], MaxAttempts: 0 }

/** The process died, by time or memory. A file that kills its reader does so again: few attempts. */
const DIED: Retrier = {
  ErrorEquals: ['Lambda.Unknown', 'Sandbox.Timedout', 'Runtime.OutOfMemory', 'Runtime.ExitError', 'States.Timeout'],
  IntervalSeconds: 10,
  MaxAttempts: 1,
  JitterStrategy: 'FULL',
}

/** Ours (throttled, unavailable, conflict, commit-unknown …), and whatever nobody has thought of. */
const RETRYABLE: Retrier = {
  ErrorEquals: ['States.TaskFailed'],
  IntervalSeconds: 5,
  MaxAttempts: 4,
  BackoffRate: 2,
  MaxDelaySeconds: 120,
  JitterStrategy: 'FULL',
}

export const ANNOUNCING: Retrier = { ...RETRYABLE, ErrorEquals: ['States.ALL'], IntervalSeconds: 1 }
