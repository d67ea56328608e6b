// Which manifests can hold a removed file is told by the partitions that the list sums up: those that cannot are not read, and the one that does
// hold it is never passed over, whatever its partition value is.
import { describe, expect, test } from 'vitest'
import type { ColumnType } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { manifestFile } from '#lake/iceberg/manifest-list.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { mayHoldAny, partitionsOf } from '#lake/iceberg/partition-set.ts'
import { columnsOf, openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile, ManifestFile, TableMetadata } from '#lake/iceberg/types.ts'
import { toPartition, type Value } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { BY_P, dataFile, fileTable, shortName } from './table-of-files.ts'

async function partitionedBy(type: ColumnType): Promise<TableMetadata> {
  const lake = memoryLake()
  const partitionBy = [{ column: 'v', transform: { name: 'identity' } }] as const
  await ensureTable(lake, definition('t', [column('v', type)], { partitionBy }))
  return (await openTable(lake, 't')).metadata
}

function manifestOf(metadata: TableMetadata, files: readonly DataFile[]): ManifestFile {
  const numbers = { snapshot_id: 1n, sequence_number: 1n, file_sequence_number: 1n }
  const entries = files.map(file => ({ status: 1 as const, ...numbers, data_file: file }))
  const written = { path: 'm', bytes: 1, content: 0, specId: 0, sequenceNumber: 1n, snapshotId: 1n } as const
  return manifestFile(entries, columnsOf(metadata), written)
}

const VALUES: readonly (readonly [ColumnType, readonly (Value | null)[]])[] = [
  ['long', [-(2n ** 63n), -1n, 0n, 2n ** 63n - 1n, null]],
  ['int', [-5, 0, 7, null]],
  ['string', ['', 'a', 'null', 'é', '\u{10ffff}', '\ue000', null]],
  ['double', [-Infinity, -0, 0, 1.5, Number.NaN, null]],
  ['decimal(20,3)', [-(10n ** 19n), 0n, 128n, null]],
  ['uuid', [Buffer.alloc(16, 0), Buffer.alloc(16, 200), null]],
  ['boolean', [false, true, null]],
  ['date', [-1, 0, 20_000, null]],
]

test.for(VALUES)('%s: a manifest that holds the file is found', async ([type, values]) => {
  const metadata = await partitionedBy(type)
  const fileOf = (value: Value | null): DataFile =>
    manifestOnly(`f-${String(value)}`, { partition: [toPartition(String(type), value)] })
  for (const one of values)
    for (const other of values) {
      const manifest = manifestOf(metadata, [one, other].map(fileOf))
      for (const value of [one, other]) expect(mayHoldAny(manifest, partitionsOf(metadata, [fileOf(value)]))).toBe(true)
    }
})

test('a manifest of other partitions, or of another spec, is passed over', async () => {
  const metadata = await partitionedBy('long')
  const of = (value: bigint | null): DataFile => manifestOnly('f', { partition: [value] })
  const manifest = manifestOf(metadata, [of(5n), of(9n)])
  const mayHold = (value: bigint | null, row = manifest): boolean =>
    mayHoldAny(row, partitionsOf(metadata, [of(value)]))
  expect([4n, 5n, 7n, 9n, 10n, null].map(value => mayHold(value))).toEqual([false, true, true, true, false, false])
  expect(mayHold(5n, { ...manifest, partition_spec_id: 1 })).toBe(false)
  // A list that sums nothing up hides nothing.
  expect(mayHold(4n, { ...manifest, partitions: null })).toBe(true)
})

describe('removing files', () => {
  test('reads the manifests of their partitions only', async () => {
    const table = await fileTable(BY_P)
    for (const partition of ['a', 'b', 'c', null])
      await table.commit(stageOverwrite({ added: [dataFile(`f-${partition}`, partition)], removed: [] }))
    const manifests = new Set((await table.manifests()).map(manifest => manifest.manifest_path))
    const removed = (await table.live()).filter(({ file }) => shortName(file) === 'f-null')
    const read: string[] = []
    const get: Lake['storage']['get'] = (uri, ...rest) => {
      if (manifests.has(uri)) read.push(uri)
      return table.lake.storage.get(uri, ...rest)
    }
    const lake = { ...table.lake, storage: { ...table.lake.storage, get } }
    await table.commit(stageOverwrite({ added: [], removed }), lake)
    expect(new Set(read).size).toBe(1)
    expect(await table.names()).toEqual(['f-a', 'f-b', 'f-c'])
  })
})
