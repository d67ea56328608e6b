// Contract: to merge changes with whole rows, a batch fetches of the table no more than 1.2 times the key and version columns of the files that
// hold its keys, and of other files nothing.
import { parquetMetadata } from 'hyparquet'
import { expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { people, stageRows } from './applying.ts'

const dataset = people()
const ROWS = 200_000
const ROW_STEP = 1_000_000
/** Of file `file` the keys, as random as keys are: neighbours that are counted up would take no room at all. */
const key = (file: number): Sql => sql`(${file * ROWS} + i) * ${ROW_STEP} + hash(i) % ${ROW_STEP}`

/** Upserts of every `step`th row of a file. */
const upserts = (file: number, { step, of }: { readonly step: number; readonly of: string }): Sql =>
  sql`SELECT ${key(file)} AS id, md5(i::VARCHAR) AS name, concat(md5((i + 1)::VARCHAR), md5((i + 2)::VARCHAR)) AS bio, 'upsert' AS _op, printf('00.%s%015x', ${of}, (hash(i) % 1000000000000000)::BIGINT) AS _position, false AS _snapshot, 'aaaa' AS _lane, printf('%016x', i) AS _ordinal, []::VARCHAR[] AS _kept, 0 AS _event_us, md5(i::VARCHAR) AS _content, NULL AS _old_key, ${of} AS _raw_object, i AS _raw_row, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS _ingested_at FROM range(0, ${ROWS}, ${step}) r(i)`

/** Counts what is read of some objects. */
function counting(lake: Lake, uris: ReadonlySet<Uri>) {
  const fetched = new Map<Uri, number>()
  const count = (uri: Uri, bytes: number): void => {
    if (uris.has(uri)) fetched.set(uri, (fetched.get(uri) ?? 0) + bytes)
  }
  const get: typeof lake.storage.get = async (uri, options) => {
    const body = await lake.storage.get(uri, options)
    count(uri, body.length)
    return body
  }
  const stage: typeof lake.storage.stage = async (uri, folder, options) => {
    const staged = await lake.storage.stage(uri, folder, options)
    count(uri, staged.bytes)
    return staged
  }
  return { fetched, lake: { ...lake, storage: { ...lake.storage, get, stage } } }
}

/** As its footer says; undefined: of all columns. */
async function columnBytes(lake: Lake, uri: Uri, names?: readonly string[]): Promise<number> {
  const file = await lake.storage.get(uri)
  const { row_groups } = parquetMetadata(new Uint8Array(file).buffer)
  const chunks = row_groups.flatMap(({ columns }) => columns.map(({ meta_data: data }) => data))
  return chunks
    .filter(data => data !== undefined && (names === undefined || names.includes(data.path_in_schema[0] ?? '')))
    .reduce((sum, data) => sum + Number(data?.total_compressed_size), 0)
}

test('bytes that a merge fetches', async () => {
  const lake = memoryLake()
  try {
    for (const file of [0, 1, 2]) {
      await stageRows(lake, dataset, { batch: `b${file}`, rows: upserts(file, { step: 1, of: '0' }), count: ROWS })
      await cdcApply(lake, dataset, { batch: `b${file}` })
    }
    const files = (await liveFiles(lake, await openTable(lake, 'people'))).map(({ file }) => file.file_path)
    expect(files).toHaveLength(3)
    const rows = sql`${upserts(0, { step: 100, of: '1' })} UNION ALL ${upserts(1, { step: 400, of: '1' })}`
    await stageRows(lake, dataset, { batch: 'b3', rows, count: 2_500 })
    const watched = counting(lake, new Set(files))
    const { counts } = await cdcApply(watched.lake, dataset, { batch: 'b3' })
    expect(counts.applied).toBe(2_500)

    const touched = [...watched.fetched.keys()]
    expect(touched).toHaveLength(2)
    const fetched = [...watched.fetched.values()].reduce((sum, bytes) => sum + bytes, 0)
    const sums = async (names?: readonly string[]): Promise<number> => {
      const sizes = await Promise.all(touched.map(uri => columnBytes(lake, uri, names)))
      return sizes.reduce((sum, bytes) => sum + bytes, 0)
    }
    const needed = await sums(['id', '_version'])
    expect(fetched / needed).toBeLessThanOrEqual(1.2)
    expect(fetched / needed).toBeGreaterThanOrEqual(1)
    // Whoever fetched the rest as well would be far above it, so that this test can fail.
    expect((await sums()) / needed).toBeGreaterThan(4)
  } finally {
    lake.dispose()
  }
}, 120_000)
