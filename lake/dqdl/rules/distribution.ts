import { join, type Sql, sql } from '../../duckdb/sql.ts'
import type { SimpleRule } from '../ast.ts'
import { type Check, type CheckContext, failed, numberOf, passed } from '../check.ts'
import { type Field, kindOf, type Relation } from '../relation.ts'
import { isCheck, metricName, scopeOf } from '../rule-columns.ts'

/** Glue's number of bins, and of most frequent values. */
const BINS = 20

/**
 * Distribution: shares of the values that are not null, by twentieths between the smallest and the largest number, or of the twenty
 * most frequent values of anything else. Bins go by number and rank: metrics are kept for long, and values are not theirs to tell.
 */
export function distribution(rule: SimpleRule, context: CheckContext): Check {
  const scope = scopeOf(rule, context)
  if (isCheck(scope)) return scope
  const [field] = scope.fields as readonly [Field]
  const select = kindOf(field.type) === 'number' ? byWidth(field, context.relation) : byRank(field, context.relation)
  return {
    queries: [select],
    judge: values => {
      const counts = Array.isArray(values['counts']) ? values['counts'].map(each => numberOf(each) ?? 0) : []
      const known = numberOf(values['known']) ?? 0
      if (known === 0) return failed('the column has no values')
      const name = metricName(rule, 'Distribution')
      return passed(Object.fromEntries(counts.map((count, at) => [`${name}.${at}`, count / known])))
    },
  }
}

function byWidth({ sql: value }: Field, { source }: Relation): Sql {
  const edges = sql`SELECT min(CAST(${value} AS DOUBLE)) AS least, max(CAST(${value} AS DOUBLE)) AS most FROM ${source}`
  const place = sql`floor((v - least) / NULLIF(most - least, 0) * ${BINS})`
  const bins = sql`SELECT COALESCE(least(${place}, ${BINS - 1}), 0) AS bin FROM (SELECT CAST(${value} AS DOUBLE) AS v FROM ${source}), (${edges}) WHERE v IS NOT NULL`
  const counts = Array.from({ length: BINS }, (_each, at) => sql`count_if(bin = ${at})`)
  return sql`SELECT count(*) AS known, list_value(${join(counts, ', ')}) AS counts FROM (${bins})`
}

function byRank({ sql: value }: Field, { source }: Relation): Sql {
  const groups = sql`SELECT ${value} AS v, count(*) AS n FROM ${source} WHERE ${value} IS NOT NULL GROUP BY ALL`
  return sql`SELECT COALESCE(sum(n), 0) AS known, list(n ORDER BY n DESC)[1:${BINS}] AS counts FROM (${groups})`
}
