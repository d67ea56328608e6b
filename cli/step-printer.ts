import {
  BATCH_REJECTED,
  RAW_BATCH_READY,
  type RawBatchReady,
  TABLE_COMMITTED,
  TABLE_COMPACTED,
  type TableCommitted,
  type TableCompacted,
} from '#lake/events.ts'
import type { Lake, LakeEvent } from '#lake/lake.ts'
import type { LocalStep } from '#local/run.ts'
import { type Style, styleOf } from './style.ts'
import type { Output } from './terminal.ts'
import { printable } from './text-width.ts'
import { counted, formatBytes, formatCount, formatTime } from './units.ts'

export interface StepPrinter {
  readonly onStep: (step: LocalStep) => void
  /** Resolves when all of it is printed. */
  flush(): Promise<void>
  /** What went wrong for good, in words. */
  readonly failures: readonly string[]
}

/** Prints what the pipeline does, a line a step, in the order in which it happens. */
export function stepPrinter(lake: Lake, output: Output): StepPrinter {
  const style = styleOf(output)
  const failures: string[] = []
  let last: Promise<unknown> = Promise.resolve()
  return {
    failures,
    onStep: step => {
      const failure = failureOf(step)
      if (failure !== undefined) failures.push(failure)
      const line = describeStep(step, style)
      if (line === undefined) return
      const time = style.dim(formatTime(lake.clock.nowMs()).slice(11))
      last = last.then(() => output.write(`${time}  ${line}\n`))
    },
    flush: async () => {
      await last
    },
  }
}

/** undefined for steps that another line tells of as well. */
function describeStep(step: LocalStep, style: Style): string | undefined {
  switch (step.kind) {
    case 'ingested':
      return titled('ingest', describeIngest(step.report, style))
    case 'state':
      return titled('refine', `${step.dataset} ${step.batch}  ${step.state}`)
    case 'retry': {
      const why = printable(step.cause || step.error)
      return titled('retry', style.yellow(`${step.dataset} ${step.batch}  ${step.state}: ${why}`))
    }
    case 'compacting': {
      const text = `${step.table}  ${step.state}`
      if (step.error === undefined) return titled('compact', text)
      return titled('retry', style.yellow(`${text}: ${printable(step.cause || step.error)}`))
    }
    case 'compacted': {
      // The rows are in the table as before, so that nothing that was asked for has failed.
      if (step.status === 'SUCCEEDED') return undefined
      return titled(
        'failed',
        style.yellow(`compaction of ${step.table}: ${printable(step.cause || step.error || step.status)}`),
      )
    }
    case 'event':
      return describeEvent(step.event, style)
    case 'notice':
      return undefined
    case 'finished':
    case 'replayed':
    case 'dead': {
      const failure = failureOf(step)
      return failure === undefined ? undefined : titled('failed', style.red(failure))
    }
  }
}

const titled = (title: string, text: string): string => `${title.padEnd(8)}${text}`

function failureOf(step: LocalStep): string | undefined {
  if (step.kind === 'dead') return `an event was delivered too often: ${printable(step.error)}`
  if (step.kind === 'replayed' && step.status !== 'SUCCEEDED')
    return `replay ${step.execution}: ${printable(step.cause || step.error || step.status)}`
  if (step.kind !== 'finished' || step.status === 'SUCCEEDED') return undefined
  return `${step.dataset} ${step.batch}: ${printable(step.cause || step.error || step.status)}`
}

type Ingested = Extract<LocalStep, { kind: 'ingested' }>['report']

function describeIngest(report: Ingested, style: Style): string {
  const counts = (['landed', 'duplicates', 'suppressed', 'superseded', 'ignored'] as const)
    .filter(name => report[name] > 0)
    .map(name => `${formatCount(report[name])} ${name === 'duplicates' && report[name] === 1 ? 'duplicate' : name}`)
  const bad = (['rejected', 'refused', 'failed'] as const)
    .filter(name => report[name] > 0)
    .map(name => style.red(`${formatCount(report[name])} ${name}`))
  const reasons = Object.entries(report.reasons).map(([reason, count]) => `${reason} ${formatCount(count)}`)
  const why = reasons.length === 0 ? '' : ` (${reasons.join(', ')})`
  return `${counted(report.records, 'object')}: ${[...counts, ...bad].join(', ')}${why}`
}

function describeEvent(event: LakeEvent, style: Style): string | undefined {
  if (event['detail-type'] === BATCH_REJECTED) {
    const { dataset, batch, reason } = event.detail
    return titled('halted', style.red(`${dataset} ${batch}: ${printable(String(reason))}`))
  }
  if (event['detail-type'] === RAW_BATCH_READY) {
    const { dataset, batch, objects, bytes } = event.detail as unknown as RawBatchReady
    return titled('batch', `${dataset} ${batch}  ${counted(objects, 'object')}, ${formatBytes(bytes)}`)
  }
  if (event['detail-type'] === TABLE_COMPACTED)
    return describeCompacted(event.detail as unknown as TableCompacted, style)
  if (event['detail-type'] !== TABLE_COMMITTED) return undefined
  const { table, rows, quarantined, snapshotId } = event.detail as unknown as TableCommitted
  const refused = quarantined === 0 ? '' : `, ${style.yellow(`${formatCount(quarantined)} quarantined`)}`
  return titled('commit', `${style.green(table)}  ${counted(rows, 'row')}${refused}, snapshot ${snapshotId}`)
}

function describeCompacted({ table, filesBefore, filesAfter, ...rest }: TableCompacted, style: Style): string {
  const bytes = `${formatBytes(rest.bytesBefore)} → ${formatBytes(rest.bytesAfter)}`
  const left = rest.groupsGivenUp === 0 ? '' : style.yellow(`, ${counted(rest.groupsGivenUp, 'group')} left as it was`)
  return titled(
    'compact',
    `${style.green(table)}  ${counted(filesBefore, 'file')} → ${formatCount(filesAfter)}, ${bytes}${left}`,
  )
}
