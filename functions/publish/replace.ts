import type { ObjectOutcome } from '#lake/batch.ts'
import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { partitionKeyOf, stageReplacePartitions, stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, LiveFile } from '#lake/iceberg/types.ts'
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
    const live = await liveFiles(lake, base)
    return options.scope === 'table' ? replaceTable(base, live, placed) : replacePartitions(base, live, placed)
  })
  const late = Number(result.snapshot.summary[SUPERSEDED] ?? 0)
  return { result, objects: late === 0 ? options.objects : supersede(options.objects, late) }
}

/** Rows of the commit that a newer extract had replaced, in the snapshot summary: a repetition must count them again. */
const SUPERSEDED = 'sluice.rows-superseded'

function replaceTable(base: Table, live: readonly LiveFile[], placed: readonly DataFile[]): Staged {
  if (placed.length === 0) return stageAppend([])
  const newest = newestOf(base, placed)
  return live.some(({ file }) => newestOf(base, [file]) > newest) ? superseded(placed) : stageReplaceTable(live, placed)
}

function replacePartitions(base: Table, live: readonly LiveFile[], placed: readonly DataFile[]): Staged {
  const held = Map.groupBy(live, each => partitionKeyOf(each.file))
  const isLate = (file: DataFile): boolean =>
    (held.get(partitionKeyOf(file)) ?? []).some(each => newestOf(base, [each.file]) > newestOf(base, [file]))
  const late = placed.filter(isLate)
  const timely = placed.filter(file => !late.includes(file))
  return timely.length === 0
    ? superseded(placed)
    : stageReplacePartitions(live, timely, { summary: rowsSuperseded(late) })
}

/** The files stay behind as orphans; the commit says that the batch was seen. */
const superseded = (placed: readonly DataFile[]): Staged => stageAppend([], { summary: rowsSuperseded(placed) })

function rowsSuperseded(files: readonly DataFile[]): Readonly<Record<string, string>> {
  return files.length === 0 ? {} : { [SUPERSEDED]: String(files.reduce((sum, file) => sum + file.record_count, 0n)) }
}

/** The id of the newest raw object in the files, by their bounds, which hold `_raw_object` whole. */
function newestOf(base: Table, files: readonly DataFile[]): string {
  const { id, type } = columnByName(currentSchema(base.metadata), '_raw_object')
  const bounds = files.map(file => file.upper_bounds.get(id)).filter(bound => bound !== undefined)
  return (
    bounds
      .map(bound => String(fromBinary(type as string, bound)))
      .toSorted()
      .at(-1) ?? ''
  )
}

/** Of a batch of extracts only the newest brought rows, so the late rows are its own; with partitions they are spread by age. */
function supersede(objects: readonly ObjectOutcome[], late: number): readonly ObjectOutcome[] {
  let left = late
  return objects.map(each => {
    const rows = Math.min(left, each.applied)
    left -= rows
    return { ...each, applied: each.applied - rows, superseded: each.superseded + rows }
  })
}
