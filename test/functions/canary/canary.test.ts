// A canary lands once a quarter of an hour, goes the way of every object, and its absence is seen: by the watch when the pipeline is
// broken, and by nobody as long as it works.
import { expect, test } from 'vitest'
import { canary } from '#functions/canary/canary.ts'
import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { statusOf, watch } from '#functions/watch/watch.ts'
import { canaryDataset, withCanary } from '#lake/canary.ts'
import { defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { created } from '../ingest/landing.ts'
import { countCalls, dieAt, type Side } from '../mortal.ts'
import { tableRows } from '../quality/batches.ts'

const QUARTER_MS = 15 * 60_000

async function refined(lake: MemoryLake): Promise<void> {
  const { uri } = await canary(lake)
  const event = created(lake, uri.slice(lake.zones.landing.length + 1))
  for (const { batch } of (await ingest(lake, withCanary([]), event)).batches) {
    await quality(lake, canaryDataset, { batch })
    await publish(lake, canaryDataset, { batch })
  }
}

const codes = async (lake: MemoryLake) =>
  (await statusOf(lake, withCanary([]))).datasets.flatMap(each => each.findings.map(finding => finding.code))

test('one object each quarter of an hour, however often it is called', async () => {
  const lake = memoryLake({ startMs: Date.UTC(2026, 0, 1, 10, 7) })
  const first = await canary(lake)
  expect(first.uri).toBe(`${lake.zones.landing}/sluice-canary/2026-01-01T10-00-00.000Z.ndjson`)
  lake.clock.advance(60_000)
  expect((await canary(lake)).object).toBeUndefined()
  lake.clock.advance(QUARTER_MS)
  expect((await canary(lake)).object).toBeDefined()
})

test('it comes out in its table, where the newest is the only one, and all is well', async () => {
  const lake = memoryLake()
  await refined(lake)
  lake.clock.advance(QUARTER_MS)
  await refined(lake)
  const { id } = await canary(lake)
  expect((await tableRows(lake, canaryDataset.name)).map(row => row['id'])).toEqual([id])
  expect(await codes(lake)).toEqual([])
})

test('when nothing takes it up, the watch tells of it within the promise and a look', async () => {
  const lake = memoryLake()
  await refined(lake)
  const broken = async (): Promise<void> => {
    lake.clock.advance(QUARTER_MS)
    await canary(lake)
    await watch(lake, withCanary([]))
  }
  await broken()
  expect(await codes(lake)).toEqual([])
  await broken()
  await broken()
  expect(await codes(lake)).toEqual(['late-commit', 'late-events'])
  const told = lake.bus.published.filter(event => event['detail-type'] === 'Dataset Status Changed')
  expect(told.map(event => event.detail)).toMatchObject([{ dataset: 'sluice_canary', was: 'ok', status: 'alarm' }])
})

test('dying at any call and running again puts one', async () => {
  const calls = await countCalls(memoryLake(), lake => canary(lake))
  expect(calls).toBe(1)
  for (const side of ['before', 'after'] satisfies readonly Side[]) {
    const lake = memoryLake()
    await dieAt(lake, { at: 0, side }, mortal => canary(mortal))
    await canary(lake)
    const found = []
    for await (const { uri } of lake.storage.list(`${lake.zones.landing}/`)) found.push(uri)
    expect(found).toHaveLength(1)
  }
})

test('its name and its place are its own', () => {
  const source = { system: 's', format: 'ndjson', match: 'x/*' } as const
  const taken = defineDataset({ name: 'sluice_canary', source, columns: { a: 'int' } })
  expect(() => withCanary([taken])).toThrow('dataset "sluice_canary": name belongs to the canary of Sluice')
  expect(withCanary([])).toEqual([canaryDataset])
})
