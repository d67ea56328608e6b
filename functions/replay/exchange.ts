import { isLakeError } from '#lake/errors.ts'
import { decodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { icebergEntry, loadTable } from '#lake/iceberg/table.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'

/** Two names whose tables are to be exchanged, as they were when it was decided. */
export interface Pair {
  readonly live: TableName
  readonly side: TableName
  readonly liveLocation: Uri
  readonly sideLocation: Uri
  /** Of the table that is to be called `live`. */
  readonly sideUuid: string
}

/** `reverted`: somebody committed to one of the tables meanwhile, and everything is as it was. */
export type ExchangeOutcome = 'swapped' | 'reverted'

/**
 * Gives the tables of all pairs the names of each other. Each name is one compare-and-swap of the catalog, and only that is atomic: the side
 * tables go first and the table itself last, which is the moment that counts; when it fails because the table moved on, they go back.
 * Repeated after a death anywhere it finds by the tables' own ids what is done.
 */
export async function exchange(lake: Lake, pairs: readonly Pair[]): Promise<ExchangeOutcome> {
  const [target] = pairs.slice(-1)
  // Beyond that moment there is no way back: what is left is to name the old tables.
  const isDecided = target !== undefined && (await uuidOf(lake, target.live)) === target.sideUuid
  for (const [at, pair] of pairs.entries()) {
    if (await pointed(lake, pair.live, { from: pair.liveLocation, to: pair.sideLocation, uuid: pair.sideUuid }))
      continue
    if (isDecided) continue
    for (const done of pairs.slice(0, at).toReversed()) await pointBack(lake, done)
    return 'reverted'
  }
  for (const pair of pairs) await nameOld(lake, pair)
  return 'swapped'
}

interface Move {
  readonly from: Uri
  readonly to: Uri
  /** Of the table that the name is to stand for. */
  readonly uuid: string
}

const uuidOf = async (lake: Lake, name: TableName): Promise<string | undefined> =>
  (await loadTable(lake, name))?.metadata['table-uuid']

/** Whether the name stands for the table with that id. A conflict may be our own success, and an unknown answer may have arrived. */
async function pointed(lake: Lake, name: TableName, { from, to, uuid }: Move): Promise<boolean> {
  const found = await loadTable(lake, name)
  if (found?.metadata['table-uuid'] === uuid) return true
  if (found === undefined || found.entry.metadataLocation !== from) return false
  try {
    await lake.catalog.swap(name, found.entry, icebergEntry(decodeMetadata(await lake.storage.get(to)), to))
    return true
  } catch (error) {
    if (!isLakeError(error, 'conflict') && !isLakeError(error, 'commit-unknown')) throw error
    return (await uuidOf(lake, name)) === uuid
  }
}

async function pointBack(lake: Lake, { live, liveLocation, sideUuid }: Pair): Promise<void> {
  const found = await loadTable(lake, live)
  if (found?.metadata['table-uuid'] !== sideUuid) return
  const before = decodeMetadata(await lake.storage.get(liveLocation))
  await pointed(lake, live, {
    ...{ from: found.entry.metadataLocation, to: liveLocation, uuid: before['table-uuid'] },
  })
}

/** The name of the side table still stands for the table that has the other name now; nobody writes to it under this one. */
async function nameOld(lake: Lake, { side, liveLocation, sideUuid }: Pair): Promise<void> {
  const found = await loadTable(lake, side)
  if (found?.metadata['table-uuid'] !== sideUuid) return
  const old = decodeMetadata(await lake.storage.get(liveLocation))
  await pointed(lake, side, { from: found.entry.metadataLocation, to: liveLocation, uuid: old['table-uuid'] })
}
