// `sluice show --plan` tells what a query with a condition reads of a table: what is left out by partition, what by the least and greatest
// values of files, and how many bytes the asked-for columns of the rest are.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { openTable } from '../../lake/iceberg/table.ts'
import { createTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, deleteRows, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let beforeDeletes: string
const ROWS = 20_000
beforeAll(async () => {
  bench = commandBench()
  const session = await openSession(bench.folder)
  const maker: Workbench = { root: bench.folder, lake: bench.lake, session, close: async () => undefined }
  await createTable(
    bench.lake,
    definition(
      'flights',
      [column('day', 'date'), column('origin', 'string'), column('n', 'int'), column('pad', 'string')],
      {
        partitionBy: [{ column: 'day', transform: { name: 'month' } }],
      },
    ),
  )
  await createTable(bench.lake, definition('empty', [column('n', 'int')]))
  for (const month of [1, 2, 3])
    for (const origin of ['ATL', 'ORD'])
      await appendRows(
        maker,
        'flights',
        sql`SELECT make_date(2026, ${month}, 5) AS day, ${origin} || '' AS origin, range::INT AS n, md5(range::VARCHAR) AS pad FROM range(${ROWS})`,
      )
  beforeDeletes = String((await openTable(bench.lake, 'flights')).metadata['current-snapshot-id'])
  await deleteRows(maker, 'flights', sql`origin = 'ORD' AND n < 7 AND day >= DATE '2026-03-01'`)
  await session.close()
})
afterAll(() => bench.remove())

const WHERE = "where origin = 'ORD' and day >= '2026-02-01'"

test('as JSON', async () => {
  const { out } = await bench.run(['show', 'flights', '--plan', WHERE, '--columns', 'day, N', '--json'])
  const plan = JSON.parse(out)
  const bytes = plan.total.bytes / 6
  expect(plan).toMatchObject({
    table: 'flights',
    where: "origin = 'ORD' and day >= '2026-02-01'",
    total: { manifests: 6, files: 6 },
    prunedByPartition: { manifests: 2, files: 2 },
    prunedByBounds: { files: 2 },
    kept: { manifests: 4, files: 2 },
    columns: { names: ['day', 'n'] },
    deletes: { files: 1, positions: 7, equalities: 0 },
    files: [
      { partition: { day_month: '2026-02' }, rows: ROWS, positionDeletes: 0 },
      { partition: { day_month: '2026-03' }, rows: ROWS, positionDeletes: 1 },
    ],
  })
  for (const part of ['prunedByPartition', 'prunedByBounds', 'kept']) expect(plan[part].bytes / bytes).toBeCloseTo(2, 1)
  expect(plan.columns.bytes).toBeGreaterThan(1_000)
  expect(plan.columns.bytes / plan.kept.bytes).toBeLessThan(0.5)
})

test('what people see', async () => {
  const { out } = await bench.run(['show', 'flights', '--plan', WHERE, '--columns', 'n'], { columns: 100 })
  const lines = out.split('\n')
  expect(lines[0]).toBe("flights where origin = 'ORD' and day >= '2026-02-01'")
  expect(lines[1]).toMatch(/^snapshot \d+ of 20\d\d-/)
  expect(lines.slice(3, 10).map(line => line.replaceAll(/[\d.]+ [kM]B/g, 'SIZE').replaceAll(/ +/g, ' '))).toEqual([
    ' manifests files size share',
    expect.stringMatching(/^ ─+ ─+ ─+ ─+ ─+$/),
    ' the table 6 6 SIZE 100.0 %',
    ' left out by partition 2 2 SIZE 33.3 %',
    ' left out by min and max – 2 SIZE 33.3 %',
    ' to read 4 2 SIZE 33.3 %',
    expect.stringMatching(/^ of it these columns – 2 SIZE \d+\.\d %$/),
  ])
  expect(out).toMatch(/\nDeletes that apply {2}1 file, \d\.\d kB: 7 rows by position\n/)
  expect(out).toMatch(/\nFiles\n {2}partition +rows +size +deletes +path\n/)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(100)
})

test('nothing to read', async () => {
  const { out } = await bench.run(['show', 'flights', '--plan', "day < '2025-01-01'"])
  expect(out).toMatch(/\n {2}to read +0 +0 +0 B +0\.0 %\n/)
  expect(out).not.toContain('Deletes that apply')
  expect(out).toMatch(/\nFiles\n {2}none\n$/)
})

test('the table as it was', async () => {
  const { out } = await bench.run(['show', 'flights', '--plan', WHERE, '--at', beforeDeletes, '--json'])
  expect(JSON.parse(out)).toMatchObject({ snapshot: { id: beforeDeletes }, deletes: { files: 0 }, columns: null })
})

test('a table that was never written to', async () => {
  const { out, code } = await bench.run(['show', 'empty', '--plan', 'n = 1', '--columns', 'n'])
  expect(code).toBe(0)
  expect(out).toMatch(/^empty where n = 1\n\n/)
  expect(out).toMatch(/\n {2}the table +0 +0 +0 B +–\n/)
})

test.each<[readonly string[], string, string]>([
  [
    ['--plan', "orign = 'ORD'"],
    "there is no column orign\n  orign = 'ORD'\n  ^",
    'the columns are day, origin, n, pad',
  ],
  [['--plan', ''], 'there is no condition', 'a condition is column = value'],
  [['--plan', 'n = 1', '--columns', 'orign'], '--columns: there is no column orign', 'did you mean origin?'],
  [
    ['--plan', 'n = 1', '--columns', 'zzzzzz'],
    '--columns: there is no column zzzzzz',
    'the columns are day, origin, n, pad',
  ],
  [['--columns', 'n'], '--columns says something of a plan', '--plan "where …"'],
  [['--at', '2026-01-01'], '--at says something of a plan', '--plan "where …"'],
])('%s', async (given, message, next) => {
  const ran = await bench.run(['show', 'flights', ...given])
  expect(ran).toMatchObject({ code: 2, out: '' })
  expect(ran.err).toContain(`error: ${message}`)
  expect(ran.err).toContain(`next:  `)
  expect(ran.err).toContain(next)
})

test('no condition prints escape codes of its own', async () => {
  const { out } = await bench.run(['show', 'flights', '--plan', "origin = '\u001b[31mred'"])
  expect(out).not.toContain('\u001b')
})
