import type { Session } from '../duckdb/engine.ts'
import { readSelect, type SelectNames } from '../duckdb/select.ts'
import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { isLakeError } from '../errors.ts'
import type { SimpleRule } from './ast.ts'
import type { CheckContext } from './check.ts'
import { duckdbText } from './custom-sql-text.ts'
import { withoutQuoteEscapes } from './patterns.ts'
import type { Relation, RelationColumn } from './relation.ts'

/** A statement of a rule made ready: a SELECT that can stand in parentheses, with its columns; or why there is none. */
export type Statement =
  | { readonly sql: Sql; readonly columns: readonly RelationColumn[] }
  | { readonly problem: string }

type Tables = Pick<CheckContext, 'relation' | 'sources'>

/** Reads the statements of all CustomSql rules, by their text as it stands in the rule. */
export async function readStatements(
  session: Session,
  rules: readonly Pick<SimpleRule, 'type' | 'parameters'>[],
  tables: Tables,
): Promise<ReadonlyMap<string, Statement>> {
  const read = new Map<string, Statement>()
  for (const { type, parameters } of rules) {
    // DetectAnomalies names the metric first.
    const [metric] = type.name === 'DetectAnomalies' ? parameters : []
    const name = metric?.value ?? type.name
    const raw = name === 'CustomSql' ? parameters[metric ? 1 : 0]?.raw : undefined
    if (raw !== undefined && !read.has(raw)) read.set(raw, await readStatement(session, raw, tables))
  }
  return read
}

/**
 * A statement sees the primary table as `primary`, the other sources by their aliases, and nothing else: DuckDB's parser must find
 * one SELECT in it that names no other table, no function that reads one, and none that tells of the engine. Its tables are put
 * before it as WITH clauses, so nothing is created, and the session that it runs in is locked down anyway.
 */
async function readStatement(session: Session, raw: string, tables: Tables): Promise<Statement> {
  const translated = duckdbText(withoutQuoteEscapes(raw))
  if ('problem' in translated) return { problem: `Error executing SQL statement: ${translated.problem}` }
  try {
    const read = await readSelect(session, translated.text)
    if (read.kind === 'not-one') return { problem: 'CustomSql takes exactly one statement' }
    if (read.kind === 'not-select') return { problem: 'CustomSql takes a SELECT and nothing else' }
    if (read.kind === 'syntax') return { problem: `Error executing SQL statement: ${read.message}` }
    const visible = visibleTables(tables)
    const forbidden = forbiddenIn(read.names, visible)
    if (forbidden !== undefined) return { problem: forbidden }
    const statement = withTables(read.statement, read.names, visible)
    return { sql: statement, columns: await columnsOf(session, statement) }
  } catch (error) {
    if (!isLakeError(error, 'engine-failed')) throw error
    return { problem: `Error executing SQL statement: ${error.message.split('\n')[0]}` }
  }
}

const visibleTables = ({ relation, sources }: Tables): ReadonlyMap<string, Relation> =>
  new Map([...[...sources].map(([alias, source]) => [alias.toLowerCase(), source] as const), ['primary', relation]])

/** Functions that give a table without reading one. */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['range', 'generate_series', 'unnest', 'generate_subscripts'])
/** Functions that tell of the engine or change something in it. */
const HIDDEN =
  /^(sluice_|iceberg_|pg_|duckdb_|pragma_|current_setting$|getenv$|getvariable$|nextval$|currval$|setseed$|sleep_ms$|write_log$|query(_table)?$|read_|glob$|which_secret$|txid_current$|in_search_path$|current_(schemas?|database|catalog|user|role|query)$)/

function forbiddenIn(names: SelectNames, visible: ReadonlyMap<string, Relation>): string | undefined {
  if (names.shows !== 'nothing') return 'CustomSql takes a SELECT and nothing else'
  const table = names.tables.find(({ name, schema }) => schema !== '' || !visible.has(name))
  if (table) {
    const known = [...visible.keys()].join(', ')
    return `Table or view not found: ${[table.schema, table.name].filter(Boolean).join('.')}; there are ${known}`
  }
  const reader = names.tableFunctions.find(name => !TABLE_FUNCTIONS.has(name))
  if (reader !== undefined) return `CustomSql cannot read from ${reader}()`
  const hidden = names.functions.find(name => HIDDEN.test(name))
  return hidden === undefined ? undefined : `CustomSql cannot call ${hidden}()`
}

function withTables(statement: Sql, names: SelectNames, visible: ReadonlyMap<string, Relation>): Sql {
  const tables = [...visible].filter(([alias]) => names.tables.some(({ name }) => name === alias))
  if (tables.length === 0) return sql`SELECT * FROM (${statement})`
  const clauses = tables.map(([alias, { source, columns }]) => {
    const list = columns.map(({ name }) => ident(name))
    return sql`${ident(alias)} AS NOT MATERIALIZED (SELECT ${join(list, ', ')} FROM ${source})`
  })
  return sql`WITH ${join(clauses, ', ')} SELECT * FROM (${statement})`
}

async function columnsOf(session: Session, statement: Sql): Promise<readonly RelationColumn[]> {
  const described = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${statement})`)
  return described.map(each => ({ name: String(each['column_name']), type: String(each['column_type']) }))
}
