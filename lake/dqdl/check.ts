import type { Cell } from '../duckdb/engine.ts'
import type { Sql } from '../duckdb/sql.ts'
import type { NumberCondition, SimpleRule } from './ast.ts'
import type { Statement } from './custom-sql.ts'
import { holds, isIncomputable, type Last } from './number.ts'
import type { Relation } from './relation.ts'

/** What a rule is evaluated against. */
export interface CheckContext {
  readonly relation: Relation
  /** The other tables, by alias. */
  readonly sources: ReadonlyMap<string, Relation>
  readonly files: readonly FileFacts[]
  /** Earlier values of a metric of this ruleset, by its name, the most recent first. */
  readonly history: (metric: string) => readonly MetricValue[]
  readonly nowMs: number
  /** `glue` keeps to what Glue does where its documentation says otherwise; `documented` follows the documentation. */
  readonly thresholds: 'glue' | 'documented'
  /** What a row is told by a rule whose `where` leaves it out; passed when absent (Glue: `filteredRowLabel`). */
  readonly filteredRows?: 'passed' | 'skipped'
  /** Over all rows when absent (Glue: `compositeRuleEvaluation.method`). */
  readonly composites?: 'overall' | 'row'
  /** Statements of CustomSql by their text; `evaluate` reads them before it compiles the rules. */
  readonly statements?: ReadonlyMap<string, Statement>
}

export interface MetricValue {
  readonly value: number
  readonly timeMs: number
}

/** A file as file rules see it. */
export interface FileFacts {
  readonly path: string
  readonly bytes: number
  readonly modifiedMs: number
  /** Lower-case hex digests, by algorithm: MD5, SHA-1, SHA-256. */
  readonly digests: Readonly<Record<string, string>>
}

/** A rule made ready: what must be computed of the data, and what the result means. */
export interface Check {
  /** Aggregates over the primary table by name; all rules' aggregates are computed in one scan. */
  readonly aggregates?: Readonly<Record<string, Sql>> | undefined
  /** Whole SELECTs that give one row each; equal ones run once. */
  readonly queries?: readonly Sql[]
  /** Rules without one are skipped row by row. */
  readonly row?: RowTest | undefined
  readonly judge: (values: Values) => Judgement
}

/** What a rule says of a single row. */
export interface RowTest {
  /** Whether the row passes; null counts as no. */
  readonly test: Sql
  /** The rows that the rule is about; false and null leave a row out. All of them when absent. */
  readonly where: Sql | undefined
  /** Aggregate of the rows that pass, where one is cheaper than counting the test. */
  readonly good?: Sql
  /** The test asks other rows or tables: the check's own queries have counted, and no scan repeats that. */
  readonly counted?: (values: Values) => RowCounts
}

export interface RowCounts {
  /** Rows that `where` leaves. */
  readonly kept: number
  /** Those of them that pass. */
  readonly good: number
}

export type Values = Readonly<Record<string, Cell>>

export interface Judgement {
  readonly outcome: 'Passed' | 'Failed' | 'Error'
  readonly reason?: string
  readonly metrics: Readonly<Record<string, number>>
}

/** The rule cannot be evaluated: a gate counts it as failed. */
export const problem = (reason: string): Check => ({ judge: () => errorOf(reason) })
export const errorOf = (reason: string, metrics: Judgement['metrics'] = {}): Judgement => ({
  outcome: 'Error',
  reason,
  metrics,
})
export const passed = (metrics: Judgement['metrics'] = {}): Judgement => ({ outcome: 'Passed', metrics })
export const failed = (reason: string, metrics: Judgement['metrics'] = {}): Judgement => ({
  outcome: 'Failed',
  reason,
  metrics,
})

/** Glue passes a rule that had no row to look at, and says so. */
export const noRows = (): Judgement => ({ ...passed(), reason: 'No rows matched the filter' })

/** Glue's own sentence. */
export const notMet = (value: number | 'NULL'): string =>
  `Value: ${value === 'NULL' ? value : printDouble(value)} does not meet the constraint requirement!`

/** As Java prints a double, which is how Glue's reasons are known: `4.0`, `1.0E7`. */
export function printDouble(value: number): string {
  if (!Number.isFinite(value) || value === 0) return Object.is(value, 0) ? '0.0' : String(value)
  const isPlain = Math.abs(value) >= 1e-3 && Math.abs(value) < 1e7
  const [mantissa = '', exponent] = (isPlain ? String(value) : value.toExponential()).split('e')
  const digits = mantissa.includes('.') ? mantissa : `${mantissa}.0`
  return exponent === undefined ? digits : `${digits}E${Number(exponent)}`
}

/** A number of a result; undefined for NULL. */
export function numberOf(cell: Cell | undefined): number | undefined {
  return cell === null || cell === undefined ? undefined : Number(cell)
}

/** Judges one metric by a condition on numbers. */
export function judgeMetric(
  context: CheckContext,
  condition: NumberCondition,
  metric: { readonly name: string; readonly value: number | undefined; readonly others?: Judgement['metrics'] },
): Judgement {
  const { name, value } = metric
  if (value === undefined || Number.isNaN(value))
    return failed(`${name} has no value: there are no rows that give one`, metric.others)
  const metrics = { ...metric.others, [name]: value }
  const result = holds(condition, value, lastOf(context, name))
  if (isIncomputable(result)) return errorOf(result.problem, metrics)
  return result ? passed(metrics) : failed(notMet(value), metrics)
}

export const lastOf =
  (context: CheckContext, metric: string): Last =>
  count =>
    context
      .history(metric)
      .slice(0, count)
      .map(each => each.value)

/** The share that must hold: the rule's threshold, or all of it. */
export function judgeShare(
  context: CheckContext,
  rule: SimpleRule,
  metric: { readonly name: string; readonly value: number | undefined },
): Judgement {
  return judgeMetric(context, rule.threshold ?? WHOLE, metric)
}

const WHOLE: NumberCondition = {
  kind: 'number',
  operator: '=',
  operands: [{ kind: 'literal', text: '1.0', value: 1 }],
}

/** By the rule's condition, or, where its type has none, all of it. */
export function judgeRatio(
  context: CheckContext,
  rule: SimpleRule,
  metric: { readonly name: string; readonly value: number | undefined },
): Judgement {
  const condition = numberCondition(rule)
  return condition ? judgeMetric(context, condition, metric) : judgeShare(context, rule, metric)
}

/** The rule's condition, where it is one on numbers. */
export function numberCondition(rule: SimpleRule): NumberCondition | undefined {
  return rule.condition?.kind === 'number' ? rule.condition : undefined
}
