import type { Session } from '../duckdb/engine.ts'
import { type Sql, sql } from '../duckdb/sql.ts'
import { type AnalyzerResult, analyzerChecks, analyzerResult } from './analyzers.ts'
import { type CompositeRule, type Labels, labelsOf, leavesOf, type Rule, type Ruleset, type SimpleRule } from './ast.ts'
import { type Check, type CheckContext, errorOf, type Judgement, lastOf } from './check.ts'
import { readStatements } from './custom-sql.ts'
import { type Computed, compute, countOf, type More, planOf, rowCountsOf, valuesOf } from './evaluate-scans.ts'
import { printEvaluated } from './evaluated-rule.ts'
import { printRule } from './printer.ts'
import type { Relation } from './relation.ts'
import { glueRows, packRows, rowOutcome } from './row.ts'
import { countGood } from './rule-columns.ts'
import { checkOf } from './rules/registry.ts'

export interface RuleResult {
  /** The rule as it prints. */
  readonly text: string
  readonly outcome: Judgement['outcome']
  /** Of a rule that did not pass, and of one that had no row to look at. */
  readonly reason: string | undefined
  readonly metrics: Readonly<Record<string, number>>
  /** The rule with its dynamic parts replaced by what they were. */
  readonly evaluatedRule: string
  readonly labels: Labels
  /** Whether the rule says something of each row. */
  readonly rowLevel: boolean
  /** Rows of the primary by what the rule says of each. */
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number } | undefined
}

export interface Evaluation {
  readonly rules: readonly RuleResult[]
  readonly analyzers: readonly AnalyzerResult[]
  /** Of rules and analyzers, under the names of the history: those of a rule with a `where` bear it. */
  readonly metrics: Readonly<Record<string, number>>
  /** Passed rules of all, 0 to 1. */
  readonly score: number
  /** For each rule what it says of a row, as SQL over the rows that were evaluated and no others; undefined when it says nothing of rows. */
  readonly rowTests: readonly (Sql | undefined)[]
  /** The rows of the primary with Glue's four columns behind them; `packRows` is the cheaper form. */
  readonly rows: Sql
}

/**
 * Evaluates all rules over a table: one scan for every aggregate, one for each set of keys, and a statement each for what joins other
 * tables. A rule that cannot be evaluated is an `Error` with the reason; nothing a ruleset says makes this throw.
 */
export async function evaluate(session: Session, ruleset: Ruleset, given: CheckContext): Promise<Evaluation> {
  const leaves = ruleset.rules.flatMap(leavesOf)
  const context = { ...given, statements: await readStatements(session, [...leaves, ...ruleset.analyzers], given) }
  const checks = new Map(leaves.map(rule => [rule, checkOf(rule, ofRule(rule, context))]))
  const analyzers = ruleset.analyzers.map(analyzer => ({ analyzer, checks: analyzerChecks(analyzer, context) }))
  const all = [...checks.values(), ...analyzers.flatMap(each => each.checks)]
  const more = [{ aggregates: [ROWS] }, ...ruleset.rules.map(rule => compositePlan(rule, checks, context))]
  const computed = await compute(session, planOf(all, more), context.relation)
  const run: Run = { ruleset, context, checks, computed }
  const judged = new Map(leaves.map(rule => [rule, judge(checks.get(rule) as Check, computed)]))
  const rules = ruleset.rules.map(rule => resultOf(rule, judged, run))
  const measured = analyzers.map(each =>
    analyzerResult(
      each.analyzer,
      each.checks.map(check => judge(check, computed)),
    ),
  )
  return {
    rules,
    analyzers: measured,
    metrics: Object.assign({}, ...[...judged].map(historic), ...measured.map(each => each.metrics)),
    score: rules.length === 0 ? 1 : rules.filter(each => each.outcome === 'Passed').length / rules.length,
    ...rowLevel(rules, run),
  }
}

const ROWS = sql`count(*)`

/** A metric over the rows of a `where` is another one than that over all rows, and has a history of its own. */
const historyName = (metric: string, { where }: SimpleRule): string =>
  where === undefined ? metric : `${metric} where ${where}`

const ofRule = (rule: SimpleRule, context: CheckContext): CheckContext => ({
  ...context,
  history: metric => context.history(historyName(metric, rule)),
})

const historic = ([rule, { metrics }]: readonly [SimpleRule, Judgement]): Judgement['metrics'] =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [historyName(name, rule), value]))

interface Run {
  readonly ruleset: Ruleset
  readonly context: CheckContext
  readonly checks: ReadonlyMap<SimpleRule, Check>
  readonly computed: Computed
}

// --- Judging -------------------------------------------------------------------------------------------------------

function judge(check: Check, computed: Computed): Judgement {
  const values = valuesOf(check, computed)
  return 'value' in values ? check.judge(values.value) : errorOf(values.problem)
}

type Judged = ReadonlyMap<SimpleRule, Judgement>

function resultOf(rule: Rule, judged: Judged, run: Run): RuleResult {
  const { context, ruleset } = run
  const counts = countsOf(rule, run)
  const byRows = rule.kind === 'composite' && context.composites === 'row'
  const overall = judgementOf(rule, judged)
  const { outcome, reason, metrics } = byRows ? judgeRows(rule, counts, overall) : overall
  const last = (each: Rule) => lastOf(each.kind === 'rule' ? ofRule(each, context) : context, metricOf(each, judged))
  return {
    text: printRule(rule),
    outcome,
    reason,
    metrics,
    evaluatedRule: printEvaluated(rule, { nowMs: context.nowMs, last }),
    labels: labelsOf(ruleset, rule),
    rowLevel: counts !== undefined,
    counts,
  }
}

const metricOf = (rule: Rule, judged: Judged): string => Object.keys(judgementOf(rule, judged).metrics)[0] ?? ''

function judgementOf(rule: Rule, judged: Judged): Judgement {
  return rule.kind === 'rule' ? (judged.get(rule) as Judgement) : judgeComposite(rule, judged)
}

/** Each nested rule over the whole table, then and/or: an error decides nothing that another rule decides already. */
function judgeComposite(rule: CompositeRule, judged: Judged): Judgement {
  const nested = rule.rules.map(each => judgementOf(each, judged))
  const metrics = Object.assign({}, ...nested.map(each => each.metrics)) as Judgement['metrics']
  const [decisive, otherwise] =
    rule.operator === 'and' ? (['Failed', 'Passed'] as const) : (['Passed', 'Failed'] as const)
  const has = (outcome: Judgement['outcome']): boolean => nested.some(each => each.outcome === outcome)
  const outcome = has(decisive) ? decisive : has('Error') ? 'Error' : otherwise
  if (outcome === 'Passed') return { outcome, metrics }
  const reasons = nested.filter(each => each.outcome !== 'Passed').map(each => each.reason ?? each.outcome)
  return { outcome, metrics, reason: reasons.join('; ') }
}

/** Glue's method ROW: the composite holds for every row. Rules that count over all rows cannot take part. */
function judgeRows(rule: CompositeRule, counts: RuleResult['counts'], { metrics }: Judgement): Judgement {
  const excluded = leavesOf(rule).find(each => each.type.excludedFromRows || each.threshold)
  if (excluded)
    return errorOf(`${printRule(excluded)} cannot be part of a composite that is evaluated row by row`, metrics)
  if (!counts) return errorOf('not all rules of the composite have an outcome for single rows', metrics)
  if (counts.failed === 0) return { outcome: 'Passed', metrics }
  return { outcome: 'Failed', metrics, reason: `${counts.failed} rows do not satisfy the rule` }
}

// --- Rows ----------------------------------------------------------------------------------------------------------

/** Rows that pass a composite and rows that fail it: with all other counts, unless nested rules ask other rows or tables. */
function compositePlan(rule: Rule, checks: Run['checks'], context: CheckContext): More {
  const outcome = rule.kind === 'composite' ? rowOutcome(rule, checks, context) : undefined
  if (!outcome) return {}
  if (leavesOf(rule).some(leaf => checks.get(leaf)?.row?.counted))
    return { queries: [countsQuery(outcome, context.relation)] }
  return { aggregates: [countGood(outcome, undefined), countBad(outcome)] }
}

const countBad = (outcome: Sql): Sql => sql`count_if(NOT ${outcome})`

const countsQuery = (outcome: Sql, { source }: Relation): Sql =>
  sql`SELECT ${countGood(outcome, undefined)} AS good, ${countBad(outcome)} AS bad FROM ${source}`

function countsOf(rule: Rule, run: Run): RuleResult['counts'] {
  const total = countOf(run.computed, ROWS)
  if (total === undefined) return undefined
  if (rule.kind === 'composite') return compositeCounts(rule, run, total)
  const check = run.checks.get(rule)
  const counts = check?.row && rowCountsOf(check, check.row, run.computed)
  if (!counts) return undefined
  const [failed, outside] = [counts.kept - counts.good, total - counts.kept]
  return run.context.filteredRows === 'skipped'
    ? { passed: counts.good, failed, skipped: outside }
    : { passed: counts.good + outside, failed, skipped: 0 }
}

function compositeCounts(rule: Rule, { checks, context, computed }: Run, total: number): RuleResult['counts'] {
  const outcome = rowOutcome(rule, checks, context)
  if (!outcome) return undefined
  const apart = computed.queries.get(countsQuery(outcome, context.relation).text)
  const [passed, failed] =
    apart && 'value' in apart
      ? [Number(apart.value['good']), Number(apart.value['bad'])]
      : [countOf(computed, countGood(outcome, undefined)), countOf(computed, countBad(outcome))]
  if (passed === undefined || failed === undefined) return undefined
  return { passed, failed, skipped: total - passed - failed }
}

/**
 * Only of rules that could be counted: a test that fails to run would fail all others with it. And one that no row fails need not be
 * run again, which is most of them in most batches.
 */
function rowLevel(rules: readonly RuleResult[], run: Run): Pick<Evaluation, 'rowTests' | 'rows'> {
  const { ruleset, checks, context } = run
  const rowTests = ruleset.rules.map((rule, at) => {
    const counts = rules[at]?.counts
    if (!counts) return undefined
    return counts.failed + counts.skipped === 0 ? sql`TRUE` : rowOutcome(rule, checks, context)
  })
  const spoken = rules.map(({ text }, at) => ({ text, outcome: rowTests[at] }))
  return { rowTests, rows: glueRows(packRows(context.relation, spoken, context.filteredRows === 'skipped')) }
}
