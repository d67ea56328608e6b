import { mkdir } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { copiedFile, copyOptions, describeDataFile, tableColumns } from '#lake/iceberg/data-file.ts'
import { defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { orderBy, sortTerms, UNSORTED } from '#lake/iceberg/partition.ts'
import { isPrimitive } from '#lake/iceberg/primitive.ts'
import { allFields } from '#lake/iceberg/schema.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { PartitionValue, Schema, SortOrder, TableMetadata } from '#lake/iceberg/types.ts'
import { type WrittenFile, writeDataFiles } from '#lake/iceberg/write-files.ts'
import { type ZColumn, zOrdered } from '#lake/iceberg/zorder.ts'
import type { CompactionSettings } from './settings.ts'

export interface UnitTask {
  readonly table: Table
  readonly schema: Schema
  readonly rows: Sql
  /** The same rows, as they are written: whoever counts them on their way counts them once. */
  readonly source: Sql
  /** Of the current spec; undefined when the rows belong to any number of partitions. */
  readonly partition: readonly PartitionValue[] | undefined
  readonly cutBytes: number | undefined
  readonly settings: Pick<CompactionSettings, 'strategy' | 'codec'>
  readonly rowGroupRows: number
  readonly folder: string
}

/** Writes the rows as data files of the table's current spec, in the order that the strategy asks for. */
export async function writeUnit(session: Session, task: UnitTask): Promise<readonly WrittenFile[]> {
  const { table, schema, settings, rowGroupRows } = task
  const { codec, strategy } = settings
  const { properties } = table.metadata
  const spec = defaultSpec(table.metadata)
  const sortOrder = strategy === 'sort' ? defaultSortOrder(table.metadata) : UNSORTED
  const options = { codec, properties, rowGroupRows }
  await mkdir(task.folder, { recursive: true })
  if (task.partition === undefined) return writeDataFiles(session, { ...task, ...options, spec, sortOrder })
  const stats = await session.rows(await copySql(session, task, { sortOrder, options: copyOptions(schema, options) }))
  const written: WrittenFile[] = []
  const what = {
    schema,
    specId: spec['spec-id'],
    partition: task.partition,
    sortOrderId: sortOrder['order-id'],
    properties,
  }
  for (const copied of stats.map(copiedFile))
    if (copied.rows > 0) written.push({ ...copied, file: await describeDataFile(session, copied, what) })
  return written
}

async function copySql(
  session: Session,
  task: UnitTask,
  { sortOrder, options }: { readonly sortOrder: SortOrder; readonly options: Sql },
): Promise<Sql> {
  const { source, terms } = await ordered(session, task, sortOrder)
  const select = sql`SELECT ${tableColumns(task.schema)} FROM (${source})${orderBy(terms)}`
  if (task.cutBytes === undefined) return sql`COPY (${select}) TO ${joinPath(task.folder, 'all.parquet')} (${options})`
  return sql`COPY (${select}) TO ${joinPath(task.folder, 'cut')} (${options}, FILE_SIZE_BYTES ${task.cutBytes}, FILENAME_PATTERN '{uuidv7}')`
}

async function ordered(
  session: Session,
  { table, schema, rows, source, settings }: UnitTask,
  sortOrder: SortOrder,
): Promise<{ readonly source: Sql; readonly terms: readonly Sql[] }> {
  switch (settings.strategy) {
    case 'binpack':
      return { source, terms: [] }
    case 'sort':
      return { source, terms: sortTerms(schema, sortOrder) }
    case 'zorder':
      return zOrdered(session, { rows, source, columns: zColumns(table.metadata, schema) })
  }
}

/** The columns of the table's sort order, each by itself: directions and transforms mean nothing on the curve. */
function zColumns(metadata: TableMetadata, schema: Schema): readonly ZColumn[] {
  const fields = allFields(schema.fields)
  return defaultSortOrder(metadata).fields.flatMap(term => {
    const found = fields.find(({ field }) => field.id === term['source-id'])
    return found && isPrimitive(found.field.type) ? [{ path: found.path, type: found.field.type }] : []
  })
}
