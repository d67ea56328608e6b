import { datasets } from '../datasets/index.ts'
import { withCanary } from '../lake/canary.ts'
import { handOverTableName, quarantineTableName, tombstoneTableName } from '../lake/dataset.ts'
import { QUALITY_RESULTS } from '../lake/quality-results.ts'

/** Every Iceberg table that the pipeline may make: of the datasets, their quarantines and what merges keep beside them, and of rules. Raw objects are no such table. */
export function maintainedTables(): readonly string[] {
  const own = withCanary(datasets).flatMap(dataset => [
    dataset.name,
    quarantineTableName(dataset),
    ...(dataset.source.changes === undefined ? [] : [tombstoneTableName(dataset), handOverTableName(dataset)]),
  ])
  return datasets.some(dataset => dataset.quality !== undefined) ? [...own, QUALITY_RESULTS] : own
}
