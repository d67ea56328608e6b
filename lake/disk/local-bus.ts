import { LakeError } from '../errors.ts'
import type { Bus, LakeEvent, Log, Workflows } from '../lake.ts'

/** What tests read and `sluice local` shows; the oldest go so that a long run does not grow. */
const REMEMBERED_MAX = 10_000
/** Step Functions quota; checked here too, so that what runs on a laptop runs on AWS. */
const INPUT_BYTES_MAX = 262_144

export type EventListener = (event: LakeEvent) => Promise<void>

/** EventBridge in one process: publishing returns once the event is taken, listeners run on their own, as rules and targets do. */
export interface LocalBus extends Bus {
  readonly published: readonly LakeEvent[]
  /** Returns how to unsubscribe. */
  subscribe(listener: EventListener): () => void
  /** Resolves when no delivery is under way, those that deliveries cause included. */
  idle(): Promise<void>
}

export interface StartedWorkflow {
  readonly machine: string
  readonly name: string
  readonly input: unknown
}

export type WorkflowRunner = (started: StartedWorkflow) => Promise<void>

/** Step Functions in one process: the interpreter of local mode is attached as the runner. */
export interface LocalWorkflows extends Workflows {
  readonly started: readonly StartedWorkflow[]
  attach(runner: WorkflowRunner): void
  /** Resolves when no workflow is running. */
  idle(): Promise<void>
}

export function localBus(log: Pick<Log, 'error'>): LocalBus {
  const published: LakeEvent[] = []
  const listeners = new Set<EventListener>()
  const running = background(log)
  return {
    published,
    publish: async events => {
      for (const event of events) {
        // Through JSON, as on AWS: what JSON cannot hold fails here, and no listener shares an object with the publisher.
        const sent = JSON.parse(JSON.stringify(event)) as LakeEvent
        remember(published, sent)
        for (const listener of listeners) running.start(`event ${sent['detail-type']}`, () => listener(sent))
      }
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    idle: running.idle,
  }
}

export function localWorkflows(log: Pick<Log, 'error'>): LocalWorkflows {
  const started: StartedWorkflow[] = []
  const names = new Set<string>()
  const running = background(log)
  let runner: WorkflowRunner | undefined
  return {
    started,
    start: async (machine, { name, input }) => {
      // The name of a closed execution stays taken, as it does on AWS for 90 days.
      if (names.has(`${machine}/${name}`)) return
      const text = JSON.stringify(input ?? null)
      if (Buffer.byteLength(text) > INPUT_BYTES_MAX)
        throw new LakeError('usage', `the input of ${machine}/${name} is larger than 256 KiB`, { machine, name })
      names.add(`${machine}/${name}`)
      const workflow = { machine, name, input: JSON.parse(text) }
      remember(started, workflow)
      const run = runner
      if (run !== undefined) running.start(`workflow ${machine}/${name}`, () => run(workflow))
    },
    attach: next => {
      runner = next
    },
    idle: running.idle,
  }
}

function remember<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > REMEMBERED_MAX) list.shift()
}

interface Background {
  start(what: string, work: () => Promise<void>): void
  idle(): Promise<void>
}

/** Work that nobody waits for: a failure is logged, because there is no caller left to throw it at. */
function background(log: Pick<Log, 'error'>): Background {
  const pending = new Set<Promise<void>>()
  return {
    start: (what, work) => {
      const run = Promise.resolve()
        .then(work)
        .catch(error =>
          log.error(`${what} failed`, { message: error instanceof Error ? error.message : String(error) }),
        )
        .finally(() => pending.delete(run))
      pending.add(run)
    },
    idle: async () => {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}
