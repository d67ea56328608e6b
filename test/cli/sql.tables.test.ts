// A query sees the lake's tables by name, each as it was at one snapshot, and nothing else of this machine. Tables that it does
// not name are not loaded: a broken one does no harm.
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
  maker = {
    root: bench.folder,
    lake: bench.lake,
    session: await openSession(bench.folder),
    close: async () => undefined,
  }
  await createTable(
    bench.lake,
    definition('flights', [column('id', 'long'), column('origin', 'string')], {
      partitionBy: [{ column: 'origin', transform: { name: 'identity' } }],
    }),
  )
  await createTable(bench.lake, definition('airports', [column('code', 'string'), column('name', 'string')]))
  await createTable(bench.lake, definition('empty_one', [column('id', 'long')]))
  await createTable(bench.lake, definition('broken', [column('id', 'long')]))
  await appendRows(
    maker,
    'flights',
    sql`SELECT * FROM (VALUES (1, 'JFK'), (2, 'SFO'), (9007199254740993, 'SFO')) t(id, origin)`,
  )
  await appendRows(maker, 'flights', sql`SELECT 4 AS id, NULL AS origin`)
  await appendRows(maker, 'airports', sql`SELECT 'SFO' AS code, 'San Francisco' AS name`)
  const broken = await appendRows(maker, 'broken', sql`SELECT 1 AS id`)
  await bench.lake.storage.delete(broken.metadata.snapshots[0]!['manifest-list'])
})
afterAll(async () => {
  await maker.session.close()
  bench.remove()
})

const lines = async (query: string, ...more: readonly string[]): Promise<readonly unknown[]> => {
  const ran = await bench.run(['sql', query, '--json', ...more])
  expect(ran.err).toBe('')
  expect(ran.code).toBe(0)
  return ran.out.trim() === ''
    ? []
    : ran.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
}

test('all rows of all files, null partitions included', async () => {
  expect(await lines('select count(*) as n, count(origin) as named from flights')).toEqual([{ n: 4, named: 3 }])
})

test('two tables join, and names are not case sensitive', async () => {
  const query = 'select f.id, a.name from FLIGHTS f join Airports a on a.code = f.origin where f.id < 10'
  expect(await lines(query)).toEqual([{ id: 2, name: 'San Francisco' }])
})

test('a WITH clause that has the name of a table takes its place', async () => {
  expect(await lines('with flights as (select 7 as x) select * from flights')).toEqual([{ x: 7 }])
})

test('a table without rows has its columns', async () => {
  expect(await lines('select * from empty_one')).toEqual([])
  expect((await bench.run(['sql', 'select * from empty_one'])).out).toMatch(/^id\n──\n0 rows in /)
})

test('a query may read one table twice', async () => {
  expect(await lines('select count(*) as n from flights a, flights b')).toEqual([{ n: 16 }])
})

test('only tables that are named are loaded', async () => {
  expect((await bench.run(['sql', 'select * from broken'])).code).toBe(1)
  expect(await lines("select 'broken' as name from airports -- broken")).toEqual([{ name: 'broken' }])
})

test.each([
  ['select * from flihgts', 'there is no table flihgts', 'did you mean flights?'],
  ['select * from nothing_like_it', 'there is no table nothing_like_it', '`sluice tables` lists them'],
  ["select * from '/etc/passwd'", 'there is no table /etc/passwd', '`sluice tables` lists them'],
  ['select * from flights__raw', 'flights__raw is the raw zone:', 'the typed rows of them are in flights'],
])('%s: %s', async (query, message, next) => {
  const ran = await bench.run(['sql', query])
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toContain(`error: ${message}`)
  expect(ran.err).toContain(`next:  ${next}`)
})

test('a column that is not there is an error that says where', async () => {
  const ran = await bench.run(['sql', 'select nope from flights'])
  expect(ran.code).toBe(1)
  expect(ran.err).toMatch(/^error: Binder Error: .*nope/)
  expect(ran.err).toContain('next:  correct the query; `sluice show TABLE` lists the columns of a table')
})

test('an error half way through the rows is an error, not a short result', async () => {
  const ran = await bench.run([
    'sql',
    "select case when i < 100000 then i else error('row ' || i) end as i from range(200000) t(i)",
    '--csv',
  ])
  expect(ran.code).toBe(1)
  expect(ran.err).toContain('row 100000')
})

test.each([
  "select * from read_text('/etc/passwd')",
  "select * from read_csv('/etc/passwd')",
  "select * from glob('/etc/*')",
  "select * from read_text('https://example.com/')",
])('%s reads nothing', async query => {
  const ran = await bench.run(['sql', query])
  expect(ran).toMatchObject({ code: 1, out: '' })
})

test('the catalog and raw files of the lake are out of reach too', async () => {
  const ran = await bench.run(['sql', `select * from read_text('${bench.folder}/.sluice/catalog/flights/1.json')`])
  expect(ran).toMatchObject({ code: 1, out: '' })
})

test('--at reads a snapshot by id or time', async () => {
  const [first, second] = (await openTable(bench.lake, 'flights')).metadata.snapshots
  const count = 'select count(*) as n from flights'
  const at = (ms: number): string => new Date(ms).toISOString()
  expect(await lines(count, '--at', String(first?.['snapshot-id']))).toEqual([{ n: 3 }])
  expect(await lines(count, '--at', String(second?.['snapshot-id']))).toEqual([{ n: 4 }])
  expect(await lines(count, '--at', at(first!['timestamp-ms']))).toEqual([{ n: 3 }])
  expect(await lines(count, '--at', at(second!['timestamp-ms']))).toEqual([{ n: 4 }])
  expect(await lines(count, '--at', '2999-01-01')).toEqual([{ n: 4 }])
})

test('--at a time reads every table as it was then', async () => {
  const after = 'select (select count(*) from flights) as f, (select count(*) from airports) as a'
  expect(await lines(after, '--at', '2999-01-01')).toEqual([{ f: 4, a: 1 }])
})

test('--at something unknown names the nearest snapshots', async () => {
  const ids = (await openTable(bench.lake, 'flights')).metadata.snapshots.map(each => String(each['snapshot-id']))
  const unknown = await bench.run(['sql', 'select 1 from flights', '--at', '12345'])
  expect(unknown).toMatchObject({ code: 1, out: '' })
  expect(unknown.err).toContain('error: flights has no snapshot 12345\nnext:  the latest are ')
  for (const id of ids) expect(unknown.err).toContain(id)
  const mistyped = `${ids[0]?.slice(0, -1)}${ids[0]?.endsWith('7') ? '8' : '7'}`
  const near = await bench.run(['sql', 'select 1 from flights', '--at', mistyped])
  expect(near.err).toContain(`next:  the nearest is ${ids[0]} of `)
  const early = await bench.run(['sql', 'select 1 from flights', '--at', '2001-01-01'])
  expect(early.err).toContain('error: flights had no snapshot at 2001-01-01T00:00:00.000Z\nnext:  the oldest is ')
  expect(early.err).toContain(ids[0])
  const none = await bench.run(['sql', 'select 1 from empty_one', '--at', '2999-01-01'])
  expect(none.err).toContain('empty_one has no snapshots yet')
})

test('a snapshot id cannot be meant for two tables', async () => {
  const [first] = (await openTable(bench.lake, 'flights')).metadata.snapshots
  const ran = await bench.run(['sql', 'select 1 from flights, airports', '--at', String(first?.['snapshot-id'])])
  expect(ran.code).toBe(2)
  expect(ran.err).toContain('error: a snapshot is of one table, and the query reads ')
  expect(ran.err).toContain(`next:  give a time instead: --at ${new Date(first!['timestamp-ms']).toISOString()}`)
})

test('the session leaves nothing behind in the scratch folder', async () => {
  const left = await lines('select 1 as one from flights limit 1')
  expect(left).toEqual([{ one: 1 }])
  const { readdirSync } = await import('node:fs')
  expect(readdirSync(bench.lake.limits.scratch)).toEqual([])
})
