import type { Uri } from '#lake/lake.ts'

/** One version of one landing object, as an event names it. */
export interface Arrival {
  readonly uri: Uri
  readonly bucket: string
  /** As stored: decoded where the event's shape encodes it. Opaque text, never a path. */
  readonly key: string
  /** Absent for buckets without versioning, and in hand-made events: then the current version is meant. */
  readonly version: string | undefined
  /** The queue messages that named it; `DIRECT` when no queue stood between. */
  readonly messages: readonly string[]
}

/** Stands for the whole event where there is no SQS message id to report a failure with. */
export const DIRECT = ''

export interface InvalidMessage {
  readonly message: string
  readonly reason: string
  readonly body: string
}

/** What an event asks for, and what it does not: every record of it is in exactly one of the four lists. */
export interface EventReading {
  readonly arrivals: readonly Arrival[]
  /** Reasons, one per record: test events, deletions, other sources. */
  readonly ignored: readonly string[]
  /** Records that name something outside the landing zone: forged, or a rule that is too wide. */
  readonly refused: readonly { readonly reason: string; readonly place: string }[]
  readonly invalid: readonly InvalidMessage[]
}

export interface EventLimits {
  readonly landing: Uri
  /** When given, events of other AWS accounts are refused. */
  readonly account?: string | undefined
}

type Reading =
  | { readonly kind: 'arrival'; readonly arrival: Arrival }
  | { readonly kind: 'ignored'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly place: string }
  | { readonly kind: 'invalid'; readonly reason: string }

/**
 * Reads an SQS event whose bodies are EventBridge events or S3 notifications, or one of those bare. Unknown fields are
 * tolerated: S3 adds some with every minor version.
 */
export function readEvent(event: unknown, limits: EventLimits): EventReading {
  const messages = queueMessages(event) ?? [{ id: DIRECT, body: event, text: undefined }]
  const readings = messages.flatMap(message =>
    readBody(message.body, limits, message.id).map(reading => ({ reading, message })),
  )
  return {
    arrivals: mergeArrivals(readings.flatMap(({ reading }) => (reading.kind === 'arrival' ? [reading.arrival] : []))),
    ignored: readings.flatMap(({ reading }) => (reading.kind === 'ignored' ? [reading.reason] : [])),
    refused: readings.flatMap(({ reading }) => (reading.kind === 'refused' ? [reading] : [])),
    invalid: readings.flatMap(({ reading, message }) =>
      reading.kind === 'invalid'
        ? [{ message: message.id, reason: reading.reason, body: message.text ?? asText(message.body) }]
        : [],
    ),
  }
}

/**
 * The URI of a landing object, or undefined when the bucket is not the landing zone's. On a folder, keys that would step
 * out of it are refused too; on S3 `..` is an ordinary key segment.
 */
export function landingUri(landing: Uri, bucket: string, key: string): Uri | undefined {
  if (bucket !== landingBucket(landing)) return undefined
  const steps = key.split('/')
  if (landing.startsWith('file:') && (key.includes('\0') || steps.some(step => step === '.' || step === '..')))
    return undefined
  return `${landing}/${key}`
}

/** The bucket of `s3://bucket`; the last folder of `file:///…/landing`, which plays its part on disk. */
export function landingBucket(landing: Uri): string {
  return landing.slice(landing.lastIndexOf('/') + 1)
}

// --- Messages ------------------------------------------------------------------------------------------------------

interface QueueMessage {
  readonly id: string
  readonly body: unknown
  readonly text: string | undefined
}

function queueMessages(event: unknown): readonly QueueMessage[] | undefined {
  const records = field(event, 'Records')
  if (!Array.isArray(records) || !records.some(record => field(record, 'eventSource') === 'aws:sqs')) return undefined
  return records.map(record => {
    const text = field(record, 'body')
    const id = field(record, 'messageId')
    return {
      id: typeof id === 'string' ? id : DIRECT,
      body: parseJson(text),
      text: typeof text === 'string' ? text : undefined,
    }
  })
}

function readBody(body: unknown, limits: EventLimits, message: string): readonly Reading[] {
  const records = field(body, 'Records')
  if (Array.isArray(records)) return records.map(record => readNotification(record, limits, message))
  // S3 sends it once when notifications are configured, with neither bucket event nor key.
  if (field(body, 'Event') === 's3:TestEvent') return [{ kind: 'ignored', reason: 'test-event' }]
  return [readBusEvent(body, limits, message)]
}

/** EventBridge: keys arrive as they are (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html). */
function readBusEvent(event: unknown, limits: EventLimits, message: string): Reading {
  const type = field(event, 'detail-type')
  const source = field(event, 'source')
  if (typeof type !== 'string' || typeof source !== 'string')
    return { kind: 'invalid', reason: 'neither an EventBridge event nor an S3 notification' }
  if (source !== 'aws.s3') return { kind: 'ignored', reason: 'other-source' }
  if (type !== 'Object Created') return { kind: 'ignored', reason: 'not-created' }
  const account = field(event, 'account')
  if (limits.account !== undefined && account !== limits.account)
    return { kind: 'refused', reason: 'other-account', place: asText(account) }
  const object = field(field(event, 'detail'), 'object')
  return arrivalOf({
    bucket: field(field(field(event, 'detail'), 'bucket'), 'name'),
    key: field(object, 'key'),
    version: field(object, 'version-id'),
    landing: limits.landing,
    message,
  })
}

/** S3's own notifications form-encode the key (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html). */
function readNotification(record: unknown, limits: EventLimits, message: string): Reading {
  if (field(record, 'eventSource') !== 'aws:s3') return { kind: 'ignored', reason: 'other-source' }
  const name = field(record, 'eventName')
  if (typeof name !== 'string') return { kind: 'invalid', reason: 'eventName is missing' }
  if (!/^(s3:)?ObjectCreated:/.test(name)) return { kind: 'ignored', reason: 'not-created' }
  const object = field(field(record, 's3'), 'object')
  const key = field(object, 'key')
  const decoded = typeof key === 'string' ? formDecode(key) : undefined
  if (decoded === undefined) return { kind: 'invalid', reason: 'object.key is missing or not form-encoded' }
  return arrivalOf({
    bucket: field(field(field(record, 's3'), 'bucket'), 'name'),
    key: decoded,
    version: field(object, 'versionId'),
    landing: limits.landing,
    message,
  })
}

function arrivalOf(named: {
  readonly bucket: unknown
  readonly key: unknown
  readonly version: unknown
  readonly landing: Uri
  readonly message: string
}): Reading {
  const { bucket, key, version, landing, message } = named
  if (typeof bucket !== 'string') return { kind: 'invalid', reason: 'bucket.name is not text' }
  if (typeof key !== 'string' || key === '' || !key.isWellFormed())
    return { kind: 'invalid', reason: 'object.key is not text' }
  if (Buffer.byteLength(key) > 1_024) return { kind: 'invalid', reason: 'object.key is longer than 1,024 bytes' }
  if (version !== undefined && version !== null && typeof version !== 'string')
    return { kind: 'invalid', reason: 'the version id is not text' }
  const uri = landingUri(landing, bucket, key)
  if (uri === undefined) {
    const reason = bucket === landingBucket(landing) ? 'path-not-allowed' : 'other-bucket'
    return { kind: 'refused', reason, place: `${bucket}/${key}` }
  }
  return { kind: 'arrival', arrival: { uri, bucket, key, version: version || undefined, messages: [message] } }
}

/** Two messages about one version are one arrival: it succeeds or fails for both. */
function mergeArrivals(arrivals: readonly Arrival[]): readonly Arrival[] {
  const merged = new Map<string, Arrival>()
  for (const arrival of arrivals) {
    const id = JSON.stringify([arrival.uri, arrival.version])
    const messages = [...(merged.get(id)?.messages ?? []), ...arrival.messages]
    merged.set(id, { ...arrival, messages })
  }
  return [...merged.values()]
}

// --- Untrusted values ----------------------------------------------------------------------------------------------

/** An own field of an object that came from outside; undefined for anything else. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  // The guard above proves that it is an object with this field; TypeScript cannot express that for unknown values.
  return (value as Record<string, unknown>)[name]
}

function parseJson(text: unknown): unknown {
  if (typeof text !== 'string') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function formDecode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

function asText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
