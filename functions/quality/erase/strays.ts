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

/** Manifests of commits that lost their race: no snapshot needs them, and they hold bounds of columns for as long as nobody sweeps. */
export async function strayManifests(lake: Lake, table: Table): Promise<readonly FileHit[]> {
  const needed = await reachable(lake, table)
  const found: FileHit[] = []
  for await (const { uri, modifiedMs } of lake.storage.list(`${table.metadata.location}/metadata/`))
    if (uri.endsWith('.avro') && !needed.has(uri)) found.push({ uri, rows: 0, modifiedMs })
  return found
}

/** So many code points of a text stand in the bounds of a column. */
const BOUND_LENGTH = 16

/** Whether a text or a bound in the manifest is the beginning of each value; one that another program left half written says nothing. */
export async function quotesBounds(lake: Lake, { parts }: EraseRequest, uri: Uri): Promise<boolean> {
  const texts = textsIn(recordsOf(Buffer.from(await lake.storage.get(uri))))
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
