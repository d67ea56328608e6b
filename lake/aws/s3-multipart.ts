import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
} from '@aws-sdk/client-s3'
import { LakeError } from '../errors.ts'
import type { ObjectInfo, Uri, WriteOptions } from '../lake.ts'
import { attempts, inParallel } from './attempts.ts'
import { addressOf, encodeMetadata, type S3Access, s3Error, writeFields } from './s3-address.ts'
import { ownWrite, written } from './s3-outcome.ts'

interface PartAnswer {
  readonly ETag?: string | undefined
  readonly ChecksumSHA256?: string | undefined
}

interface MultipartWork<P> {
  readonly write: WriteOptions
  readonly bytes: number
  /** The parts in order; called anew when the upload has to start again. */
  readonly parts: () => AsyncIterable<P>
  readonly send: (part: P, place: { readonly PartNumber: number; readonly UploadId: string }) => Promise<PartAnswer>
}

/**
 * A multipart upload that leaves no parts behind: on any failure it is aborted. `Upload` of @aws-sdk/lib-storage keeps the
 * parts when the completing call fails, which is how every lost create-only race ends. After a 409 the upload must start
 * again from its beginning (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 */
export function multipart<P>(access: S3Access, uri: Uri, work: MultipartWork<P>): Promise<ObjectInfo> {
  return attempts(
    access,
    error => error.kind === 'conflict',
    () => once(access, uri, work),
  )
}

async function once<P>(access: S3Access, uri: Uri, work: MultipartWork<P>): Promise<ObjectInfo> {
  const mark = access.ids.uuid()
  const UploadId = await begin(access, uri, { write: work.write, mark })
  const address = addressOf(access, uri)
  try {
    const Parts = await sendParts(access, work, UploadId)
    const answer = await access.client.send(
      new CompleteMultipartUploadCommand({
        ...address,
        UploadId,
        MultipartUpload: { Parts },
        ...(work.write.ifNoneMatch && { IfNoneMatch: '*' }),
      }),
    )
    if (answer.ETag === undefined)
      throw new LakeError('unavailable', `${uri}: S3 completed an upload without a result`, { uri })
    return written(access, uri, { ...answer, bytes: work.bytes, write: work.write })
  } catch (error) {
    // An upload that is already complete, or never comes to be, makes this fail too; the first failure is the one that counts.
    await access.client.send(new AbortMultipartUploadCommand({ ...address, UploadId })).catch(() => undefined)
    const failure = s3Error(error, uri)
    // 412, and 404 NoSuchUpload, are also what a completing call gets that is sent again after its answer was lost.
    if (failure.kind !== 'already-exists' && failure.kind !== 'conflict') throw failure
    return ownWrite(access, uri, { mark, failure })
  }
}

async function begin(
  access: S3Access,
  uri: Uri,
  options: { readonly write: WriteOptions; readonly mark: string },
): Promise<string> {
  const command = new CreateMultipartUploadCommand({
    ...addressOf(access, uri),
    ...writeFields(options.write),
    Metadata: encodeMetadata(options.write.metadata, options.mark),
    ChecksumAlgorithm: 'SHA256',
  })
  const { UploadId } = await access.client.send(command).catch(error => {
    throw s3Error(error, uri)
  })
  if (UploadId === undefined) throw new LakeError('unavailable', `${uri}: S3 gave no upload id`, { uri })
  return UploadId
}

async function sendParts<P>(access: S3Access, work: MultipartWork<P>, UploadId: string): Promise<CompletedPart[]> {
  const parts: CompletedPart[] = []
  await inParallel(access.width, numbered(work.parts()), async ([PartNumber, part]) => {
    const { ETag, ChecksumSHA256 } = await work.send(part, { PartNumber, UploadId })
    parts.push({ PartNumber, ...(ETag && { ETag }), ...(ChecksumSHA256 && { ChecksumSHA256 }) })
  })
  return parts.sort((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0))
}

async function* numbered<P>(parts: AsyncIterable<P>): AsyncGenerator<readonly [number, P]> {
  let number = 0
  for await (const part of parts) yield [++number, part]
}
