// An extract takes the place of exactly the partitions that it has rows of: null is one of them and not the text 'null', a void field puts all
// files into one, and numbers that were promoted since are the same partition.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { currentSchema, setPartitionSpec } from '#lake/iceberg/metadata.ts'
import {
  partitionKeyOf,
  stageOverwrite,
  stageReplacePartitions,
  stageReplaceTable,
} from '#lake/iceberg/operations/overwrite.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { toPartition } from '#lake/iceberg/value.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { BY_P, dataFile, deleteFile, type FileTable, fileTable } from './table-of-files.ts'

const replace = (table: FileTable, ...added: Parameters<typeof dataFile>[]) =>
  table.commit(async () =>
    stageReplacePartitions(
      await table.live(),
      added.map(each => dataFile(...each)),
    ),
  )

test('null, the text null and the empty text are three partitions', async () => {
  const table = await fileTable(BY_P)
  const added = [dataFile('nothing', null), dataFile('text', 'null'), dataFile('empty', '')]
  await table.commit(stageOverwrite({ added, removed: [] }))
  await replace(table, ['nothing2', null])
  expect(await table.names()).toEqual(['empty', 'nothing2', 'text'])
  await replace(table, ['text2', 'null'], ['empty2', ''])
  expect(await table.names()).toEqual(['empty2', 'nothing2', 'text2'])
})

test('a spec of void fields has one partition', async () => {
  const table = await fileTable(BY_P)
  await updateTable(table.lake, 't', now =>
    setPartitionSpec(now, {
      'spec-id': 1,
      fields: [{ 'source-id': 2, 'field-id': 1000, name: 'p', transform: 'void' }],
    }),
  )
  const inSpec1 = (name: string) => dataFile(name, null, { spec_id: 1 })
  await table.commit(stageOverwrite({ added: [inSpec1('a'), inSpec1('b')], removed: [] }))
  await table.commit(async () => stageReplacePartitions(await table.live(), [inSpec1('c')]))
  expect(await table.names()).toEqual(['c'])
})

test('deletes of the replaced partition go with it, others stay', async () => {
  const table = await fileTable(BY_P)
  const [a, b] = [dataFile('a', 'x'), dataFile('b', 'y')]
  await table.commit(stageOverwrite({ added: [a, b], removed: [] }))
  await table.commit(stageRowDelta({ addedDeletes: [deleteFile('da', a), deleteFile('db', b)] }, { since: null }))
  const { snapshot } = await replace(table, ['a2', 'x'])
  expect(snapshot.summary).toMatchObject({
    operation: 'overwrite',
    'replace-partitions': 'true',
    'removed-delete-files': '1',
    'total-delete-files': '1',
  })
  const all = await table.commit(async () => stageReplaceTable(await table.live(), [dataFile('z', 'z')]))
  expect(all.snapshot.summary).toMatchObject({ 'total-delete-files': '0', 'total-data-files': '1' })
})

test('files of several specs are refused, because their partitions cannot be compared', async () => {
  const table = await fileTable(BY_P)
  await table.commit(stageOverwrite({ added: [dataFile('a', 'x')], removed: [] }))
  await ensureTable(table.lake, definition('t', [column('n', 'long'), column('p', 'string')]))
  const live = await table.live()
  expect(() => stageReplacePartitions(live, [dataFile('b', undefined, { spec_id: 1 })])).toThrow(
    expect.objectContaining({ kind: 'unsupported' }),
  )
})

test('a decimal or an int that was promoted since is the same partition', async () => {
  for (const [before, after, value] of [
    ['decimal(9,2)', 'decimal(20,2)', 1234n],
    ['int', 'long', 7],
  ] as const) {
    const lake = memoryLake()
    const by = { partitionBy: [{ column: 'v', transform: { name: 'identity' } }] } as const
    await ensureTable(lake, definition('t', [column('v', before)], by))
    const file = (name: string, type: string, held: number | bigint) =>
      manifestOnly(`s3://memory-tables/${name}`, { partition: [toPartition(type, held)] })
    await commit(lake, 't', { commitId: '1' }, () =>
      stageOverwrite({ added: [file('old', before, value)], removed: [] }),
    )
    await ensureTable(lake, definition('t', [column('v', after)], by))
    const base = await openTable(lake, 't')
    expect(currentSchema(base.metadata).fields[0]?.type).toBe(after)
    const fresh = file('new', after, BigInt(value))
    const live = await liveFiles(lake, base)
    expect(live.map(each => partitionKeyOf(each.file))).toEqual([partitionKeyOf(fresh)])
    await commit(lake, 't', { commitId: '2' }, () => stageReplacePartitions(live, [fresh]))
    const left = await liveFiles(lake, await openTable(lake, 't'))
    expect(left.map(each => each.file.file_path)).toEqual(['s3://memory-tables/new'])
  }
})
