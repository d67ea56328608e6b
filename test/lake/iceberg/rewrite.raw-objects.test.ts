// Taking raw objects out of a table removes exactly their rows: files without them stay untouched, files of others are written
// anew without them, and applying an object again replaces its contribution in one commit.
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageOverwrite } from '#lake/iceberg/operations/overwrite.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { stageFiles } from '#lake/iceberg/read-files.ts'
import { filesHolding, withoutRawObjects } from '#lake/iceberg/rewrite.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { projected } from '#lake/iceberg/stage-columns.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import { appendRows, column, definition, readRows, type Workbench, workbench, writeRows } from './fixture.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
  await ensureTable(bench.lake, definition('t', [column('v', 'int'), column('_raw_object', 'string')]))
  await appendRows(bench, 't', sql`SELECT * FROM (VALUES (1, 'A'), (2, 'A'), (3, 'B')) t(v, _raw_object)`)
  await appendRows(bench, 't', sql`SELECT * FROM (VALUES (4, 'C'), (5, NULL)) t(v, _raw_object)`)
  await appendRows(bench, 't', sql`SELECT * FROM (VALUES (6, 'A')) t(v, _raw_object)`)
})
afterAll(() => bench.close())

test('an object that is applied again replaces its rows', async () => {
  const { lake, session } = bench
  const table = await openTable(lake, 't')
  const { schema, files, skipped } = await planScan(lake, table, {
    where: [{ column: '_raw_object', op: 'in', values: ['A'] }],
  })
  expect([files.length, skipped.files]).toEqual([2, 1])
  const local = await stageFiles(lake, files, bench.root)
  const task = { schema, rawObjects: ['A'], folder: join(bench.root, 'work', 'kept') }
  const removed = await filesHolding(session, local, task)
  const kept = await withoutRawObjects(session, table, local, task)
  expect([removed, kept.map(file => file.rows)]).toEqual([files, [1]])
  const fresh = await writeRows(bench, table, sql`SELECT 10 AS v, 'A' AS _raw_object`)
  const others = await placeFiles(lake, table, kept, 'kept')
  await commit(lake, 't', { commitId: 'again' }, () => stageOverwrite({ added: [...fresh, ...others], removed }))
  expect(await readRows(bench, 't', sql`v`)).toEqual([
    { v: 3, _raw_object: 'B' },
    { v: 4, _raw_object: 'C' },
    { v: 5, _raw_object: null },
    { v: 10, _raw_object: 'A' },
  ])
})

test('a file whose bounds hold an id and whose rows do not stays as it is', async () => {
  const { lake, session } = bench
  const where = [{ column: '_raw_object', op: 'in', values: ['BB'] }] as const
  await appendRows(bench, 't', sql`SELECT * FROM (VALUES (20, 'BA'), (21, 'BC')) t(v, _raw_object)`)
  const { schema, files } = await planScan(lake, await openTable(lake, 't'), { where })
  expect(files).toHaveLength(1)
  const local = await stageFiles(lake, files, bench.root)
  expect(await filesHolding(session, local, { schema, rawObjects: ['BB'] })).toEqual([])
  expect(await filesHolding(session, local, { schema, rawObjects: ['BC', 'X'] })).toEqual(files)
  expect(await filesHolding(session, local, { schema, rawObjects: [] })).toEqual([])
  expect(await filesHolding(session, [], { schema, rawObjects: ['BC'] })).toEqual([])
})

test('of the table one column is enough to find the files', async () => {
  const { lake, session } = bench
  const plan = await planScan(lake, await openTable(lake, 't'))
  const local = await stageFiles(lake, plan.files, bench.root)
  const schema = projected(plan.schema, ['_raw_object'])
  expect(schema.fields.map(field => field.name)).toEqual(['_raw_object'])
  const held = await filesHolding(session, local, { schema, rawObjects: ['B', 'BA'] })
  expect(held.map(live => live.file.record_count)).toEqual([2n, 1n])
})
