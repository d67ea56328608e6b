// The process may die between any two calls to the world, with the effect of the last one or without it. Whoever runs the batch
// again, or is running it at the same time, ends with every row exactly once, one verdict and one commit report.
import { expect, test } from 'vitest'
import type { Dataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import type { Lake } from '#lake/lake.ts'
import { lines } from '../quality/batches.ts'
import { applied, commitReport, counts, land, orders, quarantined, refine, rows, snapshots } from './refining.ts'

type Side = 'before' | 'after'

/** A lake whose process dies at port call number `at`: that call and all later ones never answer, and only `after` has its effect. */
function mortal(lake: Lake, at: number, side: Side) {
  let calls = 0
  const dead = Promise.withResolvers<'dead'>()
  const never = new Promise<never>(() => {})
  const sessions: Session[] = []
  const port = <P extends object>(inner: P): P =>
    new Proxy(inner, {
      get: (target, name) => {
        const method = Reflect.get(target, name)
        // A page of a listing is no effect.
        if (typeof method !== 'function' || name === 'list') return method
        return async (...args: unknown[]) => {
          const call = calls++
          if (call < at) return method.apply(target, args)
          if (call === at && side === 'after') await method.apply(target, args)
          dead.resolve('dead')
          return never
        }
      },
    })
  const open: Lake['engine']['open'] = async options => {
    const session = await lake.engine.open(options)
    sessions.push(session)
    return session
  }
  return {
    lake: { ...lake, storage: port(lake.storage), catalog: port(lake.catalog), bus: port(lake.bus), engine: { open } },
    dead: dead.promise,
    calls: () => calls,
    /** What the operating system does for a process that died. */
    bury: () => Promise.all(sessions.map(session => session.close().catch(() => undefined))),
  }
}

async function dieAt(lake: Lake, dataset: Dataset, at: number, side: Side): Promise<'dead' | 'done'> {
  const process = mortal(lake, at, side)
  const run = refine(process.lake, dataset, 'b2').then(() => 'done' as const)
  const end = await Promise.race([run, process.dead])
  await process.bury()
  return end
}

/** b1 is published; b2 brings one of its objects again and a new one: every branch that writes. */
async function scene(dataset: Dataset): Promise<MemoryLake> {
  const lake = memoryLake()
  await applied(lake, dataset, 'b1', { 1: lines({ id: 1, v: 'a' }, 'junk'), 2: lines({ id: 2, v: 'b' }) })
  await land(lake, dataset, 'b2', { 2: lines({ id: 2, v: 'b' }), 3: lines({ id: 3, v: 'c' }, { id: 'x' }) })
  return lake
}

const append = orders({ evolution: 'add' })
const replace = orders({ publish: 'replace' })

async function check(lake: Lake, dataset: Dataset, where: string): Promise<void> {
  const all = dataset.publish.mode === 'append' ? ['1 a', '2 b', '3 c'] : ['3 c']
  expect(await rows(lake), where).toEqual(all)
  expect(await quarantined(lake), where).toEqual(['json junk', 'type:id {"id":"x"}'])
  expect(await snapshots(lake), where).toHaveLength(2)
  expect(await snapshots(lake, 'orders__quarantine'), where).toHaveLength(2)
  const report = await commitReport(lake, 'b2')
  const b2 = dataset.publish.mode === 'append' ? ['1 = 1 + 0 + 0', '2 = 1 + 1 + 0'] : ['1 = 0 + 0 + 1', '2 = 1 + 1 + 0']
  expect(report.objects.map(counts), where).toEqual(b2)
  expect(report.snapshotId, where).toBe(String((await snapshots(lake)).at(-1)?.['snapshot-id']))
}

async function callsOfOneRun(dataset: Dataset): Promise<number> {
  const lake = await scene(dataset)
  const process = mortal(lake, Number.POSITIVE_INFINITY, 'before')
  await refine(process.lake, dataset, 'b2')
  lake.dispose()
  return process.calls()
}

test.each([
  ['append', append],
  ['replace', replace],
])(
  '%s: dying at any call, then running again',
  async (_mode, dataset) => {
    const calls = await callsOfOneRun(dataset)
    expect(calls).toBeGreaterThan(30)
    for (let at = 0; at < calls; at++)
      for (const side of ['before', 'after'] as const) {
        const lake = await scene(dataset)
        const where = `${side} call ${at}`
        expect(await dieAt(lake, dataset, at, side), where).toBe('dead')
        await refine(lake, dataset, 'b2')
        await check(lake, dataset, where)
        expect(lake.bus.published.filter(event => event.detail['batch'] === 'b2').length, where).toBeGreaterThan(0)
        lake.dispose()
      }
  },
  240_000,
)

test('dying at any call beside a run that lives', async () => {
  const calls = await callsOfOneRun(append)
  for (let at = 0; at < calls; at += 2) {
    const lake = await scene(append)
    await Promise.all([dieAt(lake, append, at, 'after'), refine(lake, append, 'b2')])
    await refine(lake, append, 'b2')
    await check(lake, append, `beside call ${at}`)
    lake.dispose()
  }
}, 240_000)
