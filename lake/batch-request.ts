import type { Dataset } from './dataset.ts'
import { LakeError } from './errors.ts'

/** What `refine` asks of its functions: one batch of one dataset. */
export interface BatchRequest {
  readonly dataset: Dataset
  readonly batch: string
}

/** Parses the payload `{ dataset, batch }`. Fails with `event-invalid`: anyone who may invoke a function may send it anything. */
export function batchRequest(datasets: readonly Dataset[], event: unknown): BatchRequest {
  const { dataset: name, batch } = (event ?? {}) as { readonly dataset?: unknown; readonly batch?: unknown }
  const dataset = datasets.find(each => each.name === name)
  if (!dataset) throw new LakeError('event-invalid', `there is no dataset ${shown(name)}`, { dataset: shown(name) })
  // Ids of batches are ULIDs (functions/ingest/name.ts); they become part of keys, so nothing else passes.
  if (typeof batch !== 'string' || !/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(batch))
    throw new LakeError('event-invalid', `${shown(batch)} is not the id of a batch`, { dataset: dataset.name })
  return { dataset, batch }
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, 100)
