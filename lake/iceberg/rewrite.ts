import type { Session } from '../duckdb/engine.ts'
import { type Sql, sql } from '../duckdb/sql.ts'
import { defaultSortOrder, defaultSpec } from './metadata.ts'
import { RAW_OBJECT } from './raw-object-max.ts'
import { type LocalFile, scanSql } from './read-files.ts'
import type { Table } from './table.ts'
import type { ScanFile, Schema } from './types.ts'
import { whereSql } from './where.ts'
import { type WriteTask, type WrittenFile, writeDataFiles } from './write-files.ts'

export interface RawObjectSearch {
  readonly schema: Schema
  readonly rawObjects: readonly string[]
}

/**
 * The files that hold live rows of raw objects, among those that a scan for `_raw_object in …` leaves. Of the files only `_raw_object` is
 * read: it may be all that the schema has and that was staged.
 */
export async function filesHolding(
  session: Session,
  files: readonly LocalFile[],
  { schema, rawObjects }: RawObjectSearch,
): Promise<readonly ScanFile[]> {
  if (files.length === 0 || rawObjects.length === 0) return []
  const scan = scanSql(schema, files, { places: true })
  const where = whereSql([{ column: RAW_OBJECT, op: 'in', values: rawObjects }], schema)
  const rows = await session.rows(sql`SELECT DISTINCT _file AS file FROM (${scan}) WHERE ${where}`)
  const paths = new Set(rows.map(row => String(row['file'])))
  return files.filter(file => paths.has(file.path)).map(file => file.live)
}

/** Writes all live rows of data files but those of the raw objects (copy on write), in the table's current form. */
export async function withoutRawObjects(
  session: Session,
  table: Table,
  files: readonly LocalFile[],
  task: Pick<WriteTask, 'folder' | 'rowGroupRows' | 'codec'> & RawObjectSearch,
): Promise<readonly WrittenFile[]> {
  return writeDataFiles(session, {
    ...task,
    source: sql`SELECT * FROM (${scanSql(task.schema, files)}) WHERE NOT ${isOneOf(task.rawObjects)}`,
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
  })
}

/** False, not null, for rows of no raw object: another writer's rows stay. */
const isOneOf = (rawObjects: readonly string[]): Sql => sql`COALESCE(list_contains(${rawObjects}, _raw_object), false)`
