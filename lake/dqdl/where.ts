import type { Sql } from '../duckdb/sql.ts'
import { withoutQuoteEscapes } from './patterns.ts'
import { parsePredicate } from './where-parser.ts'
import { predicateSql, type WhereContext } from './where-sql.ts'
import { WhereProblem } from './where-tree.ts'

/** A `where` as SQL, or why it cannot be evaluated. */
export type Where = { readonly sql: Sql } | { readonly problem: string }

/**
 * The `where` of a rule, as it stands between the quotes: a Spark SQL predicate, read to a tree and printed for DuckDB. Its text never
 * becomes SQL; what the tree cannot express is a problem, with the place. It knows
 *
 * - columns `a`, `"a b"` as `` `a b` ``, fields `a.b`; in any case, the exact one first
 * - `'text'`, `"text"` with Spark's escapes, numbers (`1`, `1.5`, `1e3`, `10L`), TRUE, FALSE, NULL, DATE '…', TIMESTAMP '…',
 *   INTERVAL 7 DAYS
 * - AND, OR, NOT, `!`, parentheses
 * - `=` `==` `<>` `!=` `<` `<=` `>` `>=` `<=>`, IS [NOT] NULL | TRUE | FALSE, IS [NOT] DISTINCT FROM, [NOT] IN (…), [NOT] BETWEEN,
 *   [NOT] LIKE | ILIKE … [ESCAPE '…'], [NOT] RLIKE | REGEXP
 * - `+` `-` `*` `/` `%` DIV `||`, division by zero is NULL
 * - CASE, CAST(… AS type), and the functions of where-functions.ts
 *
 * Text compared with a number, a date or a boolean is cast to it, and is NULL when it cannot be. Subqueries, aggregates, windows,
 * lambdas and everything else of Spark SQL are problems.
 */
export function compileWhere(raw: string, context: WhereContext): Where {
  const text = withoutQuoteEscapes(raw)
  try {
    return { sql: predicateSql(parsePredicate(text), context) }
  } catch (error) {
    if (error instanceof WhereProblem)
      return {
        problem: `The provided where clause is invalid: ${error.message}, at character ${error.at + 1} of "${text}"`,
      }
    throw error
  }
}
