import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import type { Row } from '#lake/duckdb/engine.ts'
import { decodeMetadata } from '#lake/iceberg/metadata-file.ts'

const FOLDER = import.meta.dirname

/** The names of the golden tables. */
export function goldenNames(): readonly string[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && !entry.name.startsWith('__'))
    .map(entry => entry.name)
}

/** A lake in memory that holds a golden table under the address that its paths begin with. */
export async function goldenLake(name: string): Promise<MemoryLake> {
  const folder = join(FOLDER, name)
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name !== 'rows.txt')
    .map(entry => relative(folder, join(entry.parentPath, entry.name)))
  const metadata = files.find(file => file.endsWith('.metadata.json')) as string
  const { location } = decodeMetadata(readFileSync(join(folder, metadata)))
  const lake = memoryLake()
  for (const file of files) await lake.storage.put(`${location}/${file}`, readFileSync(join(folder, file)))
  await lake.catalog.create(name, { metadataLocation: `${location}/${metadata}`, location, columns: [] })
  return lake
}

/** The rows that its makers find in a golden table, ordered by `id`. */
export function goldenRows(name: string): readonly Row[] {
  const lines = readFileSync(join(FOLDER, name, 'rows.txt'), 'utf8')
    .trimEnd()
    .split('\n')
  return lines.map(line => JSON.parse(line) as Row)
}
