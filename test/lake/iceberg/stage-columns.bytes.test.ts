// Of data files in an object store only the columns that are read are fetched, whatever they were called when the file was written, with
// all that row-level deletes need; the rows are those of the whole files, and other columns fail.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { updateSchema } from '#lake/iceberg/schema-change.ts'
import { columnBytes, projected, stageColumns } from '#lake/iceberg/stage-columns.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { createTable } from '#lake/iceberg/table-definition.ts'
import type { Lake } from '#lake/lake.ts'
import { appendRows, column, definition, openSession, type Workbench, workbench } from './fixture.ts'
import { commitForeign, equalityDeletes, placesOf, positionDeletes } from './foreign-commit.ts'

const ROWS = 60_000
const rows = (from: number): Sql =>
  sql`SELECT range + ${from} AS id, 'g' || (range % 5) AS word, md5(range::VARCHAR) || md5((range + 1)::VARCHAR) AS pad, {lat: random(), lon: random()} AS place, random() AS noise FROM range(${ROWS})`

let memory: MemoryLake
let bench: Workbench
/** The same lake, with the bytes counted that come out of it. */
let lake: Lake
let fetched = 0
beforeAll(async () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-columns-'))
  memory = memoryLake()
  const { storage } = memory
  const count = <T extends { readonly length: number }>(body: T): T => {
    fetched += body.length
    return body
  }
  const staging: Lake['storage']['stage'] = async (uri, folder, options) => {
    const staged = await storage.stage(uri, folder, options)
    fetched += staged.bytes
    return staged
  }
  const get: Lake['storage']['get'] = async (uri, options) => count(await storage.get(uri, options))
  lake = { ...memory, storage: { ...storage, get, stage: staging } }
  const session = await openSession(root)
  bench = { root, lake: memory, session, close: () => session.close() }
  const place = { struct: [column('lat', 'double'), column('lon', 'double')] }
  const columns = [column('id', 'long'), column('word', 'string'), column('pad', 'string'), column('place', place)]
  await createTable(memory, definition('t', [...columns, column('noise', 'double')]))
  await appendRows(bench, 't', rows(0))
  await appendRows(bench, 't', rows(ROWS))
})
afterAll(async () => {
  await bench.close()
  memory.dispose()
  rmSync(bench.root, { recursive: true, force: true })
})

/** Stages some columns and runs a SELECT over them as `t`. */
async function read(names: readonly string[], select: Sql) {
  const plan = await planScan(memory, await openTable(memory, 't'))
  const schema = projected(plan.schema, names)
  const folder = join(bench.root, 'work', 'staged')
  const columns = schema.fields.map(field => field.id)
  fetched = 0
  const local = await stageColumns(lake, plan.files, { folder, columns })
  const bytes = plan.files.reduce((sum, { file }) => sum + Number(file.file_size_in_bytes), 0)
  const planned = Number(await columnBytes(memory, plan.files, { folder, columns }))
  const answer = await bench.session.rows(sql`SELECT ${select} FROM (${scanSql(schema, local)}) t`)
  return { answer, share: fetched / bytes, fetched, planned, local, plan }
}

test('two of five columns are a few per cent of the bytes', async () => {
  const { answer, share, fetched, planned } = await read(
    ['id', 'word'],
    sql`sum(id)::VARCHAR AS ids, max(word) AS word`,
  )
  expect(answer).toEqual([{ ids: String((2 * ROWS * (2 * ROWS - 1)) / 2), word: 'g4' }])
  expect(share).toBeLessThan(0.08)
  // The plan counts the footer alone and not all of what is read to find it.
  expect(planned).toBeGreaterThan(0)
  expect(planned).toBeLessThan(fetched)
})

test('a column that was not fetched fails', async () => {
  const { local, plan } = await read(['id'], sql`count(*)`)
  for (const name of ['pad', 'noise', 'word'])
    await expect(
      bench.session.rows(sql`SELECT sum(hash(t)) FROM (${scanSql(projected(plan.schema, [name]), local)}) t`),
    ).rejects.toMatchObject({ kind: 'engine-failed' })
})

test('a field inside a column brings the column', async () => {
  const plan = await planScan(memory, await openTable(memory, 't'))
  const lon = 7
  const local = await stageColumns(lake, plan.files, { folder: join(bench.root, 'work', 'lon'), columns: [lon] })
  const scan = scanSql(projected(plan.schema, ['place']), local)
  expect(await bench.session.rows(sql`SELECT count(place.lon)::INT AS n FROM (${scan})`)).toEqual([{ n: 2 * ROWS }])
})

test('a short file is fetched whole, in one request', async () => {
  await createTable(memory, definition('short', [column('id', 'long'), column('pad', 'string')]))
  await appendRows(bench, 'short', sql`SELECT 1 AS id, 'x' AS pad`)
  const { files, schema } = await planScan(memory, await openTable(memory, 'short'))
  const folder = join(bench.root, 'work', 'short')
  fetched = 0
  const local = await stageColumns(lake, files, { folder, columns: [1] })
  const bytes = files[0]?.file.file_size_in_bytes
  expect(BigInt(fetched)).toBe(bytes)
  expect(await columnBytes(memory, files, { folder, columns: [1] })).toBe(bytes)
  expect(await bench.session.rows(scanSql(schema, local))).toEqual([{ id: '1', pad: 'x' }])
})

test('deletes by position and by a column that nobody asked for apply', async () => {
  const table = await openTable(memory, 't')
  const [first] = (await planScan(memory, table)).files
  if (!first) throw new Error('no files')
  const positions = await positionDeletes(bench, table, placesOf([[first.file, 0, 1, 59_999]]))
  const keys = { source: sql`SELECT 'g3' AS word`, ids: { word: 2 } }
  await commitForeign(memory, 't', { deletes: [positions, await equalityDeletes(bench, table, keys)] })
  const { answer, share } = await read(['id'], sql`count(*)::INT AS n`)
  const whole = await stageFiles(memory, (await planScan(memory, table)).files, join(bench.root, 'work', 'whole'))
  expect(whole).toHaveLength(2)
  // Rows 0 and 1 are of other groups than g3, and so is the last.
  expect(answer).toEqual([{ n: (2 * ROWS * 4) / 5 - 3 }])
  expect(share).toBeLessThan(0.1)
})

test('a column that was renamed is found by its id', async () => {
  const rename = { type: 'rename', path: ['noise'], to: 'loudness' } as const
  await updateTable(memory, 't', metadata => updateSchema(metadata, [rename]))
  const { answer } = await read(['loudness'], sql`count(loudness)::INT AS n, max(loudness) < 1 AS below`)
  expect(answer).toEqual([{ n: (2 * ROWS * 4) / 5 - 3, below: true }])
})

test('files of a local folder are handed out as they are stored', async () => {
  const local = await workbench()
  try {
    await createTable(local.lake, definition('t', [column('id', 'long'), column('pad', 'string')]))
    await appendRows(local, 't', sql`SELECT range AS id, md5(range::VARCHAR) AS pad FROM range(50000)`)
    const { files } = await planScan(local.lake, await openTable(local.lake, 't'))
    const [staged] = await stageColumns(local.lake, files, { folder: join(local.root, 'work'), columns: [1] })
    expect(`file://${staged?.path}`).toBe(files[0]?.file.file_path)
  } finally {
    await local.close()
  }
})
