// Of the runs that commits of one table start within a window of time, one plans; a schedule may name a table that is not there.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { planCompaction } from '#functions/compact/compact.ts'
import { hasTurn } from '#functions/compact/turn.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import { column, definition } from '../../lake/iceberg/fixture.ts'

let lake: MemoryLake
beforeEach(() => {
  lake = memoryLake()
})
afterEach(() => lake.dispose())

const turn = (run: string, more: { readonly table?: string; readonly windowMinutes?: number } = {}) =>
  hasTurn(lake, { table: 'orders', windowMinutes: 15, ...more, run })

test('the first run has the turn, however often it asks, and no other has', async () => {
  expect(await turn('a')).toBe(true)
  expect(await turn('b')).toBe(false)
  expect(await turn('a')).toBe(true)
  expect(await turn('b', { table: 'prices' })).toBe(true)
})

test('of many at once exactly one', async () => {
  const runs = ['a', 'b', 'c', 'd', 'e']
  expect((await Promise.all(runs.map(run => turn(run)))).filter(each => each)).toHaveLength(1)
})

test('the next window has a turn of its own', async () => {
  await turn('a')
  lake.clock.advance(14 * 60_000)
  expect(await turn('b')).toBe(false)
  lake.clock.advance(60_000)
  expect(await turn('b')).toBe(true)
  expect(await turn('a')).toBe(false)
})

test('a run without the turn finds nothing to do, and says why', async () => {
  await createTable(lake, definition('orders', [column('id', 'long')]))
  expect(await turn('a')).toBe(true)
  const planned = await planCompaction(lake, { table: 'orders', run: 'b', windowMinutes: 15 })
  expect(planned).toMatchObject({ groups: [], reason: 'another compaction of it began within the same 15 minutes' })
  expect(await planCompaction(lake, { table: 'orders', run: 'b' })).toMatchObject({ groups: [] })
})

test('a table that is not there', async () => {
  expect(await planCompaction(lake, { table: 'orders', ifExists: true })).toMatchObject({
    groups: [],
    reason: 'there is no such table yet',
  })
  await expect(planCompaction(lake, { table: 'orders' })).rejects.toMatchObject({ kind: 'not-found' })
})
