import { mkdir } from 'node:fs/promises'
import type { Session } from '../duckdb/engine.ts'
import { path as columnPath, ident, join, literal, type Sql, sql } from '../duckdb/sql.ts'
import { assert, LakeError } from '../errors.ts'
import {
  type CopiedFile,
  copiedFile,
  copyOptions,
  describeDataFile,
  entries,
  type ParquetOptions,
  tableColumns,
} from './data-file.ts'
import { orderBy, type PartitionColumn, partitionColumns, sortTerms } from './partition.ts'
import { parsePrimitive } from './primitive.ts'
import type { Transform } from './transform.ts'
import { transformSql } from './transform-sql.ts'
import type { DataFile, PartitionSpec, PartitionValue, Schema, SortOrder } from './types.ts'
import { toPartition, type Value } from './value.ts'

export interface WriteTask extends ParquetOptions {
  /** A SELECT that has at least the schema's columns, by name. */
  readonly source: Sql
  readonly schema: Schema
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  /** A local folder of the caller's own, within the session's folders. */
  readonly folder: string
  /** Unpartitioned tables only: begin another file at the first row group past this size. A partition is one file. */
  readonly fileBytesTarget?: number
}

export interface WrittenFile extends CopiedFile {
  /** `file_path` is empty: the caller uploads the file to its place first. */
  readonly file: DataFile
}

/**
 * Writes the rows of a SELECT as data files of the table, sorted by partition and then by its sort order, and describes each.
 * No rows, no files.
 */
export async function writeDataFiles(session: Session, task: WriteTask): Promise<readonly WrittenFile[]> {
  await mkdir(task.folder, { recursive: true })
  const columns = partitionColumns(task.spec, [task.schema]).filter(column => column.transform.name !== 'void')
  const stats = await session.rows(columns.length === 0 ? plainCopy(task) : partitionedCopy(task, columns))
  const sortOrderId = sortTerms(task.schema, task.sortOrder).length === 0 ? 0 : task.sortOrder['order-id']
  const written: WrittenFile[] = []
  for (const copied of stats.map(copiedFile)) {
    if (copied.rows === 0) continue
    const partition = await partitionOf(session, copied, task)
    const { schema, properties } = task
    const what = { schema, specId: task.spec['spec-id'], partition, sortOrderId, properties }
    written.push({ ...copied, file: await describeDataFile(session, copied, what) })
  }
  return written
}

function plainCopy(task: WriteTask): Sql {
  const select = sql`SELECT ${tableColumns(task.schema)} FROM (${task.source})${orderBy(sortTerms(task.schema, task.sortOrder))}`
  const options = copyOptions(task.schema, task)
  if (task.fileBytesTarget === undefined)
    return sql`COPY (${select}) TO ${`${task.folder}/all.parquet`} (${options}, OVERWRITE_OR_IGNORE)`
  return sql`COPY (${select}) TO ${`${task.folder}/all`} (${options}, FILE_SIZE_BYTES ${task.fileBytesTarget}, FILENAME_PATTERN '{uuidv7}', OVERWRITE_OR_IGNORE)`
}

/**
 * Partitioned by helper columns, because DuckDB drops partition columns from the files and the spec keeps them. Rows are
 * sorted by partition first: unsorted, every partition would be cut into many small files. A pattern with a unique part keeps
 * two partitions whose folders have one name from overwriting each other (duckdb#24308).
 */
function partitionedCopy(task: WriteTask, columns: readonly PartitionColumn[]): Sql {
  const helpers = columns.map((_column, index) => helperName(index))
  const keys = columns.map((column, index) => sql`${helperSql(column)} AS ${helpers[index] as Sql}`)
  const inner = sql`SELECT ${tableColumns(task.schema)} FROM (${task.source})`
  const order = orderBy([...helpers, ...sortTerms(task.schema, task.sortOrder)])
  const select = sql`SELECT *, ${join(keys, ', ')} FROM (${inner})${order}`
  return sql`COPY (${select}) TO ${`${task.folder}/parts`} (${copyOptions(task.schema, task)}, PARTITION_BY (${join(helpers, ', ')}), FILENAME_PATTERN '{uuidv7}', OVERWRITE_OR_IGNORE)`
}

const helperName = (index: number): Sql => ident(`__sluice_partition_${index}`)

/** Text that stays this short keeps its folder within a file system's 255 bytes, even if each byte is escaped to three. */
const SHORT_TEXT_BYTES = 64

/**
 * Text gets a letter in front, so that neither '' nor '__HIVE_DEFAULT_PARTITION__' can be taken for null, and stands as its MD5
 * when it is long: the value is then read from the file.
 */
function helperSql(column: PartitionColumn): Sql {
  const value = valueSql(column)
  if (!isText(column)) return value
  return sql`(CASE WHEN strlen(${value}) <= ${SHORT_TEXT_BYTES} THEN concat('t', ${value}) WHEN ${value} IS NOT NULL THEN concat('h', md5(${value})) END)`
}

function valueSql(column: PartitionColumn): Sql {
  const { source, transform } = column
  if (!source || !isWritable(transform))
    throw new LakeError(
      'unsupported',
      `the table is partitioned by ${column.field.name}, ${column.field.transform} of a column, which Sluice cannot write`,
      { field: column.field.name, transform: column.field.transform },
    )
  return transformSql(transform, source.type, columnPath(...source.path))
}

const isWritable = (transform: Transform): transform is Exclude<Transform, { name: 'void' } | { name: 'unknown' }> =>
  transform.name !== 'void' && transform.name !== 'unknown'

/** Partition values whose SQL form is text: strings as they are, bytes as hex digits. */
function isText(column: PartitionColumn): boolean {
  const { kind } = parsePrimitive(column.type)
  return kind === 'string' || kind === 'binary' || kind === 'fixed'
}

async function partitionOf(session: Session, copied: CopiedFile, task: WriteTask): Promise<readonly PartitionValue[]> {
  const keys = new Map(entries(copied.stats['partition_keys']))
  const values: PartitionValue[] = []
  let helper = 0
  for (const column of partitionColumns(task.spec, [task.schema])) {
    if (column.transform.name === 'void') {
      values.push(null)
      continue
    }
    const key = keys.get(`__sluice_partition_${helper++}`)
    assert(key !== undefined, 'COPY names every partition key')
    const text = isText(column) && String(key).startsWith('h') ? await readBack(session, copied.path, column) : key
    values.push(toPartition(column.type, text === null ? null : parseHelper(column, String(text))))
  }
  return values
}

/** All rows of a file are of one partition, so the first tells. */
async function readBack(session: Session, path: string, column: PartitionColumn): Promise<string> {
  const [row] = await session.rows(
    sql`SELECT concat('t', ${valueSql(column)}) AS key FROM read_parquet([${literal(path)}], hive_partitioning = false) LIMIT 1`,
  )
  return String(row?.['key'])
}

function parseHelper(column: PartitionColumn, text: string): Value {
  switch (parsePrimitive(column.type).kind) {
    case 'boolean':
      return text === 'true'
    case 'int':
    case 'date':
      return Number(text)
    case 'float':
    case 'double':
      return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number(text)
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'decimal':
      return BigInt(text)
    case 'string':
      return text.slice(1)
    case 'uuid':
      return Buffer.from(text.replaceAll('-', ''), 'hex')
    case 'binary':
    case 'fixed':
      return Buffer.from(text.slice(1), 'hex')
  }
}
