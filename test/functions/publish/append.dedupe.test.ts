// A dataset that declares `dedupe` has one row for each key whose objects landed within the window of each other, whatever is delivered twice: within
// an object, in one batch, in another one, or in two that commit at the same moment. What was left out is superseded, and every account is in balance.
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { measureDataset } from '#functions/watch/measure.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { lines } from '../quality/batches.ts'
import { applied, commitReport, counts, land, orders, refine, rows, snapshots } from './refining.ts'

const columns = { id: { type: 'long', required: true }, v: 'string', day: 'date' } as const
/** Objects land a second apart from each other, by their numbers: 60 is within a minute of 1, 62 is not. */
const dataset = orders({
  columns,
  publish: { mode: 'append', dedupe: { key: 'id', within: '1 minute' } },
  compaction: { minFiles: 2 },
})

let lake: MemoryLake
beforeEach(() => {
  lake = memoryLake()
})
afterEach(() => lake.dispose())

const accounts = async (batch: string) => (await commitReport(lake, batch)).objects.map(counts)

test('within an object and between objects of a batch the first to have landed stays', async () => {
  await applied(lake, dataset, 'b1', {
    2: lines({ id: 1, v: 'late' }, { id: 3, v: 'c' }),
    1: lines({ id: 1, v: 'a' }, { id: 2, v: 'b' }, { id: 1, v: 'again' }, 'junk'),
  })
  expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c'])
  expect((await accounts('b1')).toSorted()).toEqual(['2 = 1 + 0 + 1', '4 = 2 + 1 + 1'])
})

test('what is in the table stays, and rows of the repeat that are new come', async () => {
  await applied(lake, dataset, 'b1', { 1: lines({ id: 1, v: 'a' }, { id: 2, v: 'b' }) })
  await applied(lake, dataset, 'b2', { 2: lines({ id: 2, v: 'x' }, { id: 3, v: 'c' }) })
  await applied(lake, dataset, 'b3', { 3: lines({ id: 2, v: 'y' }) })
  expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c'])
  expect([await accounts('b2'), await accounts('b3')]).toEqual([['2 = 1 + 0 + 1'], ['1 = 0 + 0 + 1']])
  expect((await measureDataset(lake, dataset)).completeness).toMatchObject({
    put: 5,
    queryable: 3,
    superseded: 2,
    missing: 0,
  })
})

test('further apart than the window it is another row, with a window of its own', async () => {
  await applied(lake, dataset, 'b1', { 1: lines({ id: 1, v: 'first' }) })
  await applied(lake, dataset, 'b2', { 61: lines({ id: 1, v: 'repeat' }) })
  await applied(lake, dataset, 'b3', { 62: lines({ id: 1, v: 'another' }), 90: lines({ id: 1, v: 'repeat' }) })
  expect(await rows(lake)).toEqual(['1 first', '1 another'])
})

test('the same in one batch, over many windows', async () => {
  const objects = Object.fromEntries(Array.from({ length: 20 }, (_none, at) => [at * 31, lines({ id: 1, v: `${at}` })]))
  await applied(lake, dataset, 'b1', objects)
  // 0 s, then the first beyond 60 s, which is 62 s, and so on.
  expect(await rows(lake)).toEqual(['0', '2', '4', '6', '8', '10', '12', '14', '16', '18'].map(v => `1 ${v}`))
})

test('what lands before the row that is there, and is applied after it, is a repeat too', async () => {
  await applied(lake, dataset, 'b1', { 30: lines({ id: 1, v: 'there' }) })
  await applied(lake, dataset, 'b2', { 2: lines({ id: 1, v: 'late' }) })
  expect(await rows(lake)).toEqual(['1 there'])
})

test('an object that is applied again replaces its own rows, and is no repeat of itself', async () => {
  const [first, second] = [lines({ id: 1, v: 'a' }, { id: 2, v: 'b' }), lines({ id: 2, v: 'x' }, { id: 3, v: 'c' })]
  await applied(lake, dataset, 'b1', { 1: first })
  await applied(lake, dataset, 'b2', { 2: second })
  await applied(lake, dataset, 'b3', { 2: second })
  await applied(lake, dataset, 'b4', { 1: first })
  await applied(lake, dataset, 'b5', { 1: first, 2: second })
  expect(await rows(lake)).toEqual(['1 a', '2 b', '3 c'])
  expect((await accounts('b5')).toSorted()).toEqual(['2 = 1 + 0 + 1', '2 = 2 + 0 + 0'])
})

test('keys of several columns are compared by all of them', async () => {
  const both = orders({
    columns: { ...columns, day: { type: 'date', required: true } },
    publish: { mode: 'append', dedupe: { key: ['id', 'day'], within: '1 minute' } },
    partitionBy: ['day'],
  })
  const [one, two] = ['2025-01-01', '2025-01-02']
  await applied(lake, both, 'b1', { 1: lines({ id: 1, v: 'a', day: one }) })
  await applied(lake, both, 'b2', { 2: lines({ id: 1, v: 'b', day: two }, { id: 1, v: 'c', day: one }) })
  expect(await rows(lake)).toEqual(['1 a', '1 b'])
})

test('a compaction changes nothing of it', async () => {
  await applied(lake, dataset, 'b1', { 1: lines({ id: 1, v: 'a' }) })
  await applied(lake, dataset, 'b2', { 2: lines({ id: 2, v: 'b' }) })
  await compact(lake, { table: 'orders' }, { datasets: [dataset] })
  await applied(lake, dataset, 'b3', { 3: lines({ id: 1, v: 'x' }, { id: 2, v: 'y' }) })
  expect(await rows(lake)).toEqual(['1 a', '2 b'])
  expect(await accounts('b3')).toEqual(['2 = 0 + 0 + 2'])
})

test('two batches with the same rows at the same time: one brings each, the other finds it', async () => {
  for (let round = 0; round < 4; round++) {
    const [one, two] = [`a${round}`, `b${round}`]
    const ids = [1, 2, 3].map(id => ({ id: round * 10 + id, v: 'v' }))
    await land(lake, dataset, one, { [1 + 2 * round]: lines(...ids) })
    await land(lake, dataset, two, { [2 + 2 * round]: lines(...ids) })
    await Promise.all([one, two].map(batch => quality(lake, dataset, { batch })))
    await Promise.all([one, two].map(batch => publish(lake, dataset, { batch })))
    expect((await rows(lake)).length).toBe(3 * (round + 1))
    expect([...(await accounts(one)), ...(await accounts(two))].toSorted()).toEqual(['3 = 0 + 0 + 3', '3 = 3 + 0 + 0'])
  }
})

test('a batch that is published again says the same, also when its snapshot has to tell', async () => {
  await applied(lake, dataset, 'b1', { 1: lines({ id: 1, v: 'a' }) })
  await applied(lake, dataset, 'b2', { 2: lines({ id: 1, v: 'x' }, { id: 2, v: 'b' }) })
  const before = await commitReport(lake, 'b2')
  await lake.storage.delete(`${lake.zones.ops}/batches/orders/b2/commit.json`)
  await refine(lake, dataset, 'b2')
  expect(await commitReport(lake, 'b2')).toEqual(before)
  expect(await snapshots(lake)).toHaveLength(2)
})

/** Which keys each object has, and how the objects are cut into batches. */
const deliveries = fc.record({
  objects: fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }), {
    minLength: 1,
    maxLength: 6,
  }),
  order: fc.array(fc.nat(5), { minLength: 1, maxLength: 8 }),
})

test('any keys, in any order and batches, again and again: each once', async () => {
  await fc.assert(
    fc.asyncProperty(deliveries, async ({ objects, order }) => {
      const own = memoryLake()
      const batches = [...order.map(at => [at % objects.length]), objects.map((_keys, at) => at)]
      let read = 0
      for (const [number, batch] of batches.entries()) {
        const landings = Object.fromEntries(
          batch.map(at => [at + 1, lines(...(objects[at] ?? []).map(id => ({ id, v: String(id) })))]),
        )
        await applied(own, dataset, `b${number}`, landings)
        read = (await commitReport(own, `b${number}`)).objects.reduce((sum, each) => sum + each.read, 0)
      }
      const keys = [...new Set(objects.flat())]
      expect((await rows(own)).toSorted()).toEqual(keys.map(id => `${id} ${id}`).toSorted())
      // The last batch has all objects: its account is that of the table.
      const last = (await commitReport(own, `b${batches.length - 1}`)).objects
      expect(last.reduce((sum, each) => sum + each.applied, 0)).toBe(keys.length)
      expect(last.reduce((sum, each) => sum + each.applied + each.superseded, 0)).toBe(read)
      own.dispose()
    }),
    { numRuns: 6, seed: 20_260_401 },
  )
}, 120_000)
