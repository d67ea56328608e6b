import { randomUUID } from 'node:crypto'
import {
  chmod,
  constants,
  copyFile,
  link,
  lstat,
  mkdir,
  readdir,
  rename,
  rm,
  rmdir,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { LakeError } from '../errors.ts'
import { sha256File } from '../file-hash.ts'
import type { ObjectInfo, ReadOptions, WriteOptions } from '../lake.ts'
import { checkInside, type DiskPlace, objectInfo, statObject, versionOf } from './disk-place.ts'
import { errorCode, isMissing } from './file-errors.ts'
import { dropSidecar, writeSidecar } from './sidecar.ts'

const TEMP_AGE_MS_MAX = 24 * 3_600_000
const LINK_ATTEMPTS_MAX = 5
const COPY_ATTEMPTS_MAX = 3

/** Writes the bytes aside and puts them in place in one step. */
export function writeBytes(root: string, place: DiskPlace, work: WriteOptions & { readonly body: Uint8Array }) {
  return withTemp(root, async temp => {
    await refuseExisting(place, work)
    await writeFile(temp, work.body, { flag: 'wx' })
    await finish(temp, place)
    return publish(root, temp, { place, options: work })
  })
}

/** Copies a local file aside, checks what was copied, and puts it in place in one step. */
export function writeFileCopy(
  root: string,
  place: DiskPlace,
  work: WriteOptions & { readonly path: string; readonly sha256: string },
): Promise<ObjectInfo> {
  return withTemp(root, async temp => {
    await refuseExisting(place, work)
    await copyFile(work.path, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    const found = await sha256File(temp)
    if (found !== work.sha256)
      throw new LakeError('checksum', `${work.path} is not the file that was to be stored as ${place.uri}`, {
        uri: place.uri,
        expected: work.sha256,
        found,
      })
    await finish(temp, place)
    return publish(root, temp, { place, options: work })
  })
}

/**
 * Objects of the pipeline's own zones are replaced, never changed in place, so a copy of one is another link to its file.
 * Landing belongs to producers, who may write into their files: those bytes are copied, and copied again if they changed meanwhile.
 */
export function copyObject(
  root: string,
  from: DiskPlace,
  to: { readonly place: DiskPlace; readonly options: WriteOptions & ReadOptions },
): Promise<ObjectInfo> {
  return withTemp(root, async temp => {
    await refuseExisting(to.place, to.options)
    if (from.zone === 'landing') {
      await copyBytes(from, temp, to.options.version)
      await finish(temp, to.place)
    } else {
      await source(from, to.options.version)
      await link(from.path, temp)
      const linked = versionOf(await lstat(temp, { bigint: true }))
      if (to.options.version !== undefined && linked !== to.options.version) throw gone(from, to.options.version)
    }
    return publish(root, temp, to)
  })
}

/** Folders that a delete left empty go too, except in landing, where they are the user's. */
export async function removeObject(root: string, place: DiskPlace): Promise<void> {
  const stats = await statObject(place)
  if (stats === undefined) return
  await rm(place.path, { force: true })
  await dropSidecar(root, place, versionOf(stats))
  if (place.zone !== 'landing') await dropEmptyFolders(place, place.folder)
}

/** A file that is gone has no older versions, but may have left a folder whose name says as much: in landing, too, below the folders of producers. */
export async function purgeObject(place: DiskPlace): Promise<void> {
  const [first = ''] = relative(place.folder, place.path).split(sep)
  await dropEmptyFolders(place, place.zone === 'landing' ? join(place.folder, first) : place.folder)
}

async function dropEmptyFolders(place: DiskPlace, top: string): Promise<void> {
  for (let folder = dirname(place.path); folder.length > top.length; folder = dirname(folder)) {
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    )
    if (!removed) return
  }
}

async function copyBytes(from: DiskPlace, temp: string, version: string | undefined): Promise<void> {
  for (let attempt = 1; attempt <= COPY_ATTEMPTS_MAX; attempt++) {
    const before = versionOf(await source(from, version))
    await rm(temp, { force: true })
    await copyFile(from.path, temp, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    if (versionOf(await source(from, version)) === before) return
  }
  throw new LakeError('unavailable', `${from.uri} kept changing while it was copied`, { uri: from.uri })
}

async function source(from: DiskPlace, version: string | undefined) {
  const stats = await statObject(from)
  if (stats === undefined || (version !== undefined && versionOf(stats) !== version)) throw gone(from, version)
  return stats
}

/** Saves the work of losing; the race itself is decided by link(2). */
async function refuseExisting(place: DiskPlace, options: WriteOptions): Promise<void> {
  if (!options.ifNoneMatch || (await statObject(place)) === undefined) return
  throw new LakeError('already-exists', `${place.uri} exists already`, { uri: place.uri })
}

const gone = (place: DiskPlace, version: string | undefined): LakeError =>
  new LakeError('not-found', `${place.uri} does not exist${version === undefined ? '' : ` in version ${version}`}`, {
    uri: place.uri,
    version,
  })

/**
 * The time is set to the microsecond because the kernel's own stamps move in steps of some milliseconds, and an inode number
 * can come back within one: the version must differ all the same. Outside landing the file is read-only from here on.
 */
async function finish(temp: string, place: DiskPlace): Promise<void> {
  const nowS = Date.now() / 1000 + Number(process.hrtime.bigint() % 1_000_000n) / 1e9
  await utimes(temp, nowS, nowS)
  await chmod(temp, place.zone === 'landing' ? 0o644 : 0o444)
}

/** The sidecar first, then the object in one atomic step: link(2) creates or fails, rename(2) replaces. */
async function publish(
  root: string,
  temp: string,
  to: { readonly place: DiskPlace; readonly options: WriteOptions },
): Promise<ObjectInfo> {
  const own = await lstat(temp, { bigint: true })
  const version = versionOf(own)
  const { ifNoneMatch = false, metadata } = to.options
  const old = await statObject(to.place)
  await writeSidecar(root, to.place, { version, options: to.options })
  try {
    await inFolder(to.place, () => (ifNoneMatch ? link(temp, to.place.path) : rename(temp, to.place.path)))
  } catch (error) {
    if (old === undefined || versionOf(old) !== version) await dropSidecar(root, to.place, version)
    throw await clash(to.place, error)
  }
  if (!ifNoneMatch && old !== undefined && versionOf(old) !== version) await dropSidecar(root, to.place, versionOf(old))
  await rm(temp, { force: true })
  // Another writer or the sweeper may already have been here; what was written is still what is reported.
  const stats = await statObject(to.place)
  return objectInfo(to.place, stats !== undefined && versionOf(stats) === version ? stats : own, metadata)
}

/** S3 has both an object `a` and an object `a/b`; a file system has one or the other. */
async function clash(place: DiskPlace, error: unknown): Promise<unknown> {
  const code = errorCode(error) ?? ''
  const folder = await lstat(place.path).then(
    stats => stats.isDirectory(),
    () => false,
  )
  if (!folder && code !== 'ENOTDIR' && !(code === 'EEXIST' && (await parentIsFile(place)))) return error
  return new LakeError('unsupported', `${place.uri}: on disk a name cannot be an object and a folder at once`, {
    uri: place.uri,
  })
}

const parentIsFile = (place: DiskPlace): Promise<boolean> =>
  lstat(dirname(place.path)).then(
    stats => !stats.isDirectory(),
    error => errorCode(error) === 'ENOTDIR',
  )

/** Makes the folder as often as needed: a delete next door may remove it again while it is empty. */
async function inFolder(place: DiskPlace, work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await mkdir(dirname(place.path), { recursive: true })
    await checkInside(place)
    try {
      return await work()
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || attempt === LINK_ATTEMPTS_MAX) throw error
    }
  }
}

/** Temp files are in a folder that no zone contains; whatever happens, the one of this write is gone afterwards. */
async function withTemp<T>(root: string, work: (temp: string) => Promise<T>): Promise<T> {
  const folder = join(root, 'tmp', 'objects')
  await sweepOnce(folder)
  const temp = join(folder, `${process.pid}-${randomUUID()}`)
  try {
    return await work(temp)
  } finally {
    await rm(temp, { force: true })
  }
}

const swept = new Map<string, Promise<void>>()

/** A process that died left its temp files; those older than a day go when the next process first writes. */
function sweepOnce(folder: string): Promise<void> {
  const known = swept.get(folder)
  if (known !== undefined) return known
  const sweep = sweepTemps(folder, Date.now())
  swept.set(folder, sweep)
  return sweep
}

export async function sweepTemps(folder: string, nowMs: number): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const stats = await lstat(path).catch(error => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (stats !== undefined && nowMs - stats.ctimeMs > TEMP_AGE_MS_MAX) await rm(path, { force: true })
  }
}
