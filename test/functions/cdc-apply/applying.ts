import { stat } from 'node:fs/promises'
import { type Applied, cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { manifestUri, type Verdict, verdictUri, writeDocumentOnce } from '#lake/batch.ts'
import { changeRow } from '#lake/changes.ts'
import { type Dataset, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { ident, join, literal, type Sql, sql } from '#lake/duckdb/sql.ts'
import { sha256File } from '#lake/file-hash.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { ensureTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import type { Lake } from '#lake/lake.ts'
import { inSession, tableRows } from '../quality/batches.ts'
import type { Recorded } from './source.ts'

export const people = (spec: Partial<DatasetSpec<'id' | 'name' | 'bio'>> = {}): Dataset =>
  defineDataset({
    name: 'people',
    source: { system: 's', format: 'ndjson', match: '*', changes: { shape: 'debezium', connector: 'postgresql' } },
    columns: { id: 'long', name: 'string', bio: 'string' },
    evolution: 'freeze',
    publish: { mode: 'merge', key: 'id' },
    ...spec,
  })

/** A record, and when its object landed. */
export type Landed = Recorded & { readonly ingestedAt?: string }

/** What `quality` leaves of a batch with these records. */
export async function stageBatch(
  lake: Lake,
  dataset: Dataset,
  batch: string,
  records: readonly Landed[],
): Promise<void> {
  const rows = records.map((record, index) => rowSql(batch, record, index))
  await stageRows(lake, dataset, { batch, rows: join(rows, ' UNION ALL '), count: records.length })
}

/** The same of a SELECT of change rows. */
export async function stageRows(
  lake: Lake,
  dataset: Dataset,
  { batch, rows, count }: { readonly batch: string; readonly rows: Sql; readonly count: number },
): Promise<void> {
  const table = await ensureTable(lake, tableDefinition(dataset))
  const files =
    count === 0
      ? []
      : [
          await inSession(lake, async (session, folder) => {
            const path = `${folder}/changes.parquet`
            const columns = changeRow(dataset, currentSchema(table.metadata))
            const casts = columns.map(({ name, type }) => sql`CAST(${ident(name)} AS ${type}) AS ${ident(name)}`)
            await session.run(sql`COPY (SELECT ${join(casts, ', ')} FROM (${rows})) TO ${path} (FORMAT parquet)`)
            const uri = `${lake.zones.staging}/${dataset.name}/${batch}/changes-0.parquet`
            const sha256 = await sha256File(path)
            await lake.storage.upload(path, uri, { sha256 })
            return { uri, sha256, bytes: (await stat(path)).size, rows: count }
          }),
        ]
  const object = {
    rawObject: batch,
    read: count,
    applied: count,
    quarantined: 0,
    superseded: 0,
    reasons: {},
  }
  const { 'table-uuid': tableUuid } = table.metadata
  const target = { table: dataset.name, tableUuid, schemaId: 0, specId: 0, files: [] }
  const verdict: Verdict = {
    batch,
    dataset: dataset.name,
    status: 'pass',
    target,
    changes: { files },
    quarantine: undefined,
    objects: [object],
  }
  await writeDocumentOnce(lake, manifestUri(lake, dataset.name, batch), {
    id: batch,
    dataset: dataset.name,
    objects: [],
  })
  await writeDocumentOnce(lake, verdictUri(lake, dataset.name, batch), verdict)
}

function rowSql(
  batch: string,
  { op, key, oldKey, kept, source, stamp, eventUs, ...landed }: Landed,
  index: number,
): Sql {
  const values: Readonly<Record<string, Sql>> = {
    id: op === 'truncate' ? sql`NULL` : sql`${key}`,
    name: text(source.name),
    bio: text(source.bio),
    _op: sql`${op}`,
    _position: text(stamp.position === '' ? null : stamp.position),
    _snapshot: sql`${stamp.kind === 0}`,
    _lane: sql`${stamp.lane}`,
    _ordinal: sql`${stamp.ordinal}`,
    _kept: sql`${kept}::VARCHAR[]`,
    _event_us: sql`${eventUs}`,
    _content: sql`md5(${stamp.content})`,
    _old_key: oldKey === undefined ? sql`NULL::STRUCT(id BIGINT)` : sql`{id: ${BigInt(oldKey)}::BIGINT}`,
    _raw_object: sql`${batch}`,
    _raw_row: sql`${index + 1}`,
    _ingested_at: sql`${`${landed.ingestedAt ?? '2024-01-01'} 00:00:00+00`}::TIMESTAMPTZ`,
  }
  return sql`SELECT ${join(
    Object.entries(values).map(([name, value]) => sql`${value} AS ${ident(name)}`),
    ', ',
  )}`
}

const text = (value: string | null): Sql => (value === null ? sql`NULL::VARCHAR` : literal(value))

export async function applied(
  lake: Lake,
  dataset: Dataset,
  batch: string,
  records: readonly Landed[],
): Promise<Applied> {
  await stageBatch(lake, dataset, batch, records)
  return cdcApply(lake, dataset, { batch })
}

/** `id name bio` of every row. */
export async function peopleRows(
  lake: Lake,
  select: Sql = sql`concat_ws(' ', id, COALESCE(name, '-'), COALESCE(bio, '-')) AS text`,
): Promise<readonly string[]> {
  return (await tableRows(lake, 'people', select)).map(row => String(row['text'])).toSorted()
}
