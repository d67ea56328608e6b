import { join, type Sql, sql } from '../../duckdb/sql.ts'
import { numberOf, type Values } from '../check.ts'
import type { Relation } from '../relation.ts'
import { allKnown, type Scope, someKnown } from '../rule-columns.ts'

/** What one grouping tells of the values of some columns: all rules over the same columns and rows share it. */
export interface Groups {
  /** Rows that `where` leaves. */
  readonly kept: number
  /** Rows with a key: a key that is all null is none, a partly null one is. */
  readonly keyed: number
  /** Distinct keys, those that occur once, and those that occur once and have no null in them. */
  readonly keys: number
  readonly single: number
  readonly singleWhole: number
  /** Rows in groups of more than one, those without a key included. */
  readonly repeated: number
  /** Rows whose column at that place is not null. */
  readonly present: readonly number[]
  /** Shannon's, in nats. */
  readonly entropy: number
}

export function groupsQuery(relation: Relation, { fields, where }: Scope): Sql {
  const keys = fields.map((_field, at) => sql`k${at}`)
  const [some, whole] = [someKnown(keys), allKnown(keys)]
  const present = keys.map((key, at) => sql`sum(n) FILTER (WHERE ${key} IS NOT NULL) AS present${at}`)
  const columns = fields.map((field, at) => sql`${field.sql} AS k${at}`)
  const filter = where === undefined ? sql`` : sql` WHERE ${where}`
  const groups = sql`SELECT ${join([...columns, sql`count(*) AS n`], ', ')} FROM ${relation.source}${filter} GROUP BY ALL`
  return sql`SELECT sum(n) AS kept, sum(n) FILTER (WHERE ${some}) AS keyed, count_if(${some}) AS keys, count_if(${some} AND n = 1) AS single, count_if(${whole} AND n = 1) AS single_whole, sum(n) FILTER (WHERE n > 1) AS repeated, sum(n * ln(n)) FILTER (WHERE ${some}) AS n_log_n, ${join(present, ', ')} FROM (${groups})`
}

export function groupsOf(values: Values, columns: number): Groups {
  const count = (name: string): number => numberOf(values[name]) ?? 0
  const keyed = count('keyed')
  return {
    kept: count('kept'),
    keyed,
    keys: count('keys'),
    single: count('single'),
    singleWhole: count('single_whole'),
    repeated: count('repeated'),
    present: Array.from({ length: columns }, (_each, at) => count(`present${at}`)),
    entropy: keyed === 0 ? 0 : Math.max(0, Math.log(keyed) - count('n_log_n') / keyed),
  }
}
