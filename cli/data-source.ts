import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'
import { closest } from './closest.ts'
import { refusal, usage } from './refusal.ts'

/** What FILE-OR-TABLE names. */
export type Place = FilePlace | { readonly kind: 'table'; readonly name: string }

export interface FilePlace {
  readonly kind: 'file'
  /** As people wrote it. */
  readonly name: string
  /** Relative to the working directory when it is below it, else absolute: what file rules compare their paths with. */
  readonly path: string
  /** Absolute, links resolved. */
  readonly realPath: string
  readonly bytes: number
  readonly modifiedMs: number
  readonly format: FileFormat
  readonly compression: Compression
}

export type FileFormat = 'csv' | 'tsv' | 'json' | 'ndjson' | 'parquet'
export type Compression = 'uncompressed' | 'gzip' | 'zstd'

const FORMATS: ReadonlyMap<string, FileFormat> = new Map([
  ['csv', 'csv'],
  ['tsv', 'tsv'],
  ['tab', 'tsv'],
  ['json', 'json'],
  ['ndjson', 'ndjson'],
  ['jsonl', 'ndjson'],
  ['parquet', 'parquet'],
])

const COMPRESSIONS: ReadonlyMap<string, Compression> = new Map([
  ['gz', 'gzip'],
  ['gzip', 'gzip'],
  ['zst', 'zstd'],
  ['zstd', 'zstd'],
])

/** A name with a dot or a slash in it is a file; tables have neither. Errors: `not-found`, `unsupported`, `usage`. */
export async function placeOf(text: string, cwd: string): Promise<Place> {
  if (text === '') throw usage('the name of the data is empty', 'name a file or a table')
  return /[./\\]/.test(text) ? filePlace(text, cwd) : { kind: 'table', name: text.toLowerCase() }
}

/** What the end of a name says: `orders.csv.gz` is CSV, compressed. undefined when it says nothing that is known. */
export function formatOf(name: string): { readonly format: FileFormat; readonly compression: Compression } | undefined {
  const endings = basename(name).toLowerCase().split('.').slice(1)
  const compression = COMPRESSIONS.get(endings.at(-1) ?? '')
  const format = FORMATS.get(endings.at(compression === undefined ? -1 : -2) ?? '')
  return format === undefined ? undefined : { format, compression: compression ?? 'uncompressed' }
}

async function filePlace(name: string, cwd: string): Promise<FilePlace> {
  const path = resolve(cwd, name)
  const found = await stat(path).catch(() => undefined)
  if (found === undefined) throw refusal('not-found', `there is no file ${name}`, await nearby(path, cwd))
  if (found.isDirectory()) throw usage(`${name} is a folder`, 'name one of the files in it, or a table of the lake')
  const known = formatOf(name)
  if (known === undefined)
    throw refusal(
      'unsupported',
      `the name of ${name} does not say what is in it`,
      'let it end in .csv, .tsv, .json, .ndjson or .parquet; the first four also in .gz or .zst behind that',
    )
  if (known.format === 'parquet' && known.compression !== 'uncompressed')
    throw refusal('unsupported', `${name} is a compressed Parquet file`, 'unpack it: Parquet is compressed inside')
  const below = relative(cwd, path)
  return {
    kind: 'file',
    name,
    path: below.startsWith('..') ? path : below,
    realPath: await realpath(path),
    bytes: found.size,
    modifiedMs: found.mtimeMs,
    ...known,
  }
}

/** Errors: `not-found` when a table is named and there is no lake to find it in. */
export async function checkTables(
  places: readonly Place[],
  { root, cwd }: { readonly root: string; readonly cwd: string },
): Promise<void> {
  const table = places.find(place => place.kind === 'table')
  if (table === undefined || (await isFolder(root))) return
  const files = (await readdir(cwd)).filter(name => name.startsWith(`${table.name}.`) && formatOf(name) !== undefined)
  const meant =
    files.length === 0 ? `name a file with its ending, ${table.name}.csv;` : `did you mean ${files.join(' or ')}?`
  throw refusal(
    'not-found',
    `there is no lake at ${root} to find ${table.name} in`,
    `${meant} --lake FOLDER names a lake`,
  )
}

export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true
}

async function nearby(path: string, cwd: string): Promise<string> {
  const folder = dirname(path)
  const names = await readdir(folder).catch(() => undefined)
  const shown = relative(cwd, folder) || 'this folder'
  if (names === undefined) return `there is no folder ${shown} either: check the path`
  const near = closest(basename(path), names)
  return near.length > 0 ? `in ${shown} there is ${near.join(' and ')}` : `check the name: it is looked for in ${shown}`
}
