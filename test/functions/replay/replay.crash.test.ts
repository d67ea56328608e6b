// A replay may be killed at any call to the world, with the effect of that call or without it. Resumed, it ends as one that was never
// disturbed: every row once, in the table that it is for, and one report that says so.
import { expect, test } from 'vitest'
import { control, planReplay, replayProgress, replayRequest } from '#functions/replay/replay.ts'
import { defineDataset } from '#lake/dataset.ts'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import type { Lake } from '#lake/lake.ts'
import { runReplay } from '#local/executions.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls, mortal, type Side } from '../mortal.ts'
import { ids, landed, refusedReasons, replayLake, world } from './replaying.ts'

const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true } },
})

const lines = (...ids: readonly number[]): string => ids.map(id => `{"id": ${id}}\n`).join('')

async function scene(): Promise<MemoryLake> {
  const lake = replayLake()
  await landed(lake, [orders], { key: 'orders/a', text: lines(1, 2) })
  await landed(lake, [orders], { key: 'orders/b', text: `${lines(3)}junk\n` })
  await landed(lake, [orders], { key: 'orders/b', text: `${lines(3)}junk\n` })
  await landed(lake, [orders], { key: 'orders/c', text: lines(4), refined: false })
  return lake
}

const REQUEST = { dataset: 'orders', mode: 'all', grace: 0 }
const limits = { objectsMax: 2, bytesMax: 1_000 }

/** As the command line does it: plan, start, run. Whoever does it again goes on with what is there. */
async function replayAll(lake: Lake, bed: MemoryLake, into: string | undefined): Promise<void> {
  const request = replayRequest([orders], { ...REQUEST, ...(into === undefined ? {} : { into }) })
  const plan = await planReplay(lake, 'r1', request, { limits })
  const begun = await control(lake, plan.id, 'start')
  const progress = await replayProgress(lake, plan.id)
  if (progress.state === 'finished') return
  const isFirst = begun.generation === 1 && progress.done.items === 0 && begun.sequence === 1
  const { generation } = isFirst ? begun : await control(lake, plan.id, 'resume')
  await runReplay(world({ ...bed, ...lake } as MemoryLake, [orders]), {
    name: `r1-${generation}`,
    input: { replay: plan.id, generation },
  })
}

/** What the operating system does for a process that died: sessions of the engine are closed. */
function buried(lake: MemoryLake): { readonly lake: MemoryLake; readonly bury: () => Promise<unknown> } {
  const sessions: Session[] = []
  const open: Lake['engine']['open'] = async options => {
    const session = await lake.engine.open(options)
    sessions.push(session)
    return session
  }
  return {
    lake: { ...lake, engine: { open } },
    bury: () => Promise.all(sessions.map(session => session.close().catch(() => undefined))),
  }
}

async function killedAt(
  bed: MemoryLake,
  death: { readonly at: number; readonly side: Side },
  into: string | undefined,
) {
  const { lake, bury } = buried(bed)
  const process = mortal(lake, death)
  const run = replayAll(process.lake, bed, into).then(() => 'done' as const)
  const end = await Promise.race([run, process.dead])
  await bury()
  return end
}

async function check(lake: MemoryLake, table: string, where: string): Promise<void> {
  expect(await ids(lake, table), where).toEqual([1, 2, 3, 4])
  expect(await refusedReasons(lake, `${table}__quarantine`), where).toEqual(['json junk'])
  const { state, done, report } = await replayProgress(lake, 'r1')
  expect({ state, done: done.items, report }, where).toMatchObject({
    state: 'finished',
    done: 2,
    report: { committed: 2, halted: 0, failed: 0, waiting: 0, rows: 4, quarantined: 1 },
  })
}

test.each([
  ['into the table itself', undefined, 11],
  ['into a table beside', 'beside', 13],
])(
  '%s: killed at a call, then resumed',
  async (_where, into, stride) => {
    const bed = await scene()
    const calls = await countCalls(bed, lake => replayAll(lake, bed, into))
    await check(bed, into ?? 'orders', 'undisturbed')
    expect(calls).toBeGreaterThan(100)
    const every = killStride(stride)
    let died = 0
    for (let at = 0; at < calls; at += every)
      for (const side of ['before', 'after'] as const) {
        const lake = await scene()
        const where = `${side} call ${at}`
        if ((await killedAt(lake, { at, side }, into)) === 'dead') died++
        await replayAll(lake, lake, into)
        await check(lake, into ?? 'orders', where)
        lake.dispose()
      }
    expect(died).toBeGreaterThan((2 * calls) / every - 6)
  },
  KILLS_TIMEOUT,
)
