import { assert } from '#lake/errors.ts'
import { eventsOf, hasEventsOf, type StreamError, streamErrors, unreadableOf } from '#lake/stream-error.ts'
import { misfitOf } from '#lake/stream-fit.ts'
import { isStreamed, type StreamDataset } from '#lake/stream-route.ts'
import type { PlainTask } from './decode.ts'
import { linesOf } from './lines.ts'
import { LineFile, type Place, type RefusedRecord } from './records.ts'
import type { ScannedObject } from './scanned.ts'

/** Reasons of records that came by way of the errors of a stream and break no rule of the contract. */
export const STREAM_REASON = 'stream:'

/**
 * Records that a delivery stream could not process. Each event is refused by itself, with its own bytes: those are what can be released once the
 * cause is gone. Its reason is what is wrong with it, or, when nothing is, what Firehose says.
 */
export async function decodeStreamErrors(task: PlainTask): Promise<ScannedObject> {
  const plain = await LineFile.create(`${task.base}.events`)
  const refused = await LineFile.create(`${task.base}.stream-errors.ndjson`)
  const reasons = new Map<string, number>()
  try {
    let place: Place = { ordinal: 0, offset: 0, length: 0 }
    for await (const { raw, reason, message } of refusalsIn(task)) {
      place = { ordinal: place.ordinal + 1, offset: place.offset + place.length, length: raw.length }
      const record: RefusedRecord = { ...place, reason, message }
      plain.bytes.copy(raw, 0, raw.length)
      refused.write(`${JSON.stringify(record)}\n`)
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      await plain.drain()
      await refused.drain()
    }
  } finally {
    await plain.close()
    await refused.close()
  }
  return {
    rows: undefined,
    refused: [refused.path],
    plain: plain.path,
    applied: 0,
    reasons: Object.fromEntries(reasons),
  }
}

/**
 * The same events, in the same order, as a file of lines: for those that are released, which have to fit the contract like any other. What is no
 * object is one record of its own, whatever brackets it holds.
 */
export async function streamErrorsAsLines(task: PlainTask): Promise<PlainTask> {
  const lines = await LineFile.create(`${task.base}.events.ndjson`)
  try {
    for await (const { raw, isObject } of refusalsIn(task)) {
      const text = raw.toString('utf8')
      lines.write(`${isObject || HARMLESS.test(text) ? text : JSON.stringify(text)}\n`)
      await lines.drain()
    }
  } finally {
    await lines.close()
  }
  return { ...task, path: lines.path, glance: undefined }
}

const HARMLESS = /^[^{}[\]"\n\r]+$/

async function* refusalsIn(task: PlainTask): AsyncGenerator<Refusal> {
  const { dataset } = task.contract
  assert(isStreamed(dataset), `${dataset.name} takes no single events, but has errors of a stream`)
  for await (const error of streamErrorsIn(task.path))
    if (task.object.uri !== task.object.sourceUri || isOf(dataset, error)) yield* refusalsOf(dataset, error)
}

/** As it was delivered, an object may hold what is of other datasets, or nobody's. */
const isOf = (dataset: StreamDataset, { raw }: StreamError): boolean => raw !== undefined && hasEventsOf(dataset, raw)

/** The errors of an object that is plain, in their order. */
export async function* streamErrorsIn(path: string): AsyncGenerator<StreamError> {
  for await (const { bytes } of linesOf(path)) {
    const text = bytes.toString('utf8').trim()
    if (text !== '') yield* streamErrors(text)
  }
}

interface Refusal {
  readonly raw: Buffer
  readonly isObject: boolean
  readonly reason: string
  readonly message: string
}

/** A record without events is one refusal, with the bytes that were put. */
function wholeOf(raw: Buffer, general: Pick<Refusal, 'reason' | 'message'>): Refusal {
  const unreadable = unreadableOf(raw)
  if (unreadable === undefined) return { raw, isObject: false, ...general }
  const { bytes, reason, message } = unreadable
  return { raw: bytes, isObject: false, reason, message: `${message}; ${general.message}` }
}

/** Each event by itself; one of a record without any. */
export function refusalsOf(dataset: StreamDataset, error: StreamError): readonly Refusal[] {
  const said = `Firehose: ${error.code}${error.message === '' ? '' : `: ${error.message}`}`
  const general = { reason: `${STREAM_REASON}${error.code}`, message: said }
  if (error.raw === undefined) return [{ raw: Buffer.from(error.text), isObject: false, ...general }]
  const events = eventsOf(dataset, error.raw)
  if (events.length === 0) return [wholeOf(error.raw, general)]
  return events.map(({ text, fields }) => {
    const misfit = misfitOf(dataset, fields)
    const why = misfit === undefined ? general : { reason: misfit.reason, message: `${misfit.message}; ${said}` }
    return { raw: Buffer.from(text), isObject: fields !== undefined, ...why }
  })
}
