import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import type { ObjectInfo } from '../lake.ts'
import { type DiskPlace, objectInfo, statObject, type Zone, zoneUri } from './disk-place.ts'
import { isMissing } from './file-errors.ts'
import { compareKeys, isContinued, keyToPath, pathToKey } from './key-path.ts'

const PAGE = 64

interface ListWork {
  readonly root: string
  readonly zone: Zone
  readonly folder: string
  readonly prefix: string
  readonly startAfter: string
}

interface Entry {
  readonly path: string
  readonly key: string
  readonly folder: boolean
}

/** Objects of a zone whose key starts with the prefix, in S3's order. Objects that come or go meanwhile may or may not be seen. */
export async function* listObjects(
  root: string,
  prefix: DiskPlace,
  startAfter: DiskPlace | undefined,
): AsyncGenerator<ObjectInfo> {
  const { zone, folder } = prefix
  const work = { root, zone, folder, prefix: prefix.key, startAfter: startAfter?.key ?? '' }
  // Only the folder named by the prefix is read, not its siblings.
  const parent = prefix.key.slice(0, prefix.key.lastIndexOf('/') + 1)
  let page: DiskPlace[] = []
  for await (const place of walk(work, parent === '' ? '' : keyToPath(parent.slice(0, -1)))) {
    page.push(place)
    if (page.length < PAGE) continue
    yield* await infos(page)
    page = []
  }
  yield* await infos(page)
}

async function infos(page: readonly DiskPlace[]): Promise<readonly ObjectInfo[]> {
  const stats = await Promise.all(page.map(statObject))
  return page.flatMap((place, index) => {
    const found = stats[index]
    return found === undefined ? [] : [objectInfo(place, found)]
  })
}

async function* walk(work: ListWork, path: string): AsyncGenerator<DiskPlace> {
  for (const entry of await entriesOf(work, path)) {
    if (entry.folder) yield* walk(work, entry.path)
    else
      yield {
        uri: `${zoneUri(work.root, work.zone)}/${entry.key}`,
        zone: work.zone,
        folder: work.folder,
        key: entry.key,
        path: `${work.folder}/${entry.path}`,
      }
  }
}

/** What stands in a folder and is asked for, in the order of its keys: a folder `a` sorts as `a/`, behind a file `a.b`. */
async function entriesOf(work: ListWork, path: string): Promise<readonly Entry[]> {
  const entries: Entry[] = []
  for (const found of await readFolder(path === '' ? work.folder : `${work.folder}/${path}`)) {
    const inner = path === '' ? found.name : `${path}/${found.name}`
    if (found.isDirectory() && isContinued(found.name)) entries.push(...(await entriesOf(work, inner)))
    else if (found.isDirectory()) entries.push(...entry(work, inner, true))
    else if (found.isFile()) entries.push(...entry(work, inner, false))
  }
  return entries.sort((a, b) => compareKeys(a.key, b.key))
}

function entry(work: ListWork, path: string, folder: boolean): readonly Entry[] {
  const own = pathToKey(path)
  if (own === undefined) return []
  const key = folder ? `${own}/` : own
  const { prefix, startAfter } = work
  const wanted = key.startsWith(prefix) || (folder && prefix.startsWith(key))
  const behind = compareKeys(key, startAfter) > 0 || (folder && startAfter.startsWith(key))
  return wanted && behind ? [{ path, key, folder }] : []
}

async function readFolder(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
