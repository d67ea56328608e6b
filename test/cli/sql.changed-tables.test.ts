// A query sees a table as it is: without the rows that were deleted by position or by key, and with columns by the names that they have
// now, those inside other columns too.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { updateTable } from '../../lake/iceberg/commit.ts'
import { updateSchema } from '../../lake/iceberg/schema-change.ts'
import { openTable } from '../../lake/iceberg/table.ts'
import { createTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, deleteRows, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import { commitForeign, equalityDeletes } from '../lake/iceberg/foreign-commit.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let before: string
beforeAll(async () => {
  bench = commandBench()
  const session = await openSession(bench.folder)
  const maker: Workbench = { root: bench.folder, lake: bench.lake, session, close: async () => undefined }
  const place = { struct: [column('lat', 'double'), column('city', 'string')] }
  await createTable(bench.lake, definition('visits', [column('id', 'long'), column('place', place)]))
  const rows = sql`SELECT range AS id, {lat: range / 2, city: 'c' || range} AS place FROM range(5)`
  before = String((await appendRows(maker, 'visits', rows)).metadata['current-snapshot-id'])
  await deleteRows(maker, 'visits', sql`id = 1`)
  const keys = { source: sql`SELECT 3::BIGINT AS id`, ids: { id: 1 } }
  await commitForeign(bench.lake, 'visits', {
    deletes: [await equalityDeletes(maker, await openTable(bench.lake, 'visits'), keys)],
  })
  await updateTable(bench.lake, 'visits', metadata =>
    updateSchema(metadata, [
      { type: 'rename', path: ['id'], to: 'visit' },
      { type: 'rename', path: ['place', 'city'], to: 'town' },
    ]),
  )
  await session.close()
})
afterAll(() => bench.remove())

test('as it is', async () => {
  const { out } = await bench.run(['sql', 'select visit, place.town as town from visits order by visit', '--csv'])
  expect(out.trim().split(/\r?\n/)).toEqual(['visit,town', '0,c0', '2,c2', '4,c4'])
})

test('as it was', async () => {
  const { out } = await bench.run([
    'sql',
    'select id, place.city as city from visits order by id',
    '--csv',
    '--at',
    before,
  ])
  expect(out.trim().split(/\r?\n/)).toEqual(['id,city', '0,c0', '1,c1', '2,c2', '3,c3', '4,c4'])
})
