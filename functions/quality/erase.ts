import { eraseRows, eraseTexts, forgetRemoved } from '#lake/erase-rows.ts'
import { erasureId, knownErasureId, type LedgerRun, ledgerUri, noteOpenErasure, openErasureUri } from '#lake/erasure.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { destroy } from './erase/destroy.ts'
import { dropLetters } from './erase/documents.ts'
import { dropCopies, dropOldFiles, dropOrphans } from './erase/drop.ts'
import { openLedger } from './erase/ledger.ts'
import { eraseNames } from './erase/names.ts'
import { placesOf } from './erase/objects.ts'
import type { EraseRequest } from './erase/request.ts'
import { INSTEAD, tablesOf } from './erase/request.ts'
import { eraseRaw } from './erase/rewrite.ts'
import { dropScratch } from './erase/scratch.ts'
import { leftOver, type OnProgress, type Search, search } from './erase/search.ts'
import { forgetKeys, keepKeys, keysKept } from './erase/subject.ts'

export { exactValue } from './erase/exact-value.ts'
export type { EraseRequest } from './erase/request.ts'
export { keyOf } from './erase/request.ts'
export { leftOver, type OnProgress, type Search } from './erase/search.ts'

export interface Erased {
  readonly erasure: string
  /** The line of the ledger. */
  readonly ledger: Uri
  readonly run: LedgerRun
  /** What a search afterwards has found: nothing, or it is not done. */
  readonly proof: Search
  /** There was nothing of the subject, and nothing was changed. */
  readonly isUntouched: boolean
}

export interface EraseOptions {
  /** Nothing else works on the lake now: young files that no snapshot needs, and what processes have put aside, may go as well. */
  readonly quiesced: boolean
  readonly onProgress?: OnProgress
}

/** What there is of a subject, and where; with what an erasure that died has left to be known. */
export async function findSubject(lake: Lake, request: EraseRequest, onProgress?: OnProgress): Promise<Search> {
  const erasure = await knownErasureId(lake, { dataset: request.dataset.name, parts: request.parts })
  return search(lake, request, { keys: erasure === undefined ? [] : await keysKept(lake, erasure), onProgress })
}

/**
 * Erases what a search has found, and searches again. Raw first: from then on no replay brings anything back. Dies anywhere without harm: the next
 * run searches anew, finds what is left, and what an earlier one had decided to delete. A value that nobody has, mistyped perhaps, changes nothing.
 */
export async function eraseFound(
  lake: Lake,
  request: EraseRequest,
  found: Search,
  options: EraseOptions,
): Promise<Erased> {
  const progress = options.onProgress ?? (() => undefined)
  const { dataset, parts } = request
  const { keys } = found.raw
  const erasure = await erasureId(lake, { dataset: dataset.name, parts })
  const open = openErasureUri(lake, dataset.name, erasure)
  const isUntouched = leftOver(found) === 0 && (await lake.storage.head(open)) === undefined
  if (!isUntouched) await noteOpenErasure(lake, dataset.name, erasure)
  const ledger = await openLedger(lake, erasure, request)
  const told = { erasure, ledger: ledgerUri(lake, erasure), isUntouched }
  if (isUntouched) {
    const run = await ledger.write({ finishedMs: lake.clock.nowMs(), left: 0 })
    return { ...told, run, proof: found }
  }
  await keepKeys(lake, erasure, keys)
  progress('rewriting raw objects …')
  const objects = await eraseRaw(lake, request, { found: found.raw, erasure, ledger })
  progress('deleting rows …')
  const marks = { keys, places: await placesOf(lake, request, found.raw.hits) }
  const tables = await tablesOf(lake, request, marks)
  const rows: Record<string, number> = {}
  for (const { table, match, named } of tables) {
    if (named !== undefined) await eraseTexts(lake, table, { said: named, instead: INSTEAD })
    rows[table] = await eraseRows(lake, table, match)
    await forgetRemoved(lake, table)
  }
  progress('expiring snapshots and deleting their files …')
  let filesDeleted = 0
  for (const { table } of tables) filesDeleted += await dropOldFiles(lake, table)
  filesDeleted += await dropOrphans(lake, request, { marks, quiesced: options.quiesced })
  progress('landing, staging, documents and letters …')
  await dropCopies(lake, request, { found, tables })
  await eraseNames(lake, request, found.names)
  if (found.letters.length > 0) await dropLetters(lake, request)
  await dropScratch(lake, options)
  const proof = await search(lake, request, { keys, onProgress: options.onProgress })
  const left = leftOver(proof)
  if (left === 0) await forgetKeys(lake, erasure)
  const run = await ledger.write({ objects, rows, filesDeleted, finishedMs: lake.clock.nowMs(), left })
  if (left === 0) await destroy(lake, open)
  return { ...told, run, proof }
}
