import { mkdir } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import { changesSql } from './change-rows.ts'
import { type Counts, NOTHING, sum, summaryOf } from './counts.ts'
import { foldKeys } from './fold-keys.ts'
import { readHeads } from './heads.ts'
import { findRows } from './hits.ts'
import { stageLate } from './late.ts'
import { gather } from './load.ts'
import { guardOrdered } from './ordered.ts'
import { guardPlain, sortOut } from './plain.ts'
import { foldedRows, plainRows } from './rows.ts'
import { type Attempt, type MergeTask, Places, urisSql } from './task.ts'
import { readTombstones, writeTombstones } from './tombstones.ts'
import { foldTruncates, type Truncates, truncateRows } from './truncates.ts'

/** Keys are worked on in parts of about so many records, so that memory does not grow with the batch. */
const RECORDS_AT_ONCE = 1_500_000

/**
 * The batch as a change of the table as it is: reads what the table and its tombstones say of the keys of the batch, guards every record
 * against that, writes deleted positions and new rows, and commits the tombstones. Whoever loses the race for the table does all of it again.
 */
export async function stageMerge(task: MergeTask, base: Table): Promise<Staged> {
  if (task.changes.paths.length === 0) return stageAppend([], { summary: summaryOf(NOTHING) })
  const attempt = await begin(task, { base, schema: currentSchema(base.metadata) })
  const { counts, added, files } = await mergeKeys(attempt, rows => writeRows(attempt, rows))
  await stageLate(attempt)
  await writeTombstones(attempt)
  const { deletes, referenced } = await writeDeletes(attempt, files)
  const since = base.metadata['current-snapshot-id'] ?? null
  return stageRowDelta(
    { added, addedDeletes: deletes },
    { since, referenced, summary: { ...summaryOf(counts), ...(await newestEvent(attempt)) } },
  )
}

/** What a batch comes to: rows that are to go are in `gone`, tombstones in `graves`, changes that are put aside in `late`. */
export interface Merged {
  readonly counts: Counts
  /** The new rows, where `write` put them. */
  readonly added: readonly DataFile[]
  /** Of the table, all that was looked into. */
  readonly files: readonly ScanFile[]
  readonly truncates: Truncates
}

type Write = (rows: Sql) => Promise<readonly DataFile[]>

/** Guards all keys of the batch, part by part. */
export async function mergeKeys(attempt: Attempt, write: Write): Promise<Merged> {
  const truncates = await foldTruncates(attempt)
  const { rows } = attempt.changes
  const parts = truncates.winner === undefined ? Math.max(1, Math.ceil(rows / RECORDS_AT_ONCE)) : 1
  let counts = sum(NOTHING, truncates.counts)
  const added: DataFile[] = []
  const touched = new Map<string, ScanFile>()
  for (let number = 0; number < parts; number++) {
    const merged = await mergePart(attempt, { number, of: parts, truncates, write })
    counts = sum(counts, merged.counts)
    added.push(...merged.added)
    for (const file of merged.files) touched.set(file.file.file_path, file)
  }
  return { counts, added, files: [...touched.values()], truncates }
}

/** For the lag: when the newest change of the batch happened, where the source tells. */
export async function newestEvent({ session, changes }: MergeTask): Promise<Readonly<Record<string, string>>> {
  const [row] = await session.rows(sql`SELECT max(_event_us) AS newest FROM (${changesSql(changes)})`)
  const newest = row?.['newest']
  return newest === null || newest === undefined ? {} : { 'sluice.changes-newest-event-us': String(newest) }
}

/** `schema` is that of the table that the batch goes into. */
export async function begin(
  task: MergeTask,
  { schema, ...against }: Pick<Attempt, 'base' | 'schema' | 'where'>,
): Promise<Attempt> {
  const floors = await readTombstones(task, schema)
  const places = new Places()
  for (const uri of task.changes.uris) places.numberOf(uri)
  await task.session.run(sql`CREATE OR REPLACE TEMP TABLE gone (file INTEGER, pos BIGINT)`)
  await task.session.run(sql`CREATE OR REPLACE TEMP TABLE late (row BIGINT)`)
  const attempt = { ...task, ...against, schema, places, floors, folder: joinPath(task.folder, task.lake.ids.uuid()) }
  await mkdir(attempt.folder, { recursive: true })
  return attempt
}

interface PartTask {
  readonly number: number
  readonly of: number
  readonly truncates: Truncates
  readonly write: Write
}

/**
 * One part of the keys. Each step works on what those before it left in the session: `heads` and `keyed`, the records and their keys; `hits`, the
 * rows of these keys; `folded`, the keys that SQL alone does not judge; `winners`, the records that make rows as they are; `records`, `stored` and
 * `buried`, what the fold looks at; `made` and `cells`, the rows that it makes. Rows that go are added to `gone`, deletes to `graves`, records that
 * are put aside to `late`.
 */
async function mergePart(
  attempt: Attempt,
  { truncates, write, ...part }: PartTask,
): Promise<Omit<Merged, 'truncates'>> {
  await readHeads(attempt, { ...part, folds: truncates.winner !== undefined })
  const cleared = await truncateRows(attempt, truncates)
  const found = await findRows(attempt)
  await sortOut(attempt)
  const plain = await guardPlain(attempt)
  await gather(attempt, found)
  const ordered = await guardOrdered(attempt)
  const folded = await foldKeys(attempt, truncates)
  const counts = [plain, ordered, folded].reduce<Counts>(sum, NOTHING)
  const rows = sql`${plainRows(attempt)} UNION ALL BY NAME ${await foldedRows(attempt, found)}`
  const added = await write(rows)
  return { counts, added, files: [...found, ...cleared] }
}

async function writeRows({ lake, session, base, schema, folder }: Attempt, source: Sql): Promise<readonly DataFile[]> {
  const written = await writeDataFiles(session, {
    source,
    schema,
    spec: defaultSpec(base.metadata),
    sortOrder: defaultSortOrder(base.metadata),
    properties: base.metadata.properties,
    folder: joinPath(folder, lake.ids.uuid()),
  })
  return placeFiles(lake, base, written, lake.ids.uuid())
}

interface Deleted {
  readonly deletes: readonly DataFile[]
  /** The files that the deletes point into. */
  readonly referenced: readonly ScanFile[]
}

async function writeDeletes(attempt: Attempt, files: readonly ScanFile[]): Promise<Deleted> {
  const { lake, session, base, places, folder } = attempt
  const numbers = await session.rows(sql`SELECT DISTINCT file FROM gone`)
  const uris = new Set(numbers.map(row => places.uris[Number(row['file'])]))
  const referenced = files.filter(({ file }) => uris.has(file.file_path))
  if (referenced.length === 0) return { deletes: [], referenced }
  const written = await writePositionDeletes(session, {
    source: sql`SELECT p.uri AS file_path, g.pos FROM gone g JOIN (${urisSql(attempt)}) p ON p.number = g.file`,
    files: referenced.map(({ file }) => file),
    folder: joinPath(folder, 'deletes'),
  })
  return { deletes: await placeFiles(lake, base, written, lake.ids.uuid()), referenced }
}
