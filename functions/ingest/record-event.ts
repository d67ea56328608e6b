import { isUtf8 } from 'node:buffer'

/** A record of a Kafka topic or a Kinesis stream, as it is kept: one line of JSON. */
export interface EventRecord {
  /** The key under which it would land: `kafka/topic/partition` or `kinesis/stream/shard`. Datasets match it by their globs. */
  readonly place: string
  /** Its place in there: offset or sequence number. */
  readonly ordinal: string
  readonly timestampMs: number | undefined
  readonly line: string
  /** What Kinesis is told when the record is to be delivered again; Kafka delivers the whole invocation again. */
  readonly item: string | undefined
}

/**
 * The records of an event source mapping of MSK, Kafka or Kinesis; undefined for any other event. Unknown fields are tolerated, and bytes that
 * are no text stay base64, so that nothing of a record is lost.
 */
export function readRecords(event: unknown): readonly EventRecord[] | undefined {
  const source = field(event, 'eventSource')
  if (source === 'aws:kafka' || source === 'SelfManagedKafka') {
    const lists = field(event, 'records')
    const records = typeof lists === 'object' && lists !== null ? Object.values(lists).flat() : []
    return records.map(kafkaRecord)
  }
  const records = field(event, 'Records')
  if (!Array.isArray(records) || !records.some(record => field(record, 'eventSource') === 'aws:kinesis'))
    return undefined
  return records.map(kinesisRecord)
}

function kafkaRecord(record: unknown): EventRecord {
  const [topic, partition, offset] = [
    text(field(record, 'topic')),
    text(field(record, 'partition')),
    text(field(record, 'offset')),
  ]
  const timestamp = field(record, 'timestamp')
  const headers = headersOf(field(record, 'headers'))
  const line = {
    topic,
    partition: Number(partition),
    offset: Number(offset),
    timestamp,
    ...bytes('key', field(record, 'key')),
    ...bytes('value', field(record, 'value')),
    ...(headers.length === 0 ? {} : { headers }),
  }
  return {
    place: `kafka/${topic}/${partition}`,
    ordinal: offset,
    timestampMs: typeof timestamp === 'number' ? timestamp : undefined,
    line: JSON.stringify(line),
    item: undefined,
  }
}

function kinesisRecord(record: unknown): EventRecord {
  const kinesis = field(record, 'kinesis')
  const shard = text(field(record, 'eventID')).split(':')[0] ?? ''
  const stream = text(field(record, 'eventSourceARN')).split('/').at(-1) ?? ''
  const sequenceNumber = text(field(kinesis, 'sequenceNumber'))
  const arrival = field(kinesis, 'approximateArrivalTimestamp')
  const timestampMs = typeof arrival === 'number' ? Math.round(arrival * 1_000) : undefined
  const line = {
    stream,
    shard,
    sequenceNumber,
    partitionKey: field(kinesis, 'partitionKey'),
    timestamp: timestampMs,
    ...bytes('data', field(kinesis, 'data')),
  }
  return {
    place: `kinesis/${stream}/${shard}`,
    ordinal: sequenceNumber,
    timestampMs,
    line: JSON.stringify(line),
    item: sequenceNumber,
  }
}

/** Base64 as text where it is UTF-8, and as it came where it is not. A record without a value has none of the two. */
function bytes(name: string, value: unknown): Readonly<Record<string, string | null>> {
  if (typeof value !== 'string') return { [name]: null }
  const decoded = Buffer.from(value, 'base64')
  return isUtf8(decoded) ? { [name]: decoded.toString('utf8') } : { [`${name}Base64`]: value }
}

/** `[{name: [byte, …]}]` as `[{name: text}]`. */
function headersOf(headers: unknown): readonly Readonly<Record<string, string>>[] {
  if (!Array.isArray(headers)) return []
  return headers.map(header =>
    Object.fromEntries(
      Object.entries((header ?? {}) as Readonly<Record<string, unknown>>).map(([name, value]) => [
        name,
        Array.isArray(value) ? Buffer.from(value as number[]).toString('utf8') : text(value),
      ]),
    ),
  )
}

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

/** An own field of an object that came from outside; undefined for anything else. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  // The guard above proves that it is an object with this field; TypeScript cannot express that for unknown values.
  return (value as Record<string, unknown>)[name]
}
