import type { ObjectOutcome } from '#lake/batch.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { partitionKeyOf, stageReplacePartitions, stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { RAW_OBJECT, raisedMax, rawObjectMax, rawObjectMaxOf } from '#lake/iceberg/raw-object-max.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { fromBinary } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'
import { placeStaged, type TableWork } from './place.ts'

export interface ReplaceOptions {
  readonly scope: 'table' | 'partitions'
  readonly objects: readonly ObjectOutcome[]
}

export interface Replaced {
  readonly result: CommitResult
  /** With the rows counted as superseded that a newer extract had already replaced. */
  readonly objects: readonly ObjectOutcome[]
}

/**
 * A full extract takes the place of the table, or of the partitions that it has rows for, unless a newer one is there: raw ids
 * sort by the time of landing, so an extract that arrives late or is replayed never undoes a newer one.
 */
export async function publishReplace(lake: Lake, work: TableWork, options: ReplaceOptions): Promise<Replaced> {
  const placed = await placeStaged(lake, work)
  const result = await commit(lake, work.table, { commitId: work.commitId, summary: work.summary }, async base => {
    const live = await liveFiles(lake, base, { statistics: [RAW_OBJECT] })
    const staged = options.scope === 'table' ? replaceTable(base, live, placed) : replacePartitions(base, live, placed)
    const max = rawObjectMax(base) ?? rawObjectMaxOf(live, currentSchema(base.metadata))
    return { ...staged, summary: { ...raisedMax(max, work.rawObjects), ...staged.summary } }
  })
  return { result, objects: supersede(options.objects, lateRows(result.snapshot.summary)) }
}

function replaceTable(base: Table, live: readonly ScanFile[], placed: readonly DataFile[]): Staged {
  if (placed.length === 0) return stageAppend([])
  const newest = newestOf(base, placed)
  return live.some(({ file }) => newestOf(base, [file]) > newest)
    ? stageAppend([], { summary: lateSummary(base, placed) })
    : stageReplaceTable(live, placed)
}

/** Files that are too late stay behind as orphans; the commit says that the batch was seen. */
function replacePartitions(base: Table, live: readonly ScanFile[], placed: readonly DataFile[]): Staged {
  const held = Map.groupBy(live, each => partitionKeyOf(each.file))
  const isLate = (file: DataFile): boolean =>
    (held.get(partitionKeyOf(file)) ?? []).some(each => newestOf(base, [each.file]) > newestOf(base, [file]))
  const timely = placed.filter(file => !isLate(file))
  const summary = lateSummary(base, placed.filter(isLate))
  return timely.length === 0 ? stageAppend([], { summary }) : stageReplacePartitions(live, timely, { summary })
}

/** Rows that were left out, because a newer extract had replaced them or they repeat others, by raw object: a repetition must count them again. */
const SUPERSEDED = 'sluice.superseded-by-object'

/** A staged file of an extract holds rows of one raw object: quality leaves one for each partition. */
export function lateSummary(base: Table, files: readonly DataFile[]): Readonly<Record<string, string>> {
  if (files.length === 0) return {}
  const byObject = Map.groupBy(files, file => newestOf(base, [file]))
  const rows = (of: readonly DataFile[]): number => of.reduce((sum, file) => sum + Number(file.record_count), 0)
  return supersededSummary(new Map([...byObject].map(([id, late]) => [id, rows(late)])))
}

export function supersededSummary(rows: ReadonlyMap<string, number>): Readonly<Record<string, string>> {
  if (rows.size === 0) return {}
  return { [SUPERSEDED]: [...rows].map(([id, count]) => `${id}=${count}`).join(',') }
}

export function lateRows(summary: Readonly<Record<string, string>>): ReadonlyMap<string, number> {
  const entries = (summary[SUPERSEDED] ?? '').split(',').map(entry => entry.split('='))
  return new Map(entries.map(([id, rows]) => [id as string, Number(rows)]))
}

/** The id of the newest raw object in the files, by their bounds, which hold `_raw_object` whole. */
export function newestOf(base: Table, files: readonly DataFile[]): string {
  const { id, type } = columnByName(currentSchema(base.metadata), RAW_OBJECT)
  const bounds = files.map(file => file.upper_bounds.get(id)).filter(bound => bound !== undefined)
  return (
    bounds
      .map(bound => String(fromBinary(type as string, bound)))
      .toSorted()
      .at(-1) ?? ''
  )
}

/** Outcomes in which rows that were left out of the table are not applied. */
export function supersede(
  objects: readonly ObjectOutcome[],
  late: ReadonlyMap<string, number>,
): readonly ObjectOutcome[] {
  return objects.map(each => {
    const rows = late.get(each.rawObject) ?? 0
    return { ...each, applied: each.applied - rows, superseded: each.superseded + rows }
  })
}
