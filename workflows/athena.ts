import type { Catcher, ChoiceState, Retrier, States, TaskState } from './states-language.ts'

/** Where Athena finds tables and leaves what it puts out. */
export interface AthenaTargets {
  readonly database: string
  readonly workGroup: string
  readonly output: string
}

/** Longer than the 30 minutes after which Athena itself ends a statement (its default quota "DML query timeout"). */
const STATEMENT_TIMEOUT_SECONDS = 2_400

const NOT_TAKEN: Retrier = {
  ErrorEquals: ['Athena.TooManyRequestsException', 'Athena.InternalServerException', 'Athena.SdkClientException'],
  IntervalSeconds: 30,
  MaxAttempts: 6,
  BackoffRate: 2,
  MaxDelaySeconds: 300,
  JitterStrategy: 'FULL',
}

/**
 * Runs a statement to its end. One that was not taken is sent again; one that was taken and failed is `States.TaskFailed`, which is not tried
 * again here. Statements of one `token` are the same one to Athena.
 */
export function statementTask(
  { database, workGroup, output }: AthenaTargets,
  statement: string,
  token?: string,
): TaskState {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::athena:startQueryExecution.sync',
    Arguments: {
      QueryString: statement,
      ...(token === undefined ? {} : { ClientRequestToken: token }),
      QueryExecutionContext: { Catalog: 'AwsDataCatalog', Database: database },
      WorkGroup: workGroup,
      ResultConfiguration: { OutputLocation: output },
    },
    TimeoutSeconds: STATEMENT_TIMEOUT_SECONDS,
    Retry: [NOT_TAKEN],
  }
}

/** Somebody else committed at the same time, and the statement has changed nothing. */
const CONFLICT = '/ICEBERG_COMMIT_ERROR|TRANSACTION_CONFLICT/'
const ATTEMPTS_MAX = 8

/**
 * `Run Statement`: the `statement` of the input, again while other writers come between; its input is its output. `$attempts` counts from 1.
 * A retry within the state has the token of the first call, in case that was taken after all; a new attempt has one of its own.
 */
export function runStatement(
  targets: AthenaTargets,
  { failed, next }: { readonly failed: Catcher; readonly next: string },
): States {
  const token = "{% $states.input.statementId & '-' & $states.context.State.EnteredTime %}"
  const task: TaskState = {
    ...statementTask(targets, '{% $states.input.statement %}', token),
    Output: '{% $states.input %}',
    Catch: [
      {
        ErrorEquals: ['States.ALL'],
        Output: {
          isConflict: `{% $contains($string($states.errorOutput.Cause), ${CONFLICT}) %}`,
          item: '{% $states.input %}',
          failure: failed.Output ?? {},
        },
        Next: 'Run Again?',
      },
    ],
    Next: next,
  }
  const again: ChoiceState = {
    Type: 'Choice',
    Choices: [
      {
        Condition: `{% $states.input.isConflict and $attempts < ${ATTEMPTS_MAX} %}`,
        Output: '{% $states.input.item %}',
        Assign: { attempts: '{% $attempts + 1 %}' },
        Next: 'Run Statement',
      },
    ],
    Output: '{% $states.input.failure %}',
    Default: failed.Next,
  }
  return { 'Run Statement': task, 'Run Again?': again }
}
