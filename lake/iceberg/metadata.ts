import { LakeError } from '../errors.ts'
import { FORMAT_VERSION } from './format-version.ts'
import { FIRST_PARTITION_ID, highestPartitionId, UNSORTED } from './partition.ts'
import { highestId } from './schema.ts'
import type { PartitionSpec, Schema, Snapshot, SortOrder, TableMetadata } from './types.ts'

/** The key of a snapshot summary that says whose work the snapshot is. */
export const COMMIT_ID = 'sluice.commit-id'

/** Changes of table metadata as pure functions: each takes metadata and returns metadata. */

export interface NewTable {
  /** The one that Sluice writes when absent. */
  readonly formatVersion?: number | undefined
  readonly uuid: string
  readonly location: string
  readonly schema: Schema
  readonly lastColumnId: number
  readonly spec: PartitionSpec
  readonly sortOrder: SortOrder
  readonly properties: Readonly<Record<string, string>>
  readonly nowMs: number
}

/** Metadata of a table without snapshots (spec, "Table Metadata Fields"). */
export function newTableMetadata(table: NewTable): TableMetadata {
  return {
    'format-version': table.formatVersion ?? FORMAT_VERSION,
    'table-uuid': table.uuid,
    location: table.location,
    'last-sequence-number': 0n,
    'last-updated-ms': table.nowMs,
    'last-column-id': table.lastColumnId,
    schemas: [table.schema],
    'current-schema-id': table.schema['schema-id'],
    'partition-specs': [table.spec],
    'default-spec-id': table.spec['spec-id'],
    'last-partition-id': highestPartitionId([table.spec]),
    properties: table.properties,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    // The unsorted order is always there, so that files can say they are in none.
    'sort-orders': table.sortOrder['order-id'] === 0 ? [UNSORTED] : [UNSORTED, table.sortOrder],
    'default-sort-order-id': table.sortOrder['order-id'],
    refs: {},
  }
}

/** Makes a schema the current one: an equal one of the table's is taken again, otherwise it is added under the next id. */
export function setSchema(metadata: TableMetadata, schema: Schema, lastColumnId: number): TableMetadata {
  const same = metadata.schemas.find(known => sameSchema(known, schema))
  const id = same?.['schema-id'] ?? Math.max(...metadata.schemas.map(known => known['schema-id'])) + 1
  if (id === metadata['current-schema-id']) return metadata
  return {
    ...metadata,
    schemas: same ? metadata.schemas : [...metadata.schemas, { ...schema, 'schema-id': id }],
    'current-schema-id': id,
    // Never smaller than before, or the id of a dropped column would be given to another.
    'last-column-id': Math.max(metadata['last-column-id'], lastColumnId, highestId(schema)),
  }
}

function sameSchema(left: Schema, right: Schema): boolean {
  const essence = (schema: Schema): string => JSON.stringify([schema.fields, schema['identifier-field-ids'] ?? []])
  return essence(left) === essence(right)
}

export function setPartitionSpec(metadata: TableMetadata, spec: PartitionSpec): TableMetadata {
  if (spec['spec-id'] === metadata['default-spec-id']) return metadata
  const known = metadata['partition-specs'].some(other => other['spec-id'] === spec['spec-id'])
  return {
    ...metadata,
    'partition-specs': known ? metadata['partition-specs'] : [...metadata['partition-specs'], spec],
    'default-spec-id': spec['spec-id'],
    'last-partition-id': Math.max(FIRST_PARTITION_ID - 1, metadata['last-partition-id'], highestPartitionId([spec])),
  }
}

export function setSortOrder(metadata: TableMetadata, order: SortOrder): TableMetadata {
  if (order['order-id'] === metadata['default-sort-order-id']) return metadata
  const known = metadata['sort-orders'].some(other => other['order-id'] === order['order-id'])
  return {
    ...metadata,
    'sort-orders': known ? metadata['sort-orders'] : [...metadata['sort-orders'], order],
    'default-sort-order-id': order['order-id'],
  }
}

/** Sets properties; those that are not named stay, because other engines keep their own there. */
export function setProperties(metadata: TableMetadata, properties: Readonly<Record<string, string>>): TableMetadata {
  const changed = Object.entries(properties).some(([key, value]) => metadata.properties[key] !== value)
  return changed ? { ...metadata, properties: { ...metadata.properties, ...properties } } : metadata
}

/** Adds a snapshot and makes it the current one of `main`. */
export function addSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  if (snapshot['sequence-number'] <= metadata['last-sequence-number'])
    throw new LakeError('conflict', 'the table has a snapshot with this sequence number', {
      sequence: String(snapshot['sequence-number']),
    })
  const id = snapshot['snapshot-id']
  return {
    ...metadata,
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': snapshot['timestamp-ms'],
    'current-snapshot-id': id,
    snapshots: [...metadata.snapshots, snapshot],
    'snapshot-log': [...metadata['snapshot-log'], { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id }],
    refs: { ...metadata.refs, main: { ...metadata.refs['main'], 'snapshot-id': id, type: 'branch' } },
  }
}

const PREVIOUS_VERSIONS_MAX = 100

/** The metadata as the successor of the file it was made from: that file goes into the log, the oldest fall out of it. */
export function succeed(
  base: TableMetadata,
  next: TableMetadata,
  file: { readonly location: string; readonly nowMs: number },
): TableMetadata {
  const max = Number(next.properties['write.metadata.previous-versions-max'] ?? PREVIOUS_VERSIONS_MAX)
  const log = [...base['metadata-log'], { 'timestamp-ms': base['last-updated-ms'], 'metadata-file': file.location }]
  return {
    ...next,
    'last-updated-ms':
      next['last-updated-ms'] > base['last-updated-ms'] ? next['last-updated-ms'] : nextTimestamp(base, file.nowMs),
    'metadata-log': log.slice(-Math.max(1, max)),
  }
}

/** Time never goes back in a table, whatever the clock of this machine says: Iceberg refuses metadata whose log does. */
export function nextTimestamp(metadata: TableMetadata, nowMs: number): number {
  return Math.max(nowMs, metadata['last-updated-ms'] + 1)
}

// --- Looking things up ---------------------------------------------------------------------------------------------

export function currentSchema(metadata: TableMetadata): Schema {
  return schemaById(metadata, metadata['current-schema-id'])
}

export function schemaById(metadata: TableMetadata, id: number): Schema {
  const schema = metadata.schemas.find(candidate => candidate['schema-id'] === id)
  return schema ?? missing('schema', id)
}

export function defaultSpec(metadata: TableMetadata): PartitionSpec {
  return specById(metadata, metadata['default-spec-id'])
}

export function specById(metadata: TableMetadata, id: number): PartitionSpec {
  return metadata['partition-specs'].find(spec => spec['spec-id'] === id) ?? missing('partition spec', id)
}

export function defaultSortOrder(metadata: TableMetadata): SortOrder {
  const id = metadata['default-sort-order-id']
  return metadata['sort-orders'].find(order => order['order-id'] === id) ?? missing('sort order', id)
}

function missing(what: string, id: number): never {
  throw new LakeError('table-corrupt', `the table's metadata has no ${what} ${id}`, { id })
}

export function currentSnapshot(metadata: TableMetadata): Snapshot | undefined {
  const id = metadata['current-snapshot-id']
  return id === undefined ? undefined : snapshotById(metadata, id)
}

export function snapshotById(metadata: TableMetadata, id: bigint): Snapshot {
  const snapshot = metadata.snapshots.find(candidate => candidate['snapshot-id'] === id)
  if (!snapshot)
    throw new LakeError('not-found', `the table has no snapshot ${id}; it may have expired`, { snapshot: String(id) })
  return snapshot
}

/** The snapshot that was current at a time, in milliseconds since the epoch (spec, "Point in Time Reads"). */
export function snapshotAt(metadata: TableMetadata, timestampMs: number): Snapshot {
  const entry = metadata['snapshot-log'].findLast(candidate => candidate['timestamp-ms'] <= timestampMs)
  if (!entry)
    throw new LakeError('not-found', `the table has no snapshot as old as ${new Date(timestampMs).toISOString()}`, {
      timestampMs,
    })
  return snapshotById(metadata, entry['snapshot-id'])
}

/** Schema of a snapshot; those of version 1 may not say. */
export function snapshotSchema(metadata: TableMetadata, snapshot: Snapshot | undefined): Schema {
  return schemaById(metadata, snapshot?.['schema-id'] ?? metadata['current-schema-id'])
}

/**
 * The snapshots that the current state of `main` was built from, newest first. Expiry cuts the chain of parents: what is older
 * than its last link and still retained counts as well, because a snapshot that may have been applied must not be applied again.
 * A snapshot that was rolled back is not among them, so that its work can be done again.
 */
export function appliedSnapshots(metadata: TableMetadata): readonly Snapshot[] {
  const chain = ancestors(metadata)
  const oldest = chain.at(-1)
  if (oldest === undefined || oldest['parent-snapshot-id'] === undefined) return chain
  return [...chain, ...metadata.snapshots.filter(snapshot => snapshot['sequence-number'] < oldest['sequence-number'])]
}

/** The current snapshot of `main`, its parent, and so on, as far as they are retained. */
export function ancestors(metadata: TableMetadata): readonly Snapshot[] {
  const byId = new Map(metadata.snapshots.map(snapshot => [snapshot['snapshot-id'], snapshot]))
  const chain: Snapshot[] = []
  let next = currentSnapshot(metadata)
  while (next && chain.length <= metadata.snapshots.length) {
    chain.push(next)
    const parent = next['parent-snapshot-id']
    next = parent === undefined ? undefined : byId.get(parent)
  }
  return chain
}

// --- Requirements --------------------------------------------------------------------------------------------------

/** What must hold of the table for a change to make sense (REST catalog specification, `TableRequirement`). */
export type Requirement =
  | { readonly type: 'assert-table-uuid'; readonly uuid: string }
  | { readonly type: 'assert-current-schema-id'; readonly 'current-schema-id': number }
  | { readonly type: 'assert-default-spec-id'; readonly 'default-spec-id': number }
  | { readonly type: 'assert-ref-snapshot-id'; readonly ref: string; readonly 'snapshot-id': bigint | null }

/** Fails with `conflict` and says what is otherwise. */
export function checkRequirement(metadata: TableMetadata, requirement: Requirement): void {
  const [wanted, found] = compared(metadata, requirement)
  if (wanted === found) return
  throw new LakeError('conflict', `${requirement.type}: expected ${String(wanted)}, the table has ${String(found)}`, {
    requirement: requirement.type,
  })
}

function compared(metadata: TableMetadata, requirement: Requirement): readonly [unknown, unknown] {
  switch (requirement.type) {
    case 'assert-table-uuid':
      return [requirement.uuid, metadata['table-uuid']]
    case 'assert-current-schema-id':
      return [requirement['current-schema-id'], metadata['current-schema-id']]
    case 'assert-default-spec-id':
      return [requirement['default-spec-id'], metadata['default-spec-id']]
    case 'assert-ref-snapshot-id':
      return [requirement['snapshot-id'], metadata.refs[requirement.ref]?.['snapshot-id'] ?? null]
  }
}
