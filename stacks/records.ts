import { datasets } from '../datasets/index.ts'
import {
  type EventSource,
  type KinesisSource,
  type MskSource,
  SOURCE_DEFAULTS,
  sourcesOf,
} from '../lake/event-source.ts'
import { type LakeResources, lakeFunction } from './function.ts'
import {
  discardInto,
  groupOf,
  joinNetworks,
  type Permission,
  putEvents,
  readCluster,
  readStream,
  readZone,
  registerPartitions,
  writeZone,
} from './permissions.ts'
import { recordRetries } from './plan.ts'
import { sources } from './sources.ts'

export type Records = NonNullable<ReturnType<typeof records>>

/**
 * Records of Kinesis and MSK → the handler of `ingest`, as a function of its own: it reads streams and may not read landing. What Lambda gives up it
 * puts into landing, whole, and from there it goes the way of a file. undefined: the stage reads no streams.
 */
export function records(resources: LakeResources) {
  const own = sourcesOf(sources, { stage: $app.stage, datasets })
  if (own.length === 0) return undefined
  const { landing, raw, ops } = resources.storage
  const fn = lakeFunction('records', resources, [
    ...readZone(raw),
    ...writeZone(raw),
    ...readZone(ops),
    ...writeZone(ops),
    ...registerPartitions(resources.catalog),
    putEvents(resources.bus),
    ...discardInto(landing),
    ...(own.some(({ kind }) => kind === 'msk') ? [joinNetworks] : []),
    ...own.flatMap(permissionsOf),
  ])
  const destination = landing.bucket.arn
  for (const source of own)
    for (const mapping of mappingsOf(source))
      new aws.lambda.EventSourceMapping(`Records-${mapping.name}`, {
        functionName: fn.name,
        batchSize: source.recordsMax ?? SOURCE_DEFAULTS.recordsMax,
        maximumBatchingWindowInSeconds: source.windowSeconds ?? SOURCE_DEFAULTS.windowSeconds,
        startingPosition: (source.from ?? SOURCE_DEFAULTS.from) === 'oldest' ? 'TRIM_HORIZON' : 'LATEST',
        destinationConfig: { onFailure: { destinationArn: destination } },
        ...mapping.args,
      })
  return { function: fn, kinds: new Set(own.map(({ kind }) => kind)) }
}

const permissionsOf = (source: EventSource): readonly Permission[] =>
  source.kind === 'kinesis' ? readStream(source) : readCluster(source)

interface Mapping {
  readonly name: string
  readonly args: Partial<aws.lambda.EventSourceMappingArgs>
}

const mappingsOf = (source: EventSource): readonly Mapping[] =>
  source.kind === 'kinesis' ? [kinesisMapping(source)] : source.topics.map(topic => topicMapping(source, topic))

/**
 * What a record says never fails an invocation, so what fails is the world: it is tried again for as long as it may be, and in halves, should one
 * invocation be too much for the function.
 */
const kinesisMapping = ({ name, streamArn }: KinesisSource): Mapping => ({
  name,
  args: {
    eventSourceArn: streamArn,
    functionResponseTypes: ['ReportBatchItemFailures'],
    bisectBatchOnFunctionError: true,
    maximumRetryAttempts: recordRetries.attemptsMax,
    maximumRecordAgeInSeconds: recordRetries.ageSecondsMax,
  },
})

/** A mapping takes one topic. Without provisioned pollers Lambda tries again until the topic drops the record; limits are refused there. */
const topicMapping = ({ name, clusterArn, consumerGroup, auth }: MskSource, topic: string): Mapping => ({
  name: `${name}-${topic}`,
  args: {
    eventSourceArn: clusterArn,
    topics: [topic],
    amazonManagedKafkaEventSourceConfig: { consumerGroupId: groupOf(consumerGroup, topic) },
    ...(auth === 'iam' ? {} : { sourceAccessConfigurations: [{ type: 'SASL_SCRAM_512_AUTH', uri: auth.secretArn }] }),
  },
})
