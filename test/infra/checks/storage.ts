import type { Graph, Resource } from '../graph.ts'
import { BUCKET, type Check, list, ofType, one, parsePolicy, ROLE } from './check.ts'

/** Sub-resources name their bucket; each bucket must have one for which `holds` is true. */
function everyBucket(graph: Graph, type: string, holds: (resource: Resource, bucket: Resource) => boolean) {
  const buckets = ofType(graph, BUCKET)
  if (buckets.length !== 5) return [`${buckets.length} buckets instead of one per zone`]
  return buckets
    .filter(bucket => !ofType(graph, type).some(each => each.inputs.bucket === bucket.id && holds(each, bucket)))
    .map(bucket => bucket.name)
}

const BLOCK = 'aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock'
const POLICY = 'aws:s3/bucketPolicy:BucketPolicy'
const ENCRYPTION = 'aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration'
const LIFECYCLE = 'aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration'
const VERSIONING = 'aws:s3/bucketVersioning:BucketVersioning'
const KEY = 'aws:kms/key:Key'

const denies = (policy: Resource, test: string, variable: string, value: string): boolean =>
  parsePolicy(policy.inputs.policy).some(
    each => each.Effect === 'Deny' && each.Principal === '*' && each.Condition?.[test]?.[variable] === value,
  )

export const storageChecks: readonly Check[] = [
  {
    name: 'no bucket is public',
    find: graph =>
      everyBucket(graph, BLOCK, ({ inputs }) =>
        [inputs.blockPublicAcls, inputs.blockPublicPolicy, inputs.ignorePublicAcls, inputs.restrictPublicBuckets].every(
          each => each === true,
        ),
      ),
    breakIt: graph => {
      one(graph, BLOCK, 'RawPublicAccessBlock').inputs.blockPublicPolicy = false
    },
  },
  {
    name: 'buckets refuse plain HTTP and old TLS, on the bucket and on its objects',
    find: graph =>
      everyBucket(graph, POLICY, (policy, bucket) => {
        const plain = parsePolicy(policy.inputs.policy).find(
          each => each.Condition?.['Bool']?.['aws:SecureTransport'] === 'false',
        )
        const resources = list(plain?.Resource)
        return (
          plain?.Effect === 'Deny' &&
          resources.includes(bucket.arn!) &&
          resources.includes(`${bucket.arn}/*`) &&
          denies(policy, 'NumericLessThan', 's3:TlsVersion', '1.2')
        )
      }),
    breakIt: graph => {
      const policy = one(graph, POLICY, 'TablesPolicy')
      policy.inputs.policy = policy.inputs.policy.replace('aws:SecureTransport', 'aws:SecureTransportation')
    },
  },
  {
    name: 'buckets are encrypted with the key of their own zone, and uploads cannot choose another',
    find: graph =>
      everyBucket(graph, ENCRYPTION, ({ inputs, name }, bucket) => {
        const [rule] = inputs.rules
        const key = one(graph, KEY, name.replace('Encryption', 'Key'))
        const policy = ofType(graph, POLICY).find(each => each.inputs.bucket === bucket.id)!
        return (
          rule.applyServerSideEncryptionByDefault.sseAlgorithm === 'aws:kms' &&
          rule.applyServerSideEncryptionByDefault.kmsMasterKeyId === key.arn &&
          rule.bucketKeyEnabled === true &&
          denies(policy, 'StringNotEquals', 's3:x-amz-server-side-encryption-aws-kms-key-id', key.arn!)
        )
      }),
    breakIt: graph => {
      const [rule] = one(graph, ENCRYPTION, 'StagingEncryption').inputs.rules
      rule.applyServerSideEncryptionByDefault.kmsMasterKeyId = one(graph, KEY, 'RawKey').arn
    },
  },
  {
    name: 'keys rotate',
    find: graph =>
      ofType(graph, KEY)
        .filter(each => each.inputs.enableKeyRotation !== true)
        .map(each => each.name),
    breakIt: graph => {
      one(graph, KEY, 'RawKey').inputs.enableKeyRotation = false
    },
  },
  {
    name: 'landing, raw, tables and ops are versioned',
    find: graph =>
      ['Landing', 'Raw', 'Tables', 'Ops'].filter(
        zone =>
          !ofType(graph, VERSIONING).some(
            ({ inputs }) =>
              inputs.bucket === one(graph, BUCKET, `${zone}Bucket`).id &&
              inputs.versioningConfiguration.status === 'Enabled',
          ),
      ),
    breakIt: graph => {
      one(graph, VERSIONING, 'LandingVersioning').inputs.versioningConfiguration.status = 'Suspended'
    },
  },
  {
    name: 'raw is locked against deletion',
    find: graph => {
      const lock = one(graph, 'aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration', 'RawLock').inputs
      const bucket = one(graph, BUCKET, 'RawBucket')
      const locked =
        bucket.inputs.objectLockEnabled === true && lock.bucket === bucket.id && lock.rule.defaultRetention.days > 0
      return locked ? [] : ['RawBucket']
    },
    breakIt: graph => {
      one(graph, BUCKET, 'RawBucket').inputs.objectLockEnabled = false
    },
  },
  {
    name: 'objects of tables are deleted by the sweeper and an erasure alone, whatever another role is allowed, and versions by an erasure',
    find: graph => {
      const statements = parsePolicy(one(graph, POLICY, 'TablesPolicy').inputs.policy)
      const objects = `${one(graph, BUCKET, 'TablesBucket').arn}/*`
      const denied = (action: string) =>
        statements.find(
          each =>
            each.Effect === 'Deny' &&
            each.Principal === '*' &&
            list(each.Action).includes(action) &&
            list(each.Resource).includes(objects),
        )
      const [sweeper, eraser] = ['SweepRole', 'EraseRole'].map(role => one(graph, ROLE, role).arn)
      const butBy = (action: string): unknown => denied(action)?.Condition?.['ArnNotEquals']?.['aws:PrincipalArn']
      return [
        ...(String(butBy('s3:DeleteObject')) === `${sweeper},${eraser}` ? [] : ['objects may be deleted by others']),
        ...(butBy('s3:DeleteObjectVersion') === eraser ? [] : ['versions may be deleted']),
      ]
    },
    breakIt: graph => {
      const role = one(graph, ROLE, 'SweepRole')
      graph.resources = graph.resources.map(each => (each === role ? { ...role, arn: `${role.arn}-of-another` } : each))
    },
  },
  {
    name: 'a raw object is written once: whoever does not say that he creates it is refused, but for an erasure',
    find: graph => {
      const eraser = one(graph, ROLE, 'EraseRole').arn
      const found = parsePolicy(one(graph, POLICY, 'RawPolicy').inputs.policy).some(
        ({ Effect, Principal, Action, Condition }) =>
          Effect === 'Deny' &&
          Principal === '*' &&
          list(Action).includes('s3:PutObject') &&
          Condition?.['Null']?.['s3:if-none-match'] === 'true' &&
          Condition?.['Bool']?.['s3:ObjectCreationOperation'] === 'true' &&
          Condition?.['ArnNotEquals']?.['aws:PrincipalArn'] === eraser,
      )
      return found ? [] : ['raw objects may be overwritten']
    },
    breakIt: graph => {
      const policy = one(graph, POLICY, 'RawPolicy')
      policy.inputs.policy = policy.inputs.policy.replace('s3:if-none-match', 's3:x-amz-acl')
    },
  },
  {
    name: 'what Athena puts out goes to ops under its key, whatever a statement asks for, and no statement scans without end',
    find: graph => {
      const groups = ['Compaction', 'Merge'].map(id => one(graph, 'aws:athena/workgroup:Workgroup', id).inputs)
      const isRight = ({ configuration }: Resource['inputs']): boolean => {
        const { resultConfiguration: result } = configuration
        return (
          configuration.enforceWorkgroupConfiguration === true &&
          configuration.bytesScannedCutoffPerQuery > 0 &&
          result.outputLocation === `s3://${one(graph, BUCKET, 'OpsBucket').id}/athena/` &&
          result.encryptionConfiguration.encryptionOption === 'SSE_KMS' &&
          result.encryptionConfiguration.kmsKeyArn === one(graph, KEY, 'OpsKey').arn
        )
      }
      return groups.filter(group => !isRight(group)).map(({ configuration }) => JSON.stringify(configuration))
    },
    breakIt: graph => {
      const workGroup = one(graph, 'aws:athena/workgroup:Workgroup', 'Merge')
      workGroup.inputs.configuration.enforceWorkgroupConfiguration = false
    },
  },
  {
    name: 'unfinished multipart uploads go after at most seven days',
    find: graph =>
      everyBucket(graph, LIFECYCLE, ({ inputs }) =>
        inputs.rules.some(
          (rule: LifecycleRule) =>
            rule.status === 'Enabled' &&
            rule.filter.prefix === '' &&
            (rule.abortIncompleteMultipartUpload?.daysAfterInitiation ?? 99) <= 7,
        ),
      ),
    breakIt: graph => {
      one(graph, LIFECYCLE, 'OpsLifecycle').inputs.rules.pop()
    },
  },
  {
    name: 'objects expire in landing and staging, and nowhere else',
    find: graph => {
      const expiring = ofType(graph, LIFECYCLE)
        .filter(({ inputs }) => inputs.rules.some((rule: LifecycleRule) => rule.expiration !== undefined))
        .map(({ name }) => name)
        .sort()
      return expiring.join() === 'LandingLifecycle,StagingLifecycle' ? [] : [`expiring: ${expiring}`]
    },
    breakIt: graph => {
      one(graph, LIFECYCLE, 'TablesLifecycle').inputs.rules[0].expiration = { days: 30 }
    },
  },
  {
    name: 'only landing tells EventBridge about its objects',
    find: graph => {
      const notifying = ofType(graph, 'aws:s3/bucketNotification:BucketNotification')
      const right =
        notifying.length === 1 &&
        notifying[0]!.inputs.bucket === one(graph, BUCKET, 'LandingBucket').id &&
        notifying[0]!.inputs.eventbridge === true
      return right ? [] : notifying.map(each => each.name)
    },
    breakIt: graph => {
      one(graph, 'aws:s3/bucketNotification:BucketNotification', 'LandingEvents').inputs.bucket = 'other'
    },
  },
]

interface LifecycleRule {
  readonly status: string
  readonly filter: { readonly prefix: string }
  readonly expiration?: unknown
  readonly abortIncompleteMultipartUpload?: { readonly daysAfterInitiation: number }
}
