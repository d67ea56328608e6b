import { stat } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { StagedChanges } from '#lake/batch.ts'
import { changeRow, rowFields } from '#lake/changes.ts'
import { LINEAGE } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { sha256File } from '#lake/file-hash.ts'
import type { CopiedFile } from '#lake/iceberg/data-file.ts'
import type { Lake } from '#lake/lake.ts'
import type { BatchTask } from '../quality.ts'
import type { OpenTable } from '../tables.ts'

export interface StageChangesTask extends BatchTask {
  readonly table: OpenTable
  readonly rows: readonly CopiedFile[]
  /** Leaves rows out of a SELECT of all of them. */
  readonly only?: (rows: Sql) => Sql
}

const ROW_GROUP_ROWS = 122_880

/** Writes the change rows of a batch, those that passed, as one file and uploads it to staging. */
export async function stageChanges(lake: Lake, session: Session, task: StageChangesTask): Promise<StagedChanges> {
  if (task.rows.length === 0) return { files: [] }
  const path = joinPath(task.folder, 'changes.parquet')
  const rows = changeRowsOf(task)
  const columns = changeRow(task.dataset, task.table.schema).map(
    ({ name, type }) => sql`CAST(${ident(name)} AS ${type}) AS ${ident(name)}`,
  )
  const select = sql`SELECT ${join(columns, ', ')} FROM (${task.only === undefined ? rows : task.only(rows)})`
  const [copied] = await session.rows(
    sql`COPY (${select}) TO ${path} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS}, RETURN_STATS)`,
  )
  const count = Number(copied?.['count'])
  if (count === 0) return { files: [] }
  const uri = `${lake.zones.staging}/${task.dataset.name}/${task.manifest.id}/${lake.ids.uuid()}/changes-0.parquet`
  const sha256 = await sha256File(path)
  await lake.storage.upload(path, uri, { ifNoneMatch: true, sha256 })
  return { files: [{ uri, sha256, bytes: (await stat(path)).size, rows: count }] }
}

/** Decoded objects hold refused and skipped records too, and may lack columns that evolution added after them. */
export function changeRowsOf({ rows, table, dataset }: Pick<StageChangesTask, 'rows' | 'table' | 'dataset'>): Sql {
  const empty = join(
    changeRow(dataset, table.schema).map(({ name, type }) => sql`NULL::${type} AS ${ident(name)}`),
    ', ',
  )
  const files = sql`SELECT * FROM read_parquet(${rows.map(each => each.path)}, union_by_name = TRUE, hive_partitioning = FALSE) WHERE _outcome = 'row'`
  return sql`SELECT * FROM (SELECT ${empty}) WHERE FALSE UNION ALL BY NAME (${files})`
}

/**
 * What rules judge of changes: rows as they are after it. A record that leaves a value out has no whole row to judge, and rules on what is
 * missing would refuse what the source never sent.
 */
export function afterImages(task: Pick<StageChangesTask, 'rows' | 'table' | 'dataset'>): Sql {
  const names = [...rowFields(task.table.schema), ...LINEAGE].map(({ name }) => ident(name))
  if (task.rows.length === 0) {
    const empty = changeRow(task.dataset, task.table.schema).map(
      ({ name, type }) => sql`NULL::${type} AS ${ident(name)}`,
    )
    return sql`SELECT ${join(names, ', ')} FROM (SELECT ${join(empty, ', ')}) WHERE FALSE`
  }
  return sql`SELECT ${join(names, ', ')} FROM (${changeRowsOf(task)}) WHERE _op = 'upsert' AND len(_kept) = 0`
}

/** Deletes and updates that leave values out may be all that a batch holds. */
export async function hasAfterImages(session: Session, task: Parameters<typeof afterImages>[0]): Promise<boolean> {
  const found = await session.rows(sql`SELECT 1 AS one FROM (${afterImages(task)}) LIMIT 1`)
  return found.length > 0
}
