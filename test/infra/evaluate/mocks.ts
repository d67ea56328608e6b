import { type DocumentArgs, policyDocument } from './policy-document.ts'

export const ACCOUNT = '123456789012'
export const REGION = 'eu-west-1'

// biome-ignore lint/suspicious/noExplicitAny: inputs of any resource type, as Pulumi hands them to a mock.
type Inputs = any
type Attributes = Readonly<Record<string, unknown>> & { readonly id?: string }

const arn = (service: string, rest: string): string => `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`

/** What the provider would compute, shaped like the real thing and the same in every run. */
export function attributes(type: string, name: string, inputs: Inputs): Attributes {
  const known = COMPUTED[type]?.(name, inputs)
  if (known) return known
  return type.startsWith('aws:') ? { arn: arn(type.split(/[:/]/)[1] ?? '', name) } : {}
}

const COMPUTED: Readonly<Record<string, (name: string, inputs: Inputs) => Attributes>> = {
  'aws:s3/bucket:Bucket': (_name, { bucket }) => ({ id: bucket, arn: `arn:aws:s3:::${bucket}`, region: REGION }),
  'aws:lambda/function:Function': (_name, { name }) => ({
    id: name,
    arn: arn('lambda', `function:${name}`),
    qualifiedArn: arn('lambda', `function:${name}:1`),
  }),
  'aws:iam/role:Role': (name, inputs) => ({
    id: inputs.name ?? name,
    arn: `arn:aws:iam::${ACCOUNT}:role/${inputs.name ?? name}`,
  }),
  'aws:sqs/queue:Queue': (_name, { name }) => ({
    id: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`,
    url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`,
    arn: arn('sqs', name),
  }),
  'aws:sns/topic:Topic': (_name, { name }) => ({ id: arn('sns', name), arn: arn('sns', name) }),
  'aws:cloudwatch/eventBus:EventBus': (_name, { name }) => ({ id: name, arn: arn('events', `event-bus/${name}`) }),
  'aws:cloudwatch/eventRule:EventRule': (_name, { name, eventBusName }) => ({
    id: name,
    arn: arn('events', `rule/${eventBusName ? `${eventBusName}/` : ''}${name}`),
  }),
  'aws:cloudwatch/logGroup:LogGroup': (_name, { name }) => ({ id: name, arn: arn('logs', `log-group:${name}`) }),
  'aws:sfn/stateMachine:StateMachine': (_name, { name }) => ({
    id: arn('states', `stateMachine:${name}`),
    arn: arn('states', `stateMachine:${name}`),
  }),
  'aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream': (_name, { name }) => ({
    id: arn('firehose', `deliverystream/${name}`),
    arn: arn('firehose', `deliverystream/${name}`),
  }),
  'aws:kms/key:Key': name => ({ id: name, keyId: name, arn: arn('kms', `key/${name}`) }),
  'aws:glue/catalogDatabase:CatalogDatabase': (_name, { name }) => ({
    id: `${ACCOUNT}:${name}`,
    arn: arn('glue', `database/${name}`),
  }),
  'aws:athena/workgroup:Workgroup': (_name, { name }) => ({ id: name, arn: arn('athena', `workgroup/${name}`) }),
  'random:index/randomBytes:RandomBytes': (_name, { length }) => ({
    base64: Buffer.alloc(length, 7).toString('base64'),
    hex: Buffer.alloc(length, 7).toString('hex'),
  }),
}

/** Provider functions; undefined for one that has no mock. */
export function answer(token: string, args: Inputs): Attributes | undefined {
  return CALLS[token]?.(args)
}

const CALLS: Readonly<Record<string, (args: Inputs) => Attributes>> = {
  'aws:index/getCallerIdentity:getCallerIdentity': () => ({
    id: ACCOUNT,
    accountId: ACCOUNT,
    arn: `arn:aws:iam::${ACCOUNT}:root`,
    userId: 'user',
  }),
  'aws:index/getRegion:getRegion': () => ({ id: REGION, name: REGION, region: REGION }),
  'aws:index/getPartition:getPartition': () => ({ id: 'aws', partition: 'aws', dnsSuffix: 'amazonaws.com' }),
  'aws:iam/getPolicyDocument:getPolicyDocument': (args: DocumentArgs) => {
    const json = policyDocument(args)
    return { ...args, id: 'policy', json, minifiedJson: json }
  },
}
