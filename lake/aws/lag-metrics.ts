import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics'
import { metricsNamespace } from './telemetry.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

interface Watched {
  readonly landing: { readonly objects: number } | undefined
  readonly datasets: readonly {
    readonly dataset: string
    readonly status: 'ok' | 'warning' | 'alarm'
    readonly measure:
      | {
          readonly measuredMs: number
          readonly lastCommitMs: number | undefined
          readonly eventMs: number | undefined
          readonly maxLagMinutes: number | undefined
          readonly backlog: {
            readonly batches: number
            readonly halted: number
            readonly oldestMs: number | undefined
          }
          readonly completeness: { readonly missing: number } | undefined
          readonly quarantineRows: number
          readonly smallFiles: number
          readonly oldestErasureMs: number | undefined
        }
      | undefined
  }[]
}

/**
 * Puts what the watch saw into CloudWatch, by dataset, and gives the report back. `LagShareOfPromise` is above 1 when a dataset is later than it
 * promises, whatever that is in minutes, so that one threshold fits all. `DatasetsWatched` is the heartbeat: its absence is an alarm.
 */
export function countLags<R extends Watched>(report: R): R {
  for (const each of report.datasets) {
    const metrics = new Metrics({ namespace: metricsNamespace() })
    metrics.addDimension('dataset', each.dataset)
    metrics.addMetric('DatasetAlarms', MetricUnit.Count, each.status === 'alarm' ? 1 : 0)
    for (const [name, value] of measuresOf(each)) metrics.addMetric(name, MetricUnit.NoUnit, value)
    metrics.publishStoredMetrics()
  }
  const heartbeat = new Metrics({ namespace: metricsNamespace() })
  heartbeat.addMetric('DatasetsWatched', MetricUnit.Count, report.datasets.length)
  if (report.landing !== undefined) heartbeat.addMetric('LandingWaiting', MetricUnit.Count, report.landing.objects)
  heartbeat.addMetric('OldestErasureHours', MetricUnit.NoUnit, oldestErasureHours(report))
  heartbeat.publishStoredMetrics()
  return report
}

/** 0 when every erasure has ended. */
function oldestErasureHours({ datasets }: Watched): number {
  const hours = datasets.flatMap(({ measure }) =>
    measure?.oldestErasureMs === undefined ? [] : [(measure.measuredMs - measure.oldestErasureMs) / HOUR_MS],
  )
  return Math.max(0, ...hours)
}

function measuresOf({ measure }: Watched['datasets'][number]): readonly (readonly [string, number])[] {
  if (measure === undefined) return []
  const { lastCommitMs, eventMs, maxLagMinutes, backlog, completeness } = measure
  const minutes = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : Math.max(0, (measure.measuredMs - ms) / MINUTE_MS)
  const [commitLag, eventLag] = [minutes(lastCommitMs), minutes(eventMs)]
  const lag = Math.max(commitLag ?? 0, eventLag ?? 0)
  return [
    ['CommitLagMinutes', commitLag],
    ['EventLagMinutes', eventLag],
    ['LagShareOfPromise', maxLagMinutes === undefined || commitLag === undefined ? undefined : lag / maxLagMinutes],
    ['WaitingBatches', backlog.batches],
    ['OldestWaitingMinutes', minutes(backlog.oldestMs) ?? 0],
    ['HaltedBatches', backlog.halted],
    ['RowsMissing', completeness?.missing],
    ['QuarantineRows', measure.quarantineRows],
    ['SmallFiles', measure.smallFiles],
  ].flatMap(([name, value]) => (typeof value === 'number' ? [[String(name), value] as const] : []))
}
