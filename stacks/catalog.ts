import { datasets } from '../datasets/index.ts'
import { withCanary } from '../lake/canary.ts'
import { type Dataset, rawTableName } from '../lake/dataset.ts'
import { rawTable } from '../lake/raw-table.ts'
import { keepData } from './stage.ts'
import type { Storage } from './storage.ts'

export type Catalog = ReturnType<typeof catalog>

/** The Glue database with a Hive-style table over each dataset's raw objects. Iceberg tables are made by the pipeline. */
export function catalog({ raw, tables }: Storage) {
  const database = new aws.glue.CatalogDatabase(
    'Database',
    // Glue allows lower-case letters, digits and underscores; a stage may hold dashes.
    { name: `${$app.name}_${$app.stage}`.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_'), locationUri: tables.uri },
    keepData(),
  )
  for (const dataset of withCanary(datasets)) rawCatalogTable(dataset, raw.uri, database)
  return { database }
}

function rawCatalogTable(dataset: Dataset, rawUri: $util.Output<string>, database: aws.glue.CatalogDatabase): void {
  const table = rawUri.apply(uri => rawTable(uri, dataset))
  new aws.glue.CatalogTable(
    `RawTable-${dataset.name}`,
    {
      name: rawTableName(dataset),
      databaseName: database.name,
      description: `Raw objects of ${dataset.name}, as they came in`,
      tableType: 'EXTERNAL_TABLE',
      parameters: table.parameters,
      partitionKeys: table.partitionKeys.apply(keys => [...keys]),
      storageDescriptor: {
        location: table.location,
        columns: table.columns.apply(columns => [...columns]),
        inputFormat: table.serde.inputFormat,
        outputFormat: table.serde.outputFormat,
        serDeInfo: { serializationLibrary: table.serde.library, parameters: table.serde.parameters },
      },
    },
    keepData(),
  )
}
