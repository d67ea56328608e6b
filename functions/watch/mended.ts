import {
  type CommitReport,
  commitUri,
  type LandedRecord,
  landedUri,
  type RawObject,
  readDocument,
} from '#lake/batch.ts'
import type { Lake } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import { replaysHolding } from '#lake/replay-holding.ts'
import type { BatchesOf, OpenBatch } from './backlog.ts'

const AT_ONCE = 16

/**
 * Ids of those objects of open batches whose rows another batch has brought into the table that is there: a replay took them again after the
 * rule or the fault was mended, or the open batch is itself a replay of what was committed before. It reads nothing when no batch is open.
 */
export async function mendedObjects(
  lake: Lake,
  { dataset, tableUuid }: Pick<BatchesOf, 'dataset' | 'tableUuid'>,
  open: readonly OpenBatch[],
): Promise<ReadonlySet<string>> {
  const objects = open.flatMap(each => each.objects)
  if (objects.length === 0) return new Set()
  const isOpen = new Set(open.map(each => each.batch))
  const rawObjects = [...new Set(objects.map(({ id }) => id))]
  const replayed = (await replaysHolding(lake, { dataset, rawObjects })).map(each => each.batch)
  const first = await firstBatches(lake, open)
  const others = [...new Set([...replayed, ...first])].filter(batch => !isOpen.has(batch))
  const reports = await mapParallel(others, AT_ONCE, batch =>
    readDocument<CommitReport>(lake, commitUri(lake, dataset, batch)),
  )
  const there = reports.filter(report => report !== undefined && report.tableUuid === tableUuid)
  return new Set(there.flatMap(report => report?.objects.map(each => each.rawObject) ?? []))
}

/** The batches that `ingest` made of the objects of replays. Of a batch that is its own, the first object says so. */
async function firstBatches(lake: Lake, open: readonly OpenBatch[]): Promise<readonly string[]> {
  const batches = await mapParallel(open, AT_ONCE, async ({ batch, objects: [object, ...others] }) => {
    const own = object && (await batchOf(lake, object))
    if (own === undefined || own === batch) return []
    return [own, ...(await mapParallel(others, AT_ONCE, each => batchOf(lake, each)))]
  })
  return batches.flat().filter(batch => batch !== undefined)
}

/** undefined when the landing key is too long for the metadata of a raw object, which then does not lead to the record of its landing. */
async function batchOf(lake: Lake, { id, sourceUri }: RawObject): Promise<string | undefined> {
  const record = await readDocument<LandedRecord>(lake, landedUri(lake, sourceUri, id))
  return record?.outcome.kind === 'batched' ? record.outcome.batch : undefined
}
