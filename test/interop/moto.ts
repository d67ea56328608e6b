import { EventBridgeClient } from '@aws-sdk/client-eventbridge'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { CreateBucketCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs'

/** The address of the emulator that run.sh started. The SDK's clients find it by themselves in the environment. */
export function endpoint(): string {
  const found = process.env['AWS_ENDPOINT_URL']
  if (found === undefined || !found.startsWith('http://127.0.0.1:'))
    throw new Error('these tests talk to an emulator only: run them by "npm run test:interop"')
  return found
}

export const s3 = new S3Client({ endpoint: endpoint(), forcePathStyle: true })
export const glue = new GlueClient({ endpoint: endpoint() })
export const events = new EventBridgeClient({ endpoint: endpoint() })
export const states = new SFNClient({ endpoint: endpoint() })
export const sqs = new SQSClient({ endpoint: endpoint() })

export async function bucket(name: string, options: { readonly versioned: boolean }): Promise<string> {
  await s3.send(
    new CreateBucketCommand({ Bucket: name, CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' } }),
  )
  if (options.versioned)
    await s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }))
  return `s3://${name}`
}

export async function queueUrl(name: string): Promise<string> {
  return (await sqs.send(new CreateQueueCommand({ QueueName: name }))).QueueUrl ?? ''
}

export async function database(name: string): Promise<string> {
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }))
  return name
}

/** One call of a service whose SDK client is not a dependency; moto does not check signatures. */
export async function call(service: string, target: string, input: unknown): Promise<Record<string, unknown>> {
  const response = await fetch(endpoint(), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    },
    body: JSON.stringify(input),
  })
  if (!response.ok) throw new Error(`${target}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}
