import { hashText } from '#lake/batch.ts'
import { LakeError } from '#lake/errors.ts'
import { defaultSortOrder } from '#lake/iceberg/metadata.ts'
import { sortTerms } from '#lake/iceberg/partition.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { DataFile, Schema, TableMetadata } from '#lake/iceberg/types.ts'
import type { Strategy } from './settings.ts'

interface Ordering {
  readonly table: Table
  readonly settings: { readonly strategy: Strategy }
}

/** Whether the rows of a file are already in the order that the strategy asks for; it asks for none when it is `binpack`. */
export function orderTest({ table, settings }: Ordering): (file: DataFile) => boolean {
  switch (settings.strategy) {
    case 'binpack':
      return () => true
    case 'sort': {
      const id = table.metadata['default-sort-order-id']
      return file => file.sort_order_id === id
    }
    case 'zorder': {
      const mark = zMark(table.metadata)
      return file => new RegExp(`${mark}-\\d+\\.parquet$`).test(file.file_path)
    }
  }
}

/**
 * Ends the names of files that are in Z-order. Iceberg has no sort order for it, and a file that does not say what it is would be
 * clustered again by every run.
 */
export function fileMark({ table, settings }: Ordering): string {
  return settings.strategy === 'zorder' ? zMark(table.metadata) : ''
}

function zMark(metadata: TableMetadata): string {
  const columns = defaultSortOrder(metadata).fields.map(field => String(field['source-id']))
  return `-z${hashText('z-order', ...columns).slice(0, 8)}`
}

/** Fails with `usage` when the table has no order that the strategy could bring its rows into. */
export function checkStrategy(table: Table, schema: Schema, strategy: Strategy): void {
  if (strategy === 'binpack' || sortTerms(schema, defaultSortOrder(table.metadata)).length > 0) return
  throw new LakeError(
    'usage',
    `${table.name} has no sort order to ${strategy === 'sort' ? 'sort' : 'cluster'} its rows by: declare sortBy, or use the strategy binpack`,
    { table: table.name, strategy },
  )
}
