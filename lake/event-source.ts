import type { Dataset } from './dataset.ts'
import { LakeError } from './errors.ts'
import { router } from './route.ts'

/** A stream that is there already and whose records `ingest` takes: each invocation's as one raw object of each dataset that matches them. */
export type EventSource = KinesisSource | MskSource

interface Common {
  /** Small letters, digits and dashes; it is in the names of what is deployed. */
  readonly name: string
  /** The stages that read the stream: two would each take every record. */
  readonly stages: readonly string[]
  /** Where a new mapping begins; `oldest` when absent, so that nothing is missed. */
  readonly from?: 'oldest' | 'newest'
  /** Records of one invocation, up to 10,000 and 6 MB; the more, the fewer files. */
  readonly recordsMax?: number
  /** How long records are gathered, up to 300 seconds. */
  readonly windowSeconds?: number
}

/** Matched as `kinesis/STREAM/SHARD/…`. */
export interface KinesisSource extends Common {
  readonly kind: 'kinesis'
  readonly streamArn: string
  /** The customer managed key that the stream is encrypted with. */
  readonly keyArn?: string
}

/** A topic is matched as `kafka/TOPIC/PARTITION/…`. */
export interface MskSource extends Common {
  readonly kind: 'msk'
  readonly clusterArn: string
  readonly topics: readonly string[]
  /** Two readers of one group share the records between them. */
  readonly consumerGroup: string
  /** `iam`: the role of the function. `scram`: user and password in a secret, encrypted with a customer managed key (MSK takes no other). */
  readonly auth: 'iam' | { readonly secretArn: string; readonly keyArn: string }
}

export const SOURCE_DEFAULTS = { from: 'oldest', recordsMax: 10_000, windowSeconds: 60 } as const

/** Where Lambda puts invocations that it gave up, in a bucket that is a destination. */
export const DISCARDED_FOLDER = 'aws/lambda'
export const isDiscarded = (key: string): boolean => key.startsWith(`${DISCARDED_FOLDER}/`)

const KINESIS_ARN = /^arn:aws[\w-]*:kinesis:[a-z0-9-]+:\d{12}:stream\/[\w.-]+$/
const CLUSTER_ARN = /^arn:aws[\w-]*:kafka:[a-z0-9-]+:\d{12}:cluster\/[\w-]+\/[\w-]+$/
const SECRET_ARN = /^arn:aws[\w-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:AmazonMSK_.+$/
const KEY_ARN = /^arn:aws[\w-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/

/** The sources of a stage. Fails with `dataset-invalid`, before anything is deployed, where one cannot work or nobody takes its records. */
export function sourcesOf(
  all: readonly EventSource[],
  { stage, datasets }: { readonly stage: string; readonly datasets: readonly Dataset[] },
): readonly EventSource[] {
  const names = new Set<string>()
  for (const source of all) {
    const problem = problemOf(source) ?? (names.has(source.name) ? 'has the name of another one' : undefined)
    if (problem !== undefined) throw invalid(source, problem)
    names.add(source.name)
  }
  const own = all.filter(({ stages }) => stages.includes(stage))
  const route = router(datasets)
  for (const source of own) {
    const stray = placesOf(source).find(place => route(`${place}/0.ndjson`) === undefined)
    if (stray !== undefined) throw invalid(source, `brings ${stray}/…, which no dataset has a source.match for`)
  }
  return own
}

const invalid = ({ name }: EventSource, problem: string): LakeError =>
  new LakeError('dataset-invalid', `source "${name}" ${problem}`, { source: name })

/** Places of its records, with the first partition or shard for all of them. */
const placesOf = (source: EventSource): readonly string[] =>
  source.kind === 'kinesis'
    ? [`kinesis/${source.streamArn.split('/').at(-1)}/shardId-000000000000`]
    : source.topics.map(topic => `kafka/${topic}/0`)

function problemOf(source: EventSource): string | undefined {
  const { name, recordsMax = 1, windowSeconds = 0 } = source
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) return 'must have a name of small letters, digits and dashes'
  if (!isWhole(recordsMax, 1, 10_000)) return 'has recordsMax out of 1 to 10,000'
  if (!isWhole(windowSeconds, 0, 300)) return 'has windowSeconds out of 0 to 300'
  return source.kind === 'kinesis' ? kinesisProblem(source) : mskProblem(source)
}

const isWhole = (value: number, min: number, max: number): boolean =>
  Number.isInteger(value) && value >= min && value <= max

function kinesisProblem({ streamArn, keyArn }: KinesisSource): string | undefined {
  if (!KINESIS_ARN.test(streamArn)) return 'has a streamArn that is none of a Kinesis stream'
  return keyArn === undefined || KEY_ARN.test(keyArn) ? undefined : 'has a keyArn that is none of a KMS key'
}

function mskProblem({ clusterArn, topics, consumerGroup, auth }: MskSource): string | undefined {
  if (!CLUSTER_ARN.test(clusterArn)) return 'has a clusterArn that is none of an MSK cluster'
  if (topics.length === 0) return 'names no topics'
  const odd = topics.find(topic => !/^[\w.-]{1,249}$/.test(topic))
  if (odd !== undefined) return `has the topic "${odd}", which is no name of a topic`
  if (!/^[\w.:/*-]{1,200}$/.test(consumerGroup)) return 'has no consumerGroup'
  if (auth === 'iam') return undefined
  if (!SECRET_ARN.test(auth.secretArn))
    return 'has a secretArn that is none of a secret whose name begins with AmazonMSK_'
  return KEY_ARN.test(auth.keyArn) ? undefined : 'has a keyArn that is none of a KMS key'
}
