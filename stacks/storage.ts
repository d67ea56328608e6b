import { lifecycleDays, retention } from './plan.ts'
import { accountId, eraserRole, isProduction, keepData, sweeperRole } from './stage.ts'

type LifecycleRule = Exclude<aws.types.input.s3.BucketLifecycleConfigurationRule, undefined>

export interface Zone {
  readonly bucket: sst.aws.Bucket
  readonly key: aws.kms.Key
  readonly uri: $util.Output<string>
}

export type Storage = ReturnType<typeof storage>

/** One bucket and one key per zone, so that a role reads exactly the zones that it is for. */
export function storage() {
  return {
    landing: landing(),
    raw: raw(),
    staging: zone('Staging', { versioned: false, rules: [expire(lifecycleDays.staging)] }),
    tables: tables(),
    ops: zone('Ops', { versioned: true, rules: [expireNoncurrent()] }),
    messages: messagesKey(),
  }
}

/** Versioned, because an event names a version and `ingest` reads exactly that one. */
function landing(): Zone {
  const made = zone('Landing', { versioned: true, rules: [expire(lifecycleDays.landing), expireNoncurrent()] })
  new aws.s3.BucketNotification('LandingEvents', { bucket: made.bucket.name, eventbridge: true })
  return made
}

/** The source of truth: locked against deletion for a time, and on stages that stay deleting is denied to everybody. */
function raw(): Zone {
  const made = zone('Raw', {
    versioned: true,
    rules: [],
    locked: true,
    denied: isProduction() ? ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention'] : [],
    createOnly: true,
  })
  const days = isProduction() ? retention.rawLockDays.production : retention.rawLockDays.test
  new aws.s3.BucketObjectLockConfiguration('RawLock', {
    bucket: made.bucket.name,
    rule: { defaultRetention: { mode: 'GOVERNANCE', days } },
  })
  return made
}

/** Nothing current may ever expire here, and nobody but the sweeper deletes: a table lists its files, and one that is gone breaks the table. */
function tables(): Zone {
  return zone('Tables', {
    versioned: true,
    rules: [expireNoncurrent()],
    // What the sweeper deletes stays as a noncurrent version until it expires; that is the way back from a mistake.
    denied: ['s3:DeleteObjectVersion'],
    sweptBy: [sweeperRole().arn, eraserRole().arn],
  })
}

interface ZoneOptions {
  readonly versioned: boolean
  readonly rules: readonly LifecycleRule[]
  readonly locked?: boolean
  /** Actions on objects that nobody may do but an erasure. */
  readonly denied?: readonly string[]
  /** ARNs of the only roles that may delete current objects. */
  readonly sweptBy?: $util.Output<string>[]
  /** Nobody but an erasure writes an object that is there. */
  readonly createOnly?: boolean
}

function zone(name: string, options: ZoneOptions): Zone {
  const key = zoneKey(name)
  const bucket = new sst.aws.Bucket(name, {
    cors: false,
    versioning: options.versioned,
    policy: [
      ...policy(key),
      ...deny(options.denied ?? []),
      ...denyDeleting(options.sweptBy),
      ...denyOverwriting(options.createOnly ?? false),
    ],
    transform: {
      bucket: args => {
        args.forceDestroy = !isProduction()
        if (options.locked) args.objectLockEnabled = true
      },
    },
  })
  encrypt(name, bucket, key)
  new aws.s3.BucketOwnershipControls(`${name}Ownership`, {
    bucket: bucket.name,
    rule: { objectOwnership: 'BucketOwnerEnforced' },
  })
  new aws.s3.BucketLifecycleConfiguration(`${name}Lifecycle`, {
    bucket: bucket.name,
    rules: [...options.rules, abortMultipart()],
  })
  return { bucket, key, uri: $interpolate`s3://${bucket.name}` }
}

// --- Encryption ----------------------------------------------------------------------------------------------------

function zoneKey(name: string): aws.kms.Key {
  return new aws.kms.Key(
    `${name}Key`,
    { description: `Sluice ${$app.stage}: ${name.toLowerCase()}`, enableKeyRotation: true, deletionWindowInDays: 30 },
    keepData(),
  )
}

function encrypt(name: string, bucket: sst.aws.Bucket, key: aws.kms.Key): void {
  new aws.s3.BucketServerSideEncryptionConfiguration(`${name}Encryption`, {
    bucket: bucket.name,
    rules: [
      {
        applyServerSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: key.arn },
        // One call to KMS per bucket and hour instead of one per object.
        bucketKeyEnabled: true,
      },
    ],
  })
}

/** Topics: CloudWatch must be able to use the key, which the key of AWS's own (alias/aws/sns) does not allow. */
function messagesKey(): aws.kms.Key {
  const policyDocument = aws.iam.getPolicyDocumentOutput({
    statements: [
      {
        sid: 'Account',
        actions: ['kms:*'],
        resources: ['*'],
        principals: [{ type: 'AWS', identifiers: [$interpolate`arn:aws:iam::${accountId()}:root`] }],
      },
      {
        sid: 'Alarms',
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        principals: [{ type: 'Service', identifiers: ['cloudwatch.amazonaws.com'] }],
        conditions: [{ test: 'StringEquals', variable: 'aws:SourceAccount', values: [accountId()] }],
      },
    ],
  })
  return new aws.kms.Key('MessagesKey', {
    description: `Sluice ${$app.stage}: topics`,
    enableKeyRotation: true,
    deletionWindowInDays: 30,
    policy: policyDocument.json,
  })
}

// --- Policies ------------------------------------------------------------------------------------------------------

/** Plain HTTP is denied by `sst.aws.Bucket` itself. */
function policy(key: aws.kms.Key) {
  return [
    {
      effect: 'deny' as const,
      principals: '*' as const,
      actions: ['s3:*'],
      conditions: [{ test: 'NumericLessThan', variable: 's3:TlsVersion', values: ['1.2'] }],
    },
    // A request may leave the headers out and gets the bucket's own key; naming another key or method is refused.
    denyPut('s3:x-amz-server-side-encryption', 'aws:kms'),
    denyPut('s3:x-amz-server-side-encryption-aws-kms-key-id', key.arn),
    {
      effect: 'deny' as const,
      principals: '*' as const,
      actions: ['s3:PutObject'],
      paths: ['*'],
      conditions: [{ test: 'Null', variable: 's3:x-amz-server-side-encryption-customer-algorithm', values: ['false'] }],
    },
  ]
}

/** Negated operators hold for a missing key too, so its presence is asked for by itself (IAM user guide, "IfExists"). */
function denyPut(header: string, allowed: $util.Input<string>) {
  return {
    effect: 'deny' as const,
    principals: '*' as const,
    actions: ['s3:PutObject'],
    paths: ['*'],
    conditions: [
      { test: 'Null', variable: header, values: ['false'] },
      { test: 'StringNotEquals', variable: header, values: [allowed] },
    ],
  }
}

function deny(actions: readonly string[]) {
  return actions.length === 0 ? [] : [denyAllBut([eraserRole().arn], actions)]
}

/**
 * A write must say that it creates (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html); parts of an upload do not
 * create anything and cannot say it.
 */
function denyOverwriting(createOnly: boolean) {
  if (!createOnly) return []
  const { conditions, ...rest } = denyAllBut([eraserRole().arn], ['s3:PutObject'])
  return [
    {
      ...rest,
      conditions: [
        ...conditions,
        { test: 'Null', variable: 's3:if-none-match', values: ['true'] },
        { test: 'Bool', variable: 's3:ObjectCreationOperation', values: ['true'] },
      ],
    },
  ]
}

function denyDeleting(sweptBy: $util.Output<string>[] | undefined) {
  return sweptBy === undefined ? [] : [denyAllBut(sweptBy, ['s3:DeleteObject'])]
}

/** The principal of whoever has taken on a role is the role itself (IAM user guide, "aws:PrincipalArn"). */
function denyAllBut(roles: $util.Output<string>[], actions: readonly string[]) {
  return {
    effect: 'deny' as const,
    principals: '*' as const,
    actions: [...actions],
    paths: ['*'],
    conditions: [{ test: 'ArnNotEquals', variable: 'aws:PrincipalArn', values: roles }],
  }
}

// --- Lifecycle -----------------------------------------------------------------------------------------------------

const abortMultipart = (): LifecycleRule => ({
  id: 'abort-multipart',
  status: 'Enabled',
  filter: { prefix: '' },
  abortIncompleteMultipartUpload: { daysAfterInitiation: lifecycleDays.abortMultipart },
})

const expire = (days: number): LifecycleRule => ({
  id: 'expire',
  status: 'Enabled',
  filter: { prefix: '' },
  expiration: { days },
})

const expireNoncurrent = (): LifecycleRule => ({
  id: 'expire-noncurrent',
  status: 'Enabled',
  filter: { prefix: '' },
  noncurrentVersionExpiration: { noncurrentDays: lifecycleDays.noncurrent },
})
