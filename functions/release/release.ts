import { type BatchManifest, manifestUri, writeDocumentOnce } from '#lake/batch.ts'
import type { Dataset } from '#lake/dataset.ts'
import { rawBatchReady } from '#lake/events.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'
import type { QuarantineFilter } from '#lake/quarantine/filter.ts'
import { withQuarantine } from '#lake/quarantine/open.ts'
import type { Selection } from '#lake/quarantine/selection.ts'
import { batchId } from '#lake/raw-id.ts'
import { releaseRequest } from './request.ts'
import { batchesOf, type Chosen, choose, IDENTITY, type SelectedBatch } from './select.ts'

export interface ReleaseRequest {
  readonly action: Selection['action']
  readonly filter: QuarantineFilter
  /** At most so many records, the earliest first. */
  readonly limit?: number | undefined
  /** Why they are dropped. */
  readonly reason?: string | undefined
  /** Tells what would be done and does nothing. */
  readonly dryRun: boolean
}

export interface ReleaseReport extends Chosen {
  readonly dataset: string
  readonly action: Selection['action']
  readonly dryRun: boolean
  readonly batches: readonly string[]
}

/** What an event asks for: see `releaseRequest`. */
export function releaseAction(lake: Lake, event: unknown, datasets: readonly Dataset[]): Promise<ReleaseReport> {
  const { dataset, ...request } = releaseRequest(datasets, event)
  return release(lake, dataset, request)
}

/**
 * Selects quarantined records, packs them into batches of their own and announces these: from there they go the way of every batch, through
 * `quality` and `publish`. Doing it again selects what is still in quarantine; whoever selects a record twice publishes it once.
 */
export async function release(lake: Lake, dataset: Dataset, request: ReleaseRequest): Promise<ReleaseReport> {
  const { action, dryRun } = request
  const about = { dataset: dataset.name, action, dryRun }
  const done = await withQuarantine(lake, { dataset: dataset.name, columns: IDENTITY }, async opened => {
    const chosen = await choose(lake, dataset.name, { ...request, opened })
    const batches: string[] = []
    if (!dryRun)
      for await (const batch of batchesOf(lake, dataset, opened))
        batches.push(await announce(lake, dataset, { batch, request, table: opened.table }))
    return { ...about, ...chosen, batches }
  })
  return done ?? { ...about, records: 0, objects: 0, busy: 0, batches: [] }
}

interface Announcement {
  readonly batch: SelectedBatch
  readonly request: ReleaseRequest
  /** The quarantine from which they were selected. */
  readonly table: Table
}

async function announce(lake: Lake, dataset: Dataset, { batch, request, table }: Announcement): Promise<string> {
  const { action, reason } = request
  const atMs = lake.clock.nowMs()
  const selection: Selection = { action, ...(reason === undefined ? {} : { reason }), atMs, objects: batch.selected }
  const manifest: BatchManifest = {
    id: batchId(dataset.name, atMs, identityOf(dataset, selection, table)),
    dataset: dataset.name,
    objects: batch.objects,
    selection,
  }
  await writeDocumentOnce(lake, manifestUri(lake, dataset.name, manifest.id), manifest)
  await lake.bus.publish([rawBatchReady(lake, manifest)])
  return manifest.id
}

/** The same records under another declaration, or after another batch had to do with the quarantine, are another batch. */
function identityOf(dataset: Dataset, { action, objects }: Selection, { metadata }: Table): readonly string[] {
  const { contract, columns, quality } = dataset
  const declared = JSON.stringify([contract, columns, quality?.rules ?? ''])
  return [action, declared, String(metadata['current-snapshot-id']), JSON.stringify(objects)]
}
