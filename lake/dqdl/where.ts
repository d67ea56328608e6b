import type { Sql } from '../duckdb/sql.ts'
import { parsePredicate } from './where-parser.ts'
import { predicateSql, type WhereContext } from './where-sql.ts'
import { WhereProblem } from './where-tree.ts'

/** A `where` as SQL, or why it cannot be evaluated. */
export type Where = { readonly sql: Sql } | { readonly problem: string }

/**
 * The `where` of a rule: a Spark SQL predicate, read to a tree and printed for DuckDB. Its text never becomes SQL; what the
 * tree cannot express is a problem, with the place.
 */
export function compileWhere(text: string, context: WhereContext): Where {
  try {
    return { sql: predicateSql(parsePredicate(text), context) }
  } catch (error) {
    if (error instanceof WhereProblem)
      return { problem: `where "${text}": ${error.message} (at character ${error.at + 1})` }
    throw error
  }
}
