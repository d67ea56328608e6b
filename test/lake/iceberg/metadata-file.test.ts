// Metadata of other writers is read: format version 1 with its single schema and spec, gzip, the many ways to say that there is no
// snapshot. What cannot be read rightly is refused with its reason.
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decodeMetadata } from '#lake/iceberg/metadata-file.ts'

const V1 = {
  'format-version': 1,
  'table-uuid': 'd20125c8-7284-442c-9aea-15fee620737c',
  location: 's3://bucket/test/location/',
  'last-updated-ms': 1602638573874,
  'last-column-id': 3,
  schema: {
    type: 'struct',
    fields: [
      { id: 1, name: 'x', required: true, type: 'long' },
      { id: 2, name: 'y', required: true, type: 'long', doc: 'comment' },
    ],
  },
  'partition-spec': [{ name: 'x', transform: 'identity', 'source-id': 1 }],
  properties: {},
  'current-snapshot-id': 1925,
  snapshots: [{ 'snapshot-id': 1925, 'timestamp-ms': 1602638573822, 'manifest-list': 's3://bucket/list.avro' }],
}

const read = (document: unknown): ReturnType<typeof decodeMetadata> =>
  decodeMetadata(Buffer.from(JSON.stringify(document)))

test('version 1', () => {
  const metadata = read(V1)
  expect(metadata).toMatchObject({
    location: 's3://bucket/test/location',
    'last-sequence-number': 0n,
    'current-schema-id': 0,
    'partition-specs': [
      { 'spec-id': 0, fields: [{ 'source-id': 1, 'field-id': 1000, name: 'x', transform: 'identity' }] },
    ],
    'default-spec-id': 0,
    'last-partition-id': 1000,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    refs: { main: { 'snapshot-id': 1925n, type: 'branch' } },
  })
  expect(metadata.schemas[0]?.['schema-id']).toBe(0)
  expect(metadata.snapshots[0]).toMatchObject({ 'snapshot-id': 1925n, 'sequence-number': 0n, summary: {} })
})

test('gzip', () => {
  expect(decodeMetadata(gzipSync(JSON.stringify(V1)))['table-uuid']).toBe(V1['table-uuid'])
})

test.for([-1, null, undefined])('no snapshot said as %s', none => {
  const { 'current-snapshot-id': _current, ...rest } = V1
  const metadata = read({ ...rest, 'current-snapshot-id': none, snapshots: [] })
  expect('current-snapshot-id' in metadata).toBe(false)
  expect(metadata.refs).toEqual({})
})

test.for([
  [{ ...V1, 'format-version': 3 }, 'unsupported'],
  [{ ...V1, 'format-version': undefined }, 'unsupported'],
  [{ ...V1, 'format-version': 2, 'encryption-keys': [{ 'key-id': '1' }] }, 'unsupported'],
  [{ ...V1, snapshots: [{ 'snapshot-id': 1, 'timestamp-ms': 1, manifests: ['a'] }] }, 'unsupported'],
  [{ ...V1, location: undefined }, 'table-corrupt'],
] as const)('refused: %#', ([document, kind]) => {
  expect(() => read(document)).toThrow(expect.objectContaining({ kind }))
})

test('half a file is corrupt', () => {
  const text = JSON.stringify(V1)
  expect(() => decodeMetadata(Buffer.from(text.slice(0, 100)))).toThrow(
    expect.objectContaining({ kind: 'table-corrupt' }),
  )
})
