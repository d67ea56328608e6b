import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import type { CheckContext } from '#lake/dqdl/check.ts'
import { showDiagnostic } from '#lake/dqdl/diagnostics.ts'
import { type Evaluation, evaluate, type RuleResult } from '#lake/dqdl/evaluate.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { ident, join, type Sql, sql } from '#lake/duckdb/sql.ts'

/** A case of `shared/cases/dqdl/evaluate.jsonl`. */
export interface EvaluateCase {
  readonly name?: string
  readonly call: 'dataset' | 'rows'
  readonly ruleset: string
  readonly primary: CaseTable
  readonly sources?: Readonly<Record<string, CaseTable>>
  readonly expect: Expected
}

interface CaseTable {
  readonly columns: readonly { readonly name: string; readonly type: CaseType }[]
  readonly rows: readonly (readonly CaseValue[])[]
}

/** A Spark SQL name, or a struct by its fields. */
type CaseType = string | { readonly [field: string]: CaseType }
type CaseValue =
  | string
  | number
  | boolean
  | null
  | { readonly $days_ago: number; readonly as: 'date' | 'timestamp' }
  | { readonly [field: string]: CaseValue }
  | readonly CaseValue[]

interface Expected {
  readonly rules?: Readonly<Record<string, ExpectedRule>>
  readonly row_results?: readonly string[]
  readonly row_results_all?: string
  readonly row_pass?: unknown
  readonly row_fail?: unknown
  readonly row_skip?: unknown
  readonly row_count?: number
  readonly rule_count?: number
  readonly error?: unknown
  readonly no_exception?: boolean
}

interface ExpectedRule {
  readonly outcome?: 'Passed' | 'Failed'
  readonly metric_value?: number
  readonly tolerance?: number
  readonly metrics?: Readonly<Record<string, number>>
  readonly reason?: string | null
  readonly reason_includes?: string
  readonly has_reason?: boolean
}

/** A clock of the cases' own: nothing here may depend on the day on which it runs. */
const NOW_MS = Date.UTC(2024, 5, 15, 12)
const DAY_MS = 86_400_000

/** What a case wanted and did not get, a line each; none when it passes. */
export async function checkEvaluate(wanted: EvaluateCase): Promise<readonly string[]> {
  const { ruleset, diagnostics } = parseRuleset(wanted.ruleset, { mode: 'aws' })
  if (ruleset === undefined)
    return wanted.expect.error === undefined ? diagnostics.map(each => showDiagnostic(wanted.ruleset, each)) : []
  const folder = await mkdtemp(joinPath(tmpdir(), 'conformance-'))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 500_000_000, folders: [folder], scratch: folder })
  try {
    const relation = await makeTable(session, 'primary', wanted.primary)
    const sources = new Map<string, Relation>()
    for (const [alias, table] of Object.entries(wanted.sources ?? {}))
      sources.set(alias, await makeTable(session, alias, table))
    const context: CheckContext = { relation, sources, files: [], history: () => [], nowMs: NOW_MS, thresholds: 'glue' }
    const evaluation = await evaluate(session, ruleset, context)
    const rows = await rowOutcomes(session, evaluation, relation)
    return [...checkRules(wanted.expect, evaluation), ...checkRows(wanted.expect, rows)]
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

// --- Tables --------------------------------------------------------------------------------------------------------

const TYPES: Readonly<Record<string, Sql>> = {
  string: sql`VARCHAR`,
  int: sql`INTEGER`,
  integer: sql`INTEGER`,
  long: sql`BIGINT`,
  bigint: sql`BIGINT`,
  short: sql`SMALLINT`,
  smallint: sql`SMALLINT`,
  byte: sql`TINYINT`,
  tinyint: sql`TINYINT`,
  double: sql`DOUBLE`,
  float: sql`FLOAT`,
  boolean: sql`BOOLEAN`,
  date: sql`DATE`,
  timestamp: sql`TIMESTAMP`,
  binary: sql`BLOB`,
}

function typeSql(type: CaseType): Sql {
  if (typeof type === 'object')
    return sql`STRUCT(${join(
      Object.entries(type).map(([name, field]) => sql`${ident(name)} ${typeSql(field)}`),
      ', ',
    )})`
  const [, precision, scale = '0'] = /^decimal\((\d+)(?:,\s*(\d+))?\)$/.exec(type) ?? []
  if (precision !== undefined) return sql`DECIMAL(${Number(precision)}, ${Number(scale)})`
  const list = /^array<(.+)>$/.exec(type)?.[1]
  if (list !== undefined) return sql`${typeSql(list)}[]`
  const known = TYPES[type.toLowerCase()]
  if (!known) throw new Error(`the case has a column of the unknown type ${type}`)
  return known
}

async function makeTable(session: Session, name: string, table: CaseTable): Promise<Relation> {
  // A position keeps the order of rows, which a table has not.
  const columns = table.columns.map(column => sql`${ident(column.name)} ${typeSql(column.type)}`)
  const inner = ident(`${name} rows`)
  await session.run(sql`CREATE TABLE ${inner} (${join([...columns, sql`"row number" BIGINT`], ', ')})`)
  for (const [at, row] of table.rows.entries()) {
    const values = table.columns.map((column, index) => valueSql(row[index] ?? null, column.type))
    await session.run(sql`INSERT INTO ${inner} VALUES (${join([...values, sql`${at}`], ', ')})`)
  }
  const described = await session.rows(sql`SELECT column_name, column_type FROM (DESCRIBE ${inner})`)
  const relation = described
    .slice(0, -1)
    .map(each => ({ name: String(each['column_name']), type: String(each['column_type']) }))
  return { source: inner, columns: relation }
}

function valueSql(value: CaseValue, type: CaseType): Sql {
  if (value === null) return sql`NULL`
  if (Array.isArray(value))
    return sql`[${join(
      value.map(each => valueSql(each, 'string')),
      ', ',
    )}]`
  if (typeof value === 'object' && '$days_ago' in value) {
    const time = NOW_MS - Number(value['$days_ago']) * DAY_MS
    return value['as'] === 'date' ? sql`CAST(epoch_ms(${time}) AS DATE)` : sql`epoch_ms(${time})`
  }
  if (typeof value === 'object') {
    const fields = Object.entries(type as { readonly [field: string]: CaseType })
    const of = value as { readonly [field: string]: CaseValue }
    return sql`struct_pack(${join(
      fields.map(
        ([name, field]) => sql`${ident(name)} := CAST(${valueSql(of[name] ?? null, field)} AS ${typeSql(field)})`,
      ),
      ', ',
    )})`
  }
  return sql`CAST(${typeof value === 'number' ? String(value) : value} AS ${typeSql(type)})`
}

// --- Outcomes ------------------------------------------------------------------------------------------------------

interface RowOutcome {
  readonly result: 'Passed' | 'Failed'
  readonly pass: readonly string[]
  readonly fail: readonly string[]
  readonly skip: readonly string[]
}

async function rowOutcomes(
  session: Session,
  { rules, rowTests }: Evaluation,
  relation: Relation,
): Promise<readonly RowOutcome[]> {
  const tests = rowTests.map((test, at) => sql`${test ?? sql`NULL`} AS ${ident(`r${at}`)}`)
  const rows = await session.rows(
    sql`SELECT ${join([...tests, sql`"row number"`], ', ')} FROM ${relation.source} ORDER BY "row number"`,
  )
  return rows.map(row => {
    const said = (value: unknown): readonly string[] =>
      rules.filter((_rule, at) => (rowTests[at] === undefined ? null : row[`r${at}`]) === value).map(rule => rule.text)
    const fail = said(false)
    return { result: fail.length === 0 ? 'Passed' : 'Failed', pass: said(true), fail, skip: said(null) }
  })
}

function checkRules(expected: Expected, { rules }: Evaluation): readonly string[] {
  const counted =
    expected.rule_count === undefined || expected.rule_count === rules.length
      ? []
      : [`rule_count: expected ${expected.rule_count}, got ${rules.length}`]
  const compared = Object.entries(expected.rules ?? {}).flatMap(([at, wanted]) => {
    const got = rules[Number(at)]
    return got === undefined
      ? [`rule ${at}: there is none`]
      : checkRule(wanted, got).map(text => `rule ${at} ${got.text}: ${text}`)
  })
  return [...counted, ...compared]
}

function checkRule(wanted: ExpectedRule, got: RuleResult): readonly string[] {
  const problems: string[] = []
  const outcome = got.outcome === 'Error' ? 'Failed' : got.outcome
  const near = (left: number, right: number | undefined): boolean =>
    right !== undefined && Math.abs(left - right) <= (wanted.tolerance ?? 1e-9)
  if (wanted.outcome !== undefined && wanted.outcome !== outcome)
    problems.push(`expected ${wanted.outcome}, got ${got.outcome} (${got.reason ?? 'no reason'})`)
  const [first] = Object.values(got.metrics)
  if (wanted.metric_value !== undefined && !near(wanted.metric_value, first))
    problems.push(`expected the metric ${wanted.metric_value}, got ${first}`)
  for (const [name, value] of Object.entries(wanted.metrics ?? {}))
    if (!near(value, got.metrics[name])) problems.push(`expected ${name} ${value}, got ${JSON.stringify(got.metrics)}`)
  if (wanted.has_reason !== undefined && wanted.has_reason !== (got.reason !== undefined))
    problems.push(`expected ${wanted.has_reason ? 'a' : 'no'} reason, got ${got.reason}`)
  if (wanted.reason_includes !== undefined && !got.reason?.includes(wanted.reason_includes))
    problems.push(`expected a reason with "${wanted.reason_includes}", got ${got.reason}`)
  if (typeof wanted.reason === 'string' && wanted.reason !== got.reason)
    problems.push(`expected the reason "${wanted.reason}", got ${got.reason}`)
  return problems
}

function checkRows(expected: Expected, rows: readonly RowOutcome[]): readonly string[] {
  const problems: string[] = []
  const results = rows.map(row => row.result)
  const compare = (what: string, wanted: unknown, got: unknown): void => {
    if (wanted !== undefined && JSON.stringify(wanted) !== JSON.stringify(got))
      problems.push(`${what}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`)
  }
  compare('row_results', expected.row_results, results)
  compare('row_count', expected.row_count, rows.length)
  if (expected.row_results_all !== undefined && results.some(each => each !== expected.row_results_all))
    problems.push(`row_results_all: expected ${expected.row_results_all}, got ${JSON.stringify(results)}`)
  const sorted = (lists: readonly (readonly string[])[]): readonly (readonly string[])[] =>
    lists.map(list => list.toSorted())
  for (const [key, list] of [
    ['row_pass', 'pass'],
    ['row_fail', 'fail'],
    ['row_skip', 'skip'],
  ] as const) {
    const wanted = expected[key]
    if (Array.isArray(wanted))
      compare(key, sorted(wanted as readonly (readonly string[])[]), sorted(rows.map(row => row[list])))
  }
  return problems
}
