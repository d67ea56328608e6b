import { type BatchManifest, commitUri, manifestUri, type RawObject, readDocument } from '#lake/batch.ts'
import { BATCH_LIMITS, batchCuts } from '#lake/batch-limits.ts'
import type { Dataset } from '#lake/dataset.ts'
import { ident, sql } from '#lake/duckdb/sql.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { filterSql, type QuarantineFilter } from '#lake/quarantine/filter.ts'
import type { OpenQuarantine } from '#lake/quarantine/open.ts'
import { readOrdinals, type SelectedRecords } from '#lake/quarantine/selection.ts'

/** What a selection needs to know of quarantined records. */
export const IDENTITY: readonly string[] = [
  '_raw_object',
  'record',
  'batch',
  'source_uri',
  'stage',
  'reason',
  '_ingested_at',
]

export interface Chosen {
  readonly records: number
  readonly objects: number
  /** Records that are left alone, because the batch that put them there is not published yet. */
  readonly busy: number
}

const SELECTED = ident('sluice_selected')
const HEADS_AT_ONCE = 16

/**
 * Puts the records that are meant into a table of the session. A batch commits its quarantine before its table: until it has a commit report, its
 * commit may still come, and would take out of the table what was released before it.
 */
export async function choose(
  lake: Lake,
  dataset: string,
  task: { readonly filter: QuarantineFilter; readonly limit?: number | undefined; readonly opened: OpenQuarantine },
): Promise<Chosen> {
  const { session, rows } = task.opened
  const limit = task.limit === undefined ? sql`` : sql` ORDER BY _raw_object, record LIMIT ${task.limit}`
  const meant = sql`SELECT _raw_object AS "object", batch, record AS ordinal FROM (${rows}) WHERE ${filterSql(lake, task.filter)}${limit}`
  await session.run(sql`CREATE TABLE ${SELECTED} AS ${meant}`)
  const batches = await session.rows(sql`SELECT batch, count(*)::DOUBLE AS records FROM ${SELECTED} GROUP BY batch`)
  const open = await mapParallel(batches, HEADS_AT_ONCE, async row => {
    const batch = String(row['batch'])
    return (await lake.storage.head(commitUri(lake, dataset, batch))) === undefined ? [row] : []
  })
  const names = open.flat().map(row => String(row['batch']))
  await session.run(sql`DELETE FROM ${SELECTED} WHERE list_contains(${names}::VARCHAR[], batch)`)
  const [left] = await session.rows(
    sql`SELECT count(*)::DOUBLE AS records, count(DISTINCT "object")::DOUBLE AS objects FROM ${SELECTED}`,
  )
  return {
    records: Number(left?.['records']),
    objects: Number(left?.['objects']),
    busy: open.flat().reduce((sum, row) => sum + Number(row['records']), 0),
  }
}

/** Raw objects and what of them is selected. */
export interface SelectedBatch {
  readonly objects: readonly RawObject[]
  readonly selected: readonly SelectedRecords[]
}

/** Snapshot summaries count by object, and one object can have many ranges of records. */
const OBJECTS_MAX = 200
const RECORDS_MAX = 100_000

/**
 * The chosen records in batches, in the order in which their objects landed. The records of an object stay together, so that rules which
 * compare rows see all of them; full extracts go one by one, because each takes the place of the one before it.
 */
export async function* batchesOf(
  lake: Lake,
  dataset: Dataset,
  { session }: Pick<OpenQuarantine, 'session'>,
): AsyncGenerator<SelectedBatch> {
  const rows = await session.rows(
    sql`SELECT "object", any_value(batch) AS batch, count(*)::DOUBLE AS records FROM ${SELECTED} GROUP BY "object" ORDER BY "object"`,
  )
  const manifests = manifestsOf(lake, dataset.name)
  const objectsMax = dataset.publish.mode === 'replace' ? 1 : OBJECTS_MAX
  const begins = batchCuts({ objectsMax, bytesMax: BATCH_LIMITS.bytesMax })
  let objects: RawObject[] = []
  let records = 0
  const cut = async (): Promise<SelectedBatch> => {
    const ids = objects.map(object => object.id)
    const selected = await readOrdinals(
      session,
      sql`SELECT * FROM ${SELECTED} WHERE list_contains(${ids}::VARCHAR[], "object")`,
    )
    const batch = { objects, selected }
    objects = []
    records = 0
    return batch
  }
  for (const row of rows) {
    const object = await objectOf(manifests, { id: String(row['object']), batch: String(row['batch']) })
    const count = Number(row['records'])
    const isFull = begins(object.bytes) || records + count > RECORDS_MAX
    if (isFull && objects.length > 0) yield await cut()
    objects.push(object)
    records += count
  }
  if (objects.length > 0) yield await cut()
}

type Manifests = (batch: string) => Promise<BatchManifest | undefined>

const MANIFESTS_KEPT = 32

/** Objects that landed together were in few batches, so a few manifests are enough to keep. */
function manifestsOf(lake: Lake, dataset: string): Manifests {
  const kept = new Map<string, BatchManifest | undefined>()
  return async batch => {
    const known = kept.get(batch) ?? (await readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch)))
    kept.delete(batch)
    kept.set(batch, known)
    if (kept.size > MANIFESTS_KEPT) kept.delete(kept.keys().next().value as string)
    return known
  }
}

async function objectOf(
  manifests: Manifests,
  { id, batch }: { readonly id: string; readonly batch: string },
): Promise<RawObject> {
  const object = (await manifests(batch))?.objects.find(each => each.id === id)
  if (object === undefined)
    throw new LakeError(
      'not-found',
      `the manifest of batch ${batch} is gone, or does not name ${id}: replay the object`,
      {
        batch,
        object: id,
      },
    )
  return object
}
