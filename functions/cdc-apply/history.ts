import type { Change, Outcome } from './fold.ts'
import { cellOf, type Image, moved, unresolvedColumns, upserted } from './image.ts'
import { orderOf } from './order.ts'
import { compareStamps, isSameChange, isSameStamp, type Stamp } from './stamp.ts'

/** Times are in microseconds since the epoch, as the source tells them. */
export interface Timed {
  readonly stamp: Stamp
  readonly eventUs: bigint | null
}

export interface TimedChange<S> extends Change<S> {
  readonly eventUs: bigint | null
}

/** A row of a key, as it was from one change to the next. */
export interface Version<S> extends Timed {
  readonly image: Image<S>
  readonly to: bigint | null
  readonly isCurrent: boolean
}

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
  const { groups, duplicates } = orderOf(changes, 'first')
  for (const at of duplicates) outcomes[at] = 'duplicate'
  const lines: Lines<S> = new Map()
  const lineOf = (key: string): Line<S> => {
    const line = lines.get(key) ?? { entries: knownEntries(key, known) }
    lines.set(key, line)
    return line
  }
  for (const key of known.versions.keys()) lineOf(key)
  for (const at of groups.flat()) {
    const change = changes[at] as TimedChange<S>
    const outcome = enter(lineOf(change.key), change, known.forgotten)
    outcomes[at] = outcome
    if (change.oldKey !== undefined && outcome === 'applied')
      enter(lineOf(change.oldKey), { ...change, op: 'delete', oldKey: undefined }, known.forgotten)
  }
  return { outcomes, ...woven(lines, known) }
}

/** What happened to a key, in order. */
interface Line<S> {
  entries: readonly Entry<S>[]
}
type Lines<S> = Map<string, Line<S>>

interface Entry<S> extends Timed {
  /** The row that begins here: as it is in the table, or as a record has it. Without one a row ends. */
  readonly stored?: Version<S>
  readonly change?: TimedChange<S>
  readonly isNew: boolean
}

function knownEntries<S>(key: string, { versions, deletes }: KnownHistory<S>): readonly Entry<S>[] {
  const rows = (versions.get(key) ?? []).map((stored): Entry<S> => ({ ...timeOf(stored), stored, isNew: false }))
  const ends = (deletes.get(key) ?? []).map((end): Entry<S> => ({ ...timeOf(end), isNew: false }))
  return inOrder([...rows, ...ends])
}

const timeOf = ({ stamp, eventUs }: Timed): Timed => ({ stamp, eventUs })
const isRow = <S>({ stored, change }: Entry<S>): boolean => stored !== undefined || change !== undefined

const inOrder = <T extends Timed>(entries: readonly T[]): readonly T[] =>
  entries.toSorted((left, right) => compareStamps(left.stamp, right.stamp))

function enter<S>(line: Line<S>, change: TimedChange<S>, forgotten: string | undefined): Outcome {
  const { stamp, eventUs, op } = change
  const same = line.entries.find(entry => isSameChange(stamp, entry.stamp))
  if (same !== undefined) {
    if (same.stamp.lane === stamp.lane && stamp.ordinal < same.stamp.ordinal) seenEarlier(line, same, stamp)
    return 'duplicate'
  }
  if (line.entries.length === 0 && forgotten !== undefined && stamp.kind !== 2 && stamp.position <= forgotten)
    return op === 'delete' ? 'stale' : 'late_beyond_retention'
  const before = line.entries.findLast(entry => compareStamps(entry.stamp, stamp) < 0)
  // A delete said so already, or is known to be of this very moment: the delete half of a move.
  if (op === 'delete' && before !== undefined && !isRow(before) && isSameMoment(before, stamp)) return 'skipped'
  const position = stamp.kind === 2 ? (before?.stamp.position ?? '') : stamp.position
  const row = op === 'upsert' ? { change } : {}
  line.entries = inOrder([...line.entries, { stamp: { ...stamp, position }, eventUs, ...row, isNew: true }])
  return 'applied'
}

/** The record was emitted again, and this is where it belongs. */
function seenEarlier<S>(line: Line<S>, same: Entry<S>, { ordinal }: Stamp): void {
  const others = line.entries.filter(entry => entry !== same)
  line.entries = inOrder([...others, { ...same, stamp: { ...same.stamp, ordinal }, isNew: true }])
}

const isSameMoment = ({ stamp: { position } }: Timed, stamp: Stamp): boolean =>
  stamp.kind === 2 || (position !== '' && position === stamp.position)

// --- Rows ----------------------------------------------------------------------------------------------------------

type Woven<S> = Omit<FoldedHistory<S>, 'outcomes'>

function woven<S>(lines: Lines<S>, { truncates }: KnownHistory<S>): Woven<S> {
  const versions = new Map<string, readonly Version<S>[]>()
  const deletes = new Map<string, readonly Timed[]>()
  const counts = { patched: 0, unresolved: 0 }
  for (const [key, { entries }] of lines) {
    const ends = inOrder<Timed>([...entries, ...truncates])
    const rows = entries.filter(isRow).map(entry => {
      const image = imageOf(lines, entries, entry)
      const next = ends[ends.findIndex(each => each.stamp === entry.stamp) + 1]
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
function imageOf<S>(lines: Lines<S>, entries: readonly Entry<S>[], { stored, change, stamp }: Entry<S>): Image<S> {
  const kept = stored === undefined ? (change?.kept ?? []) : [...stored.image.columns.keys()]
  const source = (stored === undefined ? change?.source : stored.image.source) as S
  const values = { stamp, kept, source }
  if (kept.length === 0) return upserted(values)
  if (change?.oldKey === undefined) return upserted(values, imageBefore(lines, entries, stamp, true))
  return moved(values, imageBefore(lines, lines.get(change.oldKey)?.entries ?? [], stamp, false))
}

/** Of the last row before; `live`: unless a delete came in between. */
function imageBefore<S>(lines: Lines<S>, entries: readonly Entry<S>[], stamp: Stamp, live: boolean) {
  const before = entries.findLast(entry => compareStamps(entry.stamp, stamp) < 0 && (live || isRow(entry)))
  return before !== undefined && isRow(before) ? imageOf(lines, entries, before) : undefined
}
