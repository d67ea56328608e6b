import { constants, type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3'
import { assert, isLakeError, LakeError } from '../errors.ts'
import { sha256Handle } from '../file-hash.ts'
import type { ObjectInfo, ObjectVersion, ReadOptions, StagedFile, StageOptions, Uri } from '../lake.ts'
import { stagedName } from '../staged-name.ts'
import { attempts, inParallel } from './attempts.ts'
import { serviceFailure } from './aws-errors.ts'
import { addressOf, decodeMetadata, pinned, type S3Access, s3Error, versionOf } from './s3-address.ts'

export async function headObject(
  access: S3Access,
  uri: Uri,
  options: ReadOptions = {},
): Promise<ObjectInfo | undefined> {
  const found = await rawHead(access, uri, options)
  return found && infoOf(uri, found)
}

/** The answer as S3 gives it, with our own marks in its metadata. */
export async function rawHead(
  access: S3Access,
  uri: Uri,
  options: ReadOptions = {},
): Promise<HeadObjectCommandOutput | undefined> {
  try {
    return await access.client.send(
      new HeadObjectCommand({ ...addressOf(access, uri), ...pinned(options.version), ChecksumMode: 'ENABLED' }),
    )
  } catch (error) {
    const failure = readError(error, uri, options)
    if (failure.kind === 'not-found') return undefined
    throw failure
  }
}

export function infoOf(uri: Uri, found: HeadObjectCommandOutput): ObjectInfo {
  return {
    uri,
    bytes: found.ContentLength ?? 0,
    version: versionOf(found),
    modifiedMs: found.LastModified?.getTime() ?? 0,
    metadata: decodeMetadata(found.Metadata),
  }
}

/** The whole body, checked against its length; S3's checksum is checked by the SDK. A body that breaks off is asked for again. */
export async function getObject(
  access: S3Access,
  uri: Uri,
  options: ReadOptions & { readonly range?: { readonly start: number; readonly end: number } },
): Promise<Uint8Array> {
  const { range } = options
  if (range !== undefined && range.start >= range.end) {
    if ((await rawHead(access, uri, options)) === undefined) throw missing(uri, options)
    return new Uint8Array(0)
  }
  return attempts(
    access,
    error => error.kind === 'unavailable',
    async () => {
      const found = await openBody(access, uri, options)
      if (found === undefined) return new Uint8Array(0)
      const bytes = await bodyOf(found, uri)
        .then(body => body.transformToByteArray())
        .catch(broken(uri))
      checkLength(uri, found.ContentLength, bytes.length)
      return bytes
    },
  )
}

/** undefined: the range starts behind the end of the object. */
async function openBody(
  access: S3Access,
  uri: Uri,
  options: ReadOptions & { readonly range?: { readonly start: number; readonly end: number } },
): Promise<GetObjectCommandOutput | undefined> {
  const { range, version } = options
  const Range = range && `bytes=${range.start}-${range.end - 1}`
  try {
    return await access.client.send(
      new GetObjectCommand({ ...addressOf(access, uri), ...pinned(version), ...(Range && { Range }) }),
    )
  } catch (error) {
    if (serviceFailure(error).status === 416) return undefined
    throw readError(error, uri, options)
  }
}

/** Page by page, in the order of S3, which is that of the keys' UTF-8 bytes. Keys come URL-encoded, because XML cannot hold them all. */
export async function* listObjects(access: S3Access, prefix: Uri, startAfter?: Uri): AsyncGenerator<ObjectInfo> {
  const { Bucket, Key, ...owner } = addressOf(access, prefix)
  const StartAfter = startAfter === undefined ? undefined : addressOf(access, startAfter).Key
  let ContinuationToken: string | undefined
  do {
    const page = await access.client
      .send(
        new ListObjectsV2Command({
          Bucket,
          ...owner,
          Prefix: Key,
          EncodingType: 'url',
          ...(StartAfter && { StartAfter }),
          ...(ContinuationToken && { ContinuationToken }),
        }),
      )
      .catch(error => {
        throw s3Error(error, prefix)
      })
    for (const found of page.Contents ?? []) {
      const key = page.EncodingType === 'url' ? decodeURIComponent((found.Key ?? '').replaceAll('+', ' ')) : found.Key
      yield {
        uri: `s3://${Bucket}/${key}`,
        bytes: found.Size ?? 0,
        version: versionOf({ ETag: found.ETag }),
        modifiedMs: found.LastModified?.getTime() ?? 0,
        metadata: {},
      }
    }
    ContinuationToken = page.IsTruncated ? page.NextContinuationToken : undefined
  } while (ContinuationToken !== undefined)
}

/** As listObjects, of all versions; markers of deletion have no bytes and are left out. */
export async function* listVersions(access: S3Access, prefix: Uri): AsyncGenerator<ObjectVersion> {
  const { Bucket, Key, ...owner } = addressOf(access, prefix)
  let marker: { readonly KeyMarker?: string; readonly VersionIdMarker?: string } | undefined = {}
  while (marker !== undefined) {
    const page: ListObjectVersionsCommandOutput = await access.client
      .send(new ListObjectVersionsCommand({ Bucket, ...owner, Prefix: Key, EncodingType: 'url', ...marker }))
      .catch(error => {
        throw s3Error(error, prefix)
      })
    const keyOf = (key = ''): string =>
      page.EncodingType === 'url' ? decodeURIComponent(key.replaceAll('+', ' ')) : key
    for (const found of page.Versions ?? [])
      yield {
        uri: `s3://${Bucket}/${keyOf(found.Key)}`,
        bytes: found.Size ?? 0,
        version: versionOf({ VersionId: found.VersionId, ETag: found.ETag }),
        modifiedMs: found.LastModified?.getTime() ?? 0,
        metadata: {},
        isCurrent: found.IsLatest === true,
      }
    const { NextKeyMarker, NextVersionIdMarker } = page
    marker = page.IsTruncated
      ? {
          ...(NextKeyMarker !== undefined && { KeyMarker: keyOf(NextKeyMarker) }),
          ...(NextVersionIdMarker !== undefined && { VersionIdMarker: NextVersionIdMarker }),
        }
      : undefined
  }
}

/** One version, by parallel ranged reads into a file of its full length; nothing is left behind when it fails. */
export async function stageObject(
  access: S3Access,
  uri: Uri,
  options: StageOptions & { readonly folder: string },
): Promise<StagedFile> {
  const head = await rawHead(access, uri, options)
  if (head === undefined) throw missing(uri, options)
  const { bytes, version } = infoOf(uri, head)
  await mkdir(options.folder, { recursive: true })
  const path = join(options.folder, stagedName(uri, version))
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL)
  try {
    await handle.truncate(bytes)
    await inParallel(access.width, ranges(bytes, access.rangeBytes), range =>
      attempts(
        access,
        error => error.kind === 'unavailable',
        () => fetchRange(access, handle, { uri, version, bytes, ...range }),
      ),
    )
    const sha256 = options.unhashed && options.sha256 === undefined ? '' : await sha256Handle(handle)
    if (options.sha256 !== undefined && options.sha256 !== sha256)
      throw new LakeError('checksum', `${uri} does not have the bytes it was stored with`, {
        uri,
        expected: options.sha256,
        found: sha256,
      })
    return { path, bytes, sha256 }
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
}

interface FileRange {
  readonly uri: Uri
  readonly version: string
  readonly bytes: number
  readonly start: number
  readonly end: number
}

async function fetchRange(access: S3Access, handle: FileHandle, range: FileRange): Promise<void> {
  const { uri, version, bytes, start, end } = range
  const found = await openBody(access, uri, { version, range: { start, end } })
  if (found === undefined || (found.ContentRange ?? '') !== `bytes ${start}-${end - 1}/${bytes}`)
    throw new LakeError('unavailable', `${uri}: S3 answered another range than was asked for`, { uri, start, end })
  const body = await bodyOf(found, uri)
  assert(body instanceof Readable, 'in Node the body of an S3 object is a stream')
  let position = start
  try {
    for await (const chunk of body) {
      if (position + chunk.length > end) break
      await handle.write(chunk, 0, chunk.length, position)
      position += chunk.length
    }
  } catch (error) {
    broken(uri)(error)
  }
  checkLength(uri, end - start, position - start)
}

async function* ranges(bytes: number, rangeBytes: number): AsyncGenerator<{ start: number; end: number }> {
  for (let start = 0; start < bytes; start += rangeBytes) yield { start, end: Math.min(start + rangeBytes, bytes) }
}

async function bodyOf(found: GetObjectCommandOutput, uri: Uri) {
  if (found.Body === undefined) throw new LakeError('unavailable', `${uri}: S3 answered without a body`, { uri })
  return found.Body
}

/** The SDK's retries end where the body begins, so this is ours to retry. */
function broken(uri: Uri): (cause: unknown) => never {
  return cause => {
    throw new LakeError('unavailable', `${uri}: the body broke off or does not match its checksum`, { uri }, { cause })
  }
}

function checkLength(uri: Uri, expected: number | undefined, found: number): void {
  if (expected === undefined || expected === found) return
  throw new LakeError('unavailable', `${uri}: ${found} of ${expected} bytes arrived`, { uri, expected, found })
}

export function missing(uri: Uri, options: ReadOptions): LakeError {
  const { version } = options
  return new LakeError('not-found', `${uri} does not exist${version ? ` in version ${version}` : ''}`, { uri, version })
}

/** With a version asked for, 412 means that the current bytes are others, and 400 that no such version can exist. */
export function readError(cause: unknown, uri: Uri, options: ReadOptions): LakeError {
  const { status } = serviceFailure(cause)
  if (options.version !== undefined && (status === 412 || status === 400)) return missing(uri, options)
  const failure = s3Error(cause, uri)
  return isLakeError(failure, 'not-found') ? missing(uri, options) : failure
}
