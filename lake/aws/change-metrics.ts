import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import type { ChangeCounts } from '../batch.ts'
import { metricsNamespace } from './telemetry.ts'

interface Applied {
  readonly dataset: string
  readonly counts: ChangeCounts
  readonly committedMs: number
  readonly newestEventMs?: number
  readonly repeated: boolean
}

/** Every record received is in one of the first group of counts and in no other. */
const METRICS = {
  received: 'ChangesReceived',
  applied: 'ChangesApplied',
  superseded: 'ChangesSuperseded',
  stale: 'ChangesStale',
  duplicate: 'ChangesDuplicate',
  skipped: 'ChangesSkipped',
  deadLetters: 'ChangesDeadLetter',
  patched: 'ColumnsPatched',
  unresolved: 'ColumnsUnresolved',
  resurrectionsPrevented: 'ResurrectionsPrevented',
} as const satisfies Record<keyof ChangeCounts, string>

/**
 * Puts what became of a batch of change events into CloudWatch, by dataset, and how long after its newest change it was committed. A
 * batch that was applied before is not counted again. Gives the report back.
 */
export function countChanges<R extends Applied>(report: R): R {
  const { dataset, counts, committedMs, newestEventMs, repeated } = report
  if (repeated) return report
  const metrics = new Metrics({ namespace: metricsNamespace() })
  metrics.addDimension('dataset', dataset)
  for (const [count, name] of Object.entries(METRICS))
    metrics.addMetric(name, MetricUnit.Count, counts[count as keyof ChangeCounts])
  if (newestEventMs !== undefined)
    metrics.addMetric('ChangeLagSeconds', MetricUnit.Seconds, Math.max(0, (committedMs - newestEventMs) / 1_000))
  metrics.publishStoredMetrics()
  return report
}
