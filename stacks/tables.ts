import { datasets } from '../datasets/index.ts'
import { quarantineTableName } from '../lake/dataset.ts'

/** Every Iceberg table that the pipeline may make: those of the datasets and their quarantines. Raw objects are no such table. */
export function maintainedTables(): readonly string[] {
  return datasets.flatMap(dataset => [dataset.name, quarantineTableName(dataset)])
}
