import type { ItemBatcher, MapState } from '#workflows/states-language.ts'
import { AslError, aslError, jsonBytes } from './errors.ts'
import { evaluate, evaluateNumber } from './query.ts'
import type { Context, ItemResult, Run, Scope } from './runtime.ts'

/** https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html: what AWS runs at once when nothing is said. */
const INLINE_CONCURRENCY = 40
const DISTRIBUTED_CONCURRENCY = 1000

/** The array of outputs in the order of the items, or what the ResultWriter returned. */
export async function runMap(state: MapState, scope: Scope, run: Run): Promise<unknown> {
  const items = await itemsOf(state, scope, run)
  const units = await batched(state.ItemBatcher, await selected(state, { items, scope, run }), { scope, run })
  const results = await process(state, { items, units, scope, run })
  if (state.ResultWriter) return writeResults(state, results, { scope, run })
  return results.map(result => (result.Status === 'SUCCEEDED' ? result.Output : null))
}

const isDistributed = (state: MapState): boolean => state.ItemProcessor.ProcessorConfig?.Mode === 'DISTRIBUTED'

interface Place {
  readonly scope: Scope
  readonly run: Run
}

// --- Items ---------------------------------------------------------------------------------------------------------

async function itemsOf(state: MapState, scope: Scope, run: Run): Promise<readonly unknown[]> {
  if (state.ItemReader) return readItems(state.ItemReader, { scope, run })
  const items = state.Items === undefined ? scope.states.input : await evaluate(state.Items, scope, run.runtime)
  if (!Array.isArray(items)) throw new AslError('States.QueryEvaluationError', 'Items is not an array')
  return items
}

async function readItems(reader: NonNullable<MapState['ItemReader']>, place: Place): Promise<readonly unknown[]> {
  const { runtime } = place.run
  if (!runtime.readItems) throw new AslError('States.Runtime', `nothing here reads items from ${reader.Resource}`)
  const args = await evaluate(reader.Arguments ?? {}, place.scope, runtime)
  try {
    const items = await runtime.readItems(reader, args)
    return items.slice(0, reader.ReaderConfig?.MaxItems)
  } catch (error) {
    throw new AslError('States.ItemReaderFailed', aslError(error).message, { cause: error })
  }
}

async function selected(
  state: MapState,
  { items, scope, run }: Place & { readonly items: readonly unknown[] },
): Promise<readonly unknown[]> {
  const selector = state.ItemSelector
  if (selector === undefined) return items
  return Promise.all(
    items.map((item, index) => {
      const context: Context = { ...scope.states.context, Map: { Item: { Index: index, Value: item } } }
      return evaluate(selector, { ...scope, states: { ...scope.states, context } }, run.runtime)
    }),
  )
}

/** Groups of at most so many items and bytes; an item that is too large by itself makes its own group. */
async function batched(
  batcher: ItemBatcher | undefined,
  items: readonly unknown[],
  place: Place,
): Promise<readonly unknown[]> {
  if (!batcher) return items
  const extra =
    batcher.BatchInput === undefined
      ? {}
      : { BatchInput: await evaluate(batcher.BatchInput, place.scope, place.run.runtime) }
  const { MaxItemsPerBatch: itemsMax = Infinity, MaxInputBytesPerBatch: bytesMax = Infinity } = batcher
  const groups: unknown[][] = []
  let bytes = 0
  for (const item of items) {
    const group = groups.at(-1)
    const itemBytes = jsonBytes(item)
    const fits = group !== undefined && group.length < itemsMax && bytes + itemBytes <= bytesMax
    bytes = fits ? bytes + itemBytes : itemBytes
    if (fits) group.push(item)
    else groups.push([item])
  }
  return groups.map(Items => ({ ...extra, Items }))
}

// --- Iterations ----------------------------------------------------------------------------------------------------

interface Work extends Place {
  readonly items: readonly unknown[]
  readonly units: readonly unknown[]
}

async function process(state: MapState, work: Work): Promise<readonly ItemResult[]> {
  const stopped = new AbortController()
  const run: Run = { ...work.run, signal: AbortSignal.any([work.run.signal, stopped.signal]) }
  const results: ItemResult[] = []
  const tolerated = toleratedFailures(state, work.units.length)
  let failures = 0
  try {
    await pool(work.units, await concurrency(state, work), async (unit, index) => {
      const result = await iterate(state, { index, unit, work: { ...work, run } })
      results[index] = result
      if (result.Status === 'SUCCEEDED') return
      if (!isDistributed(state)) throw new AslError(result.Error, result.Cause)
      failures += 1
      if (failures > tolerated)
        throw new AslError('States.ExceedToleratedFailureThreshold', `${failures} of ${work.units.length} items failed`)
    })
    return results
  } catch (error) {
    stopped.abort(error)
    // AWS writes what there is before the map run fails.
    if (state.ResultWriter) await writeResults(state, results.filter(Boolean), work)
    throw error
  }
}

async function concurrency(state: MapState, { scope, run }: Place): Promise<number> {
  const asked = state.MaxConcurrency === undefined ? 0 : await evaluateNumber(state.MaxConcurrency, scope, run.runtime)
  if (asked > 0) return asked
  return isDistributed(state) ? DISTRIBUTED_CONCURRENCY : INLINE_CONCURRENCY
}

function toleratedFailures(state: MapState, units: number): number {
  return Math.max(state.ToleratedFailureCount ?? 0, ((state.ToleratedFailurePercentage ?? 0) / 100) * units)
}

interface Iteration {
  readonly index: number
  readonly unit: unknown
  readonly work: Work
}

async function iterate(state: MapState, { index, unit, work }: Iteration): Promise<ItemResult> {
  const distributed = isDistributed(state)
  const context = distributed
    ? childExecution(work.run.context, { label: state.Label ?? 'Map', index, input: unit })
    : { ...work.run.context, Map: { Item: { Index: index, Value: work.items[index] } } }
  // A distributed iteration is an execution of its own and sees no outer variables.
  const variables = distributed ? {} : work.scope.variables
  try {
    const output = await work.run.runBranch(state.ItemProcessor, unit, variables, { ...work.run, context })
    return { Status: 'SUCCEEDED', Index: index, Input: unit, Output: output }
  } catch (error) {
    if (work.run.signal.aborted) throw error
    const { error: name, message } = aslError(error)
    return { Status: 'FAILED', Index: index, Input: unit, Error: name, Cause: message }
  }
}

function childExecution(
  parent: Context,
  child: { readonly label: string; readonly index: number; readonly input: unknown },
): Context {
  const name = `${child.label}:${child.index}`
  return {
    Execution: { ...parent.Execution, Id: `${parent.Execution.Id}/${name}`, Name: name, Input: child.input },
    StateMachine: { ...parent.StateMachine, Id: `${parent.StateMachine.Id}/${child.label}` },
  }
}

async function writeResults(state: MapState, results: readonly ItemResult[], place: Place): Promise<unknown> {
  const { runtime } = place.run
  const writer = state.ResultWriter
  if (!writer || !runtime.writeResults) throw new AslError('States.Runtime', 'nothing here writes results of a map')
  const args = await evaluate(writer.Arguments ?? {}, place.scope, runtime)
  try {
    return await runtime.writeResults(writer, args, results)
  } catch (error) {
    throw new AslError('States.ResultWriterFailed', aslError(error).message, { cause: error })
  }
}

/** At most `width` at a time; the first failure ends it, after which no new item starts. */
async function pool<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries()
  let failed = false
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return
      try {
        await work(item, index)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
}
