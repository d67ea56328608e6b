import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from '../duckdb/sql.ts'
import type { Lake, TableName } from '../lake.ts'
import { ordinalLines, ordinalsSql, type SelectedRecords } from '../quarantine/selection.ts'
import { RAW_OBJECT } from './raw-object-max.ts'
import { scanSql } from './read-files.ts'
import { planScan } from './scan.ts'
import { projected, stageColumns } from './stage-columns.ts'
import { loadTable } from './table.ts'

const RAW_ROW = '_raw_row'

export interface CountOptions {
  /** Rows of these alone; all when absent. */
  readonly rawObjects?: readonly string[] | undefined
  /** Of these raw objects only those rows. */
  readonly records?: readonly SelectedRecords[]
}

/** Live rows of a table. Manifests answer where they can; of data at most the columns are read that say where rows came from. */
export async function countRows(lake: Lake, name: TableName, options: CountOptions = {}): Promise<number> {
  const { records, rawObjects = records?.map(each => each.rawObject) } = options
  const table = await loadTable(lake, name)
  if (table === undefined || rawObjects?.length === 0) return 0
  const where = rawObjects === undefined ? [] : ([{ column: RAW_OBJECT, op: 'in', values: rawObjects }] as const)
  const { schema, files } = await planScan(lake, table, { where })
  const [untouched, read] = [
    files.filter(file => rawObjects === undefined && file.deletes.length === 0),
    files.filter(file => rawObjects !== undefined || file.deletes.length > 0),
  ]
  const known = untouched.reduce((rows, { file }) => rows + Number(file.record_count), 0)
  if (read.length === 0) return known
  const folder = join(lake.limits.scratch, `count-${lake.ids.uuid()}`)
  await mkdir(folder, { recursive: true })
  const session = await lake.engine.open({
    threads: lake.limits.threads,
    memoryBytes: Math.floor(lake.limits.memoryBytes / 2),
    folders: [folder, ...lake.storage.folders],
    scratch: folder,
  })
  try {
    const narrow = projected(schema, records === undefined ? [RAW_OBJECT] : [RAW_OBJECT, RAW_ROW])
    const local = await stageColumns(lake, read, { folder, columns: narrow.fields.map(field => field.id) })
    const lines = join(folder, 'records.ndjson')
    await writeFile(lines, ordinalLines(records ?? []))
    const chosen =
      records === undefined
        ? sql``
        : sql`SEMI JOIN (${ordinalsSql(lines)}) record ON record."object" = _raw_object AND record.ordinal = _raw_row`
    const filter = rawObjects === undefined ? sql`TRUE` : sql`list_contains(${rawObjects}, _raw_object)`
    const [row] = await session.rows(
      sql`SELECT count(*)::BIGINT AS rows FROM (${scanSql(narrow, local)}) ${chosen} WHERE ${filter}`,
    )
    return known + Number(row?.['rows'])
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}
