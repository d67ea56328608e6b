import { commitUri, readDocument } from '#lake/batch.ts'
import { doomedUri } from '#lake/erasure.ts'
import { expireSnapshots } from '#lake/expire.ts'
import { loadTable } from '#lake/iceberg/table.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'
import { leadersOf } from '#lake/route.ts'
import { destroy } from './destroy.ts'
import { searchTables } from './files.ts'
import { batchesAmong } from './names.ts'
import { stalePlans } from './plans.ts'
import type { EraseRequest, Marks, OwnTable } from './request.ts'
import type { Search } from './search.ts'
import { reachable, strayManifests } from './strays.ts'

/** Expires all snapshots but the current one, and deletes the files that only they needed: at once, for they are known by name. */
export async function dropOldFiles(lake: Lake, name: TableName): Promise<number> {
  const table = await loadTable(lake, name)
  if (table === undefined) return 0
  const uri = doomedUri(lake, name)
  const earlier = (await readDocument<readonly Uri[]>(lake, uri)) ?? []
  const candidates = new Set([...earlier, ...(await reachable(lake, table))])
  await lake.storage.put(uri, Buffer.from(JSON.stringify([...candidates])), { contentType: 'application/json' })
  await expireSnapshots(lake, { table: name, allOld: true })
  const after = await loadTable(lake, name)
  const needed = after === undefined ? candidates : await reachable(lake, after)
  const doomed = [...candidates].filter(file => !needed.has(file) && file.startsWith(`${table.metadata.location}/`))
  for (const file of doomed) await destroy(lake, file)
  await destroy(lake, uri)
  return doomed.length
}

/**
 * What is to go is written down first, so that a run that died leaves a list. What an earlier one has left on it is purged and not deleted, for
 * somebody may have put another object there since; nor is what was deleted before, of which only older versions are left.
 */
async function destroyAll(lake: Lake, list: string, { doomed, old }: Doomed): Promise<void> {
  const uri = doomedUri(lake, list)
  const earlier = (await readDocument<readonly Uri[]>(lake, uri)) ?? []
  const purged = new Set([...earlier, ...old])
  if (doomed.length + purged.size === 0) return
  await lake.storage.put(uri, Buffer.from(JSON.stringify([...new Set([...purged, ...doomed])])))
  for (const each of doomed) await destroy(lake, each)
  for (const each of purged) await lake.storage.purge(each)
  await destroy(lake, uri)
}

interface Doomed {
  readonly doomed: readonly Uri[]
  /** Of which older versions alone are to go. */
  readonly old: readonly Uri[]
}

/** A commit that is under way may be about to name a file; nothing of Sluice takes longer. */
const GRACE_MS = 86_400_000

/** Files that hold the rows, and manifests, that no snapshot needs: of commits that failed, or that are about to come. */
export async function dropOrphans(
  lake: Lake,
  request: EraseRequest,
  { marks, quiesced }: { readonly marks: Marks; readonly quiesced: boolean },
): Promise<number> {
  const doomed: Uri[] = []
  const old: Uri[] = []
  for (const { table: name, hits } of await searchTables(lake, request, marks)) {
    const table = await loadTable(lake, name)
    if (table === undefined) continue
    const needed = await reachable(lake, table)
    const all = [...hits, ...(await strayManifests(lake, table))]
    const idle = all.filter(
      ({ modifiedMs, isCurrent }) => isCurrent && (quiesced || modifiedMs < lake.clock.nowMs() - GRACE_MS),
    )
    doomed.push(...idle.map(hit => hit.uri).filter(uri => !needed.has(uri)))
    old.push(...all.filter(hit => !hit.isCurrent).map(hit => hit.uri))
  }
  const all = { doomed: [...new Set(doomed)], old: [...new Set(old)] }
  await destroyAll(lake, `${request.dataset.name}.orphans`, all)
  return all.doomed.length + all.old.length
}

/** What was ingested is in raw, what was committed is in the table; what was staged and not committed is staged again from what is in raw now. */
export async function dropCopies(
  lake: Lake,
  { dataset, datasets }: EraseRequest,
  {
    found: { landing, staging, documents, names },
    tables,
  }: { readonly found: Search; readonly tables: readonly OwnTable[] },
): Promise<void> {
  const doomed = [
    ...landing.hits.filter(hit => !hit.waits && hit.isCurrent).map(hit => hit.uri),
    ...documents.hits.filter(uri => !uri.startsWith(`${lake.zones.staging}/`)),
  ]
  const staged = [...staging.hits, ...documents.hits]
  for (const { name } of [dataset, ...leadersOf(dataset, datasets)]) {
    const prefix = `${lake.zones.staging}/${name}/`
    const own = staged.filter(uri => uri.startsWith(prefix))
    const named = batchesAmong(lake, name, names)
    for (const batch of new Set([...named, ...own.map(uri => uri.slice(prefix.length).split('/')[0] as string)])) {
      const isCommitted = named.includes(batch) || (await lake.storage.head(commitUri(lake, name, batch))) !== undefined
      // A verdict that quotes a count by chance is no reason to stage again.
      if (!isCommitted && !staging.hits.some(uri => uri.startsWith(`${prefix}${batch}/`))) continue
      for await (const { uri } of lake.storage.list(`${prefix}${batch}/`)) doomed.push(uri)
    }
  }
  for (const { table } of tables) doomed.push(...(await stalePlans(lake, table)))
  const old = landing.hits.filter(hit => !hit.waits && !hit.isCurrent).map(hit => hit.uri)
  await destroyAll(lake, `${dataset.name}.copies`, { doomed, old })
}
