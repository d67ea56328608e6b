import type { Cell, Session } from '../duckdb/engine.ts'
import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { isLakeError } from '../errors.ts'
import type { Check, RowCounts, RowTest, Values } from './check.ts'
import type { Relation } from './relation.ts'
import { countGood, countRows } from './rule-columns.ts'

/** What is to be computed, each by its text: equal SQL is computed once, whoever asks for it. */
export interface Plan {
  readonly aggregates: ReadonlyMap<string, Sql>
  readonly queries: ReadonlyMap<string, Sql>
}

type Result<T> = { readonly value: T } | { readonly problem: string }

export interface Computed {
  readonly aggregates: ReadonlyMap<string, Result<Cell>>
  readonly queries: ReadonlyMap<string, Result<Values>>
}

/** What is computed besides what checks ask for. */
export type More = Partial<Record<'aggregates' | 'queries', readonly Sql[]>>

/** Aggregates of all checks, the counts of rows that they pass, and queries. */
export function planOf(checks: readonly Check[], more: readonly More[]): Plan {
  const rows = checks.flatMap(check => (check.row && !check.row.counted ? [check.row] : []))
  const aggregates = [
    ...checks.flatMap(check => Object.values(check.aggregates ?? {})),
    ...rows.flatMap(row => [countRows(row.where), goodOf(row)]),
    ...more.flatMap(each => each.aggregates ?? []),
  ]
  const queries = [...checks.flatMap(check => check.queries ?? []), ...more.flatMap(each => each.queries ?? [])]
  return {
    aggregates: new Map(aggregates.map(each => [each.text, each])),
    queries: new Map(queries.map(each => [each.text, each])),
  }
}

const goodOf = (row: RowTest): Sql => row.good ?? countGood(row.test, row.where)

/** One scan for all aggregates, and a statement for each query. */
export async function compute(session: Session, plan: Plan, relation: Relation): Promise<Computed> {
  const aggregates = await computeAggregates(session, [...plan.aggregates.values()], relation)
  const queries = new Map<string, Result<Values>>()
  for (const query of plan.queries.values()) queries.set(query.text, await firstRow(session, query))
  return { aggregates, queries }
}

/** When a scan fails, its halves are tried: one rule's bad cast costs no other rule its result, and few more scans. */
async function computeAggregates(
  session: Session,
  aggregates: readonly Sql[],
  relation: Relation,
): Promise<Computed['aggregates']> {
  if (aggregates.length === 0) return new Map()
  const columns = aggregates.map((each, at) => sql`${each} AS ${ident(`m${at}`)}`)
  const result = await firstRow(session, sql`SELECT ${join(columns, ', ')} FROM ${relation.source}`)
  if ('value' in result)
    return new Map(aggregates.map((each, at) => [each.text, { value: result.value[`m${at}`] ?? null }]))
  const [only] = aggregates
  if (only && aggregates.length === 1) return new Map([[only.text, result]])
  const half = aggregates.length >> 1
  const left = await computeAggregates(session, aggregates.slice(0, half), relation)
  return new Map([...left, ...(await computeAggregates(session, aggregates.slice(half), relation))])
}

async function firstRow(session: Session, statement: Sql): Promise<Result<Values>> {
  try {
    return { value: (await session.rows(statement))[0] ?? {} }
  } catch (error) {
    // Memory is no fault of the rule: the whole evaluation fails and is tried again.
    if (isLakeError(error, 'engine-failed')) return { problem: error.message.split('\n')[0] as string }
    throw error
  }
}

// --- Results -------------------------------------------------------------------------------------------------------

/** The values that a check asked for, by its own names, or why they could not be computed. */
export function valuesOf(check: Check, computed: Computed): Result<Values> {
  const values: Record<string, Cell> = {}
  for (const [name, aggregate] of Object.entries(check.aggregates ?? {})) {
    const result = computed.aggregates.get(aggregate.text)
    if (result && 'problem' in result) return result
    values[name] = result?.value ?? null
  }
  for (const query of check.queries ?? []) {
    const result = computed.queries.get(query.text)
    if (result && 'problem' in result) return result
    Object.assign(values, result?.value)
  }
  return { value: values }
}

/** How many rows a check passes; undefined when that could not be computed. */
export function rowCountsOf(check: Check, row: RowTest, computed: Computed): RowCounts | undefined {
  if (row.counted) {
    const values = valuesOf(check, computed)
    return 'value' in values ? row.counted(values.value) : undefined
  }
  const [kept, good] = [countOf(computed, countRows(row.where)), countOf(computed, goodOf(row))]
  return kept === undefined || good === undefined ? undefined : { kept, good }
}

export function countOf({ aggregates }: Computed, aggregate: Sql): number | undefined {
  const result = aggregates.get(aggregate.text)
  return result && 'value' in result ? Number(result.value) : undefined
}
