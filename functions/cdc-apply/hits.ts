import { join as joinPath } from 'node:path'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { type LocalFile, scanSql } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import type { ScanFile } from '#lake/iceberg/types.ts'
import type { Value } from '#lake/iceberg/value.ts'
import { guardColumns, refuseOutgrown } from './outgrown.ts'
import { type Attempt, keyNames } from './task.ts'

/**
 * Finds the rows of the keys in `keyed`, in `hits`: where each is and its version. Only key and version columns are fetched, and only of
 * files whose bounds leave room for one of the keys.
 */
export async function findRows(attempt: Attempt): Promise<readonly ScanFile[]> {
  const { session, publish } = attempt
  const files = await candidates(attempt)
  const names = [...publish.key, '_version', '_authors', ...deletedColumn(attempt)]
  refuseOutgrown(attempt, files, names)
  const local = await staged(attempt, files, names)
  const key = keyNames(publish.key)
  await session.run(sql`CREATE OR REPLACE TEMP TABLE hits AS SELECT u.number AS _s_file, t._pos AS _s_pos, ${keyNames(publish.key, 't')}, t._version AS _s_version, ${isPlain(attempt)} AS _s_plain
    FROM (${local.rows}) t JOIN keyed USING (${key}) JOIN (${local.places}) u ON u.path = t._file`)
  return files
}

export const deletedColumn = ({ publish }: Pick<Attempt, 'publish'>): readonly string[] =>
  publish.deletes === 'soft' ? ['_deleted'] : []

/** A row that a change of the log made, whole. Rows of another writer have no version. */
function isPlain({ publish }: Attempt): Sql {
  const row = sql`t._authors IS NULL AND ends_with(COALESCE(t._version, ''), '.1')`
  return publish.deletes === 'soft' ? sql`(${row} AND NOT COALESCE(t._deleted, false))` : sql`(${row})`
}

export interface StagedRows {
  /** Of the columns, with `_file` and `_pos`. */
  readonly rows: Sql
  /** `path` of each `_file` and the `number` of its place. */
  readonly places: Sql
  readonly local: readonly LocalFile[]
}

export async function staged(
  attempt: Attempt,
  files: readonly ScanFile[],
  names: readonly string[],
): Promise<StagedRows> {
  const { lake, folder, schema } = attempt
  const part = projected(schema, names)
  const columns = part.fields.map(field => field.id)
  const local = await stageColumns(lake, files, { folder: joinPath(folder, lake.ids.uuid()), columns })
  return { rows: scanSql(part, local, { places: true }), places: placesSql(attempt, local), local }
}

function placesSql({ places }: Attempt, local: readonly LocalFile[]): Sql {
  const paths = local.map(({ path }) => path)
  const numbers = local.map(({ live }) => places.numberOf(live.file.file_path))
  return sql`SELECT unnest(${paths}::VARCHAR[]) AS path, unnest(${numbers}::INTEGER[]) AS number`
}

// --- Files that can hold the keys ----------------------------------------------------------------------------------

/** Types whose bounds are exact or rounded outwards, and whose text DuckDB gives in the form that bounds are compared in. */
const COMPARED: ReadonlySet<unknown> = new Set(['int', 'long', 'string'])

async function candidates(attempt: Attempt): Promise<readonly ScanFile[]> {
  const { lake, base, session, publish, schema } = attempt
  const names = publish.key.filter(name => COMPARED.has(columnByName(schema, name).type))
  const bounds = names.flatMap(name => [sql`min(${ident(name)})`, sql`max(${ident(name)})`])
  const [found] = await session.rows(
    sql`SELECT ${join(
      [sql`count(*)`, ...bounds].map((bound, at) => sql`${bound} AS ${ident(`b${at}`)}`),
      ', ',
    )} FROM keyed`,
  )
  if (found === undefined || Number(found['b0']) === 0) return []
  const where = names.flatMap((name, at): readonly Predicate[] => {
    const boundOf = (index: number): Value => {
      const text = String(found[`b${index}`])
      const { type } = columnByName(schema, name)
      return type === 'long' ? BigInt(text) : type === 'int' ? Number(text) : text
    }
    return [
      { column: name, op: '>=', value: boundOf(2 * at + 1) },
      { column: name, op: '<=', value: boundOf(2 * at + 2) },
    ]
  })
  return liveFiles(lake, base, {
    where: [...where, ...(attempt.where ?? [])],
    statistics: guardColumns(attempt),
    columnSizes: true,
  })
}
