import { join as joinPath } from 'node:path'
import { hashText } from '#lake/batch.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile, Schema } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import { changesSql, oldKeyNames } from './change-rows.ts'
import { PART, type Part, RUN } from './hand-over-sql.ts'
import { handOverSchema, rowsOfRuns } from './hand-over-table.ts'
import { type StagedRows, staged } from './hits.ts'
import { type Attempt, keyNames, type MergeTask } from './task.ts'

/** The rows of one run in the hand-over table. */
export interface HandedRows {
  readonly run: string
  /** Key and state: what a row that goes is known by. */
  readonly names: readonly string[]
  readonly files: readonly ScanFile[]
  readonly located: StagedRows
  /** Whether rows are there that the run removes or puts. */
  readonly isMoved: boolean
  /** How many moves of a run there were, and how many of them the located rows show. */
  movesSeen(run: string): Promise<{ readonly all: number; readonly seen: number }>
  write(rows: Sql, part: Part): Promise<readonly DataFile[]>
}

export async function handedRows(
  attempt: Attempt,
  { run, state }: { readonly run: string; readonly state: readonly string[] },
): Promise<HandedRows> {
  const { lake, session, base, schema, publish } = attempt
  const names = [...publish.key, ...state]
  const filesOf = (of: string, ...parts: readonly Part[]) =>
    liveFiles(lake, base, { where: rowsOfRuns([of], ...parts) })
  const rowsOf = async (of: string, part: Part): Promise<Sql> => {
    const { rows } = await staged(attempt, await filesOf(of, part), names)
    return sql`SELECT ${keyNames(names)} FROM (${rows})`
  }
  const files = await filesOf(run, 'row')
  const located = await staged(attempt, files, names)
  const now = sql`SELECT ${keyNames(names)} FROM (${located.rows})`
  const count = async (rows: Sql): Promise<number> =>
    Number((await session.rows(sql`SELECT count(*) AS n FROM (${rows})`))[0]?.['n'])
  return {
    ...{ run, names, files, located },
    isMoved: (await filesOf(run, 'remove', 'put')).length > 0,
    movesSeen: async of => {
      const [put, removed] = [await rowsOf(of, 'put'), await rowsOf(of, 'remove')]
      const absent = (await count(sql`${put} EXCEPT ${now}`)) + (await count(sql`${removed} INTERSECT ${now}`))
      const all = (await count(sql`SELECT DISTINCT * FROM (${put})`)) + (await count(removed))
      return { all, seen: all - absent }
    },
    write: (rows, part) => writeRows(attempt, { handOver: base, schema, run, part, rows }),
  }
}

/** The keys that the batch is about: those that rows move away from too. */
export async function writeKeys(
  task: MergeTask,
  { handOver, schema, run }: { readonly handOver: Table; readonly schema: Schema; readonly run: string },
): Promise<void> {
  const { lake, publish, changes } = task
  const key = keyNames(publish.key)
  const all = sql`(${changesSql(changes)})`
  const keys = sql`SELECT ${key} FROM ${all} WHERE _op <> 'truncate' UNION SELECT ${oldKeyNames(publish.key)} FROM ${all} WHERE _old_key IS NOT NULL`
  const others = schema.fields
    .filter(({ name }) => !publish.key.includes(name))
    .map(({ name, type }) => sql`CAST(NULL AS ${duckdbType(type)}) AS ${ident(name)}`)
  const rows = sql`SELECT ${key}, ${join(others, ', ')} FROM (${keys})`
  const added = await writeRows(task, { handOver, schema, run, part: 'key', rows })
  const commitId = hashText('hand-over-keys', handOver.name, run).slice(0, 40)
  await commit(lake, handOver.name, { commitId }, () => stageAppend(added))
}

/**
 * What is left of the fold, beside the rows that it `added`: the rows that go, each state once. A row that stays but is in the very state of
 * one that goes, because another writer had it twice, goes too and is put back.
 */
export async function writeMoves(
  attempt: Attempt,
  { handed, added }: { readonly handed: HandedRows; readonly added: readonly DataFile[] },
): Promise<readonly DataFile[]> {
  const { session, schema } = attempt
  const { names, located } = handed
  const isGone = sql`EXISTS (FROM gone g WHERE g.file = u.number AND g.pos = t._pos)`
  await session.run(
    sql`CREATE OR REPLACE TEMP TABLE seen AS SELECT t.*, u.number AS _s_file, ${isGone} AS _s_gone FROM (${located.rows}) t JOIN (${located.places}) u ON u.path = t._file`,
  )
  const key = keyNames(names)
  const none = schema.fields
    .filter(({ name }) => !names.includes(name))
    .map(({ name, type }) => sql`CAST(NULL AS ${duckdbType(type)}) AS ${ident(name)}`)
  const removed = await handed.write(
    sql`SELECT ${join([key, ...none], ', ')} FROM (SELECT DISTINCT ${key} FROM seen WHERE _s_gone)`,
    'remove',
  )
  const group = sql`PARTITION BY ${key}`
  await session.run(
    sql`CREATE OR REPLACE TEMP TABLE twice AS SELECT _s_file, _pos FROM seen QUALIFY bool_or(_s_gone) OVER (${group}) AND NOT _s_gone AND row_number() OVER (${group} ORDER BY _s_gone, _s_file, _pos) = 1`,
  )
  const [found] = await session.rows(sql`SELECT count(*) AS n FROM twice`)
  if (Number(found?.['n']) === 0) return [...added, ...removed]
  const all = schema.fields.map(({ name }) => name)
  const whole = await staged(attempt, handed.files, all)
  const back = await handed.write(
    sql`SELECT w.* FROM (${whole.rows}) w JOIN (${whole.places}) u ON u.path = w._file SEMI JOIN twice x ON x._s_file = u.number AND x._pos = w._pos`,
    'put',
  )
  return [...added, ...removed, ...back]
}

interface Writing {
  readonly handOver: Table
  readonly schema: Schema
  readonly run: string
  readonly part: Part
  readonly rows: Sql
}

async function writeRows(
  { lake, session, folder }: MergeTask,
  { handOver, schema, run, part, rows }: Writing,
): Promise<readonly DataFile[]> {
  const { metadata } = handOver
  const written = await writeDataFiles(session, {
    source: sql`SELECT *, ${run} AS ${ident(RUN)}, ${part} AS ${ident(PART)} FROM (${rows})`,
    schema: handOverSchema(schema),
    spec: defaultSpec(metadata),
    sortOrder: defaultSortOrder(metadata),
    properties: metadata.properties,
    folder: joinPath(folder, lake.ids.uuid()),
  })
  return placeFiles(lake, handOver, written, lake.ids.uuid())
}
