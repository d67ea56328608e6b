import { dirname } from 'node:path'
import { datasets } from '#datasets/index.ts'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import type { Row, Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { valueText } from '#lake/iceberg/partition.ts'
import { parsePrimitive } from '#lake/iceberg/primitive.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { columnsOf, openTable, type Table } from '#lake/iceberg/table.ts'
import type { DataFile, Schema } from '#lake/iceberg/types.ts'
import { demo } from '../../cli/demo.ts'

/** What DuckDB finds in a table of the demo, for other engines to agree with. Sums are decimal text. */
export interface TableFacts {
  readonly table: Table
  /** The folder of the table on disk. */
  readonly folder: string
  readonly metadata: string
  /** Its rows, without those that are deleted. */
  readonly scan: Sql
  readonly total: Totals
  /** By the partition's name, `date_month=2001-01`; the empty name in tables without partitions. */
  readonly partitions: ReadonlyMap<string, Totals>
  /** By the path of a data file. */
  readonly files: ReadonlyMap<string, Totals>
  /** Names of the columns that are summed. */
  readonly summed: readonly string[]
}

export interface Totals {
  readonly rows: number
  readonly sums: Readonly<Record<string, string | null>>
}

/** Runs the demo in a folder, once or again; what it prints comes back. */
export async function runDemo(root: string): Promise<{ readonly balanced: boolean; readonly output: string }> {
  let output = ''
  const write = async (text: string): Promise<boolean> => {
    output += text
    return true
  }
  const screen = { write, columns: 160, colour: false }
  const terminal = {
    out: screen,
    err: screen,
    input: process.stdin,
    cwd: root,
    env: {},
    threads: 2,
    pid: process.pid,
    untilStopped: () => new AbortController().signal,
  }
  const balanced = await demo(terminal, diskLake(root), datasets)
  return { balanced, output }
}

export async function factsOf(lake: LocalLake, session: Session, name: string): Promise<TableFacts> {
  const table = await openTable(lake, name)
  const { schema, files } = await planScan(lake, table)
  const local = await stageFiles(lake, files, dirname(lake.limits.scratch))
  const summed = summedColumns(schema)
  const byFile = new Map<string, Totals>()
  for (const file of local) byFile.set(file.live.file.file_path, await totals(session, scanSql(schema, [file]), summed))
  const partitions = Map.groupBy(local, ({ live }) => partitionName(table, live.file))
  const byPartition = new Map<string, Totals>()
  for (const [partition, members] of partitions)
    byPartition.set(partition, await totals(session, scanSql(schema, members), summed))
  return {
    table,
    folder: table.metadata.location.slice('file://'.length),
    metadata: table.entry.metadataLocation.slice('file://'.length),
    scan: scanSql(schema, local),
    total: await totals(session, scanSql(schema, local), summed),
    partitions: byPartition,
    files: byFile,
    summed,
  }
}

/** Whole numbers and decimals, whose sums are exact. */
function summedColumns(schema: Schema): readonly string[] {
  const exact = new Set(['int', 'long', 'decimal'])
  return schema.fields
    .filter(field => typeof field.type === 'string' && exact.has(parsePrimitive(field.type).kind))
    .map(field => field.name)
}

async function totals(session: Session, rows: Sql, summed: readonly string[]): Promise<Totals> {
  const sums = summed.map(name => sql`sum(${ident(name)})::VARCHAR AS ${ident(name)}`)
  const [row] = (await session.rows(
    sql`SELECT ${join([sql`count(*)::INTEGER AS rows_`, ...sums], ', ')} FROM (${rows})`,
  )) as readonly [Row]
  return {
    rows: Number(row['rows_']),
    sums: Object.fromEntries(summed.map(name => [name, row[name] === null ? null : String(row[name])])),
  }
}

function partitionName(table: Table, file: DataFile): string {
  return columnsOf(table.metadata, file.spec_id)
    .map((column, at) => `${column.field.name}=${valueText(column, file.partition[at] ?? null)}`)
    .join('/')
}
