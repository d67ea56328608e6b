import type { BatchManifest, StagedTable, Verdict } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { assert } from '#lake/errors.ts'
import { countOrdinals, type Ordinals, readOrdinals } from '#lake/quarantine/selection.ts'
import { changeRowsOf, type StageChangesTask } from './changes/stage-changes.ts'
import type { DecodedBatch, DecodedRaw } from './decode-batch.ts'
import type { Newest } from './newest.ts'
import type { BatchTask } from './quality.ts'
import { type FailingRows, withoutFailing } from './split.ts'
import { allRows } from './stage.ts'

/** In whose account the records of an object stand. */
export function accountsOf({ id, selection }: Pick<BatchManifest, 'id' | 'selection'>): (rawObject: string) => string {
  const batches = new Map(selection?.objects.map(each => [each.rawObject, each.batch]))
  return rawObject => batches.get(rawObject) ?? id
}

/** Records that are dropped need not be looked at. */
export function dropVerdict({ manifest: { id, selection }, dataset }: BatchTask, target: StagedTable): Verdict {
  const objects = selection?.objects ?? []
  return {
    batch: id,
    dataset: dataset.name,
    status: 'pass',
    target,
    ...(dataset.source.changes === undefined ? {} : { changes: { files: [] } }),
    quarantine: undefined,
    objects: objects.map(({ rawObject, records }) => {
      const count = countOrdinals(records)
      return { rawObject, read: count, applied: 0, quarantined: 0, superseded: 0, suppressed: count, reasons: {} }
    }),
    judged: objects.map(each => ({ ...each, applied: [], refused: [], suppressed: each.records })),
  }
}

interface Judged {
  readonly decoded: DecodedBatch
  readonly newest: Newest
  readonly failing: FailingRows | undefined
}

/** What became of every selected record, by its ordinal. */
export async function judgedOf(
  session: Session,
  { manifest, dataset }: BatchTask,
  { decoded, newest, failing }: Judged,
): Promise<Pick<Verdict, 'judged'>> {
  const { selection } = manifest
  if (selection === undefined) return {}
  assert(newest.superseded.size === 0, 'records of several extracts are not released together')
  const rows = newest.rows.length === 0 ? undefined : rowsOf({ dataset, table: decoded.target, rows: newest.rows })
  const applied = rows && ordinalsOf(failing === undefined ? rows : withoutFailing(rows, failing))
  const byObject = {
    applied: await ranges(session, applied),
    refused: await ranges(session, refusedSql(decoded, failing)),
  }
  const objects = new Map(decoded.objects.map(each => [each.object.id, each]))
  return {
    judged: selection.objects.map(each => ({
      ...each,
      applied: byObject.applied.get(each.rawObject) ?? [],
      refused: isUnreadable(objects.get(each.rawObject)) ? [[0, 0]] : (byObject.refused.get(each.rawObject) ?? []),
      suppressed: objects.get(each.rawObject)?.suppressed ?? [],
    })),
  }
}

const rowsOf = (task: Pick<StageChangesTask, 'dataset' | 'table' | 'rows'>): Sql =>
  task.dataset.source.changes === undefined ? allRows(task.rows) : changeRowsOf(task)

const isUnreadable = (each: DecodedRaw | undefined): boolean => each?.failure !== undefined

const ordinalsOf = (rows: Sql): Sql => sql`SELECT _raw_object AS "object", _raw_row AS ordinal FROM (${rows})`

function refusedSql({ objects }: DecodedBatch, failing: FailingRows | undefined): Sql | undefined {
  const parts = objects.flatMap(({ object, decoded }) =>
    decoded === undefined || Object.keys(decoded.reasons).length === 0
      ? []
      : [
          sql`SELECT ${object.id} AS "object", ordinal FROM read_json(${decoded.refused}, format = 'newline_delimited', columns = {ordinal: 'BIGINT'})`,
        ],
  )
  const failed = failing === undefined ? [] : [ordinalsOf(sql`FROM read_parquet(${failing.path})`)]
  return parts.length + failed.length === 0 ? undefined : join([...parts, ...failed], ' UNION ALL ')
}

async function ranges(session: Session, rows: Sql | undefined): Promise<ReadonlyMap<string, Ordinals>> {
  if (rows === undefined) return new Map()
  const found = await readOrdinals(session, sql`SELECT "object", '' AS batch, ordinal FROM (${rows})`)
  return new Map(found.map(each => [each.rawObject, each.records]))
}
