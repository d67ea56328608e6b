import type { S3Client } from '@aws-sdk/client-s3'
import { type ErrorKind, LakeError } from '../errors.ts'
import type { ObjectInfo, Uri, WriteOptions } from '../lake.ts'
import type { Retrying } from './attempts.ts'
import { awsError, type ServiceFailure } from './aws-errors.ts'

/** What every S3 call of the adapter needs. */
export interface S3Access extends Retrying {
  readonly client: S3Client
  /** The account that must own the buckets: a request to a bucket of somebody else then fails (ExpectedBucketOwner). */
  readonly owner: string | undefined
  readonly rangeBytes: number
  /** S3 takes parts of 5 MiB to 5 GiB. */
  readonly partBytes: number
  /** Ranges or parts under way at once, per object. */
  readonly width: number
  /** Objects larger than this are copied in parts; S3 refuses more than 5 GiB in one CopyObject. */
  readonly copyBytesMax: number
  readonly nowMs: () => number
}

export interface S3Address {
  readonly Bucket: string
  readonly Key: string
  readonly ExpectedBucketOwner?: string
}

export function addressOf(access: S3Access, uri: Uri): S3Address {
  const found = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri)
  if (found === null) throw new LakeError('usage', `${uri} is not an S3 object`, { uri })
  const owner = access.owner === undefined ? {} : { ExpectedBucketOwner: access.owner }
  return { Bucket: found[1] as string, Key: found[2] as string, ...owner }
}

// --- Versions ------------------------------------------------------------------------------------------------------

const ETAG = 'etag:'

/** The version id; in a bucket without versioning, and in listings, the ETag as an opaque validator. It is never a hash of the bytes. */
export function versionOf(found: {
  readonly VersionId?: string | undefined
  readonly ETag?: string | undefined
}): string {
  const { VersionId, ETag } = found
  return VersionId !== undefined && VersionId !== 'null' ? VersionId : `${ETAG}${ETag ?? ''}`
}

/** How a read names exactly this version. */
export function pinned(version: string | undefined): { readonly VersionId?: string; readonly IfMatch?: string } {
  if (version === undefined) return {}
  return version.startsWith(ETAG) ? { IfMatch: version.slice(ETAG.length) } : { VersionId: version }
}

/** How a copy names exactly this version of its source. */
export function copySource(from: S3Address, version: string): { CopySource: string; CopySourceIfMatch?: string } {
  const { VersionId, IfMatch } = pinned(version)
  const path = [from.Bucket, ...from.Key.split('/')].map(encodeURIComponent).join('/')
  if (VersionId !== undefined) return { CopySource: `${path}?versionId=${encodeURIComponent(VersionId)}` }
  return { CopySource: path, ...(IfMatch === undefined ? {} : { CopySourceIfMatch: IfMatch }) }
}

// --- Metadata and tags ---------------------------------------------------------------------------------------------

/** Our mark on a create-only write, so that a 412 can be told from the echo of our own earlier attempt. Not shown to readers. */
export const ATTEMPT = 'sluice-attempt'

/**
 * Headers hold printable ASCII without outer spaces, so other characters, and `%` itself, are percent-encoded as UTF-8.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
 */
export function encodeMetadata(metadata: ObjectInfo['metadata'] = {}, attempt?: string): Record<string, string> {
  const encoded = Object.entries(metadata).map(([name, value]) => [name, encodeValue(value)])
  return Object.fromEntries(attempt === undefined ? encoded : [...encoded, [ATTEMPT, attempt]])
}

function encodeValue(value: string): string {
  return value
    .toWellFormed()
    .replaceAll(/[^\x20-\x7e]|%|^ +| +$/gu, found => [...Buffer.from(found)].map(percent).join(''))
}

const percent = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

export function decodeMetadata(metadata: Record<string, string> = {}): ObjectInfo['metadata'] {
  const visible = Object.entries(metadata).filter(([name]) => name !== ATTEMPT)
  return Object.fromEntries(visible.map(([name, value]) => [name, decodeValue(value)]))
}

/** Values that others wrote need not be percent-encoded: what does not decode is taken as it is. */
function decodeValue(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

/** The `x-amz-tagging` header, and the other things a write may carry. */
export function writeFields(options: WriteOptions): { Tagging?: string; ContentType?: string } {
  const tags = Object.entries(options.tags ?? {})
  const Tagging = tags.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')
  return {
    ...(Tagging === '' ? {} : { Tagging }),
    ...(options.contentType === undefined ? {} : { ContentType: options.contentType }),
  }
}

// --- Errors --------------------------------------------------------------------------------------------------------

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html. 404 is missing and 403 is denied, never missing: without
 * ListBucket S3 says 403 for a key that does not exist. 405 is what a read of a delete marker by its version gets.
 */
export function s3Error(cause: unknown, uri: Uri): LakeError {
  return awsError(cause, uri, kindOfS3)
}

function kindOfS3({ name, status }: ServiceFailure): ErrorKind | undefined {
  if (name === 'NoSuchBucket') return 'usage'
  if (name === 'NoSuchUpload') return 'conflict'
  if (name === 'InvalidObjectState') return 'unsupported'
  if (name === 'BadDigest' || name === 'XAmzContentSHA256Mismatch' || name === 'InvalidDigest') return 'checksum'
  if (name === 'RequestTimeout') return 'unavailable'
  // The object exists, so this writer lost. 409: another request was in flight, the same bytes may be sent again.
  if (status === 412) return 'already-exists'
  if (status === 409) return 'conflict'
  if (status === 404 || status === 405) return 'not-found'
  return undefined
}
