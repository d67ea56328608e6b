// `sluice tables` shows what there is: Iceberg tables with what their manifests say, and the raw zone of every dataset.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { openTable } from '../../lake/iceberg/table.ts'
import { createTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let maker: Workbench
beforeAll(async () => {
  bench = commandBench()
  const session = await openSession(bench.folder)
  maker = { root: bench.folder, lake: bench.lake, session, close: async () => undefined }
})
afterAll(async () => {
  await maker.session.close()
  bench.remove()
})

test('a lake without tables says what to do, as JSON it is an empty list', async () => {
  await bench.lake.storage.put(`${bench.lake.zones.ops}/x`, Buffer.from('x'))
  expect(await bench.run(['tables'])).toEqual({
    code: 0,
    out: 'The lake has no tables yet. Put a file: sluice put FILE --dataset NAME\n',
    err: '',
  })
  expect((await bench.run(['tables', '--json'])).out).toBe('[]\n')
})

test('tables, side tables and raw zones with their sizes', async () => {
  const byDay = [{ column: 'day', transform: { name: 'day' } }] as const
  await createTable(
    bench.lake,
    definition('visits', [column('day', 'date'), column('n', 'int')], { partitionBy: byDay }),
  )
  await createTable(bench.lake, definition('visits__quarantine', [column('reason', 'string')]))
  await createTable(bench.lake, definition('unused', [column('n', 'int')]))
  await appendRows(
    maker,
    'visits',
    sql`SELECT DATE '2026-01-01' + (i % 3)::INTEGER AS day, i AS n FROM range(1500) t(i)`,
  )
  await appendRows(maker, 'visits', sql`SELECT DATE '2026-01-03' AS day, 1 AS n`)
  await appendRows(maker, 'visits__quarantine', sql`SELECT 'type:n' AS reason`)
  for (const [hour, id] of [
    ['04', 'a'],
    ['04', 'b'],
    ['05', 'c'],
  ])
    await bench.lake.storage.put(
      `${bench.lake.zones.raw}/visits/ingest_date=2026-01-01/ingest_hour=${hour}/${id}.ndjson`,
      Buffer.alloc(600),
    )

  const ran = await bench.run(['tables', '--json'])
  const last = (await openTable(bench.lake, 'visits')).metadata['last-updated-ms']
  const tables = JSON.parse(ran.out) as readonly { readonly name: string; readonly bytes: number }[]
  expect(tables.map(table => table.name)).toEqual(['unused', 'visits', 'visits__quarantine', 'visits__raw'])
  const [unused, visits, quarantine, raw] = tables
  expect(unused).toEqual({
    name: 'unused',
    kind: 'iceberg',
    rows: 0,
    files: 0,
    bytes: 0,
    partitions: null,
    snapshots: 0,
    lastCommit: null,
  })
  expect(visits).toMatchObject({
    rows: 1501,
    files: 4,
    partitions: 3,
    snapshots: 2,
    lastCommit: new Date(last).toISOString(),
  })
  expect(visits?.bytes).toBeGreaterThan(1_000)
  expect(quarantine).toMatchObject({ rows: 1, files: 1, partitions: null, snapshots: 1 })
  expect(raw).toMatchObject({ kind: 'raw', rows: null, files: 3, bytes: 1_800, partitions: 2, snapshots: null })

  const lines = (await bench.run(['tables'])).out.split('\n')
  expect(lines[0]).toMatch(/^table +rows +files +size +partitions +snapshots +last commit$/)
  expect(lines[2]).toMatch(/^unused +0 +0 +0 B +– +0 +–$/)
  expect(lines[3]).toMatch(/^visits +1,501 +4 +\d\.\d kB +3 +2 +20\d\d-\d\d-\d\d \d\d:\d\d:\d\dZ$/)
  expect(lines[5]).toMatch(/^visits__raw +– +3 +1\.8 kB +2 +– +20/)
})

test('at 80 columns a column gives way, and is named', async () => {
  const ran = await bench.run(['tables'], { columns: 80 })
  for (const line of ran.out.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  const narrow = await bench.run(['tables'], { columns: 50 })
  expect(narrow.out).toMatch(/\nnot shown, for want of room: .*last commit; --full shows all\n$/)
  expect((await bench.run(['tables', '--full'], { columns: 50 })).out).toBe((await bench.run(['tables'])).out)
})
