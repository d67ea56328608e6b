/**
 * The part of the Amazon States Language that Sluice deploys: the JSONata dialect, as plain data. Field names keep the
 * spelling of https://states-language.net/spec.html, so that a definition is what Step Functions receives.
 */
export interface StateMachine {
  readonly Comment?: string
  readonly QueryLanguage: 'JSONata'
  readonly TimeoutSeconds?: number
  readonly StartAt: string
  readonly States: States
}

export type States = Readonly<Record<string, State>>

/** JSON in which a string `{% … %}` is a JSONata expression. */
export type Template = unknown

export interface Retrier {
  readonly ErrorEquals: readonly string[]
  readonly IntervalSeconds?: number
  readonly MaxAttempts?: number
  readonly BackoffRate?: number
  readonly MaxDelaySeconds?: number
  readonly JitterStrategy?: 'FULL' | 'NONE'
}

export interface Catcher {
  readonly ErrorEquals: readonly string[]
  readonly Next: string
  readonly Output?: Template
  readonly Assign?: Assignments
}

export type Assignments = Readonly<Record<string, Template>>

interface Common {
  readonly Comment?: string
  readonly Output?: Template
  readonly Assign?: Assignments
}

interface Moving extends Common {
  readonly Next?: string
  readonly End?: true
}

interface Guarded extends Moving {
  readonly Arguments?: Template
  readonly Retry?: readonly Retrier[]
  readonly Catch?: readonly Catcher[]
}

export interface TaskState extends Guarded {
  readonly Type: 'Task'
  readonly Resource: string
  readonly TimeoutSeconds?: number | string
}

export interface ParallelState extends Guarded {
  readonly Type: 'Parallel'
  readonly Branches: readonly Branch[]
}

export interface Branch {
  readonly StartAt: string
  readonly States: States
}

export interface MapState extends Omit<Guarded, 'Arguments'> {
  readonly Type: 'Map'
  readonly Label?: string
  readonly Items?: Template
  readonly ItemReader?: ItemReader
  readonly ItemSelector?: Template
  readonly ItemBatcher?: ItemBatcher
  readonly ItemProcessor: Branch & { readonly ProcessorConfig?: ProcessorConfig }
  readonly ResultWriter?: ResultWriter
  readonly MaxConcurrency?: number | string
  readonly ToleratedFailureCount?: number
  readonly ToleratedFailurePercentage?: number
}

export type ProcessorConfig =
  | { readonly Mode: 'INLINE' }
  | { readonly Mode: 'DISTRIBUTED'; readonly ExecutionType: 'STANDARD' | 'EXPRESS' }

export interface ItemReader {
  readonly Resource: string
  readonly ReaderConfig?: { readonly InputType?: string; readonly MaxItems?: number }
  readonly Arguments?: Template
}

export interface ItemBatcher {
  readonly MaxItemsPerBatch?: number
  readonly MaxInputBytesPerBatch?: number
  readonly BatchInput?: Template
}

export interface ResultWriter {
  readonly Resource: string
  readonly Arguments?: Template
}

export interface ChoiceRule extends Common {
  readonly Condition: string
  readonly Next: string
}

export interface ChoiceState extends Common {
  readonly Type: 'Choice'
  readonly Choices: readonly ChoiceRule[]
  readonly Default?: string
}

export type WaitState = Moving & { readonly Type: 'Wait' } & (
    | { readonly Seconds: number | string }
    | { readonly Timestamp: string }
  )

export interface PassState extends Moving {
  readonly Type: 'Pass'
}

export interface SucceedState extends Pick<Common, 'Comment' | 'Output'> {
  readonly Type: 'Succeed'
}

export interface FailState {
  readonly Type: 'Fail'
  readonly Comment?: string
  readonly Error?: string
  readonly Cause?: string
}

export type State =
  | TaskState
  | ParallelState
  | MapState
  | ChoiceState
  | WaitState
  | PassState
  | SucceedState
  | FailState
