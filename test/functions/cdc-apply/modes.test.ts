// Contract: what a dataset declares of its deletes, its partitions and its memory is what its table does: soft deletes keep the last row, a row
// that moves to another partition leaves none behind, and a deleted key is remembered for as long as declared, and put aside after that.
import { afterEach, expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { publish } from '#functions/publish/publish.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { tableRows } from '../quality/batches.ts'
import { applied, people, peopleRows } from './applying.ts'
import { play, type Recorded, type Step } from './source.ts'

let lake = memoryLake()
afterEach(() => {
  lake.dispose()
  lake = memoryLake()
})

const record = (steps: readonly Step[]): readonly Recorded[] => play(steps).records
const upsert = (key: string, bio: 'same' | 'new' = 'new'): Step => ({ do: 'upsert', key, bio })
const remove = (key: string): Step => ({ do: 'delete', key, end: 'delete' })

const soft = people({ publish: { mode: 'merge', key: 'id', deletes: 'soft' } })
const withDeleted = () =>
  peopleRows(lake, sql`concat_ws(' ', id, COALESCE(name, '-'), COALESCE(bio, '-'), _deleted) AS text`)

test('soft deletes keep the last row and mark it', async () => {
  const [first, late, deleted] = record([upsert('1'), upsert('1'), remove('1')]) as [Recorded, Recorded, Recorded]
  await applied(lake, soft, 'b1', [first])
  await applied(lake, soft, 'b2', [deleted])
  expect(await withDeleted()).toEqual(['1 n1 b1 true'])
  const { counts } = await applied(lake, soft, 'b3', [late])
  expect(counts).toMatchObject({ stale: 1, resurrectionsPrevented: 1 })
  // It comes too late, to bring the row back and to be the last row that the table knew.
  expect(await withDeleted()).toEqual(['1 n1 b1 true'])
})

test('a soft delete of an unknown key waits for its row, and a newer insert brings it back without old values', async () => {
  const [first, deleted, again] = record([upsert('1'), remove('1'), upsert('1', 'same')]) as [
    Recorded,
    Recorded,
    Recorded,
  ]
  await applied(lake, soft, 'b1', [deleted])
  expect(await withDeleted()).toEqual(['1 - - true'])
  await applied(lake, soft, 'b2', [first])
  expect(await withDeleted()).toEqual(['1 n1 b1 true'])
  await applied(lake, soft, 'b3', [{ ...again, kept: ['bio'] }])
  expect(await withDeleted()).toEqual(['1 n3 - false'])
})

test('a row that moves to another key takes the values that it had last, though they came in one batch with the delete', async () => {
  const records = record([upsert('1'), upsert('1'), { do: 'move', key: '1', to: '2', as: 'halves' }])
  const [first, last, deleted, , moved] = records as readonly [Recorded, Recorded, Recorded, Recorded, Recorded]
  await applied(lake, people(), 'b1', [first])
  await applied(lake, people(), 'b2', [last, deleted])
  await applied(lake, people(), 'b3', [moved])
  expect(await peopleRows(lake)).toEqual(['2 n3 b2'])
})

test('a row that moves to another partition leaves no copy behind, and a delete that names no partition finds it', async () => {
  const byName = people({ partitionBy: ['name'] })
  const records = record([upsert('1'), upsert('2'), upsert('1'), remove('2')])
  await applied(lake, byName, 'b1', records.slice(0, 2))
  await applied(lake, byName, 'b2', records.slice(2))
  expect(await peopleRows(lake)).toEqual(['1 n3 b3'])
  const files = await liveFiles(lake, await openTable(lake, 'people'))
  expect(files.map(({ file }) => file.partition)).toEqual(expect.arrayContaining([['n1'], ['n3']]))
})

test('keys of several columns tell rows apart by all of them', async () => {
  const odd = people({ publish: { mode: 'merge', key: ['id', 'name'] } })
  const [one, other] = record([upsert('1'), upsert('1')]) as [Recorded, Recorded]
  const keyed = (each: Recorded): Recorded => ({ ...each, key: '1' })
  await applied(lake, odd, 'b1', [keyed(one), keyed(other)])
  expect(await peopleRows(lake)).toEqual(['1 n1 b1', '1 n2 b2'])
})

const HOUR_MS = 3_600_000

test('a deleted key is remembered as long as declared; later changes of forgotten keys are put aside and can be released', async () => {
  const brief = people({ publish: { mode: 'merge', key: 'id', tombstoneHours: 1 } })
  const records = record([upsert('1'), upsert('1'), upsert('1'), remove('1'), upsert('2'), upsert('3')])
  const [first, late, later, deleted, second, third] = records as readonly Recorded[]
  await applied(lake, brief, 'b1', [first as Recorded])
  await applied(lake, brief, 'b2', [deleted as Recorded])
  await lake.clock.sleep(HOUR_MS / 2)
  expect((await applied(lake, brief, 'b3', [late as Recorded])).counts).toMatchObject({ stale: 1, deadLetters: 0 })
  await lake.clock.sleep(HOUR_MS * 2)
  // Whoever comes first after that time forgets.
  await applied(lake, brief, 'b4', [second as Recorded])
  const answer = await applied(lake, brief, 'b5', [later as Recorded, third as Recorded])
  expect(answer.counts).toMatchObject({ received: 2, applied: 1, deadLetters: 1 })
  // The state machine hands it on as JSON, which has no 64-bit numbers.
  expect(JSON.parse(JSON.stringify(answer))).toEqual(answer)
  expect(await peopleRows(lake)).toEqual(['2 n5 -', '3 n6 b6'])
  await publish(lake, brief, { batch: 'b5' })
  const aside = await tableRows(
    lake,
    'people__quarantine',
    sql`concat_ws(' ', stage, reason, record, decode(raw)) AS text`,
  )
  expect(aside.map(row => String(row['text']))).toEqual([
    expect.stringMatching(/^cdc-apply late_beyond_retention 1 \{"id":1,"name":"n3"/),
  ])
})

test('an answer says whether the batch was reported before, and when its newest change happened in the source', async () => {
  const [first, second] = record([upsert('1'), upsert('2')]) as [Recorded, Recorded]
  const times = { first: 1_700_000_000_000_000n, second: 1_700_000_009_000_000n }
  const answer = await applied(lake, soft, 'b1', [
    { ...first, eventUs: times.first },
    { ...second, eventUs: times.second },
  ])
  expect(answer).toMatchObject({ newestEventMs: 1_700_000_009_000, repeated: false })
  expect(await cdcApply(lake, soft, { batch: 'b1' })).toEqual({ ...answer, repeated: true })
})
