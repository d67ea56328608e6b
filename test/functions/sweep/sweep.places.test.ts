// Only what stands below the table's own prefixes is looked at. Tables whose places overlap, or that are not in the zone of the tables,
// are refused, and so is a table that says that its files are used by others.
import { expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import type { Lake } from '#lake/lake.ts'
import { alter, append, commitFiles, DAY_MS, dataFiles, memoryLake, newTable, store, stored } from './swept.ts'

const ORPHAN = 'data/orphan.parquet'

async function refusal(lake: Lake, table: string): Promise<unknown> {
  return sweep(lake, { table }).then(
    () => undefined,
    (error: unknown) => error,
  )
}

test('siblings whose names begin alike, other zones and what lies above', async () => {
  const lake = memoryLake()
  for (const name of ['flights', 'flights__quarantine', 'flights2']) await newTable(lake, name)
  const places = ['flights__quarantine', 'flights2', 'flights_old'].map(
    name => `${lake.zones.tables}/${name}/${ORPHAN}`,
  )
  places.push(`${lake.zones.tables}/loose.parquet`, `${lake.zones.raw}/flights/x.parquet`)
  places.push(`${lake.zones.staging}/flights/b1/x.parquet`)
  for (const uri of [...places, `${lake.zones.tables}/flights/${ORPHAN}`]) await store(lake, uri)
  lake.clock.advance(30 * DAY_MS)
  expect((await sweep(lake, { table: 'flights' })).deleted.files).toBe(1)
  for (const uri of places) expect(await lake.storage.head(uri), uri).toBeDefined()
})

test('write.data.path and write.metadata.path elsewhere in the zone are the table’s own', async () => {
  const lake = memoryLake()
  const [data, metadata] = ['d', 'm'].map(name => `${lake.zones.tables}/elsewhere/${name}`)
  await newTable(lake, 't', { 'write.data.path': `${data}/`, 'write.metadata.path': metadata as string })
  const live = await store(lake, `${data}/live.parquet`)
  await commitFiles(lake, 't', [live])
  for (const uri of [`${data}/x.parquet`, `${metadata}/x.avro`, `${lake.zones.tables}/t/${ORPHAN}`])
    await store(lake, uri)
  await store(lake, `${lake.zones.tables}/elsewhere/other.parquet`)
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  expect(report.deleted.files).toBe(3)
  const left = (await stored(lake)).filter(key => !/\/(snap-|\d{5}-|[\da-f-]{36}-m)/.test(key))
  expect(left).toEqual(['elsewhere/d/live.parquet', 'elsewhere/other.parquet'])
  expect(report.missing.files).toBe(0)
})

test.each([
  ['inside its location', (zone: string) => ({ location: `${zone}/t/inner` })],
  ['around its location', (zone: string) => ({ location: zone })],
  ['at its location', (zone: string) => ({ location: `${zone}/t/` })],
  ['with its data inside', (zone: string) => ({ properties: { 'write.data.path': `${zone}/t/data` } })],
])('another table %s: refused, and by that one as well', async (_where, change) => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await newTable(lake, 'other')
  await alter(lake, 'other', change(lake.zones.tables))
  await store(lake, `${lake.zones.tables}/t/${ORPHAN}`)
  lake.clock.advance(4 * DAY_MS)
  expect(await refusal(lake, 't')).toMatchObject({ kind: 'unsupported', message: expect.stringContaining('other') })
  expect(await refusal(lake, 'other')).toMatchObject({ kind: 'unsupported' })
  expect(await dataFiles(lake, 't')).toEqual(['orphan'])
})

test('another table whose metadata cannot be read is where its metadata file is', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const entry = { location: `${lake.zones.tables}/b`, columns: [] }
  const broken = await store(lake, `${lake.zones.tables}/b/metadata/00000-x.metadata.json`)
  await lake.catalog.create('broken', { ...entry, metadataLocation: broken })
  await store(lake, `${lake.zones.tables}/t/${ORPHAN}`)
  lake.clock.advance(4 * DAY_MS)
  expect((await sweep(lake, { table: 't' })).deleted.files).toBe(1)
  const nested = await store(lake, `${lake.zones.tables}/t/b/metadata/00000-x.metadata.json`)
  await lake.catalog.create('nested', { ...entry, metadataLocation: nested })
  expect(await refusal(lake, 't')).toMatchObject({ kind: 'unsupported', message: expect.stringContaining('nested') })
})

test.each([
  ['s3://elsewhere/t'],
  ['s3://memory-tables/tables'],
  ['s3://memory-tables/tables/'],
  ['s3://memory-tables/tables2/t'],
  ['s3://memory-tables'],
  ['s3://memory-raw/t'],
])('a table at %s: refused', async location => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await alter(lake, 't', { location })
  lake.clock.advance(4 * DAY_MS)
  expect(await refusal(lake, 't')).toMatchObject({ kind: 'unsupported', context: { table: 't' } })
})

test('a place for data outside of the zone is left alone', async () => {
  const lake = memoryLake()
  await newTable(lake, 't', { 'write.data.path': `${lake.zones.raw}/t` })
  const raw = await store(lake, `${lake.zones.raw}/t/x.parquet`)
  lake.clock.advance(4 * DAY_MS)
  await sweep(lake, { table: 't' })
  expect(await lake.storage.head(raw)).toBeDefined()
})

test('gc.enabled=false: refused', async () => {
  const lake = memoryLake()
  await newTable(lake, 't', { 'gc.enabled': 'false' })
  await append(lake, 't', 'a')
  expect(await refusal(lake, 't')).toMatchObject({
    kind: 'unsupported',
    message: expect.stringContaining('gc.enabled'),
  })
})
