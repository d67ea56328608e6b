// Contract: where Iceberg's own tests expect a writer to clean up after itself (FastAppend and MergeAppend after a failed commit,
// write.metadata.delete-after-commit.enabled), Sluice deletes nothing: a file that looks left over may belong to a commit that still
// arrives. The sweeper takes all of it, later, and nothing that a commit needs.
import { describe, expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import { isLakeError } from '#lake/errors.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { setProperties } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { losingCatalog, withCatalog } from './losing-catalog.ts'
import { dataFile, type FileTable, fileTable } from './table-of-files.ts'

/** A lake on which a delete is a failure of the test. */
function undeletable(lake: Lake): Lake {
  const refuse = (uri: Uri): never => {
    throw new Error(`${uri} was deleted`)
  }
  return { ...lake, storage: { ...lake.storage, delete: async uri => refuse(uri) } }
}

async function objects({ lake }: FileTable, ending: RegExp): Promise<readonly Uri[]> {
  const found: Uri[] = []
  for await (const object of lake.storage.list(`${lake.zones.tables}/t/`))
    if (ending.test(object.uri)) found.push(object.uri)
  return found
}

/** The files of a moment ago are old enough for it. Data files are put in their place first: of a table that lacks some, nothing is swept. */
async function sweepAll({ lake }: FileTable): Promise<void> {
  const live = await planScan(lake, await openTable(lake, 't'))
  for (const { file } of live.files) await lake.storage.put(file.file_path, Buffer.from('rows'))
  await lake.clock.sleep(1)
  await sweep(lake, { table: 't', graceHours: 0 }, { graceHoursMin: 0 })
}

describe.for([
  { writer: 'FastAppend', properties: { 'commit.manifest-merge.enabled': 'false' } },
  { writer: 'MergeAppend', properties: { 'commit.manifest.min-count-to-merge': '2' } },
])('$writer', ({ properties }) => {
  test('a commit that failed for good leaves its files to the sweeper, and the table as it was', async () => {
    const table = await fileTable({ properties })
    await table.append('a')
    await table.append('b')
    const before = await objects(table, /\.avro$/)
    const catalog = losingCatalog(table.lake.catalog, Array(12).fill('conflict'))
    const failed = await table
      .commit(stageAppend([dataFile('lost')]), undeletable(withCatalog(table.lake, catalog)))
      .catch(error => error)
    expect(isLakeError(failed, 'conflict')).toBe(true)
    const left = (await objects(table, /\.avro$/)).filter(uri => !before.includes(uri))
    // At least the manifest of the added file and the list of each of the twelve attempts.
    expect(left.length).toBeGreaterThanOrEqual(13)
    expect(await table.names()).toEqual(['a', 'b'])
    await sweepAll(table)
    const swept = await objects(table, /\.avro$/)
    expect(swept.filter(uri => left.includes(uri))).toEqual([])
    expect(await table.names()).toEqual(['a', 'b'])
  })

  test('a commit that succeeded after lost races keeps what it needs, and the sweeper takes the rest', async () => {
    const table = await fileTable({ properties })
    await table.append('a')
    const catalog = losingCatalog(table.lake.catalog, ['conflict', 'vanished', 'lost'])
    await table.commit(stageAppend([dataFile('b')]), undeletable(withCatalog(table.lake, catalog)))
    const lists = await objects(table, /\/snap-[^/]*\.avro$/)
    expect(lists).toHaveLength(4)
    await sweepAll(table)
    expect(await objects(table, /\/snap-[^/]*\.avro$/)).toHaveLength(2)
    expect(await table.names()).toEqual(['a', 'b'])
  })
})

describe('write.metadata.delete-after-commit.enabled', () => {
  const properties = {
    'write.metadata.delete-after-commit.enabled': 'true',
    'write.metadata.previous-versions-max': '2',
  }

  test('the log is capped, and the files that fall out of it are left to the sweeper', async () => {
    const table = await fileTable({ properties })
    const lake = undeletable(table.lake)
    for (const name of ['a', 'b', 'c', 'd', 'e']) await table.commit(stageAppend([dataFile(name)]), lake)
    const { metadata, entry } = await table.open()
    expect(metadata['metadata-log']).toHaveLength(2)
    expect(await objects(table, /\.metadata\.json$/)).toHaveLength(6)
    await sweepAll(table)
    const named = [entry.metadataLocation, ...metadata['metadata-log'].map(each => each['metadata-file'])]
    expect(await objects(table, /\.metadata\.json$/)).toEqual(named.toSorted())
    expect(await table.names()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('a smaller cap counts from the next version on', async () => {
    const table = await fileTable()
    for (const name of ['a', 'b', 'c', 'd']) await table.append(name)
    expect((await table.open()).metadata['metadata-log']).toHaveLength(4)
    await updateTable(undeletable(table.lake), 't', metadata => setProperties(metadata, properties))
    expect((await table.open()).metadata['metadata-log']).toHaveLength(2)
  })
})
