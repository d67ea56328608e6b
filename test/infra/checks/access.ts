import type { Graph, Resource } from '../graph.ts'
import {
  allow,
  BUCKET,
  type Check,
  FUNCTION,
  list,
  MACHINE,
  ofType,
  one,
  parsePolicy,
  ROLE,
  roleOf,
  roleStatements,
  SCHEDULE,
  STREAM,
  type Statement,
  TARGET,
} from './check.ts'

interface Grant {
  readonly where: string
  readonly statement: Statement
}

/** Every statement that allows something: of roles and of the policies of buckets, queues and topics. */
function grants(graph: Graph): readonly Grant[] {
  const ofRoles = ofType(graph, ROLE).flatMap(role =>
    roleStatements(role).map(statement => ({ where: role.name, statement })),
  )
  const ofResources = [
    'aws:s3/bucketPolicy:BucketPolicy',
    'aws:sqs/queuePolicy:QueuePolicy',
    'aws:sns/topicPolicy:TopicPolicy',
  ]
    .flatMap(type => ofType(graph, type))
    .flatMap(({ name, inputs }) => parsePolicy(inputs.policy).map(statement => ({ where: name, statement })))
  return [...ofRoles, ...ofResources].filter(({ statement }) => statement.Effect === 'Allow')
}

/** Actions without resources in the service authorization reference, or asked for without. */
const UNSCOPED = new Set([
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
  // Lambda asks for them so, to reach a cluster in its network: https://docs.aws.amazon.com/lambda/latest/dg/with-msk-permissions.html
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcs',
])

/** Objects of one bucket, tables of one database, streams of one log group, executions of one map. */
const SCOPED_WILDCARDS = [
  /^arn:aws:s3:::[a-z0-9-]+\/(\*\/metadata\/|athena\/|batches\/|compactions\/|replays\/|watch\/|sluice-canary\/|streams\/|stream-errors\/|stream-backup\/|aws\/lambda\/)?\*$/,
  /^arn:aws:states:[a-z0-9-]+:\d{12}:execution:[a-z0-9-]+\/\*$/,
  /^arn:aws:s3:::[a-z0-9-]+\/\*\/verdict\.json$/,
  /^arn:aws:glue:[a-z0-9-]+:\d{12}:table\/[a-z0-9_]+\/\*(__raw)?$/,
  /^arn:aws:logs:[a-z0-9-]+:\d{12}:log-group:[\w/-]+:\*$/,
]

function wildcardResources({ where, statement }: Grant): readonly string[] {
  return list(statement.Resource)
    .filter(resource => resource.includes('*') && !SCOPED_WILDCARDS.some(pattern => pattern.test(resource)))
    .filter(resource => resource !== '*' || !list(statement.Action).every(action => UNSCOPED.has(action)))
    .map(resource => `${where}: ${list(statement.Action)} on ${resource}`)
}

const trust = (role: Resource): readonly Statement[] => {
  const document: unknown = role.inputs.assumeRolePolicy
  return typeof document === 'string' ? parsePolicy(document) : (document as { Statement: Statement[] }).Statement
}

/** Which objects a function's role may touch by an action: ARNs with their wildcard. */
function reach(graph: Graph, fn: string, action: string): readonly string[] {
  return roleStatements(roleOf(graph, one(graph, FUNCTION, fn)))
    .filter(statement => list(statement.Action).includes(action))
    .flatMap(statement => list(statement.Resource))
}

/** `writes('Publish', 'Tables')` and the like; all others must be absent. */
const MATRIX: Readonly<Record<string, { readonly reads: readonly string[]; readonly writes: readonly string[] }>> = {
  IngestFunction: { reads: ['Landing', 'Ops', 'Raw'], writes: ['Ops/*', 'Raw/*'] },
  QualityFunction: { reads: ['Ops', 'Raw', 'Staging', 'Tables'], writes: ['Staging/*', 'Tables/*/metadata/*'] },
  PublishFunction: { reads: ['Ops', 'Staging', 'Tables'], writes: ['Ops/*', 'Tables/*'] },
  CompactFunction: { reads: ['Ops/compactions', 'Tables'], writes: ['Ops/compactions/*', 'Tables/*'] },
  CanaryFunction: { reads: [], writes: ['Landing/sluice-canary/*'] },
  FirehoseFunction: { reads: [], writes: [] },
  ReleaseFunction: { reads: ['Ops/batches', 'Tables'], writes: ['Ops/batches/*'] },
  WatchFunction: { reads: ['Ops', 'Staging/*/verdict.json', 'Tables'], writes: ['Ops/watch/*'] },
  MaintainFunction: { reads: ['Tables'], writes: ['Tables/*/metadata/*'] },
  SweepFunction: { reads: ['Tables'], writes: [] },
}

const CATALOG_WRITES = /^glue:(Create|Update|Delete|BatchCreate|BatchUpdate|BatchDelete|Put|Import)/

/** Whoever may delete anything that holds data, with what: role, action and resource. */
function deletions(graph: Graph): readonly string[] {
  return grants(graph).flatMap(({ where, statement }) =>
    list(statement.Action)
      .filter(action => /^(s3|glue|kms|dynamodb):.*(Delete|Bypass|Retention)/.test(action))
      .flatMap(action => list(statement.Resource).map(resource => `${where} ${action} ${resource}`)),
  )
}

function matrixOf(graph: Graph, fn: string): { reads: string; writes: string } {
  const named = (arn: string): string => {
    const bucket = ofType(graph, BUCKET).find(each => arn.startsWith(`${each.arn}/`))
    return bucket ? arn.replace(bucket.arn!, bucket.name.replace('Bucket', '')) : arn
  }
  const reads = reach(graph, fn, 's3:GetObject').map(each => named(each).replace(/\/\*$/, ''))
  const writes = reach(graph, fn, 's3:PutObject').map(named)
  return { reads: reads.toSorted().join(), writes: writes.toSorted().join() }
}

/** All but the one that people take on. */
const functionalRoles = (graph: Graph): readonly Resource[] =>
  ofType(graph, ROLE).filter(role => role.name !== 'EraseRole')

/** Taken on by people, and by nothing that runs by itself. */
const ERASURE =
  /^EraseRole s3:(DeleteObject|DeleteObjectVersion|BypassGovernanceRetention) arn:aws:s3:::[a-z0-9-]+\/\*$/

const VIA_STORES = /^(s3|sns)\.eu-west-1\.amazonaws\.com$/
const VIA_STREAMS = /^(s3|kinesis|secretsmanager)\.eu-west-1\.amazonaws\.com$/

export const accessChecks: readonly Check[] = [
  {
    name: 'no policy allows a wildcard action',
    find: graph =>
      grants(graph)
        .filter(
          ({ statement }) => statement.NotAction !== undefined || list(statement.Action).some(a => a.includes('*')),
        )
        .map(({ where, statement }) => `${where}: ${list(statement.Action)}`),
    breakIt: graph => allow(one(graph, ROLE, 'IngestRole'), { Action: 's3:*', Resource: 'arn:aws:s3:::x' }),
  },
  {
    name: 'no policy allows a wildcard resource that is not on the list',
    find: graph => grants(graph).flatMap(wildcardResources),
    breakIt: graph => allow(one(graph, ROLE, 'QualityRole'), { Action: 'glue:GetTable', Resource: '*' }),
  },
  {
    name: 'the sweeper may delete objects of tables, an erasure objects and versions of any zone; nobody else may, and nobody tables of the catalog or keys',
    find: graph => {
      const swept = `SweepRole s3:DeleteObject ${one(graph, BUCKET, 'TablesBucket').arn}/*`
      const found = deletions(graph)
      const others = found.filter(each => each !== swept && !ERASURE.test(each))
      return [...others, ...(found.includes(swept) ? [] : ['nobody sweeps'])]
    },
    breakIt: graph =>
      allow(one(graph, ROLE, 'PublishRole'), {
        Action: 's3:DeleteObject',
        Resource: `${one(graph, BUCKET, 'TablesBucket').arn}/*`,
      }),
  },
  {
    name: 'whoever may delete cannot write the catalog or any object',
    find: graph =>
      roleStatements(one(graph, ROLE, 'SweepRole'))
        .flatMap(statement => list(statement.Action))
        .filter(action => CATALOG_WRITES.test(action) || action.startsWith('s3:Put')),
    breakIt: graph => allow(one(graph, ROLE, 'SweepRole'), { Action: 'glue:UpdateTable', Resource: 'arn:aws:glue:x' }),
  },
  {
    name: 'each function reads and writes the zones that it is for',
    find: graph =>
      Object.entries(MATRIX).flatMap(([fn, { reads, writes }]) => {
        const found = matrixOf(graph, fn)
        return found.reads === reads.join() && found.writes === writes.join() ? [] : [`${fn}: ${JSON.stringify(found)}`]
      }),
    breakIt: graph => {
      const raw = one(graph, BUCKET, 'RawBucket')
      allow(one(graph, ROLE, 'PublishRole'), { Action: 's3:GetObject', Resource: `${raw.arn}/*` })
    },
  },
  {
    name: 'keys are used through S3 or SNS alone, those of streams through the service of the stream',
    find: graph =>
      grants(graph)
        .filter(({ statement }) => list(statement.Action).some(action => action.startsWith('kms:')))
        .filter(
          ({ where, statement }) =>
            !(where === 'RecordsRole' ? VIA_STREAMS : VIA_STORES).test(
              String(statement.Condition?.['StringEquals']?.['kms:ViaService']),
            ) || list(statement.Resource).some(resource => !resource.includes(':key/')),
        )
        .map(({ where, statement }) => `${where}: ${list(statement.Action)}`),
    breakIt: graph =>
      allow(one(graph, ROLE, 'IngestRole'), { Action: 'kms:Decrypt', Resource: 'arn:aws:kms:eu-west-1:1:key/x' }),
  },
  {
    name: 'a role trusts one AWS service and nobody else',
    find: graph =>
      functionalRoles(graph)
        .filter(role => {
          const statements = trust(role)
          const service = (statements[0]?.Principal as { readonly Service?: unknown } | undefined)?.Service
          const sole = statements.length === 1 && Object.keys(statements[0]?.Principal ?? {}).join() === 'Service'
          return !sole || !/^(lambda|states|events|scheduler|firehose)\.amazonaws\.com$/.test(String(service))
        })
        .map(role => role.name),
    breakIt: graph => {
      const role = one(graph, ROLE, 'QualityRole')
      const principal = { Service: 'lambda.amazonaws.com', AWS: 'arn:aws:iam::123456789012:root' }
      role.inputs.assumeRolePolicy = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: principal }] })
    },
  },
  {
    name: 'the role of an erasure is taken on by people of this account, with a second factor, and no function has it',
    find: graph => {
      const role = one(graph, ROLE, 'EraseRole')
      const [statement, ...more] = trust(role)
      const isPeople =
        more.length === 0 &&
        (statement?.Principal as { readonly AWS?: unknown } | undefined)?.AWS === 'arn:aws:iam::123456789012:root' &&
        statement?.Condition?.['Bool']?.['aws:MultiFactorAuthPresent'] === 'true'
      const used = ofType(graph, FUNCTION).filter(fn => fn.inputs.role === role.arn)
      return [...(isPeople ? [] : ['others may take it on']), ...used.map(fn => fn.name)]
    },
    breakIt: graph => {
      const role = one(graph, ROLE, 'EraseRole')
      role.inputs.assumeRolePolicy = role.inputs.assumeRolePolicy.replace('MultiFactorAuthPresent', 'SecureTransport')
    },
  },
  {
    name: 'no role has a managed policy',
    find: graph =>
      ofType(graph, ROLE)
        .filter(role => (role.inputs.managedPolicyArns ?? []).length > 0)
        .map(role => role.name),
    breakIt: graph => {
      one(graph, ROLE, 'IngestRole').inputs.managedPolicyArns = ['arn:aws:iam::aws:policy/AdministratorAccess']
    },
  },
  {
    name: 'one role per function, state machine, event target and delivery stream, and one for the schedules of a machine',
    find: graph => {
      const users = [
        ...ofType(graph, FUNCTION).map(each => each.inputs.role),
        ...ofType(graph, MACHINE).map(each => each.inputs.roleArn),
        ...ofType(graph, STREAM).map(each => each.inputs.extendedS3Configuration.roleArn),
        ...ofType(graph, TARGET).flatMap(each => each.inputs.roleArn ?? []),
        ...new Map(ofType(graph, SCHEDULE).map(({ inputs: { target } }) => [target.arn, target.roleArn])).values(),
      ]
      const roles = functionalRoles(graph).map(each => each.arn)
      const right = users.toSorted().join() === roles.toSorted().join() && new Set(users).size === users.length
      return right ? [] : [`used: ${users}`, `declared: ${roles}`]
    },
    breakIt: graph => {
      one(graph, FUNCTION, 'QualityFunction').inputs.role = one(graph, FUNCTION, 'PublishFunction').inputs.role
    },
  },
]
