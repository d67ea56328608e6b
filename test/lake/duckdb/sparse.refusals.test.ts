// Files that cannot be taken apart are left to be staged whole, a file that is replaced meanwhile is read in one version or not at
// all, and answers that are cut short are errors.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { beginSparse, fillSparse, requests, type SparseFile, wantedRanges } from '#lake/duckdb/sparse.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Storage } from '#lake/lake.ts'
import { type SparseBench, sparseBench } from './sparse-bench.ts'

let bench: SparseBench
let bytes: Buffer
beforeAll(async () => {
  bench = await sparseBench()
  await bench.store('s3://b/good', sql`SELECT range AS id, md5(range::VARCHAR) AS pad FROM range(50000)`)
  bytes = Buffer.from(await bench.storage.get('s3://b/good'))
})
afterAll(() => bench.close())

const begin = (uri: string, storage: Storage = bench.storage) => beginSparse(storage, uri, bench.folder)
const all = () => true

async function good(): Promise<SparseFile> {
  const file = await begin('s3://b/good')
  if (file === undefined) throw new Error('not sparse')
  return file
}

test('a file that is not there', async () => {
  await expect(begin('s3://b/none')).rejects.toMatchObject({ kind: 'not-found' })
})

test.each([
  ['short', () => bytes.subarray(0, 100_000)],
  ['no Parquet at all', () => Buffer.alloc(300_000, 'x')],
  ['encrypted footer', () => Buffer.concat([bytes.subarray(0, -4), Buffer.from('PARE')])],
  ['a footer longer than the file', () => withFooterBytes(0x7fff_ffff)],
  ['a footer that breaks off', () => withFooterBytes(200)],
])('%s: to be staged whole', async (name, body) => {
  await bench.put(`s3://b/${name}`, body())
  expect(await begin(`s3://b/${name}`)).toBeUndefined()
})

function withFooterBytes(length: number): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt32LE(length, copy.length - 8)
  return copy
}

test.each([
  ['an encrypted column', { crypto_metadata: {} }, {}],
  ['a column whose place is encrypted', { encrypted_column_metadata: Buffer.from('x') }, {}],
  ['a column without metadata', { meta_data: undefined }, {}],
  ['a column in another file', { file_path: 'elsewhere' }, {}],
  ['a chunk past the end', {}, { total_compressed_size: 10_000_000n }],
  ['a chunk of negative length', {}, { total_compressed_size: -5n }],
  ['a chunk without pages', {}, { data_page_offset: 0n, dictionary_page_offset: 0n }],
  ['a bloom filter of unknown length', {}, { bloom_filter_offset: 8n, bloom_filter_length: undefined }],
])('%s: to be staged whole', async (_name, chunk, data) => {
  const file = await good()
  const [group] = file.metadata.row_groups
  const [first] = group?.columns ?? []
  const column = { ...first, meta_data: { ...first?.meta_data, ...data }, ...chunk }
  const row_groups = [{ ...group, columns: [column] }] as unknown as SparseFile['metadata']['row_groups']
  const broken = { ...file, metadata: { ...file.metadata, row_groups } }
  expect(wantedRanges(broken, all)).toBeUndefined()
  expect(await fillSparse(bench.storage, broken, all)).toBe(false)
})

test.each([
  ['parquet-mr version 1.2.8 (build x)', false],
  ['parquet-mr version 1.1.0', false],
  ['parquet-mr version 1.2.9', true],
  ['parquet-mr version 1.13.1 (build x)', true],
  ['DuckDB version v1.5.6', true],
])('%s counts the bytes of a chunk rightly: %s', async (created_by, sound) => {
  const file = await good()
  expect(wantedRanges({ ...file, metadata: { ...file.metadata, created_by } }, all) !== undefined).toBe(sound)
})

test('a footer longer than the first read of the tail', async () => {
  const key = 'k'.repeat(100_000)
  const rows = sql`SELECT range AS id, random() AS noise FROM range(50000)`
  await bench.store('s3://b/long', rows, sql`, KV_METADATA {note: ${key}}`)
  const file = await begin('s3://b/long')
  expect(file?.footerBytes).toBeGreaterThan(100_000)
  expect(file && (await fillSparse(bench.storage, file, name => name === 'id'))).toBe(true)
  const total = sql`SELECT sum(id)::VARCHAR AS ids FROM read_parquet(${file?.path ?? ''})`
  expect(await bench.session.rows(total)).toEqual([{ ids: '1249975000' }])
})

test('an object that is replaced after its footer was read is read as it was', async () => {
  await bench.put('s3://b/changed', bytes)
  const file = await begin('s3://b/changed')
  await bench.store('s3://b/changed', sql`SELECT range AS pad, random() AS id FROM range(90000)`)
  expect(file && (await fillSparse(bench.storage, file, all))).toBe(true)
  expect(sha256(readFileSync(file?.path ?? '').subarray(4))).toBe(sha256(bytes.subarray(4)))
})

test('where old versions are gone, reading fails', async () => {
  const lake = diskLake(join(bench.folder, 'lake'))
  const uri = `${lake.zones.tables}/t.parquet`
  await lake.storage.put(uri, bytes)
  const file = await begin(uri, lake.storage)
  await lake.storage.put(uri, Buffer.concat([bytes]))
  await expect(file && fillSparse(lake.storage, file, all)).rejects.toMatchObject({ kind: 'not-found' })
})

test('an answer that is too short', async () => {
  const file = await good()
  const short: Storage = { ...bench.storage, get: async () => new Uint8Array(3) }
  await expect(fillSparse(short, file, all)).rejects.toMatchObject({ kind: 'unavailable' })
})

test('all columns: the file, but for the mark at its beginning, which nobody reads', async () => {
  const file = await good()
  await fillSparse(bench.storage, file, all)
  const copy = readFileSync(file.path)
  expect(copy.length).toBe(bytes.length)
  expect(sha256(copy.subarray(4))).toBe(sha256(bytes.subarray(4)))
})

const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex')

test('near ranges are fetched together, long ones in pieces', () => {
  const kB = 1024
  const near = requests([
    { start: 4, end: 100 },
    { start: 100 * kB, end: 101 * kB },
    { start: 900 * kB, end: 901 * kB },
  ])
  expect(near.map(({ start, end, parts }) => [start, end, parts.length])).toEqual([
    [4, 101 * kB, 2],
    [900 * kB, 901 * kB, 1],
  ])
  const long = requests([{ start: 10, end: 10 + 20 * kB * kB }])
  expect(long.map(({ start, end }) => end - start)).toEqual([8 * kB * kB, 8 * kB * kB, 4 * kB * kB])
  expect(requests([])).toEqual([])
})
