import { join } from 'node:path'
import { LINEAGE } from '#lake/dataset.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import type { Rule, Ruleset, SimpleRule } from '#lake/dqdl/ast.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
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
  const named = namedSources(ruleset)
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
export function namedSources(ruleset: Ruleset): ReadonlySet<string> {
  return new Set([...ruleset.sources.additional, ...ruleset.rules.flatMap(leavesOf).flatMap(aliasesOf)])
}

export const leavesOf = (rule: Rule): readonly SimpleRule[] =>
  rule.kind === 'rule' ? [rule] : rule.rules.flatMap(leavesOf)

const WORD = /[\p{L}_][\p{L}\p{N}_]*/gu

function aliasesOf({ type, parameters }: SimpleRule): readonly string[] {
  const [first = '', second = ''] = parameters.map(each => each.value)
  switch (type.name) {
    case 'RowCountMatch':
    case 'SchemaMatch':
    case 'DatasetMatch':
      return [first]
    case 'ReferentialIntegrity':
      return [second.split('.')[0]?.trim() ?? '']
    case 'AggregateMatch':
    case 'CustomSql':
      return `${first} ${second}`.match(WORD) ?? []
    default:
      return []
  }
}
