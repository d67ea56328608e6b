// Contract: a lake in a folder and a lake in memory are whole Lakes. The folder stays untouched until it is needed; the memory
// lake's time and chance repeat exactly.
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { diskLake, type LogLine, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sluice-lake-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

test('making a lake creates nothing; the first object does', async () => {
  const folder = join(root, 'new')
  const lake = diskLake(folder)
  expect(existsSync(folder)).toBe(false)
  for await (const found of lake.storage.list(`${lake.zones.landing}/`)) expect(found).toBeUndefined()
  expect(await lake.catalog.tables()).toEqual([])
  await lake.storage.put(`${lake.zones.raw}/x`, Buffer.from('x'))
  expect(await readFile(join(folder, 'raw', 'x'), 'utf8')).toBe('x')
})

test('zones, limits and log are what was asked for', () => {
  const lines: LogLine[] = []
  const lake = diskLake(root, { limits: { threads: 1 }, log: line => lines.push(line) })
  expect(lake.zones).toEqual({
    landing: `file://${root}/landing`,
    raw: `file://${root}/raw`,
    staging: `file://${root}/staging`,
    tables: `file://${root}/tables`,
    ops: `file://${root}/ops`,
  })
  expect(lake.limits).toEqual({ memoryBytes: 1_000_000_000, threads: 1, scratch: join(root, 'tmp', 'scratch') })
  lake.log.warn('careful', { table: 't' })
  expect(lines).toEqual([{ level: 'warn', message: 'careful', fields: { table: 't' } }])
})

test('DuckDB reads what the memory lake stages', async () => {
  const lake = memoryLake()
  await lake.storage.put(`${lake.zones.raw}/a.csv`, Buffer.from('id\n1\n2\n'))
  const { path } = await lake.storage.stage(`${lake.zones.raw}/a.csv`, lake.limits.scratch)
  const session = await lake.engine.open({ ...lake.limits, folders: [lake.limits.scratch] })
  expect(await session.rows(sql`SELECT sum(id)::INT AS total FROM read_csv(${path})`)).toEqual([{ total: 3 }])
  await session.close()
  lake.dispose()
  expect(existsSync(lake.limits.scratch)).toBe(false)
})

test('time in the memory lake moves by hand and by sleeping, and objects carry it', async () => {
  const lake = memoryLake({ startMs: 1_000 })
  lake.clock.advance(500)
  await lake.clock.sleep(60_000)
  expect(lake.clock.nowMs()).toBe(61_500)
  expect(await lake.storage.put(`${lake.zones.ops}/x`, Buffer.from('x'))).toMatchObject({ modifiedMs: 61_500 })
  lake.dispose()
})

test('the same seed gives the same ids, another seed others, all of them version 4', () => {
  const [one, same, other] = [memoryLake({ seed: 'a' }), memoryLake({ seed: 'a' }), memoryLake({ seed: 'b' })]
  const ids = Array.from({ length: 50 }, () => one.ids.uuid())
  expect(Array.from({ length: 50 }, () => same.ids.uuid())).toEqual(ids)
  expect(other.ids.uuid()).not.toBe(ids[0])
  expect(new Set(ids).size).toBe(50)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const numbers = Array.from({ length: 50 }, () => one.ids.random())
  expect(numbers.every(number => number >= 0 && number < 1)).toBe(true)
  for (const lake of [one, same, other]) lake.dispose()
})
