import { gzipSync } from 'node:zlib'
import { firehose } from '#functions/ingest/firehose.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import type { Lake } from '#lake/lake.ts'

/** What the tests of streams declare and put; every value that a test checks stands in the test. */

export const clicks = defineDataset({
  name: 'clicks',
  source: {
    system: 'web',
    format: 'ndjson',
    stream: { eventTime: 'at', key: 'country', route: { type: ['click', 'tap'] } },
  },
  columns: { type: 'string', id: { type: 'long', required: true }, at: 'timestamptz', country: 'string' },
})

/** Lambda logs, whose messages are JSON. */
export const logs = defineDataset({
  name: 'logs',
  source: {
    system: 'web',
    format: 'ndjson',
    stream: { eventTime: 'time', route: { logGroup: '/aws/lambda/*' }, unwrap: 'message' },
  },
  columns: { time: { type: 'timestamptz', format: 'epoch-millis' }, level: { type: 'string', required: true } },
})

/** Takes only what names it. */
export const payments = defineDataset({
  name: 'payments',
  source: { system: 'shop', format: 'ndjson', match: 'payments/*', stream: { eventTime: 'day' } },
  columns: { id: { type: 'long', required: true }, day: { type: 'date', from: 'date' }, amount: 'decimal(9,2)' },
  evolution: 'freeze',
})

export const streamed: readonly Dataset[] = [clicks, logs, payments]

/** 2026-05-04 12:30 UTC. */
export const ARRIVAL_MS = Date.UTC(2026, 4, 4, 12, 30)

export const record = (recordId: string, data: string | Uint8Array) => ({
  recordId,
  approximateArrivalTimestamp: ARRIVAL_MS,
  data: Buffer.from(data).toString('base64'),
})

export const invocation = (records: readonly unknown[]) => ({
  invocationId: 'invocation-1',
  deliveryStreamArn: 'arn:aws:firehose:eu-central-1:111122223333:deliverystream/sluice-test-events',
  region: 'eu-central-1',
  records,
})

export interface Answered {
  readonly result: string
  readonly text: string | undefined
  /** `<dataset> <date> <hour> <key>` */
  readonly keys: string | undefined
}

export async function answers(
  lake: Lake,
  records: readonly unknown[],
  datasets = streamed,
): Promise<Readonly<Record<string, Answered>>> {
  const { records: all } = await firehose(lake, datasets, invocation(records))
  return Object.fromEntries(
    all.map(answer => {
      if (answer.result !== 'Ok') return [answer.recordId, { result: answer.result, text: undefined, keys: undefined }]
      const { dataset, date, hour, key } = answer.metadata.partitionKeys
      const text = Buffer.from(answer.data, 'base64').toString('utf8')
      return [answer.recordId, { result: 'Ok', text, keys: `${dataset} ${date} ${hour} ${key}` }]
    }),
  )
}

/** As CloudWatch Logs sends it to a stream: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html */
export const envelope = (logGroup: string, messages: readonly string[], messageType = 'DATA_MESSAGE'): Buffer =>
  gzipSync(
    JSON.stringify({
      messageType,
      owner: '111122223333',
      logGroup,
      logStream: '2026/05/04/[$LATEST]b1946ac92492d2347c6235b4d2611184',
      subscriptionFilters: ['to-firehose'],
      logEvents: messages.map((message, at) => ({
        id: `3195310660696698337880902507980421114328961542429000000${at}`,
        timestamp: Date.UTC(2026, 4, 4, 11, 59, at),
        message,
      })),
    }),
  )
