import { LakeError } from '#lake/errors.ts'
import { visitReachable } from '#lake/iceberg/reachable.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'

const HEADS_AT_ONCE = 16

/**
 * Fails with `table-corrupt` unless every file that the table's snapshots need can be read or is at least there. Of a damaged table an
 * older snapshot may be all that is left: nothing of it may go before somebody has looked. Costs a listing and the manifests.
 */
export async function checkIntact(lake: Lake, table: Table): Promise<void> {
  const needed = new Set<Uri>()
  await visitReachable(lake, table, { visit: uri => needed.add(uri), read: new Set() })
  // The log may name metadata files that somebody has removed: nothing is read through them.
  for (const previous of table.metadata['metadata-log']) needed.delete(previous['metadata-file'])
  for await (const found of lake.storage.list(`${table.metadata.location}/`)) needed.delete(found.uri)
  const lost = await mapParallel([...needed], HEADS_AT_ONCE, async uri =>
    (await lake.storage.head(uri)) === undefined ? uri : undefined,
  )
  const missing = lost.filter(uri => uri !== undefined)
  if (missing.length === 0) return
  throw new LakeError(
    'table-corrupt',
    `${table.name}: ${missing.length} files that its snapshots need are missing, such as ${missing[0]}; nothing expires, because older snapshots may be all that is left of their rows`,
    { table: table.name, file: missing[0] },
  )
}
