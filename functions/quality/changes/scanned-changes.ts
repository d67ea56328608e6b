import type { Session } from '#lake/duckdb/engine.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { UnknownKind } from '../decode/records.ts'
import type { ScannedObject } from '../decode/scanned.ts'
import type { DecodeTask } from '../decode/typed-copy.ts'
import { type DecodedChanges, ELSEWHERE, ROW, SKIPPED } from './change-rows.ts'
import { writeRefused } from './refused.ts'

/** A decoded object of changes in the terms of all decoders: rows, what was refused and where it stands, what nobody knows. */
export async function scannedChanges(
  session: Session,
  task: DecodeTask,
  decoded: DecodedChanges,
): Promise<ScannedObject> {
  const { [ROW]: rows = 0, [SKIPPED]: skipped = 0, [ELSEWHERE]: elsewhere = 0, ...reasons } = decoded.outcomes
  const places = { plain: task.path, byLine: decoded.byLine, decoded: decoded.path }
  const refused = Object.keys(reasons).length === 0 ? [] : [await writeRefused(session, places, task.base)]
  const { evolution } = task.contract.dataset
  return {
    rows: rows === 0 ? undefined : { path: decoded.path, rows, bytes: 0, stats: {} },
    refused,
    plain: task.path,
    applied: rows,
    skipped,
    elsewhere,
    reasons,
    records: decoded.path,
    unknown: evolution === 'add' || evolution === 'widen' ? await unknownFields(session, decoded.path) : new Map(),
  }
}

const KINDS: Readonly<Record<string, UnknownKind>> = {
  BOOLEAN: 'boolean',
  BIGINT: 'long',
  UBIGINT: 'long',
  HUGEINT: 'long',
  DOUBLE: 'double',
}

async function unknownFields(session: Session, path: string): Promise<ReadonlyMap<string, UnknownKind | undefined>> {
  const rescued = sql`SELECT DISTINCT _rescued FROM read_parquet(${path}) WHERE _rescued IS NOT NULL`
  const rows = await session.rows(
    sql`SELECT field.key AS name, list(DISTINCT field.type) AS types FROM (${rescued}), json_each(_rescued) AS field GROUP BY field.key`,
  )
  return new Map(rows.map(row => [String(row['name']), kindOf(row['types'] as readonly string[])]))
}

function kindOf(types: readonly string[]): UnknownKind | undefined {
  const kinds = new Set(types.filter(type => type !== 'NULL').map(type => KINDS[type] ?? 'string'))
  const [first] = kinds
  if (kinds.size <= 1) return first
  return [...kinds].every(kind => kind === 'long' || kind === 'double') ? 'double' : 'string'
}
