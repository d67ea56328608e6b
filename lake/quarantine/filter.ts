import { join, type Sql, sql } from '../duckdb/sql.ts'
import type { Lake } from '../lake.ts'

/** Which quarantined records somebody means; all that is given must hold. */
export interface QuarantineFilter {
  /** The code of the reason; `*` stands for any text. */
  readonly reason?: string
  readonly stage?: string
  readonly batch?: string
  /** A landing key or what keys begin with; with a `*` a glob, as datasets declare it. */
  readonly source?: string
  /** The ordinal in the object. */
  readonly record?: number
  /** Of objects that landed at this time or later. */
  readonly sinceMs?: number
}

/** A condition over the columns of a quarantine table. */
export function filterSql(lake: Pick<Lake, 'zones'>, filter: QuarantineFilter): Sql {
  const { reason, stage, batch, source, record, sinceMs } = filter
  const conditions = [
    ...(reason === undefined ? [] : [matching(sql`reason`, reason, () => '.*')]),
    ...(stage === undefined ? [] : [sql`stage = ${stage}`]),
    ...(batch === undefined ? [] : [sql`batch = ${batch}`]),
    ...(source === undefined ? [] : [sourceCondition(lake, source)]),
    ...(record === undefined ? [] : [sql`record = ${record}`]),
    ...(sinceMs === undefined ? [] : [sql`epoch_us(_ingested_at) >= ${BigInt(Math.ceil(sinceMs)) * 1_000n}`]),
  ]
  return conditions.length === 0 ? sql`TRUE` : join(conditions, ' AND ')
}

/** The key below landing that a record came under; of an object from elsewhere its whole URI. */
export function sourceKeySql({ zones }: Pick<Lake, 'zones'>): Sql {
  const base = `${zones.landing}/`
  return sql`CASE WHEN starts_with(source_uri, ${base}) THEN substr(source_uri, ${[...base].length + 1}) ELSE source_uri END`
}

function sourceCondition(lake: Pick<Lake, 'zones'>, given: string): Sql {
  const base = `${lake.zones.landing}/`
  const text = given.startsWith(base) ? given.slice(base.length) : given
  const key = sourceKeySql(lake)
  if (!text.includes('*')) return sql`starts_with(${key}, ${text})`
  return matching(key, text, stars => (stars.length > 1 ? '.*' : '[^/]*'))
}

/** RE2 takes time linear in the text, whatever the pattern. */
function matching(text: Sql, pattern: string, any: (stars: string) => string): Sql {
  const expression = pattern
    .split(/(\*+)/)
    .map((part, at) => (at % 2 === 1 ? any(part) : part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('')
  return sql`regexp_full_match(${text}, ${expression}, 's')`
}
