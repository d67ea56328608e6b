import { writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { Session } from '../duckdb/engine.ts'
import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { currentSchema } from '../iceberg/metadata.ts'
import { RAW_OBJECT } from '../iceberg/raw-object-max.ts'
import { type LocalFile, scanSql } from '../iceberg/read-files.ts'
import { liveFiles } from '../iceberg/scan.ts'
import { projected, stageColumns } from '../iceberg/stage-columns.ts'
import type { Table } from '../iceberg/table.ts'
import type { ScanFile } from '../iceberg/types.ts'
import type { Lake } from '../lake.ts'
import { isWholeFile, type JudgedRecords, ordinalLines, ordinalsSql, type SelectedRecords } from './selection.ts'

/** Files of a table that can hold records of raw objects, and where these stand in them. */
export interface Places {
  readonly files: readonly ScanFile[]
  /** A SELECT of `object`, `ordinal`, `batch` where the table has it, `file_path` and `pos`. */
  readonly rows: Sql
}

/** Reads the identity of rows alone: `ordinal` names the column that holds the number of a record. */
export async function placesOf(
  lake: Lake,
  base: Table,
  { rawObjects, ordinal, batch, folder }: PlaceSearch,
): Promise<Places> {
  const files = await liveFiles(lake, base, { where: [{ column: RAW_OBJECT, op: 'in', values: rawObjects }] })
  const columns = [RAW_OBJECT, ordinal, ...(batch === undefined ? [] : [batch])]
  const schema = projected(currentSchema(base.metadata), columns)
  const local = await stageColumns(lake, files, { folder, columns: schema.fields.map(field => field.id) })
  const named = [
    sql`${ident(RAW_OBJECT)} AS "object"`,
    sql`${ident(ordinal)} AS ordinal`,
    ...(batch === undefined ? [] : [sql`${ident(batch)} AS batch`]),
  ]
  const scan = scanSql(schema, local, { places: true })
  return {
    files,
    rows: sql`SELECT ${join(named, ', ')}, uris.uri AS file_path, _pos AS pos FROM (${scan}) scanned JOIN (${urisSql(local)}) uris ON uris.path = scanned._file`,
  }
}

export interface PlaceSearch {
  readonly rawObjects: readonly string[]
  readonly ordinal: string
  readonly batch?: string
  readonly folder: string
}

function urisSql(files: readonly LocalFile[]): Sql {
  const paths = files.map(file => file.path)
  const uris = files.map(file => file.live.file.file_path)
  return sql`SELECT unnest(${paths}::VARCHAR[]) AS path, unnest(${uris}::VARCHAR[]) AS uri`
}

/** Those of the files that a SELECT of `file_path` names. */
export async function filesIn(session: Session, rows: Sql, files: readonly ScanFile[]): Promise<readonly ScanFile[]> {
  const found = await session.rows(sql`SELECT DISTINCT file_path FROM (${rows})`)
  const paths = new Set(found.map(row => String(row['file_path'])))
  return files.filter(each => paths.has(each.file.file_path))
}

/** What became of records, as it stands in `PRESENT`. */
export type Fate = 'applied' | 'refused' | 'suppressed' | 'whole'

/** The table of a session in which `findPresent` leaves `object`, `batch`, `ordinal`, `fate`, `file_path` and `pos`. */
export const PRESENT = ident('sluice_present')
/** What was judged, whether it is present or not: `object`, `batch`, `ordinal` and `fate`. */
export const JUDGED = ident('sluice_judged')

/**
 * Finds which of the records that a batch has judged are in quarantine at this moment, in the account in which they were selected. What
 * somebody else has released, dropped or replayed meanwhile is not, and is no business of this batch any more.
 */
export async function findPresent(
  lake: Lake,
  session: Session,
  {
    base,
    judged,
    folder,
  }: { readonly base: Table | undefined; readonly judged: readonly JudgedRecords[]; readonly folder: string },
): Promise<readonly ScanFile[]> {
  await session.run(sql`CREATE OR REPLACE TABLE ${JUDGED} AS ${await judgedSql(judged, folder)}`)
  const rawObjects = judged.map(each => each.rawObject)
  if (base === undefined || rawObjects.length === 0) {
    await session.run(
      sql`CREATE OR REPLACE TABLE ${PRESENT} AS SELECT *, '' AS file_path, 0 AS pos FROM ${JUDGED} LIMIT 0`,
    )
    return []
  }
  const { files, rows } = await placesOf(lake, base, { rawObjects, ordinal: 'record', batch: 'batch', folder })
  await session.run(
    sql`CREATE OR REPLACE TABLE ${PRESENT} AS SELECT judged.*, held.file_path, held.pos FROM (${rows}) held JOIN ${JUDGED} judged ON judged."object" = held."object" AND judged.batch = held.batch AND judged.ordinal = held.ordinal`,
  )
  return filesIn(session, sql`SELECT file_path FROM ${PRESENT}`, files)
}

/** A file that could be read this time has no fate of its own: its records have. */
async function judgedSql(judged: readonly JudgedRecords[], folder: string): Promise<Sql> {
  const isRead = (each: JudgedRecords): boolean => !isWholeFile(each.refused) && !isWholeFile(each.suppressed)
  const files = judged.filter(each => isWholeFile(each.records) && isRead(each))
  const lists: readonly (readonly [fate: Fate, objects: readonly SelectedRecords[]])[] = [
    ['applied', judged.map(each => ({ ...each, records: each.applied }))],
    ['refused', judged.map(each => ({ ...each, records: each.refused }))],
    ['suppressed', judged.map(each => ({ ...each, records: each.suppressed }))],
    ['whole', files],
  ]
  const parts: Sql[] = []
  for (const [fate, objects] of lists) {
    const path = joinPath(folder, `judged-${fate}.ndjson`)
    await writeFile(path, ordinalLines(objects))
    parts.push(sql`SELECT *, ${fate} AS fate FROM (${ordinalsSql(path)})`)
  }
  return join(parts, ' UNION ALL ')
}
