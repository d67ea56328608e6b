import { cdcApplyStep } from '#functions/cdc-apply/cdc-apply.ts'
import { compactionAction } from '#functions/compact/compact.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { replayAction } from '#functions/replay/replay.ts'
import { batchRequest, mergeStep } from '#lake/batch-request.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { LocalLake } from '#lake/disk/disk-lake.ts'
import { isLakeError, LakeError, TERMINAL_ERROR } from '#lake/errors.ts'
import { EVENT_SOURCE } from '#lake/events.ts'
import type { LakeEvent } from '#lake/lake.ts'
import { compact } from '#workflows/compact.ts'
import { refine } from '#workflows/refine.ts'
import { replay } from '#workflows/replay.ts'
import { rawBatchReady, tableNeedsCompaction } from '#workflows/rules.ts'
import type { StateMachine } from '#workflows/states-language.ts'
import type { TaskCall } from './asl/runtime.ts'
import { type AslEvent, type AslRuntime, type Execution, execute } from './asl.ts'
import { runStatement } from './athena.ts'
import { matches } from './event-pattern.ts'
import type { LocalStep } from './step.ts'

export interface World {
  readonly lake: LocalLake
  readonly datasets: readonly Dataset[]
  readonly step: (step: LocalStep) => void
}

/**
 * The rules, targets and state machines of AWS in this process. What it returns takes every event of the bus, and resolves
 * when what the event started has ended.
 */
export function startExecutions(world: World): (event: LakeEvent) => Promise<void> {
  const runtime = stepFunctions(world)
  const inTurn = oneAtATime()
  const waiting = new Set<string>()
  world.lake.workflows.attach(async ({ machine, name, input }) => {
    if (machine === 'replay') await inTurn(() => runReplay(world, { name, input }))
  })
  return async event => {
    const envelope = { source: EVENT_SOURCE, ...event }
    if (matches(rawBatchReady, envelope)) await inTurn(() => refineBatch(world, runtime, envelope))
    const { table } = event.detail as { readonly table: string }
    // A compaction that has not begun yet will see what the others before it were to see.
    if (!matches(tableNeedsCompaction, envelope) || waiting.has(table)) return
    waiting.add(table)
    await inTurn(() => {
      waiting.delete(table)
      return compactTable(world, runtime, envelope)
    })
  }
}

/** Each execution plans for all the memory there is, so they wait for each other before they start, not within. */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return work => {
    const turn = last.then(work, work)
    last = turn.catch(() => undefined)
    return turn
  }
}

// --- State machines ------------------------------------------------------------------------------------------------

async function refineBatch({ lake, step }: World, runtime: AslRuntime, event: LakeEvent): Promise<void> {
  const { dataset, batch } = event.detail as { readonly dataset: string; readonly batch: string }
  const machine = refine({
    quality: 'quality',
    cdcApply: 'cdcApply',
    publish: 'publish',
    rejectedTopic: 'rejected',
    bus: 'sluice',
    staging: lake.zones.staging,
    athena: athenaOf(lake),
  })
  const result = await run(lake, machine, {
    name: 'refine',
    event,
    runtime,
    onEvent: each => {
      const about = { dataset, batch, state: each.state ?? '' }
      if (each.type === 'StateEntered') step({ kind: 'state', ...about })
      if (each.type === 'StateRetryScheduled' || each.type === 'StateCaught')
        step({ kind: 'retry', ...about, error: each.error ?? '', cause: each.cause ?? '' })
    },
  })
  step({ kind: 'finished', dataset, batch, status: result.status, ...failureOf(result) })
}

async function compactTable({ lake, step }: World, runtime: AslRuntime, event: LakeEvent): Promise<void> {
  const { table } = event.detail as { readonly table: string }
  const machine = compact({
    compact: 'compact',
    bus: 'sluice',
    database: 'local',
    athena: { workGroup: 'none', output: lake.zones.ops },
    // Each rewrite plans for all the memory there is.
    groupsAtOnce: 1,
  })
  const result = await run(lake, machine, {
    name: 'compact',
    event,
    runtime,
    onEvent: each => {
      const about = { table, state: each.state ?? '' }
      // A line for each group and each choice would bury the pipeline's own.
      const type = machine.States[about.state]?.Type
      if (each.type === 'StateEntered' && (type === 'Task' || type === 'Map')) step({ kind: 'compacting', ...about })
      if (each.type === 'StateRetryScheduled' || each.type === 'StateCaught')
        step({ kind: 'compacting', ...about, error: each.error ?? '', cause: each.cause ?? '' })
    },
  })
  step({ kind: 'compacted', table, status: result.status, ...failureOf(result) })
}

/** The batches of a replay one after the other, for the same reason for which executions wait for each other. */
export async function runReplay(
  world: World,
  { name, input }: { readonly name: string; readonly input: unknown },
): Promise<Execution> {
  const { lake, step } = world
  const machine = replay({
    ...{ quality: 'quality', cdcApply: 'cdcApply', publish: 'publish', replay: 'replay', bus: 'sluice' },
    ...{ staging: lake.zones.staging, opsBucket: lake.zones.ops, batchesAtOnce: 1, athena: athenaOf(lake) },
  })
  const result = await execute(machine, input, stepFunctions(world), { name, machine: 'replay' })
  step({ kind: 'replayed', execution: name, status: result.status, ...failureOf(result) })
  return result
}

function run(
  lake: LocalLake,
  machine: StateMachine,
  {
    name,
    event,
    runtime,
    onEvent,
  }: {
    readonly name: string
    readonly event: LakeEvent
    readonly runtime: AslRuntime
    readonly onEvent: (event: AslEvent) => void
  },
): Promise<Execution> {
  return execute(machine, event, { ...runtime, onEvent }, { name: lake.ids.uuid(), machine: name })
}

const athenaOf = ({ zones }: LocalLake) => ({ database: 'local', workGroup: 'none', output: zones.ops })

const failureOf = (result: Execution): { readonly error?: string; readonly cause?: string } =>
  result.status === 'SUCCEEDED' ? {} : { error: result.error, cause: result.cause }

// --- Services ------------------------------------------------------------------------------------------------------

function stepFunctions(world: World): AslRuntime {
  const { lake, step } = world
  return {
    clock: lake.clock,
    ids: lake.ids,
    task: async call => {
      switch (call.resource) {
        case 'arn:aws:states:::lambda:invoke':
          return invoke(world, call)
        case 'arn:aws:states:::sns:publish':
          return notify(call, step)
        case 'arn:aws:states:::athena:startQueryExecution.sync':
          return startStatement(lake, call)
        case 'arn:aws:states:::events:putEvents':
          return putEvents(lake, call)
        default:
          throw new LakeError('unsupported', `local mode has no service ${call.resource}`)
      }
    },
    readItems: async (_reader, place) => {
      const { Bucket, Key } = place as { readonly Bucket: string; readonly Key: string }
      return JSON.parse(Buffer.from(await lake.storage.get(`${Bucket}/${Key}`)).toString('utf8')) as readonly unknown[]
    },
    writeResults: async (_writer, place, results) => {
      const { Bucket, Prefix } = place as { readonly Bucket: string; readonly Prefix: string }
      const Key = `${Prefix}/${lake.ids.uuid()}/results.json`
      await lake.storage.put(`${Bucket}/${Key}`, Buffer.from(JSON.stringify(results)))
      return { ResultWriterDetails: { Bucket, Key } }
    },
  }
}

type LocalFunction = (world: World, payload: unknown) => Promise<unknown>

const ofBatch =
  (story: typeof quality | typeof publish): LocalFunction =>
  async ({ lake, datasets }, payload) => {
    const { dataset, batch } = batchRequest(datasets, payload)
    return story(lake, dataset, { batch })
  }

const FUNCTIONS = {
  quality: ofBatch(quality),
  cdcApply: ({ lake, datasets }, payload) => {
    const { dataset, batch } = batchRequest(datasets, payload)
    return cdcApplyStep(lake, dataset, { batch, step: mergeStep(payload) })
  },
  publish: ofBatch(publish),
  // Athena is not here, and nothing ends after 15 minutes: no file is too large.
  compact: ({ lake, datasets }, payload) =>
    compactionAction(lake, payload, { datasets, bounds: { fileBytesMax: Number.POSITIVE_INFINITY } }),
  replay: ({ lake, datasets }, payload) => replayAction(lake, payload, { datasets }),
} as const satisfies Readonly<Record<string, LocalFunction>>

async function invoke(world: World, call: TaskCall): Promise<unknown> {
  const { FunctionName, Payload } = call.arguments as {
    readonly FunctionName: keyof typeof FUNCTIONS
    readonly Payload: unknown
  }
  try {
    return { Payload: await FUNCTIONS[FunctionName](world, Payload), StatusCode: 200 }
  } catch (error) {
    world.lake.log.error(`${FunctionName} failed`, { error: error instanceof Error ? error.message : String(error) })
    throw asTaskError(error)
  }
}

/** Athena fails a task under one name, whatever it was; the cause tells. */
async function startStatement(lake: LocalLake, call: TaskCall): Promise<unknown> {
  const { QueryString } = call.arguments as { readonly QueryString: string }
  try {
    await runStatement(lake, QueryString)
    return { QueryExecution: { Status: { State: 'SUCCEEDED' } } }
  } catch (error) {
    lake.log.error('a statement failed', { error: error instanceof Error ? error.message : String(error) })
    throw Object.assign(new Error(error instanceof Error ? error.message : String(error), { cause: error }), {
      name: 'States.TaskFailed',
    })
  }
}

/** Retry and Catch go by an error's name, as Lambda reports it. */
function asTaskError(error: unknown): Error {
  const named = new Error(error instanceof Error ? error.message : String(error), { cause: error })
  if (isLakeError(error)) named.name = error.retryable ? `Sluice.${error.kind}` : TERMINAL_ERROR
  return named
}

async function notify(call: TaskCall, step: (step: LocalStep) => void): Promise<unknown> {
  const { Subject, Message } = call.arguments as { readonly Subject: string; readonly Message: string }
  step({ kind: 'notice', subject: Subject, message: Message })
  return { MessageId: 'local' }
}

async function putEvents(lake: LocalLake, call: TaskCall): Promise<unknown> {
  const { Entries } = call.arguments as {
    readonly Entries: readonly { readonly DetailType: string; readonly Detail: unknown }[]
  }
  await lake.bus.publish(
    Entries.map(entry => ({
      'detail-type': entry.DetailType,
      detail: (typeof entry.Detail === 'string' ? JSON.parse(entry.Detail) : entry.Detail) as LakeEvent['detail'],
    })),
  )
  return { FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: lake.ids.uuid() })) }
}
