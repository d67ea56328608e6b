import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChangeReport, changesUri, type ObjectOutcome, readDocument } from '#lake/batch.ts'
import { batchFolders, outcomesOf } from '#lake/batch-folders.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { partitionKeyOf } from '#lake/iceberg/operations/overwrite.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'

/** What became of every record of a dataset: `read = rows + quarantined + superseded + suppressed`, or something is wrong. */
export interface Balance {
  readonly dataset: string
  readonly objects: number
  readonly read: number
  /** Counted in the data files, not taken from anybody's word. */
  readonly rows: number
  /** Counted in the quarantine table. */
  readonly quarantined: number
  /** Rows of extracts that a newer one has replaced; changes that are no row (any more), each with its outcome. */
  readonly superseded: number
  /** Changes without an outcome, or with two. */
  readonly unaccounted: number
  /** Records that were dropped from quarantine. */
  readonly suppressed: number
  /** Of the quarantined, the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, count: number])[]
  readonly files: number
  readonly partitions: number
  readonly bytes: number
}

export const isBalanced = (balance: Balance): boolean =>
  balance.unaccounted === 0 &&
  balance.superseded >= 0 &&
  balance.read === balance.rows + balance.quarantined + balance.superseded + balance.suppressed

/** Compares the reports of all batches with what the tables hold. */
export async function balanceOf(lake: Lake, dataset: Dataset): Promise<Balance> {
  const outcomes = [...(await allOutcomes(lake, dataset)).values()]
  const target = await measure(lake, dataset.name)
  const quarantine = await measure(lake, quarantineTableName(dataset))
  const total = (of: 'read' | 'superseded' | 'suppressed'): number =>
    outcomes.reduce((sum, each) => sum + (each[of] ?? 0), 0)
  const isChanged = dataset.publish.mode === 'merge' || dataset.publish.mode === 'history'
  const rest = total('read') - target.rows - quarantine.rows - total('suppressed')
  return {
    dataset: dataset.name,
    objects: outcomes.length,
    read: total('read'),
    rows: target.rows,
    quarantined: quarantine.rows,
    superseded: isChanged ? rest : total('superseded') + replacedRows(dataset, outcomes),
    unaccounted: isChanged ? await unaccountedChanges(lake, dataset) : 0,
    suppressed: total('suppressed'),
    reasons: reasonsOf(outcomes),
    files: target.files,
    partitions: target.partitions,
    bytes: target.bytes,
  }
}

async function unaccountedChanges(lake: Lake, dataset: Dataset): Promise<number> {
  let unaccounted = 0
  for await (const { batch, documents } of batchFolders(lake, dataset.name)) {
    if (!documents.has('commit.json')) continue
    const report = await readDocument<ChangeReport>(lake, changesUri(lake, dataset.name, batch))
    if (report === undefined) continue
    const { received, applied, superseded, stale, duplicate, skipped, deadLetters } = report.counts
    unaccounted += Math.abs(received - applied - superseded - stale - duplicate - skipped - deadLetters)
  }
  return unaccounted
}

/** Not what went into another table, nor what was in one of the same name before. */
async function allOutcomes(lake: Lake, dataset: Dataset): Promise<ReadonlyMap<string, ObjectOutcome>> {
  const batches: string[] = []
  for await (const { batch, documents } of batchFolders(lake, dataset.name))
    if (documents.has('commit.json')) batches.push(batch)
  const tableUuid = (await loadTable(lake, dataset.name))?.metadata['table-uuid']
  return outcomesOf(lake, dataset.name, { batches, tableUuid })
}

/** Of full extracts only the newest that brought rows is in the table. */
function replacedRows(dataset: Dataset, outcomes: readonly ObjectOutcome[]): number {
  if (dataset.publish.mode !== 'replace' || dataset.publish.scope !== 'table') return 0
  const applied = outcomes
    .filter(each => each.applied > 0)
    .toSorted((left, right) => (left.rawObject < right.rawObject ? -1 : 1))
  return applied.slice(0, -1).reduce((sum, each) => sum + each.applied, 0)
}

function reasonsOf(outcomes: readonly ObjectOutcome[]): Balance['reasons'] {
  const counts = new Map<string, number>()
  for (const [reason, count] of outcomes.flatMap(each => Object.entries(each.reasons)))
    counts.set(reason, (counts.get(reason) ?? 0) + count)
  return [...counts].toSorted(([, left], [, right]) => right - left)
}

async function measure(lake: Lake, name: string): Promise<Pick<Balance, 'rows' | 'files' | 'partitions' | 'bytes'>> {
  const table = await loadTable(lake, name)
  if (table === undefined) return { rows: 0, files: 0, partitions: 0, bytes: 0 }
  const { schema, files } = await planScan(lake, table)
  const folder = join(lake.limits.scratch, `count-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: 1,
    memoryBytes: 200_000_000,
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  try {
    const local = await stageFiles(lake, files, folder)
    const [row] = await session.rows(sql`SELECT count(*)::BIGINT AS rows FROM (${scanSql(schema, local)})`)
    return {
      rows: Number(row?.['rows']),
      files: files.length,
      partitions: new Set(files.map(each => partitionKeyOf(each.file))).size,
      bytes: files.reduce((sum, each) => sum + Number(each.file.file_size_in_bytes), 0),
    }
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}
