// A redrive keeps to its rate, starts what a letter was about once however often it is repeated, and loses no letter wherever it dies.
import { expect, test } from 'vitest'
import { settleLetters } from '../../cli/dlq-settle.ts'
import { type MemoryLake, memoryLake } from '../../lake/disk/disk-lake.ts'
import { countCalls, dieAt, type Side } from '../functions/mortal.ts'

const filter = { queue: undefined, cause: undefined, match: undefined }
const redrive = { filter, how: 'redriven', rate: 10 } as const
const HELD_MS = 61_000

async function lakeWith(letters: number): Promise<MemoryLake> {
  const lake = memoryLake()
  for (let at = 0; at < letters; at++)
    await lake.deadLetters.keep({
      ...{ id: `letter-${at}`, queue: 'refine', cause: 'THROTTLING', message: 'm', sentMs: 0 },
      body: `{"detail":{"dataset":"orders","batch":"B${at}"}}`,
    })
  return lake
}

const started = (lake: MemoryLake) =>
  lake.workflows.started.map(({ machine, name, input }) => ({ machine, name, input }))

test('at most so many in a second', async () => {
  const lake = await lakeWith(25)
  const before = lake.clock.nowMs()
  expect((await settleLetters(lake, redrive)).done).toBe(25)
  expect(lake.clock.nowMs() - before).toBe(2_500)
  expect(started(lake)).toHaveLength(25)
})

test('the machine is started with the event, by the name of the letter: once', async () => {
  const lake = await lakeWith(1)
  await settleLetters(lake, redrive)
  const again = await lakeWith(1)
  for (const { machine, name, input } of started(lake)) await again.workflows.start(machine, { name, input })
  await settleLetters(again, redrive)
  expect(started(again)).toEqual([
    { machine: 'refine', name: 'redrive-letter-0', input: { detail: { dataset: 'orders', batch: 'B0' } } },
  ])
})

test('dying at any call and running again ends the same', async () => {
  const calls = await countCalls(await lakeWith(3), lake => settleLetters(lake, redrive))
  expect(calls).toBeGreaterThan(8)
  for (let at = 0; at < calls; at++)
    for (const side of ['before', 'after'] satisfies readonly Side[]) {
      const lake = await lakeWith(3)
      expect(await dieAt(lake, { at, side }, mortal => settleLetters(mortal, redrive))).toBe('dead')
      // What the dead process held comes back by itself.
      lake.clock.advance(HELD_MS)
      await settleLetters(lake, redrive)
      const names = started(lake).map(each => each.name)
      expect(names.toSorted(), `${side} ${at}`).toEqual(['redrive-letter-0', 'redrive-letter-1', 'redrive-letter-2'])
      expect(await lake.deadLetters.queues(), `${side} ${at}`).toEqual([])
    }
})

test('a letter that is given twice is sent once', async () => {
  const lake = await lakeWith(1)
  const take = lake.deadLetters.take.bind(lake.deadLetters)
  const twice: MemoryLake = {
    ...lake,
    deadLetters: {
      ...lake.deadLetters,
      take: async (queue, options) => {
        const letters = await take(queue, options)
        return [...letters, ...letters]
      },
    },
  }
  expect((await settleLetters(twice, redrive)).done).toBe(1)
})
