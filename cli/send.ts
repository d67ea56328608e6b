import type { Dataset } from '#lake/dataset.ts'
import { isLakeError, LakeError } from '#lake/errors.ts'
import type { Stream } from '#lake/lake.ts'
import { groupsOf, type Sent, sendRecords } from '#lake/send.ts'
import { PUT_LIMITS } from '#lake/stream.ts'
import { isStreamed } from '#lake/stream-route.ts'
import { closest } from './closest.ts'
import type { Call, Command } from './command.ts'
import { EXIT_FAILURE, usage } from './refusal.ts'
import { type LineCounts, noLines, recordsOf, type Source, sourceOf } from './send-lines.ts'
import { flushLocal, type LocalDelivery, localDelivery } from './send-local.ts'
import { printSent, type SendReport } from './send-printer.ts'
import { statusLine } from './status-line.ts'
import { counted, formatBytes, formatCount } from './units.ts'

/** A producer that pauses, such as `tail -f`, has its events put after this time. */
const GROUP_AGE_MS = 1_000

/** `sluice send`: single events into a delivery stream. */
export const send: Command = {
  name: 'send',
  summary: 'put events, one a line, into a delivery stream',
  takes: { text: 'FILE|-', min: 1, max: 1 },
  options: {
    dataset: { value: 'NAME', help: 'the dataset that the events are for' },
    stream: {
      value: 'NAME',
      help: 'a delivery stream on AWS by its name; the lake’s own when not given, with --lake aws that of the stage',
    },
    region: { value: 'NAME', help: 'the region of the stream, when the environment does not say' },
    rate: { value: 'N', help: 'records a second at most' },
    'from-line': { value: 'N', help: 'begin at this line: to go on after a failure' },
    'skip-bad': { help: 'leave lines that are no JSON object out, instead of letting them be quarantined' },
  },
  notes: [
    'What the stream refuses is put again, with growing delays. Once it takes nothing for about a minute, send says from which line on to go on, and fails.',
    'The lake’s own stream delivers by size and age while `sluice local` runs, and at the end of send otherwise. What it has taken stays there when a process dies.',
    'Ctrl-C ends the reading: what was read is put, and of a file send says from which line on to go on.',
    'The exit code is 1 when a line was not sent, or when what was delivered failed or has no good row.',
  ],
  examples: [
    'sluice send clicks.ndjson --dataset clicks',
    'tail -f app.log | sluice send - --dataset clicks --lake aws',
  ],
  reads: false,
  remote: true,
  run: async call => {
    const datasets = await call.datasets()
    const dataset = streamedDataset(datasets, call.options.value('dataset'))
    const rate = wholeNumber(call, 'rate')
    const fromLine = wholeNumber(call, 'from-line') ?? 1
    const source = await sourceOf(call, call.given[0] as string)
    const isOwn = call.options.value('stream') === undefined && call.reached === call.lake
    const local = isOwn ? localDelivery(call, datasets) : undefined
    const counts = noLines()
    const startedMs = call.lake.clock.nowMs()
    const outcome = await sendAll(call, {
      source,
      counts,
      dataset,
      rate,
      fromLine,
      local,
      stream: await streamOf(call),
    })
    const ms = call.lake.clock.nowMs() - startedMs
    const delivered = local && (await flushLocal(call, local))
    const skipped = call.options.has('skip-bad')
    const isFile = source.bytes !== undefined
    const report: SendReport = {
      dataset: dataset.name,
      source: source.name,
      isFile,
      fromLine,
      counts,
      skipped,
      ms,
      delivered,
      ...outcome,
    }
    await printSent(call, report)
    if (outcome.error !== undefined) throw outcome.error
    const unsent = counts.tooLong.count + (skipped ? counts.bad.count : 0)
    const isCutShort = isFile && counts.stoppedAt !== undefined
    return unsent > 0 || isCutShort || delivered?.failed ? EXIT_FAILURE : undefined
  },
}

function streamedDataset(datasets: readonly Dataset[], name: string | undefined): Dataset {
  const streamed = datasets.filter(isStreamed).map(each => each.name)
  const list = streamed.length === 0 ? 'no dataset declares source.stream yet' : `there are ${streamed.join(', ')}`
  if (name === undefined) throw usage('which dataset the events are for is not said', `give --dataset NAME: ${list}`)
  const dataset = datasets.find(each => each.name === name)
  if (dataset === undefined) {
    const near = closest(name, streamed)
    throw usage(`there is no dataset ${name}`, near.length > 0 ? `did you mean ${near.join(' or ')}?` : list)
  }
  if (!isStreamed(dataset))
    throw usage(
      `${name} takes no single events`,
      `declare source.stream in it, or put files: sluice put FILE --dataset ${name}`,
    )
  return dataset
}

function wholeNumber({ options }: Call, name: string): number | undefined {
  const text = options.value(name)
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,8}$/.test(text)) throw usage(`--${name} ${text} is no number`, 'give a whole number from 1')
  return Number(text)
}

async function streamOf({ reached, options }: Call): Promise<Stream> {
  const name = options.value('stream')
  if (name === undefined && options.value('region') !== undefined)
    throw usage(
      '--region says where a stream is, and none is named',
      'name it: --stream NAME; --lake aws knows its own',
    )
  if (name === undefined) return reached.stream
  return (await import('./remote-lake.ts')).remoteStream(name, options.value('region'))
}

interface Sending {
  readonly source: Source
  readonly counts: LineCounts
  readonly dataset: Dataset
  readonly rate: number | undefined
  readonly fromLine: number
  readonly local: LocalDelivery | undefined
  readonly stream: Stream
}

/** Sends all lines. What the stream took before it failed is told of all the same. */
async function sendAll(
  call: Call,
  { source, counts, dataset, rate, fromLine, local, stream }: Sending,
): Promise<{ readonly sent: Sent; readonly error?: unknown; readonly line?: number }> {
  const { lake, terminal, options } = call
  const stop = terminal.untilStopped()
  const records = recordsOf(source, { dataset: dataset.name, fromLine, skipBad: options.has('skip-bad'), stop }, counts)
  const recordsMax = Math.min(PUT_LIMITS.records, rate ?? PUT_LIMITS.records)
  const groups = groupsOf(records, { recordsMax, ageMsMax: GROUP_AGE_MS, clock: lake.clock })
  const status = statusLine(terminal.err)
  const startedMs = lake.clock.nowMs()
  const onCall = async (sent: Sent): Promise<void> => {
    status.show(progressOf(source, sent, lake.clock.nowMs() - startedMs))
    if (local !== undefined) await local.afterCall(sent)
  }
  try {
    const sent = await sendRecords(groups, { stream, clock: lake.clock, ids: lake.ids, rate, onCall })
    return { sent, ...brokenOff(source, counts) }
  } catch (error) {
    const { sent, line } = isLakeError(error) ? error.context : {}
    // A parse border: `sendRecords` gives both with whatever the stream failed with.
    if (typeof line !== 'number') throw error
    return { sent: sent as Sent, error, line }
  } finally {
    await status.clear()
  }
}

/** Whoever mends the file and sends all of it again has everything twice that came before the fault. */
function brokenOff({ name }: Source, { broken }: LineCounts): { readonly error?: unknown; readonly line?: number } {
  if (broken === undefined) return {}
  const { line, cause } = broken
  const why = cause instanceof Error ? cause.message : String(cause)
  const next = `what stands before is sent: give a whole copy with --from-line ${line}`
  const message = `${name} cannot be read from line ${line} on: ${why}`
  return { line, error: new LakeError('file-unreadable', message, { next, line }, { cause }) }
}

function progressOf(source: Source, sent: Sent, ms: number): string {
  const rate = ms < 1 ? 0 : Math.round((sent.records / ms) * 1_000)
  const share = source.bytes ? `, ${Math.floor((source.readBytes() / source.bytes) * 100)} % of ${source.name}` : ''
  const again = sent.again > 0 ? `, ${formatCount(sent.again)} put again` : ''
  return `${counted(sent.records, 'record')}, ${formatBytes(sent.bytes)}, ${formatCount(rate)}/s${share}${again}`
}
