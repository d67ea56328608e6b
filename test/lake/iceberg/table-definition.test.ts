// A table becomes what is declared and only when something changed: created once however many writers begin at the same time,
// evolved without a snapshot, left alone otherwise.
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { updateSpec } from '#lake/iceberg/spec-change.ts'
import { dataFileUri, loadTable, openTable } from '#lake/iceberg/table.ts'
import { ensureTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import { column, definition, manifestOnly } from './fixture.ts'
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

test('renames inside a struct follow the declaration; names that differ by case only are refused', async () => {
  const lake = memoryLake()
  await ensureTable(lake, definition('t', [column('s', { struct: [column('old', 'int')] })]))
  const renamed = definition('t', [column('s', { struct: [column('new', 'long', { from: ['old'] })] })])
  const { metadata } = await ensureTable(lake, renamed)
  expect(currentSchema(metadata).fields[0]?.type).toMatchObject({ fields: [{ id: 2, name: 'new', type: 'long' }] })
  await expect(ensureTable(lake, definition('t', [column('S', 'int')]))).rejects.toMatchObject({
    kind: 'contract-broken',
  })
})

test('a partition field that somebody renamed is not renamed back', async () => {
  const lake = memoryLake()
  const wanted = definition('t', [column('at', 'date')], {
    partitionBy: [{ column: 'at', transform: { name: 'day' } }],
  })
  await ensureTable(lake, wanted)
  await updateTable(lake, 't', base =>
    base['default-spec-id'] === 0 ? updateSpec(base, [{ type: 'rename', name: 'at_day', to: 'd' }]) : base,
  )
  const before = await openTable(lake, 't')
  expect((await ensureTable(lake, wanted)).entry).toEqual(before.entry)
})

test('only the format version that Sluice writes can be created', async () => {
  const lake = memoryLake()
  const columns = [column('a', 'int')]
  const { metadata } = await ensureTable(lake, definition('t', columns, { formatVersion: 2 }))
  expect(metadata['format-version']).toBe(2)
  await expect(ensureTable(lake, definition('v3', columns, { formatVersion: 3 }))).rejects.toMatchObject({
    kind: 'unsupported',
  })
  expect(await loadTable(lake, 'v3')).toBeUndefined()
})

test('data and metadata go where the table’s properties say, whether they end with a slash or not', async () => {
  const lake = memoryLake()
  const properties = {
    'write.data.path': `${lake.zones.tables}/elsewhere/data/`,
    'write.metadata.path': `${lake.zones.tables}/elsewhere/metadata`,
  }
  const table = await ensureTable(lake, definition('t', [column('a', 'int')], { properties }))
  expect(table.entry.metadataLocation).toMatch(/\/elsewhere\/metadata\/00000-[^/]+$/)
  expect(dataFileUri(table, manifestOnly(''), 'f.parquet')).toBe(`${lake.zones.tables}/elsewhere/data/f.parquet`)
})
