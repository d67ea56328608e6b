import { type Dataset, defineDataset } from './dataset.ts'
import { LakeError } from './errors.ts'

/** Where canaries land, and nothing else should. */
export const CANARY_PREFIX = 'sluice-canary/'

/** How often one is put. */
export const CANARY_MINUTES = 15

/**
 * A dataset of the system's own, which goes the way of all others: one object every quarter of an hour has to be in its table within the
 * promise, or something on that way is broken. Each replaces the one before, so the table has one row.
 */
export const canaryDataset: Dataset = defineDataset({
  name: 'sluice_canary',
  description: 'One object every quarter of an hour, to see that the pipeline works from end to end',
  owner: 'sluice',
  source: { system: 'sluice', format: 'ndjson', match: `${CANARY_PREFIX}*.ndjson` },
  columns: { id: { type: 'string', required: true }, put_at: { type: 'timestamptz', required: true } },
  publish: 'replace',
  retention: { snapshotAgeHours: 24 },
  // Two that were missed: one put, the windows of its schedule and of the queue, and a refinement.
  freshness: { maxLagMinutes: 2 * CANARY_MINUTES, eventTime: 'put_at' },
})

/** What a deployment works on: the declared datasets, and the canary. */
export function withCanary(datasets: readonly Dataset[]): readonly Dataset[] {
  const { name } = canaryDataset
  if (datasets.some(dataset => dataset.name === name))
    throw new LakeError('dataset-invalid', `dataset "${name}": name belongs to the canary of Sluice: take another`, {
      dataset: name,
      field: 'name',
    })
  return [...datasets, canaryDataset]
}
