// Manifests and their lists come back as they were written, for every kind of partition value; what added entries leave out is
// inherited; and files of other writers and of format version 1 are read by field id, whatever their fields are called.
import { describe, expect, test } from 'vitest'
import { decodeAvro } from '#lake/iceberg/avro-read.ts'
import type { AvroComplex } from '#lake/iceberg/avro-schema.ts'
import { encodeAvro } from '#lake/iceberg/avro-write.ts'
import { decodeManifest, encodeManifest } from '#lake/iceberg/manifest.ts'
import { decodeManifestList, encodeManifestList, manifestFile } from '#lake/iceberg/manifest-list.ts'
import { manifestEntrySchema } from '#lake/iceberg/manifest-schema.ts'
import { partitionColumns, partitionSpecFor } from '#lake/iceberg/partition.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import type { ManifestEntry, ManifestFile } from '#lake/iceberg/types.ts'
import { toPartition } from '#lake/iceberg/value.ts'
import { column, manifestOnly } from './fixture.ts'

const { schema } = evolveSchema(undefined, [
  column('n', 'long'),
  column('s p', 'string'),
  column('d', 'decimal(20,3)'),
  column('u', 'uuid'),
  column('day', 'date'),
  column('f', 'double'),
  column('b', 'boolean'),
])
const identity = { name: 'identity' } as const
const spec = partitionSpecFor(schema, [
  { column: 'n', transform: identity },
  { column: 's p', transform: identity },
  { column: 'd', transform: identity },
  { column: 'u', transform: identity },
  { column: 'day', transform: { name: 'month' } },
  { column: 'f', transform: identity },
  { column: 'b', transform: identity },
])
const columns = partitionColumns(spec, [schema])
const context = { schema, spec, columns, content: 0 } as const

const full = manifestOnly('s3://b/full.parquet', {
  partition: [-(2n ** 63n), 'é/=', toPartition('decimal(20,3)', -1n), Buffer.alloc(16, 200), -1, 0.5, false],
  record_count: 2n ** 40n,
  column_sizes: new Map([[1, 5n]]),
  value_counts: new Map([[1, 2n ** 53n + 1n]]),
  null_value_counts: new Map([[1, 0n]]),
  nan_value_counts: new Map([[6, 0n]]),
  lower_bounds: new Map([[1, Buffer.alloc(8)]]),
  upper_bounds: new Map([[1, Buffer.alloc(8, 1)]]),
  split_offsets: [4n, 2n ** 33n],
  sort_order_id: 3,
})
const empty = manifestOnly('s3://b/null.parquet', { partition: spec.fields.map(() => null) })
const nan = manifestOnly('s3://b/nan.parquet', {
  partition: [7n, 'a', toPartition('decimal(20,3)', 5n), Buffer.alloc(16), 3, Number.NaN, true],
})

const added = (file: typeof full): ManifestEntry => ({
  status: 1,
  snapshot_id: null,
  sequence_number: null,
  file_sequence_number: null,
  data_file: file,
})
const entries = [added(full), added(empty), added(nan)]
const bytes = encodeManifest(entries, context)
const row = manifestFile(entries, columns, {
  path: 's3://b/m.avro',
  bytes: bytes.length,
  content: 0,
  specId: 0,
  sequenceNumber: 9n,
  snapshotId: 3055729675574597004n,
})

describe('a manifest', () => {
  test('comes back, with what it leaves out inherited from its row in the list', () => {
    const inherited = { snapshot_id: 3055729675574597004n, sequence_number: 9n, file_sequence_number: 9n }
    expect(decodeManifest(bytes, row, columns)).toEqual(entries.map(entry => ({ ...entry, ...inherited })))
  })

  test('carries the spec’s key-value pairs and field ids', () => {
    const { metadata, schema: avro } = decodeAvro(bytes)
    expect(metadata).toMatchObject({
      'format-version': '2',
      content: 'data',
      'partition-spec-id': '0',
      'schema-id': '0',
    })
    expect(JSON.parse(metadata['partition-spec'] ?? '')).toEqual(spec.fields)
    expect(JSON.parse(metadata['schema'] ?? '')).toEqual(schema)
    const text = JSON.stringify(avro)
    expect(text).toContain('{"name":"s_x20p","type":["null","string"],"default":null,"field-id":1001}')
    expect(text).toContain('"logicalType":"map"')
    expect(text).toContain('{"name":"status","type":"int","field-id":0}')
  })

  test('an existing entry keeps its own numbers', () => {
    const existing: ManifestEntry = {
      ...added(full),
      status: 0,
      snapshot_id: 1n,
      sequence_number: 2n,
      file_sequence_number: 3n,
    }
    expect(decodeManifest(encodeManifest([existing], context), row, columns)).toEqual([existing])
  })
})

describe('a manifest that is read in part', () => {
  const removed: ManifestEntry = {
    ...added(full),
    status: 2,
    snapshot_id: 5n,
    sequence_number: 2n,
    file_sequence_number: 2n,
  }
  const mixed = encodeManifest([added(full), removed], context)

  test('without statistics, and without the files that were removed', () => {
    const [entry, ...more] = decodeManifest(mixed, row, columns, { statistics: new Set(), liveOnly: true })
    const empty = new Map()
    const none = { column_sizes: empty, value_counts: empty, null_value_counts: empty, nan_value_counts: empty }
    const bounds = { lower_bounds: empty, upper_bounds: empty, split_offsets: null }
    expect([entry?.data_file, more]).toEqual([{ ...full, ...none, ...bounds, partial: true }, []])
  })

  test('with the bounds and counts of some columns', () => {
    const [entry] = decodeManifest(mixed, row, columns, { statistics: new Set([1]) })
    const { value_counts, lower_bounds, upper_bounds, nan_value_counts, column_sizes } = entry?.data_file ?? full
    expect([value_counts, lower_bounds, upper_bounds]).toEqual([
      full.value_counts,
      full.lower_bounds,
      full.upper_bounds,
    ])
    expect([nan_value_counts.size, column_sizes.size]).toEqual([0, 0])
  })

  test('is not written back', () => {
    const partial = decodeManifest(mixed, row, columns, { statistics: new Set([1]) })
    expect(() => encodeManifest(partial, context)).toThrow('all of its statistics')
  })
})

describe('the row of a manifest', () => {
  test('sums up its partitions; NaN and uuid have no bounds', () => {
    expect(row.partitions?.map(each => [each.contains_null, each.contains_nan])).toEqual([
      [true, false],
      [true, false],
      [true, false],
      [true, false],
      [true, false],
      [true, true],
      [true, false],
    ])
    const hex = row.partitions?.map(each => [each.lower_bound?.toString('hex'), each.upper_bound?.toString('hex')])
    expect(hex?.[0]).toEqual(['0000000000000080', '0700000000000000'])
    expect(hex?.[2]).toEqual(['ff', '05'])
    expect(hex?.[3]).toEqual([undefined, undefined])
    expect(hex?.[4]).toEqual(['ffffffff', '03000000'])
    expect(hex?.[5]).toEqual(['000000000000e03f', '000000000000e03f'])
  })

  test('comes back from a list', () => {
    const list = encodeManifestList([row], { snapshotId: 5n, parentSnapshotId: undefined, sequenceNumber: 9n })
    expect(decodeManifestList(list)).toEqual([row])
    expect(decodeAvro(list).metadata).toMatchObject({
      'snapshot-id': '5',
      'parent-snapshot-id': 'null',
      'sequence-number': '9',
      'format-version': '2',
    })
  })

  test('counts live, kept and removed files apart', () => {
    const old = { snapshot_id: 1n, sequence_number: 4n, file_sequence_number: 4n }
    const mixed: ManifestEntry[] = [
      { ...added(full), ...old, status: 0 },
      { ...added(nan), ...old, sequence_number: 2n, status: 2 },
      added(empty),
    ]
    const summed = manifestFile(mixed, columns, {
      path: 'p',
      bytes: 1,
      content: 0,
      specId: 0,
      sequenceNumber: 9n,
      snapshotId: 1n,
    })
    expect(summed).toMatchObject({
      added_files_count: 1,
      existing_files_count: 1,
      deleted_files_count: 1,
      existing_rows_count: 2n ** 40n,
      min_sequence_number: 4n,
    })
  })
})

describe('other writers', () => {
  test('version 1: other names, no sequence numbers, no content', () => {
    const old: AvroComplex = {
      type: 'record',
      name: 'manifest_file',
      fields: [
        { name: 'manifest_path', type: 'string', 'field-id': 500 },
        { name: 'manifest_length', type: 'long', 'field-id': 501 },
        { name: 'partition_spec_id', type: 'int', 'field-id': 502 },
        { name: 'added_snapshot_id', type: ['null', 'long'], 'field-id': 503 },
        { name: 'added_data_files_count', type: ['null', 'int'], 'field-id': 504 },
        { name: 'existing_data_files_count', type: ['null', 'int'], 'field-id': 505 },
        { name: 'deleted_data_files_count', type: ['null', 'int'], 'field-id': 506 },
      ],
    }
    const record = {
      manifest_path: 'm',
      manifest_length: 10n,
      partition_spec_id: 0,
      added_snapshot_id: 8n,
      added_data_files_count: 2,
      existing_data_files_count: 0,
      deleted_data_files_count: null,
    }
    const [manifest] = decodeManifestList(encodeAvro(old, [record]))
    expect(manifest).toMatchObject({
      content: 0,
      sequence_number: 0n,
      min_sequence_number: 0n,
      added_files_count: 2,
      deleted_files_count: null,
    })
  })

  test('version 1: entries of a list without sequence numbers have sequence number 0', () => {
    const existing: ManifestEntry = { ...added(full), status: 0, snapshot_id: 4n }
    const old: ManifestFile = { ...row, sequence_number: 0n }
    const [entry] = decodeManifest(encodeManifest([existing], context), old, columns)
    expect([entry?.sequence_number, entry?.file_sequence_number, entry?.snapshot_id]).toEqual([0n, 0n, 4n])
  })

  test('an encrypted file is refused', () => {
    const fields = { ...full, partition: {}, key_metadata: Buffer.from('k') }
    const bare = encodeAvro(manifestEntrySchema([]), [{ status: 1, snapshot_id: 1n, data_file: fields as never }])
    expect(() => decodeManifest(bare, row, [])).toThrow(expect.objectContaining({ kind: 'unsupported' }))
  })

  test('a list without counts cannot be carried over', () => {
    const context = { snapshotId: 5n, parentSnapshotId: 1n, sequenceNumber: 9n }
    expect(() => encodeManifestList([{ ...row, added_files_count: null }], context)).toThrow(
      expect.objectContaining({ kind: 'unsupported' }),
    )
  })
})
