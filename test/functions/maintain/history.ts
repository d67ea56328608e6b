import { newTableMetadata } from '#lake/iceberg/metadata.ts'
import { UNSORTED } from '#lake/iceberg/partition.ts'
import type { SnapshotReference, TableMetadata } from '#lake/iceberg/types.ts'

export const HOUR_MS = 3_600_000
/** Histories end here; ages are hours before it. */
export const NOW_MS = Date.UTC(2026, 5, 30)

export interface Ref extends Partial<Omit<SnapshotReference, 'snapshot-id' | 'type'>> {
  readonly name: string
  readonly at: number
  readonly tag?: true
}

export interface History {
  /** `1@50 2@40<1`: snapshot 1 is 50 hours old, snapshot 2 is 40 and a child of 1. The last one is current. */
  readonly snapshots: string
  readonly current?: number
  readonly refs?: readonly Ref[]
  /** Ids in the order in which they became current; all of them when not given. */
  readonly log?: readonly number[]
  readonly properties?: Readonly<Record<string, string>>
}

/** Metadata of a table with that history, as text a reader can take in at a glance. */
export function metadataOf({ snapshots: text, current, refs = [], log, properties = {} }: History): TableMetadata {
  const snapshots = text.split(' ').map((each, index) => {
    const [, id = '', age, parent] = /^(\d+)@(\d+)(?:<(\d+))?$/.exec(each) ?? []
    return {
      'snapshot-id': BigInt(id),
      ...(parent === undefined ? {} : { 'parent-snapshot-id': BigInt(parent) }),
      'sequence-number': BigInt(index + 1),
      'timestamp-ms': NOW_MS - Number(age) * HOUR_MS,
      'manifest-list': `s3://b/t/metadata/snap-${id}.avro`,
      summary: { operation: 'append', 'sluice.commit-id': `c${id}` },
    }
  })
  const head = current === undefined ? (snapshots.at(-1)?.['snapshot-id'] as bigint) : BigInt(current)
  const named = refs.map(({ name, at, tag, ...limits }) => [
    name,
    { 'snapshot-id': BigInt(at), type: tag ? 'tag' : 'branch', ...limits },
  ])
  const logged = log?.map(BigInt) ?? snapshots.map(each => each['snapshot-id'])
  const timeOf = (id: bigint) => snapshots.find(each => each['snapshot-id'] === id)?.['timestamp-ms'] ?? NOW_MS
  return {
    ...newTableMetadata({
      uuid: 'u',
      location: 's3://b/t',
      schema: { type: 'struct', 'schema-id': 0, fields: [] },
      lastColumnId: 0,
      spec: { 'spec-id': 0, fields: [] },
      sortOrder: UNSORTED,
      properties,
      nowMs: NOW_MS,
    }),
    'current-snapshot-id': head,
    snapshots,
    'snapshot-log': logged.map(id => ({ 'timestamp-ms': timeOf(id), 'snapshot-id': id })),
    refs: { main: { 'snapshot-id': head, type: 'branch' }, ...Object.fromEntries(named) },
  }
}

export const idsOf = (each: { readonly snapshots: readonly { readonly 'snapshot-id': bigint }[] }): string =>
  each.snapshots.map(snapshot => snapshot['snapshot-id']).join(' ')
