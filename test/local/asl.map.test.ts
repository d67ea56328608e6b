// Map: inline iterations and distributed child executions, with reader, selector, batcher, writer and tolerated failures.
import { expect, test } from 'vitest'
import type { ItemResult } from '#local/asl/runtime.ts'
import { execute } from '#local/asl.ts'
import type { MapState, StateMachine } from '#workflows/states-language.ts'
import { named, recording } from './virtual-clock.ts'

const options = { name: 'run', machine: 'test' }

const inline: MapState['ItemProcessor'] = {
  StartAt: 'T',
  States: { T: { Type: 'Task', Resource: 'r', End: true } },
}
const distributed: MapState['ItemProcessor'] = {
  ...inline,
  ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
}

const mapping = (more: Partial<MapState>): StateMachine => ({
  QueryLanguage: 'JSONata',
  StartAt: 'M',
  States: { M: { Type: 'Map', ItemProcessor: inline, End: true, ...more } },
})

test('outputs come in the order of the items, whichever is done first', async () => {
  const world = recording(async call => {
    await world.runtime.clock.sleep(10 - (call.arguments as number), call.signal)
    return (call.arguments as number) * 10
  })
  const execution = await execute(mapping({ Items: '{% $states.input.n %}' }), { n: [1, 2, 3] }, world.runtime, options)
  expect(execution).toEqual({ status: 'SUCCEEDED', output: [10, 20, 30] })
})

test('no items give an empty array', async () => {
  expect(await execute(mapping({}), [], recording(() => null).runtime, options)).toEqual({
    status: 'SUCCEEDED',
    output: [],
  })
})

test('ItemSelector and the iteration see index and value of the item', async () => {
  const world = recording(call => call.arguments)
  const machine = mapping({
    ItemSelector: {
      at: '{% $states.context.Map.Item.Index %}',
      of: '{% $states.context.Map.Item.Value %}',
      all: '{% $count($states.input) %}',
    },
  })
  expect(await execute(machine, ['a', 'b'], world.runtime, options)).toMatchObject({
    output: [
      { at: 0, of: 'a', all: 2 },
      { at: 1, of: 'b', all: 2 },
    ],
  })
})

test('never more than MaxConcurrency iterations at once', async () => {
  let running = 0
  let most = 0
  const world = recording(async call => {
    most = Math.max(most, ++running)
    await world.runtime.clock.sleep(1, call.signal)
    running -= 1
    return null
  })
  await execute(mapping({ MaxConcurrency: 3 }), Array(20).fill(0), world.runtime, options)
  expect(most).toBe(3)
})

test('inline: the first failure fails the state and no new iteration starts', async () => {
  const world = recording(call => {
    if (call.arguments === 2) throw named('Mine', 'second')
    return call.arguments
  })
  const execution = await execute(mapping({ MaxConcurrency: 1 }), [1, 2, 3], world.runtime, options)
  expect(execution).toEqual({ status: 'FAILED', error: 'Mine', cause: 'second' })
  expect(world.calls).toHaveLength(2)
})

test('inline iterations see the variables outside, distributed ones do not', async () => {
  const reading = (processor: MapState['ItemProcessor']): StateMachine => ({
    QueryLanguage: 'JSONata',
    StartAt: 'A',
    States: {
      A: { Type: 'Pass', Assign: { v: 1 }, Next: 'M' },
      M: {
        Type: 'Map',
        Items: [1],
        ItemProcessor: {
          ...processor,
          StartAt: 'P',
          States: { P: { Type: 'Pass', Output: '{% $exists($v) %}', End: true } },
        },
        End: true,
      },
    },
  })
  const { runtime } = recording(() => null)
  expect(await execute(reading(inline), {}, runtime, options)).toMatchObject({ output: [true] })
  expect(await execute(reading(distributed), {}, runtime, options)).toMatchObject({ output: [false] })
})

test('distributed: reader, limit of items, batches by count, batch input, child executions', async () => {
  const world = recording(call => ({ call: call.arguments, execution: call.context.Execution.Name }), {
    readItems: async (_reader, args) => [1, 2, 3, 4, 5, (args as { readonly Key: string }).Key],
  })
  const machine = mapping({
    Label: 'rewrite',
    ItemReader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'JSONL', MaxItems: 5 },
      Arguments: { Key: '{% $states.input.key %}' },
    },
    ItemBatcher: { MaxItemsPerBatch: 2, BatchInput: { key: '{% $states.input.key %}' } },
    ItemProcessor: distributed,
  })
  expect(await execute(machine, { key: 'k' }, world.runtime, options)).toEqual({
    status: 'SUCCEEDED',
    output: [
      { call: { BatchInput: { key: 'k' }, Items: [1, 2] }, execution: 'rewrite:0' },
      { call: { BatchInput: { key: 'k' }, Items: [3, 4] }, execution: 'rewrite:1' },
      { call: { BatchInput: { key: 'k' }, Items: [5] }, execution: 'rewrite:2' },
    ],
  })
})

test('batches hold at most so many bytes, and an item that is larger is alone', async () => {
  const world = recording(call => (call.arguments as { readonly Items: readonly string[] }).Items)
  const machine = mapping({ ItemBatcher: { MaxInputBytesPerBatch: 8 }, ItemProcessor: distributed })
  // As JSON these have 3, 3, 3 and 14 bytes.
  expect(await execute(machine, ['a', 'b', 'c', 'a long text!'], world.runtime, options)).toMatchObject({
    output: [['a', 'b'], ['c'], ['a long text!']],
  })
})

test('distributed: failures up to the tolerated number leave null, and the writer is told of them', async () => {
  let written: readonly ItemResult[] = []
  const world = recording(
    call => {
      if (call.arguments === 2) throw named('Mine', 'second')
      return 'ok'
    },
    {
      writeResults: async (_writer, args, results) => {
        written = results
        return { prefix: (args as { readonly Prefix: string }).Prefix }
      },
    },
  )
  const machine = mapping({ ItemProcessor: distributed, ToleratedFailureCount: 1 })
  expect(await execute(machine, [1, 2, 3], world.runtime, options)).toMatchObject({ output: ['ok', null, 'ok'] })
  const writing = mapping({
    ItemProcessor: distributed,
    ToleratedFailurePercentage: 34,
    ResultWriter: { Resource: 'arn:aws:states:::s3:putObject', Arguments: { Prefix: 'runs' } },
  })
  expect(await execute(writing, [1, 2, 3], world.runtime, options)).toMatchObject({ output: { prefix: 'runs' } })
  expect(written.map(result => result.Status)).toEqual(['SUCCEEDED', 'FAILED', 'SUCCEEDED'])
  expect(written[1]).toMatchObject({ Error: 'Mine', Cause: 'second', Input: 2, Index: 1 })
})

test('distributed: one failure more than tolerated fails the state', async () => {
  const world = recording(() => {
    throw named('Mine')
  })
  const machine = mapping({ ItemProcessor: distributed, ToleratedFailureCount: 1 })
  expect(await execute(machine, [1, 2], world.runtime, options)).toMatchObject({
    status: 'FAILED',
    error: 'States.ExceedToleratedFailureThreshold',
  })
})

test('a reader that fails is States.ItemReaderFailed', async () => {
  const world = recording(() => null, {
    readItems: async () => {
      throw new Error('no such key')
    },
  })
  const machine = mapping({ ItemReader: { Resource: 'r' }, ItemProcessor: distributed })
  expect(await execute(machine, {}, world.runtime, options)).toMatchObject({
    error: 'States.ItemReaderFailed',
    cause: 'no such key',
  })
})
