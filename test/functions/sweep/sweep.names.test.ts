// Files are compared by their whole URI, whatever way a writer spells it, and the doubt always keeps the file. Files that the table needs
// and that are not there are named in the report.
import { expect, test } from 'vitest'
import { sweep } from '#functions/sweep/sweep.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { append, commitFiles, DAY_MS, dataFiles, expireAll, memoryLake, newTable, replaceAll, store } from './swept.ts'

test.each([
  // stored, as the manifest has it
  ['data/city=S%C3%A3o/x.parquet', 's3://memory-tables/tables/t/data/city=S%C3%A3o/x.parquet'],
  ['data/city=São Paulo/x.parquet', 's3://memory-tables/tables/t/data/city=S%C3%A3o%20Paulo/x.parquet'],
  ['data/city=S%C3%A3o/x.parquet', 's3://memory-tables/tables/t/data/city=São/x.parquet'],
  ['data/100%/x.parquet', 's3://memory-tables/tables/t/data/100%/x.parquet'],
  ['data/a+b=1&c/x.parquet', 's3://memory-tables/tables/t/data/a+b=1&c/x.parquet'],
  ['data/x.parquet', 's3a://memory-tables/tables/t/data/x.parquet'],
  ['data/x.parquet', 'S3N://memory-tables/tables//t/data//x.parquet'],
])('%s is what %s names', async (key, uri) => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await store(lake, `${lake.zones.tables}/t/${key}`)
  await store(lake, `${lake.zones.tables}/t/data/x/y.parquet`)
  await commitFiles(lake, 't', [uri])
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  expect(await lake.storage.head(`${lake.zones.tables}/t/${key}`)).toBeDefined()
  expect(report).toMatchObject({ deleted: { files: 1 }, missing: { files: 0 } })
})

test('two manifests whose names differ in an escape only are both read', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const uris = ['a b', 'a%20b'].map(name => `${lake.zones.tables}/t/data/${name}/x.parquet`)
  for (const uri of uris) await commitFiles(lake, 't', [await store(lake, uri)])
  lake.clock.advance(4 * DAY_MS)
  expect(await sweep(lake, { table: 't' })).toMatchObject({ deleted: { files: 0 }, live: { files: 9 } })
})

test('while a data file is missing, nothing is deleted: an orphan may be all that is left of its rows', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await append(lake, 't', 'a', 'lost', 'b')
  const lost = `${lake.zones.tables}/t/data/lost.parquet`
  await lake.storage.delete(lost)
  await store(lake, `${lake.zones.tables}/t/data/orphan.parquet`)
  lake.clock.advance(4 * DAY_MS)
  const report = await sweep(lake, { table: 't' })
  expect(report).toMatchObject({
    missing: { files: 1, named: [lost] },
    orphans: { data: { files: 0 } },
    spared: { files: 1, bytes: 10 },
    deleted: { files: 0 },
  })
  expect(await dataFiles(lake, 't')).toEqual(['a', 'b', 'orphan'])
})

test.each([['list'], ['manifest']] as const)('a lost %s: nothing is deleted', async what => {
  const lake = memoryLake()
  await newTable(lake, 't')
  await append(lake, 't', 'a')
  await replaceAll(lake, 't', 'b')
  const { metadata } = await openTable(lake, 't')
  await store(lake, `${lake.zones.tables}/t/data/orphan.parquet`)
  for await (const { uri } of lake.storage.list(`${metadata.location}/metadata/`))
    if (what === 'list' ? uri === metadata.snapshots[0]?.['manifest-list'] : /-m0\.avro$/.test(uri))
      await lake.storage.delete(uri)
  lake.clock.advance(4 * DAY_MS)
  await expect(sweep(lake, { table: 't' })).rejects.toMatchObject({
    kind: 'table-corrupt',
    message: expect.stringContaining('is missing'),
  })
  expect(await dataFiles(lake, 't')).toEqual(['a', 'b', 'orphan'])
})

test('files outside of the listed places are neither missed nor deleted', async () => {
  const lake = memoryLake()
  await newTable(lake, 't')
  const foreign = await store(lake, 's3://elsewhere/imported.parquet')
  await commitFiles(lake, 't', [foreign])
  await append(lake, 't', 'a')
  await expireAll(lake, 't')
  lake.clock.advance(4 * DAY_MS)
  expect((await sweep(lake, { table: 't' })).missing.files).toBe(0)
  expect(await lake.storage.head(foreign)).toBeDefined()
})
