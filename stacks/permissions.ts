import { DISCARDED_FOLDER, type KinesisSource, type MskSource } from '../lake/event-source.ts'
import type { Catalog } from './catalog.ts'
import { accountId, machineArn, named, region } from './stage.ts'
import type { Zone } from './storage.ts'

/** Written out instead of `link`, which grants `s3:*` on a bucket and `sns:*` on a topic. */
export interface Permission {
  readonly actions: string[]
  readonly resources: $util.Input<string>[]
  readonly conditions?: { readonly test: string; readonly variable: string; readonly values: $util.Input<string>[] }[]
}

/**
 * Reading objects of a zone, whole or by version. Listing comes with it: without it S3 answers 403 for a missing key, which
 * reads like a lack of rights (https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html).
 */
export function readZone(zone: Zone, keys = '*'): Permission[] {
  return [
    { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: [objects(zone, keys)] },
    { actions: ['s3:ListBucket'], resources: [zone.bucket.arn] },
    useKey(zone.key, ['kms:Decrypt']),
  ]
}

/** Creating objects; nobody who has this may delete any. Parts of a large upload are decrypted when it is completed. */
export function writeZone(zone: Zone, keys = '*'): Permission[] {
  return [
    {
      actions: ['s3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      resources: [objects(zone, keys)],
    },
    useKey(zone.key, ['kms:GenerateDataKey', 'kms:Decrypt']),
  ]
}

/** For a delivery stream: what Firehose asks for (https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html#using-iam-s3), in its own folders alone. */
export function deliverInto(zone: Zone, folders: readonly string[]): Permission[] {
  return [
    {
      actions: ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload'],
      resources: folders.map(folder => objects(zone, `${folder}/*`)),
    },
    {
      actions: ['s3:GetBucketLocation', 's3:ListBucket', 's3:ListBucketMultipartUploads'],
      resources: [zone.bucket.arn],
    },
    useKey(zone.key, ['kms:GenerateDataKey', 'kms:Decrypt']),
  ]
}

/** Firehose calls a version of a function, and reads how it is configured. */
export const transformWith = (fn: sst.aws.Function): Permission => ({
  actions: ['lambda:InvokeFunction', 'lambda:GetFunctionConfiguration'],
  resources: [$interpolate`${fn.arn}:$LATEST`],
})

/** Versions that were overwritten are data as well, until they expire. */
export const listVersions = (zone: Zone): Permission => ({
  actions: ['s3:ListBucketVersions'],
  resources: [zone.bucket.arn],
})

/** For the sweeper alone. No versions: what it deletes by mistake can be brought back until it expires as a noncurrent version. */
export const deleteObjects = (zone: Zone): Permission => ({ actions: ['s3:DeleteObject'], resources: [objects(zone)] })

/** For an erasure alone: objects and all their versions, whatever lock in governance mode is on them. */
export const destroyObjects = (zone: Zone): Permission => ({
  actions: ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention'],
  resources: [objects(zone)],
})

const objects = (zone: Zone, keys = '*') => $interpolate`${zone.bucket.arn}/${keys}`

/** Through one AWS service alone: the role cannot decrypt anything by itself. */
export function useKey(key: aws.kms.Key, actions: string[], service: 's3' | 'sns' = 's3'): Permission {
  const through = $interpolate`${service}.${region()}.amazonaws.com`
  return {
    actions,
    resources: [key.arn],
    conditions: [{ test: 'StringEquals', variable: 'kms:ViaService', values: [through] }],
  }
}

/** Iceberg tables: loaded, created and swapped, never deleted. */
export function commitTables(catalog: Catalog): Permission[] {
  return [
    {
      actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:CreateTable', 'glue:UpdateTable'],
      resources: glueResources(catalog, '*'),
    },
  ]
}

/** Iceberg tables that are there: loaded and swapped, neither created nor deleted. */
export function swapTables(catalog: Catalog): Permission[] {
  return [
    {
      actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables', 'glue:UpdateTable'],
      resources: glueResources(catalog, '*'),
    },
  ]
}

/** Iceberg tables: loaded and nothing else. */
export function readTables(catalog: Catalog): Permission[] {
  return [
    {
      actions: ['glue:GetDatabase', 'glue:GetTable', 'glue:GetTables'],
      resources: glueResources(catalog, '*'),
    },
  ]
}

/** The Hive-style tables of raw objects alone, with their partitions. */
export function registerPartitions(catalog: Catalog): Permission[] {
  return [
    {
      actions: [
        'glue:GetTable',
        'glue:CreateTable',
        'glue:UpdateTable',
        'glue:GetPartition',
        'glue:GetPartitions',
        'glue:BatchGetPartition',
        'glue:BatchCreatePartition',
      ],
      resources: glueResources(catalog, '*__raw'),
    },
  ]
}

/** Glue asks for the right on the catalog and the database too, whatever the table. */
function glueResources({ database }: Catalog, tables: string): $util.Input<string>[] {
  const prefix = $interpolate`arn:aws:glue:${region()}:${accountId()}`
  return [
    $interpolate`${prefix}:catalog`,
    $interpolate`${prefix}:database/${database.name}`,
    $interpolate`${prefix}:table/${database.name}/${tables}`,
  ]
}

export const putEvents = (bus: sst.aws.Bus): Permission => ({ actions: ['events:PutEvents'], resources: [bus.arn] })

export const invokeFunctions = (functions: readonly sst.aws.Function[]): Permission => ({
  actions: ['lambda:InvokeFunction'],
  resources: functions.map(each => each.arn),
})

export const startExecutions = (machine: $util.Input<string>): Permission => ({
  actions: ['states:StartExecution'],
  resources: [machine],
})

/** A distributed map runs its items as executions of the same machine (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html). */
export function runChildren(name: string): Permission[] {
  const executions = $interpolate`arn:aws:states:${region()}:${accountId()}:execution:${named(name)}/*`
  return [
    startExecutions(machineArn(name)),
    { actions: ['states:DescribeExecution', 'states:StopExecution'], resources: [executions] },
  ]
}

/** Statements of this work group, in the account's own catalog (https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html). */
export function runStatements(workGroup: aws.athena.Workgroup): Permission[] {
  return [
    {
      actions: ['athena:StartQueryExecution', 'athena:StopQueryExecution', 'athena:GetQueryExecution'],
      resources: [workGroup.arn],
    },
    {
      actions: ['athena:GetDataCatalog'],
      resources: [$interpolate`arn:aws:athena:${region()}:${accountId()}:datacatalog/AwsDataCatalog`],
    },
  ]
}

/** Athena asks where a bucket is before it uses it, and for parts of its own uploads. */
export const locateBucket = (zones: readonly Zone[]): Permission => ({
  actions: ['s3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
  resources: zones.map(zone => zone.bucket.arn),
})

/** What Lambda asks for to read a stream: https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html */
export function readStream({ streamArn, keyArn }: KinesisSource): Permission[] {
  return [
    {
      actions: [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      resources: [streamArn],
    },
    ...(keyArn === undefined ? [] : [decryptThrough(keyArn, 'kinesis')]),
  ]
}

/** What Lambda asks for to read topics: https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html */
export function readCluster({ clusterArn, topics, consumerGroup, auth }: MskSource): Permission[] {
  const within = (kind: string, name: string): string => `${clusterArn.replace(':cluster/', `:${kind}/`)}/${name}`
  const describe = { actions: ['kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'], resources: [clusterArn] }
  if (auth !== 'iam')
    return [
      describe,
      { actions: ['secretsmanager:GetSecretValue'], resources: [auth.secretArn] },
      decryptThrough(auth.keyArn, 'secretsmanager'),
    ]
  return [
    describe,
    {
      actions: ['kafka-cluster:Connect', 'kafka-cluster:DescribeClusterDynamicConfiguration'],
      resources: [clusterArn],
    },
    {
      actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'],
      resources: topics.map(topic => within('topic', topic)),
    },
    {
      actions: ['kafka-cluster:DescribeGroup', 'kafka-cluster:AlterGroup'],
      resources: topics.map(topic => within('group', groupOf(consumerGroup, topic))),
    },
  ]
}

/** One group for each topic: mappings of one group would wait for each other whenever one of them begins. */
export const groupOf = (consumerGroup: string, topic: string): string => named(`${consumerGroup}-${topic}`)

/** The network of a cluster, which is nobody's whom a policy could name. */
export const joinNetworks: Permission = {
  actions: [
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSecurityGroups',
    'ec2:DescribeSubnets',
    'ec2:DescribeVpcs',
  ],
  resources: ['*'],
}

const decryptThrough = (keyArn: string, service: string): Permission => ({
  actions: ['kms:Decrypt'],
  resources: [keyArn],
  conditions: [
    { test: 'StringEquals', variable: 'kms:ViaService', values: [$interpolate`${service}.${region()}.amazonaws.com`] },
  ],
})

/** Invocations that an event source mapping gave up: https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html */
export const discardInto = (zone: Zone): Permission[] => [
  { actions: ['s3:PutObject'], resources: [objects(zone, `${DISCARDED_FOLDER}/*`)] },
  { actions: ['s3:ListBucket'], resources: [zone.bucket.arn] },
  useKey(zone.key, ['kms:GenerateDataKey']),
]

export const consumeQueue = (queue: sst.aws.Queue): Permission => ({
  actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
  resources: [queue.arn],
})

/** Looking at dead letters, giving them back, removing them. */
export const useDeadLetters = (queues: readonly sst.aws.Queue[]): Permission => ({
  actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
  resources: queues.map(queue => queue.arn),
})

/** Dead letters of whoever has this: of a schedule, or of a function that is called and not waited for. */
export const sendMessages = (queue: sst.aws.Queue): Permission => ({
  actions: ['sqs:SendMessage'],
  resources: [queue.arn],
})

/** How many messages a queue holds. */
export const countMessages = (queue: sst.aws.Queue): Permission => ({
  actions: ['sqs:GetQueueAttributes'],
  resources: [queue.arn],
})

export const writeLogs = (group: aws.cloudwatch.LogGroup): Permission => ({
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: [$interpolate`${group.arn}:*`],
})

/** X-Ray has no resources to name: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html */
export const writeTraces: Permission = {
  actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  resources: ['*'],
}
