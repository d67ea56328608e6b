import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type BatchManifest,
  manifestUri,
  readDocument,
  type StagedChanges,
  type Verdict,
  verdictUri,
  writeDocumentOnce,
} from '#lake/batch.ts'
import { batchFolders } from '#lake/batch-folders.ts'
import { changeRow } from '#lake/changes.ts'
import type { Dataset } from '#lake/dataset.ts'
import type { ChangePublish } from '#lake/dataset-change-publish.ts'
import { ident, join as joinSql, type Sql, sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import { rawBatchReady } from '#lake/events.ts'
import { sha256File } from '#lake/file-hash.ts'
import { currentSchema, defaultSpec } from '#lake/iceberg/metadata.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import { withQuarantine } from '#lake/quarantine/open.ts'
import { batchId } from '#lake/raw-id.ts'
import {
  type Absences,
  absencesIn,
  absentSql,
  type OpenRows,
  type SnapshotRows,
  snapshotsIn,
  withRows,
} from './absent.ts'

export type { SnapshotRows } from './absent.ts'

export interface SweepRequest {
  /** Position of a snapshot whose rows are in the table. */
  readonly before: string
  /** Look, and change nothing. */
  readonly dryRun: boolean
  /** The snapshot is known to be whole, whatever speaks against it. */
  readonly complete: boolean
}

export interface SweepReport extends Absences {
  readonly dataset: string
  readonly snapshot: SnapshotRows
  /** Why rows of the snapshot may still be on their way. */
  readonly obstacles: readonly string[]
  /** The batch that brings the deletes. */
  readonly batch?: string
}

/** Batches that began so long before the first row of a snapshot may hold rows of it. */
const GATHERING_MS = 86_400_000

/** The snapshots of the source whose rows are in the table of a dataset. */
export async function snapshotsOf(lake: Lake, dataset: Dataset): Promise<readonly SnapshotRows[]> {
  const publish = sweepable(dataset)
  const table = await openTable(lake, dataset.name)
  return withRows(lake, { table, dataset, publish }, snapshotsIn)
}

/**
 * Deletes the rows that a snapshot of the source did not read: those that vanished while nobody listened. The deletes have the position of the
 * snapshot and stand before all of its rows, so they are changes like any other: `refine` applies them as a batch of their own, a row that
 * changed meanwhile stays, and a row of the snapshot that comes late brings its row back.
 */
export async function sweepAbsent(lake: Lake, dataset: Dataset, request: SweepRequest): Promise<SweepReport> {
  const publish = sweepable(dataset)
  const table = await openTable(lake, dataset.name)
  return withRows(lake, { table, dataset, publish }, async opened => {
    const snapshot = (await snapshotsIn(opened)).find(({ position }) => position === request.before)
    if (snapshot === undefined)
      throw new LakeError('not-found', `no row of ${dataset.name} was read by a snapshot at ${request.before}`, {
        dataset: dataset.name,
        next: `\`sluice cdc sweep ${dataset.name}\` lists the snapshots that there are`,
      })
    const absences = await absencesIn(opened, snapshot)
    const obstacles = await obstaclesTo(lake, dataset, { snapshot, absences })
    const report = { dataset: dataset.name, snapshot, ...absences, obstacles }
    if (request.dryRun || absences.absent === 0) return report
    if (obstacles.length > 0 && !request.complete)
      throw new LakeError('contract-broken', `rows of the snapshot may be on their way: ${obstacles.join('; ')}`, {
        dataset: dataset.name,
      })
    return { ...report, batch: await announce(lake, dataset, { opened, snapshot, absent: absences.absent }) }
  })
}

function sweepable({ name, publish, source }: Dataset): ChangePublish {
  const refuse = (why: string): never => {
    throw new LakeError('contract-broken', `${name} cannot be swept: ${why}`, { dataset: name })
  }
  if (publish.mode !== 'merge' && publish.mode !== 'history') return refuse('it takes no changes')
  if (source.changes?.shape === 'dms')
    return refuse('a full load of DMS has no position in the log; let it go to another folder, as a dataset of its own')
  if (source.changes?.connector === 'mongodb')
    return refuse(
      'snapshots of MongoDB have no position in the log; let the new one go to another topic, as a dataset of its own',
    )
  return publish
}

// --- Whether the snapshot is whole ---------------------------------------------------------------------------------

interface Looked {
  readonly snapshot: SnapshotRows
  readonly absences: Absences
}

/** No stream tells how many rows a snapshot has, so this is what can be known: nothing waits, nothing was put aside, and the log went on. */
async function obstaclesTo(lake: Lake, dataset: Dataset, { snapshot, absences }: Looked): Promise<readonly string[]> {
  const waiting = await waitingBatches(lake, dataset, snapshot.firstIngestedMs - GATHERING_MS)
  const firstUs = BigInt(Math.round(snapshot.firstIngestedMs * 1_000))
  const refused = await withQuarantine(lake, { dataset: dataset.name, columns: ['_ingested_at'] }, async opened => {
    const [row] = await opened.session.rows(
      sql`SELECT count(*) AS n FROM (${opened.rows}) WHERE epoch_us(_ingested_at) >= ${firstUs}`,
    )
    return Number(row?.['n'])
  })
  return [
    ...(waiting > 0 ? [`batches that are not applied: ${waiting}`] : []),
    ...((refused ?? 0) > 0 ? [`records in quarantine since it began: ${refused}`] : []),
    ...(absences.changed === 0 ? ['no row has changed since, so it may be running'] : []),
  ]
}

/** Halted ones too; what a replay builds beside the table and what is judged again is no part of it. */
async function waitingBatches(lake: Lake, { name }: Dataset, fromMs: number): Promise<number> {
  let waiting = 0
  for await (const { batch, documents } of batchFolders(lake, name, { fromMs })) {
    if (documents.has('commit.json') || !documents.has('manifest.json')) continue
    const manifest = await readDocument<BatchManifest>(lake, manifestUri(lake, name, batch))
    if (manifest?.into === undefined && manifest?.selection === undefined) waiting++
  }
  return waiting
}

// --- The deletes ---------------------------------------------------------------------------------------------------

interface Announcement {
  readonly opened: OpenRows
  readonly snapshot: SnapshotRows
  readonly absent: number
}

/** The manifest is written last: until then the batch does not exist, and from then on it is found even when nobody tells of it. */
async function announce(lake: Lake, dataset: Dataset, announcement: Announcement): Promise<string> {
  const { opened, snapshot } = announcement
  const { metadata } = opened.table
  const identity = ['sweep', snapshot.position, metadata['table-uuid'], String(metadata['current-snapshot-id'])]
  const id = batchId(dataset.name, lake.clock.nowMs(), identity)
  const verdict: Verdict = {
    batch: id,
    dataset: dataset.name,
    status: 'pass',
    target: {
      table: dataset.name,
      tableUuid: metadata['table-uuid'],
      schemaId: currentSchema(metadata)['schema-id'],
      specId: defaultSpec(metadata)['spec-id'],
      files: [],
    },
    changes: await stageDeletes(lake, dataset, { ...announcement, id }),
    quarantine: undefined,
    objects: [],
  }
  const manifest: BatchManifest = { id, dataset: dataset.name, objects: [] }
  await writeDocumentOnce(lake, verdictUri(lake, dataset.name, id), verdict)
  await writeDocumentOnce(lake, manifestUri(lake, dataset.name, id), manifest)
  await lake.bus.publish([rawBatchReady(lake, manifest)])
  return id
}

async function stageDeletes(
  lake: Lake,
  dataset: Dataset,
  { opened, snapshot, absent, id }: Announcement & { readonly id: string },
): Promise<StagedChanges> {
  const path = join(opened.folder, 'deletes.parquet')
  const schema = currentSchema(opened.table.metadata)
  const known = new Set([...opened.publish.key, '_event_us'])
  const values = deleteValues(snapshot, lake.clock.nowMs())
  const columns = changeRow(dataset, schema).map(({ name, type }) => {
    const value = known.has(name) ? ident(name) : (values[name] ?? sql`NULL`)
    return sql`CAST(${value} AS ${type}) AS ${ident(name)}`
  })
  await opened.session.run(
    sql`COPY (SELECT ${joinSql(columns, ', ')} FROM (${absentSql(opened, snapshot)})) TO ${path} (FORMAT parquet, COMPRESSION zstd)`,
  )
  const uri = `${lake.zones.staging}/${dataset.name}/${id}/${lake.ids.uuid()}/changes-0.parquet`
  const sha256 = await sha256File(path)
  await lake.storage.upload(path, uri, { ifNoneMatch: true, sha256 })
  return { files: [{ uri, sha256, bytes: (await stat(path)).size, rows: absent }], swept: absent }
}

/** The lane without a name is before every other, so that a delete is older than the rows of its own snapshot; within it the position decides. */
const deleteValues = ({ position }: SnapshotRows, nowMs: number): Readonly<Record<string, Sql>> => ({
  _op: sql`'delete'`,
  _position: sql`${position}`,
  _snapshot: sql`true`,
  _lane: sql`''`,
  _ordinal: sql`${position}`,
  _kept: sql`[]`,
  _content: sql`md5(${`sweep ${position}`})`,
  _ingested_at: sql`make_timestamptz(${BigInt(Math.floor(nowMs)) * 1_000n})`,
})
