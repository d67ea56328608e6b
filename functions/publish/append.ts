import { type CommitResult, commit } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { danglingDeletes, type Staged } from '#lake/iceberg/operations/staged.ts'
import { metricsMayMatch, searchFor } from '#lake/iceberg/pruning.ts'
import { areNew, RAW_OBJECT, raisedMax, rawObjectMax, rawObjectMaxOf } from '#lake/iceberg/raw-object-max.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { takeOut } from './earlier-rows.ts'
import { placeStaged, type TableWork } from './place.ts'

/**
 * Each raw object contributes its rows exactly once: in one commit its new rows come and whatever it contributed before goes. Ids of raw
 * objects sort by the time of landing, so objects that are newer than all in the table need no look at its files.
 */
export async function publishAppend(lake: Lake, work: TableWork): Promise<CommitResult> {
  const placed = await placeStaged(lake, work)
  return commit(lake, work.table, { commitId: work.commitId, summary: work.summary }, base =>
    stageContribution(lake, base, { placed, rawObjects: work.rawObjects }),
  )
}

interface Contribution {
  readonly placed: readonly DataFile[]
  readonly rawObjects: readonly string[]
}

/** On the table as it is: rows of the objects go, and those in the placed files come. */
export async function stageContribution(
  lake: Lake,
  base: Table,
  { placed, rawObjects }: Contribution,
): Promise<Staged> {
  const max = rawObjectMax(base)
  if (areNew(rawObjects, max)) return stageOverwrite({ added: placed, removed: [] }, extras(max, rawObjects))
  const found = await candidates(lake, base, { rawObjects, max })
  const { removed, kept } = await takeOut(lake, base, { files: found.files, rawObjects })
  const added = [...placed, ...kept]
  const staged = stageOverwrite({ added, removed }, extras(found.max, rawObjects, validations(base, removed)))
  return { ...staged, removedDeletes: await orphanedDeletes(lake, base, removed) }
}

function extras(max: string | undefined, rawObjects: readonly string[], validations: Staged['validations'] = []) {
  return { summary: raisedMax(max, rawObjects), validations }
}

interface Found {
  readonly files: readonly ScanFile[]
  readonly max: string | undefined
}

/** Files that can hold rows of the objects, by their bounds; and when the table does not say it, the greatest id in all of them. */
async function candidates(
  lake: Lake,
  base: Table,
  { rawObjects, max }: { readonly rawObjects: readonly string[]; readonly max: string | undefined },
): Promise<Found> {
  const where = [{ column: RAW_OBJECT, op: 'in', values: rawObjects }] as const
  if (max !== undefined) return { files: await liveFiles(lake, base, { where }), max }
  const all = await liveFiles(lake, base, { statistics: [RAW_OBJECT] })
  const schema = currentSchema(base.metadata)
  const search = searchFor(base.metadata, schema, where)
  return { files: all.filter(({ file }) => metricsMayMatch(file, search)), max: rawObjectMaxOf(all, schema) }
}

/** Rows that somebody deletes meanwhile must not come back with those that are kept. */
function validations({ metadata }: Table, files: readonly ScanFile[]): Staged['validations'] {
  const since = metadata['current-snapshot-id'] ?? null
  return files.length === 0 ? [] : [{ type: 'no-new-deletes', since, files }]
}

/** Only all files together tell which deletes apply to the removed ones alone, and hardly any table has deletes. */
async function orphanedDeletes(lake: Lake, base: Table, removed: readonly ScanFile[]): Promise<readonly DataFile[]> {
  if (removed.every(live => live.deletes.length === 0)) return []
  return danglingDeletes(await liveFiles(lake, base), removed)
}
