// Names of raw objects are functions of (bucket, key, version), the version's time and the bytes: a late duplicate gets the same
// name, another version another, and nothing of a landing key's text ever becomes part of one.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  contractVersionOf,
  extensionOf,
  ingestPartition,
  rawKey,
  rawWriteOptions,
} from '../../../functions/ingest/name.ts'
import { defineDataset } from '../../../lake/dataset.ts'
import { batchId, rawId } from '../../../lake/raw-id.ts'
import { ulidMs } from '../../../lake/ulid.ts'

const landedMs = Date.UTC(2024, 1, 29, 23, 59, 59, 999)
const source = { bucket: 'landing', key: 'orders/a.json', version: 'v1', landedMs }
const orders = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  contract: { version: 3, accepts: { min: 2, max: 3 } },
  columns: { id: 'long' },
  dataClass: 'confidential',
})

test('the id is fixed: a change here would copy every object of every lake a second time', () => {
  expect(rawId(source)).toBe('01HQVMZ0ZZ7F895BCDZ5BAB4XN')
})

test('the id begins with the time of the version and changes with each part of its name', () => {
  expect(ulidMs(rawId(source))).toBe(landedMs)
  const ids = [
    rawId(source),
    rawId({ ...source, bucket: 'landing2' }),
    rawId({ ...source, key: 'orders/b.json' }),
    rawId({ ...source, version: 'v2' }),
    rawId({ ...source, landedMs: landedMs + 1 }),
    rawId({ ...source, key: 'orders/a.jso', version: 'nv1' }),
  ]
  expect(new Set(ids).size).toBe(ids.length)
})

test('a batch id is fixed by the dataset and its objects', () => {
  const id = batchId('orders', landedMs, ['A', 'B'])
  expect(batchId('orders', landedMs, ['A', 'B'])).toBe(id)
  expect(new Set([id, batchId('returns', landedMs, ['A', 'B']), batchId('orders', landedMs, ['AB'])]).size).toBe(3)
})

test('partitions are UTC, on a leap day just before midnight too', () => {
  expect(ingestPartition(landedMs)).toEqual({ date: '2024-02-29', hour: '23' })
  expect(ingestPartition(landedMs + 1)).toEqual({ date: '2024-03-01', hour: '00' })
  expect(ingestPartition(0)).toEqual({ date: '1970-01-01', hour: '00' })
})

test('raw keys are made of dataset, date, hour, id and extension', () => {
  expect(rawKey('orders', { id: 'ID', landedMs }, 'ndjson.gz')).toBe(
    'orders/ingest_date=2024-02-29/ingest_hour=23/ID.ndjson.gz',
  )
})

test('no landing key shows in a raw key', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), key => {
      const id = rawId({ ...source, key })
      expect(rawKey('orders', { id, landedMs }, extensionOf('csv', new Uint8Array()))).toMatch(
        /^orders\/ingest_date=2024-02-29\/ingest_hour=23\/[0-9A-HJKMNP-TV-Z]{26}\.csv$/,
      )
    }),
  )
})

test.each([
  ['ndjson', [0x7b, 0x22, 0x69, 0x64], 'ndjson'],
  ['ndjson', [0x1f, 0x8b, 0x08, 0x00], 'ndjson.gz'],
  ['csv', [0x28, 0xb5, 0x2f, 0xfd], 'csv.zst'],
  ['json', [0x1f], 'json'],
  ['json', [], 'json'],
  ['parquet', [0x50, 0x41, 0x52, 0x31], 'parquet'],
  ['avro', [0x4f, 0x62, 0x6a, 0x01], 'avro'],
] as const)('%s beginning with %j is .%s', (format, start, extension) => {
  expect(extensionOf(format, Uint8Array.from(start))).toBe(extension)
})

test.each([
  [{}, 3],
  [{ 'data-contract-version': '2' }, 2],
  [{ 'data-contract-version': ' 2 ' }, 2],
  [{ 'data-contract-version': '99' }, 99],
  [{ 'data-contract-version': 'latest' }, 0],
  [{ 'data-contract-version': '' }, 0],
  [{ 'data-contract-version': '-1' }, 0],
  [{ 'data-contract-version': '2.0' }, 0],
  [{ 'data-contract-version': '1e9' }, 0],
  [{ 'data-contract-version': '99999999999999999999' }, 0],
])('metadata %j is contract version %i', (metadata, version) => {
  expect(contractVersionOf(orders, metadata)).toBe(version)
})

test('a raw object carries its origin in metadata, and what rules for access, cost and age need in tags', () => {
  expect(rawWriteOptions(orders, { source, sha256: 'ab12', contractVersion: 2 })).toEqual({
    ifNoneMatch: true,
    metadata: {
      'source-system': 'shop',
      'data-contract-version': '2',
      dataset: 'orders',
      'source-key': 'orders/a.json',
      'source-version-id': 'v1',
      'content-sha256': 'ab12',
      'landed-at': '2024-02-29T23:59:59.999Z',
    },
    tags: { zone: 'raw', dataset: 'orders', 'source-system': 'shop', 'data-class': 'confidential' },
  })
})

test('metadata stays below 2 KB for every key that S3 allows', () => {
  for (const key of ['é'.repeat(512), '%'.repeat(1_024), '🦀'.repeat(256)]) {
    const { metadata = {} } = rawWriteOptions(orders, {
      source: { ...source, key },
      sha256: 'a'.repeat(64),
      contractVersion: 2,
    })
    const bytes = Object.entries(metadata).reduce(
      (sum, [name, value]) => sum + name.length + encodeURIComponent(value).length,
      0,
    )
    expect(bytes).toBeLessThan(2_048)
    expect(metadata['source-key']).toMatch(/^sha256:[0-9a-f]{64}$/)
  }
})
