import type { Row } from '../duckdb/engine.ts'
import { sql } from '../duckdb/sql.ts'
import type { Lake } from '../lake.ts'
import { filterSql, type QuarantineFilter, sourceKeySql } from './filter.ts'
import { withQuarantine } from './open.ts'

/** Records of one dataset that were refused for the same reason. */
export interface QuarantineGroup {
  readonly dataset: string
  readonly stage: string
  readonly reason: string
  readonly records: number
  readonly objects: number
  /** When the first and the last of their objects landed. */
  readonly firstMs: number
  readonly lastMs: number
  /** What was said of one of them. */
  readonly example: string
}

export interface QuarantineGroups {
  readonly records: number
  /** The largest first. */
  readonly groups: readonly QuarantineGroup[]
  /** Groups that are left out. */
  readonly more: number
}

const FILTER_COLUMNS = ['source_uri', 'record', 'stage', 'reason', 'batch', '_raw_object', '_ingested_at']

/** What is in the quarantine of a dataset, by reason. */
export async function quarantineGroups(
  lake: Lake,
  dataset: string,
  { filter, groupsMax }: { readonly filter: QuarantineFilter; readonly groupsMax: number },
): Promise<QuarantineGroups> {
  const found = await withQuarantine(
    lake,
    { dataset, columns: [...FILTER_COLUMNS, 'message'] },
    async ({ session, rows }) =>
      session.rows(
        sql`SELECT *, count(*) OVER ()::BIGINT AS groups, (sum(records) OVER ())::BIGINT AS total FROM (SELECT stage, reason, count(*)::BIGINT AS records, count(DISTINCT _raw_object)::BIGINT AS objects, epoch_ms(min(_ingested_at)) AS first_ms, epoch_ms(max(_ingested_at)) AS last_ms, min(message) AS example FROM (${rows}) WHERE ${filterSql(lake, filter)} GROUP BY stage, reason) ORDER BY records DESC, stage, reason LIMIT ${groupsMax}`,
      ),
  )
  const groups = (found ?? []).map(row => groupOf(dataset, row))
  return {
    records: Number(found?.[0]?.['total'] ?? 0),
    groups,
    more: Number(found?.[0]?.['groups'] ?? 0) - groups.length,
  }
}

const groupOf = (dataset: string, row: Row): QuarantineGroup => ({
  dataset,
  stage: String(row['stage']),
  reason: String(row['reason']),
  records: Number(row['records']),
  objects: Number(row['objects']),
  firstMs: Number(row['first_ms']),
  lastMs: Number(row['last_ms']),
  example: String(row['example'] ?? ''),
})

/** One refused record, or a whole file: then it has number 0 and no bytes. */
export interface QuarantinedRecord {
  readonly dataset: string
  readonly rawObject: string
  /** The key below landing. */
  readonly source: string
  readonly record: number
  readonly byteOffset: number
  readonly byteLength: number
  readonly stage: string
  readonly reason: string
  readonly message: string
  readonly contractVersion: number
  readonly batch: string
  readonly landedMs: number
  /** The beginning of its bytes. */
  readonly raw: Buffer | undefined
}

/** Quarantined records of a dataset in the order in which they landed, and how many there are in all. */
export async function quarantinedRecords(
  lake: Lake,
  dataset: string,
  options: { readonly filter: QuarantineFilter; readonly limit: number; readonly rawBytesMax: number },
): Promise<{ readonly records: readonly QuarantinedRecord[]; readonly total: number }> {
  const columns = [...FILTER_COLUMNS, 'raw', 'byte_offset', 'byte_length', 'message', 'contract_version']
  const found = await withQuarantine(lake, { dataset, columns }, async ({ session, rows }) => {
    const matching = sql`(${rows}) WHERE ${filterSql(lake, options.filter)}`
    const [count] = await session.rows(sql`SELECT count(*)::BIGINT AS total FROM ${matching}`)
    const selected = await session.rows(
      sql`SELECT * REPLACE (to_base64(raw[1:${options.rawBytesMax}]) AS raw), ${sourceKeySql(lake)} AS source, epoch_ms(_ingested_at) AS landed_ms FROM ${matching} ORDER BY _raw_object, record LIMIT ${options.limit}`,
    )
    return { records: selected.map(row => recordOf(dataset, row)), total: Number(count?.['total']) }
  })
  return found ?? { records: [], total: 0 }
}

const recordOf = (dataset: string, row: Row): QuarantinedRecord => ({
  dataset,
  rawObject: String(row['_raw_object']),
  source: String(row['source']),
  record: Number(row['record']),
  byteOffset: Number(row['byte_offset']),
  byteLength: Number(row['byte_length']),
  stage: String(row['stage']),
  reason: String(row['reason']),
  message: String(row['message'] ?? ''),
  contractVersion: Number(row['contract_version']),
  batch: String(row['batch']),
  landedMs: Number(row['landed_ms']),
  raw: row['raw'] === null ? undefined : Buffer.from(String(row['raw']), 'base64'),
})
