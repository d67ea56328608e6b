import type { Lake, Uri } from './lake.ts'

export interface CreatedObject {
  readonly uri: Uri
  readonly version: string
  readonly bytes: number
  readonly modifiedMs: number
}

/**
 * What S3 tells EventBridge of a landing object (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html): for those whose own event
 * was lost. `ingest` believes it only in the name of its own account.
 */
export function objectCreated(
  lake: Lake,
  object: CreatedObject,
  { account = '000000000000', region = 'local' }: { readonly account?: string; readonly region?: string } = {},
): Readonly<Record<string, unknown>> {
  const { landing } = lake.zones
  return {
    version: '0',
    id: lake.ids.uuid(),
    source: 'aws.s3',
    'detail-type': 'Object Created',
    account,
    region,
    time: new Date(object.modifiedMs).toISOString(),
    detail: {
      version: '0',
      // On disk the landing bucket is the folder's name.
      bucket: { name: landing.slice(landing.lastIndexOf('/') + 1) },
      object: { key: object.uri.slice(landing.length + 1), size: object.bytes, 'version-id': object.version },
      reason: 'PutObject',
    },
  }
}
