import type { LakeError } from '#lake/errors.ts'
import { snapshotAt } from '#lake/iceberg/metadata.ts'
import type { Table } from '#lake/iceberg/table.ts'
import type { Snapshot } from '#lake/iceberg/types.ts'
import { closest } from './closest.ts'
import { refusal, usage } from './refusal.ts'
import { isoTime } from './units.ts'

/** What `--at` names: a snapshot by its id, or the one that was current at a time. */
export type At =
  | { readonly kind: 'id'; readonly id: bigint }
  | { readonly kind: 'time'; readonly ms: number; readonly text: string }

const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d(?:\.\d{1,9})?))?\s*(Z|[+-]\d\d:?\d\d)?)?$/i

/** A time without a zone is in UTC, as every time that Sluice prints. */
export function readAt(text: string): At {
  if (/^\d{1,19}$/.test(text)) return { kind: 'id', id: BigInt(text) }
  const [, date, clock = '00:00', seconds = '00', zone = 'Z'] = TIME.exec(text.trim()) ?? []
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}T${clock}:${seconds}${offset}`)
  if (Number.isNaN(ms))
    throw usage(
      `--at ${text} is neither a snapshot id nor a time`,
      'give the digits of a snapshot, or a time such as 2026-05-01 or 2026-05-01T10:30:00Z',
    )
  return { kind: 'time', ms, text }
}

/** The snapshots that `--at` names, one for each table; errors name those that are nearest. */
export function snapshotsFor(tables: readonly Table[], at: At): readonly Snapshot[] {
  if (at.kind === 'id' && tables.length > 1) throw ofOneTable(tables, at.id)
  return tables.map(table => snapshotFor(table, at))
}

function ofOneTable(tables: readonly Table[], id: bigint): LakeError {
  const found = tables.flatMap(table => table.metadata.snapshots).find(snapshot => snapshot['snapshot-id'] === id)
  const time = found === undefined ? 'TIME' : isoTime(found['timestamp-ms'])
  const names = tables.map(table => table.name).join(' and ')
  return usage(`a snapshot is of one table, and the query reads ${names}`, `give a time instead: --at ${time}`)
}

function snapshotFor(table: Table, at: At): Snapshot {
  const { snapshots } = table.metadata
  if (at.kind === 'id') {
    const found = snapshots.find(snapshot => snapshot['snapshot-id'] === at.id)
    if (found !== undefined) return found
    throw refusal('not-found', `${table.name} has no snapshot ${at.id}`, nearest(table, at))
  }
  const oldest = table.metadata['snapshot-log'][0]
  if (oldest === undefined || at.ms < oldest['timestamp-ms'])
    throw refusal('not-found', `${table.name} had no snapshot at ${isoTime(at.ms)}`, nearest(table, at))
  return snapshotAt(table.metadata, at.ms)
}

const NAMED_MAX = 3

function nearest(table: Table, at: At): string {
  const byTime = table.metadata.snapshots.toSorted((a, b) => b['timestamp-ms'] - a['timestamp-ms'])
  if (byTime.length === 0) return `${table.name} has no snapshots yet`
  const ids = byTime.map(snapshot => String(snapshot['snapshot-id']))
  const similar = at.kind === 'id' ? closest(String(at.id), ids, NAMED_MAX) : []
  const found = similar.map(id => byTime[ids.indexOf(id)] as Snapshot)
  const named = found.length > 0 ? found : at.kind === 'time' ? byTime.slice(-1) : byTime.slice(0, NAMED_MAX)
  const list = named.map(snapshot => `${snapshot['snapshot-id']} of ${isoTime(snapshot['timestamp-ms'])}`).join(', ')
  const kind = found.length > 0 ? 'nearest' : at.kind === 'time' ? 'oldest' : 'latest'
  const lead = `the ${kind} ${named.length === 1 ? 'is' : 'are'}`
  return `${lead} ${list}; \`sluice show ${table.name}\` lists them all`
}
