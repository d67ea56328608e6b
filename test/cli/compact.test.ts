// `sluice compact` shows what it will rewrite, rewrites it, and says what came of it; the rows stay. What it cannot or need not
// do it says with a reason, before anything is written.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sql } from '../../lake/duckdb/sql.ts'
import { createTable } from '../../lake/iceberg/table-definition.ts'
import { appendRows, column, definition, openSession, type Workbench } from '../lake/iceberg/fixture.ts'
import { query } from '../local/lake-state.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
let maker: Workbench
beforeEach(async () => {
  bench = commandBench()
  const session = await openSession(bench.folder)
  maker = { root: bench.folder, lake: bench.lake, session, close: async () => undefined }
  await createTable(
    bench.lake,
    definition('events', [column('id', 'long'), column('day', 'date')], {
      partitionBy: [{ column: 'day', transform: { name: 'month' } }],
    }),
  )
  for (let at = 0; at < 6; at++)
    await appendRows(
      maker,
      'events',
      sql`SELECT ${at}::BIGINT * 100 + i AS id, DATE '2026-01-15' + INTERVAL (i % 2) MONTH AS day FROM range(10) r(i)`,
    )
})
afterEach(async () => {
  await maker.session.close()
  bench.remove()
})

const ids = async () => query(bench.lake, 'events', table => sql`SELECT id FROM ${table} ORDER BY id`)

async function compactionDocuments(): Promise<readonly string[]> {
  const found: string[] = []
  for await (const object of bench.lake.storage.list(`${bench.lake.zones.ops}/compactions/`)) found.push(object.uri)
  return found
}

test('the plan: files and sizes by partition, with their sums, aligned; nothing is changed', async () => {
  const before = await ids()
  const { out, code } = await bench.run(['compact', 'EVENTS', '--dry-run'])
  expect(code).toBe(0)
  const [title, header, rule, first, second, sums] = out.split('\n') as [string, string, string, string, string, string]
  expect(title).toBe('events  2 groups of files to rewrite')
  expect(header).toMatch(/^ {2}partition +files +size$/)
  expect(first).toMatch(/^ {2}day_month=2026-01 +6 → 1 +\d\.\d kB → \d\.\d kB$/)
  expect(second).toMatch(/^ {2}day_month=2026-02 +6 → 1 +\d\.\d kB → \d\.\d kB$/)
  expect(new Set([header, rule, first, second].map(line => line.length)).size).toBe(1)
  expect(sums).toMatch(/^12 files → 2, \d\.\d kB → about \d\.\d kB; on AWS about \d+ GB-seconds$/)
  expect(await compactionDocuments()).toEqual([])
  expect(await ids()).toEqual(before)
  expect((await bench.run(['show', 'events'])).out).toContain('12 files')
})

test('the plan as JSON', async () => {
  const planned = JSON.parse((await bench.run(['compact', 'events', '--dry-run', '--json'])).out)
  expect(planned.groups.map((group: { readonly partition: string }) => group.partition).toSorted()).toEqual([
    'day_month=2026-01',
    'day_month=2026-02',
  ])
  expect(planned).toMatchObject({
    table: 'events',
    groups: Array(2).fill({ route: 'function', files: 6, outputs: 1 }),
    before: { files: 12 },
    after: { files: 2 },
    gbSeconds: expect.any(Number),
  })
})

test('the work: the plan, the result, and the same rows in fewer files', async () => {
  const before = await ids()
  const { out, code } = await bench.run(['compact', 'events'])
  expect(code).toBe(0)
  expect(out).toContain('2 groups of files to rewrite')
  expect(out).toMatch(
    /✓ events: 12 files → 2, \d\.\d kB → \d\.\d kB, 60 rows as before, in [\d.]+ s \([\d.]+ kB\/s\)\n {2}snapshot \d+\n$/,
  )
  expect(await ids()).toEqual(before)
  expect((await bench.run(['show', 'events'])).out).toContain('60 rows, 2 files')
})

test('the result as JSON, with nothing else on the output', async () => {
  const report = JSON.parse((await bench.run(['compact', 'events', '--json'])).out)
  expect(report).toMatchObject({
    table: 'events',
    committed: [0, 1],
    givenUp: [],
    unfinished: [],
    before: { files: 12 },
    after: { files: 2 },
    rows: 60,
    seconds: expect.any(Number),
  })
  expect(report.snapshotIds).toHaveLength(1)
})

test('on a terminal a bar shows how far it is, and is taken away', async () => {
  const seen: string[] = []
  await bench.run(['compact', 'events'], { colour: true, columns: 100, onOut: text => seen.push(text) })
  const bars = seen.filter(text => text.includes('░') || text.includes('█'))
  expect(bars.length).toBeGreaterThan(0)
  expect(bars[0]).toContain('6 of 12 files')
  expect(bars[0]).toMatch(/B\/s, [\d.]+ s left/)
  expect(seen.indexOf('\r\u001b[2K')).toBeGreaterThan(seen.indexOf(bars.at(-1) as string))
})

test('--where takes the partitions that may hold such rows', async () => {
  const { out } = await bench.run(['compact', 'events', '--where', "day < DATE '2026-02-01'"])
  expect(out).toContain('events: 6 files → 1')
  expect(out).not.toContain('2026-02')
  expect((await bench.run(['show', 'events'])).out).toContain('7 files')
})

test('--partial-progress commits on the way', async () => {
  const { out } = await bench.run(['compact', 'events', '--partial-progress', '--json'])
  expect(JSON.parse(out).snapshotIds).toHaveLength(2)
})

test('when nothing needs it, it says why, and that is no failure', async () => {
  await bench.run(['compact', 'events'])
  const documents = await compactionDocuments()
  for (const more of [[], ['--dry-run']]) {
    const { out, code } = await bench.run(['compact', 'events', ...more])
    expect(code).toBe(0)
    expect(out).toMatch(/^events: nothing to do: no partition has 5 files below \d+ MB.*\n$/)
  }
  expect(JSON.parse((await bench.run(['compact', 'events', '--json'])).out)).toMatchObject({
    committed: [],
    reason: expect.stringContaining('no partition has 5 files'),
  })
  expect(await compactionDocuments()).toEqual(documents)
})

test('more than 20 groups are listed with --all', async () => {
  await createTable(
    bench.lake,
    definition('many', [column('id', 'long')], {
      partitionBy: [{ column: 'id', transform: { name: 'identity' } }],
    }),
  )
  for (let at = 0; at < 5; at++) await appendRows(maker, 'many', sql`SELECT i AS id FROM range(21) r(i)`)
  const short = (await bench.run(['compact', 'many', '--dry-run'])).out
  expect(short).toContain('  and 1 more, --all lists all\n')
  expect(short.match(/id=\d+/g)).toHaveLength(20)
  expect((await bench.run(['compact', 'many', '--dry-run', '--all'])).out.match(/id=\d+/g)).toHaveLength(21)
})

test.each([
  [['event'], 1, 'there is no table event', 'did you mean events?'],
  [['events__raw'], 1, 'events__raw is the raw zone', 'the typed rows of them are in events'],
  [['events', '--strategy', 'binpak'], 2, '--strategy binpak: there is no such strategy', 'did you mean binpack?'],
  [['events', '--strategy', 'x'], 2, 'there is no such strategy', 'give one of binpack, sort, zorder'],
  [['events', '--strategy', 'sort'], 2, 'events has no sort order to sort its rows by', ''],
  [['events', '--dry-run', '--partial-progress'], 2, '--dry-run commits nothing', 'leave one of them out'],
  [['events', '--dryrun'], 2, "Unknown option '--dryrun'", 'did you mean --dry-run?'],
  [['events', '--where', 'days > 3'], 2, 'there is no column days\n  days > 3\n  ^', 'the columns are id, day'],
  [['events', '--where', "day > 'x'"], 2, "  day > 'x'\n        ^", "compare it with a date such as DATE '2024-02-29'"],
  [[], 2, 'sluice compact needs TABLE', 'use it as: sluice compact flights'],
])('refused: %s', async (argv, exitCode, message, next) => {
  const { code, out, err } = await bench.run(['compact', ...argv])
  expect({ code, out }).toEqual({ code: exitCode, out: '' })
  expect(err).toContain(message)
  expect(err).toContain(`next:  ${next}`)
  expect(await compactionDocuments()).toEqual([])
})
