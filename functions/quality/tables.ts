import { type Column, type Dataset, LINEAGE, tableColumns } from '#lake/dataset.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec, setSchema } from '#lake/iceberg/metadata.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { type SchemaChange, updateSchema } from '#lake/iceberg/schema-change.ts'
import { widerType } from '#lake/iceberg/schema-types.ts'
import type { Table } from '#lake/iceberg/table.ts'
import { ensureTable, TABLE_PROPERTIES, type TableDefinition, tableDefinition } from '#lake/iceberg/table-definition.ts'
import type { IcebergType, PartitionSpec, Schema, SortOrder, TableMetadata } from '#lake/iceberg/types.ts'
import type { Lake } from '#lake/lake.ts'
import { QUALITY_RESULTS, RESULT_COLUMNS } from '#lake/quality-results.ts'
import { quarantineDefinition } from '#lake/quarantine-table.ts'

/** A table as staged files are written for it. Field ids are never given twice, so the files stay right whatever the table becomes. */
export interface OpenTable {
  readonly name: string
  readonly uuid: string
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly properties: Readonly<Record<string, string>>
  /** Top-level primitive columns that evolution added: the table has them, the declaration has not. */
  readonly added: readonly Column[]
}

/** The dataset's tables, created and evolved as they are declared. */
export interface Tables {
  readonly target: OpenTable
  /** Adds nullable columns to the target, those of names that it does not have yet: of two batches that add one, the first wins. */
  widen(columns: readonly Column[]): Promise<OpenTable>
  /** Gives columns of the target types that hold more, unless they have got such types meanwhile. */
  grow(types: ReadonlyMap<string, string>): Promise<OpenTable>
  /** Made when the first record is put aside. */
  quarantine(): Promise<OpenTable>
  /** What the rules of all datasets said, batch by batch. Made when the first dataset has rules. */
  results(): Promise<OpenTable>
}

export async function openTables(lake: Lake, dataset: Dataset): Promise<Tables> {
  const definition = tableDefinition(dataset)
  return {
    target: opened(await ensureTable(lake, definition), dataset),
    widen: async columns => opened(await updateTable(lake, dataset.name, table => widened(table, columns)), dataset),
    grow: async types => opened(await updateTable(lake, dataset.name, table => grown(table, types)), dataset),
    quarantine: async () => opened(await ensureTable(lake, quarantineDefinition(dataset)), dataset),
    results: async () => opened(await ensureTable(lake, RESULTS), dataset),
  }
}

/** Whoever asks for one dataset reads its rows alone. */
const RESULTS: TableDefinition = {
  name: QUALITY_RESULTS,
  columns: [...RESULT_COLUMNS, ...LINEAGE],
  partitionBy: [{ column: 'dataset', transform: { name: 'identity' } }],
  sortBy: [],
  description: 'What the rules of every dataset said of every batch',
  properties: TABLE_PROPERTIES,
}

/** More are refused by engines, or make every manifest and every query slow; what does not become a column stays in `_rescued`. */
const COLUMNS_MAX = 5_000

/** Gives back the same object when there is nothing to add. Engines do not tell names apart by case. */
function widened(metadata: TableMetadata, columns: readonly Column[]): TableMetadata {
  const schema = currentSchema(metadata)
  const taken = new Set(schema.fields.map(field => field.name.toLowerCase()))
  const fresh = columns.filter(column => {
    const name = column.name.toLowerCase()
    return !taken.has(name) && taken.size < COLUMNS_MAX && taken.add(name)
  })
  const evolved = evolveSchema(schema, fresh, metadata['last-column-id'])
  return evolved.changed ? setSchema(metadata, evolved.schema, evolved.lastColumnId) : metadata
}

function grown(metadata: TableMetadata, types: ReadonlyMap<string, string>): TableMetadata {
  const changes = currentSchema(metadata).fields.flatMap(({ name, type }): readonly SchemaChange[] => {
    const to = widerType(type, types.get(name) ?? String(type))
    return to === type || !types.has(name) ? [] : [{ type: 'promote', path: [name], to }]
  })
  return changes.length === 0 ? metadata : updateSchema(metadata, changes)
}

/** Whether fields that nobody declared become columns. */
export const addsColumns = ({ evolution }: Dataset): boolean => evolution === 'add' || evolution === 'widen'

function opened(table: Table, dataset: Dataset): OpenTable {
  const schema = currentSchema(table.metadata)
  return {
    name: table.name,
    uuid: table.metadata['table-uuid'],
    schema,
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
    added: addsColumns(dataset) ? addedColumns(schema, dataset) : [],
  }
}

const ADDED_TYPES: ReadonlySet<IcebergType> = new Set<IcebergType>(['boolean', 'long', 'double', 'string'])

function addedColumns(schema: Schema, dataset: Dataset): readonly Column[] {
  const declared = new Set(tableColumns(dataset).map(column => column.name))
  return schema.fields
    .filter(field => !declared.has(field.name) && ADDED_TYPES.has(field.type))
    .map(field => ({
      name: field.name,
      type: field.type as 'boolean' | 'long' | 'double' | 'string',
      required: false,
      from: [],
      default: undefined,
      format: undefined,
      doc: field.doc,
    }))
}
