import { type ObjectOutcome, readDocument, writeDocumentOnce } from '../batch.ts'
import type { Lake, Uri } from '../lake.ts'
import { mapParallel } from '../parallel.ts'
import type { Selection } from './selection.ts'

/** What a release or a drop changed in the account of a raw object. */
export interface Settlement {
  readonly rawObject: string
  /** The batch in whose account the records stood. */
  readonly of: string
  /** Quarantined records that it took; a whole file is one. */
  readonly taken: number
  /** What became of them. A file that can be read gives as many as are in it. */
  readonly outcome: ObjectOutcome
}

/** `ops/settlements/<dataset>/<batch>/<release>.json`: what one release or drop changed in the account of one batch. Written once. */
export interface Settlements {
  readonly release: string
  readonly action: Selection['action']
  readonly reason?: string
  readonly committedMs: number
  readonly objects: readonly Settlement[]
}

const prefixOf = (lake: Lake, dataset: string, batch: string): Uri =>
  `${lake.zones.ops}/settlements/${dataset}/${batch}/`

const AT_ONCE = 8

/** One document for each account, so that whoever reads an account finds all that changed it in one place. */
export async function writeSettlements(lake: Lake, dataset: string, settlements: Settlements): Promise<void> {
  const byBatch = Map.groupBy(settlements.objects, each => each.of)
  await mapParallel([...byBatch], AT_ONCE, ([batch, objects]) =>
    writeDocumentOnce(lake, `${prefixOf(lake, dataset, batch)}${settlements.release}.json`, {
      ...settlements,
      objects,
    }),
  )
}

/** All that changed the account of a batch, the earliest first: names are ids, which sort by time. */
export async function settlementsOf(lake: Lake, dataset: string, batch: string): Promise<readonly Settlements[]> {
  const uris: Uri[] = []
  for await (const { uri } of lake.storage.list(prefixOf(lake, dataset, batch))) uris.push(uri)
  const found = await mapParallel(uris, AT_ONCE, uri => readDocument<Settlements>(lake, uri))
  return found.filter(each => each !== undefined)
}

/**
 * The account of an object after its batch and all that came of its quarantined records since. Each part is in balance, `read = applied +
 * quarantined + superseded + suppressed` (and what a change stream skips), so their sum is.
 */
export function accountOf(outcome: ObjectOutcome, settlements: readonly Settlement[]): ObjectOutcome {
  const own = settlements.filter(each => each.rawObject === outcome.rawObject)
  if (own.length === 0) return outcome
  const taken = own.reduce((sum, each) => sum + each.taken, 0)
  const total = (of: (each: ObjectOutcome) => number): number =>
    own.reduce((sum, each) => sum + of(each.outcome), of(outcome))
  return {
    ...outcome,
    read: total(each => each.read) - taken,
    applied: total(each => each.applied),
    quarantined: total(each => each.quarantined) - taken,
    superseded: total(each => each.superseded),
    suppressed: total(each => each.suppressed ?? 0),
  }
}
