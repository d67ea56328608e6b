import type { LakeError } from '../errors.ts'
import type { ObjectInfo, Uri, WriteOptions } from '../lake.ts'
import { attempts } from './attempts.ts'
import { serviceFailure } from './aws-errors.ts'
import { ATTEMPT, encodeMetadata, type S3Access, s3Error, versionOf } from './s3-address.ts'
import { infoOf, rawHead } from './s3-read.ts'

/** A create-only write carries the condition, and our mark by which its echo is known. */
export function createOnly(
  write: WriteOptions,
  attempt: string,
): { Metadata: Record<string, string>; IfNoneMatch?: '*' } {
  if (!write.ifNoneMatch) return { Metadata: encodeMetadata(write.metadata) }
  return { Metadata: encodeMetadata(write.metadata, attempt), IfNoneMatch: '*' }
}

/** What S3 does not answer to a write is known here: the time is this process's, and only head and list give S3's own. */
export function written(
  access: S3Access,
  uri: Uri,
  answer: {
    readonly VersionId?: string | undefined
    readonly ETag?: string | undefined
    readonly bytes: number
    readonly write: WriteOptions
  },
): ObjectInfo {
  const { bytes, write } = answer
  return { uri, bytes, version: versionOf(answer), modifiedMs: access.nowMs(), metadata: { ...write.metadata } }
}

/**
 * Sends a write until its outcome is known. 409: another create was in flight, send the same again. 412: the object exists,
 * which may be the echo of our own attempt whose answer was lost; its mark tells.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export async function settled(
  access: S3Access,
  uri: Uri,
  write: { readonly attempt: string; readonly send: () => Promise<ObjectInfo> },
): Promise<ObjectInfo> {
  return attempts(
    access,
    error => error.kind === 'conflict',
    async attempt => {
      try {
        return await write.send()
      } catch (error) {
        const failure = s3Error(error, uri)
        const sentOnce = attempt === 1 && serviceFailure(error).attempts === 1
        if (failure.kind !== 'already-exists' || sentOnce) throw failure
        return ownWrite(access, uri, { mark: write.attempt, failure })
      }
    },
  )
}

/** The object when it carries our mark, the failure otherwise. */
export async function ownWrite(
  access: S3Access,
  uri: Uri,
  claim: { readonly mark: string; readonly failure: LakeError },
): Promise<ObjectInfo> {
  const found = await rawHead(access, uri)
  if (found?.Metadata?.[ATTEMPT] !== claim.mark) throw claim.failure
  return infoOf(uri, found)
}
