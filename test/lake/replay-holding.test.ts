// Which batches of which replays took a raw object again is told by the documents of the replays alone: those of its dataset that were planned after it
// landed, in the order of planning, and of each the items that can hold it. Objects that land in one millisecond are in different items.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatDocument } from '#lake/batch.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { itemsUri, objectsUri, planUri, type ReplayItem } from '#lake/replay-documents.ts'
import { replaysHolding } from '#lake/replay-holding.ts'
import { ulid } from '#lake/ulid.ts'

let lake: MemoryLake
let read: string[]
beforeEach(() => {
  read = []
  lake = memoryLake({
    storageFaults: async (moment, uri) => {
      if (moment === 'before get') read.push(uri)
    },
  })
})
afterEach(() => lake.dispose())

/** The id of the object that landed at that second, the first or another of its millisecond. */
const at = (second: number, other = 0): string => ulid(1_000_000 + second * 1_000, new Uint8Array(10).fill(other))

async function planned(number: number, { plannedSecond, dataset = 'orders', into, items }: Planned): Promise<void> {
  const id = `r${number}`
  const plan = { id, attempt: 'a', dataset, table: into ?? dataset, plannedMs: 1_000_000 + plannedSecond * 1_000 }
  const put = (uri: string, document: unknown) => lake.storage.put(uri, Buffer.from(formatDocument(document)))
  const list: ReplayItem[] = items.map((objects, item) => ({
    detail: { dataset, batch: ulid(1_000_000 + secondOf(objects[0] as string), new Uint8Array(10).fill(200 + item)) },
    ...{ replay: id, item, objects: objects.length, bytes: 1 },
  }))
  for (const [item, ids] of items.entries())
    await put(objectsUri(lake, plan, item), { objects: ids.map(each => ({ id: each, uri: `u/${each}`, bytes: 1 })) })
  await put(itemsUri(lake, plan), list)
  await put(planUri(lake, id), plan)
}

interface Planned {
  readonly plannedSecond: number
  readonly dataset?: string
  readonly into?: string
  /** Ids of the objects of each. */
  readonly items: readonly (readonly string[])[]
}

const TIMES = Array.from({ length: 20 }, (_, second) => second)
const secondOf = (id: string): number =>
  (TIMES.find(second => at(second).slice(0, 10) === id.slice(0, 10)) ?? 0) * 1_000

const held = async (...rawObjects: readonly string[]): Promise<readonly string[]> => {
  const found = await replaysHolding(lake, { dataset: 'orders', rawObjects })
  return found.map(({ replay, table, rawObjects: own }) => `${replay} ${table} ${own.length}`)
}

test('in the order of planning, with the table that each was for', async () => {
  await planned(1, { plannedSecond: 12, into: 'beside', items: [[at(1), at(2)]] })
  await planned(2, { plannedSecond: 11, items: [[at(1)], [at(3)]] })
  expect(await held(at(1))).toEqual(['r2 orders 1', 'r1 beside 1'])
  expect(await held(at(2))).toEqual(['r1 beside 1'])
  expect(await held(at(4))).toEqual([])
  const [first] = await replaysHolding(lake, { dataset: 'orders', rawObjects: [at(3)] })
  expect(first).toMatchObject({ replay: 'r2', plannedMs: 1_011_000, rawObjects: [at(3)] })
  expect(first?.batch.slice(0, 10)).toBe(at(3).slice(0, 10))
})

test('several objects: each batch says which of them it holds, and is named once', async () => {
  await planned(1, { plannedSecond: 12, items: [[at(1), at(2)], [at(3), at(5)], [at(7)]] })
  const found = await replaysHolding(lake, { dataset: 'orders', rawObjects: [at(5), at(1), at(3), at(6)] })
  expect(found.map(each => each.rawObjects)).toEqual([[at(1)], [at(3), at(5)]])
  expect(await held()).toEqual([])
})

test('batches that begin in the millisecond in which an object landed are all looked into', async () => {
  await planned(1, { plannedSecond: 12, items: [[at(1), at(4, 1)], [at(4, 2)], [at(4, 3), at(5)], [at(6)]] })
  for (const other of [1, 2, 3]) expect(await held(at(4, other)), String(other)).toEqual(['r1 orders 1'])
})

test('what cannot hold it is not read', async () => {
  await planned(1, { plannedSecond: 2, items: [[at(1)]] })
  await planned(2, { plannedSecond: 12, dataset: 'others', items: [[at(5)]] })
  await planned(3, { plannedSecond: 12, items: [[at(1)], [at(3)], [at(4), at(5)], [at(8)]] })
  read = []
  expect(await held(at(5))).toEqual(['r3 orders 1'])
  const objects = read.filter(uri => uri.includes('/objects-'))
  expect(objects).toEqual([objectsUri(lake, { id: 'r3', attempt: 'a' }, 2)])
  expect(read.filter(uri => uri.includes('/items-'))).toHaveLength(1)
})

test('a replay that was never planned to the end holds nothing', async () => {
  await planned(1, { plannedSecond: 12, items: [[at(1)]] })
  await lake.storage.delete(planUri(lake, 'r1'))
  expect(await held(at(1))).toEqual([])
})
