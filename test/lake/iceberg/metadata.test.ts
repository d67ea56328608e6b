// Changes of table metadata are pure and keep what the spec demands of every version: ids never reused, logs in order, time that
// never goes back, what Sluice does not know left as it was.
import { describe, expect, test } from 'vitest'
import {
  addSnapshot,
  appliedSnapshots,
  checkRequirement,
  currentSnapshot,
  newTableMetadata,
  setPartitionSpec,
  setProperties,
  setSchema,
  setSortOrder,
  snapshotAt,
  succeed,
} from '#lake/iceberg/metadata.ts'
import { decodeMetadata, encodeMetadata } from '#lake/iceberg/metadata-file.ts'
import { partitionSpecFor, sortOrderFor } from '#lake/iceberg/partition.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { metadataUri } from '#lake/iceberg/table.ts'
import type { Snapshot, TableMetadata } from '#lake/iceberg/types.ts'
import { column } from './fixture.ts'

const { schema, lastColumnId } = evolveSchema(undefined, [column('a', 'int'), column('b', 'string')])
const fresh = newTableMetadata({
  uuid: '9c12d441-03fe-4693-9a96-a0705ddf69c1',
  location: 's3://lake/tables/t',
  schema,
  lastColumnId,
  spec: partitionSpecFor(schema, [{ column: 'a', transform: { name: 'bucket', width: 4 } }]),
  sortOrder: sortOrderFor(schema, [{ column: 'b', direction: 'desc' }]),
  properties: { owner: 'x' },
  nowMs: 1000,
})

const snapshot = (id: bigint, sequence: bigint, parent?: bigint): Snapshot => ({
  'snapshot-id': id,
  ...(parent === undefined ? {} : { 'parent-snapshot-id': parent }),
  'sequence-number': sequence,
  'timestamp-ms': 2000 + Number(sequence),
  'manifest-list': `s3://lake/list-${id}`,
  summary: { operation: 'append' },
  'schema-id': 0,
})

const history = (...snapshots: readonly Snapshot[]): TableMetadata => snapshots.reduce(addSnapshot, fresh)

test('a new table', () => {
  expect(fresh).toMatchObject({
    'format-version': 2,
    'last-sequence-number': 0n,
    'last-column-id': 2,
    'last-partition-id': 1000,
    'sort-orders': [{ 'order-id': 0, fields: [] }, { 'order-id': 1 }],
    'default-sort-order-id': 1,
    refs: {},
  })
  expect('current-snapshot-id' in fresh).toBe(false)
})

describe('schemas, specs, orders, properties', () => {
  const wider = evolveSchema(schema, [column('a', 'long'), column('c', 'date')], lastColumnId)

  test('a changed schema gets the next id; going back takes the old one again', () => {
    const evolved = setSchema(fresh, wider.schema, wider.lastColumnId)
    expect(evolved).toMatchObject({ 'current-schema-id': 1, 'last-column-id': 3 })
    expect(evolved.schemas.map(each => each['schema-id'])).toEqual([0, 1])
    const back = setSchema(evolved, schema, 2)
    expect(back).toMatchObject({ 'current-schema-id': 0, 'last-column-id': 3 })
    expect(back.schemas).toHaveLength(2)
    expect(setSchema(back, schema, 2)).toBe(back)
  })

  test('an equivalent spec and order are used again, fields keep their ids', () => {
    const specs = fresh['partition-specs']
    const same = partitionSpecFor(schema, [{ column: 'a', transform: { name: 'bucket', width: 4 } }], specs)
    expect(setPartitionSpec(fresh, same)).toBe(fresh)
    const more = partitionSpecFor(
      schema,
      [
        { column: 'b', transform: { name: 'truncate', width: 2 } },
        { column: 'a', transform: { name: 'bucket', width: 4 } },
      ],
      specs,
    )
    expect(more.fields.map(field => [field.name, field['field-id'], field.transform])).toEqual([
      ['b_trunc', 1001, 'truncate[2]'],
      ['a_bucket', 1000, 'bucket[4]'],
    ])
    const changed = setPartitionSpec(fresh, more)
    expect(changed).toMatchObject({ 'default-spec-id': 1, 'last-partition-id': 1001 })
    const third = partitionSpecFor(schema, [], changed['partition-specs'], 1001)
    expect(setPartitionSpec(changed, third)).toMatchObject({ 'default-spec-id': 2, 'last-partition-id': 1001 })
    const order = sortOrderFor(schema, [{ column: 'b', direction: 'desc' }], fresh['sort-orders'])
    expect(setSortOrder(fresh, order)).toBe(fresh)
  })

  test('a partition name that a column has already is made another', () => {
    const taken = evolveSchema(undefined, [column('ts', 'timestamp'), column('ts_day', 'string')]).schema
    const spec = partitionSpecFor(taken, [{ column: 'ts', transform: { name: 'day' } }])
    expect(spec.fields[0]?.name).toBe('ts_day_2')
  })

  test('a transform that the spec does not define for the type is refused', () => {
    const hour = [{ column: 'b', transform: { name: 'hour' } }] as const
    expect(() => partitionSpecFor(schema, hour)).toThrow(expect.objectContaining({ kind: 'dataset-invalid' }))
  })

  test('properties of others stay', () => {
    expect(setProperties(fresh, { 'write.format.default': 'parquet' }).properties).toEqual({
      owner: 'x',
      'write.format.default': 'parquet',
    })
    expect(setProperties(fresh, { owner: 'x' })).toBe(fresh)
  })
})

describe('snapshots', () => {
  test('become current, in the log and in main', () => {
    const two = history(snapshot(10n, 1n), snapshot(11n, 2n, 10n))
    expect(currentSnapshot(two)?.['snapshot-id']).toBe(11n)
    expect(two).toMatchObject({
      'last-sequence-number': 2n,
      'last-updated-ms': 2002,
      refs: { main: { 'snapshot-id': 11n, type: 'branch' } },
    })
    expect(two['snapshot-log'].map(entry => entry['snapshot-id'])).toEqual([10n, 11n])
  })

  test('are found by time', () => {
    const two = history(snapshot(10n, 1n), snapshot(11n, 2n, 10n))
    expect(snapshotAt(two, 2001)['snapshot-id']).toBe(10n)
    expect(snapshotAt(two, 9e12)['snapshot-id']).toBe(11n)
    expect(() => snapshotAt(two, 2000)).toThrow(expect.objectContaining({ kind: 'not-found' }))
  })

  test('a sequence number is never given twice', () => {
    expect(() => addSnapshot(history(snapshot(10n, 1n)), snapshot(11n, 1n))).toThrow(
      expect.objectContaining({ kind: 'conflict' }),
    )
  })

  test('the applied ones are the ancestors, and what expiry hides behind them', () => {
    const ids = (metadata: TableMetadata): readonly bigint[] =>
      appliedSnapshots(metadata).map(each => each['snapshot-id'])
    const all = history(snapshot(1n, 1n), snapshot(2n, 2n, 1n), snapshot(3n, 3n, 2n), snapshot(4n, 4n, 3n))
    expect(ids(all)).toEqual([4n, 3n, 2n, 1n])
    const rolledBack = { ...all, 'current-snapshot-id': 2n }
    expect(ids(rolledBack)).toEqual([2n, 1n])
    const expired = { ...all, snapshots: all.snapshots.filter(each => each['snapshot-id'] !== 3n) }
    expect(ids(expired)).toEqual([4n, 1n, 2n])
    expect(ids(fresh)).toEqual([])
  })
})

describe('the next version', () => {
  const file = (nowMs: number): { readonly location: string; readonly nowMs: number } => ({
    location: 's3://lake/old.json',
    nowMs,
  })

  test('names the file it came from', () => {
    const next = succeed(fresh, setProperties(fresh, { a: 'b' }), file(5000))
    expect(next['metadata-log']).toEqual([{ 'timestamp-ms': 1000, 'metadata-file': 's3://lake/old.json' }])
    expect(next['last-updated-ms']).toBe(5000)
  })

  test('never goes back in time, and keeps the time of its snapshot', () => {
    expect(succeed(fresh, fresh, file(10))['last-updated-ms']).toBe(1001)
    expect(succeed(fresh, history(snapshot(1n, 1n)), file(9000))['last-updated-ms']).toBe(2001)
  })

  test('keeps as many as the property says', () => {
    const base = setProperties(fresh, { 'write.metadata.previous-versions-max': '2' })
    const versions = Array.from({ length: 5 }).reduce<TableMetadata>(
      metadata => succeed(metadata, metadata, file(0)),
      base,
    )
    expect(versions['metadata-log'].map(entry => entry['timestamp-ms'])).toEqual([1003, 1004])
  })

  test('is numbered after it', () => {
    const next = (previous: string | undefined): string => metadataUri(fresh, previous, 'u').replace(/.*\//, '')
    expect(next(undefined)).toBe('00000-u.metadata.json')
    expect(next('s3://lake/tables/t/metadata/00041-2c.metadata.json')).toBe('00042-u.metadata.json')
    expect(next('s3://lake/tables/t/metadata/v7.metadata.json')).toBe('00008-u.metadata.json')
  })
})

test('requirements', () => {
  const holds = history(snapshot(1n, 1n))
  checkRequirement(holds, { type: 'assert-table-uuid', uuid: fresh['table-uuid'] })
  checkRequirement(holds, { type: 'assert-current-schema-id', 'current-schema-id': 0 })
  checkRequirement(holds, { type: 'assert-default-spec-id', 'default-spec-id': 0 })
  checkRequirement(holds, { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': 1n })
  checkRequirement(fresh, { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': null })
  expect(() => checkRequirement(fresh, { type: 'assert-default-spec-id', 'default-spec-id': 4 })).toThrow(
    expect.objectContaining({ kind: 'conflict' }),
  )
})

test('metadata passes through its file unchanged, with the fields that Sluice does not know', () => {
  const odd = {
    ...history(snapshot(2n ** 62n, 1n)),
    statistics: [{ 'snapshot-id': 7n, blob: [1] }],
    'x-vendor': { a: null },
  }
  expect(decodeMetadata(encodeMetadata(odd))).toEqual(odd)
})
