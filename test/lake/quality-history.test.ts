// The quality history keeps one run for each batch and gives back the last ones before a batch, by the time of landing; runs of the same objects
// count once, the last of them; how far back it must look costs no more than that.
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { QualityVerdict, Verdict } from '../../lake/batch.ts'
import { memoryLake } from '../../lake/disk/disk-lake.ts'
import { metricHistory, qualityRuns, recordRun } from '../../lake/quality-history.ts'
import { ulid } from '../../lake/ulid.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)

/** The raw object that lands on a day. */
const object = (day: number): string =>
  ulid(START_MS + day * DAY_MS, createHash('sha256').update(String(day)).digest().subarray(0, 10))

const staged = { table: 't', tableUuid: 'u', schemaId: 0, specId: 0, files: [] }

function verdict(batch: string, days: readonly number[], said: Partial<QualityVerdict & Verdict> = {}): Verdict {
  const { status = 'pass', metrics = {}, score = 1 } = said
  const counts = { read: 0, applied: 0, quarantined: 0, superseded: 0, reasons: {} }
  return {
    batch,
    dataset: 'orders',
    status,
    target: staged,
    quarantine: undefined,
    objects: days.map(day => ({ rawObject: object(day), ...counts })),
    quality: { evaluatedMs: START_MS, score, rules: [], metrics, results: staged },
  }
}

const until = (day: number) => ({ objects: [{ id: object(day) } as never] })
const batches = (runs: readonly { readonly batch: string }[]) => runs.map(run => run.batch)

test('a run is written once and says what the verdict says', async () => {
  const lake = memoryLake()
  const rules = [
    { rule: 'RowCount > 0', evaluatedRule: '', outcome: 'Passed', consequence: 'none', labels: {}, metrics: {} },
  ] as const
  const first = verdict('b1', [1, 3, 2], { metrics: { 'Dataset.*.RowCount': 3 }, score: 0.5 })
  const said = { ...first, quality: { ...(first.quality as QualityVerdict), rules } }
  await recordRun(lake, said)
  await recordRun(lake, { ...said, quality: { ...said.quality, score: 0 } })
  expect(await qualityRuns(lake, 'orders', { count: 9 })).toEqual([
    {
      dataset: 'orders',
      batch: 'b1',
      status: 'pass',
      landedMs: START_MS + 3 * DAY_MS,
      evaluatedMs: START_MS,
      score: 0.5,
      rules: [{ rule: 'RowCount > 0', outcome: 'Passed' }],
      metrics: { 'Dataset.*.RowCount': 3 },
    },
  ])
})

test('a verdict of a dataset without rules leaves no run', async () => {
  const lake = memoryLake()
  const { quality: _quality, ...plain } = verdict('b1', [1])
  await recordRun(lake, plain)
  expect(await qualityRuns(lake, 'orders', { count: 9 })).toEqual([])
})

describe('which runs', () => {
  test('those that landed before, the most recent first, whenever they were evaluated', async () => {
    const lake = memoryLake()
    for (const day of [5, 1, 4, 2, 3]) await recordRun(lake, verdict(`b${day}`, [day]))
    expect(batches(await qualityRuns(lake, 'orders', { count: 2, before: until(4) }))).toEqual(['b3', 'b2'])
    expect(batches(await qualityRuns(lake, 'orders', { count: 9, before: until(4) }))).toEqual(['b3', 'b2', 'b1'])
    expect(await qualityRuns(lake, 'orders', { count: 9, before: until(1) })).toEqual([])
    expect(batches(await qualityRuns(lake, 'orders', { count: 9 }))).toEqual(['b5', 'b4', 'b3', 'b2', 'b1'])
  })

  test('of another dataset none, be its name the beginning of this one', async () => {
    const lake = memoryLake()
    await recordRun(lake, verdict('b1', [1]))
    expect(await qualityRuns(lake, 'order', { count: 9 })).toEqual([])
    expect(await qualityRuns(lake, 'orders_more', { count: 9 })).toEqual([])
  })

  test('of the same objects the last; other objects that landed as late are others', async () => {
    const lake = memoryLake()
    await recordRun(lake, verdict('b1', [1, 2], { metrics: { m: 1 } }))
    await recordRun(lake, verdict('b2', [2, 1], { metrics: { m: 2 } }))
    await recordRun(lake, verdict('b3', [2], { metrics: { m: 3 } }))
    const runs = await qualityRuns(lake, 'orders', { count: 9, before: until(3) })
    expect(batches(runs).toSorted()).toEqual(['b2', 'b3'])
  })

  test('of one status; a halt after a pass hides nothing', async () => {
    const lake = memoryLake()
    await recordRun(lake, verdict('b1', [1]))
    await recordRun(lake, verdict('b2', [2], { status: 'halt' }))
    await recordRun(lake, verdict('b3', [3], { status: 'halt' }))
    await recordRun(lake, verdict('b4', [1], { status: 'halt' }))
    expect(batches(await qualityRuns(lake, 'orders', { count: 1, before: until(4), status: 'pass' }))).toEqual(['b1'])
    expect(batches(await qualityRuns(lake, 'orders', { count: 9, status: 'halt' }))).toEqual(['b3', 'b2', 'b4'])
  })

  test.each([1, 20, 300, 3_000])('found however far back: %i days', async days => {
    const lake = memoryLake()
    await recordRun(lake, verdict('old', [-days]))
    expect(batches(await qualityRuns(lake, 'orders', { count: 1, before: until(0) }))).toEqual(['old'])
  })

  test('a long history is not listed for its end', async () => {
    const lake = memoryLake()
    for (let day = -60; day < 0; day++) await recordRun(lake, verdict(`b${day}`, [day]))
    let listed = 0
    const list: typeof lake.storage.list = async function* (prefix, options) {
      for await (const each of lake.storage.list(prefix, options)) {
        listed++
        yield each
      }
    }
    const counting = { ...lake, storage: { ...lake.storage, list } }
    expect(batches(await qualityRuns(counting, 'orders', { count: 2, before: until(0) }))).toEqual(['b-1', 'b-2'])
    expect(listed).toBeLessThan(5)
  })
})

test('the values of a metric, in the order of the runs; runs without one, or with none that is a number, are left out', async () => {
  const lake = memoryLake()
  await recordRun(lake, verdict('b1', [1], { metrics: { 'Column.a "b".Mean': 1.5 } }))
  await recordRun(lake, verdict('b2', [2], { metrics: { 'Column.a "b".Mean': Number.NaN, other: 7 } }))
  await recordRun(lake, verdict('b3', [3], { metrics: {} }))
  await recordRun(lake, verdict('b4', [4], { metrics: { 'Column.a "b".Mean': 0 } }))
  const history = metricHistory(await qualityRuns(lake, 'orders', { count: 9 }))
  expect(history('Column.a "b".Mean')).toEqual([
    { value: 0, timeMs: START_MS + 4 * DAY_MS },
    { value: 1.5, timeMs: START_MS + DAY_MS },
  ])
  expect(history('toString')).toEqual([])
})
