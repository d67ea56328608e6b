import {
  cleared,
  type Image,
  moved,
  patchedColumns,
  repaired,
  unknownImage,
  unresolvedColumns,
  upserted,
} from './image.ts'
import { orderOf } from './order.ts'
import { compareStamps, isSameChange, type Stamp } from './stamp.ts'

/** A change of one key. `S` stands for where its values are; the fold never looks at them. */
export interface Change<S> {
  readonly op: 'upsert' | 'delete' | 'truncate'
  readonly stamp: Stamp
  /** Empty for a truncate. */
  readonly key: string
  /** The key that the row had before, when the record moves it. */
  readonly oldKey?: string | undefined
  /** Columns without a value of their own: the old one stays. */
  readonly kept: readonly string[]
  readonly source: S
}

/** What is known of a key: its row, or that it is deleted, and the last values that it had. */
export interface KeyState<S> {
  readonly live: boolean
  readonly stamp: Stamp
  readonly image: Image<S>
}

export interface Known<S> {
  readonly states: ReadonlyMap<string, KeyState<S>>
  /** The newest truncate before the batch. */
  readonly truncated?: Stamp | undefined
  /** Deleted keys at or below this position are forgotten. */
  readonly forgotten?: string | undefined
}

/** What became of a record. Stale and duplicate are judged against what was known before the batch, superseded within it. */
export type Outcome = 'applied' | 'superseded' | 'stale' | 'duplicate' | 'skipped' | 'late_beyond_retention'

export interface Folded<S> {
  /** By position in the list of changes. */
  readonly outcomes: readonly Outcome[]
  /** Keys whose state is another one now; undefined: a truncate removed it. */
  readonly changed: ReadonlyMap<string, KeyState<S> | undefined>
  readonly truncated: Stamp | undefined
  /** Columns of newer rows that older records filled. */
  readonly patched: number
  /** Columns of changed rows that no record has told yet. */
  readonly unresolved: number
  /** Records of deleted rows that came too late to bring them back. */
  readonly resurrectionsPrevented: number
}

/**
 * Folds the records of a batch into what is known of their keys: the rule of docs/cdc.md, whatever order they arrive in. `known` must
 * hold every key of the batch that has a row or a tombstone, the old keys of moves among them.
 */
export function fold<S>(changes: readonly Change<S>[], known: Known<S>): Folded<S> {
  const { groups, duplicates } = orderOf(changes)
  const work: Work<S> = {
    changes,
    known,
    states: new Map(),
    outcomes: new Array<Outcome>(changes.length),
    winners: new Map(),
    truncated: known.truncated,
    counts: { patched: 0, prevented: 0 },
  }
  truncate(work)
  for (const at of duplicates) work.outcomes[at] = 'duplicate'
  for (const at of groups.flat()) apply(work, at)
  return resultOf(work)
}

interface Work<S> {
  readonly changes: readonly Change<S>[]
  readonly known: Known<S>
  /** Of keys that the batch has changed. */
  readonly states: Map<string, KeyState<S> | undefined>
  readonly outcomes: Outcome[]
  /** The record that made the state of a key. */
  readonly winners: Map<string, number>
  truncated: Stamp | undefined
  readonly counts: { patched: number; prevented: number }
}

const stateOf = <S>({ states, known }: Work<S>, key: string): KeyState<S> | undefined =>
  states.has(key) ? states.get(key) : known.states.get(key)

function resultOf<S>(work: Work<S>): Folded<S> {
  const rows = [...work.states.values()].filter(state => state?.live === true)
  return {
    outcomes: work.outcomes,
    changed: work.states,
    truncated: work.truncated,
    patched: work.counts.patched,
    unresolved: rows.reduce((sum, state) => sum + (state ? unresolvedColumns(state.image) : 0), 0),
    resurrectionsPrevented: work.counts.prevented,
  }
}

// --- Truncates -----------------------------------------------------------------------------------------------------

/** A truncate is a floor: whatever is older is gone, wherever it comes in the batch, and what is newer never saw it. */
function truncate<S>(work: Work<S>): void {
  const { changes, known, outcomes } = work
  const truncates = [...changes.keys()].filter(at => changes[at]?.op === 'truncate')
  if (truncates.length === 0) return
  const stampAt = (at: number): Stamp => (changes[at] as Change<S>).stamp
  let winner: number | undefined
  for (const at of truncates.toSorted((left, right) => compareStamps(stampAt(left), stampAt(right)))) {
    const stamp = stampAt(at)
    const isRepeated = work.truncated !== undefined && isSameChange(stamp, work.truncated)
    if (isRepeated || !isNewer(stamp, known.truncated)) {
      outcomes[at] = isRepeated ? 'duplicate' : 'stale'
      continue
    }
    if (winner !== undefined) outcomes[winner] = 'superseded'
    winner = at
    outcomes[at] = 'applied'
    work.truncated = stamp
  }
  const floor = work.truncated
  if (winner === undefined || floor === undefined) return
  for (const [key, state] of known.states) {
    const left = surviving(state, floor)
    if (left !== state) work.states.set(key, left)
  }
}

const isNewer = (stamp: Stamp, than: Stamp | undefined): boolean => than === undefined || compareStamps(stamp, than) > 0

function surviving<S>(state: KeyState<S>, floor: Stamp): KeyState<S> | undefined {
  if (compareStamps(state.stamp, floor) <= 0) return undefined
  const image = cleared(state.image, floor)
  return image === state.image ? state : { ...state, image }
}

// --- Rows ----------------------------------------------------------------------------------------------------------

function apply<S>(work: Work<S>, at: number): void {
  const change = work.changes[at] as Change<S>
  const before = judged(work, change, work.known.states.get(change.key))
  const verdict = judged(work, change, stateOf(work, change.key))
  if (change.oldKey !== undefined) leave(work, change, change.oldKey)
  work.outcomes[at] = before === 'newer' ? 'superseded' : before
  if (verdict === 'stale') repair(work, change, before === 'stale')
  else if (verdict === 'duplicate') seenAgain(work, change)
  else if (verdict === 'skipped') endAgain(work, at)
  else if (verdict === 'newer' && !isBelow(change.stamp, work.truncated)) {
    become(work, change)
    if (before === 'newer') win(work, change.key, at)
  }
}

function win<S>({ outcomes, winners }: Work<S>, key: string, at: number): void {
  const beaten = winners.get(key)
  if (beaten !== undefined) outcomes[beaten] = 'superseded'
  winners.set(key, at)
  outcomes[at] = 'applied'
}

/** A record without a value says nothing of its time where it is not in the lane of the truncate; the row that it ends does. */
function isBelow(stamp: Stamp, floor: Stamp | undefined): boolean {
  if (floor === undefined || (stamp.kind === 2 && stamp.lane !== floor.lane)) return false
  return compareStamps(stamp, floor) <= 0
}

/** So old that a delete of its key would be forgotten by now. */
const isForgotten = ({ kind, position }: Stamp, forgotten: string | undefined): boolean =>
  forgotten !== undefined && kind !== 2 && position <= forgotten

type Judged = 'newer' | Exclude<Outcome, 'applied' | 'superseded'>

function judged<S>({ known }: Work<S>, change: Change<S>, state: KeyState<S> | undefined): Judged {
  const { stamp, op } = change
  if (isBelow(stamp, known.truncated)) return 'stale'
  if (state === undefined) {
    if (!isForgotten(stamp, known.forgotten)) return 'newer'
    return op === 'delete' ? 'stale' : 'late_beyond_retention'
  }
  if (isSameChange(stamp, state.stamp)) return 'duplicate'
  const isOlder = compareStamps(stamp, state.stamp) <= 0
  // A record without a value says that the one before it was the last: nothing new when that was a delete.
  if (stamp.kind === 2 && !state.live) return isOlder && stamp.lane === state.stamp.lane ? 'stale' : 'skipped'
  return isOlder ? 'stale' : 'newer'
}

function become<S>(work: Work<S>, change: Change<S>): void {
  const { key, stamp, op } = change
  const state = stateOf(work, key)
  if (op === 'delete') {
    // Directly after the newest earlier record: at its position, as far as other lanes are concerned.
    const position = stamp.kind === 2 ? (state?.stamp.position ?? '') : stamp.position
    work.states.set(key, { live: false, stamp: { ...stamp, position }, image: state?.image ?? unknownImage() })
  } else {
    const image =
      change.oldKey === undefined
        ? upserted(change, liveImage(state))
        : moved(change, stateOf(work, change.oldKey)?.image)
    work.states.set(key, { live: true, stamp, image })
  }
}

/** What was there before a delete is no old value of the row that comes after it. */
const liveImage = <S>(state: KeyState<S> | undefined): Image<S> | undefined => (state?.live ? state.image : undefined)

/** The delete half of a move. Its record is judged by the other half, so it neither wins nor beats a record here. */
function leave<S>(work: Work<S>, { stamp }: Change<S>, oldKey: string): void {
  const state = stateOf(work, oldKey)
  if (isBelow(stamp, work.truncated) || (state === undefined && isForgotten(stamp, work.known.forgotten))) return
  if (state !== undefined && (compareStamps(stamp, state.stamp) <= 0 || isSameMoment(state, stamp))) return
  work.states.set(oldKey, { live: false, stamp, image: state?.image ?? unknownImage() })
}

/** The record of the delete half says the same. */
const isSameMoment = <S>({ live, stamp: { position } }: KeyState<S>, stamp: Stamp): boolean =>
  !live && position !== '' && position === stamp.position

/** Ends a row that was deleted already: whatever comes in its lane before this place is older. */
function endAgain<S>(work: Work<S>, at: number): void {
  const { key, stamp } = work.changes[at] as Change<S>
  const state = stateOf(work, key)
  if (work.outcomes[at] === 'superseded') work.outcomes[at] = 'skipped'
  if (state === undefined || state.stamp.lane !== stamp.lane) return
  work.states.set(key, { ...state, stamp: { ...stamp, position: state.stamp.position } })
}

/** Emitted again at a later place: records without a value in between are older than it. */
function seenAgain<S>(work: Work<S>, { key, stamp }: Change<S>): void {
  const state = stateOf(work, key)
  if (state === undefined || state.stamp.lane !== stamp.lane || state.stamp.ordinal >= stamp.ordinal) return
  const later = { ...state.stamp, ordinal: stamp.ordinal }
  const author = state.live ? later : state.image.author
  work.states.set(key, { ...state, stamp: later, image: { ...state.image, author } })
}

/** A delete whose record without a value came first: only now it is known after which position that one stands. */
function standing<S>(work: Work<S>, { key, stamp }: Change<S>): KeyState<S> | undefined {
  const state = stateOf(work, key)
  if (state?.stamp.kind !== 2 || state.stamp.lane !== stamp.lane || stamp.position <= state.stamp.position) return state
  const placed = { ...state, stamp: { ...state.stamp, position: stamp.position } }
  work.states.set(key, placed)
  return placed
}

/** A record that is too late for the row may still be the newest to tell some of its columns. */
function repair<S>(work: Work<S>, change: Change<S>, isLate: boolean): void {
  const { key, op, stamp } = change
  const state = standing(work, change)
  if (state === undefined || isBelow(stamp, work.truncated)) {
    if (op === 'upsert' && isLate && state?.live !== true) work.counts.prevented++
    return
  }
  if (op === 'upsert' && isLate && !state.live) work.counts.prevented++
  const image = op === 'upsert' ? repaired(state.image, change) : state.live ? cleared(state.image, stamp) : state.image
  if (image === state.image) return
  if (state.live) work.counts.patched += patchedColumns(state.image, image)
  work.states.set(key, { ...state, image })
}
