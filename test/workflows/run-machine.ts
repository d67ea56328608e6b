import { createRequire } from 'node:module'
import type { TaskCall } from '#local/asl/runtime.ts'
import { type Execution, execute } from '#local/asl.ts'
import type { StateMachine } from '#workflows/states-language.ts'
import { recording } from '../local/virtual-clock.ts'

// The package is CommonJS without types; this is the part of its answer that is used.
export const validate = createRequire(import.meta.url)('asl-validator') as (definition: unknown) => {
  readonly isValid: boolean
  readonly errors: readonly unknown[]
}

/** What a function is sent, as far as these workflows send anything. */
export interface Payload {
  readonly action: string
  readonly table: string
  readonly run?: string
  readonly group?: number
  readonly [field: string]: unknown
}

export interface Ran {
  readonly execution: Execution
  /** Each call in a word: `rewrite 2`, `expire orders`, `startQueryExecution.sync`, `Compaction Failed`. */
  readonly did: readonly string[]
  readonly calls: readonly TaskCall[]
  /** Details of the events that were published. */
  readonly announced: readonly Readonly<Record<string, unknown>>[]
}

/** Runs a definition on a virtual clock. Functions answer by `answer`, other services by `service`; what they throw is the task's error. */
export async function runMachine(
  machine: StateMachine,
  input: unknown,
  {
    answer,
    service = () => ({}),
  }: {
    readonly answer: (payload: Payload, functionName: string) => unknown
    readonly service?: (call: TaskCall) => unknown
  },
): Promise<Ran> {
  const world = recording(async call => {
    if (call.resource !== 'arn:aws:states:::lambda:invoke') return service(call)
    const { FunctionName, Payload } = call.arguments as { readonly FunctionName: string; readonly Payload: Payload }
    return { StatusCode: 200, Payload: await answer(Payload, FunctionName) }
  })
  const execution = await execute(machine, input, world.runtime, { name: 'run-1', machine: 'machine' })
  return {
    execution,
    did: world.calls.map(inAWord),
    calls: world.calls,
    announced: world.calls.flatMap(call => entriesOf(call).map(entry => entry.Detail)),
  }
}

function inAWord(call: TaskCall): string {
  const [entry] = entriesOf(call)
  if (entry) return entry.DetailType
  const { Payload } = call.arguments as { readonly Payload?: Payload }
  if (Payload === undefined) return call.resource.split(':').at(-1) as string
  return `${Payload.action} ${Payload.group ?? Payload.table}`
}

function entriesOf(call: TaskCall) {
  const { Entries = [] } = call.arguments as {
    readonly Entries?: readonly { readonly DetailType: string; readonly Detail: Readonly<Record<string, unknown>> }[]
  }
  return Entries
}
