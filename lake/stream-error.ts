import { gzipSync } from 'node:zlib'
import { blankRecord } from './erasure.ts'
import { valuesIn } from './json-pieces.ts'
import type { Uri } from './lake.ts'
import { recordHeader, STREAM_ERROR_FOLDER } from './stream.ts'
import { asPut, type Fields, isGzip, readRecord, type StreamEvent } from './stream-record.ts'
import { isRouted, type StreamDataset, type StreamRouter, unwrapped } from './stream-route.ts'

/** A record that Firehose could not process, as it stands in an object below the error prefix. */
export interface StreamError {
  /** The line that says all this, as it was delivered. */
  readonly text: string
  readonly code: string
  readonly message: string
  /** What was put; undefined when the line does not say. */
  readonly raw: Buffer | undefined
}

/** Whether a landing object holds what Firehose could not process. */
export const isStreamErrorUri = (landing: Uri, uri: Uri): boolean =>
  uri.startsWith(`${landing}/${STREAM_ERROR_FOLDER}/`)

/**
 * The errors of one line, of which Firehose writes one JSON document each. Failures of the format conversion spell their fields with capitals:
 * https://docs.aws.amazon.com/firehose/latest/dev/record-format-conversion-error-handling.html
 */
export function streamErrors(line: string): readonly StreamError[] {
  return (valuesIn(line) ?? [line]).map(text => {
    const fields = fieldsOf(text)
    const raw = fields['rawData']
    return {
      text,
      code: textOf(fields['errorCode'] ?? fields['ErrorCode']) ?? 'unknown',
      message: textOf(fields['errorMessage'] ?? fields['ErrorMessage']) ?? '',
      raw: typeof raw === 'string' ? Buffer.from(raw, 'base64') : undefined,
    }
  })
}

function fieldsOf(text: string): Fields {
  try {
    const value: unknown = JSON.parse(text)
    // A parse border: JSON objects are records of unknown values.
    return typeof value === 'object' && value !== null ? (value as Fields) : {}
  } catch {
    return {}
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** The datasets that have events in a record, by name; `undefined` among them when some of it is nobody's. What cannot be read goes with the rest. */
export function ownersOf(router: StreamRouter, raw: Buffer | undefined): ReadonlySet<string | undefined> {
  const reading = raw === undefined ? undefined : readRecord(raw)
  if (reading?.kind === 'unreadable') return new Set([reading.named && router.named(reading.named.dataset)?.name])
  if (reading?.kind !== 'events') return new Set([undefined])
  if (reading.dataset !== undefined) return new Set([router.named(reading.dataset)?.name])
  const owners = reading.events.flatMap(({ fields }) => (fields === undefined ? [] : [router.routed(fields)?.name]))
  return new Set(owners.length === 0 ? [undefined] : owners)
}

export interface Unreadable {
  readonly bytes: Buffer
  readonly reason: string
  readonly message: string
}

/** Why there are no events in a record, and its own bytes; undefined when it can be read. */
export function unreadableOf(raw: Buffer): Unreadable | undefined {
  const reading = readRecord(raw)
  if (reading.kind !== 'unreadable') return undefined
  return { bytes: reading.named?.bytes ?? raw, reason: reading.reason, message: reading.message }
}

/** The events of a record that are the dataset's, out of their envelopes. */
export const eventsOf = (dataset: StreamDataset, raw: Buffer): readonly StreamEvent[] =>
  ownEvents(dataset, raw).map(event => unwrapped(dataset, event) ?? event)

function ownEvents(dataset: StreamDataset, raw: Buffer): readonly StreamEvent[] {
  const reading = readRecord(raw)
  if (reading.kind !== 'events') return []
  const { events, dataset: named } = reading
  const isOurs = ({ fields }: StreamEvent): boolean =>
    named === undefined ? fields === undefined || isRouted(dataset, fields) : named === dataset.name
  return events.filter(isOurs)
}

/** Whether some of a record is the dataset's beyond doubt: text that nobody can read is everybody's or nobody's. */
export function hasEventsOf(dataset: StreamDataset, raw: Buffer): boolean {
  const reading = readRecord(raw)
  if (reading.kind === 'unreadable') return reading.named?.dataset === dataset.name
  if (reading.kind !== 'events') return false
  if (reading.dataset !== undefined) return reading.dataset === dataset.name
  return reading.events.some(({ fields }) => fields !== undefined && isRouted(dataset, fields))
}

/**
 * A record anew, of which `eventsOf` makes the same events in the same order, but for those that are to go: in their places stands what says nothing,
 * as in the place of a record without events. What is not the dataset's is not in it any more.
 */
export function recordWithout(dataset: StreamDataset, raw: Buffer, isGone: (at: number) => boolean): Buffer {
  const events = ownEvents(dataset, raw)
  if (events.length === 0) return Buffer.from(blankRecord((unreadableOf(raw)?.bytes ?? raw).length))
  const lines = events.map((event, at) => {
    const { text } = unwrapped(dataset, event) ?? event
    return isGone(at) ? blankRecord(Buffer.byteLength(text)) : asPut(event)
  })
  const written = Buffer.from(`${recordHeader(dataset.name)}${lines.join('\n')}`)
  return isGzip(raw) ? gzipSync(written) : written
}
