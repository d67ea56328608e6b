import { expireSnapshots } from '#functions/maintain/maintain.ts'
import { openRecordBench } from '#functions/quality/quality.ts'
import { commitUri, formatDocument, readDocument } from '#lake/batch.ts'
import { type Dataset, quarantineTableName } from '#lake/dataset.ts'
import { eraseRows } from '#lake/erase-rows.ts'
import {
  doomedUri,
  type ErasedObject,
  erasedObjects,
  erasedUri,
  erasureId,
  type LedgerEntry,
  type LedgerRun,
  ledgerUri,
} from '#lake/erasure.ts'
import { sha256File } from '#lake/file-hash.ts'
import { visitReachable } from '#lake/iceberg/reachable.ts'
import { loadTable, type Table } from '#lake/iceberg/table.ts'
import type { Lake, TableName, Uri } from '#lake/lake.ts'
import { takeLetters } from './dlq-letters.ts'
import {
  type EraseRequest,
  leftOver,
  type ObjectHit,
  type OnProgress,
  placesOf,
  type Search,
  search,
  searchTables,
} from './erase-search.ts'

export interface Erased {
  readonly erasure: string
  /** The line of the ledger. */
  readonly ledger: Uri
  readonly run: LedgerRun
  /** What a search afterwards has found: nothing, or it is not done. */
  readonly proof: Search
}

export interface EraseOptions {
  /** Nothing else writes to the lake now: young files that no snapshot needs may go as well. */
  readonly quiesced: boolean
  readonly onProgress?: OnProgress
}

/**
 * Erases what a search has found, and searches again. Raw first: from then on no replay brings anything back. Dies anywhere without harm: the next
 * run searches anew, finds what is left, and what an earlier one had decided to delete.
 */
export async function eraseFound(
  lake: Lake,
  request: EraseRequest,
  found: Search,
  options: EraseOptions,
): Promise<Erased> {
  const { dataset } = request
  const progress = options.onProgress ?? (() => undefined)
  const erasure = await erasureId(lake, { ...request, dataset: dataset.name })
  const ledger = await openLedger(lake, erasure, request)
  progress('rewriting raw objects …')
  const objects = await eraseRaw(lake, dataset, { hits: found.raw.hits, erasure, ledger })
  progress('deleting rows …')
  const places = await placesOf(lake, dataset, found.raw.hits)
  const { column, value } = request
  const rows = {
    [dataset.name]: await eraseRows(lake, dataset.name, { value: { column, value }, places }),
    [quarantineTableName(dataset)]: await eraseRows(lake, quarantineTableName(dataset), { places }),
  }
  progress('expiring snapshots and deleting their files …')
  let filesDeleted = 0
  for (const table of Object.keys(rows)) filesDeleted += await dropOldFiles(lake, table)
  filesDeleted += await dropOrphans(lake, request, options)
  progress('landing, staging, documents and letters …')
  await dropCopies(lake, dataset, found)
  await dropLetters(lake, found)
  const proof = await search(lake, request, options.onProgress)
  const run = await ledger.write({ objects, rows, filesDeleted, finishedMs: lake.clock.nowMs(), left: leftOver(proof) })
  return { erasure, ledger: ledgerUri(lake, erasure), run, proof }
}

// --- The ledger ----------------------------------------------------------------------------------------------------

interface Ledger {
  write(change: Partial<LedgerRun>): Promise<LedgerRun>
}

/** Begun before anything is touched, so that a run that dies has left its line. */
async function openLedger(lake: Lake, erasure: string, { dataset, column }: EraseRequest): Promise<Ledger> {
  const uri = ledgerUri(lake, erasure)
  const before = await readDocument<LedgerEntry>(lake, uri)
  const earlier = before?.runs ?? []
  let run: LedgerRun = {
    startedMs: lake.clock.nowMs(),
    ...{ finishedMs: undefined, objects: [], rows: {}, filesDeleted: 0, left: undefined },
  }
  const write = async (change: Partial<LedgerRun>): Promise<LedgerRun> => {
    run = { ...run, ...change }
    const entry: LedgerEntry = { erasure, dataset: dataset.name, column, runs: [...earlier, run] }
    await lake.storage.put(uri, Buffer.from(formatDocument(entry)), { contentType: 'application/json' })
    return run
  }
  await write({})
  return { write }
}

// --- Raw -----------------------------------------------------------------------------------------------------------

interface RawWork {
  readonly hits: readonly ObjectHit[]
  readonly erasure: string
  readonly ledger: Ledger
}

/** The one place where a raw object is written twice. Its id stays, and with it the ids of all that came of it. */
async function eraseRaw(
  lake: Lake,
  dataset: Dataset,
  { hits, erasure, ledger }: RawWork,
): Promise<LedgerRun['objects']> {
  await using bench = await openRecordBench(lake, dataset)
  const done: LedgerRun['objects'][number][] = []
  for (const { object, found } of hits) {
    const path = await bench.without(object, found)
    const sha256 = await sha256File(path)
    // First what is to go: should it end here, a replay leaves these records out of the old bytes, too.
    await noteErased(lake, dataset, { hit: { object, found }, erasure, sha256 })
    const { metadata = {} } = (await lake.storage.head(object.uri)) ?? {}
    const written = await lake.storage.upload(path, object.uri, {
      metadata: { ...metadata, 'content-sha256': sha256 },
      tags: {
        zone: 'raw',
        dataset: dataset.name,
        'source-system': dataset.source.system,
        'data-class': dataset.dataClass,
      },
      sha256,
    })
    done.push({
      uri: object.uri,
      versionBefore: object.version,
      sha256Before: object.sha256,
      version: written.version,
      sha256,
      ordinals: found.ordinals,
    })
    await ledger.write({ objects: [...done] })
  }
  // Those of a run that died as well.
  for (const { uri, erasures } of (await erasedObjects(lake, dataset.name)).values())
    if (erasures.some(each => each.erasure === erasure)) await lake.storage.purge(uri)
  return done
}

async function noteErased(
  lake: Lake,
  dataset: Dataset,
  { hit, erasure, sha256 }: { readonly hit: ObjectHit; readonly erasure: string; readonly sha256: string },
): Promise<void> {
  const { object, found } = hit
  const uri = erasedUri(lake, dataset.name, object.id)
  const before = await readDocument<ErasedObject>(lake, uri)
  const note: ErasedObject = {
    rawObject: object.id,
    uri: object.uri,
    sha256s: [...new Set([...(before?.sha256s ?? [object.sha256]), sha256])],
    erasures: [
      ...(before?.erasures ?? []),
      { erasure, atMs: lake.clock.nowMs(), ordinals: found.ordinals, quarantined: found.quarantined },
    ],
  }
  await lake.storage.put(uri, Buffer.from(formatDocument(note)), { contentType: 'application/json' })
}

// --- Tables --------------------------------------------------------------------------------------------------------

/** Expires all snapshots but the current one, and deletes the files that only they needed: at once, for they are known by name. */
async function dropOldFiles(lake: Lake, name: TableName): Promise<number> {
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

async function reachable(lake: Lake, table: Table): Promise<ReadonlySet<Uri>> {
  const files = new Set<Uri>()
  await visitReachable(lake, table, { visit: uri => files.add(uri), read: new Set() })
  return files
}

async function destroy(lake: Lake, uri: Uri): Promise<void> {
  await lake.storage.delete(uri)
  await lake.storage.purge(uri)
}

/**
 * What a search finds is gone from it once it is deleted, though older versions may be there: so the names are written down first. What an earlier
 * run has left on that list is purged and not deleted, for somebody may have put another object there since.
 */
async function destroyAll(lake: Lake, list: string, uris: readonly Uri[]): Promise<void> {
  const uri = doomedUri(lake, list)
  const earlier = (await readDocument<readonly Uri[]>(lake, uri)) ?? []
  if (uris.length + earlier.length === 0) return
  await lake.storage.put(uri, Buffer.from(JSON.stringify([...new Set([...earlier, ...uris])])))
  for (const each of uris) await destroy(lake, each)
  for (const each of earlier) await lake.storage.purge(each)
  await destroy(lake, uri)
}

/** A commit that is under way may be about to name a file; nothing of Sluice takes longer. */
const GRACE_MS = 86_400_000

/** Files that hold the rows and that no snapshot needs: of commits that failed, or that are about to come. */
async function dropOrphans(lake: Lake, request: EraseRequest, { quiesced }: EraseOptions): Promise<number> {
  const places = await placesOf(lake, request.dataset, [])
  const doomed: Uri[] = []
  for (const { table: name, hits } of await searchTables(lake, request, places)) {
    const table = await loadTable(lake, name)
    if (hits.length === 0 || table === undefined) continue
    const needed = await reachable(lake, table)
    const old = hits.filter(({ modifiedMs }) => quiesced || modifiedMs < lake.clock.nowMs() - GRACE_MS)
    doomed.push(...old.map(hit => hit.uri).filter(uri => !needed.has(uri)))
  }
  await destroyAll(lake, `${request.dataset.name}.orphans`, doomed)
  return doomed.length
}

// --- Copies and letters --------------------------------------------------------------------------------------------

/** What was ingested is in raw, what was committed is in the table; what was staged and not committed is staged again from what is in raw now. */
async function dropCopies(lake: Lake, dataset: Dataset, { landing, staging, documents }: Search): Promise<void> {
  const prefix = `${lake.zones.staging}/${dataset.name}/`
  const staged = [...staging.hits, ...documents.hits.filter(uri => uri.startsWith(prefix))]
  const batches = new Set(staged.map(uri => uri.slice(prefix.length).split('/')[0] as string))
  const doomed = [
    ...landing.hits.filter(hit => !hit.waits).map(hit => hit.uri),
    ...documents.hits.filter(uri => !uri.startsWith(prefix)),
  ]
  for (const batch of batches) {
    const isCommitted = (await lake.storage.head(commitUri(lake, dataset.name, batch))) !== undefined
    // A verdict that quotes a count by chance is no reason to stage again.
    if (!isCommitted && !staging.hits.some(uri => uri.startsWith(`${prefix}${batch}/`))) continue
    for await (const { uri } of lake.storage.list(`${prefix}${batch}/`)) doomed.push(uri)
  }
  await destroyAll(lake, `${dataset.name}.copies`, doomed)
}

async function dropLetters(lake: Lake, { letters }: Search): Promise<void> {
  if (letters.length === 0) return
  const ids = new Set(letters.map(letter => `${letter.queue}/${letter.id}`))
  const filter = { queue: undefined, cause: undefined, match: undefined }
  const { wanted } = await takeLetters(lake, filter, { lettersMax: 1_000, holdSeconds: 60 })
  const held = wanted.flatMap(({ kept }) => (kept.kind === 'held' ? [kept.letter] : []))
  const [gone, others] = [
    held.filter(letter => ids.has(`${letter.queue}/${letter.id}`)),
    held.filter(letter => !ids.has(`${letter.queue}/${letter.id}`)),
  ]
  await lake.deadLetters.remove(gone)
  await lake.deadLetters.release(others)
}
