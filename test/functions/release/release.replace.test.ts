// Released rows of a full extract join it where it is the newest, take the place of an older one where it brought no rows yet, and are
// superseded where a newer one is: by tables, and by partitions.
import { expect, test } from 'vitest'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { applied, orders } from '../publish/refining.ts'
import { lines } from '../quality/batches.ts'
import { account, held, placedRows, settled } from './releasing.ts'

const required = { id: { type: 'long', required: true }, v: 'string', day: 'date' } as const
const strict = orders({ columns: required, publish: 'replace' })
const wide = orders({ publish: 'replace' })
const parts = { partitionBy: ['day'], publish: { mode: 'replace', scope: 'partitions' } } as const
const strictParts = orders({ columns: required, ...parts })
const wideParts = orders(parts)

async function inLake(work: (lake: MemoryLake) => Promise<void>): Promise<void> {
  const lake = memoryLake()
  await work(lake).finally(() => lake.dispose())
}

test('the newest extract: its rows join it', () =>
  inLake(async lake => {
    await applied(lake, strict, 'b1', { 1: lines({ id: 1 }, { v: 'b' }) })
    await settled(lake, wide)
    expect(await placedRows(lake)).toEqual(['1 @1.1', 'b @1.2'])
    expect(await account(lake, 'b1', 1)).toBe('2 = 2 + 0 + 0 + 0')
  }))

test('a newer one is there: superseded', () =>
  inLake(async lake => {
    await applied(lake, strict, 'b1', { 1: lines({ id: 1 }, { v: 'b' }) })
    await applied(lake, strict, 'b2', { 2: lines({ id: 2 }) })
    await settled(lake, wide)
    expect(await placedRows(lake)).toEqual(['2 @2.1'])
    expect(await held(lake)).toEqual([])
    expect(await account(lake, 'b1', 1)).toBe('2 = 1 + 0 + 1 + 0')
  }))

test('an older one is there, because all of the newer was refused: it takes its place, bit by bit', () =>
  inLake(async lake => {
    await applied(lake, strict, 'b1', { 1: lines({ id: 1 }) })
    await applied(lake, strict, 'b2', { 2: lines({ v: 'c' }, { v: 'd' }) })
    expect(await placedRows(lake)).toEqual(['1 @1.1'])
    await settled(lake, wide, { filter: { record: 1 } })
    expect(await placedRows(lake)).toEqual(['c @2.1'])
    await settled(lake, wide)
    expect(await placedRows(lake)).toEqual(['c @2.1', 'd @2.2'])
    expect(await account(lake, 'b2', 2)).toBe('2 = 2 + 0 + 0 + 0')
  }))

test('several extracts at once: a batch for each, and the newest wins in whatever order they come', () =>
  inLake(async lake => {
    await applied(lake, strict, 'b1', { 1: lines({ v: 'a' }) })
    await applied(lake, strict, 'b2', { 2: lines({ v: 'b' }) })
    const { batches } = await settled(lake, wide)
    expect(batches).toHaveLength(2)
    expect(await placedRows(lake)).toEqual(['b @2.1'])
  }))

test('by partition: each row by what its partition holds', () =>
  inLake(async lake => {
    await applied(lake, strictParts, 'b1', { 1: lines({ id: 1, day: '2026-01-01' }, { id: 2, day: '2026-01-02' }) })
    await applied(lake, strictParts, 'b2', {
      2: lines(
        { id: 3, day: '2026-01-01' },
        { v: 'joins', day: '2026-01-01' },
        { v: 'takes', day: '2026-01-02' },
        { v: 'late', day: '2026-01-03' },
      ),
    })
    await applied(lake, strictParts, 'b3', { 3: lines({ id: 9, day: '2026-01-03' }) })
    await settled(lake, wideParts)
    expect(await placedRows(lake)).toEqual(['3 @2.1', 'joins @2.2', 'takes @2.3', '9 @3.1'])
    expect(await held(lake)).toEqual([])
    expect(await account(lake, 'b2', 2)).toBe('4 = 3 + 0 + 1 + 0')
  }))
