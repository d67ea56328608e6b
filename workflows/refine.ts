import { TERMINAL_ERROR } from '#lake/errors.ts'
import { BATCH_REJECTED, type BatchRejected, EVENT_SOURCE } from '#lake/events.ts'
import { BATCH_FAILED, type BatchFailed } from './events.ts'
import type { Catcher, Retrier, StateMachine, TaskState } from './states-language.ts'

export { TERMINAL_ERROR } from '#lake/errors.ts'

/** What the definition refers to: ARNs of the two functions and the topic, the name of Sluice's bus, the staging zone's URI. */
export interface RefineTargets {
  readonly quality: string
  readonly publish: string
  readonly rejectedTopic: string
  readonly bus: string
  readonly staging: string
}

/**
 * `refine`: one raw batch through the quality gate into its table. Started by "Raw Batch Ready"; both steps may run twice
 * for one batch, because EventBridge delivers at least once and a retry may overlap an attempt that timed out.
 */
export function refine(targets: RefineTargets): StateMachine {
  return {
    Comment: 'Gate one raw batch and publish what passes.',
    QueryLanguage: 'JSONata',
    // Above all retries of both steps, so that an execution which hangs ends and is counted as timed out.
    TimeoutSeconds: 21_600,
    StartAt: 'Quality',
    States: {
      Quality: { ...invoke(targets.quality), Catch: [giveUp('quality')], Next: 'Judge' },
      Judge: {
        Type: 'Choice',
        Choices: [
          { Condition: "{% $states.input.status = 'halt' %}", Next: 'Notify' },
          {
            Condition: "{% $states.input.status = 'pass' and $states.input.mode in ['append', 'replace'] %}",
            Next: 'Publish',
          },
        ],
        Default: 'Unroutable',
      },
      Publish: { ...invoke(targets.publish), Catch: [giveUp('publish')], End: true },
      ...rejection(targets),
      ...failure(targets.bus),
    },
  }
}

/** A halted batch is a verdict, not a fault: it is told to people and to programs, and the execution succeeds. */
function rejection(targets: RefineTargets): StateMachine['States'] {
  const detail: Templated<BatchRejected> = {
    ...BATCH,
    reason: "{% $exists($states.input.reason) ? $states.input.reason : 'halted by a quality rule' %}",
    verdict: `{% ${quoted(`${targets.staging}/`)} & ${DETAIL}.dataset & '/' & ${DETAIL}.batch & '/verdict.json' %}`,
  }
  return {
    Notify: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sns:publish',
      Arguments: {
        TopicArn: targets.rejectedTopic,
        // SNS refuses subjects of more than 100 characters.
        Subject: `{% $substring('Sluice rejected a batch of ' & ${DETAIL}.dataset, 0, 100) %}`,
        Message: `{% $string($merge([${DETAIL}, $states.input]), true) %}`,
      },
      Output: '{% $states.input %}',
      TimeoutSeconds: 60,
      Retry: [ANNOUNCING],
      Catch: [giveUp('announce')],
      Next: 'Announce Rejection',
    },
    'Announce Rejection': {
      ...announce(targets.bus, BATCH_REJECTED, detail),
      Catch: [giveUp('announce')],
      Next: 'Rejected',
    },
    Rejected: { Type: 'Succeed' },
  }
}

function failure(bus: string): StateMachine['States'] {
  const detail: Templated<BatchFailed> = {
    ...BATCH,
    stage: '{% $states.input.stage %}',
    error: '{% $states.input.error %}',
    cause: '{% $states.input.cause %}',
    execution: '{% $states.context.Execution.Id %}',
  }
  return {
    Unroutable: {
      Type: 'Pass',
      Output: {
        stage: 'route',
        error: 'Sluice.Unroutable',
        cause: '{% "refine has no way for this answer of quality: " & $string($states.input) %}',
      },
      Next: 'Announce Failure',
    },
    'Announce Failure': {
      ...announce(bus, BATCH_FAILED, detail),
      // The alarm on failed executions still fires when the event cannot be published.
      Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.input %}', Next: 'Failed' }],
      Next: 'Failed',
    },
    Failed: { Type: 'Fail', Error: '{% $states.input.error %}', Cause: '{% $states.input.cause %}' },
  }
}

/** A template that gives a `T`: the compiler sees a field that is missing or misspelt. */
type Templated<T> = { readonly [Field in keyof T]: string }

// --- Pieces --------------------------------------------------------------------------------------------------------

/** The event's detail stays reachable from every state, whatever the states before it put out. */
const DETAIL = '$states.context.Execution.Input.detail'
const BATCH = { dataset: `{% ${DETAIL}.dataset %}`, batch: `{% ${DETAIL}.batch %}` } as const

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

const ANNOUNCING: Retrier = { ...RETRYABLE, ErrorEquals: ['States.ALL'], IntervalSeconds: 1 }

function invoke(functionArn: string): TaskState {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: functionArn, Payload: BATCH },
    Output: '{% $states.result.Payload %}',
    TimeoutSeconds: TASK_TIMEOUT_SECONDS,
    Retry: [LAMBDA_SERVICE, TERMINAL, DIED, RETRYABLE],
  }
}

/** The integration fails with `EventBridge.FailedEntry` when the bus refused the entry, so a refusal is retried too. */
function announce(bus: string, type: string, detail: Readonly<Record<string, string>>): TaskState {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::events:putEvents',
    Arguments: { Entries: [{ Source: EVENT_SOURCE, DetailType: type, EventBusName: bus, Detail: detail }] },
    Output: '{% $states.input %}',
    TimeoutSeconds: 60,
    Retry: [ANNOUNCING],
  }
}

function giveUp(stage: BatchFailed['stage']): Catcher {
  return {
    ErrorEquals: ['States.ALL'],
    // A cause may hold a whole stack trace; the event and the console need its beginning.
    Output: {
      stage,
      error: '{% $states.errorOutput.Error %}',
      cause: "{% $states.errorOutput.Cause ? $substring($states.errorOutput.Cause, 0, 2000) : '' %}",
    },
    Next: 'Announce Failure',
  }
}

/** Text as a JSONata string literal; JSONata takes JSON's escapes. */
const quoted = (text: string): string => JSON.stringify(text)
