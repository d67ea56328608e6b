import { createHmac } from 'node:crypto'
import { type ObjectOutcome, readDocument, writeDocumentOnce } from './batch.ts'
import type { Lake, Uri } from './lake.ts'
import { mapParallel } from './parallel.ts'

/**
 * Records that were erased from one raw object: `ops/erasures/objects/<dataset>/<raw id>.<erasure>.json`. Each erasure has a document of its own, so
 * that two of them at once know of each other.
 */
export interface ErasedObject {
  readonly rawObject: string
  readonly uri: Uri
  /** SHA-256 of the bytes as they landed, and of each rewriting: any of them may be there while an erasure is under way. */
  readonly sha256s: readonly string[]
  readonly erasures: readonly ErasedRecords[]
}

/** What erased records were to the account of a dataset; the others were rows. */
export interface ErasedCounts {
  /** So many of them were in quarantine. */
  readonly quarantined: number
  /** Of a stream of changes: no rows of any table, and rows of other tables. */
  readonly skipped?: number
  readonly elsewhere?: number
}

export interface ErasedRecords extends ErasedCounts {
  /** Which erasure, by its keyed hash. */
  readonly erasure: string
  readonly atMs: number
  /** From 1; 0 is the whole object, of which no record could be read. */
  readonly ordinals: readonly number[]
  /** Where those stand in the plain object that nobody could read as a record. */
  readonly places?: readonly ErasedPlace[]
}

export interface ErasedPlace {
  readonly ordinal: number
  readonly offset: number
  readonly length: number
}

/** One line of the ledger: `ops/erasures/ledger/<erasure>.json`. It says what was erased and never of whom. */
export interface LedgerEntry {
  readonly erasure: string
  readonly dataset: string
  readonly columns: readonly string[]
  readonly runs: readonly LedgerRun[]
}

export interface LedgerRun {
  readonly startedMs: number
  /** undefined of a run that died. */
  readonly finishedMs: number | undefined
  readonly objects: readonly {
    readonly uri: Uri
    readonly versionBefore: string
    readonly sha256Before: string
    readonly version: string
    readonly sha256: string
    readonly ordinals: readonly number[]
  }[]
  readonly rows: Readonly<Record<string, number>>
  readonly filesDeleted: number
  /** What a search afterwards found left; nothing, or the erasure is not done. */
  readonly left: number | undefined
}

const prefixOf = (lake: Pick<Lake, 'zones'>): Uri => `${lake.zones.ops}/erasures`
export const erasedPrefix = (lake: Pick<Lake, 'zones'>, dataset: string): Uri => `${prefixOf(lake)}/objects/${dataset}/`
export const erasedUri = (
  lake: Pick<Lake, 'zones'>,
  dataset: string,
  { rawObject, erasure }: { readonly rawObject: string; readonly erasure: string },
): Uri => `${erasedPrefix(lake, dataset)}${rawObject}.${erasure}.json`
export const ledgerUri = (lake: Pick<Lake, 'zones'>, erasure: string): Uri => `${prefixOf(lake)}/ledger/${erasure}.json`
/** Keys of the rows of a stream of changes that are being erased: kept for as long as that takes, so that whoever goes on knows them. */
export const subjectUri = (lake: Pick<Lake, 'zones'>, erasure: string): Uri =>
  `${prefixOf(lake)}/subjects/${erasure}.json`
/** Files that a table will not need once its snapshots have expired: deleted by whoever comes next, should this run die. */
export const doomedUri = (lake: Pick<Lake, 'zones'>, table: string): Uri => `${prefixOf(lake)}/doomed/${table}.json`

// --- Erasures that have not ended -----------------------------------------------------------------------------------

interface OpenErasure {
  readonly startedMs: number
}

const openPrefix = (lake: Pick<Lake, 'zones'>, dataset: string): Uri => `${prefixOf(lake)}/open/${dataset}/`
export const openErasureUri = (lake: Pick<Lake, 'zones'>, dataset: string, erasure: string): Uri =>
  `${openPrefix(lake, dataset)}${erasure}.json`

/** Noted before anything is touched, and until a search finds nothing left: when it began, however often it is run again. */
export async function noteOpenErasure(lake: Lake, dataset: string, erasure: string): Promise<void> {
  const note: OpenErasure = { startedMs: lake.clock.nowMs() }
  await writeDocumentOnce(lake, openErasureUri(lake, dataset, erasure), note)
}

/** When each erasure of the dataset's records began that died, or has left something. */
export async function openErasures(lake: Pick<Lake, 'zones' | 'storage'>, dataset: string): Promise<readonly number[]> {
  const began: number[] = []
  for await (const { uri } of lake.storage.list(openPrefix(lake, dataset))) {
    const note = await readDocument<OpenErasure>(lake, uri)
    if (note !== undefined) began.push(note.startedMs)
  }
  return began
}

// --- Of whom -------------------------------------------------------------------------------------------------------

/**
 * HMAC-SHA-256 of dataset, column and value under the key of the lake: the same erasure has the same name, and without the key nobody can find
 * out of whom by trying values.
 */
export async function erasureId(lake: Lake, subject: ErasureSubject): Promise<string> {
  const fresh: ErasureKey = { key: `${lake.ids.uuid()}${lake.ids.uuid()}` }
  return hashed(await writeDocumentOnce(lake, keyUri(lake), fresh), subject)
}

/** The same for somebody who only looks: undefined where nothing was ever erased. */
export async function knownErasureId(lake: Lake, subject: ErasureSubject): Promise<string | undefined> {
  const key = await readDocument<ErasureKey>(lake, keyUri(lake))
  return key && hashed(key, subject)
}

export interface ErasureSubject {
  readonly dataset: string
  readonly parts: readonly { readonly column: string; readonly value: string }[]
}

interface ErasureKey {
  readonly key: string
}

const keyUri = (lake: Pick<Lake, 'zones'>): Uri => `${prefixOf(lake)}/key.json`

function hashed({ key }: ErasureKey, { dataset, parts }: ErasureSubject): string {
  const hmac = createHmac('sha256', key)
  for (const part of [dataset, ...parts.flatMap(({ column, value }) => [column, value])])
    hmac.update(`${Buffer.byteLength(part)}:${part}`)
  return hmac.digest('hex').slice(0, 40)
}

// --- What was erased -----------------------------------------------------------------------------------------------

const READS_AT_ONCE = 16

/** By raw id. Costs one listing where nothing was ever erased. */
export async function erasedObjects(
  lake: Pick<Lake, 'zones' | 'storage'>,
  dataset: string,
  isWanted: (rawObject: string) => boolean = () => true,
): Promise<ReadonlyMap<string, ErasedObject>> {
  const prefix = erasedPrefix(lake, dataset)
  const uris: Uri[] = []
  for await (const { uri } of lake.storage.list(prefix))
    if (isWanted(uri.slice(prefix.length).split('.')[0] as string)) uris.push(uri)
  const found = await mapParallel(uris, READS_AT_ONCE, uri => readDocument<ErasedObject>(lake, uri))
  const known = found.filter(each => each !== undefined)
  return new Map([...Map.groupBy(known, each => each.rawObject)].map(([id, all]) => [id, together(all)]))
}

const together = (all: readonly ErasedObject[]): ErasedObject => ({
  ...(all[0] as ErasedObject),
  sha256s: [...new Set(all.flatMap(each => each.sha256s))],
  erasures: all.flatMap(each => each.erasures),
})

/** What stands in the place of a JSON record that went: as long as it was, and one record, so that all others stay where they were. */
export const blankRecord = (length: number): string => (length < 2 ? '0'.repeat(length) : `{${' '.repeat(length - 2)}}`)

export const ordinalsOf = (object: ErasedObject): ReadonlySet<number> =>
  new Set(object.erasures.flatMap(each => each.ordinals))

/** An outcome as it would be had the records that were erased after its commit never been there. */
export function withoutErased(
  outcome: ObjectOutcome,
  committedMs: number,
  erased: ErasedObject | undefined,
): ObjectOutcome {
  const since = (erased?.erasures ?? []).filter(each => each.atMs >= committedMs)
  if (since.length === 0) return outcome
  const total = (of: (each: ErasedRecords) => number): number => since.reduce((sum, each) => sum + of(each), 0)
  const records = total(each => each.ordinals.length)
  const [quarantined, skipped, elsewhere] = [
    total(each => each.quarantined),
    total(each => each.skipped ?? 0),
    total(each => each.elsewhere ?? 0),
  ]
  const less = (count: number, by: number): number => Math.max(0, count - by)
  return {
    ...outcome,
    read: less(outcome.read, records),
    applied: less(outcome.applied, records - quarantined - skipped - elsewhere),
    quarantined: less(outcome.quarantined, quarantined),
    ...(outcome.skipped === undefined ? {} : { skipped: less(outcome.skipped, skipped) }),
    ...(outcome.elsewhere === undefined ? {} : { elsewhere: less(outcome.elsewhere, elsewhere) }),
  }
}
