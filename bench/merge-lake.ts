import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestUri, type Verdict, verdictUri, writeDocumentOnce } from '#lake/batch.ts'
import { changeRow } from '#lake/changes.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { ident, join as joinSql, type Sql, sql } from '#lake/duckdb/sql.ts'
import { sha256File } from '#lake/file-hash.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { ensureTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import { DATA } from './events.ts'

/** 10,000,000 rows of six columns in files of 128 MB, as cdc-apply leaves them, and change rows of a batch. */
export const ROWS = 10_000_000
const FOLDER = join(DATA, 'merge-lake')
const MEMORY = 900e6

export const accounts: Dataset = defineDataset({
  name: 'accounts',
  source: { system: 'bench', format: 'ndjson', match: '*', changes: { shape: 'debezium', connector: 'postgresql' } },
  columns: {
    id: 'long',
    name: 'string',
    amount: 'decimal(12,2)',
    status: 'string',
    updated_at: 'timestamp',
    pad: 'string',
  },
  evolution: 'freeze',
  publish: { mode: 'merge', key: 'id' },
})

export const mergeLake = () =>
  diskLake(FOLDER, { limits: { memoryBytes: MEMORY, threads: 2, scratch: join(DATA, 'merge-scratch') } })

export type MergeLake = ReturnType<typeof mergeLake>

const lineage = (row: Sql): Sql =>
  sql`'01JB0000000000000000000000' AS _raw_object, ${row} AS _raw_row, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS _ingested_at`

/** Positions of the rows leave room between them: a third of the updates is older than its row. */
const POSITION_STEP = 100

/** Makes the table once. */
export async function makeTable(): Promise<void> {
  if (existsSync(join(FOLDER, 'done'))) return
  await rm(FOLDER, { recursive: true, force: true })
  const lake = mergeLake()
  const table = await ensureTable(lake, tableDefinition(accounts))
  const folder = join(DATA, 'merge-made')
  await mkdir(folder, { recursive: true })
  const session = await duckdbEngine.open({ threads: 2, memoryBytes: 4e9, folders: [folder], scratch: DATA })
  const written = await writeDataFiles(session, {
    source: sql`SELECT i AS id, concat('name_', hash(i) % 1000000) AS name, (hash(i + 1) % 1000000) / 100.0 AS amount, ['new','paid','shipped'][1 + (hash(i + 2) % 3)::INTEGER] AS status, TIMESTAMP '2024-01-01' + to_seconds(i % 31536000) AS updated_at, md5(i::VARCHAR) AS pad, ${lineage(sql`i`)}, printf('00.%016x.1', (hash(i + 3) % 100000000)::BIGINT) AS _version, printf('%08x.%016x.%012x', 7, i, (hash(i) % 281474976710656)::BIGINT) AS _place, NULL AS _authors FROM range(${ROWS}) r(i)`,
    schema: currentSchema(table.metadata),
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
    folder,
    fileBytesTarget: 134_217_728,
  })
  await session.close()
  const placed = await placeFiles(lake, table, written, 'made')
  await commit(lake, accounts.name, { commitId: 'made' }, () => stageAppend(placed))
  await cp(join(FOLDER, 'catalog'), join(FOLDER, 'catalog-made'), { recursive: true })
  await mkdir(join(FOLDER, 'done'))
  await rm(folder, { recursive: true, force: true })
}

/** The table as it was made, whatever was committed since. */
export async function rewind(): Promise<void> {
  await rm(join(FOLDER, 'catalog'), { recursive: true, force: true })
  await cp(join(FOLDER, 'catalog-made'), join(FOLDER, 'catalog'), { recursive: true })
}

/**
 * `log`: six updates of ten, two deletes and two inserts, spread over the whole table. `tombstones`: the same, each delete followed by a
 * record without a value. `load`: rows of a snapshot that the table does not have.
 */
export type Kind = 'log' | 'tombstones' | 'load'

export const changesPath = (changes: number, kind: Kind = 'log'): string =>
  join(DATA, `merge-changes-${kind}-${changes}.parquet`)

const LOG = sql`
  SELECT CASE WHEN k % 10 >= 8 THEN ${ROWS} + k ELSE (hash(k) % ${ROWS})::BIGINT END AS id, concat('upd_', k) AS name, 1.23 AS amount, 'paid' AS status, TIMESTAMP '2025-01-01' + to_seconds(k) AS updated_at, md5(k::VARCHAR) AS pad,
    CASE WHEN k % 10 IN (6, 7) THEN 'delete' ELSE 'upsert' END AS _op, printf('00.%016x', 66000000 + k * ${POSITION_STEP}) AS _position, false AS _snapshot, 'accounts/0' AS _lane, printf('%016x', 2 * k) AS _ordinal, []::VARCHAR[] AS _kept, 1700000000000000 + k AS _event_us, md5(k::VARCHAR) AS _content, NULL AS _old_key, ${lineage(sql`k`)} FROM numbers`

const RECORDS: Readonly<Record<Kind, Sql>> = {
  log: LOG,
  tombstones: sql`${LOG} UNION ALL SELECT * REPLACE (NULL AS _position, printf('%016x', 2 * _raw_row + 1) AS _ordinal, md5(_content) AS _content) FROM (${LOG}) WHERE _op = 'delete'`,
  load: sql`SELECT * REPLACE (${2 * ROWS} + _raw_row AS id, 'upsert' AS _op, true AS _snapshot) FROM (${LOG})`,
}

/** Makes the change rows once, and says how many they are. */
export async function makeChanges(lake: MergeLake, changes: number, kind: Kind = 'log'): Promise<number> {
  const path = changesPath(changes, kind)
  const table = await ensureTable(lake, tableDefinition(accounts))
  const session = await duckdbEngine.open({ threads: 2, memoryBytes: 4e9, folders: [DATA], scratch: DATA })
  if (!existsSync(path)) {
    const columns = changeRow(accounts, currentSchema(table.metadata)).map(
      ({ name, type }) => sql`CAST(${ident(name)} AS ${type}) AS ${ident(name)}`,
    )
    await rm(`${path}.part`, { force: true })
    await session.run(
      sql`COPY (WITH numbers AS (SELECT range AS k FROM range(${changes})) SELECT ${joinSql(columns, ', ')} FROM (${RECORDS[kind]})) TO ${`${path}.part`} (FORMAT parquet, COMPRESSION zstd)`,
    )
    await rename(`${path}.part`, path)
  }
  const [counted] = await session.rows(sql`SELECT count(*) AS rows FROM read_parquet(${[path]})`)
  await session.close()
  return Number(counted?.['rows'])
}

export interface Changes {
  readonly path: string
  readonly rows: number
}

/** What `quality` leaves of a batch of these changes. */
export async function stageChanges(lake: MergeLake, batch: string, { path, rows }: Changes): Promise<void> {
  const uri = `${lake.zones.staging}/accounts/${batch}/changes-0.parquet`
  const sha256 = await sha256File(path)
  await lake.storage.upload(path, uri, { sha256 })
  const files = [{ uri, sha256, bytes: (await stat(path)).size, rows }]
  const target = { table: 'accounts', tableUuid: '', schemaId: 0, specId: 0, files: [] }
  const outcome = { read: rows, applied: rows, quarantined: 0, superseded: 0, reasons: {} }
  const objects = [{ rawObject: batch, ...outcome }]
  const about = { batch, dataset: 'accounts' }
  const verdict: Verdict = { ...about, status: 'pass', target, changes: { files }, quarantine: undefined, objects }
  await writeDocumentOnce(lake, manifestUri(lake, 'accounts', batch), { id: batch, dataset: 'accounts', objects: [] })
  await writeDocumentOnce(lake, verdictUri(lake, 'accounts', batch), verdict)
}
