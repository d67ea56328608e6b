// An erasure that died, or that has left something, is told of until it was run again and has ended. One that finds nothing changes nothing, but
// for its line in the ledger.
import { expect, test } from 'vitest'
import { eraseFound, findSubject, leftOver } from '#functions/quality/erase.ts'
import { measureDataset } from '#functions/watch/measure.ts'
import { statusOf } from '#functions/watch/watch.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { openErasures } from '#lake/erasure.ts'
import type { Lake } from '#lake/lake.ts'
import { countCalls, dieAt, READS } from '../mortal.ts'
import { applied, orders } from '../publish/refining.ts'
import { lines } from '../quality/batches.ts'

const A = '01KDYTS2W0AAAAAAAAAAAAAAAA'
const B = '01KDYVJGG0BBBBBBBBBBBBBBBB'
const dataset = orders({})
const requestOf = (value: string) => ({ dataset, datasets: [dataset], parts: [{ column: 'id', value }] })
const HOUR_MS = 3_600_000

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake({ startMs: Date.UTC(2026, 0, 2, 8) })
  await applied(lake, dataset, A, { 1: lines({ id: 4711 }, { id: 2 }) })
  return lake
}

async function erase(lake: Lake, value: string) {
  const request = requestOf(value)
  return eraseFound(lake, request, await findSubject(lake, request), { quiesced: true })
}

async function findings(lake: Lake): Promise<readonly string[]> {
  const { datasets } = await statusOf(lake, [dataset])
  return datasets.flatMap(each => each.findings).flatMap(({ level, code }) => (code === 'erasure-open' ? [level] : []))
}

async function objects(lake: Lake): Promise<readonly string[]> {
  const found: string[] = []
  for (const zone of Object.values(lake.zones))
    for await (const { uri, version } of lake.storage.versions(`${zone}/`)) found.push(`${uri} ${version}`)
  return found
}

test('one that died is told of, first as a warning and after two days as an alarm, and not once it has ended', async () => {
  const calls = await countCalls(await scene(), lake => erase(lake, '4711'), READS)
  const lake = await scene()
  const dying = dieAt(lake, { at: Math.floor(calls / 2), side: 'after', spared: READS }, own => erase(own, '4711'))
  expect(await dying).toBe('dead')
  expect(await findings(lake)).toEqual([])
  lake.clock.advance(2 * HOUR_MS)
  expect(await findings(lake)).toEqual(['warning'])
  lake.clock.advance(47 * HOUR_MS)
  expect(await findings(lake)).toEqual(['alarm'])
  expect(leftOver((await erase(lake, '4711')).proof)).toBe(0)
  expect(await findings(lake)).toEqual([])
})

test('one that left something is told of since it began, however often it is run again', async () => {
  const lake = await scene()
  await lake.storage.put(`${lake.zones.landing}/late`, Buffer.from('{"id": 4711}\n'))
  const began = lake.clock.nowMs()
  for (let run = 1; run <= 2; run++) {
    expect(leftOver((await erase(lake, '4711')).proof)).toBe(1)
    lake.clock.advance(25 * HOUR_MS)
  }
  expect(await openErasures(lake, dataset.name)).toEqual([began])
  expect(await findings(lake)).toEqual(['alarm'])
})

test('a value that nobody has', async () => {
  const lake = await scene()
  const before = await objects(lake)
  expect((await erase(lake, '4712')).isUntouched).toBe(true)
  const after = await objects(lake)
  const fresh = after.filter(each => !before.includes(each)).map(each => each.slice(lake.zones.ops.length))
  expect(before.filter(each => !after.includes(each))).toEqual([])
  expect(
    fresh.every(each => /^\/erasures\/(ledger\/|key\.json)/.test(each)),
    fresh.join(),
  ).toBe(true)
  expect(await findings(lake)).toEqual([])
  expect((await erase(lake, '4711')).isUntouched).toBe(false)
})

test('an erasure is no news, however often there is one: a table that is late stays late, until rows come', async () => {
  const lake = memoryLake({ startMs: Date.UTC(2026, 0, 2, 8) })
  const late = orders({ freshness: { maxLagMinutes: 60 } })
  await applied(lake, late, A, { 1: lines({ id: 4711 }, { id: 4712 }, { id: 2 }) })
  const before = (await measureDataset(lake, late)).lastCommitMs
  expect(before).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 2, 8))
  for (const value of ['4711', '4712']) {
    lake.clock.advance(3 * HOUR_MS)
    expect(leftOver((await erase(lake, value)).proof)).toBe(0)
    expect((await measureDataset(lake, late)).lastCommitMs).toBe(before)
  }
  const codes = (await statusOf(lake, [late])).datasets.flatMap(each => each.findings.map(({ code }) => code))
  expect(codes).toContain('late-commit')
  lake.clock.advance(HOUR_MS)
  await applied(lake, late, B, { 2: lines({ id: 3 }) })
  expect((await measureDataset(lake, late)).lastCommitMs).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 2, 15))
})
