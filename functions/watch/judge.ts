import type { LandingBacklog } from './landing.ts'
import type { Measure } from './measure.ts'

/** Something that people should know of a dataset; `alarm` is for now, `warning` for when there is time. */
export interface Finding {
  readonly level: 'alarm' | 'warning'
  readonly code: FindingCode
  readonly message: string
  /** What to do about it. */
  readonly next: string
}

export type FindingCode =
  | 'late-commit'
  | 'late-events'
  | 'rows-missing'
  | 'stuck'
  | 'unmeasured'
  | 'halted'
  | 'never-committed'
  | 'future-events'
  | 'quarantine'
  | 'compaction-due'
  | 'landing-waits'
  | 'erasure-open'

export const LIMITS = {
  /** Of a dataset that promises nothing, a batch that waits longer than an hour is stuck. */
  waitMinutes: 60,
  /** Of what was put; and so few are no trend. */
  quarantineShare: 0.01,
  quarantineRowsMin: 10,
  /** Clocks of producers that are this far ahead hide how late the others are. */
  aheadMinutes: 60,
  /** An erasure may have to wait a day for files that a commit could need; then somebody has to run it again. */
  erasureMinutes: 60,
  erasureAlarmMinutes: 48 * 60,
} as const

const MINUTE_MS = 60_000

/** What there is to say of a measure, what matters most first. */
export function judge(measure: Measure): readonly Finding[] {
  const findings = [
    ...completenessFindings(measure),
    ...freshnessFindings(measure),
    ...tableFindings(measure),
    ...erasureFindings(measure),
  ]
  return findings.toSorted((left, right) => rank(left) - rank(right))
}

/** What there is to say of landing, in which no dataset has a part yet. What came a moment ago is nothing to tell. */
export function judgeLanding(landing: LandingBacklog | undefined, nowMs: number): readonly Finding[] {
  if (landing?.oldestMs === undefined) return []
  const { objects, oldestMs } = landing
  const isOne = objects === 1
  return when(nowMs - oldestMs > LIMITS.waitMinutes * MINUTE_MS, {
    level: 'alarm',
    code: 'landing-waits',
    message: `${objects} ${isOne ? 'object' : 'objects'} in landing ${isOne ? 'was' : 'were'} never taken, ${isOne ? 'it has waited' : 'the oldest has waited'} for ${age(nowMs - oldestMs)}`,
    next: '`sluice local --once` takes them up; on AWS `sluice reconcile --repair`',
  })
}

const rank = ({ level }: Finding): number => (level === 'alarm' ? 0 : 1)

export const minutesSince = (measure: Pick<Measure, 'measuredMs'>, ms: number): number =>
  Math.max(0, (measure.measuredMs - ms) / MINUTE_MS)

function completenessFindings({ dataset, completeness }: Measure): readonly Finding[] {
  if (completeness === undefined) return []
  const { put, missing, quarantined } = completeness
  return [
    ...when(missing > 0, {
      level: 'alarm',
      code: 'rows-missing',
      message: `${missing} of ${put} records that were put are neither in the table nor in quarantine`,
      next: `did another engine delete rows? \`sluice show ${dataset}\` lists the commits; \`sluice explain KEY\` tells of one file`,
    }),
    ...when(quarantined >= LIMITS.quarantineRowsMin && quarantined > put * LIMITS.quarantineShare, {
      level: 'warning',
      code: 'quarantine',
      message: `${quarantined} of ${put} records are in quarantine`,
      next: `sluice quarantine list ${dataset}`,
    }),
  ]
}

function freshnessFindings(measure: Measure): readonly Finding[] {
  const { maxLagMinutes: promised, lastCommitMs, eventMs, backlog, measuredMs } = measure
  const waited = backlog.oldestMs === undefined ? 0 : minutesSince(measure, backlog.oldestMs)
  const late = (ms: number | undefined): boolean =>
    promised !== undefined && ms !== undefined && minutesSince(measure, ms) > promised
  const cause =
    backlog.batches > 0
      ? `${backlog.batches} ${backlog.batches === 1 ? 'batch waits' : 'batches wait'}: look for Batch Failed events, then \`sluice local --once\`, or start \`refine\` again`
      : 'nothing waits: ask the producer, then look at the queue of ingest and its dead letters'
  return [
    ...when(late(lastCommitMs), {
      level: 'alarm',
      code: 'late-commit',
      message: `the last commit is ${age(measuredMs - (lastCommitMs ?? 0))} old, ${age((promised ?? 0) * MINUTE_MS)} are promised`,
      next: cause,
    }),
    ...when(late(eventMs), {
      level: 'alarm',
      code: 'late-events',
      message: `the newest event is ${age(measuredMs - (eventMs ?? 0))} old, ${age((promised ?? 0) * MINUTE_MS)} are promised`,
      next: cause,
    }),
    ...when(waited > (promised ?? LIMITS.waitMinutes), {
      level: 'alarm',
      code: 'stuck',
      message: `a batch has waited for ${age(waited * MINUTE_MS)}`,
      next: 'look for its Batch Failed event; `sluice local --once` takes it up again, on AWS start `refine` with its event',
    }),
    ...when(eventMs !== undefined && eventMs - measuredMs > LIMITS.aheadMinutes * MINUTE_MS, {
      level: 'warning',
      code: 'future-events',
      message: `the newest event is ${age((eventMs ?? 0) - measuredMs)} ahead of the clock, so how late events are cannot be told`,
      next: 'correct the clock of the producer',
    }),
  ]
}

function tableFindings({ dataset, lastCommitMs, backlog, compactionDue, maxLagMinutes }: Measure): readonly Finding[] {
  return [
    ...when(backlog.halted > 0, {
      level: 'warning',
      code: 'halted',
      message:
        backlog.halted === 1
          ? '1 batch was refused by a rule and is not in the table'
          : `${backlog.halted} batches were refused by a rule and are not in the table`,
      next: `\`sluice quality ${dataset}\` says which; correct the data, or the rule and then \`sluice replay --dataset ${dataset} --mode failed\``,
    }),
    ...when(lastCommitMs === undefined && maxLagMinutes !== undefined && backlog.batches === 0, {
      level: 'warning',
      code: 'never-committed',
      message: 'nothing has ever been committed',
      next: `put a file: \`sluice put FILE --dataset ${dataset}\``,
    }),
    ...when(compactionDue, {
      level: 'warning',
      code: 'compaction-due',
      message: 'small files make queries slow',
      next: `sluice compact ${dataset}`,
    }),
  ]
}

function erasureFindings(measure: Measure): readonly Finding[] {
  const { dataset, oldestErasureMs } = measure
  if (oldestErasureMs === undefined) return []
  const minutes = minutesSince(measure, oldestErasureMs)
  return when(minutes > LIMITS.erasureMinutes, {
    level: minutes > LIMITS.erasureAlarmMinutes ? 'alarm' : 'warning',
    code: 'erasure-open',
    message: `an erasure began ${age(minutes * MINUTE_MS)} ago and has not ended: something of a person may be left`,
    next: `run it again: \`sluice erase --dataset ${dataset} …\`; it says what is left and why`,
  })
}

const when = (holds: boolean, finding: Finding): readonly Finding[] => (holds ? [finding] : [])

/** `42 s`, `12 min`, `3 h 20 min`, `2 d 4 h` */
export function age(ms: number): string {
  const minutes = Math.floor(Math.max(0, ms) / MINUTE_MS)
  if (minutes < 1) return `${Math.floor(Math.max(0, ms) / 1_000)} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
