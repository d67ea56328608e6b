import type { Change, Outcome } from './fold.ts'
import type { Image } from './image.ts'
import { placedEnds } from './order.ts'
import { compareStamps, compareText, emissionOf, emissionsIn, emittedAgain, isSameChange, type Stamp } from './stamp.ts'

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

/** What happened to a key, in any order. */
export interface Line<S> {
  entries: readonly Entry<S>[]
}

export interface Entry<S> extends Timed {
  /** The row that begins here: as it is in the table, or as a record has it. Without one a row ends. */
  readonly stored?: Version<S>
  readonly change?: TimedChange<S>
  readonly isNew: boolean
  /** A delete that is not remembered, but for the time from which the row was gone. */
  readonly isForgotten?: true
}

/** What ends the rows of all keys, and the version up to which deletes are not remembered any more. */
export interface Floor {
  readonly truncates: readonly Timed[]
  readonly forgotten?: string | undefined
}

const isForgotten = (happened: Timed): boolean => 'isForgotten' in happened
export const isRow = (happened: Timed): boolean => 'stored' in happened || 'change' in happened

// --- The order -----------------------------------------------------------------------------------------------------

/**
 * What happened, oldest first. A connector that starts again emits its last changes once more, from anywhere on: a record without a value that
 * stands behind a change which comes once more later, says nothing of that change, for if it ended it, it would come once more too.
 */
export function inOrder<T extends Timed>(happened: readonly T[]): readonly T[] {
  const { first, known, behind } = placedEnds(happened)
  const counts = (end: T, each: T): boolean => isForgotten(end) || !isEmittedAfter(each.stamp, end.stamp)
  return [...first, ...known.flatMap(each => [each, ...behind(each).filter(end => counts(end, each))])]
}

const isEmittedAfter = (stamp: Stamp, end: Stamp): boolean =>
  emissionsIn(stamp, end.lane).some(emission => compareText(emission, emissionOf(end)) > 0)

/** Of what happened in order, the last row before; `live`: unless a delete came in between. */
export function rowBefore<S>(happened: readonly Entry<S>[], stamp: Stamp, live: boolean): Entry<S> | undefined {
  const until = happened.findIndex(each => each.stamp.kind !== 2 && compareStamps(each.stamp, stamp) >= 0)
  const before = happened.slice(0, until < 0 ? happened.length : until).findLast(each => live || isRow(each))
  return before !== undefined && isRow(before) ? before : undefined
}

// --- What is known -------------------------------------------------------------------------------------------------

interface Known<S> {
  readonly rows: readonly Version<S>[]
  readonly deletes: readonly Timed[]
}

export function knownLine<S>({ rows, deletes }: Known<S>, floor: Floor): Line<S> {
  const line: Line<S> = { entries: rows.map(stored => ({ ...timeOf(stored), stored, isNew: false })) }
  for (const end of deletes) {
    const same = line.entries.find(each => !isRow(each) && isSameChange(each.stamp, end.stamp) && end.stamp.kind !== 2)
    if (same !== undefined) replace(line, same, { ...same, stamp: emittedAgain(same.stamp, end.stamp) ?? same.stamp })
    else line.entries = [...line.entries, { ...timeOf(end), isNew: false }]
  }
  line.entries = [...line.entries, ...forgottenEnds(line, floor)]
  return line
}

const timeOf = ({ stamp, eventUs }: Timed): Timed => ({ stamp, eventUs })

/** The delete that ended a row may be forgotten. That the row has ended stays. */
function forgottenEnds<S>({ entries }: Line<S>, { truncates, forgotten }: Floor): readonly Entry<S>[] {
  if (forgotten === undefined) return []
  const happened = inOrder<Timed>([...entries, ...truncates])
  return entries.flatMap((entry): readonly Entry<S>[] => {
    const { stored } = entry
    if (stored === undefined || stored.isCurrent || stored.stamp.position > forgotten) return []
    if (happened[happened.indexOf(entry) + 1]?.eventUs === stored.to) return []
    const { lane, ordinal } = stored.stamp
    const stamp: Stamp = { position: '', kind: 2, lane, ordinal: `${ordinal}+`, content: '' }
    return [{ stamp, eventUs: stored.to, isNew: false, isForgotten: true }]
  })
}

function replace<S>(line: Line<S>, entry: Entry<S>, by: Entry<S>): void {
  line.entries = line.entries.map(each => (each === entry ? by : each))
}

// --- What comes ----------------------------------------------------------------------------------------------------

export function enter<S>(line: Line<S>, change: TimedChange<S>, { truncates, forgotten }: Floor): Outcome {
  const { stamp, eventUs, op } = change
  const same = line.entries.find(entry => isSameChange(stamp, entry.stamp))
  if (same !== undefined) {
    const seen = emittedAgain(same.stamp, stamp)
    if (seen !== undefined) replace(line, same, { ...same, stamp: seen, isNew: true })
    return 'duplicate'
  }
  const entry: Entry<S> = { stamp, eventUs, ...(op === 'upsert' ? { change } : {}), isNew: true }
  const happened = inOrder<Timed>([...line.entries, ...truncates, entry])
  const past = happened.slice(0, Math.max(0, happened.indexOf(entry)))
  const before = past.at(-1)
  if (stamp.kind === 2) {
    line.entries = [...line.entries, { ...entry, stamp: { ...stamp, position: before?.stamp.position ?? '' } }]
    return happened.includes(entry) && (before === undefined || isRow(before)) ? 'applied' : 'skipped'
  }
  const isUnknown = line.entries.length === 0 || (before !== undefined && isForgotten(before))
  if (isUnknown && forgotten !== undefined && stamp.position <= forgotten)
    return op === 'delete' ? 'stale' : 'late_beyond_retention'
  // The delete half of a move says what is known of this very moment.
  if (op === 'delete' && isMoveSaid(past, stamp)) return 'skipped'
  line.entries = [...line.entries, entry]
  return 'applied'
}

function isMoveSaid(past: readonly Timed[], { position }: Stamp): boolean {
  const before = past.findLast(each => each.stamp.kind !== 2)
  return before !== undefined && !isRow(before) && position !== '' && before.stamp.position === position
}
