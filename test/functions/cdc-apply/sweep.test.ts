// Contract: a sweep deletes the rows that a snapshot of the source did not read, and no other: not one that changed since or meanwhile, not one
// that came with the snapshot or after it. Its deletes are changes of the snapshot's position: older records do not bring a row back, a row of
// the snapshot that comes late does. While rows of the snapshot may be on their way it refuses; it may die anywhere and be repeated.
import { afterEach, expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { type SweepReport, snapshotsOf, sweepAbsent } from '#functions/cdc-apply/sweep.ts'
import { publish } from '#functions/publish/publish.ts'
import { batchFolders } from '#lake/batch-folders.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { countCalls, dieAt } from '../mortal.ts'
import { applied, type Landed, people, peopleRows } from './applying.ts'
import { play, type Recorded } from './source.ts'

let lake = memoryLake()
afterEach(() => {
  lake.dispose()
  lake = memoryLake()
})

/** Rows 1, 2 and 3; a snapshot; then 1 changes. Of row 2 the snapshot's record is left out, as if it had vanished while nobody listened. */
const { records } = play([
  { do: 'upsert', key: '1', bio: 'new' },
  { do: 'upsert', key: '2', bio: 'new' },
  { do: 'upsert', key: '3', bio: 'new' },
  { do: 'snapshot' },
  { do: 'upsert', key: '1', bio: 'new' },
  { do: 'upsert', key: '2', bio: 'new' },
])
const [one, two, three, read1, read2, read3, changed1, changed2] = records as readonly Recorded[] as [
  ...[Recorded, Recorded, Recorded, Recorded, Recorded, Recorded, Recorded, Recorded],
]
const BEFORE = read1.stamp.position
const on = (day: string, ...some: readonly Recorded[]): readonly Landed[] =>
  some.map(record => ({ ...record, ingestedAt: `2024-01-${day}` }))

async function settled(to: Lake, dataset: Dataset, batch: string, some: readonly Landed[]) {
  const { counts } = await applied(to, dataset, batch, some)
  await publish(to, dataset, { batch })
  return counts
}

async function scene(dataset: Dataset, to: Lake = lake): Promise<void> {
  await settled(to, dataset, 'b1', on('01', one, two, three))
  await settled(to, dataset, 'b2', on('02', read1, read3))
  await settled(to, dataset, 'b3', on('03', changed1))
}

const sweep = (dataset: Dataset, { to = lake, ...request }: { to?: Lake; complete?: boolean; dryRun?: boolean } = {}) =>
  sweepAbsent(to, dataset, { before: BEFORE, dryRun: false, complete: false, ...request })

async function take(dataset: Dataset, { batch }: SweepReport) {
  const { counts } = await cdcApply(lake, dataset, { batch: batch as string })
  await publish(lake, dataset, { batch: batch as string })
  return counts
}

const hard = people()
const soft = people({ publish: { mode: 'merge', key: 'id', deletes: 'soft' } })
const history = people({ publish: { mode: 'history', key: 'id' } })

test('a row that the snapshot did not read is deleted, and older records do not bring it back', async () => {
  await scene(hard)
  expect(await snapshotsOf(lake, hard)).toMatchObject([{ position: BEFORE, rows: 1 }])
  const planned = await sweep(hard, { dryRun: true })
  expect(planned).toMatchObject({ absent: 1, later: 0, changed: 1, examples: ['2'], obstacles: [] })
  expect(planned.batch).toBeUndefined()
  expect(await take(hard, await sweep(hard))).toMatchObject({ received: 1, applied: 1 })
  expect(await peopleRows(lake)).toEqual(['1 n5 -', '3 n3 b3'])
  expect(await settled(lake, hard, 'b4', on('04', two))).toMatchObject({ stale: 1, resurrectionsPrevented: 1 })
  expect(await peopleRows(lake)).toEqual(['1 n5 -', '3 n3 b3'])
  expect(await sweep(hard)).toMatchObject({ absent: 0 })
})

test('a row of the snapshot that comes late brings its row back, whatever its lane is called', async () => {
  for (const lane of ['aaaa', 'b', 'zz', 'orders-7']) {
    const own = memoryLake()
    await scene(hard, own)
    const { batch } = await sweep(hard, { to: own })
    await cdcApply(own, hard, { batch: batch as string })
    await applied(own, hard, 'b4', on('02', { ...read2, stamp: { ...read2.stamp, lane } }))
    expect(await peopleRows(own), lane).toEqual(['1 n5 -', '2 n2 b2', '3 n3 b3'])
    own.dispose()
  }
})

test('soft deletes mark the row; in a history its last interval ends when the snapshot was taken', async () => {
  await scene(soft)
  await take(soft, await sweep(soft))
  expect(await peopleRows(lake, sql`concat_ws(' ', id, name, _deleted) AS text`)).toEqual([
    '1 n5 false',
    '2 n2 true',
    '3 n3 false',
  ])
  lake.dispose()
  lake = memoryLake()
  await scene(history)
  await take(history, await sweep(history))
  const times = sql`concat_ws(' ', id, name, epoch_us(_valid_from), COALESCE(epoch_us(_valid_to)::VARCHAR, '-'), _is_current) AS text`
  expect(await peopleRows(lake, times)).toContain(`2 n2 ${two.eventUs} ${read1.eventUs} false`)
  expect((await peopleRows(lake, times)).filter(row => row.endsWith('true'))).toHaveLength(2)
})

test('what changes between the look and the delete stays', async () => {
  await scene(hard)
  const announced = await sweep(hard)
  await settled(lake, hard, 'b4', on('04', changed2))
  expect(await take(hard, announced)).toMatchObject({ applied: 0, stale: 1 })
  expect(await peopleRows(lake)).toEqual(['1 n5 -', '2 n6 b6', '3 n3 b3'])
})

test('a row that is lower in the log but came with the snapshot or after it stays', async () => {
  await settled(lake, hard, 'b1', on('01', one, three))
  await settled(lake, hard, 'b2', [...on('02', read1, read3), ...on('02', two)])
  await settled(lake, hard, 'b3', on('03', changed1))
  expect(await sweep(hard, { dryRun: true })).toMatchObject({ absent: 0, later: 1 })
})

test('a sweep of a later snapshot outranks that of an earlier one', async () => {
  await scene(hard)
  await take(hard, await sweep(hard))
  const later = (record: Recorded, by: number): Recorded => {
    const position = `00.${(Number.parseInt(record.stamp.position.slice(3), 16) + by).toString(16).padStart(8, '0')}`
    return { ...record, stamp: { ...record.stamp, position, ordinal: `x${by}`, content: `${by}` } }
  }
  // The row comes back, vanishes, and the next snapshot does not read it.
  await settled(lake, hard, 'b5', on('05', later(changed2, 100)))
  await settled(lake, hard, 'b6', on('06', later(read3, 300)))
  await settled(lake, hard, 'b7', on('07', later(changed1, 400)))
  const next = await sweepAbsent(lake, hard, {
    before: later(read3, 300).stamp.position,
    dryRun: false,
    complete: false,
  })
  expect(await take(hard, next)).toMatchObject({ applied: 1 })
  expect(await settled(lake, hard, 'b8', on('08', later(changed2, 200)))).toMatchObject({ stale: 1, applied: 0 })
  expect(await peopleRows(lake)).toEqual(['1 n5 -', '3 n3 b3'])
})

test('it refuses while a batch waits or nothing has followed the snapshot, unless it is said to be complete', async () => {
  await settled(lake, hard, 'b1', on('01', one, two, three))
  await settled(lake, hard, 'b2', on('02', read1, read3))
  await expect(sweep(hard)).rejects.toMatchObject({
    kind: 'contract-broken',
    message: expect.stringContaining('no row has changed since'),
  })
  await applied(lake, hard, 'b3', on('03', changed1))
  await expect(sweep(hard)).rejects.toThrow('rows of the snapshot may be on their way: batches that are not applied: 1')
  expect((await sweep(hard, { dryRun: true })).obstacles).toHaveLength(1)
  const { batch } = await sweep(hard, { complete: true })
  expect(batch).toMatch(/^[0-9A-Z]{26}$/)
})

test('what cannot be swept says why', async () => {
  await scene(hard)
  const refusal = (dataset: Dataset, before = BEFORE) =>
    sweepAbsent(lake, dataset, { before, dryRun: true, complete: false })
  await expect(refusal(hard, '00.ffffffff')).rejects.toMatchObject({ kind: 'not-found' })
  const source = { system: 's', format: 'ndjson', match: '*' } as const
  const mongo = people({ source: { ...source, changes: { shape: 'debezium', connector: 'mongodb' } } })
  await expect(refusal(mongo)).rejects.toThrow('snapshots of MongoDB have no position in the log')
  const dms = people({ source: { ...source, changes: { shape: 'dms' } } })
  await expect(refusal(dms)).rejects.toThrow('a full load of DMS has no position in the log')
  const append = defineDataset({ name: 'people', source, columns: { id: 'long' } })
  await expect(refusal(append)).rejects.toThrow('people cannot be swept: it takes no changes')
})

/** As `scene`, as far as the sweep looks. */
async function shortScene(to: Lake): Promise<void> {
  await applied(to, hard, 'b1', on('01', one, two))
  await applied(to, hard, 'b2', on('02', read1))
}

test('dying at any call, then sweeping again', async () => {
  const act = (each: Lake) => sweep(hard, { to: each, complete: true })
  const counted = memoryLake()
  await shortScene(counted)
  const calls = await countCalls(counted, act)
  counted.dispose()
  expect(calls).toBeGreaterThan(8)
  for (let at = 0; at < calls; at++)
    for (const side of ['before', 'after'] as const) {
      const dying = memoryLake()
      await shortScene(dying)
      expect(await dieAt(dying, { at, side }, act)).toBe('dead')
      await act(dying)
      for await (const { batch, documents } of batchFolders(dying, hard.name))
        if (documents.has('manifest.json')) await cdcApply(dying, hard, { batch })
      expect(await peopleRows(dying), `${side} call ${at}`).toEqual(['1 n1 b1'])
      dying.dispose()
    }
}, 300_000)
