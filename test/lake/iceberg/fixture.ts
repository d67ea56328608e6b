import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Column, ColumnType, PartitionField, SortField } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine, type Row, type Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { partitionKeyOf } from '#lake/iceberg/operations/overwrite.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan, type ScanOptions } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import type { TableDefinition } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import { type WriteTask, writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'

/** A column of a declaration, with nothing but a name and a type. */
export function column(name: string, type: ColumnType, more: Partial<Column> = {}): Column {
  return { name, type, required: false, from: [], default: undefined, format: undefined, doc: undefined, ...more }
}

export function definition(
  name: string,
  columns: readonly Column[],
  more: Partial<TableDefinition> = {},
): TableDefinition {
  const none: { readonly partitionBy: readonly PartitionField[]; readonly sortBy: readonly SortField[] } = {
    partitionBy: [],
    sortBy: [],
  }
  return { name, columns, description: '', properties: {}, ...none, ...more }
}

export interface Workbench {
  readonly root: string
  readonly lake: Lake
  readonly session: Session
  close(): Promise<void>
}

/** A lake in a fresh folder and an engine that may read and write there. */
export async function workbench(): Promise<Workbench> {
  const root = mkdtempSync(join(tmpdir(), 'sluice-iceberg-'))
  const lake = diskLake(root)
  const session = await openSession(root)
  return {
    root,
    lake,
    session,
    close: async () => {
      await session.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

export async function openSession(root: string): Promise<Session> {
  mkdirSync(join(root, 'work'), { recursive: true })
  return duckdbEngine.open({ threads: 2, memoryBytes: 500_000_000, folders: [root], scratch: join(root, 'work') })
}

/** Writes the rows of a SELECT in the table's current form and uploads the files to their place. */
export async function writeRows(
  bench: Workbench,
  table: Table,
  source: Sql,
  more: Partial<WriteTask> = {},
): Promise<readonly DataFile[]> {
  const { metadata } = table
  const name = bench.lake.ids.uuid()
  const written = await writeDataFiles(bench.session, {
    source,
    schema: currentSchema(metadata),
    spec: defaultSpec(metadata),
    sortOrder: defaultSortOrder(metadata),
    folder: join(bench.root, 'work', name),
    ...more,
  })
  return placeFiles(bench.lake, table, written, name)
}

export async function appendRows(bench: Workbench, name: string, source: Sql): Promise<Table> {
  const files = await writeRows(bench, await openTable(bench.lake, name), source)
  const commitId = bench.lake.ids.uuid()
  return (await commit(bench.lake, name, { commitId }, () => stageAppend(files))).table
}

/**
 * Deletes the rows that a condition is true of by their positions, and adds the rows of a SELECT in the same snapshot, as a merge does:
 * `where` on the table's columns.
 */
export async function deleteRows(bench: Workbench, name: string, where: Sql, instead?: Sql): Promise<Table> {
  const base = await openTable(bench.lake, name)
  const { schema, files } = await planScan(bench.lake, base)
  const local = await stageFiles(bench.lake, files, join(bench.root, 'work'))
  const uris = sql`(SELECT unnest(${local.map(file => file.path)}) AS path, unnest(${files.map(live => live.file.file_path)}) AS uri)`
  const rows = scanSql(schema, local, { places: true })
  const work = bench.lake.ids.uuid()
  const written = await writePositionDeletes(bench.session, {
    source: sql`SELECT u.uri AS file_path, r._pos AS pos FROM (${rows}) r JOIN ${uris} u ON u.path = r._file WHERE ${where}`,
    files: files.map(live => live.file),
    folder: join(bench.root, 'work', work),
  })
  const addedDeletes = await placeFiles(bench.lake, base, written, `${work}-deletes`)
  const added = instead === undefined ? [] : await writeRows(bench, base, instead)
  const since = base.metadata['current-snapshot-id'] ?? null
  const deletedFrom = files.filter(live =>
    addedDeletes.some(each => partitionKeyOf(each) === partitionKeyOf(live.file)),
  )
  const staged = stageRowDelta({ added, addedDeletes }, { since, referenced: deletedFrom })
  return (await commit(bench.lake, name, { commitId: work }, () => staged)).table
}

/** All rows that a scan of ours gives, in the order asked for. */
export async function readRows(
  bench: Workbench,
  name: string,
  order: Sql,
  options?: ScanOptions,
): Promise<readonly Row[]> {
  const plan = await planScan(bench.lake, await openTable(bench.lake, name), options)
  const local = await stageFiles(bench.lake, plan.files, join(bench.root, 'work'))
  const scan = scanSql(plan.schema, local)
  return bench.session.rows(sql`SELECT * FROM (${scan}) ORDER BY ${order}`)
}

export interface ClickHouse {
  query(text: string, format: string): string
}

/** ClickHouse, an Iceberg reader that is not ours. Its `icebergLocal` reads only below the working directory. */
export function clickHouse(root: string): ClickHouse {
  process.chdir(root)
  const chdb = createRequire(import.meta.url)('chdb') as { query(text: string, format: string): Buffer | string }
  return { query: (text, format) => String(chdb.query(text, format)).trim() }
}

/** A data file that only manifests know of: nothing reads it. */
export function manifestOnly(path: string, more: Partial<DataFile> = {}): DataFile {
  return {
    content: 0,
    file_path: path,
    file_format: 'PARQUET',
    partition: [],
    spec_id: 0,
    record_count: 10n,
    file_size_in_bytes: 100n,
    column_sizes: new Map(),
    value_counts: new Map(),
    null_value_counts: new Map(),
    nan_value_counts: new Map(),
    lower_bounds: new Map(),
    upper_bounds: new Map(),
    split_offsets: null,
    equality_ids: null,
    sort_order_id: 0,
    referenced_data_file: null,
    ...more,
  }
}
