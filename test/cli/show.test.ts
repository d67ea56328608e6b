// `sluice show` prints everything that a table's metadata says; ids of snapshots are whole, for they go into --at.
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
  const place = { struct: [column('lat', 'double'), column('tags', { list: 'string' })] }
  await createTable(
    bench.lake,
    definition(
      'quakes',
      [column('at', 'timestamptz', { doc: 'when it shook' }), column('id', 'long'), column('place', place)],
      {
        description: 'Where the earth shook',
        properties: { 'write.format.default': 'parquet' },
        partitionBy: [
          { column: 'at', transform: { name: 'month' } },
          { column: 'id', transform: { name: 'bucket', width: 4 } },
        ],
        sortBy: [{ column: 'at', direction: 'desc' }],
      },
    ),
  )
  await createTable(bench.lake, definition('empty', [column('n', 'int')]))
  const row = (at: string, id: number) =>
    sql`SELECT ${at}::TIMESTAMPTZ AS at, ${id}::BIGINT AS id, {lat: 1.5::DOUBLE, tags: ['x']} AS place`
  await appendRows(
    maker,
    'quakes',
    sql`${row('2026-01-31 23:00:00+00', 1)} UNION ALL ${row('2026-02-01 00:00:00+00', 1)}`,
  )
  for (let commits = 0; commits < 24; commits++) await appendRows(maker, 'quakes', row('2026-03-01 00:00:00+00', 1))
})
afterAll(async () => {
  await maker.session.close()
  bench.remove()
})

test('schema, partitions, order, properties, snapshots and files as JSON', async () => {
  const { metadata, entry } = await openTable(bench.lake, 'quakes')
  const ran = await bench.run(['show', 'quakes', '--json'])
  const shown = JSON.parse(ran.out)
  expect(shown).toMatchObject({
    table: 'quakes',
    description: 'Where the earth shook',
    uuid: metadata['table-uuid'],
    formatVersion: 2,
    location: metadata.location,
    metadataFile: entry.metadataLocation,
    rows: 26,
    partitionedBy: ['month(at)', 'bucket(4, id)'],
    sortedBy: ['at desc'],
    properties: { comment: 'Where the earth shook', 'write.format.default': 'parquet' },
  })
  expect(
    shown.columns.map((each: { name: string; type: string; depth: number }) => [each.depth, each.name, each.type]),
  ).toEqual([
    [0, 'at', 'timestamptz'],
    [0, 'id', 'long'],
    [0, 'place', 'struct'],
    [1, 'lat', 'double'],
    [1, 'tags', 'list<string>'],
    [2, 'element', 'string'],
  ])
  expect(shown.columns[0]).toMatchObject({ id: 1, required: false, doc: 'when it shook' })
  expect(shown.snapshots).toHaveLength(25)
  expect(shown.snapshots[0]).toEqual({
    id: String(metadata['current-snapshot-id']),
    time: new Date(metadata['last-updated-ms']).toISOString(),
    operation: 'append',
    rowsAdded: 1,
    rowsDeleted: 0,
    rows: 26,
    current: true,
  })
  expect(shown.snapshots.at(-1)).toMatchObject({ rowsAdded: 2, rows: 2, current: false })
  expect(shown.files).toHaveLength(26)
  expect(shown.files[0].path).toMatch(/^data\/at_month=2026-01\/id_bucket=\d\/.*\.parquet$/)
  expect(shown.files[0]).toMatchObject({ partition: { at_month: '2026-01' }, rows: 1 })
})

test('people see the first 20 files and snapshots, and all of them with --all', async () => {
  const short = (await bench.run(['show', 'quakes'])).out
  expect(short).toContain('\nFiles 20 of 26, --all lists all\n')
  expect(short).toContain('\nSnapshots 20 of 25, --all lists all\n')
  expect(short.match(/\.parquet$/gm)).toHaveLength(20)
  const long = (await bench.run(['show', 'quakes', '--all'])).out
  expect(long.match(/\.parquet$/gm)).toHaveLength(26)
  expect(long).not.toContain('--all lists all')
})

test('what people see', async () => {
  const { out } = await bench.run(['show', 'QUAKES'])
  expect(out).toMatch(
    /^quakes {2}26 rows, 26 files, \d+\.\d kB\nWhere the earth shook\nfile:\/\/\/.*\/tables\/quakes\n/,
  )
  expect(out).toContain('\n   1  at           timestamptz   when it shook\n')
  expect(out).toContain('\n   4    lat        double\n')
  expect(out).toContain('\nPartitioned by  month(at), bucket(4, id)\nSorted by       at desc\n')
  expect(out).toMatch(/\n {2}2026-01 \/ \d +1 +\d\.\d kB {2}data\/at_month=2026-01/)
})

test('at 80 columns nothing runs over, and snapshot ids and times are whole', async () => {
  const { metadata } = await openTable(bench.lake, 'quakes')
  const { out } = await bench.run(['show', 'quakes'], { columns: 80 })
  for (const line of out.split('\n')) if (!line.startsWith('file://')) expect(line.length).toBeLessThanOrEqual(80)
  expect(out).toContain(` ${metadata['current-snapshot-id']}  20`)
})

test('a table that was never written to', async () => {
  const { out, code } = await bench.run(['show', 'empty'])
  expect(code).toBe(0)
  expect(out).toContain('Partitioned by  nothing\nSorted by       nothing\n')
  expect(out).toMatch(/\nSnapshots\n {2}none\n\nFiles\n {2}none\n$/)
})

test.each([
  ['quake', 'there is no table quake', 'did you mean quakes?'],
  ['quakes__raw', 'quakes__raw is the raw zone', 'the typed rows of them are in quakes'],
  ['../quakes', 'there is no table ../quakes', 'did you mean quakes?'],
])('%s: %s', async (name, message, next) => {
  const ran = await bench.run(['show', name])
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toContain(`error: ${message}`)
  expect(ran.err).toContain(`next:  ${next}`)
})
