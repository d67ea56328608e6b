import { datasets } from '../datasets/index.ts'
import { withCanary } from '../lake/canary.ts'
import { quarantineTableName } from '../lake/dataset.ts'
import { QUALITY_RESULTS } from '../lake/quality-results.ts'

/** Every Iceberg table that the pipeline may make: of the datasets, their quarantines, and of rules. Raw objects are no such table. */
export function maintainedTables(): readonly string[] {
  const own = withCanary(datasets).flatMap(dataset => [dataset.name, quarantineTableName(dataset)])
  return datasets.some(dataset => dataset.quality !== undefined) ? [...own, QUALITY_RESULTS] : own
}
