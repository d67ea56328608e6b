import type { EventSource } from '../../../lake/event-source.ts'

/** Streams of a stage of its own: one of Kinesis, one cluster with roles, one with a password; and one that another stage reads. */
export const sources: readonly EventSource[] = [
  {
    name: 'clicks',
    kind: 'kinesis',
    stages: ['streams'],
    streamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/clicks',
    keyArn: 'arn:aws:kms:eu-west-1:123456789012:key/stream',
    from: 'newest',
    windowSeconds: 10,
  },
  {
    name: 'shop',
    kind: 'msk',
    stages: ['streams'],
    clusterArn: 'arn:aws:kafka:eu-west-1:123456789012:cluster/shop/0a1b-2',
    topics: ['shop.orders', 'shop.customers'],
    consumerGroup: 'sluice',
    auth: 'iam',
  },
  {
    name: 'legacy',
    kind: 'msk',
    stages: ['streams'],
    clusterArn: 'arn:aws:kafka:eu-west-1:123456789012:cluster/legacy/9f8e-1',
    topics: ['prices'],
    consumerGroup: 'sluice',
    auth: {
      secretArn: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_legacy-Ab12Cd',
      keyArn: 'arn:aws:kms:eu-west-1:123456789012:key/secret',
    },
    recordsMax: 500,
  },
  {
    name: 'elsewhere',
    kind: 'kinesis',
    stages: ['prod'],
    streamArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/other',
  },
]
