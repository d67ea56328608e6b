// Contract: a reader that is not ours sees the rows that the source has: ClickHouse applies the position deletes of merges, in tables with and
// without partitions, and of every history.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Dataset } from '#lake/dataset.ts'
import { type ClickHouse, clickHouse, type Workbench, workbench } from '../../lake/iceberg/fixture.ts'
import { applied, people } from './applying.ts'
import { play, type Step } from './source.ts'

let bench: Workbench
let reader: ClickHouse
beforeAll(async () => {
  bench = await workbench()
  reader = clickHouse(bench.root)
})
afterAll(async () => {
  process.chdir('/')
  await bench.close()
})

const upsert = (key: string, bio: 'same' | 'new' = 'new'): Step => ({ do: 'upsert', key, bio })
const { records, table, versions } = play([
  ...['1', '2', '3', '4'].map(key => upsert(key)),
  upsert('1', 'same'),
  { do: 'delete', key: '2', end: 'both' },
  { do: 'move', key: '3', to: '5', as: 'update' },
  upsert('2'),
  upsert('1', 'same'),
  { do: 'delete', key: '4', end: 'null' },
])

/** The newest records before those in the middle, which come too late for some of their rows. */
async function applyAll(dataset: Dataset): Promise<void> {
  const cuts = [records.slice(0, 4), records.slice(8), records.slice(4, 8)]
  for (const [index, batch] of cuts.entries()) await applied(bench.lake, dataset, `${dataset.name}-${index}`, batch)
}

const read = (name: string, columns: string): readonly string[] =>
  reader
    .query(`SELECT ${columns} FROM icebergLocal('${bench.root}/tables/${name}')`, 'TSV')
    .split('\n')
    .filter(line => line !== '')
    .toSorted()

test.each([
  ['without partitions', people({ name: 'whole' })],
  ['partitioned by a column that changes', people({ name: 'parted', partitionBy: ['name'] })],
])('the current rows, %s', async (_name, dataset) => {
  await applyAll(dataset)
  const rows = [...table].map(([key, { name, bio }]) => `${key}\t${name ?? '\\N'}\t${bio ?? '\\N'}`)
  expect(read(dataset.name, 'id, name, bio')).toEqual(rows.toSorted())
})

test('all rows of a history', async () => {
  const dataset = people({ name: 'history', publish: { mode: 'history', key: 'id' } })
  await applyAll(dataset)
  const columns =
    "concat(toString(id), ' ', ifNull(name, '-'), ' ', ifNull(bio, '-'), ' ', toString(toUnixTimestamp64Micro(_valid_from)), ' ', ifNull(toString(toUnixTimestamp64Micro(_valid_to)), '-'))"
  expect(read('history', columns)).toEqual(versions)
})
