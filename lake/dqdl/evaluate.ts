import type { Cell, Session } from '../duckdb/engine.ts'
import { ident, join, type Sql, sql } from '../duckdb/sql.ts'
import { isLakeError } from '../errors.ts'
import { type CompositeRule, type Labels, labelsOf, type Rule, type Ruleset, type SimpleRule } from './ast.ts'
import { type Check, type CheckContext, errorOf, type Judgement, type Values } from './check.ts'
import { printRule } from './printer.ts'
import { checkOf } from './rules/registry.ts'

export interface RuleResult {
  /** The rule as it prints. */
  readonly text: string
  readonly outcome: Judgement['outcome']
  readonly reason: string | undefined
  readonly metrics: Readonly<Record<string, number>>
  readonly labels: Labels
  /** Rows of the primary table by what the rule says of each; undefined when it says nothing of rows. */
  readonly rows: { readonly passed: number; readonly failed: number } | undefined
}

export interface Evaluation {
  readonly rules: readonly RuleResult[]
  readonly metrics: Readonly<Record<string, number>>
  /** Passed rules of all, 0 to 1. */
  readonly score: number
  /** For each rule the test that a row passes, as SQL over the primary; undefined when the rule says nothing of rows. */
  readonly rowTests: readonly (Sql | undefined)[]
}

/**
 * Evaluates all rules over a table: one scan for every aggregate, one for each set of keys, and a statement each for what joins other
 * tables. A rule that cannot be evaluated is an `Error` with the reason; nothing a ruleset says makes this throw.
 */
export async function evaluate(session: Session, ruleset: Ruleset, context: CheckContext): Promise<Evaluation> {
  const simple = ruleset.rules.flatMap(leavesOf)
  const checks = new Map(simple.map(rule => [rule, checkOf(rule, context)]))
  const plan = planOf([...checks.values()])
  const computed = await compute(session, plan, context)
  const judged = new Map(simple.map(rule => [rule, judgeRule(checks.get(rule) as Check, computed)]))
  const rules = ruleset.rules.map(rule => resultOf(ruleset, rule, { judged, checks, computed }))
  const metrics = Object.assign({}, ...rules.map(each => each.metrics)) as Record<string, number>
  const score = rules.length === 0 ? 1 : rules.filter(each => each.outcome === 'Passed').length / rules.length
  return { rules, metrics, score, rowTests: ruleset.rules.map(rule => rowTestOf(rule, checks)) }
}

const leavesOf = (rule: Rule): readonly SimpleRule[] => (rule.kind === 'rule' ? [rule] : rule.rules.flatMap(leavesOf))

// --- Computing -----------------------------------------------------------------------------------------------------

interface Plan {
  /** Aggregates by their SQL text: equal ones are computed once. */
  readonly aggregates: ReadonlyMap<string, Sql>
  readonly queries: ReadonlyMap<string, Sql>
}

type Result<T> = { readonly value: T } | { readonly problem: string }

interface Computed {
  readonly aggregates: ReadonlyMap<string, Result<Cell>>
  readonly queries: ReadonlyMap<string, Result<Values>>
}

function planOf(checks: readonly Check[]): Plan {
  const aggregates = checks.flatMap(check => [
    ...Object.values(check.aggregates ?? {}),
    ...(check.row && !isWindowed(check.row) ? [failures(check.row), ROWS] : []),
  ])
  const queries = checks.flatMap(check => check.queries ?? [])
  return {
    aggregates: new Map(aggregates.map(each => [each.text, each])),
    queries: new Map(queries.map(each => [each.text, each])),
  }
}

const ROWS = sql`count(*)`
const failures = (row: Sql): Sql => sql`count_if(NOT ${row})`
/** Tests that look at other rows cannot stand inside an aggregate. */
const isWindowed = (row: Sql): boolean => row.text.includes(' OVER (')

async function compute(session: Session, plan: Plan, context: CheckContext): Promise<Computed> {
  const aggregates = await computeAggregates(session, [...plan.aggregates.values()], context)
  const queries = new Map<string, Result<Values>>()
  for (const query of plan.queries.values()) queries.set(query.text, await firstRow(session, query))
  return { aggregates, queries }
}

/** All in one scan; when that fails, each alone, so that one rule's bad cast costs no other rule its result. */
async function computeAggregates(
  session: Session,
  aggregates: readonly Sql[],
  { relation }: CheckContext,
): Promise<Computed['aggregates']> {
  const select = (list: readonly Sql[]): Sql =>
    sql`SELECT ${join(
      list.map((each, at) => sql`${each} AS ${ident(`m${at}`)}`),
      ', ',
    )} FROM ${relation.source}`
  if (aggregates.length === 0) return new Map()
  const together = await firstRow(session, select(aggregates))
  if ('value' in together)
    return new Map(aggregates.map((each, at) => [each.text, { value: together.value[`m${at}`] ?? null }]))
  const found = new Map<string, Result<Cell>>()
  for (const each of aggregates) {
    const alone = await firstRow(session, select([each]))
    found.set(each.text, 'value' in alone ? { value: alone.value['m0'] ?? null } : alone)
  }
  return found
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

// --- Judging -------------------------------------------------------------------------------------------------------

function judgeRule(check: Check, computed: Computed): Judgement {
  const values: Record<string, Cell> = {}
  for (const [name, aggregate] of Object.entries(check.aggregates ?? {})) {
    const result = computed.aggregates.get(aggregate.text)
    if (result && 'problem' in result) return errorOf(result.problem)
    values[name] = result?.value ?? null
  }
  for (const query of check.queries ?? []) {
    const result = computed.queries.get(query.text)
    if (result && 'problem' in result) return errorOf(result.problem)
    Object.assign(values, result?.value)
  }
  return check.judge(values)
}

interface Judged {
  readonly judged: ReadonlyMap<SimpleRule, Judgement>
  readonly checks: ReadonlyMap<SimpleRule, Check>
  readonly computed: Computed
}

function resultOf(ruleset: Ruleset, rule: Rule, { judged, checks, computed }: Judged): RuleResult {
  const { outcome, reason, metrics } = judgementOf(rule, judged)
  const row = rule.kind === 'rule' ? checks.get(rule)?.row : undefined
  const [all, bad] = row ? [computed.aggregates.get(ROWS.text), computed.aggregates.get(failures(row).text)] : []
  const rows =
    all && bad && 'value' in all && 'value' in bad
      ? { passed: Number(all.value) - Number(bad.value), failed: Number(bad.value) }
      : undefined
  return { text: printRule(rule), outcome, reason, metrics, labels: labelsOf(ruleset, rule), rows }
}

function judgementOf(rule: Rule, judged: Judged['judged']): Judgement {
  return rule.kind === 'rule' ? (judged.get(rule) as Judgement) : judgeComposite(rule, judged)
}

/** Each nested rule over the whole table, then and/or: an error decides nothing that another rule decides already. */
function judgeComposite(rule: CompositeRule, judged: Judged['judged']): Judgement {
  const nested = rule.rules.map(each => judgementOf(each, judged))
  const metrics = Object.assign({}, ...nested.map(each => each.metrics)) as Record<string, number>
  const decisive = rule.operator === 'and' ? 'Failed' : 'Passed'
  const outcome = nested.some(each => each.outcome === decisive)
    ? decisive
    : nested.some(each => each.outcome === 'Error')
      ? 'Error'
      : decisive === 'Failed'
        ? 'Passed'
        : 'Failed'
  const reasons = nested.filter(each => each.outcome !== 'Passed').map(each => each.reason ?? each.outcome)
  return { outcome, metrics, ...(outcome === 'Passed' ? {} : { reason: reasons.join('; ') }) }
}

// --- Rows ----------------------------------------------------------------------------------------------------------

/** A composite has an outcome for a row only when all of its rules have one. */
function rowTestOf(rule: Rule, checks: ReadonlyMap<SimpleRule, Check>): Sql | undefined {
  if (rule.kind === 'rule') return checks.get(rule)?.row
  const tests = rule.rules.map(each => rowTestOf(each, checks))
  if (tests.some(test => test === undefined)) return undefined
  return sql`(${join(tests as readonly Sql[], rule.operator === 'and' ? ' AND ' : ' OR ')})`
}
