// What any retained snapshot, ref, log or property of the table's metadata leads to stays, however old it is; what nothing leads to goes,
// once it is older than the grace. A dry run counts the same and deletes nothing.
import { expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import { openTable } from '#lake/iceberg/table.ts'
import {
  alter,
  append,
  checkReadable,
  DAY_MS,
  dataFiles,
  expireAll,
  memoryLake,
  newTable,
  replaceAll,
  store,
  stored,
} from './swept.ts'

test('a table of which nothing was expired keeps every file', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await append(lake, 't', 'a', 'b')
  await replaceAll(lake, 't', 'c')
  lake.clock.advance(400 * DAY_MS)
  const before = await stored(lake)
  const report = await sweep(lake, { table: 't' })
  expect(await stored(lake)).toEqual(before)
  expect(report.deleted).toEqual({ files: 0, bytes: 0 })
  expect(report.live.files).toBe(before.length)
  expect(report.listed.files).toBe(before.length)
  expect(report.missing).toEqual({ files: 0, named: [] })
})

test('files that only expired snapshots need go, with their manifests and lists', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const first = await append(lake, 't', 'a', 'b')
  const last = await replaceAll(lake, 't', 'c')
  await expireAll(lake, 't')
  lake.clock.advance(4 * DAY_MS)
  const would = await sweep(lake, { table: 't', dryRun: true })
  expect(await dataFiles(lake, 't')).toEqual(['a', 'b', 'c'])
  const report = await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['c'])
  expect(report.orphans.data).toEqual({ files: 2, bytes: 20 })
  // The list and the manifest of the first snapshot; the second rewrote that manifest and has a list of its own.
  expect(report.orphans.metadata.files).toBe(2)
  expect(report.deleted.files).toBe(4)
  expect({ ...would, dryRun: false, deleted: report.deleted }).toEqual(report)
  expect(would.deleted).toEqual({ files: 0, bytes: 0 })
  const lists = (await stored(lake)).filter(key => key.includes('/snap-'))
  expect(lists.some(key => key.includes(String(first.metadata['current-snapshot-id'])))).toBe(false)
  expect(lists.some(key => key.includes(String(last.metadata['current-snapshot-id'])))).toBe(true)
  expect(await checkReadable(lake, 't')).toHaveLength(1)
})

test('a tag keeps its snapshot readable', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const { metadata } = await append(lake, 't', 'a')
  const id = metadata['current-snapshot-id'] as bigint
  await replaceAll(lake, 't', 'b')
  await replaceAll(lake, 't', 'c')
  const current = (await openTable(lake, 't')).metadata
  const snapshots = current.snapshots.filter(each => [id, current['current-snapshot-id']].includes(each['snapshot-id']))
  await alter(lake, 't', { snapshots, refs: { ...current.refs, q1: { 'snapshot-id': id, type: 'tag' } } })
  lake.clock.advance(4 * DAY_MS)
  await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['a', 'c'])
  expect(await checkReadable(lake, 't')).toHaveLength(2)
})

test('metadata files of the log stay, older ones and those of lost races go and are counted apart', async () => {
  const lake = memoryLake()
  await newTable(lake, 't', { 'write.metadata.previous-versions-max': '2' })
  for (const file of ['a', 'b', 'c', 'd']) await append(lake, 't', file)
  await store(lake, `${lake.zones.tables}/t/metadata/00004-lost.metadata.json`, 7)
  await store(lake, `${lake.zones.tables}/t/metadata/00004-lost.gz.metadata.json`, 7)
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  const names = (await stored(lake)).filter(key => key.endsWith('.metadata.json'))
  expect(names.map(name => name.slice(0, 16))).toEqual(['t/metadata/00002', 't/metadata/00003', 't/metadata/00004'])
  expect(report.orphans['old-metadata'].files).toBe(4)
  expect(report.deleted.files).toBe(4)
})

test('statistics and the memory of applied commits stay', async () => {
  const lake = memoryLake()
  await newTable(lake, 't', { 'sluice.applied-commits': `${lake.zones.tables}/t/metadata/1-x.commits` })
  const { metadata } = await append(lake, 't', 'a')
  const id = metadata['current-snapshot-id']
  const place = `${metadata.location}/metadata`
  for (const name of ['s.stats', 'p.parquet', '1-x.commits', '0-old.commits', 'old.stats'])
    await store(lake, `${place}/${name}`)
  await alter(lake, 't', { statistics: [{ 'snapshot-id': id, 'statistics-path': `${place}/s.stats` }] })
  await alter(lake, 't', { 'partition-statistics': [{ 'snapshot-id': id, 'statistics-path': `${place}/p.parquet` }] })
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  const left = (await stored(lake)).filter(key => /\.(stats|parquet|commits)$/.test(key))
  expect(left).toEqual(['t/data/a.parquet', 't/metadata/1-x.commits', 't/metadata/p.parquet', 't/metadata/s.stats'])
  expect(report.deleted.files).toBe(2)
})

test('a snapshot that was rolled back or only staged is kept as long as it is in the metadata', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const first = await append(lake, 't', 'a')
  await append(lake, 't', 'bad')
  const { metadata } = await openTable(lake, 't')
  const main = { 'snapshot-id': first.metadata['current-snapshot-id'] as bigint, type: 'branch' } as const
  await alter(lake, 't', { 'current-snapshot-id': main['snapshot-id'], refs: { ...metadata.refs, main } })
  lake.clock.advance(4 * DAY_MS)
  await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['a', 'bad'])
  await expireAll(lake, 't')
  lake.clock.advance(4 * DAY_MS)
  await sweep(lake, { table: 't' })
  expect(await dataFiles(lake, 't')).toEqual(['a'])
})

test('a table without snapshots', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await store(lake, `${lake.zones.tables}/t/data/x.parquet`)
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  expect(report.deleted.files).toBe(1)
  expect(await stored(lake)).toHaveLength(1)
})

test('nobody else can be told from a writer of tables by its age: foreign names stay', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await append(lake, 't', 'a')
  const place = `${lake.zones.tables}/t`
  const foreign = [
    'README.txt',
    'data/_SUCCESS',
    'data/.a.parquet.crc',
    'data/_temporary/0/x.parquet',
    '_delta_log/00000.checkpoint.parquet',
    'metadata/version-hint.text',
  ]
  const orphans = ['data/_day=2026-01-01/x.parquet', 'x.orc', 'data/deep/er/y.avro', 'metadata/dv.puffin']
  for (const name of [...foreign, ...orphans]) await store(lake, `${place}/${name}`)
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  const left = await stored(lake)
  for (const name of foreign) expect(left).toContain(`t/${name}`)
  for (const name of orphans) expect(left).not.toContain(`t/${name}`)
  expect(report.foreign).toEqual({ files: 6, bytes: 60 })
  expect(report.deleted).toEqual({ files: 4, bytes: 40 })
})
