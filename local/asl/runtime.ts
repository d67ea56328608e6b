import type { Branch, ItemReader, ResultWriter } from '#workflows/states-language.ts'

/** What the interpreter needs of the world. */
export interface AslRuntime {
  /** Does what `Resource` names, such as `arn:aws:states:::lambda:invoke`. The error's `name` is what Retry and Catch see. */
  task(call: TaskCall): Promise<unknown>
  readonly clock: {
    nowMs(): number
    /** Rejects when the signal fires. A clock that ignores the signal is correct too, but keeps its timer. */
    sleep(ms: number, signal?: AbortSignal): Promise<void>
  }
  readonly ids: { uuid(): string; random(): number }
  /** The items of a distributed map. */
  readItems?(reader: ItemReader, args: unknown): Promise<readonly unknown[]>
  /** Writes the results of a distributed map; what it returns is the state's result. */
  writeResults?(writer: ResultWriter, args: unknown, results: readonly ItemResult[]): Promise<unknown>
  onEvent?(event: AslEvent): void
}

export interface TaskCall {
  readonly resource: string
  readonly arguments: unknown
  readonly context: Context
  /** Fires when the state times out or the execution ends without it. */
  readonly signal: AbortSignal
}

export type ItemResult =
  | { readonly Status: 'SUCCEEDED'; readonly Index: number; readonly Input: unknown; readonly Output: unknown }
  | {
      readonly Status: 'FAILED'
      readonly Index: number
      readonly Input: unknown
      readonly Error: string
      readonly Cause: string
    }

/** One line of an execution's history. */
export interface AslEvent {
  readonly type:
    | 'ExecutionStarted'
    | 'ExecutionSucceeded'
    | 'ExecutionFailed'
    | 'ExecutionTimedOut'
    | 'StateEntered'
    | 'StateExited'
    | 'StateRetryScheduled'
    | 'StateCaught'
  readonly timeMs: number
  readonly execution: string
  readonly state?: string
  readonly input?: unknown
  readonly output?: unknown
  readonly error?: string
  readonly cause?: string
  readonly delayMs?: number
}

/** The context object: `$states.context`. */
export interface Context {
  readonly Execution: {
    readonly Id: string
    readonly Name: string
    readonly Input: unknown
    readonly StartTime: string
    readonly RoleArn: string
  }
  readonly StateMachine: { readonly Id: string; readonly Name: string }
  readonly State?: { readonly Name: string; readonly EnteredTime: string; readonly RetryCount: number }
  readonly Map?: { readonly Item: { readonly Index: number; readonly Value: unknown } }
}

export type Variables = Readonly<Record<string, unknown>>

/** What the expressions of one state may see. */
export interface Scope {
  readonly variables: Variables
  readonly states: {
    readonly input: unknown
    readonly context: Context
    readonly result?: unknown
    readonly errorOutput?: { readonly Error: string; readonly Cause: string }
  }
}

/** One running execution, branch or iteration. `runBranch` comes along because states contain state machines. */
export interface Run {
  readonly runtime: AslRuntime
  readonly context: Context
  readonly signal: AbortSignal
  readonly emit: (event: Omit<AslEvent, 'timeMs' | 'execution'>) => void
  readonly runBranch: (branch: Branch, input: unknown, variables: Variables, run: Run) => Promise<unknown>
}

/** What a state leaves behind. `next` undefined: the branch ends here. */
export interface Outcome {
  readonly output: unknown
  readonly assigned: Variables
  readonly next: string | undefined
}
