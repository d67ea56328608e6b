// Rewriting manifests changes how the list of files is kept and nothing of what it says: the same live files under the same numbers, sorted by
// partition, in fewer or smaller manifests. What others add meanwhile stays as it is; what they remove is planned again.
import { describe, expect, test } from 'vitest'
import { commit } from '#lake/iceberg/commit.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { planManifestRewrite, stageRewriteManifests } from '#lake/iceberg/operations/rewrite-manifests.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { entriesOf } from '#lake/iceberg/snapshot.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { ManifestFile } from '#lake/iceberg/types.ts'
import { column, definition } from './fixture.ts'
import { losingCatalog, withCatalog } from './losing-catalog.ts'
import { BY_P, dataFile, deleteFile, type FileTable, fileTable, shortName } from './table-of-files.ts'

/** A table of four commits in the partitions b, a, null and a. */
async function fourManifests(): Promise<FileTable> {
  const table = await fileTable(BY_P)
  const add = (name: string, partition: string | null) =>
    table.commit(stageOverwrite({ added: [dataFile(name, partition)], removed: [] }))
  await add('b1', 'b')
  await add('a1', 'a')
  await add('n1', null)
  await add('a2', 'a')
  return table
}

const rewrite = async (table: FileTable, targetBytes?: number): Promise<Staged> =>
  stageRewriteManifests(await table.manifests(), targetBytes === undefined ? {} : { targetBytes })

const numbers = async (table: FileTable): Promise<readonly (readonly unknown[])[]> =>
  (await table.live())
    .map(({ file, ...rest }) => [shortName(file), rest.sequence_number, rest.file_sequence_number, rest.snapshot_id])
    .sort()

describe('RewriteManifests', () => {
  test('one manifest takes the place of four; live files and their numbers stay', async () => {
    const table = await fourManifests()
    const before = await numbers(table)
    const { snapshot } = await table.commit(await rewrite(table))
    const [only, ...others] = (await table.manifests()) as readonly [ManifestFile]
    expect(others).toEqual([])
    expect(only).toMatchObject({
      added_files_count: 0,
      existing_files_count: 4,
      deleted_files_count: 0,
      sequence_number: 5n,
      min_sequence_number: 1n,
    })
    const entries = await entriesOf(table.lake, (await table.open()).metadata, only)
    expect(entries.map(entry => [entry.status, shortName(entry.data_file)]).sort()).toEqual([
      [0, 'a1'],
      [0, 'a2'],
      [0, 'b1'],
      [0, 'n1'],
    ])
    expect(await numbers(table)).toEqual(before)
    expect(snapshot.summary).toMatchObject({
      operation: 'replace',
      'manifests-created': '1',
      'manifests-kept': '0',
      'manifests-replaced': '4',
      'entries-processed': '4',
      'added-data-files': '0',
      'total-data-files': '4',
      'total-records': '40',
    })
  })

  test('removed entries are dropped, and delete files stay in manifests of their own', async () => {
    const table = await fourManifests()
    const removed = (await table.live()).filter(({ file }) => shortName(file) === 'a1')
    await table.commit(stageOverwrite({ added: [], removed }))
    for (const name of ['d1', 'd2'])
      await table.commit(stageRowDelta({ addedDeletes: [deleteFile(name, dataFile('b1', 'b'))] }, { since: null }))
    const before = await numbers(table)
    await table.commit(await rewrite(table))
    const manifests = await table.manifests()
    expect(manifests.map(each => [each.content, each.existing_files_count, each.deleted_files_count])).toEqual([
      [0, 3, 0],
      [1, 2, 0],
    ])
    expect(await numbers(table)).toEqual(before)
    const [b1] = (await table.live()).filter(({ file }) => shortName(file) === 'b1')
    expect(b1?.deletes.map(each => shortName(each.file)).sort()).toEqual(['d1', 'd2'])
  })

  test('specs stay apart', async () => {
    const table = await fourManifests()
    await ensureTable(table.lake, definition('t', [column('n', 'long'), column('p', 'string')]))
    const unpartitioned = (name: string) => dataFile(name, undefined, { spec_id: 1 })
    await table.commit(stageOverwrite({ added: [unpartitioned('x')], removed: [] }))
    await table.commit(stageOverwrite({ added: [unpartitioned('y')], removed: [] }))
    const before = await numbers(table)
    await table.commit(await rewrite(table))
    expect((await table.manifests()).map(each => [each.partition_spec_id, each.existing_files_count]).sort()).toEqual([
      [0, 4],
      [1, 2],
    ])
    expect(await numbers(table)).toEqual(before)
  })

  test('a concurrent append is kept, and what was written is not written again', async () => {
    const table = await fourManifests()
    const puts: string[] = []
    const { lake } = table
    const put: typeof lake.storage.put = (uri, ...rest) => {
      if (/-m\d+\.avro$/.test(uri)) puts.push(uri)
      return lake.storage.put(uri, ...rest)
    }
    const recording = { ...lake, storage: { ...lake.storage, put } }
    const racing = withCatalog(recording, losingCatalog(lake.catalog, ['conflict', 'conflict']))
    let before: Staged | undefined
    let attempts = 0
    await commit(racing, 't', { commitId: 'rewrite' }, async () => {
      if (++attempts === 2) await table.commit(stageOverwrite({ added: [dataFile('new', 'c')], removed: [] }))
      before = stageRewriteManifests(await table.manifests(), { before })
      return before
    })
    expect(puts).toHaveLength(1)
    expect((await table.manifests()).map(each => [each.added_files_count, each.existing_files_count])).toEqual([
      [0, 4],
      [1, 0],
    ])
    expect(await table.names()).toEqual(['a1', 'a2', 'b1', 'n1', 'new'])
  })

  test('a concurrent removal is a conflict for what was staged, and is staged again', async () => {
    const table = await fourManifests()
    const staged = await rewrite(table)
    const removed = (await table.live()).filter(({ file }) => shortName(file) === 'a1')
    await table.commit(stageOverwrite({ added: [], removed }))
    await expect(table.commit(staged)).rejects.toMatchObject({ kind: 'conflict' })
    await table.commit(async () => stageRewriteManifests(await table.manifests(), { before: staged }))
    expect((await table.manifests()).map(each => each.existing_files_count)).toEqual([3])
    expect(await table.names()).toEqual(['a2', 'b1', 'n1'])
  })

  test('a large manifest is split', async () => {
    const table = await fileTable(BY_P)
    const names = Array.from({ length: 400 }, (_, index) => `f${String(index).padStart(3, '0')}`)
    const added = names.map((name, index) => dataFile(name, `p${String(index % 20).padStart(2, '0')}`))
    await table.commit(stageOverwrite({ added, removed: [] }))
    const [large] = (await table.manifests()) as readonly [ManifestFile]
    await table.commit(await rewrite(table, Number(large.manifest_length) / 4))
    const parts = await table.manifests()
    expect(parts.map(each => each.existing_files_count)).toEqual([100, 100, 100, 100])
    const ranges = parts.map(({ partitions }) => [
      String(partitions?.[0]?.lower_bound),
      String(partitions?.[0]?.upper_bound),
    ])
    expect(ranges).toEqual([
      ['p00', 'p04'],
      ['p05', 'p09'],
      ['p10', 'p14'],
      ['p15', 'p19'],
    ])
    expect(await table.names()).toEqual(names)
  })
})

describe('the plan', () => {
  const manifest = (bytes: number, more: Partial<ManifestFile> = {}): ManifestFile =>
    ({
      manifest_path: `m${bytes}`,
      manifest_length: BigInt(bytes),
      partition_spec_id: 0,
      content: 0,
      added_files_count: 1,
      existing_files_count: 1,
      partitions: [],
      ...more,
    }) as ManifestFile
  const plan = (...manifests: readonly ManifestFile[]): readonly (readonly number[])[] =>
    planManifestRewrite(manifests, 100).map(group => [
      ...group.manifests.map(each => Number(each.manifest_length)),
      group.outputs,
    ])

  test.for([
    ['nothing', [], []],
    ['one small manifest', [10], []],
    ['small ones', [10, 20, 30], [[10, 20, 30, 1]]],
    ['small ones that fill two', [50, 70, 60], [[50, 60, 70, 2]]],
    ['two that would be two again', [70, 71], []],
    ['those near the target', [80, 100, 170], []],
    ['an oversized one', [190], [[190, 2]]],
    ['an oversized one among small ones', [10, 190, 100], [[10, 190, 2]]],
  ] as const)('%s', ([, sizes, wanted]) => {
    expect(plan(...sizes.map(size => manifest(size)))).toEqual(wanted)
  })

  test('a plan is nothing to do once it was carried out', () => {
    for (const sizes of [
      [10, 20],
      [74, 74, 74],
      [30, 500],
      [60, 70, 50, 40],
    ]) {
      const groups = planManifestRewrite(
        sizes.map((size, index) => manifest(size, { manifest_path: `m${index}` })),
        100,
      )
      const after = groups.flatMap(({ manifests, outputs }) => {
        const bytes = manifests.reduce((sum, each) => sum + Number(each.manifest_length), 0)
        const size = Math.ceil(bytes / outputs)
        return Array.from({ length: outputs }, (_, index) => manifest(size, { manifest_path: `o${index}` }))
      })
      expect(planManifestRewrite(after, 100)).toEqual([])
    }
  })

  test('specs and contents are apart, and empty manifests are nothing', () => {
    expect(plan(manifest(10), manifest(11, { content: 1 }), manifest(12, { partition_spec_id: 1 }))).toEqual([])
    expect(plan(manifest(10), manifest(11, { added_files_count: 0, existing_files_count: 0 }))).toEqual([])
  })

  test('a group holds no more files than memory does', () => {
    const many = manifest(10, { existing_files_count: 60_000 })
    expect(plan(many, { ...many, manifest_path: 'other' })).toEqual([])
    const few = Array.from({ length: 6 }, (_, index) =>
      manifest(10 + index, { existing_files_count: 30_000, manifest_path: `m${index}` }),
    )
    expect(plan(...few)).toEqual([
      [10, 11, 12, 1],
      [13, 14, 15, 1],
    ])
  })
})
