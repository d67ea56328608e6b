import type { DatasetWatch } from '#functions/watch/watch.ts'
import { minutesSince } from '#functions/watch/watch.ts'
import type { LakeStatus } from './status.ts'
import { isoTime } from './units.ts'

/** A status as `--json` prints it: times are ISO 8601, lags are minutes. */
export function statusDocument(report: LakeStatus): Readonly<Record<string, unknown>> {
  const { status, deadLetters, landing, findings } = report
  const oldest = landing?.oldestMs === undefined ? null : isoTime(landing.oldestMs)
  const waiting = landing === undefined ? null : { objects: landing.objects, oldest }
  return { status, deadLetters, landing: waiting, findings, datasets: report.datasets.map(datasetDocument) }
}

function datasetDocument({ dataset, status, findings, measure }: DatasetWatch): Readonly<Record<string, unknown>> {
  if (measure === undefined) return { dataset, status, findings }
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : isoTime(ms))
  const lag = (ms: number | undefined): number | null => (ms === undefined ? null : round(minutesSince(measure, ms)))
  return {
    dataset,
    status,
    measured: isoTime(measure.measuredMs),
    lastCommit: time(measure.lastCommitMs),
    commitLagMinutes: lag(measure.lastCommitMs),
    newestEvent: time(measure.eventMs),
    eventLagMinutes: lag(measure.eventMs),
    maxLagMinutes: measure.maxLagMinutes ?? null,
    records: measure.completeness ?? null,
    table: { ...measure.table, smallFiles: measure.smallFiles, compactionDue: measure.compactionDue },
    quarantineRows: measure.quarantineRows,
    backlog: { ...measure.backlog, oldestMs: undefined, oldest: time(measure.backlog.oldestMs) },
    findings,
  }
}

const round = (minutes: number): number => Math.round(minutes * 10) / 10
