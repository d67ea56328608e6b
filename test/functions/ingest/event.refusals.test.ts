// Events are untrusted: anyone who may invoke the function may forge one. Other buckets and accounts are refused, keys that would
// leave the landing folder on disk too, and what is no event at all is handed out with its body, never thrown.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { landingBucket, landingUri, readEvent } from '../../../functions/ingest/event.ts'

const created = (bucket: unknown, key: unknown, account = '111122223333') => ({
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account,
  detail: { bucket: { name: bucket }, object: { key, 'version-id': 'v1' } },
})
const limits = { landing: 's3://landing-bucket' }
const inQueue = (body: string) => ({ Records: [{ messageId: 'm1', eventSource: 'aws:sqs', body }] })

test('only the bucket of the landing zone is read', () => {
  const reading = readEvent(created('raw-bucket', 'a.json'), limits)
  expect(reading.arrivals).toEqual([])
  expect(reading.refused).toMatchObject([{ reason: 'other-bucket', place: 'raw-bucket/a.json' }])
})

test('with an account given, events of another are refused', () => {
  const owned = { ...limits, account: '111122223333' }
  expect(readEvent(created('landing-bucket', 'a.json'), owned).arrivals).toHaveLength(1)
  expect(readEvent(created('landing-bucket', 'a.json', '999999999999'), owned).refused).toMatchObject([
    { reason: 'other-account' },
  ])
})

test('landingUri maps bucket and key of either kind of lake', () => {
  expect(landingBucket('s3://landing-bucket')).toBe('landing-bucket')
  expect(landingBucket('file:///home/lake/landing')).toBe('landing')
  expect(landingUri('s3://landing-bucket', 'landing-bucket', 'a/b')).toBe('s3://landing-bucket/a/b')
  expect(landingUri('file:///home/lake/landing', 'landing', 'a/b')).toBe('file:///home/lake/landing/a/b')
  expect(landingUri('s3://landing-bucket', 'landing', 'a/b')).toBeUndefined()
  expect(landingUri('file:///home/lake/landing', 'raw', 'a/b')).toBeUndefined()
})

test.each(['../raw/x', 'a/../../x', '..', './a', 'a/./b', 'a\0b'])('on disk the key %j is refused', key => {
  const reading = readEvent(created('landing', key), { landing: 'file:///home/lake/landing' })
  expect(reading.refused).toMatchObject([{ reason: 'path-not-allowed' }])
})

test.each(['../raw/x', 'a/../../x', './a', 'a..b/..c', 'trailing.'])('in S3 the key %j is an ordinary key', key => {
  expect(readEvent(created('landing-bucket', key), limits).arrivals[0]?.key).toBe(key)
})

test.each([
  ['a body that is not JSON', 'so sorry', 'neither an EventBridge event'],
  ['no detail', '{"source":"aws.s3","detail-type":"Object Created"}', 'bucket.name'],
  ['a key that is a number', JSON.stringify(created('landing-bucket', 7)), 'object.key'],
  ['an empty key', JSON.stringify(created('landing-bucket', '')), 'object.key'],
  ['half a surrogate pair', JSON.stringify(created('landing-bucket', 'a\ud800')), 'object.key'],
  ['a key of 1,025 bytes', JSON.stringify(created('landing-bucket', `${'é'.repeat(512)}x`)), '1,024 bytes'],
  ['a bucket that is an object', JSON.stringify(created({}, 'a')), 'bucket.name'],
  ['JSON null', 'null', 'neither an EventBridge event'],
  [
    'a key that is not form-encoded',
    '{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"landing-bucket"},"object":{"key":"%zz"}}}]}',
    'form-encoded',
  ],
])('%s is invalid, with its body', (_name, body, reason) => {
  const reading = readEvent(inQueue(body), limits)
  expect(reading.arrivals).toEqual([])
  expect(reading.invalid).toEqual([{ message: 'm1', reason: expect.stringContaining(reason), body }])
})

test('a key of exactly 1,024 bytes is read', () => {
  expect(readEvent(created('landing-bucket', 'é'.repeat(512)), limits).arrivals).toHaveLength(1)
})

test('nothing that JSON can say makes it throw, and names from Object.prototype are no fields', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const reading = readEvent(value, limits)
      expect(reading.arrivals).toEqual([])
      readEvent(inQueue(JSON.stringify(value)), limits)
      readEvent({ Records: [value] }, limits)
    }),
  )
  expect(readEvent({ Records: [{ eventSource: 'aws:sqs' }] }, limits).invalid).toHaveLength(1)
})

test('a queue without a message fails no message', () => {
  expect(readEvent({ Records: [] }, limits)).toEqual({ arrivals: [], ignored: [], refused: [], invalid: [] })
})
