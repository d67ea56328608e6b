import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join as joinPath } from 'node:path'
import type { Relation } from '#lake/dqdl/relation.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, type Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { csvFault, csvRows } from './check-csv.ts'
import { jsonFault, jsonRows } from './check-json.ts'
import type { Call } from './command.ts'
import { checkTables, type FilePlace, type Place } from './data-source.ts'
import { makeView } from './lake-session.ts'
import { openLakeTable } from './lake-table.ts'
import { refusal, usage } from './refusal.ts'
import { type At, snapshotsFor } from './snapshot-choice.ts'

/** Data made ready for rules. */
export interface Data {
  readonly place: Place
  readonly relation: Relation
  /** What rows of a file are ordered by; tables have no order, and without `ordered` nothing has. */
  readonly ordinal: Sql | undefined
  readonly files: readonly DataFile[]
  /** What people should know of how it was read. */
  readonly notes: readonly string[]
}

export interface DataFile {
  /** As rules name it. */
  readonly path: string
  readonly localPath: string
}

export interface OpenData {
  readonly session: Session
  /** A folder of this run's own that the session may write to. */
  readonly folder: string
  readonly primary: Data
  readonly sources: ReadonlyMap<string, Data>
}

export interface Wanted {
  readonly primary: Place
  readonly sources: ReadonlyMap<string, Place>
  readonly at: At | undefined
  /** Keep the order of rows in files, which costs time. */
  readonly ordered: boolean
}

/** Opens the data in an engine that may read the given files, the tables of the lake when one is named, and nothing else. */
export async function withData<T>(call: Call, wanted: Wanted, work: (data: OpenData) => Promise<T>): Promise<T> {
  const places = [wanted.primary, ...wanted.sources.values()]
  if (wanted.at !== undefined && places.every(place => place.kind === 'file'))
    throw usage('--at names a moment of tables, and there are only files', 'leave it out')
  const namesTable = places.some(place => place.kind === 'table')
  await checkTables(places, { root: call.root, cwd: call.terminal.cwd })
  // Beside the lake only when there is one: a check of files leaves nothing behind in the folder where it runs.
  const base = namesTable ? call.lake.limits.scratch : tmpdir()
  await mkdir(base, { recursive: true })
  const folder = await realpath(await mkdtemp(joinPath(base, 'check-')))
  try {
    const { threads, memoryBytes } = call.lake.limits
    const files = places.flatMap(place => (place.kind === 'file' ? [place.realPath] : []))
    const folders = namesTable ? [folder, ...call.lake.storage.folders] : [folder]
    const session = await call.lake.engine.open({ threads, memoryBytes, folders, files, scratch: folder })
    try {
      return await work(await load(call, wanted, { session, folder }))
    } finally {
      await session.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Opened {
  readonly session: Session
  readonly folder: string
}

async function load(call: Call, wanted: Wanted, opened: Opened): Promise<OpenData> {
  const read = (place: Place, name: string, ordered: boolean): Promise<Data> =>
    place.kind === 'file'
      ? loadFile(place, opened, { name, ordered })
      : loadTable(call, opened, { table: place.name, name, at: wanted.at })
  const primary = await read(wanted.primary, 'checked data', wanted.ordered)
  const sources = new Map<string, Data>()
  for (const [alias, place] of wanted.sources)
    sources.set(alias, await read(place, `checked data of ${sources.size}`, false))
  return { ...opened, primary, sources }
}

// --- Files ---------------------------------------------------------------------------------------------------------

async function loadFile(
  place: FilePlace,
  { session, folder }: Opened,
  { name, ordered }: { readonly name: string; readonly ordered: boolean },
): Promise<Data> {
  // A name of our own: the engine would take brackets and stars in a name for a pattern.
  const path = joinPath(folder, `${name.replaceAll(' ', '-')}${extname(place.realPath)}`)
  await symlink(place.realPath, path)
  try {
    const rows = await rowsOf(session, place, path)
    const ordinal = ordered ? freshName('row', rows.names) : undefined
    await session.run(rows.make(ident(name), ordinal))
    const relation = { source: ident(name), columns: (await columnsOf(session, name)).slice(0, rows.names.length) }
    const files = [{ path: place.path, localPath: place.realPath }]
    return { place, relation, ordinal: ordinal === undefined ? undefined : ident(ordinal), files, notes: rows.notes }
  } catch (error) {
    if (!isLakeError(error, 'engine-failed')) throw error
    throw faultOf(error.message, place)
  }
}

/** A name that no column has. */
function freshName(wanted: string, taken: readonly string[]): string {
  const names = new Set(taken.map(name => name.toLowerCase()))
  let fresh = wanted
  while (names.has(fresh)) fresh = `${fresh} `
  return fresh
}

interface FileRows {
  readonly names: readonly string[]
  readonly notes: readonly string[]
  /** Makes a table or a view of the rows; the ordinal stands behind the columns. */
  readonly make: (name: Sql, ordinal: string | undefined) => Sql
}

async function rowsOf(session: Session, place: FilePlace, path: string): Promise<FileRows> {
  if (place.format === 'parquet') return parquetRows(session, path)
  const isCsv = place.format === 'csv' || place.format === 'tsv'
  const { select, names, ...rest } = isCsv ? await csvRows(session, place, path) : await jsonRows(session, place, path)
  // Text is parsed once: rules may need several scans.
  const make: FileRows['make'] = (name, ordinal) =>
    ordinal === undefined
      ? sql`CREATE TABLE ${name} AS ${select}`
      : sql`CREATE TABLE ${name} AS SELECT *, row_number() OVER () AS ${ident(ordinal)} FROM (${select})`
  return { names, notes: 'notes' in rest ? (rest.notes as readonly string[]) : [], make }
}

/** A view: only the columns that rules name are read. */
async function parquetRows(session: Session, path: string): Promise<FileRows> {
  const described = await session.rows(sql`SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet(${path}))`)
  const make: FileRows['make'] = (name, ordinal) => {
    const place = ordinal === undefined ? sql`` : sql`, file_row_number AS ${ident(ordinal)}`
    return sql`CREATE VIEW ${name} AS SELECT *${place} FROM read_parquet(${path})`
  }
  return { names: described.map(row => String(row['column_name'])), notes: [], make }
}

async function columnsOf(session: Session, name: string): Promise<Relation['columns']> {
  const rows = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${ident(name)})`)
  return rows.map(row => ({ name: String(row['column_name']), type: String(row['column_type']) }))
}

function faultOf(message: string, place: FilePlace): Error {
  switch (place.format) {
    case 'csv':
    case 'tsv':
      return csvFault(message, place)
    case 'json':
    case 'ndjson':
      return jsonFault(message, place)
    case 'parquet':
      return refusal('file-unreadable', `${place.name} is no Parquet file that can be read`, 'write it again')
  }
}

// --- Tables --------------------------------------------------------------------------------------------------------

async function loadTable(
  call: Call,
  { session, folder }: Opened,
  { table, name, at }: { readonly table: string; readonly name: string; readonly at: At | undefined },
): Promise<Data> {
  const opened = await openLakeTable(call.lake, table)
  const snapshot = at === undefined ? undefined : snapshotsFor([opened], at)[0]
  const files = await makeView(call, { session, folder }, { table: opened, name, snapshot })
  return {
    place: { kind: 'table', name: table },
    relation: { source: ident(name), columns: await columnsOf(session, name) },
    ordinal: undefined,
    files: files.map(file => ({ path: file.live.file.file_path, localPath: file.path })),
    notes: [],
  }
}
