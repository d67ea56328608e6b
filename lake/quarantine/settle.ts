import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { StagedDataFile, Verdict } from '../batch.ts'
import { quarantineTableName } from '../dataset.ts'
import type { Session } from '../duckdb/engine.ts'
import { sql } from '../duckdb/sql.ts'
import { type CommitResult, commit } from '../iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '../iceberg/metadata.ts'
import { stageRowDelta } from '../iceberg/operations/row-delta.ts'
import type { Staged } from '../iceberg/operations/staged.ts'
import { placeFiles } from '../iceberg/place-files.ts'
import { raisedMax, rawObjectMax } from '../iceberg/raw-object-max.ts'
import { readSql } from '../iceberg/read-sql.ts'
import { loadTable, type Table } from '../iceberg/table.ts'
import type { DataFile } from '../iceberg/types.ts'
import { writePositionDeletes } from '../iceberg/write-deletes.ts'
import { writeDataFiles } from '../iceberg/write-files.ts'
import type { Lake } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import { openSession } from './open.ts'
import { findPresent, JUDGED, PRESENT } from './present.ts'
import { readOrdinals, type SelectedRecords } from './selection.ts'

/** What a commit of the quarantine table took out of it, object by object, and what became of that. */
export interface Taken {
  readonly rawObject: string
  /** In whose account the records stood. */
  readonly batch: string
  /** Records that left; those that were refused again came back. */
  readonly taken: number
  readonly applied: number
  readonly refused: number
  readonly suppressed: number
}

export interface Settling {
  readonly dataset: string
  readonly verdict: Pick<Verdict, 'judged' | 'quarantine'>
  readonly commitId: string
  readonly summary: Readonly<Record<string, string>>
  /** Told before each attempt, whose swap may still fail, which records it takes out for good. */
  readonly onSuppressed?: (records: readonly SelectedRecords[]) => Promise<void>
}

/**
 * Takes the records that a batch has judged out of quarantine, and puts those back that were refused again, in one commit. A record is taken
 * out by one commit only, whoever else judged it too: what this one did not find it does not count, and does not put back.
 */
export async function settle(
  lake: Lake,
  settling: Settling,
): Promise<{ readonly result: CommitResult; readonly taken: readonly Taken[] } | undefined> {
  const name = quarantineTableName({ name: settling.dataset })
  if ((await loadTable(lake, name)) === undefined) return undefined
  const { commitId, summary, verdict } = settling
  const result = await commit(lake, name, { commitId, summary }, base =>
    inSession(lake, (session, folder) => stage(lake, session, { ...settling, base, folder })),
  )
  const batches = new Map(verdict.judged?.map(each => [each.rawObject, each.batch]))
  return { result, taken: takenIn(result.snapshot.summary[TAKEN] ?? '', batches) }
}

export async function inSession<T>(lake: Lake, work: (session: Session, folder: string) => Promise<T>): Promise<T> {
  const folder = join(lake.limits.scratch, `settle-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  try {
    const session = await openSession(lake, folder)
    try {
      return await work(session, folder)
    } finally {
      await session.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Task extends Settling {
  readonly base: Table
  readonly folder: string
}

async function stage(lake: Lake, session: Session, task: Task): Promise<Staged> {
  const { base, folder, verdict } = task
  const judged = verdict.judged ?? []
  const referenced = await findPresent(lake, session, { base, judged, folder })
  if (task.onSuppressed) await task.onSuppressed(await suppressedNow(session))
  const deletes = await writePositionDeletes(session, {
    source: sql`SELECT file_path, pos FROM ${PRESENT}`,
    files: referenced.map(each => each.file),
    folder: join(folder, 'deletes'),
  })
  const name = lake.ids.uuid()
  const addedDeletes = await placeFiles(lake, base, deletes, `${name}-deletes`)
  const added = await refusedAgain(lake, session, { ...task, name })
  const ids = judged.map(each => each.rawObject)
  const summary = { [TAKEN]: await takenText(session), ...raisedMax(rawObjectMax(base), ids) }
  const since = base.metadata['current-snapshot-id'] ?? null
  return stageRowDelta({ added, addedDeletes }, { since, referenced, summary })
}

/** A whole file that can be read now gives its place to those of its records that were refused. */
async function refusedAgain(
  lake: Lake,
  session: Session,
  { base, folder, verdict, name }: Task & { readonly name: string },
): Promise<readonly DataFile[]> {
  const files = verdict.quarantine?.files ?? []
  const paths = await stageLocally(lake, files, folder)
  if (paths.length === 0) return []
  const schema = currentSchema(base.metadata)
  const refused = readSql(schema, paths)
  // Two joins by equality: one condition for both would compare each record with each other one.
  const back = sql`SELECT refused.* FROM (${refused}) refused SEMI JOIN ${PRESENT} present ON present."object" = refused._raw_object AND present.ordinal = refused.record`
  const ofFiles = sql`SELECT refused.* FROM (${refused}) refused WHERE record > 0 AND _raw_object IN (SELECT "object" FROM ${PRESENT} WHERE fate = 'whole')`
  const written = await writeDataFiles(session, {
    source: sql`${back} UNION ALL ${ofFiles}`,
    schema,
    spec: defaultSpec(base.metadata),
    sortOrder: defaultSortOrder(base.metadata),
    properties: base.metadata.properties,
    folder: join(folder, 'refused'),
  })
  return placeFiles(lake, base, written, name)
}

const FILES_AT_ONCE = 4

export async function stageLocally(
  lake: Lake,
  files: readonly StagedDataFile[],
  folder: string,
): Promise<readonly string[]> {
  const staged = await mapParallel(files, FILES_AT_ONCE, ({ uri, sha256 }) =>
    lake.storage.stage(uri, folder, { sha256 }),
  )
  return staged.map(each => each.path)
}

async function suppressedNow(session: Session): Promise<readonly SelectedRecords[]> {
  return readOrdinals(session, sql`SELECT "object", batch, ordinal FROM ${PRESENT} WHERE fate = 'suppressed'`)
}

// --- What was taken, for a repetition of the commit to count again -----------------------------------------------------

/** Key of a snapshot summary. */
export const TAKEN = 'sluice.taken-by-object'

/** `<raw object>=<taken>/<applied>/<refused>/<suppressed>`, with commas between them. In the place of a file come its records. */
async function takenText(session: Session): Promise<string> {
  const ofFiles = sql`SELECT "object", fate FROM ${JUDGED} WHERE "object" IN (SELECT "object" FROM ${PRESENT} WHERE fate = 'whole')`
  const fates = sql`SELECT "object", fate, 1 AS taken FROM ${PRESENT} UNION ALL SELECT "object", fate, 0 AS taken FROM (${ofFiles}) WHERE fate != 'whole'`
  const counts = sql`count_if(fate = 'applied')::DOUBLE AS applied, count_if(fate = 'refused')::DOUBLE AS refused, count_if(fate = 'suppressed')::DOUBLE AS suppressed`
  const rows = await session.rows(
    sql`SELECT "object", sum(taken)::DOUBLE AS taken, ${counts} FROM (${fates}) GROUP BY "object" ORDER BY "object"`,
  )
  return rows
    .map(row => `${row['object']}=${row['taken']}/${row['applied']}/${row['refused']}/${row['suppressed']}`)
    .join(',')
}

function takenIn(text: string, batches: ReadonlyMap<string, string>): readonly Taken[] {
  if (text === '') return []
  return text.split(',').map(entry => {
    const [rawObject = '', counts = ''] = entry.split('=')
    const [taken = 0, applied = 0, refused = 0, suppressed = 0] = counts.split('/').map(Number)
    return { rawObject, batch: batches.get(rawObject) ?? '', taken, applied, refused, suppressed }
  })
}
