import { type Column, ownColumn as column, type Dataset, LINEAGE, quarantineTableName } from './dataset.ts'
import { TABLE_PROPERTIES, type TableDefinition } from './iceberg/table-definition.ts'

/** The user part of a `<dataset>__quarantine` table; lineage columns follow. */
export const QUARANTINE_COLUMNS: readonly Column[] = [
  column('raw', 'binary', 'the exact bytes of the record, or the first MiB of them; null for a whole file'),
  column('raw_uri', 'string', 'the raw object that holds them'),
  column('source_uri', 'string', 'the landing object that it was copied from'),
  column('record', 'long', 'ordinal of the record in the object, from 1; 0 is the whole file'),
  column('byte_offset', 'long', 'where the record starts in the decompressed object'),
  column('byte_length', 'long', 'how many bytes it has'),
  column('stage', 'string', 'where it was refused: decode, contract, quality or stream'),
  column('reason', 'string', 'why, as a code to group by'),
  column('message', 'string', 'why, in words'),
  column('contract_version', 'int', 'the contract that it was held against'),
  column('batch', 'string', 'the batch in which it came'),
]

/** The quarantine table of a dataset, or of a table that it is rebuilt into. */
export function quarantineDefinition(dataset: Pick<Dataset, 'name'>): TableDefinition {
  return {
    name: quarantineTableName(dataset),
    columns: [...QUARANTINE_COLUMNS, ...LINEAGE],
    partitionBy: [],
    sortBy: [],
    description: `Records of ${dataset.name} that were refused, with their raw bytes and the reason`,
    properties: TABLE_PROPERTIES,
  }
}
