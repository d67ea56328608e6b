import type { FileHit } from '#lake/erase-rows.ts'
import { decodeAvro } from '#lake/iceberg/avro-read.ts'
import { visitReachable } from '#lake/iceberg/reachable.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import type { EraseRequest } from './request.ts'

export async function reachable(lake: Lake, table: Table): Promise<ReadonlySet<Uri>> {
  const files = new Set<Uri>()
  await visitReachable(lake, table, { visit: uri => files.add(uri), read: new Set() })
  return files
}

export interface StrayManifest extends FileHit {
  readonly version: string
}

/**
 * Manifests that no snapshot needs, of commits that lost their race, or that were swept and are still kept: they hold bounds of columns. Who has
 * swept them leaves nothing that a commit could need.
 */
export async function strayManifests(lake: Lake, table: Table): Promise<readonly StrayManifest[]> {
  const needed = await reachable(lake, table)
  const found: StrayManifest[] = []
  for await (const each of lake.storage.versions(`${table.metadata.location}/metadata/`)) {
    const { uri, version, modifiedMs, isCurrent } = each
    if (!uri.endsWith('.avro') || (isCurrent && needed.has(uri))) continue
    found.push({ uri, version, rows: 0, modifiedMs, isCurrent })
  }
  return found
}

/** So many code points of a text stand in the bounds of a column. */
const BOUND_LENGTH = 16

/** Whether a text or a bound in the manifest is the beginning of each value; one that another program left half written says nothing. */
export async function quotesBounds(lake: Lake, { parts }: EraseRequest, stray: StrayManifest): Promise<boolean> {
  const { uri, version, isCurrent } = stray
  const texts = textsIn(recordsOf(Buffer.from(await lake.storage.get(uri, isCurrent ? {} : { version }))))
  return parts.every(({ value }) => {
    const begin = [...value].slice(0, BOUND_LENGTH).join('')
    return texts.some(text => text === value || text === begin)
  })
}

function recordsOf(bytes: Buffer): unknown {
  try {
    return decodeAvro(bytes)
  } catch {
    return undefined
  }
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')]
  if (typeof value !== 'object' || value === null) return []
  const inner = value instanceof Map ? [...value.values()] : Object.values(value)
  return inner.flatMap(textsIn)
}
