import type { Cell } from '../duckdb/engine.ts'
import type { Sql } from '../duckdb/sql.ts'
import type { NumberCondition, SimpleRule } from './ast.ts'
import { holds, isIncomputable, type Last } from './number.ts'
import { printNumber } from './printer.ts'
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
  /** Whether a row of the primary passes: true or false, never null. Rules without one are skipped row by row. */
  readonly row?: Sql | undefined
  /** The rule runs in a session of its own. */
  readonly statement?: Statement
  readonly judge: (values: Values) => Judgement
}

/** SQL that a user wrote. */
export interface Statement {
  readonly text: string
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
  if (value === undefined) return failed(`${name} has no value: there are no rows to compute it from`, metric.others)
  const metrics = { ...metric.others, [name]: value }
  const result = holds(condition, value, lastOf(context, name))
  if (isIncomputable(result)) return errorOf(result.problem, metrics)
  return result ? passed(metrics) : failed(`${name} is ${value}, wanted ${wanted(condition)}`, metrics)
}

export const lastOf =
  (context: CheckContext, metric: string): Last =>
  count =>
    context
      .history(metric)
      .slice(0, count)
      .map(each => each.value)

/** The condition in words. */
export function wanted({ operator, operands }: NumberCondition): string {
  const texts = operands.map(printNumber)
  return operator.endsWith('between') ? `${operator} ${texts.join(' and ')}` : `${operator} ${texts.join(', ')}`
}

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

/** The rule's condition, where its type guarantees that it is one on numbers. */
export function numberCondition(rule: SimpleRule): NumberCondition | undefined {
  return rule.condition?.kind === 'number' ? rule.condition : undefined
}
