// A record that comes out of quarantine is a repeat when its key has come meanwhile, and superseded then; and it is none of itself, however often it is
// released and whatever died. A replay of its object keeps the account.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { KILLS_TIMEOUT, killStride } from '../kills.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { applied, orders, refine } from '../publish/refining.ts'
import { lines } from '../quality/batches.ts'
import { account, held, placedRows, select, settled } from './releasing.ts'

const publish = { mode: 'append', dedupe: { key: 'id', within: '1 hour' } } as const
const id = { type: 'long', required: true } as const
const strict = orders({ columns: { id, v: { type: 'string', required: true }, day: 'date' }, publish })
const wide = orders({ columns: { id, v: 'string', day: 'date' }, publish })

/** Three records of the first object are refused; one of them has come with another object since. */
async function scene() {
  const lake = memoryLake()
  await applied(lake, strict, 'b1', { 1: lines({ id: 1, v: 'a' }, { id: 2 }, { id: 3 }, { id: 3 }) })
  await applied(lake, strict, 'b2', { 2: lines({ id: 2, v: 'b' }) })
  return lake
}

const ROWS = ['1 a @1.1', '3 @1.3', '2 b @2.1']

test('what has come meanwhile, and what is released twice, is superseded', async () => {
  const lake = await scene()
  expect(await account(lake, 'b1', 1)).toBe('4 = 1 + 3 + 0 + 0')
  await settled(lake, wide)
  expect(await placedRows(lake)).toEqual(ROWS)
  expect(await held(lake)).toEqual([])
  expect(await account(lake, 'b1', 1)).toBe('4 = 2 + 0 + 2 + 0')
  await applied(lake, wide, 'b3', { 1: lines({ id: 1, v: 'a' }, { id: 2 }, { id: 3 }, { id: 3 }) })
  expect(await placedRows(lake)).toEqual(ROWS)
  expect(await account(lake, 'b3', 1)).toBe('4 = 2 + 0 + 2 + 0')
  lake.dispose()
})

test('dying at any call, then the same batch again, or what is left', { timeout: KILLS_TIMEOUT }, async () => {
  const first = await scene()
  const { batches } = await select(first, wide)
  const calls = await countCalls(first, lake => refine(lake, wide, batches[0] as string))
  first.dispose()
  const stride = killStride(6)
  for (let at = 0; at < calls; at += stride) {
    const lake = await scene()
    const where = `after call ${at}`
    const selected = await select(lake, wide)
    await dieAt(lake, { at, side: 'after' }, dying => refine(dying, wide, selected.batches[0] as string))
    if (at % 2 === 0) await settled(lake, wide)
    await refine(lake, wide, selected.batches[0] as string)
    expect(await placedRows(lake), where).toEqual(ROWS)
    expect(await held(lake), where).toEqual([])
    expect(await account(lake, 'b1', 1), where).toBe('4 = 2 + 0 + 2 + 0')
    lake.dispose()
  }
})
