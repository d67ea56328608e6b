import type { Session } from '#lake/duckdb/engine.ts'
import { Sql, sql } from '#lake/duckdb/sql.ts'
import type { LakeError } from '#lake/errors.ts'
import { pointAt } from '#lake/point-at.ts'
import { usage } from './refusal.ts'

/** A single SELECT that a person wrote, and the tables that it names. */
export interface SelectStatement {
  readonly statement: Sql
  /** Names of tables as the parser sees them, in lower case, each once; those of WITH clauses are not among them. */
  readonly tables: readonly string[]
}

/**
 * Reads the text with DuckDB's own parser, which serializes nothing but SELECTs: what it refuses is a usage error. Names are
 * taken from the syntax tree, so a table in a comment, a string or a column name is none.
 */
export async function readStatement(session: Session, text: string): Promise<SelectStatement> {
  const [row] = await session.rows(sql`SELECT json_serialize_sql(${text}) AS tree`)
  const parsed = JSON.parse(String(row?.['tree'])) as Serialized
  if (parsed.error) throw refused(parsed, text)
  if (parsed.statements.length !== 1) {
    const count = parsed.statements.length
    throw usage(
      count === 0 ? 'there is no statement to run' : `${count} statements were given, and only one can be run`,
      'give one SELECT: sluice sql "select count(*) from flights"',
    )
  }
  const named = namesIn(parsed.statements[0])
  if (named.showsTables) throw usage('SHOW cannot tell what is in the lake', '`sluice tables` lists the tables')
  const tables = [...named.tables].filter(name => !named.defined.has(name))
  // The one place where a person writes SQL: it is a single SELECT, run in an engine that may read the tables' files and nothing else.
  return { statement: Sql.trusted(text), tables }
}

type Serialized =
  | { readonly error: false; readonly statements: readonly unknown[] }
  | {
      readonly error: true
      readonly error_type: string
      readonly error_message: string
      /** Decimal text of the byte offset. */
      readonly position?: string
    }

function refused(parsed: Extract<Serialized, { error: true }>, text: string): LakeError {
  if (parsed.error_type === 'parser' || parsed.error_type === 'syntax') {
    const at = Number(parsed.position ?? 0)
    const place = Buffer.from(text).subarray(0, at).toString().length
    return usage(`${parsed.error_message}\n${pointAt(text, place)}`, 'correct the statement')
  }
  return usage(
    'only a SELECT or WITH … SELECT can be run: sluice sql reads tables and never changes them',
    'tables change when files land: sluice put FILE --dataset NAME',
  )
}

interface Names {
  readonly tables: Set<string>
  readonly defined: Set<string>
  /** SHOW TABLES and its like, which the engine would answer from the views that were made for it: none. */
  showsTables: boolean
}

function namesIn(tree: unknown): Names {
  const names: Names = { tables: new Set(), defined: new Set(), showsTables: false }
  const open: unknown[] = [tree]
  while (open.length > 0) {
    const node = open.pop()
    if (node === null || typeof node !== 'object') continue
    if (!Array.isArray(node)) readNode(node as SyntaxNode, names)
    open.push(...Object.values(node))
  }
  return names
}

interface SyntaxNode {
  readonly type?: unknown
  readonly table_name?: unknown
  readonly schema_name?: unknown
  readonly catalog_name?: unknown
  readonly query?: unknown
  readonly cte_map?: { readonly map: readonly { readonly key: string }[] }
}

function readNode(node: SyntaxNode, names: Names): void {
  const { tables, defined } = names
  // DESCRIBE and SUMMARIZE carry the query that they are about.
  if (node.type === 'SHOW_REF' && node.query === null) names.showsTables = true
  for (const { key } of node.cte_map?.map ?? []) defined.add(key.toLowerCase())
  if (node.type !== 'BASE_TABLE' || typeof node.table_name !== 'string') return
  // Another schema is one of the engine's own, such as information_schema.
  const schema = String(node.schema_name ?? '')
  if (schema === '' || schema.toLowerCase() === 'main') tables.add(node.table_name.toLowerCase())
}
