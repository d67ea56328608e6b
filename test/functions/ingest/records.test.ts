// Records of Kafka and Kinesis become raw objects, byte for byte, one for each dataset and invocation; a repeated invocation makes no other.
import { expect, test } from 'vitest'
import { ingest } from '#functions/ingest/ingest.ts'
import { type BatchManifest, manifestUri, readDocument } from '#lake/batch.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { LakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'

const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')

function stream(name: string, match: string, tables?: string): Dataset {
  return defineDataset({
    name,
    source: {
      system: 'shop',
      format: 'ndjson',
      match,
      changes: {
        shape: 'debezium',
        wrapper: match.startsWith('kafka') ? 'kafka' : 'kinesis',
        ...(tables ? { tables } : {}),
      },
    },
    columns: { id: 'long', name: 'string' },
    publish: { mode: 'merge', key: 'id' },
  })
}

const kafka = (...records: readonly object[]): object => ({
  eventSource: 'aws:kafka',
  records: {
    'pg.public.customers-0': records.map(each => ({
      topic: 'pg.public.customers',
      partition: 0,
      timestamp: 1_700_000_000_000,
      ...each,
    })),
  },
})

async function textsOf(lake: Lake, dataset: string, batch: string): Promise<readonly unknown[]> {
  const manifest = (await readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch))) as BatchManifest
  const bytes = await Promise.all(manifest.objects.map(object => lake.storage.get(object.uri)))
  return bytes.flatMap(each =>
    Buffer.from(each)
      .toString('utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
  )
}

test('a record keeps its place, key, value and headers; no value is null, and what is no text stays base64', async () => {
  const lake = memoryLake()
  const event = kafka(
    {
      offset: 7,
      key: base64('{"id":1}'),
      value: base64('{"op":"c"}'),
      headers: [{ '__debezium.oldkey': [...Buffer.from('{"id":0}')] }],
    },
    { offset: 8, key: base64('{"id":1}') },
    { offset: 9, key: base64('k'), value: base64(Buffer.from([0, 0, 0, 0, 1, 255])) },
  )
  const { batches, ...report } = await ingest(lake, [stream('customers', 'kafka/pg.public.customers/**')], event)
  expect(report).toMatchObject({ records: 3, landed: 3, failed: 0, batchItemFailures: [] })
  const about = { topic: 'pg.public.customers', partition: 0, timestamp: 1_700_000_000_000 }
  expect(await textsOf(lake, 'customers', batches[0]?.batch ?? '')).toEqual([
    { ...about, offset: 7, key: '{"id":1}', value: '{"op":"c"}', headers: [{ '__debezium.oldkey': '{"id":0}' }] },
    { ...about, offset: 8, key: '{"id":1}', value: null },
    { ...about, offset: 9, key: 'k', valueBase64: 'AAAAAAH/' },
  ])
})

test('the same invocation again makes the same object and batch', async () => {
  const lake = memoryLake()
  const datasets = [stream('customers', 'kafka/pg.public.customers/**')]
  const event = kafka({ offset: 7, key: base64('{"id":1}'), value: base64('{}') })
  const first = await ingest(lake, datasets, event)
  lake.clock.advance(60_000)
  expect((await ingest(lake, datasets, event)).batches).toEqual(first.batches)
})

test('tables of one topic share its objects, and each has a batch', async () => {
  const lake = memoryLake()
  const datasets = [
    stream('customers', 'kafka/all/**', 'public.customers'),
    stream('orders', 'kafka/all/**', 'public.orders'),
  ]
  const records = [{ topic: 'all', partition: 1, offset: 3, timestamp: 5, key: null, value: base64('{"op":"c"}') }]
  const { batches } = await ingest(lake, datasets, { eventSource: 'SelfManagedKafka', records: { 'all-1': records } })
  expect(batches.map(({ dataset }) => dataset)).toEqual(['orders', 'customers'])
  const [left, right] = await Promise.all(
    batches.map(({ dataset, batch }) => readDocument<BatchManifest>(lake, manifestUri(lake, dataset, batch))),
  )
  expect(left?.objects).toEqual(right?.objects)
})

const kinesis = (
  ...records: readonly { readonly shard: string; readonly sequence: string; readonly data: string }[]
): object => ({
  Records: records.map(({ shard, sequence, data }) => ({
    eventSource: 'aws:kinesis',
    eventID: `${shard}:${sequence}`,
    eventSourceARN: 'arn:aws:kinesis:eu-west-1:123456789012:stream/shop',
    kinesis: {
      partitionKey: 'p',
      sequenceNumber: sequence,
      data: base64(data),
      approximateArrivalTimestamp: 1_700_000_000.5,
    },
  })),
})

test('records of Kinesis keep their sequence numbers digit by digit', async () => {
  const lake = memoryLake()
  const sequence = '49590338271490256608559692538361571095921575989136588898'
  const { batches } = await ingest(
    lake,
    [stream('customers', 'kinesis/shop/**')],
    kinesis({ shard: 'shardId-000000000006', sequence, data: '{"op":"c"}' }),
  )
  expect(await textsOf(lake, 'customers', batches[0]?.batch ?? '')).toEqual([
    {
      stream: 'shop',
      shard: 'shardId-000000000006',
      sequenceNumber: sequence,
      partitionKey: 'p',
      timestamp: 1_700_000_000_500,
      data: '{"op":"c"}',
    },
  ])
})

test('when storage fails, Kinesis is told where to begin again, and Kafka fails as a whole', async () => {
  const storageFaults = (operation: string, uri: string): void => {
    if (operation === 'before upload' && uri.includes('raw')) throw new LakeError('unavailable', 'down')
  }
  const lake = memoryLake({ storageFaults })
  const records = [
    { shard: 'shardId-1', sequence: '11', data: '{}' },
    { shard: 'shardId-1', sequence: '12', data: '{}' },
  ]
  const report = await ingest(lake, [stream('customers', 'kinesis/shop/**')], kinesis(...records))
  expect(report).toMatchObject({ failed: 2, batchItemFailures: [{ itemIdentifier: '11' }] })
  const event = kafka({ offset: 7, key: null, value: base64('{}') })
  await expect(ingest(lake, [stream('customers', 'kafka/**')], event)).rejects.toThrow('down')
})

test('a record that no dataset takes is put aside with its bytes', async () => {
  const lake = memoryLake()
  const report = await ingest(
    lake,
    [stream('customers', 'kafka/other/**')],
    kafka({ offset: 7, key: null, value: base64('{"a":1}') }),
  )
  expect(report).toMatchObject({ records: 1, rejected: 1, reasons: { 'no-dataset': 1 }, batches: [] })
  const letters: string[] = []
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/dead-letters/`))
    letters.push(Buffer.from(await lake.storage.get(uri)).toString('utf8'))
  expect(letters).toHaveLength(1)
  expect(JSON.parse(JSON.parse(letters[0] ?? '').body)).toMatchObject({ offset: 7, value: '{"a":1}' })
})
