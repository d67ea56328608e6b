import { LakeError } from './errors.ts'
import { LiveFiles } from './iceberg/live-files.ts'
import type { Table } from './iceberg/table.ts'
import { prefixesOf, prefixOf } from './iceberg/table-places.ts'
import { spellings } from './iceberg/uri-set.ts'
import type { Lake, Uri } from './lake.ts'

/**
 * Fails with `table-corrupt` unless every file that the table's snapshots need can be read or is at least there. Of a damaged table an
 * older snapshot may be all that is left: nothing of it may go before somebody has looked. Costs a listing and the manifests.
 */
export async function checkIntact(lake: Lake, table: Table): Promise<void> {
  const live = await LiveFiles.of(lake, table, EVERYWHERE)
  for (const place of placesOf(lake, table)) for await (const found of lake.storage.list(place)) live.see(found.uri)
  // The log may name metadata files that somebody has removed: nothing is read through them.
  const logged = new Set(table.metadata['metadata-log'].flatMap(previous => spellings(previous['metadata-file'])))
  const missing = (await live.missing(lake)).filter(uri => !spellings(uri).some(each => logged.has(each)))
  if (missing.length === 0) return
  throw new LakeError(
    'table-corrupt',
    `${table.name}: ${missing.length} files that its snapshots need are missing, such as ${missing[0]}; nothing expires, because older snapshots may be all that is left of their rows`,
    { table: table.name, file: missing[0] },
  )
}

/** Files that were imported from elsewhere are needed as well; what no listing shows is asked for by name. */
const EVERYWHERE: readonly Uri[] = ['']

/** Where most of its files are, however foreign the other places that its properties name may be. */
function placesOf({ zones }: Lake, { metadata }: Table): readonly Uri[] {
  const own = [prefixOf(zones.tables), prefixOf(metadata.location)]
  return prefixesOf(metadata).filter(place => own.some(each => place.startsWith(each) || each.startsWith(place)))
}
