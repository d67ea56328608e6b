import { STREAM_BACKUP_FOLDER, STREAM_ERROR_FOLDER, STREAM_FOLDERS, streamFolder } from '../lake/stream.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import { deliverInto, transformWith, writeLogs } from './permissions.ts'
import { retention, streamBuffer } from './plan.ts'
import { serviceRole } from './role.ts'
import { isProduction, named } from './stage.ts'

export type Firehose = ReturnType<typeof firehose>

/** Single events → Firehose → the transformation of `ingest` → landing, by dataset and event time; everything as it was put beside it. */
export function firehose(resources: LakeResources) {
  const { landing } = resources.storage
  const transformation = lakeFunction('firehose', resources, [])
  const logs = new aws.cloudwatch.LogGroup('EventStreamLogs', {
    name: `/aws/kinesisfirehose/${named('events')}`,
    retentionInDays: isProduction() ? retention.logDays.production : retention.logDays.test,
  })
  const role = serviceRole('EventStreamRole', 'firehose.amazonaws.com', [
    ...deliverInto(landing, STREAM_FOLDERS),
    transformWith(transformation),
    writeLogs(logs),
  ])
  const stream = new aws.kinesis.FirehoseDeliveryStream('EventStream', {
    name: named('events'),
    destination: 'extended_s3',
    serverSideEncryption: { enabled: true, keyType: 'CUSTOMER_MANAGED_CMK', keyArn: landing.key.arn },
    extendedS3Configuration: {
      ...destination(resources, { role, logs, logStream: 'delivery' }),
      prefix: streamFolder({
        dataset: partitionKey('dataset'),
        date: partitionKey('date'),
        hour: partitionKey('hour'),
        key: partitionKey('key'),
      }),
      errorOutputPrefix: `${STREAM_ERROR_FOLDER}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/`,
      dynamicPartitioningConfiguration: { enabled: true, retryDuration: streamBuffer.retrySeconds },
      processingConfiguration: { enabled: true, processors: [processor(transformation)] },
      s3BackupMode: 'Enabled',
      s3BackupConfiguration: {
        ...destination(resources, { role, logs, logStream: 'backup' }),
        prefix: `${STREAM_BACKUP_FOLDER}/!{timestamp:yyyy/MM/dd/HH}/`,
        errorOutputPrefix: `${STREAM_BACKUP_FOLDER}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd/HH}/`,
      },
    },
  })
  return { stream, function: transformation, role }
}

/** What the transformation gives for each record: https://docs.aws.amazon.com/firehose/latest/dev/dynamic-partitioning-s3bucketprefix.html */
const partitionKey = (name: string): string => `!{partitionKeyFromLambda:${name}}`

interface Delivery {
  readonly role: aws.iam.Role
  readonly logs: aws.cloudwatch.LogGroup
  readonly logStream: 'delivery' | 'backup'
}

function destination({ storage: { landing } }: LakeResources, { role, logs, logStream }: Delivery) {
  const stream = new aws.cloudwatch.LogStream(`EventStreamLogs-${logStream}`, {
    name: logStream,
    logGroupName: logs.name,
  })
  return {
    roleArn: role.arn,
    bucketArn: landing.bucket.arn,
    kmsKeyArn: landing.key.arn,
    bufferingSize: streamBuffer.sizeMb,
    bufferingInterval: streamBuffer.intervalSeconds,
    compressionFormat: 'GZIP',
    cloudwatchLoggingOptions: { enabled: true, logGroupName: logs.name, logStreamName: stream.name },
  }
}

/**
 * Firehose's defaults, which it does not tell of (1 MB or 60 seconds, three retries), are what is wanted: a function answers with 6 MB at most, and gzipped
 * logs expand several times, so 3 MB of them would not fit.
 */
const processor = (fn: sst.aws.Function) => ({
  type: 'Lambda',
  parameters: [{ parameterName: 'LambdaArn', parameterValue: $interpolate`${fn.arn}:$LATEST` }],
})
