import { memoryLake } from '#lake/disk/disk-lake.ts'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { removeSnapshots } from '#lake/iceberg/operations/expire.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import type { TableMetadata } from '#lake/iceberg/types.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { column, definition, manifestOnly } from '../../lake/iceberg/fixture.ts'

export const DAY_MS = 86_400_000
export const HOUR_MS = 3_600_000

/** Tables whose data files are a few bytes that nobody reads; what a test checks stands in the test. */
export { memoryLake }

export async function newTable(
  lake: Lake,
  name: string,
  properties: Readonly<Record<string, string>> = {},
): Promise<Table> {
  return createTable(lake, definition(name, [column('n', 'long')], { properties }))
}

/** Stores a file of as many bytes without telling the table. */
export async function store(lake: Lake, uri: Uri, bytes = 10): Promise<Uri> {
  await lake.storage.put(uri, new Uint8Array(bytes))
  return uri
}

/** Stores data files and commits them; a name that has a scheme is the whole URI as the manifest has it. */
export async function append(lake: Lake, name: string, ...files: readonly string[]): Promise<Table> {
  const { metadata } = await openTable(lake, name)
  const added = await Promise.all(files.map(file => store(lake, `${metadata.location}/data/${file}.parquet`)))
  return commitFiles(lake, name, added)
}

export async function commitFiles(lake: Lake, name: string, added: readonly Uri[]): Promise<Table> {
  const files = added.map(uri => manifestOnly(uri))
  return (await commit(lake, name, { commitId: lake.ids.uuid() }, () => stageAppend(files))).table
}

/** Takes the place of all files. */
export async function replaceAll(lake: Lake, name: string, ...files: readonly string[]): Promise<Table> {
  const { metadata } = await openTable(lake, name)
  const uris = await Promise.all(files.map(file => store(lake, `${metadata.location}/data/${file}.parquet`)))
  const added = uris.map(uri => manifestOnly(uri))
  const stage = async (base: Table) => stageOverwrite({ added, removed: await liveFiles(lake, base) })
  return (await commit(lake, name, { commitId: lake.ids.uuid() }, stage)).table
}

/** Leaves the current snapshot only. */
export async function expireAll(lake: Lake, name: string): Promise<Table> {
  return updateTable(lake, name, metadata => {
    const old = metadata.snapshots.map(each => each['snapshot-id']).filter(id => id !== metadata['current-snapshot-id'])
    return removeSnapshots(metadata, { snapshots: new Set(old), refs: [] })
  })
}

/** Changes whatever of the metadata a test needs; by commit, so that it is what the catalog points at. */
export async function alter(lake: Lake, name: string, change: Partial<TableMetadata>): Promise<Table> {
  const key = Object.keys(change)[0] as string
  return updateTable(lake, name, metadata =>
    metadata[key] === change[key] ? metadata : ({ ...metadata, ...change } as TableMetadata),
  )
}

/** Keys below the zone of the tables, in order. */
export async function stored(lake: Lake, prefix = ''): Promise<readonly string[]> {
  const base = `${lake.zones.tables}/`
  const keys: string[] = []
  for await (const object of lake.storage.list(`${base}${prefix}`)) keys.push(object.uri.slice(base.length))
  return keys
}

/** Data files only, without folder and ending. */
export async function dataFiles(lake: Lake, name: string): Promise<readonly string[]> {
  const keys = await stored(lake, `${name}/`)
  return keys
    .filter(key => key.endsWith('.parquet'))
    .map(key => key.slice(key.lastIndexOf('/') + 1, -'.parquet'.length))
}

/** Everything that a reader of any retained snapshot needs is there. */
export async function checkReadable(lake: Lake, name: string): Promise<readonly string[]> {
  const table = await openTable(lake, name)
  const found: string[] = []
  for (const snapshot of table.metadata.snapshots)
    for (const { file } of await liveFiles(lake, table, { snapshot })) {
      await lake.storage.get(file.file_path)
      found.push(file.file_path)
    }
  return found
}
