// Manifests are merged as commits go on, as Iceberg's MergeAppend does: by the table's own properties, from the end, per spec and content,
// without changing which files are live or how old they are. A retry takes over what an earlier attempt wrote.
import { describe, expect, test } from 'vitest'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { packFromTheEnd } from '#lake/iceberg/manifest-merge.ts'
import { setProperties } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { entriesOf } from '#lake/iceberg/snapshot.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { ManifestFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { column, definition } from './fixture.ts'
import { losingCatalog, withCatalog } from './losing-catalog.ts'
import { dataFile, deleteFile, type FileTable, fileTable, shortName } from './table-of-files.ts'

const merging = (count: number, more: Readonly<Record<string, string>> = {}): Promise<FileTable> =>
  fileTable({ properties: { 'commit.manifest.min-count-to-merge': String(count), ...more } })

const counts = (manifests: readonly ManifestFile[]): readonly (readonly (number | null)[])[] =>
  manifests.map(each => [each.added_files_count, each.existing_files_count, each.deleted_files_count])

/** Status, sequence number, file sequence number, snapshot and name of every entry. */
async function entries(table: FileTable, manifest: ManifestFile): Promise<readonly (readonly unknown[])[]> {
  const { metadata } = await table.open()
  const order = new Map(metadata.snapshots.map((snapshot, index) => [snapshot['snapshot-id'], index + 1]))
  return (await entriesOf(table.lake, metadata, manifest)).map(entry => [
    entry.status,
    entry.sequence_number,
    entry.file_sequence_number,
    order.get(entry.snapshot_id as bigint),
    shortName(entry.data_file),
  ])
}

describe('MergeAppend', () => {
  test('merges when the minimum count is reached, and not before', async () => {
    const table = await merging(3)
    await table.append('a')
    await table.append('b')
    expect(counts(await table.manifests())).toEqual([
      [1, 0, 0],
      [1, 0, 0],
    ])
    await table.append('c')
    const [merged, ...others] = (await table.manifests()) as readonly [ManifestFile]
    expect(others).toEqual([])
    expect(counts([merged])).toEqual([[1, 2, 0]])
    expect(merged).toMatchObject({ sequence_number: 3n, min_sequence_number: 1n })
    expect(await entries(table, merged)).toEqual([
      [1, 3n, 3n, 3, 'c'],
      [0, 2n, 2n, 2, 'b'],
      [0, 1n, 1n, 1, 'a'],
    ])
  })

  test('a hundred is the default', async () => {
    const table = await fileTable()
    for (let each = 1; each < 100; each++) await table.append(`f${each}`)
    expect(await table.manifests()).toHaveLength(99)
    await table.append('f100')
    expect(counts(await table.manifests())).toEqual([[1, 99, 0]])
    expect(await table.names()).toHaveLength(100)
  })

  test('can be switched off', async () => {
    const table = await merging(2, { 'commit.manifest-merge.enabled': 'false' })
    for (const name of ['a', 'b', 'c']) await table.append(name)
    expect(await table.manifests()).toHaveLength(3)
  })

  test('a property that is no number leaves the default', async () => {
    const table = await merging(0, { 'commit.manifest.target-size-bytes': 'large' })
    await table.append('a')
    await table.append('b')
    expect(await table.manifests()).toHaveLength(2)
  })

  test('manifests that are too large together are left alone', async () => {
    const table = await merging(2)
    await table.append('a')
    const size = (await table.manifests())[0]?.manifest_length ?? 0n
    const target = (bytes: bigint) =>
      updateTable(table.lake, 't', now => setProperties(now, { 'commit.manifest.target-size-bytes': String(bytes) }))
    await target(2n * size - 100n)
    for (const name of ['b', 'c', 'd']) await table.append(name)
    expect(await table.manifests()).toHaveLength(4)
    await target(2n * size + 100n)
    await table.append('e')
    expect(counts(await table.manifests())).toEqual([
      [1, 0, 0],
      [0, 2, 0],
      [0, 2, 0],
    ])
    expect(await table.names()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('manifests of two specs and of two contents stay apart', async () => {
    const table = await merging(2)
    await table.append('a')
    const partitioned = definition('t', [column('n', 'long'), column('p', 'string')], {
      partitionBy: [{ column: 'p', transform: { name: 'identity' } }],
    })
    await ensureTable(table.lake, partitioned)
    const inSpec1 = (name: string) => dataFile(name, 'x', { spec_id: 1 })
    await table.commit(stageOverwrite({ added: [inSpec1('b')], removed: [] }))
    await table.commit(stageOverwrite({ added: [inSpec1('c')], removed: [] }))
    for (const name of ['d1', 'd2'])
      await table.commit(
        stageRowDelta({ addedDeletes: [deleteFile(name, inSpec1('b'), { spec_id: 1 })] }, { since: null }),
      )
    const kinds = (await table.manifests()).map(each => [
      each.content,
      each.partition_spec_id,
      each.existing_files_count,
    ])
    expect(kinds).toEqual([
      [0, 1, 1],
      [0, 0, 0],
      [1, 1, 1],
    ])
    expect(await table.names()).toEqual(['a', 'b', 'c'])
  })

  test('what earlier snapshots removed is dropped, and what this one removes is kept for those who follow the table', async () => {
    const table = await merging(3)
    await table.append('a', 'b')
    const remove = (name: string) =>
      table.commit(async () =>
        stageOverwrite({ added: [], removed: (await table.live()).filter(({ file }) => shortName(file) === name) }),
      )
    await remove('a')
    await table.append('c', 'd')
    await table.commit(async () =>
      stageOverwrite({
        added: [dataFile('e')],
        removed: (await table.live()).filter(({ file }) => shortName(file) === 'd'),
      }),
    )
    const [merged, ...others] = (await table.manifests()) as readonly [ManifestFile]
    expect(others).toEqual([])
    expect(await entries(table, merged)).toEqual([
      [1, 4n, 4n, 4, 'e'],
      [0, 3n, 3n, 3, 'c'],
      [2, 3n, 3n, 4, 'd'],
      [0, 1n, 1n, 1, 'b'],
    ])
    expect(merged.min_sequence_number).toBe(1n)
  })
})

describe('a merge in a commit that has to try again', () => {
  const written = (lake: Lake): { readonly lake: Lake; readonly puts: string[] } => {
    const puts: string[] = []
    const put: Lake['storage']['put'] = (uri, ...rest) => {
      puts.push(uri.replace(/.*\/metadata\//, ''))
      return lake.storage.put(uri, ...rest)
    }
    return { lake: { ...lake, storage: { ...lake.storage, put } }, puts }
  }
  const manifests = (puts: readonly string[]): readonly string[] => puts.filter(name => /-m\d+\.avro$/.test(name))

  test('is written once when its inputs are still there', async () => {
    const table = await merging(3)
    await table.append('a')
    await table.append('b')
    const { lake, puts } = written(table.lake)
    const racing = withCatalog(lake, losingCatalog(lake.catalog, ['conflict', 'throttled', 'vanished']))
    await table.commit(stageAppend([dataFile('c')]), racing)
    // The manifest of the added file and the merged one, and then a list and a metadata file for each of four attempts.
    expect(manifests(puts)).toHaveLength(2)
    expect(puts).toHaveLength(10)
    expect(counts(await table.manifests())).toEqual([[1, 2, 0]])
  })

  const interrupted = async (
    table: FileTable,
    meanwhile: () => Promise<unknown>,
  ): Promise<{ readonly puts: readonly string[]; readonly merged: ManifestFile }> => {
    const { lake, puts } = written(table.lake)
    const racing = withCatalog(lake, losingCatalog(lake.catalog, ['conflict']))
    let attempts = 0
    await commit(racing, 't', { commitId: 'late' }, async () => {
      if (++attempts === 2) await meanwhile()
      return stageAppend([dataFile('late')])
    })
    expect(attempts).toBe(3)
    const [merged, ...others] = (await table.manifests()) as readonly [ManifestFile]
    expect(others).toEqual([])
    return { puts: manifests(puts), merged }
  }

  test('inherits the sequence number of the attempt that won', async () => {
    const table = await merging(3)
    await table.append('a')
    await table.append('b')
    // Another writer's snapshot, with the same manifests.
    const { puts, merged } = await interrupted(table, () => table.append())
    expect(puts).toHaveLength(2)
    expect(merged.sequence_number).toBe(4n)
    expect(await entries(table, merged)).toEqual([
      [1, 4n, 4n, 4, 'late'],
      [0, 2n, 2n, 2, 'b'],
      [0, 1n, 1n, 1, 'a'],
    ])
  })

  test('is made anew when somebody else changed one of its inputs', async () => {
    const table = await merging(3)
    await table.append('a', 'b')
    await table.append('c')
    const removed = (await table.live()).filter(({ file }) => shortName(file) === 'a')
    const { puts } = await interrupted(table, () => table.commit(stageOverwrite({ added: [], removed })))
    expect(puts).toHaveLength(3)
    expect(await table.names()).toEqual(['b', 'c', 'late'])
  })

  test('a manifest that files were removed from is written once as well', async () => {
    const table = await fileTable()
    await table.append('a', 'b')
    const removed = (await table.live()).filter(({ file }) => shortName(file) === 'a')
    const { lake, puts } = written(table.lake)
    const racing = withCatalog(lake, losingCatalog(lake.catalog, ['conflict', 'conflict']))
    await table.commit(stageOverwrite({ added: [dataFile('c')], removed }), racing)
    expect(manifests(puts)).toHaveLength(2)
    expect(puts).toHaveLength(8)
    expect(await table.names()).toEqual(['b', 'c'])
  })
})

test('bins are packed from the end, so that the newest manifests are those that are left to fill up', () => {
  const sized = (...bytes: readonly number[]): readonly ManifestFile[] =>
    bytes.map(size => ({ manifest_length: BigInt(size) }) as ManifestFile)
  const packed = (target: number, ...bytes: readonly number[]): readonly (readonly number[])[] =>
    packFromTheEnd(sized(...bytes), target).map(bin => bin.map(each => Number(each.manifest_length)))
  expect(packed(10, 1, 3, 3, 4, 5)).toEqual([
    [1, 3, 3],
    [4, 5],
  ])
  expect(packed(10, 1, 9, 2, 8)).toEqual([
    [1, 9],
    [2, 8],
  ])
  expect(packed(10, 1, 20, 1)).toEqual([[1], [20], [1]])
  expect(packed(10)).toEqual([])
})
