// A scan that could give wrong rows gives none: tables with row-level deletes, with files that are not Parquet, or with struct fields
// that another writer renamed are refused by name, and other branches and snapshots are read as they were.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { COMMIT_ID, commit } from '#lake/iceberg/commit.ts'
import { encodeManifest } from '#lake/iceberg/manifest.ts'
import { encodeManifestList, manifestFile } from '#lake/iceberg/manifest-list.ts'
import { addSnapshot, currentSchema, defaultSpec, schemaById, setSchema } from '#lake/iceberg/metadata.ts'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { liveFiles, planScan } from '#lake/iceberg/scan.ts'
import { icebergEntry, openTable, type Table } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { ManifestEntry, TableMetadata } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'

const COLUMNS = [column('n', 'long'), column('s', { struct: [column('a', 'int')] })]

async function tableOf(lake: Lake): Promise<Table> {
  await ensureTable(lake, definition('t', COLUMNS))
  return (await commit(lake, 't', { commitId: '1' }, () => stageAppend([manifestOnly('s3://memory-tables/a')]))).table
}

/** Another writer's commit: any metadata at all. */
async function install(lake: Lake, metadata: TableMetadata): Promise<void> {
  const { entry } = await openTable(lake, 't')
  const location = `${metadata.location}/metadata/foreign-${lake.ids.uuid()}.metadata.json`
  await lake.storage.put(location, encodeMetadata(metadata))
  await lake.catalog.swap('t', entry, icebergEntry(metadata, location))
}

test('row-level deletes', async () => {
  const lake = memoryLake()
  const { metadata } = await tableOf(lake)
  const file = manifestOnly('s3://memory-tables/deletes', { content: 1 })
  const entries: ManifestEntry[] = [
    { status: 1, snapshot_id: null, sequence_number: null, file_sequence_number: null, data_file: file },
  ]
  const context = { schema: currentSchema(metadata), spec: defaultSpec(metadata), columns: [], content: 1 } as const
  const bytes = encodeManifest(entries, context)
  const path = `${metadata.location}/metadata/d.avro`
  await lake.storage.put(path, bytes)
  const row = manifestFile(entries, [], {
    path,
    bytes: bytes.length,
    content: 1,
    specId: 0,
    sequenceNumber: 2n,
    snapshotId: 5n,
  })
  const list = `${metadata.location}/metadata/list.avro`
  await lake.storage.put(
    list,
    encodeManifestList([row], { snapshotId: 5n, parentSnapshotId: undefined, sequenceNumber: 2n }),
  )
  const snapshot = {
    'snapshot-id': 5n,
    'sequence-number': 2n,
    'timestamp-ms': metadata['last-updated-ms'] + 1,
    'manifest-list': list,
    summary: { operation: 'delete' },
  }
  await install(lake, addSnapshot(metadata, snapshot))
  const table = await openTable(lake, 't')
  await expect(planScan(lake, table)).rejects.toMatchObject({
    kind: 'unsupported',
    context: { file: 's3://memory-tables/deletes' },
  })
  const before = await planScan(lake, table, { snapshot: table.metadata.snapshots[0] })
  expect(before.files.map(live => live.file.file_path)).toEqual(['s3://memory-tables/a'])
})

test('files that are not Parquet', async () => {
  const lake = memoryLake()
  await tableOf(lake)
  const { table } = await commit(lake, 't', { commitId: '2' }, () =>
    stageAppend([manifestOnly('s3://memory-tables/b', { file_format: 'ORC' })]),
  )
  await expect(liveFiles(lake, table)).rejects.toMatchObject({ kind: 'unsupported' })
})

test.for([
  ['renamed', { id: 3, name: 'b', required: false, type: 'int' }],
  ['dropped and added anew', { id: 9, name: 'a', required: false, type: 'int' }],
] as const)('a struct field that was %s', async ([_what, field]) => {
  const lake = memoryLake()
  const { metadata } = await tableOf(lake)
  const schema = schemaById(metadata, 0)
  const fields = schema.fields.map(each =>
    each.name === 's' ? { ...each, type: { type: 'struct' as const, fields: [field] } } : each,
  )
  await install(lake, setSchema(metadata, { ...schema, fields }, 9))
  await expect(planScan(lake, await openTable(lake, 't'))).rejects.toMatchObject({ kind: 'unsupported' })
})

test('a version 1 table is read and not written', async () => {
  const lake = memoryLake()
  const { metadata } = await tableOf(lake)
  await install(lake, { ...metadata, 'format-version': 1 })
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
  await install(lake, { ...metadata, refs, snapshots: [...metadata.snapshots, onBranch], 'last-sequence-number': 2n })
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
