// A commit changes what it is about and nothing else: branches and tags with their retention, properties, logs, lists of statistics and
// fields that Sluice does not know are as they were after every operation.
import { expect, test } from 'vitest'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageDelete } from '#lake/iceberg/operations/delete.ts'
import { stageOverwrite, stageReplacePartitions, stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { stageRewriteManifests } from '#lake/iceberg/operations/rewrite-manifests.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { icebergEntry, type Table } from '#lake/iceberg/table.ts'
import type { TableMetadata } from '#lake/iceberg/types.ts'
import { BY_P, dataFile, deleteFile, type FileTable, fileTable } from './table-of-files.ts'

/** As another engine leaves a table: a branch that is ahead of main, a tag, statistics, and fields of its own. */
async function decorated(): Promise<FileTable> {
  const table = await fileTable(BY_P)
  await table.commit(stageOverwrite({ added: [dataFile('a', 'x'), dataFile('b', 'y')], removed: [] }))
  const { entry, metadata } = await table.open()
  const current = metadata['current-snapshot-id'] as bigint
  const ahead = {
    ...(metadata.snapshots[0] as TableMetadata['snapshots'][number]),
    'snapshot-id': 77n,
    'parent-snapshot-id': current,
    'sequence-number': 2n,
  }
  const changed: TableMetadata = {
    ...metadata,
    'last-sequence-number': 2n,
    snapshots: [...metadata.snapshots, ahead],
    refs: {
      main: { 'snapshot-id': current, type: 'branch', 'min-snapshots-to-keep': 3, 'max-snapshot-age-ms': 86_400_000 },
      audit: { 'snapshot-id': 77n, type: 'branch', 'max-ref-age-ms': 5, 'min-snapshots-to-keep': 2 },
      'end-of-year': { 'snapshot-id': current, type: 'tag', 'max-ref-age-ms': 9_007_199_254_740_991 },
    },
    statistics: [{ 'snapshot-id': current, 'statistics-path': 's3://b/s.puffin', 'file-size-in-bytes': 1, blobs: [] }],
    'partition-statistics': [
      { 'snapshot-id': current, 'statistics-path': 's3://b/p.parquet', 'file-size-in-bytes': 2 },
    ],
    'x-vendor': { nested: [1, null, 'text'] },
  }
  const location = `${metadata.location}/metadata/00002-other.metadata.json`
  await table.lake.storage.put(location, encodeMetadata(changed))
  await table.lake.catalog.swap('t', entry, icebergEntry(changed, location))
  return table
}

const OPERATIONS: Readonly<Record<string, (table: FileTable, base: Table) => Promise<Staged> | Staged>> = {
  append: () => stageAppend([dataFile('c', 'x')]),
  overwrite: async table => stageOverwrite({ added: [dataFile('c', 'x')], removed: await table.live() }),
  'replace table': async table => stageReplaceTable(await table.live(), [dataFile('c', 'x')]),
  'replace partitions': async table => stageReplacePartitions(await table.live(), [dataFile('c', 'x')]),
  compaction: async table => stageReplace({ added: [dataFile('c', 'x')], removed: await table.live() }, 2n),
  'row delta': () => stageRowDelta({ addedDeletes: [deleteFile('d', dataFile('a', 'x'))] }, { since: null }),
  delete: async (table, base) =>
    stageDelete(base, { live: await table.live(), where: [{ column: 'p', op: 'in', values: ['x'] }] }),
  'rewrite manifests': async table =>
    stageRewriteManifests(await table.manifests(), {
      before: { ...stageAppend([]), rewrittenManifests: [{ manifests: await table.manifests(), outputs: 1 }] },
    }),
}

test.for(Object.keys(OPERATIONS))('%s', async name => {
  const table = await decorated()
  const before = await table.open()
  const { snapshot } = await table.commit(base => (OPERATIONS[name] as (typeof OPERATIONS)[string])(table, base))
  const { metadata: after, entry } = await table.open()
  const changing = [
    'current-snapshot-id',
    'last-sequence-number',
    'last-updated-ms',
    'metadata-log',
    'refs',
    'snapshot-log',
    'snapshots',
  ]
  const others = ({ ...metadata }: TableMetadata) =>
    Object.fromEntries(Object.entries(metadata).filter(([key]) => !changing.includes(key)))
  expect(others(after)).toEqual(others(before.metadata))
  expect(after.refs).toEqual({
    ...before.metadata.refs,
    main: { ...before.metadata.refs['main'], 'snapshot-id': snapshot['snapshot-id'] },
  })
  expect(after.snapshots).toEqual([...before.metadata.snapshots, snapshot])
  expect(after['snapshot-log'].slice(0, -1)).toEqual(before.metadata['snapshot-log'])
  expect(after['metadata-log'].at(-1)?.['metadata-file']).toBe(before.entry.metadataLocation)
  // On main, and after the snapshot of the branch that is ahead.
  expect([snapshot['parent-snapshot-id'], snapshot['sequence-number']]).toEqual([
    before.metadata['current-snapshot-id'],
    3n,
  ])
  expect(entry.metadataLocation).toMatch(/\/00003-[0-9a-f-]{36}\.metadata\.json$/)
})
