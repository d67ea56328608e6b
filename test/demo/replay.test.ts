// The whole raw zone of the demo, replayed in three other orders and batchings: object by object from the last to the first, all objects of a
// dataset in one batch, and every other object first. Every table is logically identical each time, be it appended to, replaced, merged or a history.
// A table of changes that has everything knows what comes again, so each order builds them from nothing, in tables beside.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { datasets } from '#datasets/index.ts'
import { control, planReplay, replayRequest } from '#functions/replay/replay.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { runReplay } from '#local/executions.ts'
import { query } from '../local/lake-state.ts'
import { runDemo } from './demo-lake.ts'

const root = mkdtempSync(join(tmpdir(), 'sluice-demo-replay-'))
const lake = diskLake(root)
let before: Readonly<Record<string, string>>

beforeAll(async () => {
  await runDemo(root)
  before = await contents()
}, 180_000)

test('the demo has tables of every kind, with rows, and refused records', () => {
  const modes = new Set(datasets.map(({ publish }) => publish.mode))
  expect([...modes].toSorted()).toEqual(['append', 'history', 'merge', 'replace'])
  expect(Object.keys(before)).toEqual(expect.arrayContaining(datasets.map(({ name }) => name)))
  expect(Object.keys(before).filter(name => name.endsWith('__quarantine')).length).toBeGreaterThan(0)
})

afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Of an event that a stream delivered twice, a row names the delivery that came first, or the last of one batch: the one thing that order changes. */
const DELIVERY = sql`_raw_object, _raw_row, _ingested_at, _place, _authors`

/** Count and checksum of all rows with all columns, where they came from included. Quarantined records name their batch, which is another. */
async function contents(suffix = ''): Promise<Readonly<Record<string, string>>> {
  const tables = new Set(await lake.catalog.tables())
  const found: Record<string, string> = {}
  for (const { name, source } of datasets)
    for (const side of ['', '__quarantine']) {
      const table = `${name}${suffix}${side}`
      if (!tables.has(table)) continue
      const own = source.changes === undefined ? sql`*` : sql`* EXCLUDE (${DELIVERY})`
      const columns = side === '' ? own : sql`* EXCLUDE (batch)`
      const [row] = await query(
        lake,
        table,
        rows =>
          sql`SELECT concat_ws(' ', count(*), sum(hash(r)::HUGEINT)) AS text FROM (SELECT ${columns} FROM ${rows}) AS r`,
      )
      // A table beside is made with a quarantine, also when nothing is refused.
      if (!String(row?.['text']).startsWith('0')) found[`${name}${side}`] = String(row?.['text'])
    }
  return found
}

let replays = 0

async function replayed(given: Readonly<Record<string, unknown>>, objectsMax: number): Promise<number> {
  const id = `demo-${++replays}`
  const request = replayRequest(datasets, { mode: 'all', grace: 0, ...given })
  const plan = await planReplay(lake, id, request, { limits: { objectsMax, bytesMax: 2_000_000_000 } })
  await control(lake, id, 'start')
  const input = { replay: id, generation: 1 }
  const result = await runReplay({ lake, datasets, step: () => undefined }, { name: id, input })
  expect(result.status, JSON.stringify(given)).toBe('SUCCEEDED')
  return plan.objects
}

/** The landing keys of all raw objects, with their datasets. */
async function keys(): Promise<readonly { readonly dataset: string; readonly key: string }[]> {
  const found: { dataset: string; key: string }[] = []
  for await (const { uri } of lake.storage.list(`${lake.zones.raw}/`)) {
    const metadata = (await lake.storage.head(uri))?.metadata
    found.push({ dataset: metadata?.['dataset'] ?? '', key: metadata?.['source-key'] ?? '' })
  }
  return found
}

test('object by object, from the last to the first', async () => {
  const all = await keys()
  expect(all.length).toBeGreaterThanOrEqual(8)
  for (const given of all.toReversed()) expect(await replayed({ ...given, into: `${given.dataset}_v1` }, 1)).toBe(1)
  expect(await contents('_v1')).toEqual(before)
}, 180_000)

test('all objects of each dataset in one batch, into tables beside', async () => {
  for (const { name } of datasets.toReversed()) await replayed({ dataset: name, into: `${name}_v2` }, 1_000)
  expect(await contents('_v2')).toEqual(before)
  expect(await contents()).toEqual(before)
}, 180_000)

test('every other object first, then the others', async () => {
  const all = await keys()
  const parts = [0, 1].map(part => all.filter((_given, at) => at % 2 === part))
  const ofChanges = new Set(datasets.filter(({ source }) => source.changes !== undefined).map(({ name }) => name))
  for (const given of parts.flat())
    await replayed(ofChanges.has(given.dataset) ? { ...given, into: `${given.dataset}_v3` } : given, 2)
  expect(await contents()).toEqual(before)
  const changed = Object.entries(before).filter(([name]) => ofChanges.has(name.replace('__quarantine', '')))
  expect(changed.length).toBeGreaterThanOrEqual(2)
  expect(await contents('_v3')).toEqual(Object.fromEntries(changed))
}, 180_000)
