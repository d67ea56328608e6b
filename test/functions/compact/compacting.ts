import { join as joinPath } from 'node:path'
import { type ColumnType, type Dataset, defineDataset } from '#lake/dataset.ts'
import type { Row } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSnapshot } from '#lake/iceberg/metadata.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { createTable, type TableDefinition } from '#lake/iceberg/table-definition.ts'
import type { ScanFile, Snapshot } from '#lake/iceberg/types.ts'
import { writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import type { Lake } from '#lake/lake.ts'
import { appendRows, column, definition, type Workbench } from '../../lake/iceberg/fixture.ts'

export const COLUMNS: Readonly<Record<string, ColumnType>> = {
  id: 'long',
  part: 'int',
  text: 'string',
  amount: 'decimal(12,2)',
  ratio: 'double',
  at: 'timestamptz',
  place: { struct: [column('x', 'double'), column('name', 'string')] },
  tags: { list: 'string' },
  _raw_object: 'string',
  _raw_row: 'long',
}

export function tableOf(name: string, more: Partial<TableDefinition> = {}): TableDefinition {
  return definition(
    name,
    Object.entries(COLUMNS).map(([field, type]) => column(field, type)),
    more,
  )
}

/** Rows `from` to `to`, with nulls, NaN, −0.0, empty lists and structs of nulls among them; `part` is what they are partitioned by. */
export function rowsSql(from: number, to: number, part: Sql = sql`i % 2`): Sql {
  return sql`SELECT i AS id, (${part})::INTEGER AS part, CASE WHEN i % 5 <> 0 THEN 'text ' || i END AS text,
    (i / 7)::DECIMAL(12,2) AS amount,
    CASE i % 4 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN '-0.0'::DOUBLE WHEN 2 THEN NULL ELSE i / 3 END AS ratio,
    TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_seconds(i) AS at,
    CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN {'x': NULL::DOUBLE, 'name': NULL::VARCHAR} ELSE {'x': '-0.0'::DOUBLE, 'name': 'n' || i} END AS place,
    CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN []::VARCHAR[] ELSE ['a', NULL, 't' || i] END AS tags,
    'raw' || (i // 10) AS _raw_object, i % 10 AS _raw_row
    FROM range(${from}, ${to}) r(i)`
}

/** A table of `files` files with ten rows each, one after the other. */
export async function smallFiles(
  bench: Workbench,
  name: string,
  options: { readonly files: number; readonly part?: Sql } & Partial<TableDefinition>,
): Promise<void> {
  const { files, part, ...more } = options
  await createTable(bench.lake, tableOf(name, more))
  for (let at = 0; at < files; at++) await appendRows(bench, name, rowsSql(at * 10, at * 10 + 10, part))
}

/** Deletes the rows for which a condition is true, by position. */
export async function deleteRows(bench: Workbench, name: string, where: Sql): Promise<void> {
  const { lake, session, root } = bench
  const table = await openTable(lake, name)
  const { schema, files } = await planScan(lake, table)
  const local = await stageFiles(lake, files, joinPath(root, 'work'))
  const uris = local.map(({ path, live }) => sql`(${path}, ${live.file.file_path})`)
  const source = sql`SELECT u.uri AS file_path, _pos AS pos FROM (${scanSql(schema, local, { places: true })}) s
    JOIN (VALUES ${join(uris, ', ')}) u(path, uri) ON u.path = s._file WHERE ${where}`
  const uuid = lake.ids.uuid()
  const task = { source, files: files.map(({ file }) => file), folder: joinPath(root, 'work', uuid) }
  const deletes = await placeFiles(lake, table, await writePositionDeletes(session, task), `${uuid}-d`)
  const since = currentSnapshot(table.metadata)?.['snapshot-id'] ?? null
  await commit(lake, name, { commitId: uuid }, () =>
    stageRowDelta({ addedDeletes: deletes }, { since, referenced: files }),
  )
}

export async function live(lake: Lake, name: string): Promise<readonly ScanFile[]> {
  return (await planScan(lake, await openTable(lake, name), { statistics: 'all' })).files
}

/** Live data files and the delete files that apply to them. */
export async function counts(lake: Lake, name: string): Promise<{ readonly data: number; readonly deletes: number }> {
  const files = await live(lake, name)
  const deletes = new Set(files.flatMap(each => each.deletes.map(({ file }) => file.file_path)))
  return { data: files.length, deletes: deletes.size }
}

/** All rows as text, in order of id; every value of every column is in it, as DuckDB writes it. */
export async function rows(bench: Workbench, name: string): Promise<readonly Row[]> {
  const { lake, session, root } = bench
  const { schema, files } = await planScan(lake, await openTable(lake, name))
  const local = await stageFiles(lake, files, joinPath(root, 'work'))
  const texts = schema.fields.map(field => sql`CAST(${ident(field.name)} AS VARCHAR) AS ${ident(field.name)}`)
  return session.rows(sql`SELECT ${join(texts, ', ')} FROM (${scanSql(schema, local)}) ORDER BY id::BIGINT`)
}

export async function snapshots(lake: Lake, name: string): Promise<readonly Snapshot[]> {
  return (await openTable(lake, name)).metadata.snapshots
}

export const dataset = (
  name: string,
  compaction: Partial<Dataset['compaction']>,
  sortBy: readonly 'id'[] = [],
): Dataset =>
  defineDataset({
    name,
    source: { system: 's', format: 'ndjson', match: '*' },
    columns: { id: 'long' },
    sortBy,
    compaction,
  })
