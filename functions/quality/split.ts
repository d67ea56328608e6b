import type { Rule } from '#lake/dqdl/ast.ts'
import { fieldOf, type Relation } from '#lake/dqdl/relation.ts'
import type { Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'

/** A rule whose failing rows are to be put aside. */
export interface RowRule {
  readonly rule: Rule
  /** The rule as it prints. */
  readonly text: string
  /** SQL over the relation: whether a row passes; null of rows that the rule has nothing to say of. */
  readonly passes: Sql
}

/** Rows that failed a rule, in a file of `_raw_object`, `_raw_row`, `rules` (by number), `reason` and `message`. */
export interface FailingRows {
  readonly path: string
  /** How many rows failed each rule, in the order of the rules. A row may fail several. */
  readonly byRule: readonly number[]
  /** By raw object: how many rows for which reason, and the last of them. */
  readonly byObject: ReadonlyMap<string, FailingOfObject>
}

export interface FailingOfObject {
  readonly reasons: Readonly<Record<string, number>>
  readonly rows: number
  readonly ordinalMax: number
}

/** What the quarantine's `reason` of a row starts with; the rules follow, with semicolons between them. */
export const RULE_REASON = 'rule:'

/** Finds the rows that fail any of the rules, all rules in one pass. */
export async function splitRows(
  session: Session,
  relation: Relation,
  { rules, path }: { readonly rules: readonly RowRule[]; readonly path: string },
): Promise<FailingRows> {
  const flags = freshNames(relation, rules.length).map(ident)
  const flagged = join(
    rules.map(({ passes }, at) => sql`COALESCE(${passes}, TRUE) AS ${flags[at] as Sql}`),
    ', ',
  )
  const failed = (value: (rule: RowRule, at: number) => Sql): Sql =>
    join(
      rules.map((rule, at) => sql`CASE WHEN NOT ${flags[at] as Sql} THEN ${value(rule, at)} END`),
      ', ',
    )
  const numbers = sql`list_filter([${failed((_rule, at) => sql`${at}`)}], lambda number: number IS NOT NULL)`
  const reason = sql`concat(${RULE_REASON}, concat_ws('; ', ${failed(({ text }) => sql`${text}`)}))`
  const message = sql`concat_ws('; ', ${failed(rule => messageOf(rule, relation))})`
  const rows = sql`SELECT _raw_object, _raw_row, ${numbers} AS rules, ${reason} AS reason, ${message} AS message FROM (SELECT *, ${flagged} FROM ${relation.source}) WHERE NOT (${join(flags, ' AND ')})`
  await session.run(sql`COPY (${rows}) TO ${path} (FORMAT parquet)`)
  return { path, byRule: await countByRule(session, path, rules.length), byObject: await countByObject(session, path) }
}

/** Names that no column has. */
function freshNames({ columns }: Relation, count: number): readonly string[] {
  let prefix = '__sluice_pass_'
  while (columns.some(({ name }) => name.toLowerCase().startsWith(prefix))) prefix += '_'
  return Array.from({ length: count }, (_none, at) => `${prefix}${at}`)
}

const read = (path: string): Sql => sql`read_parquet(${path}, hive_partitioning = FALSE)`

async function countByRule(session: Session, path: string, rules: number): Promise<readonly number[]> {
  const counts = await session.rows(
    sql`SELECT rule, count(*)::BIGINT AS rows FROM (SELECT unnest(rules) AS rule FROM ${read(path)}) GROUP BY rule`,
  )
  const byRule = new Map(counts.map(each => [Number(each['rule']), Number(each['rows'])]))
  return Array.from({ length: rules }, (_none, at) => byRule.get(at) ?? 0)
}

/** Rules can fail together in more ways than a verdict should list. */
const REASONS_MAX = 50

async function countByObject(session: Session, path: string): Promise<FailingRows['byObject']> {
  const counts = await session.rows(
    sql`SELECT _raw_object AS id, reason, count(*)::BIGINT AS rows, max(_raw_row)::BIGINT AS last FROM ${read(path)} GROUP BY ALL ORDER BY id, rows DESC, reason`,
  )
  const objects = Map.groupBy(counts, each => String(each['id']))
  return new Map(
    [...objects].map(([id, each]) => {
      const listed = each.slice(0, REASONS_MAX).map(row => [String(row['reason']), Number(row['rows'])] as const)
      const others = each.slice(REASONS_MAX).reduce((sum, row) => sum + Number(row['rows']), 0)
      const reasons = Object.fromEntries([...listed, ...(others > 0 ? [[`${RULE_REASON}*`, others] as const] : [])])
      const rows = each.reduce((sum, row) => sum + Number(row['rows']), 0)
      return [id, { reasons, rows, ordinalMax: Math.max(...each.map(row => Number(row['last']))) }]
    }),
  )
}

/** A SELECT of rows without those that failed. */
export function withoutFailing(rows: Sql, failing: Pick<FailingRows, 'path'>): Sql {
  return sql`SELECT passing.* FROM (${rows}) AS passing ANTI JOIN ${read(failing.path)} AS failing ON passing._raw_object = failing._raw_object AND passing._raw_row = failing._raw_row`
}

// --- Messages ------------------------------------------------------------------------------------------------------

const COLUMNS_MAX = 5
const VALUE_LENGTH_MAX = 60

/** `IsComplete "title": title is null`: the rule, and the values of the columns that it names. */
function messageOf({ rule, text }: RowRule, relation: Relation): Sql {
  const columns = columnsOf(rule, relation).slice(0, COLUMNS_MAX)
  if (columns.length === 0) return sql`${text}`
  const values = columns.map(({ name, value }) => {
    const shown = sql`left(CAST(${value} AS VARCHAR), ${VALUE_LENGTH_MAX})`
    return sql`concat(${`${name} is `}, COALESCE(${shown}, 'null'))`
  })
  return sql`concat(${`${text}: `}, concat_ws(', ', ${join(values, ', ')}))`
}

function columnsOf(rule: Rule, relation: Relation): readonly { readonly name: string; readonly value: Sql }[] {
  if (rule.kind === 'composite') {
    const all = rule.rules.flatMap(each => columnsOf(each, relation))
    return [...new Map(all.map(each => [each.name, each])).values()]
  }
  return rule.parameters.flatMap(({ value: name }) => {
    const field = fieldOf(relation, name)
    return field ? [{ name, value: field.sql }] : []
  })
}
