import { join } from 'node:path'
import type { Dedupe } from '#lake/dataset-dedupe.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { RAW_OBJECT } from '#lake/iceberg/raw-object-max.ts'
import { type LocalFile, scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'
import { inSession } from '#lake/quarantine/settle.ts'
import { stageContribution } from './append.ts'
import { placeStaged, type TableWork } from './place.ts'
import { findRepeats, identityColumns, REPEATS } from './repeats.ts'
import { supersededSummary } from './replace.ts'

/**
 * As `publishAppend`, without the rows that repeat one that is there. They are looked for again before each attempt, on the table as it is then: of
 * two batches that bring one row at the same time, the second finds that of the first. Who was left out stands in the snapshot's summary.
 */
export async function publishOnce(lake: Lake, work: TableWork, dedupe: Dedupe): Promise<CommitResult> {
  const placed = await placeStaged(lake, work)
  return inSession(lake, async (session, folder) => {
    let attempt = 0
    return commit(lake, work.table, { commitId: work.commitId, summary: work.summary }, async base => {
      const task = { base, dedupe, placed, rawObjects: work.rawObjects, folder: join(folder, String(attempt++)) }
      const { files, repeats } = await withoutRepeats(lake, session, task)
      const staged = await stageContribution(lake, base, { placed: files, rawObjects: work.rawObjects })
      return { ...staged, summary: { ...staged.summary, ...supersededSummary(repeats) } }
    })
  })
}

interface Task {
  readonly base: Table
  readonly dedupe: Dedupe
  readonly placed: readonly DataFile[]
  readonly rawObjects: readonly string[]
  readonly folder: string
}

interface Fresh {
  readonly files: readonly DataFile[]
  /** How many rows were left out, by raw object. */
  readonly repeats: ReadonlyMap<string, number>
}

async function withoutRepeats(lake: Lake, session: Session, task: Task): Promise<Fresh> {
  const { base, dedupe, placed, rawObjects, folder } = task
  if (placed.length === 0) return { files: [], repeats: new Map() }
  const schema = projected(currentSchema(base.metadata), identityColumns(dedupe))
  const columns = schema.fields.map(field => field.id)
  const local = await stageColumns(lake, placed.map(asScanned), { folder: join(folder, 'fresh'), columns })
  const repeats = await findRepeats(lake, session, {
    ...{ dedupe, base, files: placed, folder: join(folder, 'known') },
    fresh: scanSql(schema, local),
    replaced: { condition: sql`COALESCE(list_contains(${rawObjects}, _raw_object), false)`, columns: [RAW_OBJECT] },
  })
  if (repeats.size === 0) return { files: placed, repeats }
  const touched = await filesWithRepeats(session, local, scanSql(schema, local, { places: true }))
  const left = await rewritten(lake, session, { base, touched, folder })
  const paths = new Set(touched.map(live => live.file.file_path))
  return { files: [...placed.filter(file => !paths.has(file.file_path)), ...left], repeats }
}

/** A file that is in its place and in no snapshot yet. */
const asScanned = (file: DataFile): ScanFile => ({
  ...{ file, sequence_number: 0n, file_sequence_number: 0n, snapshot_id: 0n },
  deletes: [],
})

async function filesWithRepeats(
  session: Session,
  local: readonly LocalFile[],
  rows: ReturnType<typeof sql>,
): Promise<readonly ScanFile[]> {
  const found = await session.rows(
    sql`SELECT DISTINCT rows._file AS file FROM (${rows}) rows JOIN ${REPEATS} repeats ON repeats."object" = rows._raw_object AND repeats.ordinal = rows._raw_row`,
  )
  const paths = new Set(found.map(row => String(row['file'])))
  return local.filter(each => paths.has(each.path)).map(each => each.live)
}

/** Only files that hold a repeat are fetched whole. What was copied of them is named by no snapshot: the sweeper takes it. */
async function rewritten(
  lake: Lake,
  session: Session,
  { base, touched, folder }: Pick<Task, 'base' | 'folder'> & { readonly touched: readonly ScanFile[] },
): Promise<readonly DataFile[]> {
  const schema = currentSchema(base.metadata)
  const local = await stageFiles(lake, touched, join(folder, 'whole'))
  const written = await writeDataFiles(session, {
    source: sql`SELECT rows.* FROM (${scanSql(schema, local)}) rows ANTI JOIN ${REPEATS} repeats ON repeats."object" = rows._raw_object AND repeats.ordinal = rows._raw_row`,
    schema,
    spec: defaultSpec(base.metadata),
    sortOrder: defaultSortOrder(base.metadata),
    properties: base.metadata.properties,
    folder: join(folder, 'once'),
  })
  return placeFiles(lake, base, written, lake.ids.uuid())
}
