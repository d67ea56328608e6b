/** Where a change stands among the changes of its key. */
export interface Stamp {
  /** Epoch and log position, in text whose order is theirs; empty when the record has none. */
  readonly position: string
  readonly kind: Kind
  /** Ordinals of one lane can be compared. */
  readonly lane: string
  readonly ordinal: string
  /** Hash of what the record says. */
  readonly content: string
  /** In a history, where else the change was emitted: other `lane.ordinal`. */
  readonly again?: readonly string[]
}

/** 0: read by a snapshot. 1: a change of the log. 2: a record without a value, which stands directly after the one before it. */
export type Kind = 0 | 1 | 2

/** Before every change: the author of a value that nobody has told yet. */
export const UNKNOWN: Stamp = { position: '', kind: 0, lane: '', ordinal: '', content: '' }

export const isUnknown = (stamp: Stamp): boolean => stamp.position === '' && stamp.lane === ''

/**
 * Below 0 when `left` is older. The epoch decides, then a full load without a position is older than all changes. Within a lane the place
 * decides when one of the two is not a change of the log: a transaction that wrote before a snapshot was taken and committed after it comes
 * later in the stream and lower in the log. Else the log position decides, and the place among equal ones. Never the operation, a clock or
 * the arrival.
 */
export function compareStamps(left: Stamp, right: Stamp): number {
  const epochs = compareEpochs(left, right)
  if (epochs !== 0) return epochs
  if (isLoad(left) !== isLoad(right)) return isLoad(left) ? -1 : 1
  if (left.lane === right.lane && (left.kind !== 1 || right.kind !== 1)) return compareText(left.ordinal, right.ordinal)
  return compareText(left.position, right.position) || left.kind - right.kind || comparePlaces(left, right)
}

export const comparePlaces = (left: Stamp, right: Stamp): number =>
  compareText(left.lane, right.lane) || compareText(left.ordinal, right.ordinal)

/** Whether two records are one change, delivered or emitted again. */
export function isSameChange(left: Stamp, right: Stamp): boolean {
  if (left.content !== right.content) return false
  if (left.lane === right.lane && left.ordinal === right.ordinal) return true
  return left.position !== '' && left.position === right.position && left.kind === right.kind
}

/** More is not known of one change: beyond that, of all times that it was emitted the last are, and the first. */
const EMISSIONS_MAX = 64

/** A change that was emitted elsewhere too; undefined where that is known. The first emission in its lane is its place. */
export function emittedAgain(stamp: Stamp, other: Stamp): Stamp | undefined {
  const known = emissionsOf(stamp)
  const all = new Set([...known, ...emissionsOf(other)])
  if (all.size === known.length) return undefined
  const sorted = [...all].toSorted(compareText)
  const first = sorted.find(isIn(stamp.lane)) as string
  const again = sorted.filter(emission => emission !== first).slice(1 - EMISSIONS_MAX)
  return { ...stamp, ordinal: first.slice(stamp.lane.length + 1), again }
}

export const isSameStamp = (left: Stamp, right: Stamp): boolean =>
  versionOf(left) === versionOf(right) && placeOf(left) === placeOf(right)

/** The first field of a position: which of several logs it is of. */
function compareEpochs(left: Stamp, right: Stamp): number {
  if (left.position === '' || right.position === '') return 0
  return compareText(epochOf(left), epochOf(right))
}

const epochOf = ({ position }: Stamp): string => position.slice(0, position.indexOf('.'))

/** A row of a full load that knows no position in the log. */
const isLoad = ({ kind, position }: Stamp): boolean => kind === 0 && position === ''

export const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

// --- As columns ----------------------------------------------------------------------------------------------------

/** `_version`: the position and the kind. Greater text is newer, but for changes around a snapshot, which the place decides. */
export const versionOf = ({ position, kind }: Stamp): string => `${position}.${kind}`

/** `_place`: what puts changes of one position in order, and tells a change from its repetition. */
export const placeOf = (stamp: Stamp): string => `${emissionsOf(stamp).join(',')}.${stamp.content}`

/** Everywhere that the change was emitted, as `lane.ordinal`. */
const emissionsOf = (stamp: Stamp): readonly string[] => [emissionOf(stamp), ...(stamp.again ?? [])]

/** Those in one lane, which can be compared with each other as text. */
export const emissionsIn = (stamp: Stamp, lane: string): readonly string[] => emissionsOf(stamp).filter(isIn(lane))

const isIn =
  (lane: string) =>
  (emission: string): boolean =>
    emission.startsWith(`${lane}.`)

/** Its place: where it was emitted first in its lane. */
export const emissionOf = ({ lane, ordinal }: Stamp): string => `${lane}.${ordinal}`

export function stampOf(version: string, place: string): Stamp {
  const dot = version.lastIndexOf('.')
  const last = place.lastIndexOf('.')
  const [emitted = '', ...again] = place.slice(0, last).split(',')
  const first = emitted.indexOf('.')
  return {
    position: version.slice(0, dot),
    kind: Number(version.slice(dot + 1)) as Kind,
    lane: emitted.slice(0, first),
    ordinal: emitted.slice(first + 1),
    content: place.slice(last + 1),
    ...(again.length === 0 ? {} : { again }),
  }
}
