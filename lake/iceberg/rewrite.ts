import type { Session } from '../duckdb/engine.ts'
import { type Sql, sql } from '../duckdb/sql.ts'
import { defaultSortOrder, defaultSpec } from './metadata.ts'
import { type LocalFile, scanSql } from './read-files.ts'
import type { Table } from './table.ts'
import type { LiveFile, Schema } from './types.ts'
import { type WriteTask, type WrittenFile, writeDataFiles } from './write-files.ts'

export interface Rewritten {
  /** Files that hold rows of the given raw objects, and nothing is to be left of them but what `kept` holds. */
  readonly removed: readonly LiveFile[]
  /** The other rows of those files. */
  readonly kept: readonly WrittenFile[]
}

/**
 * Takes the rows of raw objects out of data files (copy on write). `files` are those that a scan for `_raw_object in …` leaves;
 * those that turn out to hold no such row are left alone.
 */
export async function withoutRawObjects(
  session: Session,
  table: Table,
  files: readonly LocalFile[],
  task: Pick<WriteTask, 'folder' | 'rowGroupRows' | 'codec'> & {
    readonly schema: Schema
    readonly rawObjects: readonly string[]
  },
): Promise<Rewritten> {
  const affected = await holding(session, files, task)
  if (affected.length === 0) return { removed: [], kept: [] }
  const kept = await writeDataFiles(session, {
    ...task,
    source: sql`SELECT * FROM (${scanSql(task.schema, affected)}) WHERE NOT ${isOneOf(task.rawObjects)}`,
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
  })
  return { removed: affected.map(file => file.live), kept }
}

async function holding(
  session: Session,
  files: readonly LocalFile[],
  task: { readonly schema: Schema; readonly rawObjects: readonly string[] },
): Promise<readonly LocalFile[]> {
  if (files.length === 0 || task.rawObjects.length === 0) return []
  const scan = scanSql(task.schema, files, { places: true })
  const rows = await session.rows(sql`SELECT DISTINCT _file AS file FROM (${scan}) WHERE ${isOneOf(task.rawObjects)}`)
  const paths = new Set(rows.map(row => String(row['file'])))
  return files.filter(file => paths.has(file.path))
}

/** False, not null, for rows of no raw object: another writer's rows stay. */
const isOneOf = (rawObjects: readonly string[]): Sql => sql`COALESCE(list_contains(${rawObjects}, _raw_object), false)`
