import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { WriteOptions } from '../lake.ts'
import type { DiskPlace } from './disk-place.ts'
import { isMissing } from './file-errors.ts'

/** What S3 keeps beside the bytes of an object. */
export interface Sidecar {
  readonly key: string
  readonly metadata: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
  readonly contentType?: string
}

/**
 * Sidecars are `<root>/.meta/<zone>/<hash of the key>/<version>.json`. The version is in the name because the sidecar is
 * written before the object appears: whatever dies in between, an object is never seen with the metadata of another.
 */
const folderOf = (root: string, place: DiskPlace): string => {
  const hash = createHash('sha256').update(place.key).digest('hex')
  return join(root, '.meta', place.zone, hash.slice(0, 2), hash.slice(2, 40))
}

export async function writeSidecar(
  root: string,
  place: DiskPlace,
  content: { readonly version: string; readonly options: WriteOptions },
): Promise<void> {
  const { metadata = {}, tags = {}, contentType } = content.options
  const plain = Object.keys(metadata).length === 0 && Object.keys(tags).length === 0 && contentType === undefined
  const folder = folderOf(root, place)
  const path = join(folder, `${content.version}.json`)
  // A copy onto itself keeps its version, so an older sidecar of it must go.
  if (plain) return rm(path, { force: true })
  const sidecar: Sidecar = { key: place.key, metadata, tags, ...(contentType === undefined ? {} : { contentType }) }
  await mkdir(folder, { recursive: true })
  const temp = join(folder, `${randomUUID()}.tmp`)
  await writeFile(temp, JSON.stringify(sidecar))
  await rename(temp, path)
}

export async function readSidecar(root: string, place: DiskPlace, version: string): Promise<Sidecar | undefined> {
  try {
    return JSON.parse(await readFile(join(folderOf(root, place), `${version}.json`), 'utf8')) as Sidecar
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

export async function dropSidecar(root: string, place: DiskPlace, version: string): Promise<void> {
  await rm(join(folderOf(root, place), `${version}.json`), { force: true })
}
