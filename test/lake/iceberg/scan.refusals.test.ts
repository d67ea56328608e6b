// A scan that could give wrong rows gives none: deletes that Sluice cannot apply and files that are not Parquet are refused by name, and
// other branches and snapshots are read as they were.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { COMMIT_ID, commit } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { liveFiles, planScan } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { commitForeign, install } from './foreign-commit.ts'

const COLUMNS = [column('n', 'long'), column('s', { struct: [column('a', 'int')] })]

async function tableOf(lake: Lake): Promise<Table> {
  await ensureTable(lake, definition('t', COLUMNS))
  return (await commit(lake, 't', { commitId: '1' }, () => stageAppend([manifestOnly('s3://memory-tables/a')]))).table
}

test('deletion vectors, and deletes that are not Parquet; earlier snapshots are read', async () => {
  for (const [file_format, content] of [
    ['PUFFIN', 1],
    ['AVRO', 2],
  ] as const) {
    const lake = memoryLake()
    await tableOf(lake)
    const file = manifestOnly('s3://memory-tables/deletes', { content, file_format, equality_ids: [1] })
    const table = await commitForeign(lake, 't', { deletes: [file] })
    await expect(planScan(lake, table)).rejects.toMatchObject({
      kind: 'unsupported',
      context: { file: 's3://memory-tables/deletes' },
    })
    const before = await planScan(lake, table, { snapshot: table.metadata.snapshots[0] })
    expect(before.files.map(live => live.file.file_path)).toEqual(['s3://memory-tables/a'])
  }
})

test('equality deletes by a field inside a struct, by one that no schema has, and by none', async () => {
  for (const [equality_ids, kind] of [
    [[3], 'unsupported'],
    [[2], 'unsupported'],
    [[99], 'table-corrupt'],
    [null, 'table-corrupt'],
  ] as const) {
    const lake = memoryLake()
    await tableOf(lake)
    const file = manifestOnly('s3://memory-tables/deletes', { content: 2, equality_ids })
    await expect(planScan(lake, await commitForeign(lake, 't', { deletes: [file] }))).rejects.toMatchObject({ kind })
  }
})

test('files that are not Parquet', async () => {
  const lake = memoryLake()
  await tableOf(lake)
  const { table } = await commit(lake, 't', { commitId: '2' }, () =>
    stageAppend([manifestOnly('s3://memory-tables/b', { file_format: 'ORC' })]),
  )
  await expect(liveFiles(lake, table)).rejects.toMatchObject({ kind: 'unsupported' })
})

test('a version 1 table is read and not written', async () => {
  const lake = memoryLake()
  const { metadata } = await tableOf(lake)
  await install(lake, 't', { ...metadata, 'format-version': 1 })
  expect(await liveFiles(lake, await openTable(lake, 't'))).toHaveLength(1)
  await expect(commit(lake, 't', { commitId: '2' }, () => stageAppend([]))).rejects.toMatchObject({
    kind: 'unsupported',
  })
})

test('other branches and tags are kept, and commits on them do not count as ours', async () => {
  const lake = memoryLake()
  const { metadata } = await tableOf(lake)
  const first = metadata.snapshots[0] as NonNullable<(typeof metadata.snapshots)[0]>
  const onBranch = {
    ...first,
    'snapshot-id': 77n,
    'sequence-number': 2n,
    'parent-snapshot-id': first['snapshot-id'],
    summary: { operation: 'append', [COMMIT_ID]: 'x' },
  }
  const refs = {
    ...metadata.refs,
    audit: { 'snapshot-id': 77n, type: 'branch' },
    v1: { 'snapshot-id': first['snapshot-id'], type: 'tag' },
  } as const
  await install(lake, 't', {
    ...metadata,
    refs,
    snapshots: [...metadata.snapshots, onBranch],
    'last-sequence-number': 2n,
  })
  const { table, alreadyCommitted } = await commit(lake, 't', { commitId: 'x' }, () => stageAppend([]))
  expect(alreadyCommitted).toBe(false)
  expect(table.metadata.refs).toMatchObject({ audit: refs.audit, v1: refs.v1 })
  expect(table.metadata['last-sequence-number']).toBe(3n)
})

test('a predicate on a column that is not there, or not primitive', async () => {
  const lake = memoryLake()
  const table = await tableOf(lake)
  await expect(planScan(lake, table, { where: [{ column: 'x', op: 'is-null' }] })).rejects.toMatchObject({
    kind: 'contract-broken',
  })
  await expect(planScan(lake, table, { where: [{ column: 's', op: 'is-null' }] })).rejects.toMatchObject({
    kind: 'usage',
  })
})
