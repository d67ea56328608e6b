import type { Graph, Resource } from '../graph.ts'
import { type Check, FUNCTION, list, ofType, one, ROLE, roleStatements, STREAM, type Statement } from './check.ts'

const ALARM = 'aws:cloudwatch/metricAlarm:MetricAlarm'

const stream = (graph: Pick<Graph, 'resources'>): Resource => one(graph, STREAM, 'EventStream')
const roleOfStream = (graph: Pick<Graph, 'resources'>): Resource => one(graph, ROLE, 'EventStreamRole')
const landing = (graph: Pick<Graph, 'resources'>): Resource => one(graph, 'aws:s3/bucket:Bucket', 'LandingBucket')
const landingKey = (graph: Pick<Graph, 'resources'>): Resource => one(graph, 'aws:kms/key:Key', 'LandingKey')

/** Problems of the main destination and of the backup alike. */
function eachDestination(graph: Graph, problem: (destination: Resource['inputs']) => boolean): readonly string[] {
  const main = stream(graph).inputs.extendedS3Configuration
  return [
    ['delivery', main],
    ['backup', main.s3BackupConfiguration],
  ]
    .filter(([, destination]) => problem(destination))
    .map(([name]) => String(name))
}

const within = (value: number, min: number, max: number): boolean => value >= min && value <= max

export const streamChecks: readonly Check[] = [
  {
    name: 'what the stream holds is encrypted with a key of ours',
    find: graph => {
      const { serverSideEncryption: sse } = stream(graph).inputs
      const isOurs = sse?.enabled && sse.keyType === 'CUSTOMER_MANAGED_CMK' && sse.keyArn === landingKey(graph).arn
      return isOurs ? [] : ['EventStream']
    },
    breakIt: graph => {
      stream(graph).inputs.serverSideEncryption.keyType = 'AWS_OWNED_CMK'
    },
  },
  {
    name: 'it delivers into landing, with the key of landing, gzipped, and tells of what it cannot deliver',
    find: graph =>
      eachDestination(
        graph,
        each =>
          each.bucketArn !== landing(graph).arn ||
          each.kmsKeyArn !== landingKey(graph).arn ||
          each.compressionFormat !== 'GZIP' ||
          each.cloudwatchLoggingOptions?.enabled !== true ||
          !each.cloudwatchLoggingOptions.logGroupName ||
          !each.cloudwatchLoggingOptions.logStreamName,
      ),
    breakIt: graph => {
      stream(graph).inputs.extendedS3Configuration.s3BackupConfiguration.cloudwatchLoggingOptions.enabled = false
    },
  },
  {
    name: 'its buffers are within what Firehose takes: with folders by key 64 to 128 MB, 60 to 900 seconds',
    find: graph =>
      eachDestination(graph, each => !within(each.bufferingSize, 64, 128) || !within(each.bufferingInterval, 60, 900)),
    breakIt: graph => {
      stream(graph).inputs.extendedS3Configuration.bufferingSize = 5
    },
  },
  {
    name: 'folders are what the transformation says, errors go by their type, and what was put is kept',
    find: graph => {
      const { prefix, errorOutputPrefix, s3BackupMode, s3BackupConfiguration, dynamicPartitioningConfiguration } =
        stream(graph).inputs.extendedS3Configuration
      const asked = [...String(prefix).matchAll(/!\{partitionKeyFromLambda:(\w+)\}/g)].map(found => found[1])
      return [
        ...(dynamicPartitioningConfiguration?.enabled ? [] : ['no dynamic partitioning']),
        ...(asked.join() === 'dataset,date,hour,key' && /^streams\/!/.test(prefix) ? [] : [`prefix ${prefix}`]),
        ...(/^stream-errors\/!\{firehose:error-output-type\}\//.test(errorOutputPrefix) ? [] : ['error prefix']),
        ...(s3BackupMode === 'Enabled' && /^stream-backup\//.test(s3BackupConfiguration.prefix) ? [] : ['backup']),
      ]
    },
    breakIt: graph => {
      stream(graph).inputs.extendedS3Configuration.errorOutputPrefix = 'stream-errors/'
    },
  },
  {
    name: 'the transformation is ours, named by version, and answers before Firehose stops waiting',
    find: graph => {
      const { processingConfiguration } = stream(graph).inputs.extendedS3Configuration
      const fn = one(graph, FUNCTION, 'FirehoseFunction')
      const [processor, ...more] = processingConfiguration?.enabled ? processingConfiguration.processors : []
      const called = processor?.parameters.find(
        (each: { readonly parameterName: string }) => each.parameterName === 'LambdaArn',
      )
      return [
        ...(more.length === 0 && called?.parameterValue === `${fn.arn}:$LATEST` ? [] : ['processor']),
        ...(fn.inputs.timeout <= 300 ? [] : ['timeout']),
      ]
    },
    breakIt: graph => {
      one(graph, FUNCTION, 'FirehoseFunction').inputs.timeout = 301
    },
  },
  {
    name: 'the role of the stream writes its three folders of landing, calls its function, and nothing else',
    find: graph => {
      const bucket = landing(graph).arn
      const fn = one(graph, FUNCTION, 'FirehoseFunction').arn
      const folders = ['streams', 'stream-errors', 'stream-backup'].map(folder => `${bucket}/${folder}/*`)
      const allowed: Readonly<Record<string, readonly (string | undefined)[]>> = {
        's3:PutObject': folders,
        's3:GetObject': folders,
        's3:AbortMultipartUpload': folders,
        's3:GetBucketLocation': [bucket],
        's3:ListBucket': [bucket],
        's3:ListBucketMultipartUploads': [bucket],
        'kms:GenerateDataKey': [landingKey(graph).arn],
        'kms:Decrypt': [landingKey(graph).arn],
        'lambda:InvokeFunction': [`${fn}:$LATEST`],
        'lambda:GetFunctionConfiguration': [`${fn}:$LATEST`],
        'logs:CreateLogStream': [`${one(graph, 'aws:cloudwatch/logGroup:LogGroup', 'EventStreamLogs').arn}:*`],
        'logs:PutLogEvents': [`${one(graph, 'aws:cloudwatch/logGroup:LogGroup', 'EventStreamLogs').arn}:*`],
      }
      return roleStatements(roleOfStream(graph)).flatMap((statement: Statement) =>
        list(statement.Action).flatMap(action =>
          list(statement.Resource)
            .filter(resource => !allowed[action]?.includes(resource))
            .map(resource => `${action} ${resource}`),
        ),
      )
    },
    breakIt: graph => {
      const [policy] = roleOfStream(graph).inputs.inlinePolicies
      policy.policy = policy.policy.replace('/streams/*', '/*')
    },
  },
  {
    name: 'nobody transforms but Firehose: the function may touch no zone',
    find: graph => {
      const fn = one(graph, FUNCTION, 'FirehoseFunction')
      const role = ofType(graph, ROLE).find(each => each.arn === fn.inputs.role)
      const actions = role ? roleStatements(role).flatMap(statement => list(statement.Action)) : ['no role']
      return actions.filter(action => !/^(logs|xray):/.test(action))
    },
    breakIt: graph => {
      const fn = one(graph, FUNCTION, 'FirehoseFunction')
      const role = ofType(graph, ROLE).find(each => each.arn === fn.inputs.role) as Resource
      role.inputs.inlinePolicies[0].policy = role.inputs.inlinePolicies[0].policy.replace('xray:', 's3:')
    },
  },
  {
    name: 'an alarm tells before events are lost: of delays, of the key, of folders and of throttling',
    find: graph => {
      const wanted = [
        'DeliveryToS3.DataFreshness',
        'PartitionCountExceeded',
        'ThrottledRecords',
        'KMSKeyAccessDenied',
        'KMSKeyDisabled',
        'KMSKeyInvalidState',
        'KMSKeyNotFound',
      ]
      const watched = ofType(graph, ALARM).filter(
        each =>
          each.inputs.namespace === 'AWS/Firehose' &&
          each.inputs.dimensions?.DeliveryStreamName === stream(graph).inputs.name &&
          each.inputs.alarmActions?.length > 0 &&
          each.inputs.threshold < 3_600,
      )
      return wanted.filter(metric => !watched.some(each => each.inputs.metricName === metric))
    },
    breakIt: graph => {
      one(graph, ALARM, 'Alarm-events-deliverytos3-datafreshness').inputs.threshold = 86_400
    },
  },
]
