// A measure is counted in tables and documents: the time of the last rows, the newest event, records put against rows that can be
// queried, batches that wait and batches that a rule has refused. A rewrite of the same rows is no news.
import { describe, expect, test } from 'vitest'
import { compact } from '#functions/compact/compact.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { measureDataset } from '#functions/watch/measure.ts'
import { statusOf } from '#functions/watch/watch.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { applied, land, orders } from '../publish/refining.ts'
import { LAKES, lines } from '../quality/batches.ts'
import { settled } from '../release/releasing.ts'

const [A, B, C] = ['01KDYTS2W0AAAAAAAAAAAAAAAA', '01KDYTS2W0BBBBBBBBBBBBBBBB', '01KDYTS2W0CCCCCCCCCCCCCCCC']

describe.each(LAKES)('%s', (_name, use) => {
  test('counts what was put, what can be queried and what was refused', () =>
    use(async lake => {
      const dataset = orders()
      await applied(lake, dataset, A, { 1: lines({ id: 1 }, { id: 'no' }, { id: 3 }), 2: lines({ id: 4 }) })
      await land(lake, dataset, B, { 3: lines({ id: 5 }) })
      const measure = await measureDataset(lake, dataset)
      expect(measure.completeness).toEqual({
        put: 4,
        queryable: 3,
        quarantined: 1,
        superseded: 0,
        suppressed: 0,
        missing: 0,
      })
      expect(measure.table).toMatchObject({ rows: 3, files: 1 })
      expect(measure.quarantineRows).toBe(1)
      expect(measure.backlog).toMatchObject({ batches: 1, objects: 1, halted: 0 })
      const snapshot = currentSnapshot((await openTable(lake, 'orders')).metadata)
      expect(measure.lastCommitMs).toBe(snapshot?.['timestamp-ms'])
    }))
})

test('a dataset that nothing has come for', async () => {
  const measure = await measureDataset(memoryLake(), orders({ freshness: { maxLagMinutes: 5 } }))
  expect(measure).toMatchObject({
    lastCommitMs: undefined,
    eventMs: undefined,
    maxLagMinutes: 5,
    backlog: { batches: 0, halted: 0 },
    completeness: { put: 0, queryable: 0, missing: 0 },
    table: { rows: 0, files: 0 },
  })
})

test('the newest event is the greatest of the column that the dataset names', async () => {
  const lake = memoryLake()
  const dataset = orders({ freshness: { maxLagMinutes: 5, eventTime: 'day' } })
  await applied(lake, dataset, A, { 1: lines({ id: 1, day: '2025-12-30' }), 2: lines({ id: 2, day: '2025-12-01' }) })
  // To the end of that day.
  expect((await measureDataset(lake, dataset)).eventMs).toBe(Date.UTC(2025, 11, 31))
})

test('a batch that a rule halted does not wait, and is told of by itself', async () => {
  const lake = memoryLake()
  const dataset = orders({ quality: { rules: 'Rules = [ RowCount > 5 ]', onFailure: 'halt' } })
  await land(lake, dataset, A, { 1: lines({ id: 1 }) })
  await quality(lake, dataset, { batch: A })
  await publish(lake, dataset, { batch: A })
  expect((await measureDataset(lake, dataset)).backlog).toMatchObject({ batches: 0, halted: 1, oldestMs: undefined })
})

test('rows that somebody took out of the table are missing', async () => {
  const lake = memoryLake()
  const dataset = orders()
  await applied(lake, dataset, A, { 1: lines({ id: 1 }), 2: lines({ id: 2 }) })
  const { metadata, entry } = await openTable(lake, 'orders')
  const { location } = metadata
  await applied(lake, dataset, B, { 3: lines({ id: 3 }) })
  // Somebody sets the pointer back, as a restore of the catalog would.
  const now = await openTable(lake, 'orders')
  await lake.catalog.swap('orders', now.entry, { ...entry, location, columns: [] })
  expect((await measureDataset(lake, dataset)).completeness).toMatchObject({ put: 3, queryable: 2, missing: 1 })
  expect((await statusOf(lake, [dataset])).status).toBe('alarm')
})

test('a compaction is no news, and loses no count', async () => {
  const lake = memoryLake()
  const dataset = orders({ compaction: { minFiles: 2 } })
  await applied(lake, dataset, A, { 1: lines({ id: 1 }) })
  await applied(lake, dataset, B, { 2: lines({ id: 2 }) })
  const before = await measureDataset(lake, dataset)
  lake.clock.advance(3_600_000)
  await compact(lake, { table: 'orders' }, { datasets: [dataset] })
  const after = await measureDataset(lake, dataset)
  expect(after.lastCommitMs).toBe(before.lastCommitMs)
  expect(after.table.files).toBe(1)
  expect(after.completeness).toMatchObject({ put: 2, queryable: 2, missing: 0 })
})

test('dropped records are not missing, nor are they when their object is replayed', async () => {
  const lake = memoryLake()
  const dataset = orders()
  const bytes = lines({ id: 1 }, { id: 'no' }, { id: 'neither' })
  await applied(lake, dataset, A, { 1: bytes })
  await settled(lake, dataset, { action: 'drop', filter: { record: 2 } })
  const expected = { put: 3, queryable: 1, quarantined: 1, superseded: 0, suppressed: 1, missing: 0 }
  expect((await measureDataset(lake, dataset)).completeness).toEqual(expected)
  expect((await statusOf(lake, [dataset])).status).toBe('ok')
  await applied(lake, dataset, B, { 1: bytes })
  expect((await measureDataset(lake, dataset)).completeness).toEqual(expected)
  await settled(lake, dataset, { action: 'drop' })
  expect((await measureDataset(lake, dataset)).completeness).toMatchObject({
    quarantined: 0,
    suppressed: 2,
    missing: 0,
  })
})

test('of extracts that replace each other only the newest must be there', async () => {
  const lake = memoryLake()
  const dataset = orders({ publish: 'replace' })
  await applied(lake, dataset, A, { 1: lines({ id: 1 }, { id: 2 }) })
  await applied(lake, dataset, B, { 2: lines({ id: 3 }) })
  expect((await measureDataset(lake, dataset)).completeness).toEqual({
    put: 3,
    queryable: 1,
    quarantined: 0,
    superseded: 2,
    suppressed: 0,
    missing: 0,
  })
})

test('a window counts its own batches and no others', async () => {
  const lake = memoryLake()
  const dataset = orders()
  await applied(lake, dataset, '01KDYTS2W0AAAAAAAAAAAAAAAA', { 1: lines({ id: 1 }) })
  await applied(lake, dataset, '01KDZTS2W0AAAAAAAAAAAAAAAA', { 2: lines({ id: 2 }, { id: 3 }) })
  await land(lake, dataset, C, { 3: lines({ id: 4 }) })
  const fromMs = Date.UTC(2026, 0, 2, 12)
  const measure = await measureDataset(lake, dataset, { countFromMs: fromMs, backlogFromMs: fromMs })
  expect(measure.completeness).toMatchObject({ put: 2, queryable: 2, missing: 0 })
  expect(measure.table.rows).toBe(3)
  expect(measure.backlog.batches).toBe(0)
})
