// Contract: copies that a killed process has left on this machine go with an erasure: at once where nothing else is at work, and otherwise when nobody
// has touched them for a day.
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eraseFound, findSubject } from '#functions/quality/erase.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { systemClock } from '#lake/system.ts'
import { applied, orders } from '../publish/refining.ts'
import { lines } from './batches.ts'

const dataset = orders()
const request = { dataset, datasets: [dataset], parts: [{ column: 'id', value: '4711' }] }
const DAY_MS = 86_400_000

let lake: MemoryLake
beforeEach(async () => {
  lake = memoryLake({ startMs: systemClock.nowMs() })
  await applied(lake, dataset, '01KDYTS2W0AAAAAAAAAAAAAAAA', { 1: lines({ id: 4711 }, { id: 2 }) })
})
afterEach(() => lake.dispose())

/** A folder that was begun two days ago, with a file that was written to as long ago as is said. */
function left(name: string, ageMs: number): string {
  const folder = join(lake.limits.scratch, name)
  const file = join(folder, 'inner', 'object.plain')
  mkdirSync(join(folder, 'inner'), { recursive: true })
  writeFileSync(file, '{"id": 4711}\n')
  const time = (ms: number): Date => new Date(lake.clock.nowMs() - ms)
  utimesSync(file, time(ageMs), time(ageMs))
  for (const each of [join(folder, 'inner'), folder]) utimesSync(each, time(2 * DAY_MS), time(2 * DAY_MS))
  return folder
}

test.each([
  [false, [false, true]],
  [true, [false, false]],
])('quiesced: %s', async (quiesced, there) => {
  const folders = [left('erase-old', 2 * DAY_MS), left('quality-young', 60_000)]
  await eraseFound(lake, request, await findSubject(lake, request), { quiesced })
  expect(folders.map(each => existsSync(each))).toEqual(there)
})
