// Contract: the process may die between any two calls to the world, with the effect of the last one or without it. Whoever applies the batch
// again, or applies another beside it, ends with the table of the source and with the counts of a run that lived.
import { expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import type { Lake } from '#lake/lake.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { applied, people, peopleRows, stageBatch } from './applying.ts'
import { play } from './source.ts'

/** Every branch that writes: rows that are new, replaced, deleted, moved with a value that stays behind, patched, and a truncate before. */
const { records, table } = play([
  { do: 'upsert', key: '9', bio: 'new' },
  { do: 'truncate' },
  { do: 'upsert', key: '1', bio: 'new' },
  { do: 'upsert', key: '2', bio: 'new' },
  { do: 'upsert', key: '3', bio: 'new' },
  { do: 'upsert', key: '1', bio: 'same' },
  { do: 'delete', key: '2', end: 'both' },
  { do: 'move', key: '3', to: '4', as: 'update' },
  { do: 'upsert', key: '5', bio: 'new' },
])
const EARLIER = records.slice(0, 5)
const BATCH = records.slice(5)
const dataset = people()
const rows = [...table].map(([key, { name, bio }]) => `${key} ${name ?? '-'} ${bio ?? '-'}`).toSorted()

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await applied(lake, dataset, 'b1', EARLIER)
  await stageBatch(lake, dataset, 'b2', BATCH)
  return lake
}

const apply = (lake: Lake) => cdcApply(lake, dataset, { batch: 'b2' })

async function expected() {
  const lake = await scene()
  const { counts } = await apply(lake)
  expect(await peopleRows(lake)).toEqual(rows)
  lake.dispose()
  return counts
}

test('dying at any call, then running again', async () => {
  const counts = await expected()
  const lake = await scene()
  const calls = await countCalls(lake, apply)
  lake.dispose()
  expect(calls).toBeGreaterThan(20)
  for (let at = 0; at < calls; at++)
    for (const side of ['before', 'after'] as const) {
      const dying = await scene()
      const where = `${side} call ${at}`
      expect(await dieAt(dying, { at, side }, apply), where).toBe('dead')
      expect((await apply(dying)).counts, where).toEqual(counts)
      expect(await peopleRows(dying), where).toEqual(rows)
      dying.dispose()
    }
}, 300_000)

test('two batches at once lose nothing, whichever commits first', async () => {
  for (const cut of [1, 3, 5, 6]) {
    const lake = memoryLake()
    await applied(lake, dataset, 'b0', EARLIER)
    await stageBatch(lake, dataset, 'b1', BATCH.slice(0, cut))
    await stageBatch(lake, dataset, 'b2', BATCH.slice(cut))
    await Promise.all(['b2', 'b1'].map(batch => cdcApply(lake, dataset, { batch })))
    expect(await peopleRows(lake), `cut after ${cut}`).toEqual(rows)
    lake.dispose()
  }
}, 60_000)
