// Contract: an invocation that an event source mapping gave up lands with its whole content, and its records become the raw object and the batch that
// the invocation would have made, once, however often it is told of. What is no such object goes the way of every other file.
import { afterEach, expect, test } from 'vitest'
import { ingest } from '#functions/ingest/ingest.ts'
import { reconcile } from '#functions/replay/replay.ts'
import { type LandedRecord, landedPrefix } from '#lake/batch.ts'
import { defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { LakeError } from '#lake/errors.ts'
import { created, documents, drop, queue, uris } from './landing.ts'

let lake = memoryLake()
afterEach(() => {
  lake.dispose()
  lake = memoryLake()
})

const customers = defineDataset({
  name: 'customers',
  source: {
    system: 'shop',
    format: 'ndjson',
    match: ['kafka/shop.customers/**', 'kinesis/changes/**'],
    changes: { shape: 'debezium', wrapper: 'kafka', connector: 'postgresql' },
  },
  columns: { id: 'long', name: 'string' },
  publish: { mode: 'merge', key: 'id' },
})

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const kafka = (topic: string, ...offsets: readonly number[]): object => ({
  eventSource: 'aws:kafka',
  records: {
    [`${topic}-0`]: offsets.map(offset => ({
      ...{ topic, partition: 0, offset, timestamp: 1_700_000_000_000 },
      ...{ key: base64('{"id":1}'), value: base64('{"op":"c"}') },
    })),
  },
})
const kinesis = (sequenceNumber: string): object => ({
  Records: [
    {
      eventSource: 'aws:kinesis',
      eventID: `shardId-000000000000:${sequenceNumber}`,
      eventSourceARN: 'arn:aws:kinesis:eu-west-1:123456789012:stream/changes',
      kinesis: { sequenceNumber, partitionKey: '1', data: base64('{"op":"c"}'), approximateArrivalTimestamp: 1.7e9 },
    },
  ],
})

/** As Lambda writes it: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html */
const gaveUp = (payload: unknown): string =>
  JSON.stringify({
    requestContext: { requestId: 'c9b8fa9f', condition: 'RecordAgeExceeded', approximateInvokeCount: 3 },
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    version: '1.0',
    timestamp: '2023-11-14T00:38:06.021Z',
    payload,
  })

const KEY = 'aws/lambda/7b4c1c33/shardId-000000000000/2023/11/14/2023-11-14T00.38.06-0f8fad5b'
const tell = async (...keys: readonly string[]) =>
  ingest(lake, [customers], queue(...keys.map(key => created(lake, key))))

test('an invocation of Kafka becomes the raw object and the batch that it would have been', async () => {
  const direct = await ingest(lake, [customers], kafka('shop.customers', 7, 8))
  const raw = await uris(lake, `${lake.zones.raw}/`)
  lake.dispose()
  lake = memoryLake()
  await drop(lake, KEY, gaveUp(kafka('shop.customers', 7, 8)))
  const told = await tell(KEY)
  expect(told).toMatchObject({ landed: 1, failed: 0, rejected: 0, batchItemFailures: [] })
  expect(told.batches).toEqual(direct.batches)
  expect(await uris(lake, `${lake.zones.raw}/`)).toEqual(raw)
})

test('one of Kinesis too, whether the payload is an object or text; told again, nothing more', async () => {
  await drop(lake, KEY, gaveUp(kinesis('100')))
  await drop(lake, `${KEY}b`, gaveUp(JSON.stringify(kinesis('200'))))
  const first = await tell(KEY, `${KEY}b`)
  expect(first.landed).toBe(2)
  const raw = await uris(lake, `${lake.zones.raw}/`)
  expect(raw).toHaveLength(2)
  expect((await tell(KEY, `${KEY}b`)).batches).toEqual(first.batches)
  expect(await uris(lake, `${lake.zones.raw}/`)).toEqual(raw)
})

test('it is accounted for: a reconciliation misses nothing', async () => {
  await drop(lake, KEY, gaveUp(kinesis('100')))
  await tell(KEY)
  const records = await documents<LandedRecord>(lake, landedPrefix(lake, `${lake.zones.landing}/${KEY}`))
  expect(records.map(({ dataset, outcome }) => [dataset, outcome.kind])).toEqual([['customers', 'duplicate']])
  const report = await reconcile(lake, {
    datasets: [customers],
    landing: true,
    graceMinutes: 0,
    repair: false,
    account: undefined,
  })
  expect(report.landing).toMatchObject({ missing: 0 })
})

test('records that no dataset takes are a dead letter, and their bytes stay in landing', async () => {
  await drop(lake, KEY, gaveUp(kafka('other', 1)))
  expect(await tell(KEY)).toMatchObject({ landed: 0, rejected: 1, reasons: { 'no-dataset': 1 } })
  expect(await lake.storage.head(`${lake.zones.landing}/${KEY}`)).toBeDefined()
})

test('what is no invocation, or holds no records, is a file like any other', async () => {
  for (const text of ['{"id":1}', 'no JSON', gaveUp('no JSON'), gaveUp({ Records: [] }), gaveUp(null)]) {
    const key = `aws/lambda/${text.length}`
    await drop(lake, key, text)
    expect(await tell(key), text).toMatchObject({ rejected: 1, reasons: { 'no-dataset': 1 } })
  }
})

test('a storage that fails hands the message back to the queue', async () => {
  const trouble = { on: true }
  lake.dispose()
  lake = memoryLake({
    storageFaults: (moment, uri) => {
      if (trouble.on && moment === 'before upload' && uri.startsWith(lake.zones.raw))
        throw new LakeError('unavailable', 'on purpose')
    },
  })
  await drop(lake, KEY, gaveUp(kinesis('100')))
  expect((await tell(KEY)).batchItemFailures).toEqual([{ itemIdentifier: 'm1' }])
  trouble.on = false
  expect(await tell(KEY)).toMatchObject({ landed: 1, batchItemFailures: [] })
})
