import { join } from 'node:path'
import type { CommitReport } from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { assert } from '#lake/errors.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { type RowDelta, type RowDeltaExtras, stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { raisedMax, rawObjectMax } from '#lake/iceberg/raw-object-max.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'
import { filesIn, findPresent, JUDGED, PRESENT, placesOf } from '#lake/quarantine/present.ts'
import { inSession, stageLocally } from '#lake/quarantine/settle.ts'
import { checkIdentity } from './place.ts'
import { stageIntoExtract } from './release-extract.ts'
import { findRepeats, REPEATS } from './repeats.ts'
import { lateRows, supersededSummary } from './replace.ts'
import type { SelectionWork } from './selection.ts'

export interface Released {
  readonly result: CommitResult
  /** Rows that a newer extract had replaced, by raw object. */
  readonly late: ReadonlyMap<string, number>
  /** Of a table that change events feed. */
  readonly changes?: Required<Pick<CommitReport, 'commitId' | 'changes'>>
}

export interface ReleaseWork extends SelectionWork {
  readonly commitId: string
}

/**
 * Brings records that pass into the table, each in the place of what is there of it already: of a run that died, or of another release. Before
 * each attempt the quarantine is asked which of them are still in it. A replay of their object changes the quarantine before the table, so
 * it either is seen here, or comes later and replaces these rows with its own.
 */
export async function publishRelease(lake: Lake, dataset: Dataset, work: ReleaseWork): Promise<Released> {
  const { commitId, contribution } = work
  const { summary } = contribution
  const result = await commit(lake, dataset.name, { commitId, summary }, base =>
    inSession(lake, (session, folder) => stage(lake, session, { ...work, dataset, base, folder })),
  )
  return { result, late: lateRows(result.snapshot.summary) }
}

interface Task extends ReleaseWork {
  readonly dataset: Dataset
  readonly base: Table
  readonly folder: string
}

async function stage(lake: Lake, session: Session, task: Task): Promise<Staged> {
  const { base, dataset, verdict, contribution, folder } = task
  checkIdentity(base, { ...contribution, table: dataset.name, tableUuid: verdict.target.tableUuid })
  const quarantine = await loadTable(lake, quarantineTableName(dataset))
  await findPresent(lake, session, { base: quarantine, judged: verdict.judged ?? [], folder: join(folder) })
  const { added, repeats } = await rowsStillWanted(lake, session, task)
  const { rawObjects } = contribution
  const { delta, extras } = await rowDelta(lake, session, { ...task, rawObjects, added, records: STILL_WANTED })
  const { publish } = dataset
  if (publish.mode === 'append')
    return stageRowDelta(delta, { ...extras, summary: { ...extras.summary, ...supersededSummary(repeats) } })
  assert(publish.mode === 'replace', `${dataset.name} is fed by change events: cdc-apply publishes its batches`)
  return stageIntoExtract(lake, base, { delta, extras, scope: publish.scope })
}

/** Records of a file that could not be read before are wanted as long as the file is in quarantine. */
const STILL_WANTED: Sql = sql`SELECT judged."object", judged.ordinal FROM ${JUDGED} judged SEMI JOIN ${PRESENT} present ON present."object" = judged."object" AND present.ordinal = judged.ordinal WHERE judged.fate = 'applied' UNION SELECT "object", ordinal FROM ${JUDGED} WHERE fate = 'applied' AND "object" IN (SELECT "object" FROM ${PRESENT} WHERE fate = 'whole')`

/** In the table's present form, whatever became of it since they were staged. */
async function rowsStillWanted(lake: Lake, session: Session, task: Task): Promise<Wanted> {
  const { base, verdict, folder } = task
  const paths = await stageLocally(lake, verdict.target.files, join(folder, 'staged'))
  if (paths.length === 0) return { added: [], repeats: new Map() }
  const schema = currentSchema(base.metadata)
  const wanted = sql`SELECT fresh.* FROM (${readSql(schema, paths)}) fresh SEMI JOIN (${STILL_WANTED}) wanted ON wanted."object" = fresh._raw_object AND wanted.ordinal = fresh._raw_row`
  const repeats = await repeatsIn(lake, session, { ...task, wanted })
  const once = sql`SELECT wanted.* FROM (${wanted}) wanted ANTI JOIN ${REPEATS} repeats ON repeats."object" = wanted._raw_object AND repeats.ordinal = wanted._raw_row`
  const written = await writeDataFiles(session, {
    source: repeats.size === 0 ? wanted : once,
    schema,
    spec: defaultSpec(base.metadata),
    sortOrder: defaultSortOrder(base.metadata),
    properties: base.metadata.properties,
    folder: join(folder, 'released'),
  })
  return { added: await placeFiles(lake, base, written, lake.ids.uuid()), repeats }
}

interface Wanted {
  readonly added: readonly DataFile[]
  /** Rows that repeat others, by raw object: none, where the dataset does not ask. */
  readonly repeats: ReadonlyMap<string, number>
}

/** What a run that died has brought is no other row: it is replaced by itself. */
async function repeatsIn(
  lake: Lake,
  session: Session,
  { base, dataset, verdict, folder, wanted }: Task & { readonly wanted: Sql },
): Promise<ReadonlyMap<string, number>> {
  const { publish } = dataset
  if (publish.mode !== 'append' || publish.dedupe === undefined) return new Map()
  return findRepeats(lake, session, {
    ...{ dedupe: publish.dedupe, base, fresh: wanted, folder: join(folder, 'known') },
    files: verdict.target.files.map(each => each.file),
    replaced: {
      condition: sql`COALESCE((_raw_object, _raw_row) IN (${STILL_WANTED}), false)`,
      columns: ['_raw_object', '_raw_row'],
    },
  })
}

export interface DeltaTask {
  readonly base: Table
  readonly folder: string
  readonly rawObjects: readonly string[]
  readonly added: readonly DataFile[]
  /** A SELECT of `object` and `ordinal`: rows of the table that go; the ordinal 0 stands for all rows of the object. */
  readonly records: Sql
}

export interface Delta {
  readonly delta: RowDelta
  readonly extras: RowDeltaExtras
}

/** Rows that come, and by position those that are there already. */
export async function rowDelta(
  lake: Lake,
  session: Session,
  { base, folder, rawObjects, added, records }: DeltaTask,
): Promise<Delta> {
  const since = base.metadata['current-snapshot-id'] ?? null
  const summary = raisedMax(rawObjectMax(base), added.length === 0 ? [] : rawObjects)
  const places = await placesOf(lake, base, { rawObjects, ordinal: '_raw_row', folder: join(folder, 'rows') })
  const rows = sql`SELECT file_path, pos FROM (${places.rows}) held SEMI JOIN (${records}) record ON record."object" = held."object" AND record.ordinal = held.ordinal`
  const files = sql`SELECT file_path, pos FROM (${places.rows}) held WHERE "object" IN (SELECT "object" FROM (${records}) WHERE ordinal = 0)`
  const hit = sql`${rows} UNION ALL ${files}`
  const referenced = await filesIn(session, hit, places.files)
  const held = referenced.map(each => each.file)
  const written = await writePositionDeletes(session, { source: hit, files: held, folder: join(folder, 'deletes') })
  const addedDeletes = await placeFiles(lake, base, written, `${lake.ids.uuid()}-deletes`)
  return { delta: { added, addedDeletes }, extras: { since, referenced, summary } }
}
