import { joinKeys } from './moves.ts'
import {
  comparePlaces,
  compareStamps,
  compareText,
  emissionOf,
  emissionsIn,
  isSameChange,
  type Stamp,
} from './stamp.ts'

interface Ordered {
  readonly op: 'upsert' | 'delete' | 'truncate'
  readonly stamp: Stamp
  readonly key: string
  readonly oldKey?: string | undefined
}

export interface Order {
  /** Positions in the list of changes, oldest first; only keys that moves join are in one group. */
  readonly groups: readonly (readonly number[])[]
  /** Repetitions of a record of the same batch. */
  readonly duplicates: readonly number[]
}

/**
 * The order in which the records of a batch are folded. It depends on the records alone, not on how they arrived: each key's in the order of
 * its stamps; where a move joins keys, deletes go before upserts of the same position, so that a row leaves its old key before it comes back.
 */
export function orderOf(changes: readonly Ordered[], stays: 'first' | 'last' = 'last'): Order {
  const duplicates: number[] = []
  const queues = new Map<string, readonly number[]>()
  const rows = [...changes.keys()].filter(at => changeAt(changes, at).op !== 'truncate')
  for (const [key, own] of Map.groupBy(rows, at => changeAt(changes, at).key)) {
    const { distinct, repeated } = distinctOf(changes, own, stays)
    duplicates.push(...repeated)
    queues.set(key, distinct.length < 2 ? distinct : inOrder(changes, distinct))
  }
  return { groups: joined(changes, queues), duplicates }
}

const changeAt = (changes: readonly Ordered[], at: number): Ordered => changes[at] as Ordered
const stampAt = (changes: readonly Ordered[], at: number): Stamp => changeAt(changes, at).stamp

/**
 * Of repetitions the one with the last place stays: a record without a value that was emitted between them is older. In a history, where
 * every change has its own place for good, it is the first.
 */
function distinctOf(changes: readonly Ordered[], own: readonly number[], stays: 'first' | 'last'): Distinct {
  if (own.length === 1) return { distinct: own, repeated: [] }
  const known = new Map<string, number[]>()
  const [distinct, repeated]: [number[], number[]] = [[], []]
  const byPlace = own.toSorted((left, right) => comparePlaces(stampAt(changes, left), stampAt(changes, right)))
  for (const at of stays === 'first' ? byPlace : byPlace.toReversed()) {
    const stamp = stampAt(changes, at)
    const same = known.get(stamp.content) ?? []
    known.set(stamp.content, same)
    if (same.some(other => isSameChange(stampAt(changes, other), stamp))) repeated.push(at)
    else {
      same.push(at)
      distinct.push(at)
    }
  }
  return { distinct, repeated }
}

interface Distinct {
  readonly distinct: readonly number[]
  readonly repeated: readonly number[]
}

function inOrder(changes: readonly Ordered[], own: readonly number[]): readonly number[] {
  const { first, known, behind } = placedEnds(own.map(at => ({ at, stamp: stampAt(changes, at) })))
  return [...first, ...known.flatMap(each => [each, ...behind(each)])].map(({ at }) => at)
}

interface Stamped {
  readonly stamp: Stamp
}

interface PlacedEnds<T> {
  /** Records without a value that stand behind nothing. */
  readonly first: readonly T[]
  /** All others in order, and what stands behind each. */
  readonly known: readonly T[]
  readonly behind: (each: T) => readonly T[]
}

/**
 * A record without a value has no position: it stands directly behind what was emitted before it in its lane. Without that it ends what a full
 * load read, and nothing that has a position in the log.
 */
export function placedEnds<T extends Stamped>(all: readonly T[]): PlacedEnds<T> {
  const inOrder = (some: readonly T[]): readonly T[] => some.toSorted((a, b) => compareStamps(a.stamp, b.stamp))
  const known = inOrder(all.filter(({ stamp }) => stamp.kind !== 2))
  if (known.length === all.length) return { first: [], known, behind: () => [] }
  const ends = inOrder(all.filter(({ stamp }) => stamp.kind === 2))
  const behind = Map.groupBy(ends, end => anchorOf(known, end.stamp))
  return { first: behind.get(undefined) ?? [], known, behind: each => behind.get(each) ?? [] }
}

function anchorOf<T extends Stamped>(known: readonly T[], end: Stamp): T | undefined {
  let [anchor, last] = [known.findLast(({ stamp }) => stamp.kind === 0 && stamp.position === ''), '']
  for (const each of known)
    for (const emission of emissionsIn(each.stamp, end.lane))
      if (compareText(emission, emissionOf(end)) < 0 && compareText(emission, last) >= 0)
        [anchor, last] = [each, emission]
  return anchor
}

// --- Keys that moves join ------------------------------------------------------------------------------------------

function joined(
  changes: readonly Ordered[],
  queues: ReadonlyMap<string, readonly number[]>,
): readonly (readonly number[])[] {
  const moves = changes.flatMap(({ key, oldKey }) => (oldKey === undefined ? [] : [[oldKey, key] as const]))
  if (moves.length === 0) return [...queues.values()]
  const rootOf = joinKeys(moves)
  const groups = Map.groupBy(queues, ([key]) => rootOf(key))
  return [...groups.values()].map(group =>
    merged(
      changes,
      group.map(([, queue]) => queue),
    ),
  )
}

/** Always the oldest of the heads; among heads of one position a delete. */
function merged(changes: readonly Ordered[], queues: readonly (readonly number[])[]): readonly number[] {
  if (queues.length === 1) return queues[0] as readonly number[]
  const heads = queues.map(queue => ({ queue, next: 0 }))
  const order: number[] = []
  for (let open = heads; open.length > 0; open = open.filter(head => head.next < head.queue.length)) {
    const first = open.reduce((least, head) => (isBefore(changes, atOf(head), atOf(least)) ? head : least))
    order.push(atOf(first))
    first.next++
  }
  return order
}

const atOf = ({ queue, next }: { readonly queue: readonly number[]; readonly next: number }): number =>
  queue[next] as number

function isBefore(changes: readonly Ordered[], left: number, right: number): boolean {
  const [one, other] = [changeAt(changes, left), changeAt(changes, right)]
  const isTie = one.stamp.position !== '' && one.stamp.position === other.stamp.position
  if (isTie && one.op !== other.op) return one.op === 'delete'
  return compareStamps(one.stamp, other.stamp) < 0
}
