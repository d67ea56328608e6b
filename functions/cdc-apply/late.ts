import { join as joinPath } from 'node:path'
import { formatDocument, type RawObject, readDocument, type StagedDataFile, type StagedTable } from '#lake/batch.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { sha256File } from '#lake/file-hash.ts'
import { currentSchema, defaultSortOrder, defaultSpec } from '#lake/iceberg/metadata.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { writeDataFiles } from '#lake/iceberg/write-files.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { quarantineDefinition } from '#lake/quarantine-table.ts'
import { changesSql } from './change-rows.ts'
import type { Attempt } from './task.ts'

const REASON = 'late_beyond_retention'
const MESSAGE =
  'the key is not in the table, and a delete of it would be forgotten by now: the change may be of a row that was deleted since'

const lateUri = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.staging}/${dataset}/${batch}/late.json`

/**
 * Stages the changes in `late` as rows of the quarantine table, which `publish` commits beside those that quality refused. Which files these
 * are is written down before the table is committed, so that whoever takes the batch up after that finds them.
 */
export async function stageLate(attempt: Attempt): Promise<void> {
  const { lake, session, dataset, batch, folder, changes } = attempt
  const [found] = await session.rows(sql`SELECT count(*) AS n FROM late`)
  if (Number(found?.['n']) === 0) return
  const table = await ensureTable(lake, quarantineDefinition(dataset))
  const written = await writeDataFiles(session, {
    source: sql`SELECT encode(to_json(c)::VARCHAR) AS raw, o.uri AS raw_uri, o.source AS source_uri, c._raw_row AS record, NULL AS byte_offset, NULL AS byte_length, 'cdc-apply' AS stage, ${REASON} AS reason, ${MESSAGE} AS message, ${dataset.contract.version} AS contract_version, ${batch} AS batch, c._raw_object, c._raw_row, c._ingested_at
      FROM (${changesSql(changes)}) c SEMI JOIN late l ON l.row = c._s_row LEFT JOIN (${objectsSql(attempt)}) o ON o.id = c._raw_object`,
    schema: currentSchema(table.metadata),
    spec: defaultSpec(table.metadata),
    sortOrder: defaultSortOrder(table.metadata),
    properties: table.metadata.properties,
    folder: joinPath(folder, lake.ids.uuid()),
  })
  const files: StagedDataFile[] = []
  for (const { path, file } of written) {
    const uri = `${lake.zones.staging}/${dataset.name}/${batch}/${lake.ids.uuid()}/late-${files.length}.parquet`
    const sha256 = await sha256File(path)
    await lake.storage.upload(path, uri, { ifNoneMatch: true, sha256 })
    files.push({ uri, sha256, file })
  }
  const staged: StagedTable = {
    table: table.name,
    tableUuid: table.metadata['table-uuid'],
    schemaId: currentSchema(table.metadata)['schema-id'],
    specId: defaultSpec(table.metadata)['spec-id'],
    files,
  }
  await lake.storage.put(lateUri(lake, dataset.name, batch), Buffer.from(formatDocument(staged)))
}

export const stagedLate = (lake: Lake, dataset: string, batch: string): Promise<StagedTable | undefined> =>
  readDocument<StagedTable>(lake, lateUri(lake, dataset, batch))

function objectsSql({ objects }: Attempt) {
  const of = (value: (object: RawObject) => string): readonly string[] => objects.map(value)
  return sql`SELECT unnest(${of(({ id }) => id)}::VARCHAR[]) AS id, unnest(${of(({ uri }) => uri)}::VARCHAR[]) AS uri, unnest(${of(({ sourceUri }) => sourceUri)}::VARCHAR[]) AS source`
}
