// Metadata of other writers is read: format version 1 with its single schema and spec, gzip, the many ways to say that there is no
// snapshot. What cannot be read rightly is refused with its reason.
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { checkWritableVersion } from '#lake/iceberg/format-version.ts'
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

test('version 1 as it was written before there were several schemas and specs, and after', () => {
  const plain = read({ ...V1, 'partition-spec': undefined, 'table-uuid': undefined })
  expect(plain).toMatchObject({ 'partition-specs': [{ 'spec-id': 0, fields: [] }], 'last-partition-id': 999 })
  const both = read({
    ...V1,
    schemas: [{ ...V1.schema, 'schema-id': 4 }],
    'current-schema-id': 4,
    'partition-specs': [
      { 'spec-id': 2, fields: [{ name: 'y_bucket', transform: 'bucket[4]', 'source-id': 2 }] },
      { 'spec-id': 3, fields: [{ name: 'x', transform: 'void', 'source-id': 1, 'field-id': 1007 }] },
    ],
    'default-spec-id': 3,
  })
  expect(both).toMatchObject({ 'current-schema-id': 4, 'default-spec-id': 3, 'last-partition-id': 1007 })
  expect(both['partition-specs'][0]?.fields[0]).toMatchObject({ 'field-id': 1000 })
})

describe('version 3', () => {
  const V3 = {
    ...V1,
    'format-version': 3,
    'last-sequence-number': 4,
    'next-row-id': 100,
    schemas: [{ ...V1.schema, 'schema-id': 0 }],
    'current-schema-id': 0,
  }
  const withField = (field: object): unknown => ({
    ...V3,
    schemas: [
      { type: 'struct', 'schema-id': 0, fields: [{ id: 1, name: 'x', required: false, type: 'long', ...field }] },
    ],
  })

  test('is read when it uses nothing that a reader has to know, with its row ids as they are', () => {
    expect(read(V3)).toMatchObject({ 'format-version': 3, 'next-row-id': 100 })
    expect(read(withField({ 'write-default': 5 }))['schemas']).toHaveLength(1)
  })

  test.for([
    [withField({ type: 'variant' }), 'the types variant'],
    [
      withField({ type: { type: 'list', 'element-id': 2, 'element-required': false, element: 'timestamp_ns' } }),
      'timestamp_ns',
    ],
    [withField({ type: 'geometry(OGC:CRS84)' }), 'geometry(OGC:CRS84)'],
    [withField({ type: 'unknown' }), 'the types unknown'],
    [withField({ 'initial-default': 0 }), 'default values (initial-default) of x'],
    [
      {
        ...V3,
        'partition-specs': [
          { 'spec-id': 0, fields: [{ 'source-ids': [1, 2], transform: 'bucket[4]', name: 'b', 'field-id': 1000 }] },
        ],
      },
      'transforms of several columns (source-ids): bucket[4]',
    ],
    [
      { ...V3, 'sort-orders': [{ 'order-id': 1, fields: [{ 'source-ids': [1, 2], transform: 'zorder' }] }] },
      '(source-ids): zorder',
    ],
    [{ ...V3, 'encryption-keys': [{ 'key-id': '1' }] }, 'encryption (encryption-keys)'],
    [{ ...V3, snapshots: [{ ...V1.snapshots[0], 'key-id': 'k' }] }, 'encryption (encryption-keys)'],
  ] as const)('%# is refused by its name', ([document, feature]) => {
    expect(() => read(document)).toThrow(expect.objectContaining({ kind: 'unsupported' }))
    expect(() => read(document)).toThrow(feature)
  })

  test('all of them at once', () => {
    const document = { ...(withField({ type: 'variant', 'initial-default': 1 }) as object), 'encryption-keys': [{}] }
    expect(() => read(document)).toThrow(/variant; default values .* of x; encryption/)
  })

  test('is not written, and the reason says why; version 1 says what to do', () => {
    expect(() => checkWritableVersion('t', read(V3))).toThrow(/next-row-id, first-row-id/)
    expect(() => checkWritableVersion('t', read(V1))).toThrow(/set its property format-version to 2/)
    expect(() => checkWritableVersion('t', { 'format-version': 2 })).not.toThrow()
  })
})

test.for([
  [{ ...V1, 'format-version': 4 }, 'unsupported'],
  [{ ...V1, 'format-version': undefined }, 'table-corrupt'],
  [{ ...V1, 'format-version': 2, 'encryption-keys': [{ 'key-id': '1' }] }, 'unsupported'],
  [{ ...V1, snapshots: [{ 'snapshot-id': 1, 'timestamp-ms': 1 }] }, 'table-corrupt'],
  [{ ...V1, location: undefined }, 'table-corrupt'],
  [{ ...V1, schema: undefined }, 'table-corrupt'],
] as const)('refused: %#', ([document, kind]) => {
  expect(() => read(document)).toThrow(expect.objectContaining({ kind }))
})

test('half a file is corrupt', () => {
  const text = JSON.stringify(V1)
  expect(() => decodeMetadata(Buffer.from(text.slice(0, 100)))).toThrow(
    expect.objectContaining({ kind: 'table-corrupt' }),
  )
})
