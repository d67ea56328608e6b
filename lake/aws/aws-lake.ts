import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { FirehoseClient } from '@aws-sdk/client-firehose'
import { GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { SQSClient } from '@aws-sdk/client-sqs'
import { duckdbEngine } from '../duckdb/engine.ts'
import { LakeError } from '../errors.ts'
import type { Lake, Limits, Uri } from '../lake.ts'
import { systemClock, systemIds } from '../system.ts'
import { eventBus } from './event-bus.ts'
import { firehoseStream } from './firehose-stream.ts'
import { glueCatalog } from './glue-catalog.ts'
import { s3Storage } from './s3-storage.ts'
import { sqsDeadLetters } from './sqs-dead-letters.ts'
import { stepFunctions } from './step-functions.ts'
import { powertoolsLog, telemetry } from './telemetry.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const MIB = 1024 * 1024
/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: one vCPU per 1,769 MB, six at most. */
const MIB_PER_CPU = 1769
const CPUS_MAX = 6
const MACHINE = /^SLUICE_MACHINE_([A-Z0-9_]+)$/
const DEAD_LETTERS = /^SLUICE_DEAD_LETTERS_([A-Z0-9_]+)$/
const QUEUE = /^SLUICE_QUEUE_([A-Z0-9_]+)$/

/**
 * The lake in an AWS account, from the environment of the function: SLUICE_{LANDING,RAW,STAGING,TABLES,OPS}_URI, SLUICE_DATABASE,
 * SLUICE_BUS, SLUICE_MACHINE_<NAME> (ARNs), SLUICE_QUEUE_<NAME> and SLUICE_DEAD_LETTERS_<NAME> (URLs), SLUICE_STREAM for whoever puts
 * events, and, when the buckets are to be checked for their owner, SLUICE_BUCKET_OWNER.
 */
export function awsLake(environment: Environment): Lake {
  const env = required(environment, [...ZONE_VARIABLES, 'SLUICE_DATABASE', 'SLUICE_BUS'])
  const { s3, glue, glueSwap, events, firehose, states, sqs } = clients()
  const retrying = { clock: systemClock, ids: systemIds }
  const owner = environment['SLUICE_BUCKET_OWNER']
  return {
    zones: {
      landing: zoneUri(env, 'SLUICE_LANDING_URI'),
      raw: zoneUri(env, 'SLUICE_RAW_URI'),
      staging: zoneUri(env, 'SLUICE_STAGING_URI'),
      tables: zoneUri(env, 'SLUICE_TABLES_URI'),
      ops: zoneUri(env, 'SLUICE_OPS_URI'),
    },
    storage: s3Storage({ ...retrying, client: s3, ...(owner && { owner }) }),
    catalog: glueCatalog({ ...retrying, client: glue, swapClient: glueSwap, database: env('SLUICE_DATABASE') }),
    engine: duckdbEngine,
    bus: eventBus({ ...retrying, client: events, bus: env('SLUICE_BUS') }),
    stream: firehoseStream({ client: firehose, name: environment['SLUICE_STREAM'] }),
    workflows: stepFunctions({ client: states, machines: named(MACHINE, environment) }),
    deadLetters: sqsDeadLetters({
      client: sqs,
      deadLetters: named(DEAD_LETTERS, environment),
      queues: named(QUEUE, environment),
    }),
    clock: systemClock,
    ids: systemIds,
    log: powertoolsLog(telemetry().logger),
    limits: limits(environment),
  }
}

const ZONE_VARIABLES = [
  'SLUICE_LANDING_URI',
  'SLUICE_RAW_URI',
  'SLUICE_STAGING_URI',
  'SLUICE_TABLES_URI',
  'SLUICE_OPS_URI',
] as const

/** All that is missing is said at once, before the first event is taken. */
function required(environment: Environment, names: readonly string[]): (name: string) => string {
  const missing = names.filter(name => !environment[name])
  if (missing.length > 0)
    throw new LakeError('usage', `the environment lacks ${missing.join(', ')}`, { name: missing.join(', ') })
  return name => environment[name] as string
}

function zoneUri(env: (name: string) => string, name: string): Uri {
  const uri = env(name).replace(/\/+$/, '')
  if (!/^s3:\/\/[a-z0-9][a-z0-9.-]+(\/.+)?$/.test(uri))
    throw new LakeError('usage', `${name} must be like s3://bucket or s3://bucket/folder`, { name })
  return uri
}

/** SLUICE_MACHINE_REFINE is the ARN of the machine `refine`; an underscore stands for a hyphen. */
function named(pattern: RegExp, environment: Environment): Readonly<Record<string, string>> {
  const found = Object.entries(environment).flatMap(([variable, value]) => {
    const name = pattern.exec(variable)?.[1]
    return name === undefined || !value ? [] : [[name.toLowerCase().replaceAll('_', '-'), value] as const]
  })
  return Object.fromEntries(found)
}

function limits(environment: Environment): Limits {
  const memoryMib = Number(environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] ?? 1024)
  return {
    memoryBytes: memoryMib * MIB,
    threads: Math.min(CPUS_MAX, Math.max(1, Math.ceil(memoryMib / MIB_PER_CPU))),
    scratch: '/tmp/sluice',
  }
}

interface Clients {
  readonly s3: S3Client
  readonly glue: GlueClient
  readonly glueSwap: GlueClient
  readonly events: EventBridgeClient
  readonly firehose: FirehoseClient
  readonly states: SFNClient
  readonly sqs: SQSClient
}

let shared: Clients | undefined

/** Made once per process, so that warm invocations find open connections. Silence on a socket for 30 s counts as a failure. */
function clients(): Clients {
  const requestHandler = { connectionTimeout: 3_000, socketTimeout: 30_000 }
  const retried = { maxAttempts: 5, requestHandler }
  const { tracer } = telemetry()
  shared ??= {
    s3: tracer.captureAWSv3Client(new S3Client(retried)),
    glue: tracer.captureAWSv3Client(new GlueClient(retried)),
    glueSwap: tracer.captureAWSv3Client(new GlueClient({ maxAttempts: 1, requestHandler })),
    events: tracer.captureAWSv3Client(new EventBridgeClient(retried)),
    firehose: tracer.captureAWSv3Client(new FirehoseClient(retried)),
    states: tracer.captureAWSv3Client(new SFNClient(retried)),
    // Receiving waits up to 20 seconds by itself, less than a silent socket may.
    sqs: tracer.captureAWSv3Client(new SQSClient(retried)),
  }
  return shared
}
