// Every record of an S3 event is read in each shape it may come in: EventBridge or S3 notification, bare or inside SQS messages.
// Keys are form-encoded in S3's own notifications and in no other shape; a record lands in exactly one of the four lists.
import { expect, test } from 'vitest'
import { DIRECT, readEvent } from '../../../functions/ingest/event.ts'

const limits = { landing: 's3://landing-bucket' }

const bridge = (key: string, extra: object = {}) => ({
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '111122223333',
  time: '2024-05-06T07:08:09Z',
  region: 'eu-central-1',
  resources: ['arn:aws:s3:::landing-bucket'],
  detail: {
    version: '0',
    bucket: { name: 'landing-bucket' },
    object: {
      key,
      size: 5,
      etag: 'b1946ac92492d2347c6235b4d2611184',
      'version-id': 'v1',
      sequencer: '617f08299329d189',
    },
    reason: 'PutObject',
  },
  ...extra,
})

const notification = (key: string, eventName = 'ObjectCreated:Put') => ({
  Records: [
    {
      eventVersion: '2.3',
      eventSource: 'aws:s3',
      awsRegion: 'eu-central-1',
      eventName,
      s3: {
        s3SchemaVersion: '1.0',
        bucket: { name: 'landing-bucket', arn: 'arn:aws:s3:::landing-bucket' },
        object: { key, size: 5, eTag: 'x', versionId: 'v1', sequencer: '617f08299329d189' },
      },
    },
  ],
})

const queue = (...bodies: readonly unknown[]) => ({
  Records: bodies.map((body, index) => ({
    messageId: `m${index + 1}`,
    eventSource: 'aws:sqs',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })),
})

const testEvent = {
  Service: 'Amazon S3',
  Event: 's3:TestEvent',
  Time: '2024-05-06T07:08:09Z',
  Bucket: 'landing-bucket',
}

test.each([
  ['EventBridge, bare', bridge('a/b.json'), DIRECT],
  ['S3 notification, bare', notification('a/b.json'), DIRECT],
  ['EventBridge in SQS', queue(bridge('a/b.json')), 'm1'],
  ['S3 notification in SQS', queue(notification('a/b.json')), 'm1'],
])('%s', (_name, event, message) => {
  const reading = readEvent(event, limits)
  expect(reading).toEqual({
    arrivals: [
      {
        uri: 's3://landing-bucket/a/b.json',
        bucket: 'landing-bucket',
        key: 'a/b.json',
        version: 'v1',
        messages: [message],
      },
    ],
    ignored: [],
    refused: [],
    invalid: [],
  })
})

test.each([
  ['a b.json', 'a+b.json'],
  ['a+b.json', 'a%2Bb.json'],
  ['a%20b.json', 'a%2520b.json'],
  ['a%2Fb', 'a%252Fb'],
  ['100%', '100%25'],
  ['dt=1/x', 'dt%3D1/x'],
  ['🦀.json', '%F0%9F%A6%80.json'],
  ['caf\u00e9', 'caf%C3%A9'],
  ['cafe\u0301', 'cafe%CC%81'],
  ["it's;--$(x){{`", 'it%27s%3B--%24%28x%29%7B%7B%60'],
  ['line\r\nbreak', 'line%0D%0Abreak'],
  ['../../curated/x', '../../curated/x'],
  ['/abs//b/./c.', '/abs//b/./c.'],
])('the key %j round trips through both shapes', (key, encoded) => {
  expect(readEvent(bridge(key), limits).arrivals[0]?.key).toBe(key)
  expect(readEvent(notification(encoded), limits).arrivals[0]?.key).toBe(key)
  expect(readEvent(bridge(key), limits).arrivals[0]?.uri).toBe(`s3://landing-bucket/${key}`)
})

test('composed and decomposed letters are two objects', () => {
  expect(readEvent(queue(bridge('caf\u00e9'), bridge('cafe\u0301')), limits).arrivals).toHaveLength(2)
})

test('fields that a later minor version adds are tolerated', () => {
  const event = bridge('a.json', { 'trace-header': 'x' })
  const detail = {
    ...event.detail,
    'event-version': '1.7',
    object: { ...event.detail.object, annotation: { deep: [] } },
  }
  expect(readEvent({ ...event, detail }, limits).arrivals).toHaveLength(1)
})

test('a version id that is absent, null or empty means the current version', () => {
  const versions = [undefined, null, ''].map(version => {
    const event = bridge('a.json')
    const object = { ...event.detail.object, 'version-id': version }
    return readEvent({ ...event, detail: { ...event.detail, object } }, limits).arrivals[0]?.version
  })
  expect(versions).toEqual([undefined, undefined, undefined])
})

test('the same version in two messages is one arrival that names both, another version is another', () => {
  const event = bridge('a.json')
  const second = { ...event, detail: { ...event.detail, object: { ...event.detail.object, 'version-id': 'v2' } } }
  const { arrivals } = readEvent(queue(event, second, event, notification('a.json')), limits)
  expect(arrivals.map(({ version, messages }) => ({ version, messages }))).toEqual([
    { version: 'v1', messages: ['m1', 'm3', 'm4'] },
    { version: 'v2', messages: ['m2'] },
  ])
})

test('test events, deletions, tags, restores, and other sources are ignored by name', () => {
  const other = (type: string) => bridge('a.json', { 'detail-type': type })
  const event = queue(
    testEvent,
    other('Object Deleted'),
    other('Object Tags Added'),
    other('Object Restore Completed'),
    bridge('a.json', { source: 'sluice', 'detail-type': 'Raw Batch Ready' }),
    notification('a.json', 'ObjectRemoved:Delete'),
  )
  const reading = readEvent(event, limits)
  expect(reading.ignored).toEqual([
    'test-event',
    'not-created',
    'not-created',
    'not-created',
    'other-source',
    'not-created',
  ])
  expect([reading.arrivals, reading.refused, reading.invalid]).toEqual([[], [], []])
  expect(readEvent(testEvent, limits).ignored).toEqual(['test-event'])
})
