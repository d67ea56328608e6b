// A table becomes what is declared and only when something changed: created once however many writers begin at the same time,
// evolved without a snapshot, left alone otherwise.
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { loadTable, openTable } from '#lake/iceberg/table.ts'
import { ensureTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import { column, definition } from './fixture.ts'
import { losingCatalog, withCatalog } from './losing-catalog.ts'

test('a dataset’s table has its columns, the lineage columns and properties that engines know', async () => {
  const lake = memoryLake()
  const dataset = defineDataset({
    name: 'orders',
    description: 'what was ordered',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
    columns: { id: 'long', at: 'timestamptz' },
    partitionBy: ['day(at)'],
    sortBy: ['id'],
  })
  const { metadata, entry } = await ensureTable(lake, tableDefinition(dataset))
  const names = currentSchema(metadata).fields.map(field => field.name)
  expect(names.slice(0, 2)).toEqual(['id', 'at'])
  expect(names).toEqual(expect.arrayContaining(['_raw_object', '_raw_row', '_ingested_at']))
  expect(metadata['partition-specs'][0]?.fields[0]).toMatchObject({
    name: 'at_day',
    transform: 'day',
    'field-id': 1000,
  })
  expect(metadata.location).toBe(`${lake.zones.tables}/orders`)
  expect(entry.metadataLocation).toMatch(/\/orders\/metadata\/00000-[0-9a-f-]{36}\.metadata\.json$/)
  expect(metadata.properties).toMatchObject({
    comment: 'what was ordered',
    'write.parquet.compression-codec': 'zstd',
    'write.target-file-size-bytes': String(dataset.compaction.targetFileBytes),
    'history.expire.min-snapshots-to-keep': String(dataset.retention.minSnapshots),
  })
})

test('the same declaration again writes nothing', async () => {
  const lake = memoryLake()
  const wanted = definition('t', [column('a', 'int')])
  const first = await ensureTable(lake, wanted)
  const again = await ensureTable(lake, wanted)
  expect(again.entry).toEqual(first.entry)
})

test('ten writers at once create one table, and evolve it once', async () => {
  const lake = memoryLake()
  const tables = await Promise.all(
    Array.from({ length: 10 }, () => ensureTable(lake, definition('t', [column('a', 'int')]))),
  )
  expect(new Set(tables.map(table => table.metadata['table-uuid'])).size).toBe(1)
  const wider = definition('t', [column('a', 'long'), column('b', 'string')], { properties: { p: '1' } })
  await Promise.all(Array.from({ length: 10 }, () => ensureTable(lake, wider)))
  const { metadata } = await openTable(lake, 't')
  expect([metadata.schemas.length, metadata['last-column-id'], metadata['metadata-log'].length]).toEqual([2, 2, 1])
  expect(metadata.snapshots).toEqual([])
})

test('a lost answer to an evolution is settled by looking', async () => {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', [column('a', 'int')]))
  const losing = losingCatalog(lake.catalog, ['conflict', 'lost'])
  const table = await ensureTable(withCatalog(lake, losing), definition('t', [column('a', 'long')]))
  expect(currentSchema(table.metadata).fields[0]?.type).toBe('long')
  expect(losing.swaps()).toBe(2)
})

test('a declaration that the table cannot follow leaves it as it is', async () => {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', [column('a', 'string')]))
  const before = await openTable(lake, 't')
  const wanted = definition('t', [column('a', 'int')])
  await expect(ensureTable(lake, wanted)).rejects.toMatchObject({ kind: 'contract-broken' })
  expect((await openTable(lake, 't')).entry).toEqual(before.entry)
})

test('a table that is not there', async () => {
  const lake = memoryLake()
  expect(await loadTable(lake, 'none')).toBeUndefined()
  await expect(openTable(lake, 'none')).rejects.toMatchObject({ kind: 'not-found' })
})
