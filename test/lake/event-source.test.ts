// Contract: a stage reads the streams that name it. One that cannot work, or whose records no dataset takes, is refused before anything is deployed,
// with what is wrong.
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { type EventSource, isDiscarded, type KinesisSource, type MskSource, sourcesOf } from '#lake/event-source.ts'

const datasets = [
  defineDataset({
    name: 'customers',
    source: { system: 'shop', format: 'ndjson', match: ['kafka/shop.customers/**', 'kinesis/changes/**'] },
    columns: { id: 'long' },
  }),
]

const kinesis: KinesisSource = {
  name: 'changes',
  kind: 'kinesis',
  stages: ['prod'],
  streamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/changes',
}
const msk: MskSource = {
  name: 'shop',
  kind: 'msk',
  stages: ['prod', 'dev'],
  clusterArn: 'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/0a1b-2',
  topics: ['shop.customers'],
  consumerGroup: 'sluice',
  auth: 'iam',
}
const of = (stage: string, ...all: readonly EventSource[]) => sourcesOf(all, { stage, datasets })

test('those that name the stage, and no others', () => {
  expect(of('prod', kinesis, msk)).toEqual([kinesis, msk])
  expect(of('dev', kinesis, msk)).toEqual([msk])
  expect(of('mine', kinesis, msk)).toEqual([])
})

test.each<[string, EventSource]>([
  ['must have a name of small letters', { ...kinesis, name: 'Changes' }],
  ['has recordsMax out of 1 to 10,000', { ...kinesis, recordsMax: 10_001 }],
  ['has recordsMax out of 1 to 10,000', { ...kinesis, recordsMax: 1.5 }],
  ['has windowSeconds out of 0 to 300', { ...kinesis, windowSeconds: 301 }],
  ['has a streamArn that is none of a Kinesis stream', { ...kinesis, streamArn: 'changes' }],
  ['has a keyArn that is none of a KMS key', { ...kinesis, keyArn: 'alias/changes' }],
  ['has a clusterArn that is none of an MSK cluster', { ...msk, clusterArn: kinesis.streamArn }],
  ['names no topics', { ...msk, topics: [] }],
  ['has the topic "shop/*"', { ...msk, topics: ['shop/*'] }],
  ['has no consumerGroup', { ...msk, consumerGroup: '' }],
  [
    'has a secretArn that is none of a secret whose name begins with AmazonMSK_',
    {
      ...msk,
      auth: { secretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop', keyArn: 'x' },
    },
  ],
  [
    'has a keyArn that is none of a KMS key',
    {
      ...msk,
      auth: { secretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_shop', keyArn: 'x' },
    },
  ],
])('%s', (message, source) => {
  expect(() => of('prod', source)).toThrow(`source "${source.name}" ${message}`)
  // What another stage reads is judged too: a mistake shows before it is its turn.
  expect(() => of('mine', source)).toThrow(message)
})

test('two of one name', () =>
  expect(() => of('prod', msk, { ...kinesis, name: 'shop' })).toThrow('has the name of another'))

test('records that no dataset takes', () => {
  expect(() => of('prod', { ...msk, topics: ['shop.customers', 'shop.orders'] })).toThrow(
    'source "shop" brings kafka/shop.orders/0/…, which no dataset has a source.match for',
  )
})

test('what Lambda gives up has a folder of its own', () => {
  expect(isDiscarded('aws/lambda/7b4c/shardId-0/2023/11/14/x')).toBe(true)
  expect(isDiscarded('orders/aws/lambda/x')).toBe(false)
})
