import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { metricsNamespace } from './telemetry.ts'

interface Judged {
  readonly dataset: string
  readonly rules?: { readonly passed: number; readonly failed: number; readonly score: number }
}

/**
 * Puts what a dataset's rules said into CloudWatch, by dataset: `RulesPassed`, `RulesFailed` and `QualityScore`, from 0 to 1. Gives the report
 * back. The metrics are an object of their own, because a dimension holds for everything that one object counts.
 */
export function countRules<R extends Judged>(report: R): R {
  const { dataset, rules } = report
  if (rules === undefined) return report
  const metrics = new Metrics({ namespace: metricsNamespace() })
  metrics.addDimension('dataset', dataset)
  metrics.addMetric('RulesPassed', MetricUnit.Count, rules.passed)
  metrics.addMetric('RulesFailed', MetricUnit.Count, rules.failed)
  metrics.addMetric('QualityScore', MetricUnit.NoUnit, rules.score)
  metrics.publishStoredMetrics()
  return report
}
