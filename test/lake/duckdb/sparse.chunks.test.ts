// Of a Parquet file only the chunks of the wanted columns are fetched, into a file that DuckDB reads as the whole one. A column
// that was not fetched fails, unless the footer alone has the answer; it never reads as other values, whatever codec and encoding.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { beginSparse, fillSparse } from '#lake/duckdb/sparse.ts'
import { ident, type Sql, sql } from '#lake/duckdb/sql.ts'
import { clickHouse } from '../iceberg/fixture.ts'
import { type SparseBench, sparseBench } from './sparse-bench.ts'

let bench: SparseBench
beforeAll(async () => {
  bench = await sparseBench()
})
afterAll(() => bench.close())

const rowsOf = (count: number) =>
  sql`SELECT range AS id, 'group ' || (range % 7) AS word, md5(range::VARCHAR) AS pad, {lat: range / 8, tags: [md5((range + 1)::VARCHAR), 'x']} AS place, random() AS noise FROM range(${count})`
/** Read of every file, to find its footer. */
const TAIL_BYTES = 65_536
const WORDS = sql`count(*) AS rows, sum(id)::VARCHAR AS ids, min(word) AS low, max(word) AS high, count(DISTINCT word) AS words`

async function fetchColumns(uri: string, names: readonly string[]): Promise<string> {
  const file = await beginSparse(bench.storage, uri, bench.folder)
  if (file === undefined) throw new Error('not sparse')
  expect(await fillSparse(bench.storage, file, name => names.includes(name))).toBe(true)
  return file.path
}

const read = (path: string, columns: Sql) => bench.session.rows(sql`SELECT ${columns} FROM read_parquet(${path})`)

// Brotli takes half a minute for what the others write in a second.
describe.each([
  ['uncompressed', 100_000],
  ['snappy', 100_000],
  ['gzip', 100_000],
  ['zstd', 100_000],
  ['lz4_raw', 100_000],
  ['brotli', 5_000],
])('%s', (codec, count) => {
  const uri = `s3://b/${codec}`
  beforeAll(() => bench.store(uri, rowsOf(count), sql`, COMPRESSION ${ident(codec)}`))

  test('two of five columns are a few per cent of the bytes and read as in the whole file', async () => {
    const whole = (await bench.storage.head(uri))?.bytes ?? 0
    bench.fetched()
    const path = await fetchColumns(uri, ['id', 'word'])
    expect((bench.fetched() - TAIL_BYTES) / whole).toBeLessThan(0.12)
    expect(await read(path, WORDS)).toEqual([
      { rows: String(count), ids: String((count * (count - 1)) / 2), low: 'group 0', high: 'group 6', words: '7' },
    ])
    const places = sql`SELECT min(file_row_number)::INT AS first, max(file_row_number)::INT AS last FROM read_parquet(${path}, file_row_number = true) WHERE id IN (5, ${count - 1})`
    expect(await bench.session.rows(places)).toEqual([{ first: 5, last: count - 1 }])
  })

  test('what was not fetched fails, wholly or beside what was', async () => {
    const path = await fetchColumns(uri, ['id', 'word'])
    for (const columns of [
      sql`sum(hash(pad))`,
      sql`sum(noise)`,
      sql`sum(place.lat)`,
      sql`sum(id), sum(hash(place.tags))`,
    ])
      await expect(read(path, columns)).rejects.toMatchObject({ kind: 'engine-failed' })
    await expect(read(path, sql`noise LIMIT 1`)).rejects.toThrow()
  })

  test('a nested column comes with all its fields', async () => {
    const path = await fetchColumns(uri, ['place'])
    expect(await read(path, sql`max(place.lat) AS lat, count(place.tags[1]) AS tags`)).toEqual([
      { lat: (count - 1) / 8, tags: String(count) },
    ])
    await expect(read(path, sql`sum(id)`)).rejects.toThrow()
  })
})

test('no column at all: rows can still be counted', async () => {
  await bench.store('s3://b/count', rowsOf(100_000))
  expect(await read(await fetchColumns('s3://b/count', []), sql`count(*) AS rows`)).toEqual([{ rows: '100000' }])
})

test('values that look like pages: a column of zeros and one of page headers are not mistaken', async () => {
  const rows = sql`SELECT 0::BIGINT AS zero, range AS id, unhex('1500150015002c') AS head, random() AS noise FROM range(60000)`
  await bench.store('s3://b/zeros', rows, sql`, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1`)
  const path = await fetchColumns('s3://b/zeros', ['id'])
  expect(await read(path, sql`sum(id)::VARCHAR AS ids`)).toEqual([{ ids: '1799970000' }])
  for (const columns of [sql`sum(zero)`, sql`sum(hash(head))`, sql`sum(noise)`])
    await expect(read(path, columns)).rejects.toThrow()
})

test('bloom filters come along: a value that is not there is found not to be there', async () => {
  const rows = sql`SELECT 'k' || (range // 100 * 2) AS key, random() AS noise FROM range(100000)`
  await bench.store('s3://b/bloom', rows, sql`, BLOOM_FILTER_FALSE_POSITIVE_RATIO 0.01`)
  const path = await fetchColumns('s3://b/bloom', ['key'])
  const count = async (key: string) =>
    (await bench.session.rows(sql`SELECT count(*)::INT AS n FROM read_parquet(${path}) WHERE key = ${key}`))[0]?.['n']
  expect([await count('k4'), await count('k5'), await count('k1998')]).toEqual([100, 0, 100])
})

test('a file of another writer, with page indexes and bloom filters', async () => {
  const file = join(bench.folder, 'theirs.parquet')
  clickHouse(bench.folder).query(
    `INSERT INTO FUNCTION file('${file}') SELECT number AS id, concat('w', toString(number % 5)) AS word, rand64() AS noise, hex(MD5(toString(number))) AS pad FROM numbers(120000) SETTINGS output_format_parquet_row_group_size=30000`,
    'TSV',
  )
  await bench.put('s3://b/theirs', readFileSync(file))
  const path = await fetchColumns('s3://b/theirs', ['id', 'word'])
  const found = sql`SELECT count(*)::INT AS n, sum(id)::VARCHAR AS ids FROM read_parquet(${path}) WHERE word = 'w3' AND id > 5`
  expect(await bench.session.rows(found)).toEqual([{ n: 23_999, ids: '1440011997' }])
  await expect(read(path, sql`sum(hash(pad))`)).rejects.toThrow()
})
