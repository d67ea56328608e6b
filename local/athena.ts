import { mkdir, rm } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { type Applied, cdcApplyStep } from '#functions/cdc-apply/cdc-apply.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, Sql, sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'

/** Applies a batch as the state machine does: statements are run, and the function goes on from each, until it answers with its report. */
export async function applyWithAthena(
  lake: Lake,
  dataset: Dataset,
  batch: string,
  run: (statement: string) => Promise<void> = statement => runStatement(lake, statement),
): Promise<Applied> {
  let answer = await cdcApplyStep(lake, dataset, { batch })
  while ('statement' in answer) {
    await run(answer.statement)
    answer = await cdcApplyStep(lake, dataset, { batch, step: answer.step })
  }
  return answer
}

/**
 * In the place of Athena: runs one INSERT INTO or MERGE INTO in DuckDB on copies of the tables that it names, and commits what became of the
 * first of them. Statements are as they go to Athena, in words that both engines have. Like Athena it fails when another writer comes
 * between; unlike Athena it rewrites the whole table, which is right for a laptop's.
 */
export async function runStatement(lake: Lake, statement: string): Promise<void> {
  const [target, ...others] = new Set([...statement.matchAll(TABLES)].map(match => match[1] as string))
  const isInsert = statement.startsWith('INSERT INTO ')
  if (target === undefined || !(isInsert || statement.startsWith('MERGE INTO ')))
    throw new LakeError('unsupported', 'the local stand-in of Athena takes INSERT INTO and MERGE INTO', { statement })
  const folder = joinPath(lake.limits.scratch, `athena-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const folders = [folder, ...lake.storage.folders]
  const session = await lake.engine.open({ ...lake.limits, folders, scratch: folder })
  try {
    const before = await copied(lake, session, { name: target, folder })
    for (const name of others) await copied(lake, session, { name, folder })
    // The engine that runs it takes text, as Athena does; whoever composed it quoted it.
    await session.run(Sql.trusted(statement))
    const rows = isInsert
      ? sql`SELECT * FROM ${ident(target)} WHERE rowid >= ${before.rows}`
      : sql`FROM ${ident(target)}`
    const added = await written(lake, session, { table: before.table, rows, folder })
    const commitId = `athena-${lake.ids.uuid()}`
    await commit(lake, target, { commitId }, base => (isInsert ? stageAppend(added) : replaced(base, before, added)))
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Not the columns of `IS NOT DISTINCT FROM "s"."_version"`. */
const TABLES = /\b(?<!DISTINCT )(?:INTO|FROM|JOIN) "([a-z0-9_]+)"(?!\.)/g

interface Copied {
  readonly table: Table
  readonly files: readonly ScanFile[]
  readonly rows: number
}

async function copied(
  lake: Lake,
  session: Session,
  { name, folder }: { readonly name: string; readonly folder: string },
): Promise<Copied> {
  const table = await openTable(lake, name)
  const files = await liveFiles(lake, table)
  const local = await stageFiles(lake, files, joinPath(folder, name))
  await session.run(sql`CREATE TABLE ${ident(name)} AS ${scanSql(currentSchema(table.metadata), local)}`)
  const [counted] = await session.rows(sql`SELECT count(*) AS n FROM ${ident(name)}`)
  return { table, files, rows: Number(counted?.['n']) }
}

function replaced(base: Table, { table, files }: Copied, added: readonly DataFile[]): Staged {
  if (base.metadata['current-snapshot-id'] === table.metadata['current-snapshot-id'])
    return stageReplaceTable(files, added)
  throw new LakeError('conflict', `ICEBERG_COMMIT_ERROR: ${table.name} was committed to by another writer`, {
    table: table.name,
  })
}

async function written(
  lake: Lake,
  session: Session,
  { table, rows, folder }: { readonly table: Table; readonly rows: Sql; readonly folder: string },
): Promise<readonly DataFile[]> {
  const files = await writeDataFiles(session, {
    source: rows,
    schema: currentSchema(table.metadata),
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
    folder: joinPath(folder, 'written'),
  })
  return placeFiles(lake, table, files, lake.ids.uuid())
}
