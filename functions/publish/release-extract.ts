import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { partitionKeyOf, stageReplacePartitions, stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import type { Staged } from '#lake/iceberg/operations/staged.ts'
import { RAW_OBJECT, raisedMax, rawObjectMax, rawObjectMaxOf } from '#lake/iceberg/raw-object-max.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import type { Delta } from './release.ts'
import { lateSummary, newestOf } from './replace.ts'

/**
 * Released rows of a full extract: they join the rest of it where it is the newest, take the place of what is older, as all of its rows would
 * have when it came, and are superseded where a newer one is. They are of one extract.
 */
export async function stageIntoExtract(
  lake: Lake,
  base: Table,
  { delta, extras, scope }: Delta & { readonly scope: 'table' | 'partitions' },
): Promise<Staged> {
  const { added = [] } = delta
  if (added.length === 0) return stageAppend([])
  const live = await liveFiles(lake, base, { statistics: [RAW_OBJECT] })
  const place = placeFinder(base, live, scope)
  const { joins = [], takes = [], late = [] } = Object.fromEntries(Map.groupBy(added, place))
  const own = newestOf(base, added)
  const max = rawObjectMax(base) ?? rawObjectMaxOf(live, currentSchema(base.metadata))
  const summary = { ...raisedMax(max, [own]), ...lateSummary(base, late) }
  if (joins.length + takes.length === 0) return stageAppend([], { summary: lateSummary(base, late) })
  const joined = stageRowDelta({ ...delta, added: joins }, { ...extras, summary })
  if (takes.length === 0) return joined
  const taken =
    scope === 'table' ? stageReplaceTable(live, takes, { summary }) : stageReplacePartitions(live, takes, { summary })
  const validations = [...(taken.validations ?? []), ...(joins.length > 0 ? (joined.validations ?? []) : [])]
  return {
    ...taken,
    added: [...takes, ...joins],
    ...(joins.length > 0 ? { addedDeletes: joined.addedDeletes ?? [] } : {}),
    validations,
  }
}

function placeFinder(
  base: Table,
  live: readonly ScanFile[],
  scope: 'table' | 'partitions',
): (file: DataFile) => 'joins' | 'takes' | 'late' {
  const key = (file: DataFile): string => (scope === 'table' ? '' : partitionKeyOf(file))
  const held = Map.groupBy(live, each => key(each.file))
  return file => {
    const newest = newestOf(
      base,
      (held.get(key(file)) ?? []).map(each => each.file),
    )
    const own = newestOf(base, [file])
    return newest > own ? 'late' : newest < own ? 'takes' : 'joins'
  }
}
