import { gunzipSync } from 'node:zlib'
import { LakeError } from '../errors.ts'
import { checkReadableVersion } from './format-version.ts'
import { formatJson, parseJson } from './json.ts'
import { FIRST_PARTITION_ID, highestPartitionId, UNSORTED } from './partition.ts'
import type { PartitionSpec, PartitionSpecField, Schema, Snapshot, SortOrder, TableMetadata } from './types.ts'

export function encodeMetadata(metadata: TableMetadata): Buffer {
  return Buffer.from(formatJson(metadata), 'utf8')
}

/**
 * Reads a metadata file, plain or gzipped. Version 1 is given the fields of version 2 (spec, appendix E); of version 3 those files are read
 * that use nothing a reader would have to know.
 */
export function decodeMetadata(bytes: Uint8Array): TableMetadata {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : Buffer.from(bytes)
  const raw = parsed(plain.toString('utf8'))
  if (raw === null || typeof raw !== 'object' || typeof raw['format-version'] !== 'number')
    throw new LakeError('table-corrupt', 'the metadata file says no format version: it is damaged, or no metadata', {})
  checkReadableVersion(raw)
  for (const field of ['location', 'last-updated-ms', 'last-column-id'])
    if (raw[field] === undefined) throw new LakeError('table-corrupt', `the metadata file has no ${field}`, { field })
  return complete(raw)
}

/** The one cast from JSON to metadata: the fields below are checked or filled in, unknown ones are kept as they came. */
type Raw = Readonly<Record<string, unknown>>

function parsed(text: string): Raw {
  try {
    return parseJson(text) as Raw
  } catch (cause) {
    throw new LakeError('table-corrupt', 'the metadata file is not JSON', {}, { cause })
  }
}

function complete(raw: Raw): TableMetadata {
  const schemas = schemasOf(raw)
  const specs = specsOf(raw)
  const current = raw['current-snapshot-id'] as bigint | null | undefined
  const { 'current-snapshot-id': _current, ...rest } = raw
  const snapshots = ((raw['snapshots'] as readonly Snapshot[] | undefined) ?? []).map(completeSnapshot)
  return {
    ...rest,
    'format-version': raw['format-version'] as number,
    'table-uuid': (raw['table-uuid'] as string | undefined) ?? '',
    location: (raw['location'] as string).replace(/\/+$/, ''),
    'last-sequence-number': (raw['last-sequence-number'] as bigint | undefined) ?? 0n,
    'last-updated-ms': raw['last-updated-ms'] as number,
    'last-column-id': raw['last-column-id'] as number,
    schemas,
    'current-schema-id': (raw['current-schema-id'] as number | undefined) ?? (schemas[0]?.['schema-id'] as number),
    'partition-specs': specs,
    'default-spec-id': (raw['default-spec-id'] as number | undefined) ?? (specs[0]?.['spec-id'] as number),
    'last-partition-id': (raw['last-partition-id'] as number | undefined) ?? highestPartitionId(specs),
    properties: (raw['properties'] as TableMetadata['properties'] | undefined) ?? {},
    // Writers say "no snapshot" with −1, with null or with silence.
    ...(current === undefined || current === null || current === -1n ? {} : { 'current-snapshot-id': current }),
    snapshots,
    'snapshot-log': (raw['snapshot-log'] as TableMetadata['snapshot-log'] | undefined) ?? [],
    'metadata-log': (raw['metadata-log'] as TableMetadata['metadata-log'] | undefined) ?? [],
    'sort-orders': (raw['sort-orders'] as readonly SortOrder[] | undefined) ?? [UNSORTED],
    'default-sort-order-id': (raw['default-sort-order-id'] as number | undefined) ?? 0,
    refs: refsOf(raw, current),
  }
}

/** Version 1 may have one `schema` alone, without an id; version 2 has a list. */
function schemasOf(raw: Raw): readonly Schema[] {
  const schemas = raw['schemas'] as readonly Schema[] | undefined
  if (schemas !== undefined && schemas.length > 0) return schemas
  const schema = raw['schema'] as Schema | undefined
  if (schema === undefined) throw new LakeError('table-corrupt', 'the metadata file has no schema', { field: 'schema' })
  return [{ ...schema, 'schema-id': schema['schema-id'] ?? 0 }]
}

/** Version 1's `partition-spec` is a list of fields. The ids of fields are given in order when they are absent (spec, "Partition Evolution"). */
function specsOf(raw: Raw): readonly PartitionSpec[] {
  const specs = raw['partition-specs'] as readonly PartitionSpec[] | undefined
  const known = specs ?? [
    { 'spec-id': 0, fields: (raw['partition-spec'] as readonly PartitionSpecField[] | undefined) ?? [] },
  ]
  return known.map(spec => ({
    ...spec,
    fields: spec.fields.map((field, index) => ({
      ...field,
      'field-id': field['field-id'] ?? FIRST_PARTITION_ID + index,
    })),
  }))
}

function completeSnapshot(snapshot: Snapshot): Snapshot {
  const list = snapshot['manifest-list'] as string | undefined
  // Version 1 may name the manifests in the snapshot itself instead (spec, "Snapshots").
  if (list === undefined && snapshot.manifests === undefined)
    throw new LakeError('table-corrupt', 'a snapshot of the table has no manifests', {
      snapshot: String(snapshot['snapshot-id']),
    })
  return {
    ...snapshot,
    'manifest-list': list ?? '',
    'sequence-number': snapshot['sequence-number'] ?? 0n,
    summary: snapshot.summary ?? {},
  }
}

function refsOf(raw: Raw, current: bigint | null | undefined): TableMetadata['refs'] {
  const refs = raw['refs'] as TableMetadata['refs'] | undefined
  if (refs !== undefined || current === undefined || current === null || current === -1n) return refs ?? {}
  return { main: { 'snapshot-id': current, type: 'branch' } }
}
