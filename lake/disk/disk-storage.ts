import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { LakeError } from '../errors.ts'
import { sha256Handle } from '../file-hash.ts'
import type { ObjectInfo, ObjectVersion, ReadOptions, StagedFile, StageOptions, Storage, Uri } from '../lake.ts'
import { listObjects } from './disk-list.ts'
import { checkInside, type DiskPlace, locate, objectInfo, statObject, versionOf, ZONES } from './disk-place.ts'
import { copyObject, purgeObject, removeObject, writeBytes, writeFileCopy } from './disk-write.ts'
import { fileError, isMissing } from './file-errors.ts'
import { readSidecar } from './sidecar.ts'

const READ_ATTEMPTS_MAX = 3

/**
 * Objects as plain files in the zone folders of `root`. Whoever dies at any moment leaves the old object or the new one:
 * bytes are written aside and appear by link(2) or rename(2). Only the page cache is trusted, as for any file that is not
 * fsynced: killing processes is safe, cutting the power may lose the last seconds.
 */
export function diskStorage(root: string): Storage {
  const at = (uri: Uri): DiskPlace => {
    const place = locate(root, uri)
    if (place.key === '') throw new LakeError('usage', `${uri} names a zone, not an object`, { uri })
    return place
  }
  return {
    folders: ZONES.map(zone => join(root, zone)),
    head: (uri, options) => translated(uri, () => head(root, at(uri), options)),
    get: (uri, options = {}) =>
      translated(uri, () =>
        reading(at(uri), options, async (handle, bytes) => {
          const start = Math.min(options.range?.start ?? 0, bytes)
          return readRange(handle, start, Math.max(start, Math.min(options.range?.end ?? bytes, bytes)))
        }),
      ),
    put: (uri, body, options = {}) => translated(uri, () => writeBytes(root, at(uri), { ...options, body })),
    copy: (from, to, options = {}) => translated(to, () => copyObject(root, at(from), { place: at(to), options })),
    list: (prefix, options) => listing(root, prefix, options?.startAfter),
    versions: prefix => onlyVersions(root, prefix),
    stage: (uri, _folder, options = {}) => translated(uri, () => stage(at(uri), options)),
    upload: (path, uri, options) => translated(uri, () => writeFileCopy(root, at(uri), { ...options, path })),
    delete: uri => translated(uri, () => removeObject(root, at(uri))),
    purge: uri => translated(uri, () => purgeObject(at(uri))),
  }
}

async function head(root: string, place: DiskPlace, options: ReadOptions = {}): Promise<ObjectInfo | undefined> {
  for (let attempt = 1; attempt <= READ_ATTEMPTS_MAX; attempt++) {
    const stats = await statObject(place)
    if (stats === undefined) return undefined
    const version = versionOf(stats)
    if (options.version !== undefined && options.version !== version) return undefined
    const sidecar = await readSidecar(root, place, version)
    if (sidecar !== undefined) return objectInfo(place, stats, sidecar.metadata)
    // No sidecar: there is none, or the object was replaced in between and its sidecar went with it.
    const now = await statObject(place)
    if (now !== undefined && versionOf(now) === version) return objectInfo(place, stats)
  }
  throw new LakeError('unavailable', `${place.uri} kept changing while it was looked at`, { uri: place.uri })
}

/** The object is its own staged file. What is hashed is what a reader of the path then sees, because objects are replaced, not changed. */
function stage(place: DiskPlace, options: StageOptions): Promise<StagedFile> {
  if (options.unhashed && options.sha256 === undefined) return stageUnread(place, options)
  return reading(place, options, async (handle, bytes) => {
    const sha256 = await sha256Handle(handle)
    if (options.sha256 !== undefined && options.sha256 !== sha256)
      throw new LakeError('checksum', `${place.uri} does not have the bytes it was stored with`, {
        uri: place.uri,
        expected: options.sha256,
        found: sha256,
      })
    return { path: place.path, bytes, sha256 }
  })
}

async function stageUnread(place: DiskPlace, options: ReadOptions): Promise<StagedFile> {
  const stats = await statObject(place)
  if (stats === undefined || (options.version !== undefined && options.version !== versionOf(stats)))
    throw new LakeError('not-found', `${place.uri} does not exist`, { uri: place.uri, version: options.version })
  return { path: place.path, bytes: Number(stats.size), sha256: '' }
}

type Handle = Awaited<ReturnType<typeof open>>

/** Runs `work` on one version of the file: should a producer write into it meanwhile, the work is done again or the version is gone. */
async function reading<T>(
  place: DiskPlace,
  options: ReadOptions,
  work: (handle: Handle, bytes: number) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; attempt <= READ_ATTEMPTS_MAX; attempt++) {
    const handle = await openObject(place)
    try {
      const before = await handle.stat({ bigint: true })
      if (!before.isFile() || (options.version !== undefined && options.version !== versionOf(before)))
        throw new LakeError('not-found', `${place.uri} does not exist in version ${options.version}`, {
          uri: place.uri,
          version: options.version,
        })
      const result = await work(handle, Number(before.size))
      if (versionOf(await handle.stat({ bigint: true })) === versionOf(before)) return result
    } finally {
      await handle.close()
    }
  }
  throw new LakeError('unavailable', `${place.uri} kept changing while it was read`, { uri: place.uri })
}

async function openObject(place: DiskPlace): Promise<Handle> {
  try {
    await checkInside(place)
    // A pipe in the folder must not block the reader, and a link is not followed.
    return await open(place.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (cause) {
    if (!isMissing(cause)) throw cause
    throw new LakeError('not-found', `${place.uri} does not exist`, { uri: place.uri }, { cause })
  }
}

async function readRange(handle: Handle, start: number, end: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(end - start)
  let filled = 0
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, start + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** A folder keeps the last version alone. */
async function* onlyVersions(root: string, prefix: Uri): AsyncGenerator<ObjectVersion> {
  for await (const found of listing(root, prefix, undefined)) yield { ...found, isCurrent: true }
}

async function* listing(root: string, prefix: Uri, startAfter: Uri | undefined): AsyncGenerator<ObjectInfo> {
  try {
    yield* listObjects(root, locate(root, prefix), startAfter === undefined ? undefined : locate(root, startAfter))
  } catch (error) {
    throw fileError(error, prefix)
  }
}

async function translated<T>(uri: Uri, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw fileError(error, uri)
  }
}
