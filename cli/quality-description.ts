import type { RuleVerdict, Verdict } from '#lake/batch.ts'
import type { QualityRun } from '#lake/quality-history.ts'
import { isoTime } from './units.ts'

/** What `sluice quality DATASET --json` prints. All lists of runs begin with the most recent one. */
export interface QualityDescription {
  readonly dataset: string
  readonly runs: readonly DescribedRun[]
  /** Those that fail now first, then those that failed, then the others. */
  readonly rules: readonly RuleTrack[]
  readonly metrics: readonly MetricTrack[]
}

export interface DescribedRun {
  readonly batch: string
  /** When the newest object of the batch landed. */
  readonly landed: string
  readonly evaluated: string
  readonly status: Verdict['status']
  /** Passed rules of all, 0 to 1. */
  readonly score: number
  readonly counts: {
    readonly rules: number
    readonly passed: number
    readonly failed: number
    readonly errored: number
  }
}

type Outcome = RuleVerdict['outcome']

export interface RuleTrack {
  readonly rule: string
  /** Of each run; null where the ruleset had no such rule. */
  readonly outcomes: readonly (Outcome | null)[]
  readonly lastFailure: Failure | null
}

/** The last time that a rule did not pass. What the results table does not say is null. */
export interface Failure extends FailureDetail {
  readonly batch: string
  readonly outcome: Outcome
}

export interface FailureDetail {
  readonly evaluatedRule: string | null
  readonly reason: string | null
  readonly consequence: RuleVerdict['consequence'] | null
  readonly rowsFailed: number | null
}

export interface MetricTrack {
  readonly metric: string
  /** Of each run; null where it has no number. */
  readonly values: readonly (number | null)[]
  readonly least: number | null
  readonly greatest: number | null
}

export type DetailOf = (batch: string, rule: string) => FailureDetail | undefined

/** Runs as the history gives them, the most recent first. */
export function describeQuality(dataset: string, runs: readonly QualityRun[], detailOf: DetailOf): QualityDescription {
  const metrics = [...new Set(runs.flatMap(run => Object.keys(run.metrics)))]
  return {
    dataset,
    runs: runs.map(describeRun),
    rules: ruleTracks(runs, detailOf),
    metrics: metrics.map(metric => metricTrack(metric, runs)),
  }
}

export function describeRun({ batch, landedMs, evaluatedMs, status, score, rules }: QualityRun): DescribedRun {
  const count = (outcome: Outcome): number => rules.filter(rule => rule.outcome === outcome).length
  return {
    batch,
    landed: isoTime(landedMs),
    evaluated: isoTime(evaluatedMs),
    status,
    score,
    counts: { rules: rules.length, passed: count('Passed'), failed: count('Failed'), errored: count('Error') },
  }
}

/** For each rule that did not always pass, the most recent run in which it did not. */
export function lastFailures(runs: readonly QualityRun[]): ReadonlyMap<string, { batch: string; outcome: Outcome }> {
  const last = new Map<string, { batch: string; outcome: Outcome }>()
  for (const { batch, rules } of runs)
    for (const { rule, outcome } of rules)
      if (outcome !== 'Passed' && !last.has(rule)) last.set(rule, { batch, outcome })
  return last
}

function ruleTracks(runs: readonly QualityRun[], detailOf: DetailOf): readonly RuleTrack[] {
  const outcomes = runs.map(run => new Map(run.rules.map(({ rule, outcome }) => [rule, outcome])))
  const failures = lastFailures(runs)
  const tracks = [...new Set(runs.flatMap(run => run.rules.map(({ rule }) => rule)))].map((rule): RuleTrack => {
    const failure = failures.get(rule)
    const unknown = { evaluatedRule: null, reason: null, consequence: null, rowsFailed: null }
    return {
      rule,
      outcomes: outcomes.map(run => run.get(rule) ?? null),
      lastFailure: failure ? { ...failure, ...(detailOf(failure.batch, rule) ?? unknown) } : null,
    }
  })
  return tracks.toSorted((left, right) => urgency(left) - urgency(right))
}

function urgency({ outcomes: [last], lastFailure }: RuleTrack): number {
  if (last === 'Failed' || last === 'Error') return 0
  return lastFailure === null ? 2 : 1
}

function metricTrack(metric: string, runs: readonly QualityRun[]): MetricTrack {
  const values = runs.map(run => {
    const value = run.metrics[metric]
    return value === undefined || !Number.isFinite(value) ? null : value
  })
  const numbers = values.filter(value => value !== null)
  const [least = null, greatest = null] = numbers.length === 0 ? [] : [Math.min(...numbers), Math.max(...numbers)]
  return { metric, values, least, greatest }
}
