// On a lake in a folder, with real files in partitions of awkward names: expiring, merging manifests and sweeping leave every row readable,
// and nothing but the files that are read.
import { expect, test } from 'vitest'
import { expireSnapshots, rewriteManifests } from '#functions/maintain/maintain.ts'
import { sweep } from '#functions/sweep/sweep.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import type { Lake } from '#lake/lake.ts'
import { appendRows, column, definition, readRows, workbench, writeRows } from '../../lake/iceberg/fixture.ts'
import { DAY_MS, stored } from './swept.ts'

const CITIES = sql`SELECT unnest([NULL, '', 'São Paulo', 'a/b', '100%', '50%25', 'x=y&z+1', '..', '東京 🗼', repeat('é', 150)]) AS city`

test('awkward names survive', async () => {
  const bench = await workbench()
  const properties = { 'history.expire.max-snapshot-age-ms': '1', 'commit.manifest-merge.enabled': 'false' }
  const columns = [column('n', 'long'), column('city', 'string')]
  const partitionBy = [{ column: 'city', transform: { name: 'identity' } }] as const
  await createTable(bench.lake, definition('places', columns, { properties, partitionBy }))
  const rows = sql`SELECT row_number() OVER () AS n, city FROM (${CITIES})`
  for (let round = 0; round < 3; round++) await appendRows(bench, 'places', rows)
  const table = await openTable(bench.lake, 'places')
  const added = await writeRows(bench, table, rows)
  await commit(bench.lake, 'places', { commitId: 'new' }, async base =>
    stageReplaceTable(await liveFiles(bench.lake, base), added),
  )
  for (let round = 0; round < 12; round++) await appendRows(bench, 'places', rows)
  const before = await readRows(bench, 'places', sql`city, n`)
  expect(before).toHaveLength(130)

  // Files cannot be made older, but the clock can be ahead.
  const later: Lake = {
    ...bench.lake,
    clock: { ...bench.lake.clock, nowMs: () => bench.lake.clock.nowMs() + 4 * DAY_MS },
  }
  await expireSnapshots(later, { table: 'places' })
  expect(await rewriteManifests(later, { table: 'places' })).toMatchObject({ rewritten: true, after: { manifests: 1 } })
  await expireSnapshots(
    { ...later, clock: { ...later.clock, nowMs: () => later.clock.nowMs() + DAY_MS } },
    { table: 'places' },
  )
  const report = await sweep(later, { table: 'places' })
  expect(report).toMatchObject({ orphans: { data: { files: 30 } }, missing: { files: 0 }, failed: { files: 0 } })
  expect(await readRows(bench, 'places', sql`city, n`)).toEqual(before)
  const files = (await stored(bench.lake)).filter(key => key.endsWith('.parquet'))
  expect(files).toHaveLength(130)
  const manifests = (await stored(bench.lake)).filter(key => key.endsWith('.avro'))
  expect(manifests).toHaveLength(2)
  await bench.close()
})
