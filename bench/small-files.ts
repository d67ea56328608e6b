import { existsSync } from 'node:fs'
import { cp, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { ident, join as joinSql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { UNSORTED } from '#lake/iceberg/partition.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { ensureTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import { DATA, events, makeEvents, FILES as PARTS, part } from './events.ts'

export const NAME = 'events'
const FILES = 1_000
/** About 260 KB as Snappy. */
const ROWS = 3_800

const TARGET_FILE_BYTES = 134_217_728

/** The table's folder is a lake of its own; what compaction adds to it is taken out again. */
export const rootOf = (times: number): string => join(DATA, `small-files-${times}`)
export const inputFolder = (times: number): string => join(rootOf(times), 'tables', NAME, 'data')

/** A table of 1,000 small files, as frequent batches leave them, or of so many times as many: those are links to the same bytes. */
export async function makeSmallFiles(times: number): Promise<void> {
  const root = rootOf(times)
  if (existsSync(join(root, 'ready.json'))) return
  await makeEvents(() => undefined)
  await rm(root, { recursive: true, force: true })
  const lake = diskLake(root)
  const definition = tableDefinition(events)
  const properties = { ...definition.properties, 'write.target-file-size-bytes': String(TARGET_FILE_BYTES) }
  const table = await ensureTable(lake, { ...definition, columns: events.columns, properties })
  const files = await writeFiles(lake, table)
  const linked: DataFile[] = []
  for (let copy = 1; copy < times; copy++)
    for (const file of files) linked.push(await linkTo(file, `copy${copy}-${basename(file.file_path)}`))
  await commit(lake, NAME, { commitId: 'small-files' }, () => stageAppend([...files, ...linked]))
  await cp(join(root, 'catalog'), join(root, 'catalog-made'), { recursive: true })
  await writeFile(join(root, 'ready.json'), JSON.stringify(await filesBelow(join(root, 'tables'))))
}

async function writeFiles(lake: LocalLake, table: Table): Promise<readonly DataFile[]> {
  const { metadata } = table
  const work = join(rootOf(1), '..', 'small-files-work')
  await mkdir(work, { recursive: true })
  const session = await lake.engine.open({ threads: 2, memoryBytes: 4e9, folders: [work, DATA], scratch: work })
  const columns = joinSql(
    events.columns.map(({ name }) => ident(name)),
    ', ',
  )
  await session.run(
    sql`CREATE TABLE made AS SELECT ${columns}, row_number() OVER () - 1 AS made_at FROM read_json(${Array.from({ length: PARTS }, (_, at) => part(at))}, format = 'newline_delimited')`,
  )
  const files: DataFile[] = []
  for (let at = 0; at < FILES; at++) {
    const from = (at * ROWS) % 2_000_000
    const written = await writeDataFiles(session, {
      source: sql`SELECT * FROM made WHERE made_at >= ${from} AND made_at < ${from + ROWS}`,
      ...{ schema: currentSchema(metadata), spec: defaultSpec(metadata), sortOrder: UNSORTED },
      folder: join(work, String(at)),
      codec: 'snappy',
    })
    files.push(...(await placeFiles(lake, table, written, `small-${String(at).padStart(4, '0')}`)))
  }
  await session.close()
  await rm(work, { recursive: true, force: true })
  return files
}

async function linkTo(file: DataFile, name: string): Promise<DataFile> {
  const path = file.file_path.slice('file://'.length)
  const other = join(dirname(path), name)
  await link(path, other)
  return { ...file, file_path: `file://${other}` }
}

/** The table as it was made: the same input for every run. */
export async function restoreSmallFiles(times: number): Promise<void> {
  const root = rootOf(times)
  const made = new Set(JSON.parse(await readFile(join(root, 'ready.json'), 'utf8')) as readonly string[])
  for (const path of await filesBelow(join(root, 'tables'))) if (!made.has(path)) await rm(path, { force: true })
  for (const folder of ['catalog', 'ops', 'tmp']) await rm(join(root, folder), { recursive: true, force: true })
  await cp(join(root, 'catalog-made'), join(root, 'catalog'), { recursive: true })
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

/** The rows of the table, by its own account. */
export async function rowsOf(lake: LocalLake): Promise<number> {
  const { metadata } = await openTable(lake, NAME)
  return Number(metadata.snapshots.at(-1)?.summary['total-records'])
}
