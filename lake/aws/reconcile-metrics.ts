import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { metricsNamespace } from './telemetry.ts'

/** Puts `UnaccountedObjects` and `RepairsGivenUp` of a reconciliation into CloudWatch, where alarms wait for them. Gives whatever it was given back. */
export function countUnaccounted<R extends object>(report: R): R {
  if (!('unaccounted' in report) || typeof report.unaccounted !== 'number') return report
  const metrics = new Metrics({ namespace: metricsNamespace() })
  metrics.addMetric('UnaccountedObjects', MetricUnit.Count, report.unaccounted)
  metrics.addMetric('RepairsGivenUp', MetricUnit.Count, givenUpIn(report))
  metrics.publishStoredMetrics()
  return report
}

/** Objects that repairs have failed on again and again. */
function givenUpIn(report: object): number {
  const datasets = 'datasets' in report && Array.isArray(report.datasets) ? report.datasets : []
  return datasets.reduce((sum: number, each: { readonly givenUp?: number }) => sum + (each.givenUp ?? 0), 0)
}
