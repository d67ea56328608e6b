import { type Dataset, handOverTableName } from '#lake/dataset.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { newTableMetadata, setSchema } from '#lake/iceberg/metadata.ts'
import { partitionSpecFor, UNSORTED } from '#lake/iceberg/partition.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import { registerTable, TABLE_PROPERTIES } from '#lake/iceberg/table-definition.ts'
import type { NestedField, Schema } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { PART, type Part, RUN } from './hand-over-sql.ts'

/** Far above the ids that columns of a table get, so that these two and the table's own never meet. */
const RUN_ID = 1_000_001
const PART_ID = 1_000_002

/**
 * Columns of the table by the very ids that they have there, so that a file of this one can be read as if it were the table's: a tombstone
 * may point at a row that was brought here.
 */
export function handOverSchema(schema: Schema): Schema {
  const text = (id: number, name: string, doc: string): NestedField => ({
    id,
    name,
    required: false,
    type: 'string',
    doc,
  })
  return {
    type: 'struct',
    'schema-id': 0,
    fields: [
      ...schema.fields.map(field => ({ ...field, required: false })),
      text(RUN_ID, RUN, 'one attempt to merge one batch'),
      text(PART_ID, PART, 'key: of the batch; row: as it is in the table; remove and put: what the merge makes of it'),
    ],
  }
}

/** The side table `<dataset>__handover`, with the columns that the table has now. */
export async function ensureHandOver(lake: Lake, dataset: Dataset, schema: Schema): Promise<Table> {
  const name = handOverTableName(dataset)
  const wanted = handOverSchema(schema)
  const table = (await loadTable(lake, name)) ?? (await registerTable(lake, name, initial(lake, name, wanted)))
  const become = (metadata: Table['metadata']): Table['metadata'] => setSchema(metadata, wanted, PART_ID)
  return become(table.metadata) === table.metadata ? table : updateTable(lake, name, become)
}

function initial(lake: Lake, name: string, schema: Schema): Table['metadata'] {
  const identity = (column: string) => ({ column, transform: { name: 'identity' } as const })
  return newTableMetadata({
    uuid: lake.ids.uuid(),
    location: `${lake.zones.tables}/${name}`,
    schema,
    lastColumnId: PART_ID,
    spec: partitionSpecFor(schema, [identity(RUN), identity(PART)]),
    sortOrder: UNSORTED,
    properties: {
      ...TABLE_PROPERTIES,
      comment: 'What Athena and cdc-apply hand each other; empty but for merges under way',
    },
    nowMs: lake.clock.nowMs(),
  })
}

/** The rows of some runs; each part is in files of its own. */
export const rowsOfRuns = (runs: readonly string[], ...parts: readonly Part[]): readonly Predicate[] => [
  { column: RUN, op: 'in', values: runs },
  ...(parts.length === 0 ? [] : [{ column: PART, op: 'in', values: parts } as const]),
]
