// Where later batches take rows out as they should (extracts that replace partitions, change events), what is missing is what the history of the table
// has lost: commits that somebody rolled back, rows that another program deleted. What was replaced, beaten or deleted is accounted for.
import { expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { measureDataset } from '#functions/watch/measure.ts'
import { statusOf } from '#functions/watch/watch.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { COMMIT_ID, commit } from '#lake/iceberg/commit.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { icebergEntry, openTable } from '#lake/iceberg/table.ts'
import { people, applied as stagedAndApplied } from '../cdc-apply/applying.ts'
import { play, type Recorded } from '../cdc-apply/source.ts'
import { applied, orders } from '../publish/refining.ts'
import { lines } from '../quality/batches.ts'

const [A, B, C] = ['01KDYTS2W0AAAAAAAAAAAAAAAA', '01KDYTS2W0BBBBBBBBBBBBBBBB', '01KDYTS2W0CCCCCCCCCCCCCCCC']
const byDay = orders({ partitionBy: ['day'], publish: { mode: 'replace', scope: 'partitions' } })
const measured = async (lake: MemoryLake, dataset = byDay) => (await measureDataset(lake, dataset)).completeness

async function extracts(): Promise<MemoryLake> {
  const lake = memoryLake()
  const [one, two] = ['2025-01-01', '2025-01-02']
  await applied(lake, byDay, A, {
    1: lines({ id: 1, day: one }, { id: 2, day: one }, { id: 3, day: two }, { id: 'no' }),
  })
  await applied(lake, byDay, B, { 2: lines({ id: 4, day: one }) })
  return lake
}

/** Takes files out of the table under no name of ours, as a DELETE of another engine does. */
async function deletedByOthers(lake: MemoryLake, table: string): Promise<void> {
  const files = await liveFiles(lake, await openTable(lake, table))
  await commit(lake, table, { commitId: 'theirs' }, () => stageOverwrite({ added: [], removed: files.slice(0, 1) }))
  const { entry, metadata } = await openTable(lake, table)
  const own = currentSnapshot(metadata)
  const snapshots = metadata.snapshots.map(each => {
    const { [COMMIT_ID]: _, ...summary } = each.summary
    return each === own ? { ...each, summary } : each
  })
  const location = `${entry.metadataLocation}-theirs`
  await lake.storage.put(location, encodeMetadata({ ...metadata, snapshots }))
  await lake.catalog.swap(table, entry, icebergEntry({ ...metadata, snapshots }, location))
}

test('extracts that replace partitions', async () => {
  expect(await measured(await extracts())).toEqual({
    put: 5,
    queryable: 2,
    quarantined: 1,
    superseded: 2,
    suppressed: 0,
    missing: 0,
  })
})

test('a partition that somebody else deleted is missing', async () => {
  const lake = await extracts()
  await deletedByOthers(lake, 'orders')
  expect(await measured(lake)).toMatchObject({ put: 5, queryable: 1, superseded: 2, missing: 1 })
  expect((await statusOf(lake, [byDay])).datasets[0]?.findings).toMatchObject([
    { level: 'alarm', code: 'rows-missing' },
  ])
})

test('what was committed and rolled back is missing, until it is replayed', async () => {
  const lake = await extracts()
  const { entry, metadata } = await openTable(lake, 'orders')
  await applied(lake, byDay, C, { 3: lines({ id: 5, day: '2025-01-03' }, { id: 6, day: '2025-01-03' }) })
  const now = await openTable(lake, 'orders')
  await lake.catalog.swap('orders', now.entry, icebergEntry(metadata, entry.metadataLocation))
  expect(await measured(lake)).toMatchObject({ put: 7, queryable: 2, superseded: 2, missing: 2 })
})

test('change events: beaten and deleted ones are accounted for, deleted rows of others are not', async () => {
  const lake = memoryLake()
  const dataset = people()
  const { records } = play([
    { do: 'upsert', key: '1', bio: 'new' },
    { do: 'upsert', key: '2', bio: 'new' },
    { do: 'upsert', key: '1', bio: 'new' },
    { do: 'delete', key: '2', end: 'delete' },
  ])
  const batch = async (id: string, own: readonly Recorded[]): Promise<void> => {
    await stagedAndApplied(lake, dataset, id, own)
    await publish(lake, dataset, { batch: id })
  }
  await batch(A, records.slice(0, 2))
  await batch(B, records.slice(2))
  const well = { put: 4, queryable: 1, quarantined: 0, superseded: 3, suppressed: 0, missing: 0 }
  expect(await measured(lake, dataset)).toEqual(well)
  await deletedByOthers(lake, 'people')
  const { missing = 0 } = (await measured(lake, dataset)) ?? {}
  expect(missing).toBeGreaterThan(0)
})
