import { isUtf8 } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import { piecesOf, valuesIn } from './json-pieces.ts'
import { DATASET_FIELD } from './stream.ts'

export type Fields = Readonly<Record<string, unknown>>

/** One event of a record. */
export interface StreamEvent {
  /** Exactly as it was put. */
  readonly text: string
  /** Parsed, to decide by; undefined when the text is no JSON object. */
  readonly fields: Fields | undefined
}

/** What a record of a stream holds. */
export type RecordReading =
  | {
      readonly kind: 'events'
      /** Named by the record itself. */
      readonly dataset: string | undefined
      readonly events: readonly StreamEvent[]
    }
  /** Nothing that anybody would miss: blanks, and what CloudWatch Logs sends to try a stream out. */
  | { readonly kind: 'none'; readonly reason: string }
  | {
      readonly kind: 'unreadable'
      readonly reason: string
      readonly message: string
      /** The record names its dataset all the same, in front of these bytes. */
      readonly named?: { readonly dataset: string; readonly bytes: Buffer }
    }

/** A record has 1,000 KiB at most; what expands to more than this is no text that somebody logged. */
const PLAIN_BYTES_MAX = 64 * 1_048_576
/** A value costs a hundred bytes of memory and more, however short it is: 60 KB of gzip hold thirty million. */
const VALUES_MAX = 2_000_000

/**
 * Reads the bytes of one record: a JSON object, several by line or back to back, an array of them, or an envelope of CloudWatch Logs; any of
 * them gzipped, and behind a first line that names the dataset. Never throws.
 */
export function readRecord(bytes: Buffer): RecordReading {
  const plain = inflated(bytes)
  if (!Buffer.isBuffer(plain)) return plain
  if (!isUtf8(plain)) return noText(plain)
  if (hasManyValues(plain)) return tooMuch(`the record holds more than ${VALUES_MAX} values`)
  const text = plain.toString('utf8').trim()
  if (text === '') return { kind: 'none', reason: 'empty' }
  const all = eventsOf(text)
  const dataset = headerOf(all[0])
  const given = dataset === undefined ? all : all.slice(1)
  if (copiedBytes(given) > PLAIN_BYTES_MAX)
    return tooMuch(`the record says more than ${PLAIN_BYTES_MAX} bytes of where its log events come from`)
  const events = given.flatMap(fromLogs)
  if (events.length > 0) return { kind: 'events', dataset, events }
  return { kind: 'none', reason: given.length > 0 ? 'control-message' : 'empty' }
}

/** Text in another encoding, behind a first line that can be read as ever: whose it is is known, and so is where it is put aside. */
function noText(plain: Buffer): RecordReading {
  const unreadable = { kind: 'unreadable', reason: 'utf8', message: 'the record is not valid UTF-8' } as const
  const end = plain.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE)
  const dataset = headerOf(eventOf(plain.toString('utf8', 0, Math.max(0, end))))
  return dataset === undefined ? unreadable : { ...unreadable, named: { dataset, bytes: plain.subarray(end + 1) } }
}

/** Names of tables are much shorter. */
const HEADER_BYTES_MAX = 1_024

export const isGzip = (bytes: Buffer): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b

function inflated(bytes: Buffer): Buffer | RecordReading {
  if (!isGzip(bytes)) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: PLAIN_BYTES_MAX })
  } catch (error) {
    const isLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE'
    return isLarge
      ? tooMuch(`the record expands to more than ${PLAIN_BYTES_MAX} bytes`)
      : { kind: 'unreadable', reason: 'corrupt', message: `the gzip data is damaged: ${(error as Error).message}` }
  }
}

const tooMuch = (message: string): RecordReading => ({ kind: 'unreadable', reason: 'ratio', message })

/** Told before anything is parsed, by what can begin a value, in a string or not: whatever is made of these bytes, it has no more. */
function hasManyValues(plain: Buffer): boolean {
  let room = VALUES_MAX
  for (let at = 0; at < plain.length && room >= 0; at++) {
    const byte = plain[at]
    if (byte === COMMA || byte === BRACE || byte === BRACKET || byte === NEWLINE) room--
  }
  return room < 0
}

const [COMMA, BRACE, BRACKET, NEWLINE] = [0x2c, 0x7b, 0x5b, 0x0a]

// --- Events --------------------------------------------------------------------------------------------------------

/** By brackets, which also takes objects back to back or over several lines; where that fails by line, so that one bad line costs itself. */
function eventsOf(text: string): readonly StreamEvent[] {
  const whole = valuesIn(text)?.flatMap(eventsOfValue)
  if (whole?.every(event => event.fields !== undefined)) return whole
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')
    .flatMap(line => (valuesIn(line) ?? [line]).flatMap(eventsOfValue))
}

/** An array stands for its elements. */
function eventsOfValue(text: string): readonly StreamEvent[] {
  const value = parsed(text)
  if (!Array.isArray(value)) return [{ text, fields: fieldsOf(value) }]
  return piecesOf(text).map((piece, at) => ({ text: piece.value, fields: fieldsOf(value[at]) }))
}

/** An event whose text is known. */
export const eventOf = (text: string): StreamEvent => ({ text, fields: fieldsOf(parsed(text)) })

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const fieldsOf = (value: unknown): Fields | undefined =>
  // A parse border: JSON objects are records of unknown values.
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined

function headerOf(event: StreamEvent | undefined): string | undefined {
  const name = event?.fields?.[DATASET_FIELD]
  return typeof name === 'string' && Object.keys(event?.fields ?? {}).length === 1 ? name : undefined
}

// --- CloudWatch Logs -----------------------------------------------------------------------------------------------

/**
 * One event for each log event of an envelope, with the group and stream that it came from
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#FirehoseExample).
 */
function fromLogs(event: StreamEvent): readonly StreamEvent[] {
  const logs = logsOf(event)
  if (logs === undefined) return [event]
  return logs.events.map(each => {
    const fields = { ...(fieldsOf(each) ?? { message: each }), ...logs.from }
    return { text: JSON.stringify(fields), fields }
  })
}

/** The log events of an envelope, and what is said in each of them of where it came from; undefined for any other event. */
function logsOf({ fields }: StreamEvent): { readonly events: readonly unknown[]; readonly from: Fields } | undefined {
  const { messageType, owner, logGroup, logStream, logEvents } = fields ?? {}
  if (typeof logGroup !== 'string' || !Array.isArray(logEvents)) return undefined
  const from = { owner, logGroup, logStream }
  if (messageType === 'CONTROL_MESSAGE') return { events: [], from }
  return messageType === 'DATA_MESSAGE' ? { events: logEvents, from } : undefined
}

/** A long name of a log stream stands in each of a hundred thousand events. */
function copiedBytes(events: readonly StreamEvent[]): number {
  return events.reduce((sum, event) => {
    const logs = logsOf(event)
    return logs === undefined ? sum : sum + JSON.stringify(logs.from).length * logs.events.length
  }, 0)
}

/** An event as it may stand on a line of a record, so that it is read as this event again: as one, and out of one envelope. */
export function asPut(event: StreamEvent): string {
  const logs = logsOf(event)
  if (logs !== undefined)
    return JSON.stringify({ messageType: 'DATA_MESSAGE', ...logs.from, logEvents: [event.fields] })
  return Array.isArray(parsed(event.text)) ? `[${event.text}]` : event.text
}
