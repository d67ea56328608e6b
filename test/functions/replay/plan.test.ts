// Pure parts of planning: how objects are cut into batches, what a replay is doing by its documents, and what it costs.
import { expect, test } from 'vitest'
import { type Control, type ReplayReport, stateOf } from '#functions/replay/control.ts'
import { estimate, planItems } from '#functions/replay/plan.ts'
import { PRICES } from '#lake/prices.ts'

async function* listed(...bytes: readonly number[]) {
  for (const [at, size] of bytes.entries()) yield { id: String(at), uri: `s3://raw/${at}`, bytes: size }
}

test.each([
  { bytes: [], max: [2, 10], batches: [] },
  { bytes: [1, 1, 1, 1, 1], max: [2, 10], batches: [[1, 1], [1, 1], [1]] },
  { bytes: [6, 4, 1, 9, 1], max: [10, 10], batches: [[6, 4], [1, 9], [1]] },
  { bytes: [1, 99, 1], max: [10, 10], batches: [[1], [99], [1]] },
  { bytes: [10, 10], max: [10, 10], batches: [[10], [10]] },
])('$bytes in batches of at most $max', async ({ bytes, max, batches }) => {
  const [objectsMax = 0, bytesMax = 0] = max
  const found = await Array.fromAsync(planItems(listed(...bytes), { objectsMax, bytesMax }))
  expect(found.map(item => item.objects.map(object => object.bytes))).toEqual(batches)
  expect(found.map(item => item.bytes)).toEqual(batches.map(batch => batch.reduce((sum, each) => sum + each, 0)))
})

test.each([
  ['start', undefined, 'running'],
  ['resume', undefined, 'running'],
  ['start', { failed: 0, waiting: 0 }, 'finished'],
  ['start', { failed: 1, waiting: 0 }, 'incomplete'],
  ['resume', { failed: 0, waiting: 2 }, 'incomplete'],
  ['pause', undefined, 'paused'],
  ['pause', { failed: 0, waiting: 2 }, 'paused'],
  ['pause', { failed: 1, waiting: 2 }, 'paused'],
  ['pause', { failed: 0, waiting: 0 }, 'finished'],
  ['pause', { failed: 1, waiting: 0 }, 'incomplete'],
  ['stop', { failed: 0, waiting: 0 }, 'stopped'],
] as const)('after %s, with the report %j, a replay is %s', (action, report, state) => {
  const control: Control = { sequence: 1, action, generation: 1, atMs: 0 }
  expect(stateOf(control, report as ReplayReport | undefined)).toBe(state)
})

test('the estimate follows batches and bytes, and nothing costs nothing', () => {
  expect(estimate({ objects: 0, bytes: 0, items: 0 })).toEqual({ gbSeconds: 0, dollars: 0 })
  const one = estimate({ objects: 1_000, bytes: 2_000_000_000, items: 1 })
  const ten = estimate({ objects: 10_000, bytes: 20_000_000_000, items: 10 })
  expect(ten.gbSeconds / one.gbSeconds).toBeCloseTo(10, 2)
  // 2 GB at 8 MB/s on 3.455 GB and at 25 MB/s on 1.728 GB, and 24 for the processes.
  expect(one.gbSeconds).toBe(1_026)
  expect(one.dollars).toBeGreaterThan(1_026 * PRICES.lambdaGbSecond)
  expect(one.dollars).toBeLessThan(1_026 * PRICES.lambdaGbSecond + 0.01)
})
