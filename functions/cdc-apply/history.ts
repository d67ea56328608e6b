import type { Outcome } from './fold.ts'
import { cellOf, type Image, moved, unresolvedColumns, upserted } from './image.ts'
import {
  type Entry,
  enter,
  inOrder,
  isRow,
  knownLine,
  type Line,
  rowBefore,
  type Timed,
  type TimedChange,
  type Version,
} from './line.ts'
import { orderOf } from './order.ts'
import { compareStamps, isSameStamp } from './stamp.ts'

export interface KnownHistory<S> {
  readonly versions: ReadonlyMap<string, readonly Version<S>[]>
  readonly deletes: ReadonlyMap<string, readonly Timed[]>
  /** All of them, those of the batch too: they end the rows of every key. */
  readonly truncates: readonly Timed[]
  readonly forgotten?: string | undefined
}

export interface FoldedHistory<S> {
  readonly outcomes: readonly Outcome[]
  /** All rows of the keys that the fold was given, in order. Those that stay as they are, are the same objects as before. */
  readonly versions: ReadonlyMap<string, readonly Version<S>[]>
  /** Deletes that were not known. */
  readonly deletes: ReadonlyMap<string, readonly Timed[]>
  readonly patched: number
  readonly unresolved: number
}

/**
 * Puts the records of a batch into the histories of their keys. Every change is a row of its own, valid until the next one, whenever it
 * comes: a late one splits the interval that it falls into. Values that records left out are those of the row before.
 */
export function foldVersions<S>(changes: readonly TimedChange<S>[], known: KnownHistory<S>): FoldedHistory<S> {
  const outcomes = new Array<Outcome>(changes.length)
  const lines: Lines<S> = new Map()
  const lineOf = (key: string): Line<S> => {
    const deletes = known.deletes.get(key) ?? []
    const line = lines.get(key) ?? knownLine({ rows: known.versions.get(key) ?? [], deletes }, known)
    lines.set(key, line)
    return line
  }
  for (const key of known.versions.keys()) lineOf(key)
  for (const at of sequence(changes)) {
    const change = changes[at] as TimedChange<S>
    const outcome = enter(lineOf(change.key), change, known)
    outcomes[at] = outcome
    if (change.oldKey !== undefined && (outcome === 'applied' || outcome === 'duplicate'))
      enter(lineOf(change.oldKey), { ...change, op: 'delete', oldKey: undefined }, known)
  }
  return { outcomes, ...woven(lines, known) }
}

type Lines<S> = Map<string, Line<S>>

/** What has a place in the log first, with its repetitions: these tell where the records without a value stand. */
function sequence<S>(changes: readonly TimedChange<S>[]): readonly number[] {
  const { groups, duplicates } = orderOf(changes, 'first')
  const all = [...groups.flat(), ...duplicates]
  const isEnd = (at: number): boolean => changes[at]?.stamp.kind === 2
  return [...all.filter(at => !isEnd(at)), ...all.filter(isEnd)]
}

// --- Rows ----------------------------------------------------------------------------------------------------------

type Woven<S> = Omit<FoldedHistory<S>, 'outcomes'>

function woven<S>(lines: Lines<S>, { truncates }: KnownHistory<S>): Woven<S> {
  const versions = new Map<string, readonly Version<S>[]>()
  const deletes = new Map<string, readonly Timed[]>()
  const counts = { patched: 0, unresolved: 0 }
  const ordered: Ordered<S> = new Map([...lines].map(([key, { entries }]) => [key, inOrder(entries)]))
  for (const [key, { entries }] of lines) {
    const happened = inOrder<Timed>([...entries, ...truncates])
    const own = ordered.get(key) ?? []
    const rows = own.filter(isRow).map(entry => {
      const image = imageOf(ordered, own, entry)
      const next = happened[happened.indexOf(entry) + 1]
      return versionOf(entry, { image, next, counts })
    })
    versions.set(key, rows)
    deletes.set(
      key,
      entries.filter(entry => entry.isNew && !isRow(entry)),
    )
  }
  return { versions, deletes, ...counts }
}

/** What happened to each key, in order. */
type Ordered<S> = ReadonlyMap<string, readonly Entry<S>[]>

interface Becoming<S> {
  readonly image: Image<S>
  readonly next: Timed | undefined
  readonly counts: { patched: number; unresolved: number }
}

function versionOf<S>({ stored, stamp, eventUs }: Entry<S>, { image, next, counts }: Becoming<S>): Version<S> {
  const validity = { to: next?.eventUs ?? null, isCurrent: next === undefined }
  const other = stored === undefined ? 0 : otherAuthors(stored.image, image)
  const isSame = stored !== undefined && other === 0 && stored.to === validity.to && isSameStamp(stored.stamp, stamp)
  if (isSame && stored.isCurrent === validity.isCurrent) return stored
  counts.patched += other
  counts.unresolved += unresolvedColumns(image)
  return {
    stamp,
    eventUs,
    image: stored !== undefined && other === 0 ? { ...stored.image, author: stamp } : image,
    ...validity,
  }
}

const otherAuthors = <S>(before: Image<S>, after: Image<S>): number =>
  [...after.columns].filter(([name, { author }]) => compareStamps(author, cellOf(before, name).author) !== 0).length

/** The values of a row: its own, and those that it left out from the row before, or from the key that it came from. */
function imageOf<S>(ordered: Ordered<S>, own: readonly Entry<S>[], { stored, change, stamp }: Entry<S>): Image<S> {
  const kept = stored === undefined ? (change?.kept ?? []) : [...stored.image.columns.keys()]
  const source = (stored === undefined ? change?.source : stored.image.source) as S
  const values = { stamp, kept, source }
  if (kept.length === 0) return upserted(values)
  const oldKey = change?.oldKey
  const from = oldKey === undefined ? own : (ordered.get(oldKey) ?? [])
  const before = rowBefore(from, stamp, oldKey === undefined)
  const image = before && imageOf(ordered, from, before)
  return oldKey === undefined ? upserted(values, image) : moved(values, image)
}
