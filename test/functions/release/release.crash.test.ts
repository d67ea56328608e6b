// A release that dies at any call, before or after it has its effect, has lost no record, and none is in the table twice: not when the same
// batch runs again, and not when somebody selects what is left. The same holds for a drop.
import { expect, test } from 'vitest'
import type { Dataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { applied, orders, refine, snapshots } from '../publish/refining.ts'
import { lines } from '../quality/batches.ts'
import { account, held, placedRows, select, settled } from './releasing.ts'

/** SLUICE_KILLS=all dies at every call, which takes minutes. */
const STRIDE = killStride(5)

const required = { id: { type: 'long', required: true }, v: 'string', day: 'date' } as const
const strict = orders({ columns: required })
const wide = orders()
const strictExtract = orders({ columns: required, publish: 'replace' })
const wideExtract = orders({ publish: 'replace' })

async function scene(before: Dataset, after: Dataset, action: 'release' | 'drop') {
  const lake = memoryLake()
  await applied(lake, before, 'b1', { 1: lines({ id: 1, v: 'a' }, { v: 'b' }, { id: 'x' }) })
  const { batches } = await select(lake, after, { action })
  return { lake, batch: batches[0] as string }
}

const ENDS = {
  release: { rows: ['1 a @1.1', 'b @1.2'], held: ['type:id @1.3 of b1'], account: '3 = 2 + 1 + 0 + 0' },
  drop: { rows: ['1 a @1.1'], held: [], account: '3 = 1 + 0 + 0 + 2' },
} as const

async function check(lake: MemoryLake, action: 'release' | 'drop', where: string): Promise<void> {
  const end = ENDS[action]
  expect(await placedRows(lake), where).toEqual(end.rows)
  expect(await held(lake), where).toEqual(end.held)
  expect(await account(lake, 'b1', 1), where).toBe(end.account)
}

/** At every moment: no row twice, no record lost, and an account in balance. */
async function checkHalfway(lake: MemoryLake, action: 'release' | 'drop', where: string): Promise<void> {
  const places = (texts: readonly string[]) => texts.map(text => /@\d+\.\d+/.exec(text)?.[0])
  const rows = places(await placedRows(lake))
  expect(new Set(rows).size, where).toBe(rows.length)
  if (action === 'release')
    expect(new Set([...rows, ...places(await held(lake))]), where).toEqual(new Set(['@1.1', '@1.2', '@1.3']))
  const [read, sum] = (await account(lake, 'b1', 1)).split(' = ')
  expect(
    (sum as string).split(' + ').reduce((total, each) => total + Number(each), 0),
    where,
  ).toBe(Number(read))
}

const CASES = [
  ['release', 'append', strict, wide],
  ['release', 'replace', strictExtract, wideExtract],
  ['drop', 'append', strict, wide],
] as const

test.each(CASES)(
  '%s, %s: dying at any call, then the same batch again',
  { timeout: KILLS_TIMEOUT },
  async (...setting) => {
    const [action, , before, after] = setting
    const first = await scene(before, after, action)
    const calls = await countCalls(first.lake, lake => refine(lake, after, first.batch))
    expect(calls).toBeGreaterThan(20)
    for (let at = 0; at < calls; at += STRIDE) {
      // Dying after one call and before the next are nearly the same: the state is, what the process knows is not.
      const side = at % 2 === 0 ? 'before' : 'after'
      const { lake, batch } = await scene(before, after, action)
      const where = `${side} call ${at}`
      expect(await dieAt(lake, { at, side }, dying => refine(dying, after, batch)), where).toBe('dead')
      await checkHalfway(lake, action, where)
      await refine(lake, after, batch)
      await check(lake, action, where)
      expect(await snapshots(lake), where).toHaveLength(2)
      lake.dispose()
    }
  },
)

test.each(CASES)(
  '%s, %s: dying at any call, then what is left is selected anew',
  { timeout: KILLS_TIMEOUT },
  async (...setting) => {
    const [action, , before, after] = setting
    const first = await scene(before, after, action)
    const calls = await countCalls(first.lake, lake => refine(lake, after, first.batch))
    for (let at = 0; at < calls; at += 2) {
      const { lake, batch } = await scene(before, after, action)
      await dieAt(lake, { at, side: 'after' }, dying => refine(dying, after, batch))
      await settled(lake, after, { action })
      const where = `after call ${at}`
      expect(await placedRows(lake), where).toEqual(ENDS[action].rows)
      expect(await held(lake), where).toEqual(ENDS[action].held)
      await refine(lake, after, batch)
      await check(lake, action, `${where}, and then the first batch goes on`)
      lake.dispose()
    }
  },
)
