import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { ErasedCounts } from '#lake/erasure.ts'
import { ELSEWHERE, ROW, SKIPPED } from '../changes/change-rows.ts'
import type { Place } from '../decode/records.ts'
import type { Sought } from '../decode/typed-copy.ts'
import type { FoundRecords } from './records.ts'

/**
 * Records of a subject among all records of an object of change events: those that have the values in one of their images or name one of the
 * keys; and what is no row, or was refused, and quotes the values. Rows of other tables of the stream are none of them.
 */
export async function changesFound(
  session: Session,
  records: string,
  { subject, places }: { readonly subject: Sought; readonly places: readonly Place[] },
): Promise<FoundRecords> {
  const own = sql`(_sought_value OR list_has_any(_sought_keys, ${subject.keys}::VARCHAR[]))`
  const quoting = places.map(place => place.ordinal)
  const rows = await session.rows(
    sql`SELECT _raw_row::DOUBLE AS ordinal, _outcome AS outcome, CASE WHEN ${own} THEN _sought_keys ELSE [] END AS keys FROM read_parquet(${records}) WHERE _outcome <> ${ELSEWHERE} AND (${own} OR (_outcome = ${SKIPPED} AND _sought_text) OR list_contains(${quoting}::BIGINT[], _raw_row)) ORDER BY 1`,
  )
  const known = new Set(subject.keys)
  const keys = new Set(rows.flatMap(row => row['keys'] as readonly string[]))
  const refused = rows.filter(row => row['outcome'] !== ROW && row['outcome'] !== SKIPPED)
  return {
    ordinals: rows.map(row => Number(row['ordinal'])),
    quarantined: refused.length,
    skipped: rows.filter(row => row['outcome'] === SKIPPED).length,
    places: [],
    keys: [...keys].filter(key => !known.has(key)),
  }
}

/** What records of an object were to the account of a dataset. */
export async function countsOfRecords(
  session: Session,
  records: string,
  ordinals: readonly number[],
): Promise<ErasedCounts> {
  const [row] = await session.rows(
    sql`SELECT count(*) FILTER (_outcome = ${SKIPPED})::INTEGER AS skipped, count(*) FILTER (_outcome = ${ELSEWHERE})::INTEGER AS elsewhere, count(*) FILTER (_outcome NOT IN (${ROW}, ${SKIPPED}, ${ELSEWHERE}))::INTEGER AS quarantined FROM read_parquet(${records}) WHERE list_contains(${ordinals}::BIGINT[], _raw_row)`,
  )
  return {
    quarantined: Number(row?.['quarantined']),
    skipped: Number(row?.['skipped']),
    elsewhere: Number(row?.['elsewhere']),
  }
}

/** A record of an event source as its line and what is inside of it: its event is text in text, or bytes in base64. */
export function unwrapped(bytes: Buffer): Buffer {
  try {
    const record: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof record !== 'object' || record === null) return bytes
    const inner = Object.entries(record).flatMap(([name, value]) =>
      typeof value === 'string'
        ? [Buffer.from('\n'), Buffer.from(value, name.endsWith('Base64') ? 'base64' : 'utf8')]
        : [],
    )
    return Buffer.concat([bytes, ...inner])
  } catch {
    return bytes
  }
}
