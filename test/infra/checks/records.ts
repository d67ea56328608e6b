import type { Graph, Resource } from '../graph.ts'
import { type Check, FUNCTION, list, ofType, one, roleOf, roleStatements } from './check.ts'

/** Of the stage that reads the streams of `test/infra/streams/`. */

const MAPPING = 'aws:lambda/eventSourceMapping:EventSourceMapping'
const ALARM = 'aws:cloudwatch/metricAlarm:MetricAlarm'
const NAMES = ['clicks', 'shop-shop.orders', 'shop-shop.customers', 'legacy-prices'].map(name => `Records-${name}`)

const mappings = (graph: Graph): readonly Resource[] => NAMES.map(name => one(graph, MAPPING, name))
const kinesis = (graph: Pick<Graph, 'resources'>): Resource => one(graph, MAPPING, 'Records-clicks')
const legacy = (graph: Pick<Graph, 'resources'>): Resource => one(graph, MAPPING, 'Records-legacy-prices')
const landing = (graph: Pick<Graph, 'resources'>): Resource => one(graph, 'aws:s3/bucket:Bucket', 'LandingBucket')
const fn = (graph: Pick<Graph, 'resources'>): Resource => one(graph, FUNCTION, 'RecordsFunction')
const wrong = (all: readonly Resource[], is: (each: Resource) => boolean): readonly string[] =>
  all.filter(is).map(({ name }) => name)

export const recordChecks: readonly Check[] = [
  {
    name: 'each stream of the stage and each topic has a mapping on the function of records, and no other stream has one',
    find: graph => {
      const all = ofType(graph, MAPPING).filter(({ name }) => name.startsWith('Records-'))
      return [
        ...wrong(all, ({ name }) => !NAMES.includes(name)),
        ...wrong(mappings(graph), ({ inputs }) => inputs.functionName !== fn(graph).id || inputs.topics?.length > 1),
      ]
    },
    breakIt: graph => {
      kinesis(graph).inputs.functionName = 'another'
    },
  },
  {
    name: 'what is given up goes into landing, whole, for all of them',
    find: graph =>
      wrong(mappings(graph), each => each.inputs.destinationConfig?.onFailure?.destinationArn !== landing(graph).arn),
    breakIt: graph => {
      legacy(graph).inputs.destinationConfig = undefined
    },
  },
  {
    name: 'nothing is left out: no filter, from the oldest record unless declared, in batches and windows within the limits of Lambda',
    find: graph =>
      wrong(
        mappings(graph),
        ({ name, inputs }) =>
          inputs.filterCriteria !== undefined ||
          inputs.startingPosition !== (name === 'Records-clicks' ? 'LATEST' : 'TRIM_HORIZON') ||
          !(inputs.batchSize >= 1 && inputs.batchSize <= 10_000) ||
          !(inputs.maximumBatchingWindowInSeconds >= 0 && inputs.maximumBatchingWindowInSeconds <= 300),
      ),
    breakIt: graph => {
      one(graph, MAPPING, 'Records-shop-shop.orders').inputs.startingPosition = 'LATEST'
    },
  },
  {
    name: 'Kinesis is told which record failed, halves what fails, and tries for half of a day',
    find: graph =>
      wrong([kinesis(graph)], ({ inputs }) => {
        const { functionResponseTypes, bisectBatchOnFunctionError, maximumRetryAttempts, maximumRecordAgeInSeconds } =
          inputs
        return (
          functionResponseTypes?.join() !== 'ReportBatchItemFailures' ||
          bisectBatchOnFunctionError !== true ||
          !(maximumRetryAttempts >= 100 && maximumRetryAttempts <= 10_000) ||
          !(maximumRecordAgeInSeconds >= 3_600 && maximumRecordAgeInSeconds < 86_400)
        )
      }),
    breakIt: graph => {
      kinesis(graph).inputs.bisectBatchOnFunctionError = false
    },
  },
  {
    name: 'a cluster with passwords is given its secret, and no two topics share a consumer group',
    find: graph => {
      const groups = mappings(graph).flatMap(
        ({ inputs }) => inputs.amazonManagedKafkaEventSourceConfig?.consumerGroupId ?? [],
      )
      const [access] = legacy(graph).inputs.sourceAccessConfigurations ?? []
      return [
        ...(access?.type === 'SASL_SCRAM_512_AUTH' && access.uri.includes(':secret:AmazonMSK_legacy')
          ? []
          : ['secret']),
        ...(groups.length === 3 && new Set(groups).size === 3 ? [] : ['groups']),
      ]
    },
    breakIt: graph => {
      legacy(graph).inputs.sourceAccessConfigurations = []
    },
  },
  {
    name: 'the function may read those streams, write raw objects and what it knows of them, and put aside; of landing it may read nothing',
    find: graph => {
      const bucket = landing(graph).arn
      return roleStatements(roleOf(graph, fn(graph))).flatMap(statement =>
        list(statement.Action).flatMap(action =>
          list(statement.Resource)
            .filter(resource => !isAllowed(action, resource, bucket as string))
            .map(resource => `${action} ${resource}`),
        ),
      )
    },
    breakIt: graph => {
      const policy = roleOf(graph, fn(graph)).inputs.inlinePolicies[0]
      policy.policy = policy.policy.replace('/aws/lambda/*', '/*')
    },
  },
  {
    name: 'its time is within what event source mappings of MSK take, 14 minutes',
    find: graph => wrong([fn(graph)], ({ inputs }) => inputs.timeout > 840),
    breakIt: graph => {
      fn(graph).inputs.timeout = 900
    },
  },
  {
    name: 'an alarm tells when reading is behind and when records are lost',
    find: graph => {
      const watched = ofType(graph, ALARM).filter(
        ({ inputs }) => inputs.dimensions?.FunctionName === fn(graph).id && inputs.alarmActions?.length > 0,
      )
      const wanted = ['Errors', 'Throttles', 'IteratorAge', 'OffsetLag', 'DestinationDeliveryFailures']
      return wanted.filter(metric => !watched.some(({ inputs }) => inputs.metricName === metric))
    },
    breakIt: graph => {
      one(graph, ALARM, 'Alarm-records-offsetlag').inputs.alarmActions = []
    },
  },
]

const STREAM = 'arn:aws:kinesis:eu-west-1:123456789012:stream/clicks'
const IN_CLUSTERS = /^arn:aws:kafka:eu-west-1:123456789012:(cluster|topic|group)\/(shop\/0a1b-2|legacy\/9f8e-1)(\/|$)/

function isAllowed(action: string, resource: string, bucket: string): boolean {
  if (resource.startsWith(bucket))
    return action === 's3:ListBucket' || (action === 's3:PutObject' && resource === `${bucket}/aws/lambda/*`)
  if (action.startsWith('kinesis:')) return resource === STREAM
  if (action.startsWith('kafka')) return IN_CLUSTERS.test(resource)
  if (action.startsWith('ec2:'))
    return /:(Create|Delete|Describe)Network|:Describe(SecurityGroups|Subnets|Vpcs)$/.test(action)
  if (action === 'secretsmanager:GetSecretValue') return resource.includes(':secret:AmazonMSK_legacy')
  return /^(s3:(Get|List|Put|Abort)|kms:|events:PutEvents|glue:|logs:|xray:)/.test(action)
}
