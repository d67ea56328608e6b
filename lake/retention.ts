import { LakeError } from './errors.ts'
import type { Removal } from './iceberg/operations/expire.ts'
import type { Snapshot, SnapshotReference, TableMetadata } from './iceberg/types.ts'

/** What may go, and what of it a report tells: the oldest first. */
export interface Expiry extends Removal {
  readonly expired: readonly Snapshot[]
}

/**
 * The snapshots and refs that may go at that time (spec, "Snapshot Retention Policy"; Java's RemoveSnapshots). Refs older than their limit go,
 * `main` never. A branch that stays keeps its newest ancestors: a number of them, and all that are young enough. A tag keeps
 * its snapshot. A snapshot that no ref leads to, such as one staged for review or rolled back, stays while it is young.
 */
export function planExpiry(metadata: TableMetadata, nowMs: number): Expiry {
  const limits = limitsOf(metadata, nowMs)
  const byId = new Map(metadata.snapshots.map(snapshot => [snapshot['snapshot-id'], snapshot]))
  const refs = Object.entries(metadata.refs)
  const kept = refs.filter(([name, ref]) => isKept(name, byId.get(ref['snapshot-id']), { ref, limits }))
  const branches = [...kept.map(([_name, ref]) => ref), ...currentAsBranch(metadata)]
  const retained = new Set(branches.flatMap(ref => retainedBy(ref, byId, limits)))
  const led = new Set(branches.flatMap(ref => lineOf(ref, byId).map(snapshot => snapshot['snapshot-id'])))
  const expired = metadata.snapshots.filter(snapshot => {
    const id = snapshot['snapshot-id']
    if (retained.has(id)) return false
    return led.has(id) || snapshot['timestamp-ms'] < limits.oldestMs
  })
  const names = new Set(kept.map(([name]) => name))
  return {
    expired: expired.toSorted((left, right) => left['timestamp-ms'] - right['timestamp-ms']),
    snapshots: new Set(expired.map(snapshot => snapshot['snapshot-id'])),
    refs: refs.map(([name]) => name).filter(name => !names.has(name)),
  }
}

interface Limits {
  readonly nowMs: number
  /** Snapshots from before may go. */
  readonly oldestMs: number
  readonly minSnapshots: number
  readonly refAgeMsMax: number
}

/** Defaults and names are Iceberg's ("Configuration", "Table behavior properties"); refs live for ever unless something says otherwise. */
function limitsOf({ properties }: TableMetadata, nowMs: number): Limits {
  const FIVE_DAYS_MS = 432_000_000
  return {
    nowMs,
    oldestMs: nowMs - numberOf(properties, 'history.expire.max-snapshot-age-ms', FIVE_DAYS_MS),
    minSnapshots: Math.max(1, numberOf(properties, 'history.expire.min-snapshots-to-keep', 1)),
    refAgeMsMax: numberOf(properties, 'history.expire.max-ref-age-ms', Number.POSITIVE_INFINITY),
  }
}

/** A limit that cannot be read must not become no limit at all. */
function numberOf(properties: TableMetadata['properties'], key: string, otherwise: number): number {
  const text = properties[key]
  if (text === undefined) return otherwise
  if (/^\d+$/.test(text)) return Number(text)
  throw new LakeError('unsupported', `the table property ${key} is "${text}", which is no number`, { key, text })
}

/** A ref to a snapshot that is not there is of no use to anybody, and `main` decides what the table is. */
function isKept(
  name: string,
  snapshot: Snapshot | undefined,
  { ref, limits }: { readonly ref: SnapshotReference; readonly limits: Limits },
): boolean {
  if (name === 'main') return true
  if (snapshot === undefined) return false
  return limits.nowMs - snapshot['timestamp-ms'] <= (ref['max-ref-age-ms'] ?? limits.refAgeMsMax)
}

/** Metadata without refs, from writers before refs, still has a current snapshot. */
function currentAsBranch(metadata: TableMetadata): readonly SnapshotReference[] {
  const id = metadata['current-snapshot-id']
  return id === undefined ? [] : [{ ...metadata.refs['main'], 'snapshot-id': id, type: 'branch' }]
}

type ById = ReadonlyMap<bigint, Snapshot>

function retainedBy(ref: SnapshotReference, byId: ById, limits: Limits): readonly bigint[] {
  const count = ref['min-snapshots-to-keep'] ?? limits.minSnapshots
  const age = ref['max-snapshot-age-ms']
  const oldestMs = age === undefined ? limits.oldestMs : limits.nowMs - age
  const line = lineOf(ref, byId)
  const end = line.findIndex((snapshot, index) => index >= count && snapshot['timestamp-ms'] < oldestMs)
  return line.slice(0, Math.max(1, end === -1 ? line.length : end)).map(snapshot => snapshot['snapshot-id'])
}

/** A tag's snapshot, or a branch's head and its ancestors as far as they are there, the newest first. */
function lineOf(ref: SnapshotReference, byId: ById): readonly Snapshot[] {
  const line: Snapshot[] = []
  let next = byId.get(ref['snapshot-id'])
  while (next !== undefined && line.length < byId.size) {
    line.push(next)
    const parent = next['parent-snapshot-id']
    next = ref.type === 'tag' || parent === undefined ? undefined : byId.get(parent)
  }
  return line
}
