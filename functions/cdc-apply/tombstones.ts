import { join as joinPath } from 'node:path'
import { hashText } from '#lake/batch.ts'
import { type Column, type Dataset, ownColumn, tombstoneTableName } from '#lake/dataset.ts'
import type { ChangePublish } from '#lake/dataset-change-publish.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { columnByName } from '#lake/iceberg/schema.ts'
import { duckdbType } from '#lake/iceberg/schema-text.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import { ensureTable, TABLE_PROPERTIES } from '#lake/iceberg/table-definition.ts'
import type { Schema } from '#lake/iceberg/types.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake } from '#lake/lake.ts'
import { compareStamps, type Stamp, stampOf } from './stamp.ts'
import type { Attempt, Floors, MergeTask } from './task.ts'

/**
 * The side table `<dataset>__tombstones`: deleted keys, truncates, and up to where deletes are forgotten. It is committed before the table,
 * and only appended to: of several rows the newest counts, so a batch that dies in between leaves nothing but what is true.
 */
const COLUMNS: readonly Column[] = [
  ownColumn(
    '_kind',
    'string',
    'delete, truncate, or forgotten: deletes up to this version are not remembered any more',
  ),
  ownColumn('_version', 'string', 'position of the delete in the log of the source'),
  ownColumn('_place', 'string', 'lane, ordinal and content of the delete'),
  ownColumn('_image', 'string', 'JSON: where the last row of the key is'),
  ownColumn('_event_us', 'long', 'when the source deleted the row, in microseconds since the epoch'),
  ownColumn('_batch', 'string', 'the batch that brought the delete'),
  ownColumn('_deleted_at', 'timestamptz', 'when the batch was applied'),
]

/**
 * Brings the side table into the session, as `tombstones`: only what other batches brought, because a batch is judged by what was there
 * before it. Read after the table itself, it holds every delete that the table has seen.
 */
export async function readTombstones(task: MergeTask, schema: Schema): Promise<Floors> {
  const { lake, session, dataset, publish, batch, folder } = task
  await session.run(gravesTable(publish, schema))
  const table = await loadTable(lake, tombstoneTableName(dataset))
  if (table === undefined) {
    await session.run(sql`CREATE OR REPLACE TEMP VIEW tombstones AS SELECT * FROM graves WHERE false`)
    return { truncated: undefined, forgotten: undefined }
  }
  const files = await stageFiles(lake, await liveFiles(lake, table), joinPath(folder, lake.ids.uuid()))
  const rows = scanSql(currentSchema(table.metadata), files)
  await session.run(
    sql`CREATE OR REPLACE TEMP VIEW tombstones AS SELECT * FROM (${rows}) WHERE _batch IS DISTINCT FROM ${batch}`,
  )
  const floors = await session.rows(sql`SELECT _kind, _version, _place FROM tombstones WHERE _kind <> 'delete'`)
  const truncates = floors
    .filter(each => each['_kind'] === 'truncate')
    .map(each => stampOf(String(each['_version']), String(each['_place'])))
  const forgotten = floors.filter(each => each['_kind'] === 'forgotten').map(each => String(each['_version']))
  return { truncated: newest(truncates), forgotten: forgotten.toSorted().at(-1) }
}

/** What the batch brings. */
function gravesTable({ key }: ChangePublish, schema: Schema): Sql {
  const columns = schema.fields
    .filter(({ name }) => key.includes(name))
    .map(field => sql`${ident(field.name)} ${duckdbType(field.type)}`)
  return sql`CREATE OR REPLACE TEMP TABLE graves (${join(columns, ', ')}, _kind VARCHAR, _version VARCHAR, _place VARCHAR, _image VARCHAR, _event_us BIGINT)`
}

const newest = (stamps: readonly Stamp[]): Stamp | undefined => stamps.toSorted(compareStamps).at(-1)

/** Commits `graves`. Its identity is what it says: another attempt may know more of the rows that were deleted. */
export async function writeTombstones(attempt: Attempt): Promise<void> {
  const { lake, session, dataset, publish, batch, folder } = attempt
  const [summed] = await session.rows(sql`SELECT count(*) AS rows, bit_xor(hash(g))::VARCHAR AS sum FROM graves g`)
  if (summed === undefined || Number(summed['rows']) === 0) return
  const table = await ensureTombstones(lake, dataset, { publish, schema: attempt.schema })
  const at = sql`make_timestamptz(${BigInt(Math.floor(lake.clock.nowMs())) * 1_000n})`
  const written = await writeDataFiles(session, {
    source: sql`SELECT *, ${batch} AS _batch, ${at} AS _deleted_at FROM graves`,
    schema: currentSchema(table.metadata),
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
    folder: joinPath(folder, lake.ids.uuid()),
  })
  const placed = await placeFiles(lake, table, written, lake.ids.uuid())
  const commitId = hashText('tombstones', table.name, batch, String(summed['rows']), String(summed['sum'])).slice(0, 40)
  await commit(lake, table.name, { commitId, summary: { 'sluice.batch': batch } }, () => stageAppend(placed))
}

function ensureTombstones(
  lake: Lake,
  dataset: Dataset,
  { publish, schema }: { readonly publish: ChangePublish; readonly schema: Schema },
): Promise<Table> {
  const key = dataset.columns
    .filter(each => publish.key.includes(each.name))
    .map(each => ({ ...each, type: keyType(schema, each) }))
  return ensureTable(lake, {
    name: tombstoneTableName(dataset),
    columns: [...key.map(each => ({ ...each, required: false })), ...COLUMNS],
    partitionBy: [],
    sortBy: [],
    description: `Deleted keys of ${dataset.name}, so that late changes do not bring them back`,
    properties: TABLE_PROPERTIES,
  })
}

/** As the table has it, whose columns may have grown. A key is a primitive, in a schema and in a declaration the same text. */
const keyType = (schema: Schema, { name }: Column): Column['type'] => columnByName(schema, name).type as Column['type']
