// Others write while a compaction is under way: between its plan and its commit, and between its commit's attempts. What they appended
// stays, what they removed or deleted does not come back, and a group whose files they touched is given up and reported while the
// others are committed.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commitCompaction, compact, planCompaction, rewriteGroup } from '#functions/compact/compact.ts'
import { expireSnapshots } from '#functions/maintain/maintain.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { currentSnapshot, setProperties } from '#lake/iceberg/metadata.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { toBinary } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'
import { appendRows, type Workbench, workbench, writeRows } from '../../lake/iceberg/fixture.ts'
import { counts, deleteRows, live, rows, rowsSql, smallFiles, snapshots } from './compacting.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

let name = ''
let number = 0
const partitionBy = [{ column: 'part', transform: { name: 'identity' } }] as const
/** Partitions 0 and 1 of five small files each: two groups. */
beforeEach(async () => {
  name = `race_${++number}`
  await smallFiles(bench, name, { files: 5, partitionBy })
})

/** Everything up to the commit. */
async function rewritten(request: object = {}): Promise<string> {
  const { run, groups } = await planCompaction(bench.lake, { table: name, ...request })
  for (const { group } of groups) await rewriteGroup(bench.lake, { table: name, run, group })
  return run
}
const committed = (run: string) => commitCompaction(bench.lake, { table: name, run })

/** As another writer does it: the rows of a partition replaced by others. */
async function overwritePartition(part: number): Promise<void> {
  const gone = (await live(bench.lake, name)).filter(({ file }) => file.partition[0] === part)
  const added = await writeRows(bench, await openTable(bench.lake, name), rowsSql(100, 103, sql`${part}`))
  await commit(bench.lake, name, { commitId: `overwrite-${name}` }, () => stageOverwrite({ added, removed: gone }))
}

describe('between the rewrite and the commit', () => {
  test('an append: its rows stay, and all groups are committed', async () => {
    const run = await rewritten()
    await appendRows(bench, name, rowsSql(50, 60))
    const before = await rows(bench, name)
    expect(await committed(run)).toMatchObject({ committed: [0, 1], givenUp: [] })
    expect(await rows(bench, name)).toEqual(before)
    expect(await counts(bench.lake, name)).toEqual({ data: 4, deletes: 0 })
  })

  test('an overwrite of one partition: its group is given up, the other is committed', async () => {
    const run = await rewritten()
    await overwritePartition(0)
    const before = await rows(bench, name)
    const report = await committed(run)
    expect(report.committed).toHaveLength(1)
    expect(report.givenUp).toEqual([
      { group: expect.any(Number), reason: expect.stringContaining('is not in the table any more') },
    ])
    expect(await rows(bench, name)).toEqual(before)
    expect(await counts(bench.lake, name)).toEqual({ data: 2, deletes: 0 })
  })

  test('rows deleted by position from files of one group: they do not come back', async () => {
    const run = await rewritten()
    await deleteRows(bench, name, sql`id = 8`)
    const before = await rows(bench, name)
    const report = await committed(run)
    expect(report).toMatchObject({
      committed: [expect.any(Number)],
      givenUp: [{ reason: expect.stringContaining('were deleted meanwhile') }],
    })
    expect(await rows(bench, name)).toEqual(before)
    expect(before.map(row => row['id'])).not.toContain('8')
    // The next run finds what this one left, with the deletes.
    await compact(bench.lake, { table: name })
    expect(await rows(bench, name)).toEqual(before)
  })

  test('a delete taken back by a rollback: its rows come back, and are not lost again', async () => {
    const before = await rows(bench, name)
    const back = currentSnapshot((await openTable(bench.lake, name)).metadata)
    await deleteRows(bench, name, sql`true`)
    const run = await rewritten()
    await updateTable(bench.lake, name, metadata =>
      metadata['current-snapshot-id'] === back?.['snapshot-id']
        ? metadata
        : {
            ...metadata,
            'current-snapshot-id': back?.['snapshot-id'] as bigint,
            refs: { ...metadata.refs, main: { 'snapshot-id': back?.['snapshot-id'] as bigint, type: 'branch' } },
          },
    )
    expect(await committed(run)).toMatchObject({ committed: [], givenUp: [{ group: 0 }, { group: 1 }] })
    expect(await rows(bench, name)).toEqual(before)
  })

  test('rows deleted by equality: the delete applies to what was written as well', async () => {
    const run = await rewritten()
    await deleteByEquality('id', 8n)
    const before = await rows(bench, name)
    expect(before.map(row => row['id'])).not.toContain('8')
    expect(await committed(run)).toMatchObject({ committed: [0, 1], givenUp: [] })
    expect(await rows(bench, name)).toEqual(before)
    expect((await counts(bench.lake, name)).deletes).toBe(1)
  })

  test('another compaction of the same files: the one that commits second gives all its groups up', async () => {
    const before = await rows(bench, name)
    const [run, other] = [await rewritten(), await rewritten()]
    expect((await committed(other)).committed).toEqual([0, 1])
    expect(await committed(run)).toMatchObject({
      committed: [],
      givenUp: [{ group: 0 }, { group: 1 }],
      snapshotIds: [],
    })
    expect(await rows(bench, name)).toEqual(before)
    expect(await counts(bench.lake, name)).toEqual({ data: 2, deletes: 0 })
  })

  test('two compactions side by side', async () => {
    const before = await rows(bench, name)
    const reports = await Promise.all([compact(bench.lake, { table: name }), compact(bench.lake, { table: name })])
    expect(reports.flatMap(report => report.committed).toSorted()).toEqual([0, 1])
    expect(await rows(bench, name)).toEqual(before)
    expect(await counts(bench.lake, name)).toEqual({ data: 2, deletes: 0 })
  })

  test('expiry of the snapshot that the plan was made on: no conflict', async () => {
    const run = await rewritten()
    await appendRows(bench, name, rowsSql(50, 51))
    await updateTable(bench.lake, name, metadata =>
      setProperties(metadata, { 'history.expire.max-snapshot-age-ms': '1' }),
    )
    await expireSnapshots(bench.lake, { table: name })
    expect(await snapshots(bench.lake, name)).toHaveLength(1)
    const before = await rows(bench, name)
    expect(await committed(run)).toMatchObject({ committed: [0, 1], givenUp: [] })
    expect(await rows(bench, name)).toEqual(before)
  })

  test('a table that was dropped and made anew is not touched', async () => {
    const run = await rewritten()
    const lake: Lake = {
      ...bench.lake,
      catalog: { ...bench.lake.catalog, load: async () => bench.lake.catalog.load(`${name}_new`) },
    }
    await smallFiles(bench, `${name}_new`, { files: 5, partitionBy })
    await expect(commitCompaction(lake, { table: name, run })).rejects.toMatchObject({ kind: 'contract-broken' })
  })
})

test('an overwrite that wins the race of the commit itself is seen by its next attempt', async () => {
  const run = await rewritten()
  let raced = false
  const lake: Lake = {
    ...bench.lake,
    catalog: {
      ...bench.lake.catalog,
      swap: async (...args) => {
        if (!raced) {
          raced = true
          await overwritePartition(1)
        }
        return bench.lake.catalog.swap(...args)
      },
    },
  }
  const report = await commitCompaction(lake, { table: name, run })
  expect(report.committed).toHaveLength(1)
  expect(report.givenUp).toHaveLength(1)
  const parts = (await live(bench.lake, name)).map(({ file }) => file.partition[0])
  expect(parts.toSorted()).toEqual([0, 1])
  expect((await rows(bench, name)).filter(row => row['part'] === '1').map(row => row['id'])).toEqual([
    '100',
    '101',
    '102',
  ])
})

test('with partial progress a conflict costs one commit of several', async () => {
  const run = await rewritten({ partialProgress: true })
  await overwritePartition(0)
  const before = await rows(bench, name)
  const report = await committed(run)
  expect([report.committed.length, report.givenUp.length, report.snapshotIds.length]).toEqual([1, 1, 1])
  expect(await rows(bench, name)).toEqual(before)
})

/** As Flink does it: a file with the key alone, of which every older row goes. */
async function deleteByEquality(column: string, key: bigint): Promise<void> {
  const table = await openTable(bench.lake, name)
  const schema = {
    ...table.metadata.schemas[0],
    fields: [{ id: 1, name: column, required: false, type: 'long' }],
  } as never
  const files = await writeRows(bench, table, sql`SELECT ${key} AS id, 0 AS part`, {
    schema,
    spec: { 'spec-id': 0, fields: [] },
  })
  const [file] = files
  const partition = [0]
  const bound = new Map([[1, toBinary('long', key)]])
  const deleteFile = {
    ...file,
    content: 2,
    equality_ids: [1],
    partition,
    lower_bounds: bound,
    upper_bounds: bound,
  } as never
  const since = currentSnapshot(table.metadata)?.['snapshot-id'] ?? null
  await commit(bench.lake, name, { commitId: `equality-${name}` }, () =>
    stageRowDelta({ addedDeletes: [deleteFile] }, { since, referenced: [] }),
  )
}
