// What another writer may do while a change is prepared, and what makes it a conflict: for each operation the checks of Iceberg's Java
// implementation, by the names of its tests. A conflict says which file it is about, and leaves the table as it was.
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { removeSnapshots } from '#lake/iceberg/operations/expire.ts'
import { partitionKeyOf, stageOverwrite, stageReplacePartitions } from '#lake/iceberg/operations/overwrite.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Staged, Validation } from '#lake/iceberg/operations/staged.ts'
import { icebergEntry } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile, TableMetadata } from '#lake/iceberg/types.ts'
import { BY_P, dataFile, deleteFile, type FileTable, fileTable, uriOf } from './table-of-files.ts'

let table: FileTable

/** Commits what was staged earlier, and expects that it cannot be any more. */
async function expectConflict(staged: Staged, about: Readonly<Record<string, unknown>>): Promise<void> {
  const before = await table.snapshotId()
  await expect(table.commit(staged)).rejects.toMatchObject({ kind: 'conflict', context: about })
  expect(await table.snapshotId()).toBe(before)
}

/** As another engine would, by a metadata file of its own. */
async function force(change: (metadata: TableMetadata) => TableMetadata): Promise<void> {
  const { entry, metadata } = await table.open()
  const changed = change(metadata)
  const location = `${metadata.location}/metadata/99999-${table.lake.ids.uuid()}.metadata.json`
  await table.lake.storage.put(location, encodeMetadata(changed))
  await table.lake.catalog.swap('t', entry, icebergEntry(changed, location))
}

const rollBackTo = (id: bigint): Promise<void> => force(metadata => ({ ...metadata, 'current-snapshot-id': id }))

const expire = (id: bigint): Promise<void> =>
  force(metadata => removeSnapshots(metadata, { snapshots: new Set([id]), refs: [] }))

const deleteFrom = (name: string, of: DataFile): Promise<unknown> =>
  table.commit(stageRowDelta({ addedDeletes: [deleteFile(name, of)] }, { since: null }))

beforeEach(async () => {
  table = await fileTable()
})

describe('RewriteFiles', () => {
  const compaction = async (): Promise<{ readonly files: readonly ScanFile[]; readonly staged: Staged }> => {
    await table.append('a', 'b')
    const { metadata } = await table.open()
    const files = await table.live()
    const since = metadata['current-snapshot-id'] as bigint
    const added = [dataFile('ab', undefined, { record_count: 20n })]
    return { files, staged: stageReplace({ added, removed: files }, metadata['last-sequence-number'], { since }) }
  }

  test('appends meanwhile are no conflict', async () => {
    const { staged } = await compaction()
    await table.append('c')
    await table.commit(staged)
    expect(await table.names()).toEqual(['ab', 'c'])
  })

  test('a file that is not in the table, or was removed already, is a conflict', async () => {
    const { staged } = await compaction()
    await table.commit(stageOverwrite({ added: [], removed: (await table.live()).slice(0, 1) }))
    await expectConflict(staged, {})
    const never = { ...(await table.live())[0], file: dataFile('never'), deletes: [] } as ScanFile
    await expectConflict(stageReplace({ added: [], removed: [never] }, 1n), { file: uriOf('never') })
  })

  test('a new position delete on a rewritten file is a conflict, and one on another file is not', async () => {
    const { staged } = await compaction()
    await table.append('c')
    await deleteFrom('on-c', dataFile('c'))
    const again = await table.commit(staged)
    expect(again.snapshot.summary['operation']).toBe('replace')
    table = await fileTable()
    const second = await compaction()
    await deleteFrom('on-a', dataFile('a'))
    await expectConflict(second.staged, { file: uriOf('a'), deletes: uriOf('on-a') })
  })

  test('a new position delete of the whole partition is a conflict when its bounds can name the file', async () => {
    const { staged } = await compaction()
    const bounds = (path: string): ReadonlyMap<number, Buffer> => new Map([[2147483546, Buffer.from(path)]])
    const range = (low: string, high: string): Partial<DataFile> => ({
      lower_bounds: bounds(uriOf(low)),
      upper_bounds: bounds(uriOf(high)),
    })
    await table.append('x', 'y')
    const apart = deleteFile('apart', undefined, range('x', 'y'))
    await table.commit(stageRowDelta({ addedDeletes: [apart] }, { since: null, referenced: [] }))
    const wide = deleteFile('wide', undefined, range('a', 'y'))
    await table.commit(stageRowDelta({ addedDeletes: [wide] }, { since: null, referenced: [] }))
    await expectConflict(staged, { deletes: uriOf('wide') })
  })

  test('a new equality delete is none: rewritten rows keep their age, so it applies to them as well', async () => {
    const { staged } = await compaction()
    const equality = deleteFile('eq', undefined, { content: 2, equality_ids: [1] })
    await table.commit({ ...stageRowDelta({ addedDeletes: [equality] }, { since: null, referenced: [] }) })
    await table.commit(staged)
    const [file] = await table.live()
    expect([file?.sequence_number, file?.file_sequence_number]).toEqual([1n, 3n])
    expect(file?.deletes.map(each => each.file.file_path)).toEqual([uriOf('eq')])
  })

  test('deletes that the rewrite applied are none, and those of removed files alone go with them', async () => {
    await table.append('a', 'b')
    await deleteFrom('on-a', dataFile('a'))
    const { metadata } = await table.open()
    const files = await table.live()
    const deletes = files.flatMap(file => file.deletes)
    const added = [dataFile('ab', undefined, { record_count: 19n })]
    const files2 = { added, removed: files, removedDeletes: deletes }
    const { snapshot } = await table.commit(stageReplace(files2, metadata['last-sequence-number']))
    expect(snapshot.summary).toMatchObject({
      'removed-delete-files': '1',
      'removed-position-delete-files': '1',
      'removed-position-deletes': '1',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-records': '19',
    })
    expect((await table.manifests()).filter(each => each.content === 1 && each.existing_files_count !== 0)).toEqual([])
  })

  test('deletes that were taken back by a rollback are a conflict: the rewrite left their rows out', async () => {
    const { snapshot } = await table.append('a', 'b')
    await deleteFrom('on-a', dataFile('a'))
    const { metadata } = await table.open()
    const removed = await table.live()
    const added = [dataFile('ab', undefined, { record_count: 19n })]
    await rollBackTo(snapshot['snapshot-id'])
    await expectConflict(stageReplace({ added, removed }, metadata['last-sequence-number']), { file: uriOf('a') })
  })

  test('expiry of the snapshot that was read is no conflict', async () => {
    const { staged } = await compaction()
    const start = (await table.snapshotId()) as bigint
    await table.append('c')
    await expire(start)
    await table.commit(staged)
    expect(await table.names()).toEqual(['ab', 'c'])
  })
})

describe('RowDelta', () => {
  test('validates that the data files exist', async () => {
    await table.append('a', 'b')
    const since = await table.snapshotId()
    const delta = stageRowDelta({ addedDeletes: [deleteFile('on-a', dataFile('a'))] }, { since })
    await table.append('c')
    await table.commit(delta)
    const b = (await table.live()).find(({ file }) => file.file_path === uriOf('b'))
    const late = stageRowDelta({ addedDeletes: [deleteFile('on-b', dataFile('b'))] }, { since })
    await table.commit(stageReplace({ added: [dataFile('b2')], removed: [b as ScanFile] }, 1n))
    await expectConflict(late, { file: uriOf('b') })
    await expectConflict({ ...late, validations: [{ type: 'files-live', files: [uriOf('b')] }] }, { file: uriOf('b') })
  })

  test('finds the data files in the whole table when the history since then is gone', async () => {
    await table.append('a')
    const since = (await table.snapshotId()) as bigint
    await table.append('b')
    const between = (await table.snapshotId()) as bigint
    await table.append('c')
    await expire(since)
    await expire(between)
    await table.commit(stageRowDelta({ addedDeletes: [deleteFile('on-a', dataFile('a'))] }, { since }))
    const gone = stageRowDelta({ addedDeletes: [deleteFile('on-x', dataFile('x'))] }, { since })
    await expectConflict(gone, { file: uriOf('x') })
  })

  test('an update conflicts with a delete from the same file; a plain delete does not', async () => {
    await table.append('a')
    const since = await table.snapshotId()
    const referenced = await table.live()
    const deletes = (name: string): readonly DataFile[] => [deleteFile(name, dataFile('a'))]
    const update = stageRowDelta({ added: [dataFile('new')], addedDeletes: deletes('u') }, { since, referenced })
    await deleteFrom('other', dataFile('a'))
    await table.commit(stageRowDelta({ addedDeletes: deletes('d') }, { since, referenced }))
    await expectConflict(update, { file: uriOf('a') })
  })

  test('two inserts of one key conflict when the change says what it is about', async () => {
    await table.append('a')
    const since = await table.snapshotId()
    const bounded = (name: string, n: bigint): DataFile => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigInt64LE(n)
      return dataFile(name, undefined, { lower_bounds: new Map([[1, bytes]]), upper_bounds: new Map([[1, bytes]]) })
    }
    const where = [{ column: 'n', op: 'in', values: [7n] } as const]
    const merge = (name: string): Staged =>
      stageRowDelta({ added: [bounded(name, 7n)], addedDeletes: [] }, { since, referenced: [], where })
    await table.commit(stageOverwrite({ added: [bounded('eight', 8n)], removed: [] }))
    await table.commit(merge('seven'))
    await expectConflict(merge('seven-again'), { file: uriOf('seven') })
  })

  test('a concurrent rewrite that keeps sequence numbers is a conflict for its deletes', async () => {
    await table.append('a', 'b')
    const since = await table.snapshotId()
    const files = await table.live()
    const added = [dataFile('ab', undefined, { record_count: 20n })]
    await table.commit(stageReplace({ added, removed: files }, 1n, { since }))
    const delta = stageRowDelta({ addedDeletes: [deleteFile('on-a', dataFile('a'))] }, { since })
    await expectConflict(delta, { file: uriOf('a') })
  })
})

describe('Overwrite', () => {
  const noNewData = (since: bigint | null): Validation => ({ type: 'no-new-data', since, where: [] })

  test('validates data that was appended meanwhile, but not what a rewrite added', async () => {
    await table.append('a', 'b')
    const since = await table.snapshotId()
    const [a, b] = (await table.live()) as readonly [ScanFile, ScanFile]
    const overwrite = stageOverwrite({ added: [dataFile('a2')], removed: [a] }, { validations: [noNewData(since)] })
    await table.commit(stageReplace({ added: [dataFile('b2')], removed: [b] }, 1n))
    await table.commit(stageOverwrite({ added: [dataFile('a1')], removed: [a] }, { validations: [noNewData(since)] }))
    await expectConflict(overwrite, { file: uriOf('a1') })
  })

  test('appended data outside of the filter is no conflict', async () => {
    table = await fileTable(BY_P)
    await table.commit(stageOverwrite({ added: [dataFile('a', 'x')], removed: [] }))
    const validations: readonly Validation[] = [
      { type: 'no-new-data', since: await table.snapshotId(), where: [{ column: 'p', op: 'in', values: ['x'] }] },
    ]
    await table.commit(stageOverwrite({ added: [dataFile('b', 'y')], removed: [] }))
    const change = stageOverwrite({ added: [dataFile('c', 'x')], removed: [] }, { validations })
    await table.commit(change)
    const again = stageOverwrite({ added: [dataFile('d', 'x')], removed: [] }, { validations })
    await expectConflict(again, { file: uriOf('c') })
  })

  test('a history that has expired in between cannot prove it, so that is a conflict', async () => {
    await table.append('a')
    const since = (await table.snapshotId()) as bigint
    const change = stageOverwrite({ added: [dataFile('x')], removed: [] }, { validations: [noNewData(since)] })
    await table.append('b')
    const between = (await table.snapshotId()) as bigint
    await table.append('c')
    await expire(between)
    await expectConflict(change, { snapshot: String(since) })
  })

  test('for a table that had no snapshot, everything is new', async () => {
    const change = stageOverwrite({ added: [dataFile('x')], removed: [] }, { validations: [noNewData(null)] })
    await table.append('a')
    await expectConflict(change, { file: uriOf('a') })
  })
})

describe('ReplacePartitions', () => {
  const untouched = (since: bigint | null, of: readonly DataFile[]): readonly Validation[] => [
    { type: 'no-changes-in-partitions', since, partitions: of.map(partitionKeyOf) },
  ]

  beforeEach(async () => {
    table = await fileTable(BY_P)
    await table.commit(stageOverwrite({ added: [dataFile('a', 'x'), dataFile('b', 'y')], removed: [] }))
  })

  test.for([
    ['an append to the partition', stageOverwrite({ added: [dataFile('new', 'x')], removed: [] })],
    [
      'a delete in the partition',
      stageRowDelta({ addedDeletes: [deleteFile('new', dataFile('a', 'x'))] }, { since: null }),
    ],
    ['a replace of the partition', stageReplacePartitions([], [dataFile('new', 'x')])],
  ] as const)('%s meanwhile is a conflict', async ([, meanwhile]) => {
    const added = [dataFile('x2', 'x')]
    const validations = untouched(await table.snapshotId(), added)
    const staged = stageReplacePartitions(await table.live(), added, { validations })
    await table.commit(meanwhile)
    await expectConflict(staged, { file: uriOf('new') })
  })

  test('the same in another partition is none', async () => {
    const added = [dataFile('x2', 'x')]
    const validations = untouched(await table.snapshotId(), added)
    const staged = stageReplacePartitions(await table.live(), added, { validations })
    await table.commit(stageOverwrite({ added: [dataFile('c', 'y')], removed: [] }))
    await table.commit(stageRowDelta({ addedDeletes: [deleteFile('d', dataFile('b', 'y'))] }, { since: null }))
    await table.commit(staged)
    expect(await table.names()).toEqual(['b', 'c', 'x2'])
  })

  test('planned anew on each base it takes in whatever came meanwhile', async () => {
    await table.commit(stageOverwrite({ added: [dataFile('late', 'x')], removed: [] }))
    await table.commit(async () => stageReplacePartitions(await table.live(), [dataFile('x2', 'x')]))
    expect(await table.names()).toEqual(['b', 'x2'])
  })
})

test('a conflict says what to do', async () => {
  await table.append('a')
  const removed = await table.live()
  await table.commit(stageOverwrite({ added: [], removed }))
  const next = 'plan the change again on the table as it is'
  await expectConflict(stageOverwrite({ added: [], removed }), { file: uriOf('a'), next })
})
