import type { Evaluation, RuleResult } from '#lake/dqdl/evaluate.ts'
import { type Checked, type Counts, countsOf } from './check-report.ts'
import { type DiagnosticDocument, diagnosticDocuments } from './check-ruleset.ts'

/** What `sluice check --json` prints. */
export interface CheckDocument {
  readonly ruleset: string
  /** false, and nothing but diagnostics behind it, when the ruleset has mistakes. */
  readonly valid: true
  readonly data: Checked['data']
  readonly outcome: 'Passed' | 'Failed'
  /** Passed rules of all, 0 to 1. */
  readonly score: number
  readonly counts: Counts
  readonly rules: readonly RuleDocument[]
  readonly analyzers: Evaluation['analyzers']
  readonly metrics: Evaluation['metrics']
  readonly diagnostics: readonly DiagnosticDocument[]
  readonly notes: readonly string[]
  readonly rowsFile: string | null
}

export interface RuleDocument {
  readonly rule: string
  readonly outcome: RuleResult['outcome']
  readonly reason: string | null
  readonly metrics: RuleResult['metrics']
  /** The rule with what `last(k)` and its like were. */
  readonly evaluatedRule: string
  readonly labels: RuleResult['labels']
  /** null when the rule says nothing of single rows. */
  readonly rows: RuleResult['counts'] | null
}

export function documentOf({ rules, evaluation, data, notes, rowsFile }: Checked): CheckDocument {
  const counts = countsOf(evaluation.rules)
  return {
    ruleset: rules.name,
    valid: true,
    data,
    outcome: counts.passed === counts.rules ? 'Passed' : 'Failed',
    score: evaluation.score,
    counts,
    rules: evaluation.rules.map(({ text, outcome, reason, metrics, evaluatedRule, labels, counts: rows }) => ({
      rule: text,
      outcome,
      reason: reason ?? null,
      metrics,
      evaluatedRule,
      labels,
      rows: rows ?? null,
    })),
    analyzers: evaluation.analyzers,
    metrics: evaluation.metrics,
    diagnostics: diagnosticDocuments(rules),
    notes,
    rowsFile: rowsFile ?? null,
  }
}
