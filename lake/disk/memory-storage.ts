import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LakeError } from '../errors.ts'
import type {
  Clock,
  ObjectInfo,
  ObjectVersion,
  ReadOptions,
  StageOptions,
  Storage,
  Uri,
  WriteOptions,
} from '../lake.ts'
import { stagedName } from '../staged-name.ts'
import { compareKeys } from './key-path.ts'

export type StorageOperation = 'head' | 'get' | 'put' | 'copy' | 'list' | 'stage' | 'upload' | 'delete' | 'purge'
export type StorageMoment = `${'before' | 'after'} ${StorageOperation}`

/**
 * Called around every effect. Throwing before it means that nothing happened, throwing after it that the answer was lost;
 * writing to the same object before a conditional write makes that write lose its race.
 */
export type StorageFaults = (operation: StorageMoment, uri: Uri) => Promise<void> | void

interface Version {
  readonly version: string
  readonly bytes: Uint8Array
  readonly modifiedMs: number
  readonly options: WriteOptions
}

const PAGE = 1000

/** A versioned bucket in memory: every write is a version that stays readable by its id, and a delete hides them all. */
class MemoryObjects {
  readonly #versions = new Map<Uri, readonly Version[]>()
  readonly #hidden = new Set<Uri>()
  readonly #clock: Pick<Clock, 'nowMs'>
  #writes = 0

  constructor(clock: Pick<Clock, 'nowMs'>) {
    this.#clock = clock
  }

  find(uri: Uri, version: string | undefined): Version | undefined {
    const versions = this.#versions.get(uri) ?? []
    if (version !== undefined) return versions.find(one => one.version === version)
    return this.#hidden.has(uri) ? undefined : versions.at(-1)
  }

  /** One synchronous step, so that exactly one of many racing creators wins. */
  write(uri: Uri, bytes: Uint8Array, options: WriteOptions): ObjectInfo {
    if (!uri.isWellFormed()) throw new LakeError('usage', 'an object key must be text that UTF-8 can hold', { uri })
    if (options.ifNoneMatch && this.find(uri, undefined) !== undefined)
      throw new LakeError('already-exists', `${uri} exists already`, { uri })
    const written = {
      version: `v${++this.#writes}`,
      bytes: Uint8Array.from(bytes),
      modifiedMs: this.#clock.nowMs(),
      options: structuredClone({ ...options }),
    }
    this.#versions.set(uri, [...(this.#versions.get(uri) ?? []), written])
    this.#hidden.delete(uri)
    return info(uri, written, written.options.metadata)
  }

  hide(uri: Uri): void {
    if (this.#versions.has(uri)) this.#hidden.add(uri)
  }

  /** Of every version of the next keys. */
  versionPage(prefix: Uri, after: Uri): readonly ObjectVersion[] {
    const uris = [...this.#versions.keys()].filter(uri => uri.startsWith(prefix) && compareKeys(uri, after) > 0)
    const page = uris.sort(compareKeys).slice(0, PAGE)
    return page.flatMap(uri =>
      (this.#versions.get(uri) ?? []).map(version => ({
        ...info(uri, version),
        isCurrent: version === this.find(uri, undefined),
      })),
    )
  }

  purge(uri: Uri): void {
    if (this.#hidden.has(uri)) {
      this.#versions.delete(uri)
      this.#hidden.delete(uri)
    } else if (this.#versions.has(uri)) this.#versions.set(uri, (this.#versions.get(uri) ?? []).slice(-1))
  }

  page(prefix: Uri, after: Uri): readonly ObjectInfo[] {
    const uris = [...this.#versions.keys()].filter(
      uri => uri.startsWith(prefix) && !this.#hidden.has(uri) && compareKeys(uri, after) > 0,
    )
    const page = uris.sort(compareKeys).slice(0, PAGE)
    return page.map(uri => info(uri, this.find(uri, undefined) as Version))
  }
}

export function memoryStorage(options: {
  readonly clock: Pick<Clock, 'nowMs'>
  readonly faults?: StorageFaults
}): Storage {
  const objects = new MemoryObjects(options.clock)
  async function effect<T>(operation: StorageOperation, uri: Uri, work: () => T | Promise<T>): Promise<T> {
    await options.faults?.(`before ${operation}`, uri)
    const result = await work()
    await options.faults?.(`after ${operation}`, uri)
    return result
  }
  return {
    folders: [],
    head: (uri, read) => effect('head', uri, () => headOf(objects, uri, read)),
    get: (uri, read = {}) =>
      effect('get', uri, () => existing(objects, uri, read).bytes.slice(read.range?.start ?? 0, read.range?.end)),
    put: (uri, body, write = {}) => effect('put', uri, () => objects.write(uri, body, write)),
    copy: (from, to, both = {}) =>
      effect('copy', to, () => {
        const { version, ...write } = both
        return objects.write(to, existing(objects, from, version === undefined ? {} : { version }).bytes, write)
      }),
    list: (prefix, range) => listing(objects, prefix, { startAfter: range?.startAfter ?? '', effect }),
    versions: prefix => versionListing(objects, prefix, effect),
    stage: (uri, folder, read = {}) =>
      effect('stage', uri, () => stage(existing(objects, uri, read), uri, { folder, ...read })),
    upload: (path, uri, { sha256, ...write }) =>
      effect('upload', uri, async () => {
        const bytes = await readFile(path)
        checkHash(uri, sha256, hashOf(bytes))
        return objects.write(uri, bytes, write)
      }),
    delete: uri => effect('delete', uri, () => objects.hide(uri)),
    purge: uri => effect('purge', uri, () => objects.purge(uri)),
  }
}

function headOf(objects: MemoryObjects, uri: Uri, read: ReadOptions | undefined): ObjectInfo | undefined {
  const found = objects.find(uri, read?.version)
  return found && info(uri, found, found.options.metadata)
}

function existing(objects: MemoryObjects, uri: Uri, read: ReadOptions): Version {
  const found = objects.find(uri, read.version)
  if (found === undefined)
    throw new LakeError('not-found', `${uri} does not exist`, { uri, ...(read.version && { version: read.version }) })
  return found
}

function info(uri: Uri, found: Version, metadata: ObjectInfo['metadata'] = {}): ObjectInfo {
  return { uri, bytes: found.bytes.length, version: found.version, modifiedMs: found.modifiedMs, metadata }
}

async function* listing(
  objects: MemoryObjects,
  prefix: Uri,
  options: {
    readonly startAfter: Uri
    readonly effect: <T>(operation: StorageOperation, uri: Uri, work: () => T) => Promise<T>
  },
): AsyncGenerator<ObjectInfo> {
  let after = options.startAfter
  while (true) {
    const from = after
    const page = await options.effect('list', prefix, () => objects.page(prefix, from))
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    after = last.uri
  }
}

async function* versionListing(
  objects: MemoryObjects,
  prefix: Uri,
  effect: <T>(operation: StorageOperation, uri: Uri, work: () => T) => Promise<T>,
): AsyncGenerator<ObjectVersion> {
  for (let after = ''; ; ) {
    const from = after
    const page = await effect('list', prefix, () => objects.versionPage(prefix, from))
    yield* page
    const last = page.at(-1)
    if (last === undefined) return
    after = last.uri
  }
}

async function stage(
  found: Version,
  uri: Uri,
  options: StageOptions & { readonly folder: string },
): Promise<{ readonly path: string; readonly bytes: number; readonly sha256: string }> {
  const sha256 = options.unhashed && options.sha256 === undefined ? '' : hashOf(found.bytes)
  checkHash(uri, options.sha256, sha256)
  await mkdir(options.folder, { recursive: true })
  const path = join(options.folder, stagedName(uri, found.version))
  await writeFile(path, found.bytes)
  return { path, bytes: found.bytes.length, sha256 }
}

function checkHash(uri: Uri, expected: string | undefined, found: string): void {
  if (expected === undefined || expected === found) return
  throw new LakeError('checksum', `${uri} does not have the expected bytes`, { uri, expected, found })
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
