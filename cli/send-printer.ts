import { isLakeError } from '#lake/errors.ts'
import type { Sent } from '#lake/send.ts'
import type { Call } from './command.ts'
import type { LineCounts, LineList } from './send-lines.ts'
import type { Delivered, DeliveredObject } from './send-local.ts'
import { styleOf } from './style.ts'
import { printTable } from './table-printer.ts'
import { counted, formatBytes, formatCount, formatDuration } from './units.ts'

export interface SendReport {
  readonly dataset: string
  readonly source: string
  /** A pipe cannot be sent again from a line on. */
  readonly isFile: boolean
  readonly fromLine: number
  readonly counts: LineCounts
  /** Lines that are no event were left out. */
  readonly skipped: boolean
  readonly sent: Sent
  readonly ms: number
  /** Of the lake's own stream only. */
  readonly delivered: Delivered | undefined
  readonly error?: unknown
  /** From which line on nothing was taken. */
  readonly line?: number
}

/** What was sent, what was not, and what became of it. */
export async function printSent({ terminal, options }: Call, report: SendReport): Promise<void> {
  if (options.has('json')) {
    await terminal.out.write(`${JSON.stringify(documentOf(report), null, 2)}\n`)
    return
  }
  const { sent, counts, delivered, ms } = report
  const style = styleOf(terminal.out)
  const rate = ms < 1 ? '' : `, ${formatCount(Math.round((sent.records / ms) * 1_000))}/s`
  const again = sent.again === 0 ? '' : `; ${formatCount(sent.again)} times a record was refused and put again`
  await terminal.out.write(
    `${style.bold(report.dataset)}  ${counted(sent.records, 'record')} put, ${formatBytes(sent.bytes)} in ${formatDuration(ms)}${rate}${again}\n`,
  )
  const what = report.skipped ? 'left out' : 'put as they are, for quarantine'
  const notes = [
    ...noteOf(counts.bad, `no JSON object, ${what}`),
    ...noteOf(counts.tooLong, 'longer than a record may be (1,000 KiB), not put'),
    ...howItEnded(report),
    ...(delivered?.by === undefined ? [] : [handedOver(delivered)]),
  ]
  for (const note of notes) await terminal.out.write(`${style.yellow(note)}\n`)
  if (delivered === undefined || delivered.objects.length === 0) return
  const folders = byFolder(delivered.objects)
  await terminal.out.write('\n')
  await printTable(terminal.out, {
    columns: [
      { name: 'delivered to', whole: true },
      { name: 'dataset' },
      { name: 'state' },
      { name: 'rows', numeric: true },
      { name: 'quarantined', numeric: true },
    ],
    rows: folders.slice(0, FOLDERS_SHOWN_MAX).map(each => [
      each.key,
      // What ingest rejected is nobody's.
      each.dataset ?? '–',
      each.state,
      formatCount(each.applied),
      formatCount(each.quarantined),
    ]),
  })
  const more = folders.length - FOLDERS_SHOWN_MAX
  if (more > 0) await terminal.out.write(style.dim(`and ${counted(more, 'folder')} more; --json has them all\n`))
}

/** Where to go on. When not even the first line was taken there is nothing to go on from. */
function howItEnded({ source, isFile, fromLine, counts, line }: SendReport): readonly string[] {
  const { broken, stoppedAt, ended } = counts
  if (line !== undefined)
    return broken !== undefined || line === 1
      ? []
      : [`nothing is taken from line ${line} on; go on with --from-line ${line}`]
  if (stoppedAt !== undefined)
    return [
      isFile
        ? `stopped before line ${stoppedAt}; go on with --from-line ${stoppedAt}`
        : 'stopped: the rest of the input was not read',
    ]
  if (ended !== undefined && fromLine > Math.max(1, ended))
    return [`${source} has ${counted(ended, 'line')}: nothing stands from line ${fromLine} on`]
  return []
}

const FOLDERS_SHOWN_MAX = 20

/** Objects of one folder and fate count together: their names say nothing to people. */
function byFolder(objects: readonly DeliveredObject[]): readonly DeliveredObject[] {
  const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1)
  const groups = Map.groupBy(objects, ({ key, dataset, state }) => JSON.stringify([folderOf(key), dataset, state]))
  return [...groups.values()].flatMap(group => {
    const [first] = group
    const rows = (of: 'applied' | 'quarantined'): number => group.reduce((sum, each) => sum + each[of], 0)
    return first === undefined
      ? []
      : [{ ...first, key: folderOf(first.key), applied: rows('applied'), quarantined: rows('quarantined') }]
  })
}

const handedOver = ({ by, failed }: Delivered): string =>
  failed
    ? `process ${by} delivers from the stream, but has not for a minute: what was put stays there until somebody does`
    : `delivered by process ${by}, which takes it from there`

function noteOf({ count, first }: LineList, what: string): readonly string[] {
  if (count === 0) return []
  const more = count > first.length ? ` and ${formatCount(count - first.length)} more` : ''
  return [`${counted(count, 'line')} ${what}: ${first.join(', ')}${more}`]
}

function documentOf(report: SendReport): unknown {
  const { counts, sent, delivered, skipped, error } = report
  return {
    dataset: report.dataset,
    source: report.source,
    lines: counts.lines,
    ...sent,
    ms: report.ms,
    bad: { lines: counts.bad.count, first: counts.bad.first, put: !skipped },
    tooLong: { lines: counts.tooLong.count, first: counts.tooLong.first },
    stopped: counts.stoppedAt !== undefined,
    stoppedAt: counts.stoppedAt ?? null,
    error: isLakeError(error) ? { kind: error.kind, message: error.message, fromLine: report.line } : null,
    delivered: delivered === undefined ? null : { ...delivered, by: delivered.by ?? null },
  }
}
