import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { metricsNamespace } from './telemetry.ts'

/** Puts `UnaccountedObjects` of a reconciliation into CloudWatch, where an alarm waits for it. Gives whatever it was given back. */
export function countUnaccounted<R extends object>(report: R): R {
  if (!('unaccounted' in report) || typeof report.unaccounted !== 'number') return report
  const metrics = new Metrics({ namespace: metricsNamespace() })
  metrics.addMetric('UnaccountedObjects', MetricUnit.Count, report.unaccounted)
  metrics.publishStoredMetrics()
  return report
}
