// A process may die before or after any call. Whatever it left, delivering the event again (once, twice, or in other groups) ends with
// every object in raw once, in a batch that its landed record names, announced; an object in two batches is the same in both.
import { expect, test } from 'vitest'
import { ingest } from '../../../functions/ingest/ingest.ts'
import { manifestUri } from '../../../lake/batch.ts'
import { memoryLake } from '../../../lake/disk/disk-lake.ts'
import type { Lake } from '../../../lake/lake.ts'
import { created, dataset, drop, landed, manifests, queue, returns, uris } from './landing.ts'

type Side = 'before' | 'after'

/** A lake whose process dies at port call number `at`: that call and all later ones never answer, and only `after` has its effect. */
function mortal(lake: Lake, at: number, side: Side) {
  let calls = 0
  const dead = Promise.withResolvers<'dead'>()
  const never = new Promise<never>(() => {})
  const port = <P extends object>(inner: P): P =>
    new Proxy(inner, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return async (...args: unknown[]) => {
          const call = calls++
          if (call < at) return method.apply(target, args)
          if (call === at && side === 'after') await method.apply(target, args)
          dead.resolve('dead')
          return never
        }
      },
    })
  const mortalLake: Lake = { ...lake, storage: port(lake.storage), catalog: port(lake.catalog), bus: port(lake.bus) }
  return { lake: mortalLake, dead: dead.promise, calls: () => calls }
}

const orders = dataset('orders', { raw: { partitions: 'registered' } })
const datasets = [orders, returns]

/** Two versions with the same bytes, a second dataset, a rejection: every branch that writes. */
async function landing() {
  const lake = memoryLake()
  for (const [key, text] of [
    ['orders/a', 'one'],
    ['orders/b', 'two'],
    ['orders/a', 'one'],
    ['returns/c', 'one'],
    ['elsewhere/d', 'one'],
  ] as const)
    await drop(lake, key, text)
  const events = [
    created(lake, 'orders/a', 'v1'),
    created(lake, 'orders/b', 'v2'),
    created(lake, 'orders/a', 'v3'),
    created(lake, 'returns/c', 'v4'),
    created(lake, 'elsewhere/d', 'v5'),
  ]
  return { lake, events }
}

async function dieAt(lake: Lake, events: readonly unknown[], at: number, side: Side): Promise<'dead' | 'done'> {
  const process = mortal(lake, at, side)
  const run = ingest(process.lake, datasets, queue(...events)).then(() => 'done' as const)
  return Promise.race([run, process.dead])
}

/** What must hold at the end, whatever died on the way. */
async function check(lake: Awaited<ReturnType<typeof landing>>['lake'], where: string) {
  expect((await uris(lake, lake.zones.raw)).length, where).toBe(4)
  const batches = await manifests(lake)
  const records = await landed(lake)
  expect(records.length, where).toBe(5)
  const announced = new Set(lake.bus.published.map(event => event.detail['manifest']))
  const content = new Map<string, unknown>()
  for (const { objects } of batches)
    for (const object of objects) {
      expect(content.get(object.id) ?? object, where).toEqual(object)
      content.set(object.id, object)
    }
  for (const { outcome, rawObject, dataset: name } of records) {
    if (outcome.kind !== 'batched') continue
    const batch = batches.find(each => each.id === outcome.batch && each.dataset === name)
    expect(
      batch?.objects.map(object => object.id),
      where,
    ).toContain(rawObject)
    expect(announced, where).toContain(manifestUri(lake, name ?? '', outcome.batch))
  }
  const kinds = records.map(record => `${record.sourceUri.slice(-1)} ${record.outcome.kind}`)
  // Which of the two deliveries of the same bytes came first is open; that exactly one counts is not.
  expect(kinds.toSorted(), where).toEqual(['a batched', 'a duplicate', 'b batched', 'c batched', 'd rejected'])
  const rows = batches
    .filter(batch => announced.has(manifestUri(lake, batch.dataset, batch.id)))
    .flatMap(batch => batch.objects.map(object => object.id))
  return { duplicated: rows.length - new Set(rows).size }
}

const sides: readonly Side[] = ['before', 'after']

async function callsOfOneRun(): Promise<number> {
  const { lake, events } = await landing()
  const process = mortal(lake, Number.POSITIVE_INFINITY, 'before')
  await ingest(process.lake, datasets, queue(...events))
  return process.calls()
}

test('dying at any call, then the same event again: each object is in exactly one batch', async () => {
  const calls = await callsOfOneRun()
  expect(calls).toBeGreaterThan(35)
  for (let at = 0; at < calls; at++)
    for (const side of sides) {
      const { lake, events } = await landing()
      const where = `${side} call ${at}`
      expect(await dieAt(lake, events, at, side), where).toBe('dead')
      await ingest(lake, datasets, queue(...events))
      expect(await check(lake, where), where).toEqual({ duplicated: 0 })
    }
})

test('dying at any call, then each message alone, in reverse order: batches agree', async () => {
  const calls = await callsOfOneRun()
  for (let at = 0; at < calls; at++)
    for (const side of sides) {
      const { lake, events } = await landing()
      await dieAt(lake, events, at, side)
      for (const event of events.toReversed()) await ingest(lake, datasets, queue(event))
      await check(lake, `${side} call ${at}`)
    }
})

test('dying at any call, dying again at any third call of the second run, then the event once more', async () => {
  const calls = await callsOfOneRun()
  for (let first = 0; first < calls; first += 2)
    for (let second = first % 3; second < calls; second += 3) {
      const { lake, events } = await landing()
      await dieAt(lake, events, first, 'after')
      await dieAt(lake, events, second, 'after')
      await ingest(lake, datasets, queue(...events))
      const where = `after calls ${first} and ${second}`
      expect(await check(lake, where), where).toEqual({ duplicated: 0 })
    }
})

test('a second process at work on the same event while the first one dies changes nothing', async () => {
  const calls = await callsOfOneRun()
  for (let at = 0; at < calls; at++) {
    const { lake, events } = await landing()
    await Promise.all([dieAt(lake, events, at, 'after'), ingest(lake, datasets, queue(...events))])
    await check(lake, `beside call ${at}`)
  }
})
