// The demo's numbers are right, by its own account and by ours; running it again changes nothing; and ClickHouse, which is
// not ours, finds in every table what DuckDB finds: counts and sums, file by file, with and without predicates.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { datasets } from '#datasets/index.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine, type Session } from '#lake/duckdb/engine.ts'
import { Sql, sql } from '#lake/duckdb/sql.ts'
import { type Balance, balanceOf } from '#local/balance.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { factsOf, runDemo, type TableFacts } from './demo-lake.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
const lake = diskLake(root)
const facts = new Map<string, TableFacts>()
let session: Session
let first: { readonly balanced: boolean; readonly output: string }

beforeAll(async () => {
  first = await runDemo(root)
  session = await duckdbEngine.open({ threads: 2, memoryBytes: 500_000_000, folders: [root], scratch: root })
  for (const name of await lake.catalog.tables())
    if (!name.endsWith('__raw')) facts.set(name, await factsOf(lake, session, name))
}, 180_000)

afterAll(async () => {
  await session?.close()
  rmSync(root, { recursive: true, force: true })
})

const balances = async (): Promise<Readonly<Record<string, Balance>>> =>
  Object.fromEntries(
    await Promise.all(datasets.map(async dataset => [dataset.name, await balanceOf(lake, dataset)] as const)),
  )

test('every record of every file is in a table or in quarantine', async () => {
  expect(first.balanced).toBe(true)
  expect(first.output).toContain(
    'every record is accounted for: 3,226,911 read = 3,220,660 in tables + 126 quarantined + 6,125 replaced',
  )
  expect(await balances()).toMatchObject({
    airports: { objects: 1, read: 3_376, rows: 3_372, quarantined: 4 },
    birdstrikes: { objects: 1, read: 10_000, rows: 9_985, quarantined: 15, partitions: 13 },
    countries: { objects: 6, read: 719, rows: 682, quarantined: 0, superseded: 37, unaccounted: 0 },
    delays: { objects: 1, read: 200_000, rows: 200_000, quarantined: 0, partitions: 4, reasons: [] },
    earthquakes: { objects: 1, read: 1_707, rows: 1_679, quarantined: 28 },
    flights: { objects: 1, read: 3_000_000, rows: 2_999_997, quarantined: 3, partitions: 7 },
    jobs: { objects: 8, read: 6_446, rows: 358, quarantined: 0, superseded: 6_088, unaccounted: 0 },
    movies: {
      objects: 1,
      read: 3_201,
      rows: 3_126,
      quarantined: 75,
      reasons: [
        ['rule:ColumnValues "worldwide_gross" > 0', 45],
        ['rule:ColumnValues "release_date" <= "2011-12-31"', 18],
        ['required:worldwide_gross', 7],
        ['rule:ColumnValues "mpaa_rating" in [NULL,"G","PG","PG-13","R","NC-17","Not Rated"]', 2],
        ['rule:ColumnValues "release_date" <= "2011-12-31"; ColumnValues "worldwide_gross" > 0', 2],
        ['required:title', 1],
      ],
    },
    weather: { objects: 2, read: 1_462, rows: 1_461, quarantined: 1, reasons: [['truncated', 1]], partitions: 4 },
  })
})

test('what change streams made is what they were made from', () => {
  expect(first.output).toContain('✓ countries: 682 states, each with its time, equal to the source\n')
  expect(first.output).toContain('✓ jobs: 358 current rows equal to the source\n')
})

test('what rules put aside stands in quarantine with its raw bytes, the rule and the value', async () => {
  const found = await tableRows(
    lake,
    'flights__quarantine',
    sql`stage, reason, message, decode(raw) AS raw, _raw_object, _raw_row`,
  )
  expect(found).toMatchObject(
    [-212, -953, -1116].map(delay => ({
      stage: 'quality',
      reason: 'rule:ColumnValues "delay" > -180',
      message: `ColumnValues "delay" > -180: delay is ${delay}`,
      raw: expect.stringContaining(`"delay":${delay}`),
    })),
  )
  const films = await tableRows(lake, 'movies__quarantine', sql`decode(raw) AS raw, message, _raw_object, _raw_row`)
  const gone = films.find(film => String(film['raw']).includes('Gone with the Wind'))
  expect(gone?.['message']).toBe('ColumnValues "release_date" <= "2011-12-31": release_date is 2039-12-15')
  const source = readFileSync(
    fileURLToPath(new URL('../data/movies.json', import.meta.resolve('vega-datasets'))),
    'utf8',
  )
  for (const film of films) expect(source).toContain(film['raw'])
})

test('what the rules said of each batch', async () => {
  const said = await tableRows(
    lake,
    'sluice__quality_results',
    sql`concat_ws(' ', dataset, outcome, consequence) AS line, _raw_object, _raw_row`,
  )
  const counts = Map.groupBy(said, row => String(row['line']))
  expect(Object.fromEntries([...counts].map(([line, rows]) => [line, rows.length]))).toEqual({
    'airports Passed none': 4,
    'airports Failed quarantine': 1,
    'birdstrikes Passed none': 4,
    'birdstrikes Failed quarantine': 1,
    'countries Passed none': 4,
    'delays Passed none': 5,
    'earthquakes Passed none': 4,
    'earthquakes Failed quarantine': 1,
    'flights Passed none': 4,
    'flights Failed quarantine': 1,
    'jobs Passed none': 4,
    'movies Passed none': 6,
    'movies Failed quarantine': 3,
    'movies Failed none': 1,
    'weather Passed none': 4,
  })
})

test('the values are those of the files, read by other means', async () => {
  const source = (file: string): string =>
    fileURLToPath(new URL(`../data/${file}`, import.meta.resolve('vega-datasets')))
  const sum = (values: readonly number[]): string => String(values.reduce((total, value) => total + value, 0))
  const delays = JSON.parse(readFileSync(source('flights-200k.json'), 'utf8')) as readonly {
    delay: number
    distance: number
  }[]
  expect(facts.get('delays')?.total).toMatchObject({
    rows: delays.length,
    sums: { delay: sum(delays.map(each => each.delay)), distance: sum(delays.map(each => each.distance)) },
  })
  const films = JSON.parse(readFileSync(source('movies.json'), 'utf8')) as readonly Readonly<Record<string, unknown>>[]
  const sound = films.filter(
    film =>
      film['Title'] !== null &&
      Number(film['Worldwide Gross'] ?? 0) > 0 &&
      Number(String(film['Release Date']).slice(-4)) <= 2011 &&
      film['MPAA Rating'] !== 'Open',
  )
  expect(facts.get('movies')?.total.sums).toMatchObject({
    worldwide_gross: sum(sound.map(film => Number(film['Worldwide Gross']))),
    us_gross: sum(sound.map(film => Number(film['US Gross'] ?? 0))),
  })
  const strikes = readFileSync(source('birdstrikes.csv'), 'utf8').trimEnd().split('\n').slice(1)
  const known = strikes.filter(line => !/^[^,]*,[^,]*,[BC],/.test(line))
  const costs = known.map(line => Number(line.split(',').at(-2)))
  expect(facts.get('birdstrikes')?.total.sums['cost_total']).toBe(`${sum(costs)}.00`)
  expect(facts.get('flights')?.total.rows).toBe(2_999_997)
})

describe('ClickHouse agrees with DuckDB', () => {
  const clickHouse = (): { query(text: string): string } => {
    process.chdir(root)
    const chdb = createRequire(import.meta.url)('chdb') as { query(text: string, format: string): Buffer | string }
    return { query: text => String(chdb.query(text, 'TSV')).trim() }
  }

  test('file by file, so partition by partition', () => {
    const reader = clickHouse()
    expect(facts.size).toBeGreaterThanOrEqual(datasets.length)
    for (const [name, table] of facts) {
      const sums = table.summed.map(column => `sum(\`${column}\`)`)
      const found = reader.query(
        `SELECT ${['_file', 'count()', ...sums].join(', ')} FROM icebergLocal('${table.folder.slice(root.length + 1)}') GROUP BY _file`,
      )
      const byFile = new Map(
        found
          .split('\n')
          .filter(line => line !== '')
          .map(line => line.split('\t'))
          .map(([file = '', ...values]) => [file, values]),
      )
      expect(byFile.size, name).toBe(table.files.size)
      for (const [path, expected] of table.files) {
        const values = byFile.get(basename(path))
        expect(Number(values?.[0]), name).toBe(expected.rows)
        table.summed.forEach((column, at) => {
          expect(same(values?.[at + 1], expected.sums[column]), `${name}.${column}`).toBe(true)
        })
      }
    }
  })

  test.each([
    ['flights', "date >= '2001-03-01' AND date < '2001-04-01'", "date >= '2001-03-01' AND date < '2001-04-01'"],
    ['flights', "origin = 'LAS' AND delay > 60", "origin = 'LAS' AND delay > 60"],
    ['delays', 'distance = 1452', 'distance = 1452'],
    [
      'birdstrikes',
      "flight_date BETWEEN '1995-01-01' AND '1996-06-30'",
      "flight_date BETWEEN '1995-01-01' AND '1996-06-30'",
    ],
    ['birdstrikes', 'cost_total > 100000', 'cost_total > 100000'],
    ['weather', "date = '2014-02-28'", "date = '2014-02-28'"],
    ['airports', "state = 'CA'", "state = 'CA'"],
    ['countries', '_is_current AND life_expectancy > 80', '_is_current AND life_expectancy > 80'],
    ['jobs', 'workers > 1000000', 'workers > 1000000'],
    ['movies', 'imdb_rating >= 8.5', 'imdb_rating >= 8.5'],
    ['movies', "release_date < '1970-01-01'", "toDate32(release_date) < toDate32('1970-01-01')"],
  ])('%s where %s', async (name, duck, click) => {
    const table = facts.get(name) as TableFacts
    const [row] = await session.rows(sql`SELECT count(*)::INTEGER AS n FROM (${table.scan}) WHERE ${Sql.trusted(duck)}`)
    const found = clickHouse().query(
      `SELECT count() FROM icebergLocal('${table.folder.slice(root.length + 1)}') WHERE ${click}`,
    )
    expect(Number(row?.['n'])).toBeGreaterThan(0)
    expect(Number(found)).toBe(row?.['n'])
  })
})

/** ClickHouse says 0 for the sum of nothing and leaves trailing zeros of decimals away. */
function same(found: string | undefined, expected: string | null | undefined): boolean {
  if (found === undefined) return false
  if (expected === null || expected === undefined) return Number(found) === 0 || found === '\\N'
  const trimmed = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  return trimmed(found) === trimmed(expected)
}

test('a second run on the same lake changes no row', async () => {
  const before = await balances()
  const again = await runDemo(root)
  expect(again.balanced).toBe(true)
  const after = await balances()
  for (const { name, publish } of datasets) {
    // An extract that comes again replaces itself, and its bad rows are refused again; everything else is not even read.
    const times = publish.mode === 'replace' ? 2 : 1
    expect({ name, rows: after[name]?.rows, quarantined: after[name]?.quarantined }).toEqual({
      name,
      rows: before[name]?.rows,
      quarantined: (before[name]?.quarantined ?? 0) * times,
    })
    expect(after[name]?.objects).toBe((before[name]?.objects ?? 0) + times - 1)
  }
}, 120_000)
