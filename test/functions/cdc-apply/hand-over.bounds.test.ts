// Contract: what a merge would read decides who merges, and it is known before anything is fetched: key and version columns of files that may
// hold a key, the change rows, places of rows that are folded, and files whose rows give old values. What cannot be handed over is refused with what to do.
import { expect, test } from 'vitest'
import { cdcApplyStep } from '#functions/cdc-apply/cdc-apply.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { applyWithAthena } from '#local/athena.ts'
import { applied, people, peopleRows, stageBatch } from './applying.ts'
import { handed } from './handing-over.ts'
import { play } from './source.ts'

const { records } = play([
  { do: 'upsert', key: '1', bio: 'new' },
  { do: 'upsert', key: '2', bio: 'new' },
  { do: 'upsert', key: '1', bio: 'same' },
])

const bounded = (mergeBytesMax: number): Dataset => people({ publish: { mode: 'merge', key: 'id', mergeBytesMax } })

async function scene(batch: typeof records) {
  const lake = memoryLake()
  await applied(lake, people(), 'b1', records.slice(0, 1))
  await stageBatch(lake, people(), 'b2', batch)
  return lake
}

/** What the guard reads of the table, and the change rows of the batch. */
async function guardBytes(lake: Lake, ...others: readonly string[]): Promise<number> {
  const table = await openTable(lake, 'people')
  const [file] = await liveFiles(lake, table, { statistics: 'all' })
  const sizes = ['id', '_version', '_authors', ...others].map(name =>
    Number(file?.file.column_sizes.get(columnByName(currentSchema(table.metadata), name).id)),
  )
  const changes = await lake.storage.head(`${lake.zones.staging}/people/b2/changes-0.parquet`)
  return sizes.reduce((sum, size) => sum + size, 0) + (changes?.bytes ?? 0)
}

test('a batch of whole rows: up to the bytes of keys and versions the function merges, below them Athena', async () => {
  const whole = [{ ...records[1]!, key: '1' }]
  const lake = await scene(whole)
  const bytes = await guardBytes(lake)
  expect(await cdcApplyStep(lake, bounded(bytes - 1), { batch: 'b2' })).toHaveProperty('statement')
  lake.dispose()
  const other = await scene(whole)
  expect(await cdcApplyStep(other, bounded(bytes), { batch: 'b2' })).toHaveProperty('counts.applied', 1)
  other.dispose()
})

test('a batch that has to be folded counts the places of rows too', async () => {
  const again = records.slice(0, 1)
  const lake = await scene(again)
  const bytes = await guardBytes(lake, '_place')
  expect(await cdcApplyStep(lake, bounded(bytes - 1), { batch: 'b2' })).toHaveProperty('statement')
  lake.dispose()
  const other = await scene(again)
  expect(await cdcApplyStep(other, bounded(bytes), { batch: 'b2' })).toHaveProperty('counts.duplicate', 1)
  other.dispose()
})

test('a batch that needs old values counts the files that have them', async () => {
  const lake = await scene(records.slice(2))
  const bytes = await guardBytes(lake)
  const answer = await cdcApplyStep(lake, bounded(bytes + 200), { batch: 'b2' })
  expect(answer).toHaveProperty('statement')
  expect((await applyWithAthena(lake, bounded(0), 'b2')).counts.applied).toBe(1)
  expect(await peopleRows(lake)).toEqual(['1 n3 b1'])
  lake.dispose()
})

test('a batch that was begun by Athena goes on there, though it would fit the function by now', async () => {
  const lake = await scene(records.slice(1))
  expect(await cdcApplyStep(lake, handed(), { batch: 'b2' })).toHaveProperty('statement')
  expect(await cdcApplyStep(lake, people(), { batch: 'b2' })).toHaveProperty('statement')
  lake.dispose()
})

test('a truncate in a history is refused, and nothing has changed', async () => {
  const history = { publish: { mode: 'history', key: 'id' } } as const
  const lake = memoryLake()
  await applied(lake, people(history), 'b1', records.slice(0, 1))
  await stageBatch(lake, handed(history), 'b2', play([{ do: 'truncate' }]).records)
  await expect(cdcApplyStep(lake, handed(history), { batch: 'b2' })).rejects.toMatchObject({
    kind: 'unsupported',
    context: { next: expect.stringContaining('publish.mergeBytesMax') },
  })
  expect(await peopleRows(lake)).toHaveLength(1)
  lake.dispose()
})

test('a table whose rows are others each time that they are merged ends in a conflict', async () => {
  const lake = await scene(records.slice(1))
  const run = '00000000-0000-4000-8000-000000000000'
  await expect(cdcApplyStep(lake, handed(), { batch: 'b2', step: { run, round: 12 } })).rejects.toMatchObject({
    kind: 'conflict',
    context: { next: expect.stringContaining('replay the batch') },
  })
  lake.dispose()
})

test.each([-1, 0.5, Number.NaN, '1'])('mergeBytesMax is a whole number of bytes, and not %s', mergeBytesMax => {
  const publish = { mode: 'merge', key: 'id', mergeBytesMax: mergeBytesMax as number } as const
  expect(() =>
    defineDataset({
      name: 'people',
      source: { system: 's', format: 'ndjson', match: '*', changes: { shape: 'debezium' } },
      columns: { id: 'long' },
      publish,
    }),
  ).toThrow('publish.mergeBytesMax')
})
