import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hashText } from './batch.ts'
import type { Row, Session } from './duckdb/engine.ts'
import { ident, type Sql, sql } from './duckdb/sql.ts'
import { commit } from './iceberg/commit.ts'
import { hasLiveFiles } from './iceberg/manifest-list.ts'
import { currentSchema, currentSnapshot, defaultSortOrder, defaultSpec } from './iceberg/metadata.ts'
import { stageOverwrite } from './iceberg/operations/overwrite.ts'
import { danglingDeletes, type Staged, withDefaults } from './iceberg/operations/staged.ts'
import { placeFiles } from './iceberg/place-files.ts'
import { scanSql, stageFiles } from './iceberg/read-files.ts'
import { liveFiles } from './iceberg/scan.ts'
import { duckdbType } from './iceberg/schema-text.ts'
import { manifestsOf } from './iceberg/snapshot.ts'
import { loadTable, type Table } from './iceberg/table.ts'
import type { DataFile, IcebergType, ScanFile, Schema } from './iceberg/types.ts'
import { writeDataFiles } from './iceberg/write-files.ts'
import type { Lake, TableName, Uri } from './lake.ts'
import { keyPattern } from './mentions.ts'
import { erasureSummary } from './news.ts'
import { keyTextSql, matchSql, type NameOf, type RowMatch, type Said } from './row-match.ts'

/** An engine and a folder for one piece of work. */
export async function inSession<T>(lake: Lake, work: (session: Session, folder: string) => Promise<T>): Promise<T> {
  const folder = join(lake.limits.scratch, `erase-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  try {
    return await work(session, folder)
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** The keys of the live rows that are meant, as texts; at most so many and one more. */
export async function keysOfRows(
  lake: Lake,
  name: TableName,
  { match, key, max }: { readonly match: RowMatch; readonly key: readonly string[]; readonly max: number },
): Promise<readonly string[]> {
  const table = await loadTable(lake, name)
  if (table === undefined) return []
  const schema = currentSchema(table.metadata)
  const where = matchSql(schema, match, id => schema.fields.find(field => field.id === id)?.name)
  const found = new Set<string>()
  await inSession(lake, async (session, folder) => {
    for (const live of await liveFiles(lake, table)) {
      const own = join(folder, 'keys')
      const local = await stageFiles(lake, [live], own)
      const rows = await session.rows(
        sql`SELECT DISTINCT ${keyTextSql(key.map(column => ident(column)))} AS key FROM (${scanSql(schema, local)}) WHERE ${where} LIMIT ${max + 1}`,
      )
      for (const row of rows) if (row['key'] !== null) found.add(String(row['key']))
      await rm(own, { recursive: true, force: true })
      if (found.size > max) return
    }
  })
  return [...found]
}

/** Values of the key's columns as a key's text; undefined when one of them does not fit its column. */
export async function keyTextOf(
  lake: Lake,
  columns: readonly { readonly value: string; readonly type: IcebergType }[],
): Promise<string | undefined> {
  return inSession(lake, async session => {
    const typed = columns.map(({ value, type }) => sql`TRY_CAST(${value} AS ${duckdbType(type)})`)
    const [row] = await session.rows(sql`SELECT ${keyTextSql(typed)} AS key`)
    return row?.['key'] === null || row === undefined ? undefined : String(row['key'])
  })
}

/**
 * Takes the rows out of a table: the files that hold any are written again without them, in one commit. Returns how many went; none when there
 * were none, or no table. Older snapshots and the files that they need still hold them.
 */
export const eraseRows = (lake: Lake, name: TableName, match: RowMatch): Promise<number> =>
  rewriteRows(lake, name, { match, kept: where => sql`SELECT * FROM rows WHERE NOT ${where}` })

/** Takes texts out of a column of the rows and leaves the rows. */
export function eraseTexts(
  lake: Lake,
  name: TableName,
  { said, instead }: { readonly said: Said; readonly instead: string },
): Promise<number> {
  const column = ident(said.column)
  const text = said.texts.reduce(
    (rest, each) => sql`regexp_replace(${rest}, ${keyPattern(each)}, ${instead}, 'g')`,
    column,
  )
  const kept = (where: Sql): Sql =>
    sql`SELECT * REPLACE (CASE WHEN ${where} THEN ${text} ELSE ${column} END AS ${column}) FROM rows`
  return rewriteRows(lake, name, { match: { said }, kept })
}

interface RowsRewrite {
  readonly match: RowMatch
  /** What stays of `rows`, by what holds of those that are meant. */
  readonly kept: (where: Sql) => Sql
}

async function rewriteRows(lake: Lake, name: TableName, { match, kept }: RowsRewrite): Promise<number> {
  const table = await loadTable(lake, name)
  if (table === undefined) return 0
  return inSession(lake, async (session, folder) => {
    const before = await holding(lake, session, { base: table, match, folder })
    if (before.rows === 0) return 0
    // Another name for every run: the same rows may come again, and are to go again.
    const commitId = hashText('erase', name, lake.ids.uuid()).slice(0, 40)
    let rows = 0
    await commit(lake, name, { commitId }, async base => {
      const found = await holding(lake, session, { base, match, folder })
      rows = found.rows
      return stageWithout(lake, session, { base, match, folder, files: found.files, kept })
    })
    return rows
  })
}

interface Search {
  readonly base: Table
  readonly match: RowMatch
  readonly folder: string
}

/** Rows that were deleted by their positions are in the file still, and are meant as well. */
async function holding(
  lake: Lake,
  session: Session,
  { base, match, folder }: Search,
): Promise<{ readonly files: readonly ScanFile[]; readonly rows: number }> {
  const schema = currentSchema(base.metadata)
  const files: ScanFile[] = []
  let rows = 0
  // One at a time: what is at hand is bounded by the largest file.
  for (const live of await liveFiles(lake, base)) {
    const own = join(folder, 'found')
    const { path } = await lake.storage.stage(live.file.file_path, own, { unhashed: true })
    const found = await rowsIn(session, path, { schema, match })
    if (found > 0) files.push(live)
    rows += found
    await rm(own, { recursive: true, force: true })
  }
  return { files, rows }
}

async function stageWithout(
  lake: Lake,
  session: Session,
  { base, match, folder, files, kept }: Search & RowsRewrite & { readonly files: readonly ScanFile[] },
): Promise<Staged> {
  const schema = currentSchema(base.metadata)
  const where = matchSql(schema, match, id => schema.fields.find(field => field.id === id)?.name)
  const local = await stageFiles(lake, files, join(folder, 'whole'))
  const written = await writeDataFiles(session, {
    source: sql`WITH rows AS (${scanSql(schema, local)}) ${kept(where)}`,
    schema,
    spec: defaultSpec(base.metadata),
    sortOrder: defaultSortOrder(base.metadata),
    properties: base.metadata.properties,
    folder: join(folder, `kept-${lake.ids.uuid()}`),
  })
  const added = await placeFiles(lake, base, written, lake.ids.uuid())
  const since = base.metadata['current-snapshot-id'] ?? null
  const staged = stageOverwrite({ added, removed: files }, { validations: [{ type: 'no-new-deletes', since, files }] })
  return { ...staged, summary: erasureSummary(base.metadata), removedDeletes: await orphaned(lake, base, files) }
}

/**
 * Takes out of the manifests what the last commits have removed: entries of removed files say where these were and within which bounds their values.
 * Does nothing when there are none.
 */
export async function forgetRemoved(lake: Lake, name: TableName): Promise<void> {
  const table = await loadTable(lake, name)
  if (table === undefined) return
  const all = await manifestsOf(lake, currentSnapshot(table.metadata))
  if (all.every(manifest => manifest.deleted_files_count === 0)) return
  const commitId = hashText('erase-manifests', name, lake.ids.uuid()).slice(0, 40)
  await commit(lake, name, { commitId }, async base => {
    const live = (await manifestsOf(lake, currentSnapshot(base.metadata))).filter(hasLiveFiles)
    const rewritten = live.filter(manifest => manifest.deleted_files_count !== 0)
    const rewrittenManifests = rewritten.map(manifest => ({ manifests: [manifest], outputs: 1 }))
    const staged = withDefaults({ operation: 'replace', added: [], removed: [], rewrittenManifests })
    return { ...staged, summary: erasureSummary(base.metadata) }
  })
}

async function orphaned(lake: Lake, base: Table, files: readonly ScanFile[]): Promise<readonly DataFile[]> {
  if (files.every(live => live.deletes.length === 0)) return []
  return danglingDeletes(await liveFiles(lake, base), files)
}

// --- Files, whoever needs them -------------------------------------------------------------------------------------

export interface FileHit {
  readonly uri: Uri
  readonly rows: number
  readonly modifiedMs: number
  /** false of a file that was swept, of which the store keeps what it was for a while. */
  readonly isCurrent: boolean
}

export interface FileSearch {
  readonly files: number
  readonly hits: readonly FileHit[]
}

export interface FilesOptions {
  readonly schema: Schema
  readonly match: RowMatch
  /** Whether a file is of the table with this schema; all are when not given. */
  readonly isOf?: (uri: Uri) => boolean
}

/**
 * Every Parquet file below a prefix, whether a snapshot needs it or not and with what was deleted and is still kept, read for the rows that are meant. Columns are known by their field
 * ids in the schema, as any reader of the table knows them.
 */
export async function searchFiles(
  lake: Lake,
  prefix: Uri,
  { schema, match, isOf = () => true }: FilesOptions,
): Promise<FileSearch> {
  return inSession(lake, async (session, folder) => {
    const hits: FileHit[] = []
    let files = 0
    for await (const { uri, version, modifiedMs, isCurrent } of lake.storage.versions(prefix)) {
      if (!uri.endsWith('.parquet')) continue
      files++
      if (!isOf(uri)) continue
      const read = isCurrent ? {} : { version }
      const { path } = await lake.storage.stage(uri, folder, { ...read, unhashed: true })
      const rows = await rowsIn(session, path, { schema, match })
      if (rows > 0) hits.push({ uri, rows, modifiedMs, isCurrent })
      if (path.startsWith(`${folder}/`)) await rm(path, { force: true })
    }
    return { files, hits }
  })
}

async function rowsIn(
  session: Session,
  path: string,
  { schema, match }: { readonly schema: Schema; readonly match: RowMatch },
): Promise<number> {
  const fields = await session.rows(sql`SELECT name, field_id::DOUBLE AS id FROM parquet_schema(${path})`)
  const where = matchSql(schema, match, namesIn(fields, schema))
  const [count] = await session.rows(
    sql`SELECT count(*)::DOUBLE AS rows FROM read_parquet(${path}, hive_partitioning = FALSE) WHERE ${where}`,
  )
  return Number(count?.['rows'])
}

/** Files of change rows, which are not of a table yet, have names alone. */
function namesIn(fields: readonly Row[], schema: Schema): NameOf {
  const ids = new Map(
    fields.flatMap(each => (each['id'] === null ? [] : [[Number(each['id']), String(each['name'])] as const])),
  )
  if (ids.size > 0) return id => ids.get(id)
  const names = new Set(fields.map(each => String(each['name'])))
  return id => schema.fields.find(field => field.id === id && names.has(field.name))?.name
}
