import { createHash } from 'node:crypto'
import { open, readFile, stat } from 'node:fs/promises'
import { CopyObjectCommand, PutObjectCommand, UploadPartCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3'
import { LakeError } from '../errors.ts'
import type { ObjectInfo, ReadOptions, Uri, WriteOptions } from '../lake.ts'
import { serviceFailure } from './aws-errors.ts'
import { addressOf, copySource, type S3Access, writeFields } from './s3-address.ts'
import { multipart } from './s3-multipart.ts'
import { createOnly, settled, written } from './s3-outcome.ts'
import { headObject, infoOf, missing, rawHead } from './s3-read.ts'

const PARTS_MAX = 10_000

/**
 * One PutObject, its bytes checked by S3 against the SHA-256 that is sent along. A bucket with Object Lock asks for the name of the algorithm
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html).
 */
export async function putObject(
  access: S3Access,
  uri: Uri,
  write: WriteOptions & { readonly body: Uint8Array },
): Promise<ObjectInfo> {
  const attempt = access.ids.uuid()
  const ChecksumSHA256 = createHash('sha256').update(write.body).digest('base64')
  const command = new PutObjectCommand({
    ...addressOf(access, uri),
    ...writeFields(write),
    Body: write.body,
    ChecksumAlgorithm: 'SHA256',
    ChecksumSHA256,
    ...createOnly(write, attempt),
  })
  return settled(access, uri, {
    attempt,
    send: async () => written(access, uri, { ...(await access.client.send(command)), bytes: write.body.length, write }),
  })
}

/** Pinned to one version of the source; in parts when it is large, which S3 does side by side. */
export async function copyObject(
  access: S3Access,
  from: Uri,
  work: WriteOptions & ReadOptions & { readonly to: Uri },
): Promise<ObjectInfo> {
  const { to, ...write } = work
  const head = await rawHead(access, from, write)
  if (head === undefined) throw missing(from, write)
  const source = { ...infoOf(from, head), address: addressOf(access, from) }
  const fields = {
    ...addressOf(access, to),
    ...copySource(source.address, source.version),
    ...(access.owner === undefined ? {} : { ExpectedSourceBucketOwner: access.owner }),
  }
  if (source.bytes > access.copyBytesMax) return copyInParts(access, to, { fields, write, bytes: source.bytes })
  const attempt = access.ids.uuid()
  const command = new CopyObjectCommand({
    ...fields,
    ...writeFields(write),
    MetadataDirective: 'REPLACE',
    TaggingDirective: 'REPLACE',
    ChecksumAlgorithm: 'SHA256',
    ...createOnly(write, attempt),
  })
  return settled(access, to, {
    attempt,
    send: async () => {
      const answer = await access.client.send(command).catch(error => sourceChanged(access, from, { error, source }))
      // The SDK turns a 200 with an error body into an error; an answer without a result is one all the same.
      if (answer.CopyObjectResult?.ETag === undefined)
        throw new LakeError('unavailable', `${to}: S3 answered a copy without its result`, { uri: to })
      const { VersionId } = answer
      const ids = { ETag: answer.CopyObjectResult.ETag, ...(VersionId === undefined ? {} : { VersionId }) }
      return written(access, to, { ...ids, bytes: source.bytes, write })
    },
  })
}

/** 412 is also what a copy gets whose source is pinned by ETag and was replaced: then the version that was to be copied is gone. */
async function sourceChanged(
  access: S3Access,
  from: Uri,
  failed: { readonly error: unknown; readonly source: ObjectInfo },
): Promise<never> {
  const { version } = failed.source
  if (serviceFailure(failed.error).status === 412 && (await headObject(access, from, { version })) === undefined)
    throw missing(from, { version })
  throw failed.error
}

function copyInParts(
  access: S3Access,
  to: Uri,
  work: {
    readonly fields: ReturnType<typeof addressOf> & ReturnType<typeof copySource>
    readonly write: WriteOptions
    readonly bytes: number
  },
): Promise<ObjectInfo> {
  const { fields, write, bytes } = work
  const partBytes = partSize(access.copyBytesMax, bytes)
  return multipart(access, to, {
    write,
    bytes,
    parts: async function* () {
      for (let start = 0; start < bytes; start += partBytes)
        yield `bytes=${start}-${Math.min(start + partBytes, bytes) - 1}`
    },
    send: async (range, { PartNumber, UploadId }) => {
      const command = new UploadPartCopyCommand({ ...fields, CopySourceRange: range, PartNumber, UploadId })
      const { CopyPartResult } = await access.client.send(command)
      if (CopyPartResult?.ETag === undefined)
        throw new LakeError('unavailable', `${to}: S3 answered a copy without its result`, { uri: to })
      return CopyPartResult
    },
  })
}

/** A local file in one request, or in parts read one after the other and sent side by side; the bytes sent are those that were hashed. */
export async function uploadFile(
  access: S3Access,
  uri: Uri,
  write: WriteOptions & { readonly path: string; readonly sha256: string },
): Promise<ObjectInfo> {
  const { size: bytes } = await stat(write.path)
  if (bytes <= access.partBytes) {
    const body = await readFile(write.path)
    checkHash(uri, write.sha256, createHash('sha256').update(body).digest('hex'))
    return putObject(access, uri, { ...write, body })
  }
  const partBytes = partSize(access.partBytes, bytes)
  return multipart(access, uri, {
    write,
    bytes,
    parts: () => hashedParts(uri, { ...write, partBytes }),
    send: async (Body, { PartNumber, UploadId }) => {
      const ChecksumSHA256 = createHash('sha256').update(Body).digest('base64')
      const address = addressOf(access, uri)
      const command = new UploadPartCommand({ ...address, Body, ChecksumSHA256, PartNumber, UploadId })
      return { ChecksumSHA256, ...(await access.client.send(command)) }
    },
  })
}

/** Ends with `checksum` instead of an end when the file is not the one it should be, so that the upload is never completed. */
async function* hashedParts(
  uri: Uri,
  file: { readonly path: string; readonly sha256: string; readonly partBytes: number },
): AsyncGenerator<Buffer> {
  const handle = await open(file.path, 'r')
  const hash = createHash('sha256')
  try {
    while (true) {
      const buffer = Buffer.allocUnsafe(file.partBytes)
      let filled = 0
      for (let read = -1; read !== 0 && filled < buffer.length; filled += read)
        read = (await handle.read(buffer, filled, buffer.length - filled, null)).bytesRead
      if (filled === 0) break
      hash.update(buffer.subarray(0, filled))
      yield buffer.subarray(0, filled)
    }
  } finally {
    await handle.close()
  }
  checkHash(uri, file.sha256, hash.digest('hex'))
}

const partSize = (smallest: number, bytes: number): number => Math.max(smallest, Math.ceil(bytes / PARTS_MAX))

function checkHash(uri: Uri, expected: string, found: string): void {
  if (expected === found) return
  throw new LakeError('checksum', `the local file is not the one that was to be stored as ${uri}`, {
    uri,
    expected,
    found,
  })
}
