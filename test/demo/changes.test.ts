// The demo's change streams end in the tables that they were made from, in whatever order their files land; landing them again
// changes nothing; ClickHouse, which is not ours, reads the same current rows; and a table that is not its source is said to be none.
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { countries } from '#datasets/countries.ts'
import { jobs } from '#datasets/jobs.ts'
import { diskLake, type LocalLake } from '#lake/disk/disk-lake.ts'
import { startLocal } from '#local/run.ts'
import {
  type ChangeFile,
  type CountryRecord,
  countryChanges,
  type JobRecord,
  jobChanges,
} from '../../cli/demo-changes.ts'
import { checkSources } from '../../cli/demo-check.ts'
import { demoRecords } from '../../cli/demo-data.ts'

const GAPMINDER = await demoRecords<CountryRecord>('gapminder.json')
const JOBS = await demoRecords<JobRecord>('jobs.json')
const FILES = [...countryChanges(GAPMINDER), ...jobChanges(JOBS)]

const roots: string[] = []
afterAll(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

function freshLake(): { readonly root: string; readonly lake: LocalLake } {
  const root = mkdtempSync(join(tmpdir(), 'sluice-changes-'))
  roots.push(root)
  return { root, lake: diskLake(root) }
}

/** Lands each group when the one before it is in the tables. */
async function land(lake: LocalLake, groups: readonly (readonly ChangeFile[])[]): Promise<void> {
  const failed: string[] = []
  const runner = startLocal(lake, [countries, jobs], {
    onStep: step => {
      if (step.kind === 'dead' || (step.kind === 'finished' && step.status !== 'SUCCEEDED'))
        failed.push(JSON.stringify(step))
    },
  })
  for (const files of groups) {
    runner.landed(
      await Promise.all(
        files.map(({ key, text }) => lake.storage.put(`${lake.zones.landing}/${key}`, Buffer.from(text))),
      ),
    )
    await runner.idle()
  }
  await runner.close()
  expect(failed).toEqual([])
}

const EQUAL = [
  { table: 'countries', what: 'states, each with its time,', rows: 682, missing: [], surplus: [] },
  { table: 'jobs', what: 'current rows', rows: 358, missing: [], surplus: [] },
]

/** The same bytes under other names that DMS and the sink could have given: known to nobody as files. */
const again = (files: readonly ChangeFile[]): readonly ChangeFile[] =>
  files.map(({ key, text }) => {
    const name = key.slice(key.lastIndexOf('/') + 1)
    const other = name.startsWith('LOAD') ? name.replace('LOAD0', 'LOAD1') : name.replace(/^2026|^gapminder/, '$&0')
    return { key: `${dirname(key)}/${other}`, text: `${text}` }
  })

const ORDERS: Readonly<Record<string, readonly (readonly ChangeFile[])[]>> = {
  'all at once': [FILES],
  'the last first, one by one': FILES.toReversed().map(file => [file]),
  'in halves that mix the streams': [FILES.filter((_, at) => at % 2 === 1), FILES.filter((_, at) => at % 2 === 0)],
}

test.each(Object.keys(ORDERS))('landing %s', { timeout: 120_000 }, async order => {
  const { lake } = freshLake()
  await land(lake, ORDERS[order] ?? [])
  expect(await checkSources(lake)).toEqual(EQUAL)
})

test('landing everything again changes nothing, and ClickHouse reads what is there', { timeout: 120_000 }, async () => {
  const { root, lake } = freshLake()
  await land(lake, [FILES])
  const rows = (): string => {
    process.chdir(root)
    const chdb = createRequire(import.meta.url)('chdb') as { query(text: string, format: string): Buffer | string }
    const read = (query: string): string => String(chdb.query(query, 'TSV'))
    return [
      read(
        "SELECT country, year, region, population FROM icebergLocal('tables/countries') WHERE _is_current ORDER BY 1",
      ),
      read("SELECT job, sex, year, workers FROM icebergLocal('tables/jobs') ORDER BY 1, 2"),
    ].join('\n')
  }
  const before = rows()
  expect(before).toBe([lastCountries(), lastJobs()].join('\n'))
  await land(lake, [again(FILES.toReversed().slice(0, 5)), again(FILES.toReversed().slice(5))])
  expect(await checkSources(lake)).toEqual(EQUAL)
  expect(rows()).toBe(before)
})

const byBytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right))
const lastCountries = (): string =>
  GAPMINDER.filter(({ year }) => year === 2005)
    .map(({ country, cluster, pop }) => `${country}\t2005\t${REGION_NAMES[cluster]}\t${pop}\n`)
    .toSorted(byBytes)
    .join('')
const lastJobs = (): string =>
  JOBS.filter(({ year, count }) => year === 2000 && count > 0)
    .map(({ job, sex, count }) => `${job}\t${sex}\t2000\t${count}\n`)
    .toSorted(byBytes)
    .join('')

/** As Gapminder's documentation of the numbers has them. */
const REGION_NAMES = [
  ...['South Asia', 'Europe & Central Asia', 'Sub-Saharan Africa'],
  ...['America', 'East Asia & Pacific', 'Middle East & North Africa'],
]

test('a change that never came is missing from the table, and the check says which', { timeout: 60_000 }, async () => {
  const { lake } = freshLake()
  const line = FILES.find(({ text }) => text.includes('"country":"Ireland","year":2005'))
  const without = (file: ChangeFile): ChangeFile => ({
    ...file,
    text: `${file.text
      .trimEnd()
      .split('\n')
      .filter(each => !each.includes('"country":"Ireland","year":2005'))
      .join('\n')}\n`,
  })
  expect(line).toBeDefined()
  await land(lake, [FILES.map(without)])
  const [found, other] = await checkSources(lake)
  expect(found).toMatchObject({
    rows: 681,
    missing: [
      expect.stringMatching(/^\["Ireland",2000,.*,946684800000,1104537600000,false\]$/),
      expect.stringMatching(/^\["Ireland",2005,.*,1104537600000,null,true\]$/),
    ],
    surplus: [expect.stringMatching(/^\["Ireland",2000,.*,946684800000,null,true\]$/)],
  })
  expect(other).toEqual(EQUAL[1])
})

test('what the streams hold: deletes, repetitions, no order, the full load last; the same each time', () => {
  expect(jobChanges(JOBS)).toEqual(FILES.slice(-8))
  const events = FILES.slice(0, 6).flatMap(({ text }) => text.trimEnd().split('\n'))
  const ops = Map.groupBy(new Set(events), line => (JSON.parse(line) as { readonly op: string }).op)
  expect([...ops].map(([op, { length }]) => [op, length]).toSorted()).toEqual([
    ['c', 1],
    ['d', 1],
    ['r', 62],
    ['u', 619],
  ])
  expect(events.length - new Set(events).size).toBe(36)
  const changes = FILES.slice(6, -1).flatMap(({ text }) => text.trimEnd().split('\n').slice(1))
  const kinds = Map.groupBy(new Set(changes), line => line.slice(0, 2))
  expect(Object.fromEntries([...kinds].map(([kind, lines]) => [kind, lines.length]))).toEqual({
    'I,': 644,
    'U,': 4_741,
    'D,': 485,
  })
  const sequences = changes.map(line => line.slice(line.lastIndexOf(',') + 1))
  expect(sequences).not.toEqual(sequences.toSorted())
  expect(FILES.at(-1)?.key).toBe('jobs/LOAD00000001.csv')
})
