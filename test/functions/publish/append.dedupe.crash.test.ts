// Publishing without repeats may die at any call, before or after it has its effect. Whoever publishes the batch again, or has committed the same
// rows in the meantime, leaves each row once and every account in balance.
import { expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import type { Lake } from '#lake/lake.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { lines } from '../quality/batches.ts'
import { applied, commitReport, counts, land, orders, rows, snapshots } from './refining.ts'

const dataset = orders({
  columns: { id: { type: 'long', required: true }, v: 'string', day: 'date' },
  publish: { mode: 'append', dedupe: { key: 'id', within: '1 hour' } },
})

/** SLUICE_KILLS=all dies at every call, on both sides of its effect. */
const STRIDE = killStride(3)

/** b1 is there; b2 repeats a row of it and one of its own, and takes an object of b1 again: every branch that writes. */
async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await applied(lake, dataset, 'b1', { 1: lines({ id: 1, v: 'a' }), 2: lines({ id: 2, v: 'b' }) })
  await land(lake, dataset, 'b2', {
    2: lines({ id: 2, v: 'b' }),
    3: lines({ id: 1, v: 'x' }, { id: 3, v: 'c' }, { id: 3, v: 'y' }, 'junk'),
  })
  await quality(lake, dataset, { batch: 'b2' })
  return lake
}

const publishing = (lake: Lake) => publish(lake, dataset, { batch: 'b2' })

async function check(lake: MemoryLake, where: string): Promise<void> {
  expect(await rows(lake), where).toEqual(['1 a', '2 b', '3 c'])
  expect((await commitReport(lake, 'b2')).objects.map(counts).toSorted(), where).toEqual([
    '1 = 1 + 0 + 0',
    '4 = 1 + 1 + 2',
  ])
}

test('dying at any call, then published again', { timeout: KILLS_TIMEOUT }, async () => {
  const undisturbed = await scene()
  const calls = await countCalls(undisturbed, publishing)
  await check(undisturbed, 'undisturbed')
  expect(calls).toBeGreaterThan(20)
  for (let at = 0; at < calls; at += STRIDE)
    for (const side of ['before', 'after'] as const) {
      const lake = await scene()
      const where = `${side} call ${at}`
      expect(await dieAt(lake, { at, side }, publishing), where).toBe('dead')
      await publishing(lake)
      await check(lake, where)
      expect(await snapshots(lake), where).toHaveLength(2)
      lake.dispose()
    }
  undisturbed.dispose()
})

test('dying at any call, while another batch commits the same rows', { timeout: KILLS_TIMEOUT }, async () => {
  const undisturbed = await scene()
  const calls = await countCalls(undisturbed, publishing)
  undisturbed.dispose()
  for (let at = 0; at < calls; at += 2 * STRIDE) {
    const lake = await scene()
    const where = `after call ${at}`
    await dieAt(lake, { at, side: 'after' }, publishing)
    await applied(lake, dataset, 'b3', { 4: lines({ id: 3, v: 'z' }) })
    await publishing(lake)
    const [own, other] = await Promise.all(['b2', 'b3'].map(batch => commitReport(lake, batch)))
    expect(
      (await rows(lake)).map(row => row.split(' ')[0]),
      where,
    ).toEqual(['1', '2', '3'])
    const applies = [...(own?.objects ?? []), ...(other?.objects ?? [])].reduce((sum, each) => sum + each.applied, 0)
    // The second row of the object that was in b1 as well, and the third, which one of the two has brought.
    expect(applies, where).toBe(2)
    lake.dispose()
  }
})
