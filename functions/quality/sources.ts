import { join } from 'node:path'
import { LINEAGE } from '#lake/dataset.ts'
import { leavesOf, type Ruleset, type SimpleRule } from '#lake/dqdl/ast.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { readSelect } from '#lake/duckdb/select.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake } from '#lake/lake.ts'

/**
 * Rows as rules see them. Where a row came from is nothing that rules are about, and would make every row differ from every other; the
 * columns are there all the same, for whoever asks which row it was.
 */
export async function relationOf(session: Session, rows: Sql): Promise<Relation> {
  const columns = await session.rows(sql`DESCRIBE ${rows}`)
  return {
    source: sql`(${rows})`,
    columns: columns
      .map(each => ({ name: String(each['column_name']), type: String(each['column_type']) }))
      .filter(({ name }) => !HIDDEN.has(name)),
  }
}

const HIDDEN: ReadonlySet<string> = new Set(LINEAGE.map(({ name }) => name))

/** The tables of the lake that the rules name, as they are now. A name that is no table is for the rule to complain of. */
export async function referencedTables(
  lake: Lake,
  session: Session,
  { ruleset, folder }: { readonly ruleset: Ruleset; readonly folder: string },
): Promise<ReadonlyMap<string, Relation>> {
  const named = await namedSources(session, ruleset)
  const sources = new Map<string, Relation>()
  if (named.size === 0) return sources
  for (const name of await lake.catalog.tables()) {
    if (!named.has(name)) continue
    const { schema, files } = await planScan(lake, await openTable(lake, name))
    const local = await stageFiles(lake, files, join(folder, `source-${name}`))
    sources.set(name, await relationOf(session, scanSql(schema, local)))
  }
  return sources
}

/** All names that may be those of tables: what is declared, and what rules that ask other tables say. */
async function namedSources(session: Session, ruleset: Ruleset): Promise<ReadonlySet<string>> {
  const named = new Set(ruleset.sources.additional)
  for (const rule of [...ruleset.rules.flatMap(leavesOf), ...ruleset.analyzers])
    for (const name of await aliasesOf(session, measureOf(rule))) named.add(name)
  return named
}

/** What a rule measures, and of what. */
interface Measure {
  readonly name: string
  readonly values: readonly string[]
}

/** DetectAnomalies names what it watches first. */
function measureOf({ type, parameters }: Pick<SimpleRule, 'type' | 'parameters'>): Measure {
  const values = parameters.map(each => each.value)
  return type.name === 'DetectAnomalies'
    ? { name: values[0] ?? '', values: values.slice(1) }
    : { name: type.name, values }
}

async function aliasesOf(session: Session, { name, values }: Measure): Promise<readonly string[]> {
  const [first = '', second = ''] = values
  switch (name) {
    case 'RowCountMatch':
    case 'SchemaMatch':
    case 'DatasetMatch':
      return [first]
    case 'ReferentialIntegrity':
      return [second.split('.')[0]?.trim() ?? '']
    case 'AggregateMatch':
      return wordsOf(`${first} ${second}`)
    case 'CustomSql':
      return tablesIn(session, first)
    default:
      return []
  }
}

/** A statement that DuckDB's parser does not take as it stands may be one of Spark's: any word of it may be a table then. */
async function tablesIn(session: Session, statement: string): Promise<readonly string[]> {
  const read = await readSelect(session, statement)
  return read.kind === 'select' ? read.names.tables.map(table => table.name) : wordsOf(statement)
}

const wordsOf = (text: string): readonly string[] => text.match(/[\p{L}_][\p{L}\p{N}_]*/gu) ?? []
