// Tables of format version 1 are read as they are: manifests with fewer fields, lists without contents and counts, snapshots that name
// their manifests without a list, entries of removed files, no sequence numbers anywhere.
import { expect, test } from 'vitest'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import type { AvroComplex, AvroField, AvroRecord, AvroSchema } from '#lake/iceberg/avro-schema.ts'
import { encodeAvro } from '#lake/iceberg/avro-write.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { toBinary } from '#lake/iceberg/value.ts'
import type { Lake } from '#lake/lake.ts'

const field = (name: string, id: number, type: AvroSchema): AvroField => ({ name, type, 'field-id': id })
const record = (name: string, fields: readonly AvroField[]): AvroComplex => ({ type: 'record', name, fields })
const counts = (key: number, value: number, type: AvroSchema): AvroSchema => [
  'null',
  {
    type: 'array',
    logicalType: 'map',
    items: record(`k${key}_v${value}`, [field('key', key, 'int'), field('value', value, type)]),
  },
]

/** As Iceberg Java wrote them before version 2: with a block size, without `content`, the snapshot id required. */
const ENTRY = record('manifest_entry', [
  field('status', 0, 'int'),
  field('snapshot_id', 1, 'long'),
  field(
    'data_file',
    2,
    record('r2', [
      field('file_path', 100, 'string'),
      field('file_format', 101, 'string'),
      field('partition', 102, record('r102', [field('day', 1000, ['null', { type: 'int', logicalType: 'date' }])])),
      field('record_count', 103, 'long'),
      field('file_size_in_bytes', 104, 'long'),
      field('block_size_in_bytes', 105, 'long'),
      field('file_ordinal', 106, ['null', 'int']),
      field('column_sizes', 108, counts(117, 118, 'long')),
      field('value_counts', 109, counts(119, 120, 'long')),
      field('null_value_counts', 110, counts(121, 122, 'long')),
      field('distinct_counts', 111, counts(123, 124, 'long')),
      field('lower_bounds', 125, counts(126, 127, 'bytes')),
      field('upper_bounds', 128, counts(129, 130, 'bytes')),
    ]),
  ),
])

const LIST = record('manifest_file', [
  field('manifest_path', 500, 'string'),
  field('manifest_length', 501, 'long'),
  field('partition_spec_id', 502, 'int'),
  field('added_snapshot_id', 503, ['null', 'long']),
])

const AT = 's3://memory-tables/old'

function entry(name: string, status: 0 | 1 | 2, more: { readonly day?: number; readonly k?: bigint } = {}): AvroRecord {
  const { day = 0, k } = more
  const bound = k === undefined ? null : new Map([[1, toBinary('long', k)]])
  return {
    status,
    snapshot_id: 1n,
    data_file: {
      file_path: `${AT}/${name}.parquet`,
      file_format: 'parquet',
      partition: { day },
      record_count: 1n,
      file_size_in_bytes: 100n,
      block_size_in_bytes: 67_108_864n,
      file_ordinal: null,
      column_sizes: new Map([[1, 5n]]),
      value_counts: new Map([[1, 1n]]),
      null_value_counts: new Map([[1, 0n]]),
      distinct_counts: new Map([[1, 1n]]),
      lower_bounds: bound,
      upper_bounds: bound,
    },
  }
}

async function put(lake: Lake, name: string, entries: readonly AvroRecord[], specId?: number): Promise<string> {
  const uri = `${AT}/metadata/${name}.avro`
  const header = specId === undefined ? {} : { 'partition-spec-id': String(specId) }
  await lake.storage.put(uri, encodeAvro(ENTRY, entries, header))
  return uri
}

/** A table whose one snapshot is as given, in metadata as version 1 has it: one schema and one spec without ids. */
async function tableOf(lake: Lake, snapshot: Readonly<Record<string, unknown>>): Promise<Table> {
  const metadata = {
    'format-version': 1,
    'table-uuid': 'd20125c8-7284-442c-9aea-15fee620737c',
    location: AT,
    'last-updated-ms': 1_602_638_573_874,
    'last-column-id': 2,
    schema: {
      type: 'struct',
      fields: [
        { id: 1, name: 'k', required: false, type: 'long' },
        { id: 2, name: 'day', required: false, type: 'date' },
      ],
    },
    'partition-spec': [{ name: 'day', transform: 'identity', 'source-id': 2, 'field-id': 1000 }],
    properties: {},
    'current-snapshot-id': 1,
    snapshots: [{ 'snapshot-id': 1, 'timestamp-ms': 1_602_638_573_822, ...snapshot }],
  }
  const metadataLocation = `${AT}/metadata/v1.metadata.json`
  await lake.storage.put(metadataLocation, Buffer.from(JSON.stringify(metadata)))
  await lake.catalog.create('old', { metadataLocation, location: AT, columns: [] })
  return openTable(lake, 'old')
}

const names = (plan: Awaited<ReturnType<typeof planScan>>): readonly string[] =>
  plan.files.map(live => /(\w+)\.parquet$/.exec(live.file.file_path)?.[1] ?? '').toSorted()

test('a snapshot with a list without contents, counts and sequence numbers', async () => {
  const lake = memoryLake()
  const manifest = await put(lake, 'm0', [entry('added', 1), entry('existing', 0), entry('removed', 2)])
  const row = { manifest_path: manifest, manifest_length: 10n, partition_spec_id: 0, added_snapshot_id: 1n }
  const list = `${AT}/metadata/snap-1.avro`
  await lake.storage.put(list, encodeAvro(LIST, [row]))
  const plan = await planScan(lake, await tableOf(lake, { 'manifest-list': list }))
  expect(names(plan)).toEqual(['added', 'existing'])
  expect(plan.files[0]).toMatchObject({ sequence_number: 0n, file_sequence_number: 0n, snapshot_id: 1n, deletes: [] })
  expect(plan.files[0]?.file).toMatchObject({ content: 0, file_format: 'PARQUET', spec_id: 0, equality_ids: null })
})

test('a snapshot that names its manifests itself', async () => {
  const lake = memoryLake()
  const manifests = [
    await put(lake, 'm0', [entry('a', 1, { day: 1, k: 1n }), entry('b', 2)]),
    await put(lake, 'm1', [entry('c', 1, { day: 2, k: 9n })], 0),
  ]
  const table = await tableOf(lake, { manifests })
  expect(names(await planScan(lake, table))).toEqual(['a', 'c'])
  const byDay = await planScan(lake, table, { where: [{ column: 'day', op: 'in', values: [2] }] })
  expect([names(byDay), byDay.skipped.byPartition.files]).toEqual([['c'], 1])
  const byKey = await planScan(lake, table, { where: [{ column: 'k', op: '<', value: 5n }] })
  expect([names(byKey), byKey.skipped.byBounds.files]).toEqual([['a'], 1])
})

test('a snapshot without any manifests named is damaged', async () => {
  await expect(tableOf(memoryLake(), {})).rejects.toMatchObject({ kind: 'table-corrupt' })
})
