// What does not depend on the table is written once, however often the swap is lost: the manifest of the added files. Each
// attempt writes only a manifest list and a metadata file, under names that are never used twice.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { decodeManifestList } from '#lake/iceberg/manifest-list.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { entriesOf, manifestsOf } from '#lake/iceberg/snapshot.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { column, definition, manifestOnly } from './fixture.ts'
import { losingCatalog, withCatalog } from './losing-catalog.ts'

const file = (path: string): DataFile => manifestOnly(path, { record_count: 1n })

test('FastAppend: three attempts write one manifest, three lists and three metadata files', async () => {
  const memory = memoryLake()
  await ensureTable(memory, definition('t', [column('n', 'long')]))
  const puts: string[] = []
  const storage = {
    ...memory.storage,
    put: (...args: Parameters<typeof memory.storage.put>) => {
      puts.push(args[0].replace(/.*\/metadata\//, ''))
      return memory.storage.put(...args)
    },
  }
  const lake = withCatalog({ ...memory, storage }, losingCatalog(memory.catalog, ['conflict', 'vanished', 'ok']))
  const { snapshot } = await commit(lake, 't', { commitId: 'a' }, () => stageAppend([file('s3://memory-tables/a')]))
  const of = (pattern: RegExp): readonly string[] => puts.filter(name => pattern.test(name))
  expect(of(/-m\d+\.avro$/)).toHaveLength(1)
  expect(of(/^snap-\d+-[123]-.*\.avro$/)).toHaveLength(3)
  expect(of(/^00001-[0-9a-f-]{36}\.metadata\.json$/)).toHaveLength(3)
  expect(new Set(puts).size).toBe(7)
  expect(snapshot['manifest-list']).toContain(`snap-${snapshot['snapshot-id']}-3-`)
})

test('FastAppend: a manifest that was written for an earlier attempt inherits the sequence number of the one that won', async () => {
  const memory = memoryLake()
  await ensureTable(memory, definition('t', [column('n', 'long')]))
  const racing = withCatalog(memory, losingCatalog(memory.catalog, ['conflict']))
  let attempts = 0
  await commit(racing, 't', { commitId: 'late' }, async () => {
    if (attempts++ === 0)
      await commit(memory, 't', { commitId: 'early' }, () => stageAppend([file('s3://memory-tables/early')]))
    return stageAppend([file('s3://memory-tables/late')])
  })
  const live = await liveFiles(memory, await openTable(memory, 't'))
  expect(live.map(each => [each.file.file_path, each.sequence_number, each.file_sequence_number])).toEqual([
    ['s3://memory-tables/late', 2n, 2n],
    ['s3://memory-tables/early', 1n, 1n],
  ])
})

test('entries of a manifest that is written anew keep their numbers; the removed one carries the snapshot that removed it', async () => {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', [column('n', 'long')]))
  const names = ['a', 'b', 'c'].map(name => `s3://memory-tables/${name}`)
  const first = await commit(lake, 't', { commitId: '1' }, () => stageAppend(names.map(file)))
  const second = await commit(lake, 't', { commitId: '2' }, async base => {
    const removed = (await liveFiles(lake, base)).filter(live => live.file.file_path.endsWith('b'))
    return stageOverwrite({ added: [file('s3://memory-tables/d')], removed })
  })
  const [added, kept] = decodeManifestList(Buffer.from(await lake.storage.get(second.snapshot['manifest-list'])))
  expect(added).toMatchObject({
    added_files_count: 1,
    existing_files_count: 0,
    sequence_number: 2n,
    min_sequence_number: 2n,
  })
  expect(kept).toMatchObject({
    added_files_count: 0,
    existing_files_count: 2,
    deleted_files_count: 1,
    deleted_rows_count: 1n,
    sequence_number: 2n,
    min_sequence_number: 1n,
  })
  const entries = await entriesOf(lake, second.table.metadata, kept as NonNullable<typeof kept>)
  const [one, two] = [first.snapshot['snapshot-id'], second.snapshot['snapshot-id']]
  expect(entries.map(entry => [entry.status, entry.snapshot_id, entry.sequence_number])).toEqual([
    [0, one, 1n],
    [2, two, 1n],
    [0, one, 1n],
  ])
  const third = await commit(lake, 't', { commitId: '3' }, async base => {
    const removed = (await liveFiles(lake, base)).filter(live => !live.file.file_path.endsWith('d'))
    return stageOverwrite({ added: [], removed })
  })
  expect(third.snapshot.summary['operation']).toBe('delete')
  const fourth = await commit(lake, 't', { commitId: '4' }, () => stageAppend([]))
  const left = await manifestsOf(lake, fourth.snapshot)
  expect(left.map(manifest => manifest.added_files_count)).toEqual([1])
})
