import { join } from 'node:path'
import type { StagedDataFile, StagedTable } from '#lake/batch.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { sha256File } from '#lake/file-hash.ts'
import { type CopiedFile, describeDataFile, entries } from '#lake/iceberg/data-file.ts'
import { leafFields } from '#lake/iceberg/schema.ts'
import { codecOf } from '#lake/iceberg/table-properties.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'
import type { BatchTask } from './quality.ts'
import type { OpenTable } from './tables.ts'

export interface StageTask extends BatchTask {
  readonly table: OpenTable
  readonly rows: readonly CopiedFile[]
  readonly label: string
  /** Leaves rows out of a SELECT of all of them; nothing is adopted then. */
  readonly only?: (rows: Sql) => Sql
}

/** Files of at least this size go into the table as they were decoded; smaller ones are written together first. */
const ADOPT_BYTES_MIN = 4_000_000
const FILE_BYTES_TARGET = 134_217_728

/**
 * Brings decoded rows into the table's partitions and order and uploads the files to staging. Where the table has neither,
 * decoded files are already what it needs, and large ones are taken as they are.
 */
export async function stageRows(lake: Lake, session: Session, task: StageTask): Promise<StagedTable> {
  const { table, rows } = task
  const plain = table.spec.fields.length === 0 && table.sortOrder.fields.length === 0 && task.only === undefined
  const adopted = plain
    ? rows.filter(each => isFinal(each, table) && (each.bytes >= ADOPT_BYTES_MIN || rows.length === 1))
    : []
  const rest = rows.filter(each => !adopted.includes(each))
  const described = await Promise.all(
    adopted.map(async each => ({
      path: each.path,
      file: await describeDataFile(session, each, {
        schema: table.schema,
        specId: table.spec['spec-id'],
        partition: [],
        properties: table.properties,
      }),
    })),
  )
  const written = rest.length === 0 ? [] : await rewrite(session, task, rest)
  const folder = `${lake.zones.staging}/${task.dataset.name}/${task.manifest.id}/${lake.ids.uuid()}`
  const files = await Promise.all(
    [...described, ...written].map((each, at) => upload(lake, each, `${folder}/${task.label}-${at}.parquet`)),
  )
  return {
    table: table.name,
    tableUuid: table.uuid,
    schemaId: table.schema['schema-id'],
    specId: table.spec['spec-id'],
    files,
  }
}

/** Files decoded before evolution added a column do not have it, and decoders write zstd. */
function isFinal(file: CopiedFile, table: OpenTable): boolean {
  const columns = entries(file.stats['column_statistics']).length
  return columns === leafFields(table.schema).length && codecOf(table.properties) === 'zstd'
}

interface LocalFile {
  readonly path: string
  readonly file: DataFile
}

function rewrite(session: Session, task: StageTask, rows: readonly CopiedFile[]): Promise<readonly LocalFile[]> {
  const source = allRows(rows)
  const { schema, spec, sortOrder, properties } = task.table
  return writeDataFiles(session, {
    source: task.only ? task.only(source) : source,
    schema,
    spec,
    sortOrder,
    properties,
    folder: join(task.folder, task.label),
    fileBytesTarget: FILE_BYTES_TARGET,
  })
}

export function allRows(rows: readonly CopiedFile[]): Sql {
  return sql`SELECT * FROM read_parquet(${rows.map(each => each.path)}, union_by_name = TRUE, hive_partitioning = FALSE)`
}

async function upload(lake: Lake, local: LocalFile, uri: string): Promise<StagedDataFile> {
  const sha256 = await sha256File(local.path)
  await lake.storage.upload(local.path, uri, { ifNoneMatch: true, sha256 })
  return { uri, sha256, file: local.file }
}
