import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import type { Uri } from './lake.ts'

let count = 0

/** A file name for a staged object: readable, with the object's own extension, and never the same twice in one process. */
export function stagedName(uri: Uri, version: string): string {
  const hash = createHash('sha256').update(`${uri} ${version}`).digest('hex').slice(0, 16)
  const name = basename(uri)
    .replaceAll(/[^\w.=-]/g, '_')
    .slice(-100)
  return `${hash}-${++count}-${name}`
}
