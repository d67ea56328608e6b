import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import type { Ruleset } from '#lake/dqdl/ast.ts'
import type { CheckContext } from '#lake/dqdl/check.ts'
import { showDiagnostic } from '#lake/dqdl/diagnostics.ts'
import { type Evaluation, evaluate, type RuleResult } from '#lake/dqdl/evaluate.ts'
import { parseRuleset } from '#lake/dqdl/parser.ts'
import type { Relation } from '#lake/dqdl/relation.ts'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { ident, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { type CaseTable, DAY_MS, makeTable, NOW_MS, ORDINAL } from './case-table.ts'

/** A case of `shared/cases/dqdl/evaluate.jsonl`. */
export interface EvaluateCase {
  readonly name?: string
  readonly call: 'dataset' | 'rows'
  readonly ruleset: string
  readonly primary: CaseTable
  readonly sources?: Readonly<Record<string, CaseTable>>
  /** Of the project's own cases: files of the batch, earlier values of metrics (the most recent first), options. */
  readonly files?: readonly CaseFile[]
  readonly history?: Readonly<Record<string, readonly number[]>>
  readonly options?: Partial<Pick<CheckContext, 'thresholds' | 'filteredRows' | 'composites'>>
  readonly expect: Expected
}

interface CaseFile {
  readonly path: string
  readonly bytes: number
  readonly $days_ago: number
  readonly sha256: string
}

interface Expected {
  readonly rules?: Readonly<Record<string, ExpectedRule>>
  readonly row_results?: readonly string[]
  readonly row_results_all?: string
  readonly row_pass?: WantedLists
  readonly row_fail?: WantedLists
  readonly row_skip?: WantedLists
  readonly row_count?: number
  readonly rule_count?: number
  /** Metrics of analyzers, by index. */
  readonly analyzers?: Readonly<Record<string, Pick<ExpectedRule, 'metrics' | 'tolerance' | 'reason_includes'>>>
  /** The ruleset is refused, or a rule cannot be evaluated. */
  readonly error?: unknown
  readonly no_exception?: boolean
}

/** Texts of rules for every row, for rows by their index, or the same for all rows. */
type WantedLists = readonly WantedList[] | Readonly<Record<string, WantedList>> | number | boolean
/** All texts in any order, one of them, how many there are, or whether there are any. */
type WantedList = readonly string[] | string | number | boolean

interface ExpectedRule {
  /** Where a case says `Error`, `Failed` is not enough. */
  readonly outcome?: RuleResult['outcome']
  readonly metric_value?: number
  readonly tolerance?: number
  /** null: there is no such metric. */
  readonly metrics?: Readonly<Record<string, number | null>>
  readonly counts?: RuleResult['counts']
  readonly evaluated?: string
  readonly reason?: string | null
  readonly reason_includes?: string
  readonly has_reason?: boolean
}

/** What a case wanted and did not get, a line each; none when it passes. */
export async function checkEvaluate(wanted: EvaluateCase): Promise<readonly string[]> {
  const { ruleset, diagnostics } = parseRuleset(wanted.ruleset, { mode: 'aws' })
  if (ruleset === undefined)
    return wanted.expect.error === undefined ? diagnostics.map(each => showDiagnostic(wanted.ruleset, each)) : []
  const folder = await mkdtemp(joinPath(tmpdir(), 'conformance-'))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 500_000_000, folders: [folder], scratch: folder })
  try {
    return await evaluateCase(session, ruleset, wanted)
  } catch (error) {
    if (wanted.expect.error !== undefined && isLakeError(error)) return []
    throw error
  } finally {
    await session.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function evaluateCase(session: Session, ruleset: Ruleset, wanted: EvaluateCase): Promise<readonly string[]> {
  const relation = await makeTable(session, 'primary', wanted.primary)
  const sources = new Map<string, Relation>()
  for (const [alias, table] of Object.entries(wanted.sources ?? {}))
    sources.set(alias, await makeTable(session, alias, table))
  const evaluation = await evaluate(session, ruleset, contextOf(wanted, relation, sources))
  const rows = await rowOutcomes(session, evaluation)
  return [...checkRules(wanted.expect, evaluation), ...checkRows(wanted.expect, rows)]
}

function contextOf(
  { files = [], history = {}, options }: EvaluateCase,
  relation: Relation,
  sources: CheckContext['sources'],
): CheckContext {
  return {
    relation,
    sources,
    files: files.map(({ path, bytes, $days_ago, sha256 }) => ({
      path,
      bytes,
      modifiedMs: NOW_MS - $days_ago * DAY_MS,
      digests: { 'SHA-256': sha256 },
    })),
    history: metric => (history[metric] ?? []).map((value, at) => ({ value, timeMs: NOW_MS - (at + 1) * DAY_MS })),
    nowMs: NOW_MS,
    thresholds: 'glue',
    ...options,
  }
}

// --- Outcomes ------------------------------------------------------------------------------------------------------

interface RowOutcome {
  readonly result: 'Passed' | 'Failed'
  readonly pass: readonly string[]
  readonly fail: readonly string[]
  readonly skip: readonly string[]
}

async function rowOutcomes(session: Session, { rows }: Evaluation): Promise<readonly RowOutcome[]> {
  const found = await session.rows(sql`SELECT * FROM (${rows}) ORDER BY ${ident(ORDINAL)}`)
  return found.map(row => ({
    result: row['DataQualityEvaluationResult'] as RowOutcome['result'],
    pass: row['DataQualityRulesPass'] as readonly string[],
    fail: row['DataQualityRulesFail'] as readonly string[],
    skip: row['DataQualityRulesSkip'] as readonly string[],
  }))
}

function checkRules(expected: Expected, { rules, analyzers }: Evaluation): readonly string[] {
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
  const measured = Object.entries(expected.analyzers ?? {}).flatMap(([at, wanted]) => {
    const got = analyzers[Number(at)]
    return got === undefined
      ? [`analyzer ${at}: there is none`]
      : [...checkMetrics(wanted, got), ...checkReason(wanted, got)].map(text => `analyzer ${at} ${got.text}: ${text}`)
  })
  const isBroken = rules.some(each => each.outcome === 'Error')
  const unbroken = expected.error !== undefined && !isBroken ? ['error: expected one, got none'] : []
  return [...counted, ...compared, ...measured, ...unbroken]
}

function checkRule(wanted: ExpectedRule, got: RuleResult): readonly string[] {
  const problems: string[] = []
  const outcome = got.outcome === 'Error' && wanted.outcome !== 'Error' ? 'Failed' : got.outcome
  if (wanted.outcome !== undefined && wanted.outcome !== outcome)
    problems.push(`expected ${wanted.outcome}, got ${got.outcome} (${got.reason ?? 'no reason'})`)
  const [first] = Object.values(got.metrics)
  if (wanted.metric_value !== undefined && !isNear(wanted.metric_value, first, wanted.tolerance))
    problems.push(`expected the metric ${wanted.metric_value}, got ${first}`)
  if (wanted.counts && JSON.stringify(wanted.counts) !== JSON.stringify(got.counts))
    problems.push(`expected the counts ${JSON.stringify(wanted.counts)}, got ${JSON.stringify(got.counts)}`)
  if (wanted.evaluated !== undefined && wanted.evaluated !== got.evaluatedRule)
    problems.push(`expected the evaluated rule ${wanted.evaluated}, got ${got.evaluatedRule}`)
  return [...problems, ...checkMetrics(wanted, got), ...checkReason(wanted, got)]
}

const isNear = (left: number, right: number | undefined, tolerance = 1e-9): boolean =>
  right !== undefined && Math.abs(left - right) <= tolerance

function checkMetrics(wanted: ExpectedRule, got: Pick<RuleResult, 'metrics'>): readonly string[] {
  return Object.entries(wanted.metrics ?? {}).flatMap(([name, value]) => {
    const is = got.metrics[name]
    const fits = typeof value === 'number' ? isNear(value, is, wanted.tolerance) : is === undefined
    return fits ? [] : [`expected ${name} ${value}, got ${JSON.stringify(got.metrics)}`]
  })
}

function checkReason(wanted: ExpectedRule, { reason }: Pick<RuleResult, 'reason'>): readonly string[] {
  const problems: string[] = []
  if (wanted.has_reason !== undefined && wanted.has_reason !== (reason !== undefined))
    problems.push(`expected ${wanted.has_reason ? 'a' : 'no'} reason, got ${reason}`)
  if (wanted.reason_includes !== undefined && !reason?.includes(wanted.reason_includes))
    problems.push(`expected a reason with "${wanted.reason_includes}", got ${reason}`)
  if (wanted.reason !== undefined && (wanted.reason ?? undefined) !== reason)
    problems.push(`expected the reason "${wanted.reason}", got ${reason}`)
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
  for (const [key, list] of [
    ['row_pass', 'pass'],
    ['row_fail', 'fail'],
    ['row_skip', 'skip'],
  ] as const)
    problems.push(
      ...checkLists(
        key,
        expected[key],
        rows.map(row => row[list]),
      ),
    )
  return problems
}

function checkLists(
  key: string,
  wanted: WantedLists | undefined,
  lists: readonly (readonly string[])[],
): readonly string[] {
  if (wanted === undefined) return []
  const isOne = typeof wanted === 'number' || typeof wanted === 'boolean'
  const byRow = isOne ? lists.map((_list, at) => [String(at), wanted] as const) : Object.entries(wanted)
  const count =
    Array.isArray(wanted) && wanted.length !== lists.length
      ? [`${key}: expected ${wanted.length} rows, got ${lists.length}`]
      : []
  const compared = byRow.flatMap(([at, each]) => {
    const got = lists[Number(at)]
    return got !== undefined && isList(each, got)
      ? []
      : [`${key}[${at}]: expected ${JSON.stringify(each)}, got ${JSON.stringify(got)}`]
  })
  return [...count, ...compared]
}

function isList(wanted: WantedList, got: readonly string[]): boolean {
  if (typeof wanted === 'string') return got.includes(wanted)
  if (typeof wanted === 'number') return got.length === wanted
  if (typeof wanted === 'boolean') return got.length > 0 === wanted
  return JSON.stringify(wanted.toSorted()) === JSON.stringify(got.toSorted())
}
