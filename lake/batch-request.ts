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

/** Where a merge that is handed over stands. A run is one attempt: rows are located, folded, and merged as they were found. */
export interface MergeStep {
  readonly run: string
  readonly round: number
}

/** Parses `step` of the payload, if there is one. Fails with `event-invalid`, as above: a run becomes part of keys too. */
export function mergeStep(event: unknown): MergeStep | undefined {
  const { step } = (event ?? {}) as { readonly step?: unknown }
  if (step === undefined) return undefined
  const { run, round } = (step ?? {}) as { readonly run?: unknown; readonly round?: unknown }
  const isRun = typeof run === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(run)
  if (isRun && typeof round === 'number' && Number.isSafeInteger(round) && round > 0) return { run, round }
  throw new LakeError('event-invalid', `${shown(step)} is not the step of a merge`)
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'undefined').slice(0, 100)
