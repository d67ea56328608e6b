import type { Session } from '../duckdb/engine.ts'
import { type Sql, sql } from '../duckdb/sql.ts'

/** Quarantined records that a batch is about. */
export interface Selection {
  /** `release`: they are judged again, under the contract and the rules of today. `drop`: they leave for good. */
  readonly action: 'release' | 'drop'
  /** Why they are dropped, in somebody's words. */
  readonly reason?: string
  /** When they were selected. */
  readonly atMs: number
  readonly objects: readonly SelectedRecords[]
}

/** A quarantined record is known by its raw object, its ordinal in it, and the batch in whose account it stands. */
export interface SelectedRecords {
  readonly rawObject: string
  readonly batch: string
  readonly records: Ordinals
}

/** What became of the records of an object when they were judged. Whoever finds one of them in quarantine knows by this what to do with it. */
export interface JudgedRecords extends SelectedRecords {
  /** In the table, once it is published. */
  readonly applied: Ordinals
  readonly refused: Ordinals
  readonly suppressed: Ordinals
}

/** Ordinals of records, as ranges from the first to the last of each. 0 is the whole file, and then nothing else is there. */
export type Ordinals = readonly (readonly [first: number, last: number])[]

export const isWholeFile = (records: Ordinals): boolean => records[0]?.[0] === 0

export const countOrdinals = (records: Ordinals): number =>
  records.reduce((sum, [first, last]) => sum + last - first + 1, 0)

/** Ordinals of several objects as lines of JSON, for `ordinalsSql` to read: a statement would have to hold them all. */
export function ordinalLines(objects: readonly SelectedRecords[]): string {
  return objects
    .flatMap(({ rawObject, batch, records }) =>
      records.map(([first, last]) => `${JSON.stringify({ object: rawObject, batch, first, last })}\n`),
    )
    .join('')
}

/** A SELECT of `object`, `batch` and `ordinal`, one row for each record, from a file of `ordinalLines`. */
export function ordinalsSql(path: string): Sql {
  const columns = sql`{"object": 'VARCHAR', batch: 'VARCHAR', "first": 'BIGINT', "last": 'BIGINT'}`
  return sql`SELECT "object", batch, unnest(range("first", "last" + 1)) AS ordinal FROM read_json(${path}, format = 'newline_delimited', columns = ${columns})`
}

/** Reads rows of `object`, `batch` and `ordinal` as ranges, object by object. */
export async function readOrdinals(session: Session, rows: Sql): Promise<readonly SelectedRecords[]> {
  const islands = sql`SELECT "object", batch, ordinal, ordinal - row_number() OVER (PARTITION BY "object", batch ORDER BY ordinal) AS island FROM (${rows})`
  const ranges = sql`SELECT "object", batch, min(ordinal)::DOUBLE AS "first", max(ordinal)::DOUBLE AS "last" FROM (${islands}) GROUP BY "object", batch, island`
  const found = await session.rows(
    sql`SELECT "object", batch, list(["first", "last"] ORDER BY "first") AS ranges FROM (${ranges}) GROUP BY "object", batch ORDER BY "object", batch`,
  )
  return found.map(row => ({
    rawObject: String(row['object']),
    batch: String(row['batch']),
    records: (row['ranges'] as readonly (readonly [number, number])[]).map(([first, last]) => [first, last] as const),
  }))
}
