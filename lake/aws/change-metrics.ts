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

/** A batch that is handed over, and will be reported later. */
interface HandedOver {
  readonly statement: string
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
 * batch that was applied before is not counted again, and one that is handed over is not yet. Gives the answer back.
 */
export function countChanges<R extends Applied | HandedOver>(answer: R): R {
  if (!('statement' in answer) && !answer.repeated) publishCounts(answer)
  return answer
}

function publishCounts({ dataset, counts, committedMs, newestEventMs }: Applied): void {
  const metrics = new Metrics({ namespace: metricsNamespace() })
  metrics.addDimension('dataset', dataset)
  for (const [count, name] of Object.entries(METRICS))
    metrics.addMetric(name, MetricUnit.Count, counts[count as keyof ChangeCounts])
  if (newestEventMs !== undefined)
    metrics.addMetric('ChangeLagSeconds', MetricUnit.Seconds, Math.max(0, (committedMs - newestEventMs) / 1_000))
  metrics.publishStoredMetrics()
}
