import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { isMissing } from './file-errors.ts'
import { pathToKey } from './key-path.ts'

/** A file below the folder of a zone that is no object, because no key leads to it. */
export interface StrayFile {
  /** Below the folder; bytes that are no text are replaced in it. */
  readonly path: string
  readonly why: 'link' | 'special' | 'name'
}

/**
 * Files that somebody put into a zone's folder by hand and that no listing of objects has: links, which could lead anywhere, pipes and sockets,
 * and names with control characters, of more than 240 bytes, or that look like an escape and are none.
 */
export async function strayFiles(folder: string): Promise<readonly StrayFile[]> {
  const found: StrayFile[] = []
  await walk(folder, '', found)
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function walk(folder: string, inside: string, found: StrayFile[]): Promise<void> {
  for (const entry of await entriesOf(inside === '' ? folder : `${folder}/${inside}`)) {
    const name = entry.name.toString('utf8')
    const path = inside === '' ? name : `${inside}/${name}`
    const isText = Buffer.from(name).equals(entry.name)
    if (entry.isDirectory() && isText) await walk(folder, path, found)
    else if (entry.isSymbolicLink()) found.push({ path, why: 'link' })
    else if (!entry.isFile() && !entry.isDirectory()) found.push({ path, why: 'special' })
    else if (!isText || pathToKey(path) === undefined) found.push({ path, why: 'name' })
  }
}

async function entriesOf(path: string): Promise<readonly Dirent<Buffer>[]> {
  try {
    return await readdir(path, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
