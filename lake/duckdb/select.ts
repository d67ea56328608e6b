import type { Session } from './engine.ts'
import { Sql, sql } from './sql.ts'

/** A text that a person wrote, as DuckDB's own parser sees it. */
export type SelectText =
  | { readonly kind: 'select'; readonly statement: Sql; readonly names: SelectNames }
  /** `at` is the place in the text, as JavaScript counts. */
  | { readonly kind: 'syntax'; readonly message: string; readonly at: number }
  | { readonly kind: 'not-select'; readonly message: string }
  | { readonly kind: 'not-one'; readonly statements: number }

/** What a SELECT refers to, each once and in lower case; what a WITH of its own defines is not among the tables. */
export interface SelectNames {
  readonly tables: readonly TableReference[]
  readonly tableFunctions: readonly string[]
  readonly functions: readonly string[]
  /** DESCRIBE, SUMMARIZE and SHOW; the last is about no table of the statement. */
  readonly shows: 'nothing' | 'query' | 'catalog'
}

export interface TableReference {
  readonly name: string
  /** Catalog and schema as they are written; empty when they are not. */
  readonly schema: string
}

/**
 * Reads a text with DuckDB's parser, which serializes nothing but SELECTs. Names are taken from the syntax tree, so a table in a
 * comment, a string or a column name is none. Whoever runs the statement must first decide on the names in it.
 */
export async function readSelect(session: Session, text: string): Promise<SelectText> {
  const [row] = await session.rows(sql`SELECT json_serialize_sql(${text}) AS tree`)
  const parsed = JSON.parse(String(row?.['tree'])) as Serialized
  if (parsed.error) return refusal(parsed, text)
  const [only] = parsed.statements
  if (parsed.statements.length !== 1) return { kind: 'not-one', statements: parsed.statements.length }
  // The one place where a person's text becomes SQL: the parser has found a single SELECT in it.
  return { kind: 'select', statement: Sql.trusted(text), names: namesIn(only) }
}

type Serialized =
  | { readonly error: false; readonly statements: readonly unknown[] }
  | {
      readonly error: true
      readonly error_type: string
      readonly error_message: string
      /** Decimal text of the offset, in code points. */
      readonly position?: string
    }

function refusal(parsed: Extract<Serialized, { error: true }>, text: string): SelectText {
  if (parsed.error_type !== 'parser' && parsed.error_type !== 'syntax')
    return { kind: 'not-select', message: parsed.error_message }
  const at = [...text].slice(0, Number(parsed.position ?? 0)).join('').length
  return { kind: 'syntax', message: parsed.error_message, at }
}

// --- Names ---------------------------------------------------------------------------------------------------------

interface SyntaxNode {
  readonly type?: unknown
  readonly table_name?: unknown
  readonly schema_name?: unknown
  readonly catalog_name?: unknown
  readonly function_name?: unknown
  readonly function?: { readonly function_name?: unknown }
  readonly query?: unknown
  readonly cte_map?: { readonly map: readonly CommonTable[] }
}

interface CommonTable {
  readonly key: string
  readonly value: { readonly query: { readonly node: SyntaxNode } }
}

/** A part of the tree and the names that WITH clauses have defined where it stands. */
interface Visit {
  readonly node: unknown
  readonly defined: ReadonlySet<string>
}

function namesIn(tree: unknown): SelectNames {
  const tables = new Map<string, TableReference>()
  const [tableFunctions, functions] = [new Set<string>(), new Set<string>()]
  let shows: SelectNames['shows'] = 'nothing'
  const open: Visit[] = [{ node: tree, defined: new Set() }]
  for (let visit = open.pop(); visit; visit = open.pop()) {
    const { node } = visit
    if (node === null || typeof node !== 'object') continue
    if (Array.isArray(node)) {
      open.push(...node.map(each => ({ node: each, defined: visit.defined })))
      continue
    }
    const syntax = node as SyntaxNode
    if (syntax.type === 'SHOW_REF') shows = syntax.query === null ? 'catalog' : shows === 'catalog' ? shows : 'query'
    if (syntax.type === 'TABLE_FUNCTION') tableFunctions.add(String(syntax.function?.function_name).toLowerCase())
    else if (typeof syntax.function_name === 'string') functions.add(syntax.function_name.toLowerCase())
    const table = tableOf(syntax, visit.defined)
    if (table) tables.set(`${table.schema}.${table.name}`, table)
    open.push(...below(syntax, visit.defined))
  }
  return { tables: [...tables.values()], tableFunctions: [...tableFunctions], functions: [...functions], shows }
}

function tableOf(node: SyntaxNode, defined: ReadonlySet<string>): TableReference | undefined {
  if (node.type !== 'BASE_TABLE' || typeof node.table_name !== 'string') return undefined
  const name = node.table_name.toLowerCase()
  const schema = [node.catalog_name, node.schema_name].filter(Boolean).join('.').toLowerCase()
  return schema === '' && defined.has(name) ? undefined : { name, schema }
}

/**
 * A table of a WITH is known to those that follow it and to the query itself, but not to its own definition unless that is
 * recursive: `WITH t AS (SELECT * FROM t)` reads the real `t`.
 */
function below(node: SyntaxNode, outer: ReadonlySet<string>): readonly Visit[] {
  const visits: Visit[] = []
  let defined = outer
  for (const { key, value } of node.cte_map?.map ?? []) {
    const withKey = new Set([...defined, key.toLowerCase()])
    const isRecursive = value.query.node.type === 'RECURSIVE_CTE_NODE'
    visits.push({ node: value.query, defined: isRecursive ? withKey : defined })
    defined = withKey
  }
  const rest = Object.entries(node).filter(([name]) => name !== 'cte_map')
  return [...visits, ...rest.map(([, each]) => ({ node: each, defined }))]
}
