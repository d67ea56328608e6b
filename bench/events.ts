import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { defineDataset } from '#lake/dataset.ts'

/** Web events, as a shop's tracker sends them. */
export const events = defineDataset({
  name: 'events',
  description: 'Benchmark: web events',
  source: { system: 'bench', format: 'ndjson', match: 'events/*.json.gz' },
  columns: {
    event_id: { type: 'long', required: true },
    session_id: 'string',
    user_id: 'string',
    event_time: 'timestamptz',
    event_type: 'string',
    url: 'string',
    amount: 'decimal(12,2)',
    currency: 'string',
    is_mobile: 'boolean',
    device: { struct: { os: 'string', browser: 'string', version: 'int' } },
    tags: { list: 'string' },
    campaign: 'string',
  },
  // Local mode compacts as soon as it is due; here compaction is measured by itself.
  compaction: { minFiles: 100_000 },
})

/** The same columns for bare DuckDB. */
export const DUCKDB_COLUMNS = `{event_id: 'BIGINT', session_id: 'VARCHAR', user_id: 'VARCHAR', event_time: 'TIMESTAMP', event_type: 'VARCHAR', url: 'VARCHAR', amount: 'DECIMAL(12,2)', currency: 'VARCHAR', is_mobile: 'BOOLEAN', device: 'STRUCT(os VARCHAR, browser VARCHAR, version INTEGER)', tags: 'VARCHAR[]', campaign: 'VARCHAR'}`

export const FILES = 8
const ROWS = 300_000

export const DATA = join(import.meta.dirname, 'data')
export const part = (at: number): string => join(DATA, `part${at}.json.gz`)

/** Makes the input once: 8 files of 300,000 rows, about 110 MB each and 17.6 MB gzipped. Returns the bytes before compression. */
export async function makeEvents(progress: (text: string) => void): Promise<number> {
  await mkdir(DATA, { recursive: true })
  const sizes = join(DATA, 'bytes.json')
  if (existsSync(sizes) && existsSync(part(FILES - 1))) return JSON.parse(await readFile(sizes, 'utf8')) as number
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run('CREATE TEMP MACRO h(a, b) AS (hash(a, b) >> 1)::BIGINT')
  let bytes = 0
  for (let at = 0; at < FILES; at++) {
    progress(`making input ${at + 1} of ${FILES}`)
    const plain = join(DATA, `part${at}.json`)
    await connection.run(`COPY (${rowsSql(at * ROWS, (at + 1) * ROWS)}) TO '${plain}' (FORMAT json)`)
    bytes += (await stat(plain)).size
    await writeFile(`${part(at)}.tmp`, await promisify(gzip)(await readFile(plain), { level: 6 }))
    await rename(`${part(at)}.tmp`, part(at))
    await rm(plain)
  }
  connection.closeSync()
  instance.closeSync()
  await writeFile(sizes, JSON.stringify(bytes))
  return bytes
}

function rowsSql(from: number, to: number): string {
  return `SELECT i AS event_id, md5(i::VARCHAR)::UUID::VARCHAR AS session_id, 'user_' || (h(i, 0) % 200000) AS user_id,
    strftime(TIMESTAMP '2024-03-01' + INTERVAL (i) SECOND, '%Y-%m-%dT%H:%M:%S.%fZ') AS event_time,
    ['page_view', 'click', 'add_to_cart', 'purchase', 'search'][1 + h(i, 1) % 5] AS event_type,
    'https://shop.example.com/p/' || (h(i, 2) % 50000) || '?ref=' || ['google', 'mail', 'direct', 'ads'][1 + h(i, 3) % 4] AS url,
    round((h(i, 4) % 100000) / 100.0, 2) AS amount, ['EUR', 'USD', 'GBP'][1 + h(i, 5) % 3] AS currency, h(i, 6) % 10 = 0 AS is_mobile,
    {'os': ['ios', 'android', 'windows', 'mac'][1 + h(i, 7) % 4], 'browser': ['chrome', 'safari', 'firefox'][1 + h(i, 8) % 3], 'version': (h(i, 9) % 120)::INT} AS device,
    ['tag' || (h(i, 10) % 50), 'tag' || (h(i, 11) % 50)] AS tags,
    CASE WHEN h(i, 12) % 3 = 0 THEN NULL ELSE 'campaign_' || (h(i, 13) % 500) END AS campaign
    FROM range(${from}, ${to}) r(i)`
}
