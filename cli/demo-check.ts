import type { LocalLake } from '#lake/disk/disk-lake.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { type CountryRecord, type JobRecord, nameThen, REGIONS } from './demo-changes.ts'
import { demoRecords } from './demo-data.ts'
import { makeView, withLakeSession } from './lake-session.ts'

/** What a table that change events feed must hold, by the files that the events were made from. */
export interface SourceCheck {
  readonly table: string
  /** What the rows are. */
  readonly what: string
  readonly rows: number
  /** Rows of the source that the table has not, and the other way round. */
  readonly missing: readonly string[]
  readonly surplus: readonly string[]
}

type Value = string | number | boolean | null
type Expected = readonly (readonly Value[])[]

/** Compares the tables of change streams with the source, value by value. */
export async function checkSources(lake: LocalLake): Promise<readonly SourceCheck[]> {
  const countries = expectedCountries(await demoRecords<CountryRecord>('gapminder.json'))
  const jobs = expectedJobs(await demoRecords<JobRecord>('jobs.json'))
  return [
    await checkSource(lake, {
      table: 'countries',
      what: 'states, each with its time,',
      expected: countries,
      query: sql`SELECT country, year, region, population::DOUBLE AS population, life_expectancy, fertility, epoch_ms(_valid_from)::DOUBLE AS since, epoch_ms(_valid_to)::DOUBLE AS until, _is_current AS is_current FROM countries`,
    }),
    await checkSource(lake, {
      table: 'jobs',
      what: 'current rows',
      expected: jobs,
      query: sql`SELECT job, sex, year, workers::DOUBLE AS workers, share FROM jobs`,
    }),
  ]
}

/** A row for each record, valid until the next of its country; under its former name where it had one. */
function expectedCountries(records: readonly CountryRecord[]): Expected {
  const years = [...new Set(records.map(({ year }) => year))].toSorted((left, right) => left - right)
  return records.map(record => {
    const { year, cluster, pop, life_expect, fertility } = record
    const next = years[years.indexOf(year) + 1]
    const validity = [Date.UTC(year), next === undefined ? null : Date.UTC(next), next === undefined]
    return [nameThen(record), year, REGIONS[cluster] ?? null, pop, life_expect, fertility, ...validity]
  })
}

/** Those that somebody still works in at the last census. */
function expectedJobs(records: readonly JobRecord[]): Expected {
  const last = Math.max(...records.map(({ year }) => year))
  return records
    .filter(({ year, count }) => year === last && count > 0)
    .map(({ job, sex, year, count, perc }) => [job, sex, year, count, perc])
}

interface Check {
  readonly table: string
  readonly what: string
  readonly expected: Expected
  readonly query: Sql
}

async function checkSource(lake: LocalLake, { table, what, expected, query }: Check): Promise<SourceCheck> {
  const found = await withLakeSession({ lake }, 'demo-check', async opened => {
    await makeView({ lake }, opened, { table: await openTable(lake, table), name: table })
    return (await opened.session.rows(query)).map(row => JSON.stringify(Object.values(row)))
  })
  const wanted = expected.map(row => JSON.stringify(row))
  return { table, what, rows: found.length, missing: without(wanted, found), surplus: without(found, wanted) }
}

/** What is left of a list when each member of the other has been taken out of it once. */
function without(list: readonly string[], other: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const each of other) counts.set(each, (counts.get(each) ?? 0) + 1)
  return list.filter(each => {
    const count = counts.get(each) ?? 0
    counts.set(each, count - 1)
    return count <= 0
  })
}
