import { isLakeError, LakeError } from '#lake/errors.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import { prefixesOf, prefixOf } from '#lake/iceberg/table-places.ts'
import type { Lake, TableName, Uri, Zones } from '#lake/lake.ts'
import { mapParallel } from '#lake/parallel.ts'

const TABLES_AT_ONCE = 8

/**
 * The prefixes that are the table's own, each ending in a slash, none inside another. Fails with `unsupported` when they are not in the zone of
 * the tables, or when another table of the lake has files there or the other way round: whose files those are nobody could tell.
 */
export async function territoryOf(lake: Lake, table: Table): Promise<readonly Uri[]> {
  const own = prefixesOf(table.metadata).filter(prefix => isInside(prefix, lake.zones))
  const location = prefixOf(table.metadata.location)
  if (!own.some(prefix => location.startsWith(prefix)))
    throw new LakeError(
      'unsupported',
      `${table.name} is at ${table.metadata.location}, outside of ${lake.zones.tables}: files are deleted nowhere else`,
      { table: table.name, location: table.metadata.location },
    )
  const others = (await lake.catalog.tables()).filter(name => name !== table.name)
  await mapParallel(others, TABLES_AT_ONCE, async name => {
    const theirs = await prefixesOfOther(lake, name)
    const pair = own.flatMap(mine => theirs.map(other => [mine, other] as const)).find(([a, b]) => nest(a, b))
    if (pair !== undefined) throw overlapping(table.name, name, pair)
  })
  return own
}

/** Below the zone, and not the zone itself, where all tables are. */
function isInside(prefix: Uri, { tables }: Zones): boolean {
  const zone = prefixOf(tables)
  return prefix !== zone && prefix.startsWith(zone)
}

/** A table whose metadata cannot be read is where its metadata file is, at the least. Hive tables are in other zones. */
async function prefixesOfOther(lake: Lake, name: TableName): Promise<readonly Uri[]> {
  try {
    const table = await loadTable(lake, name)
    return table === undefined ? [] : [prefixOf(parentOf(table.entry.metadataLocation)), ...prefixesOf(table.metadata)]
  } catch (error) {
    if (!isLakeError(error) || error.retryable) throw error
    const entry = await lake.catalog.load(name)
    return entry === undefined ? [] : [prefixOf(parentOf(entry.metadataLocation))]
  }
}

const parentOf = (uri: Uri): Uri => uri.slice(0, uri.lastIndexOf('/'))

const nest = (a: Uri, b: Uri): boolean => a.startsWith(b) || b.startsWith(a)

function overlapping(table: TableName, other: TableName, [mine, theirs]: readonly [Uri, Uri]): LakeError {
  return new LakeError(
    'unsupported',
    `${table} (${mine}) and ${other} (${theirs}) share a place: nothing there is deleted while they do`,
    { table, other, next: `give one of them a place of its own, or drop ${other} from the catalog` },
  )
}
