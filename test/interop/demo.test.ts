// PyIceberg reads every table that the demo makes and agrees with DuckDB: counts and sums, in all and partition by partition,
// with and without predicates.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { datasets } from '#datasets/index.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { Sql, sql } from '#lake/duckdb/sql.ts'
import { factsOf, runDemo, type TableFacts } from '../demo/demo-lake.ts'
import { readByPyIceberg, type TableExpectation } from './pyiceberg.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** PyIceberg's filter; the same in SQL where that is spelled otherwise. */
const PREDICATES: Readonly<Record<string, readonly (readonly [filter: string, sql?: string])[]>> = {
  flights: [["date >= '2001-03-01T00:00:00' and date < '2001-04-01T00:00:00'"], ["origin = 'LAS' and delay > 60"]],
  delays: [['distance = 1452'], ['distance > 2000 and delay < 0']],
  birdstrikes: [
    ["flight_date >= '1995-01-01' and flight_date <= '1996-06-30'"],
    ["cost_total > '100000.00'", 'cost_total > 100000'],
  ],
  weather: [["date = '2014-02-28'"]],
  airports: [["state = 'CA'"]],
  countries: [['_is_current = true and life_expectancy > 80', '_is_current and life_expectancy > 80']],
  jobs: [['workers > 1000000']],
  movies: [["imdb_rating >= '8.5'", 'imdb_rating >= 8.5']],
}

test('every table of the demo', { timeout: 300_000 }, async () => {
  expect((await runDemo(root)).balanced).toBe(true)
  const lake = diskLake(root)
  const session = await duckdbEngine.open({ threads: 2, memoryBytes: 500_000_000, folders: [root], scratch: root })
  const expectations: TableExpectation[] = []
  for (const name of (await lake.catalog.tables()).filter(each => !each.endsWith('__raw'))) {
    const facts = await factsOf(lake, session, name)
    const predicates = []
    for (const [filter, spelled = filter] of PREDICATES[name] ?? []) {
      const [row] = await session.rows(
        sql`SELECT count(*)::INTEGER AS n FROM (${facts.scan}) WHERE ${Sql.trusted(spelled)}`,
      )
      expect(Number(row?.['n']), filter).toBeGreaterThan(0)
      predicates.push({ filter, rows: Number(row?.['n']) })
    }
    expectations.push(expectation(facts, predicates))
  }
  await session.close()
  expect(expectations.length).toBeGreaterThanOrEqual(datasets.length + 2)
  for (const reading of await readByPyIceberg(expectations)) expect(reading.differences, reading.metadata).toEqual([])
})

function expectation(facts: TableFacts, predicates: NonNullable<TableExpectation['predicates']>): TableExpectation {
  return { metadata: facts.metadata, ...facts.total, partitions: Object.fromEntries(facts.partitions), predicates }
}
