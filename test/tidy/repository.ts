import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** A text file of the repository; `path` is relative to its root. */
export interface TextFile {
  readonly path: string
  readonly text: string
}

export const ROOT = resolve(import.meta.dirname, '../..')

/** Lists of checksums and the tables that other engines wrote: nobody reads them line by line. */
const NOT_PROSE = /^(package-lock\.json$|test\/golden\/[^/]+\/)/
const BINARY = /\.(png|jpe?g|gif|ico|gz|zst|parquet|avro|bin|zip|duckdb)$/

/** All text that belongs to the repository: what is on disk and not ignored, so that a file is checked before it is committed. */
export function repositoryFiles(root = ROOT): readonly TextFile[] {
  const ignored = ignoring(readFileSync(join(root, '.gitignore'), 'utf8'))
  return walk(root, '', path => path === '.git/' || path === '.git' || ignored(path))
    .filter(path => !BINARY.test(path) && !NOT_PROSE.test(path))
    .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

export const isCode = ({ path }: TextFile): boolean => /\.(ts|js)$/.test(path)
export const isTest = ({ path }: TextFile): boolean => path.startsWith('test/')

function walk(root: string, folder: string, skip: (path: string) => boolean): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap(entry => {
      const path = `${folder}${entry.name}${entry.isDirectory() ? '/' : ''}`
      if (skip(path)) return []
      return entry.isDirectory() ? walk(root, path, skip) : entry.isFile() ? [path] : []
    })
    .sort()
}

/** As much of .gitignore as is used here: `name/` and `*.ending` anywhere, `folder/name/` from the root. A folder's path ends in a slash. */
export function ignoring(gitignore: string): (path: string) => boolean {
  const lines = gitignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const patterns = lines.map(line => {
    const fromRoot = line.replace(/\/$/, '').includes('/')
    const body = line
      .replace(/^\/|\/$/g, '')
      .replaceAll('.', '\\.')
      .replaceAll('*', '[^/]*')
    return new RegExp(`${fromRoot ? '^' : '(^|/)'}${body}${line.endsWith('/') ? '/' : '/?'}$`)
  })
  return path => patterns.some(pattern => pattern.test(path))
}
