import { commitUri } from '#lake/batch.ts'
import type { Lake, ObjectInfo } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'
import type { Amount } from './sort-out.ts'

export interface StagingRequest {
  /** As long as the lifecycle rule of the bucket keeps staged files, which is longer than any run of a workflow can be taken up again. */
  readonly olderThanDays?: number
  readonly dryRun?: boolean
}

export interface StagingReport {
  readonly dryRun: boolean
  readonly batches: number
  readonly deleted: Amount
  /** Batches that are old and were never committed: halted, or left half done. */
  readonly uncommitted: number
}

const DAYS = 21
const DAY_MS = 86_400_000
const DELETES_AT_ONCE = 8

/**
 * Deletes what batches left in staging once they are committed and old. Only for lakes in a folder: in a bucket a lifecycle rule does it.
 * Batches that are not committed stay, because their rows are nowhere else in this form.
 */
export async function sweepStaging(lake: Lake, request: StagingRequest = {}): Promise<StagingReport> {
  const beforeMs = lake.clock.nowMs() - (request.olderThanDays ?? DAYS) * DAY_MS
  const dryRun = request.dryRun === true
  const sum = { batches: 0, uncommitted: 0, files: 0, bytes: 0 }
  for await (const folder of batchFolders(lake)) {
    if (folder.objects.some(object => object.modifiedMs >= beforeMs)) continue
    if ((await lake.storage.head(commitUri(lake, folder.dataset, folder.batch))) === undefined) {
      sum.uncommitted++
      continue
    }
    if (!dryRun) await mapParallel(folder.objects, DELETES_AT_ONCE, object => lake.storage.delete(object.uri))
    sum.batches++
    sum.files += folder.objects.length
    sum.bytes += folder.objects.reduce((bytes, object) => bytes + object.bytes, 0)
  }
  const { batches, uncommitted, files, bytes } = sum
  return { dryRun, batches, deleted: { files, bytes }, uncommitted }
}

interface BatchFolder {
  readonly dataset: string
  readonly batch: string
  readonly objects: readonly ObjectInfo[]
}

/** `staging/<dataset>/<batch>/…`; a listing is in the order of keys, so the files of a batch come one after the other. */
async function* batchFolders({ storage, zones }: Lake): AsyncGenerator<BatchFolder> {
  let open: { dataset: string; batch: string; objects: ObjectInfo[] } | undefined
  for await (const object of storage.list(`${zones.staging}/`)) {
    const [dataset, batch, name] = object.uri.slice(zones.staging.length + 1).split('/')
    if (dataset === undefined || batch === undefined || name === undefined) continue
    if (open?.dataset === dataset && open.batch === batch) open.objects.push(object)
    else {
      if (open !== undefined) yield open
      open = { dataset, batch, objects: [object] }
    }
  }
  if (open !== undefined) yield open
}
