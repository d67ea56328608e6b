// Contract: where a store keeps what was replaced and deleted, an erasure finds a person there, too, and leaves nothing of them in any version; what
// nobody has ingested yet stays, and so do the older versions of others.
import { expect, test } from 'vitest'
import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { eraseFound, findSubject, leftOver } from '#functions/quality/erase.ts'
import { quality } from '#functions/quality/quality.ts'
import { defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { expireSnapshots } from '#lake/expire.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Lake, Uri } from '#lake/lake.ts'
import { created, drop } from '../ingest/landing.ts'
import { tableRows } from './batches.ts'

const people = defineDataset({
  name: 'people',
  source: { system: 'crm', format: 'ndjson', match: 'people/*' },
  columns: { id: 'long', email: 'string' },
  publish: 'replace',
})
const request = { dataset: people, datasets: [people], parts: [{ column: 'email', value: 'ada@x' }] }

async function land(lake: MemoryLake, key: string, email: string): Promise<void> {
  await drop(lake, key, `${JSON.stringify({ id: 1, email })}\n`)
  for (const { batch } of (await ingest(lake, [people], created(lake, key))).batches) {
    await quality(lake, people, { batch })
    await publish(lake, people, { batch })
  }
}

async function filesOf(lake: Lake): Promise<readonly Uri[]> {
  const { metadata } = await openTable(lake, 'people')
  const found: Uri[] = []
  for await (const { uri } of lake.storage.list(`${metadata.location}/`)) found.push(uri)
  return found
}

/** As the sweeper does it: what only older snapshots needed is deleted, and nothing is purged. */
async function sweep(lake: Lake, before: readonly Uri[]): Promise<void> {
  await expireSnapshots(lake, { table: 'people', allOld: true })
  const [young] = (await filesOf(lake)).filter(uri => uri.endsWith('.parquet') && !before.includes(uri))
  expect(young).toBeDefined()
  for (const uri of before) if (!uri.endsWith('.metadata.json')) await lake.storage.delete(uri)
}

async function holding(lake: Lake, text: string): Promise<readonly Uri[]> {
  const found: Uri[] = []
  for (const zone of Object.values(lake.zones))
    for await (const { uri, version } of lake.storage.versions(`${zone}/`))
      if (Buffer.from(await lake.storage.get(uri, { version })).includes(text)) found.push(uri)
  return found
}

const erase = async (lake: Lake) => eraseFound(lake, request, await findSubject(lake, request), { quiesced: false })

test('files that were swept, and objects that left landing', async () => {
  const lake = memoryLake()
  await land(lake, 'people/a', 'ada@x')
  const before = await filesOf(lake)
  await land(lake, 'people/b', 'bob@x')
  await sweep(lake, before)
  await lake.storage.delete(`${lake.zones.landing}/people/a`)
  await lake.storage.delete(`${lake.zones.landing}/people/b`)
  const found = await findSubject(lake, request)
  expect(found.landing.hits).toMatchObject([{ waits: false, isCurrent: false }])
  const rows = found.tables.flatMap(each => (each.table === 'people' ? each.hits : []))
  expect(rows.some(each => !each.isCurrent && each.rows === 1)).toBe(true)
  expect(leftOver((await erase(lake)).proof)).toBe(0)
  expect(await holding(lake, 'ada@x')).toEqual([])
  const others = await holding(lake, 'bob@x')
  expect(others).toContain(`${lake.zones.landing}/people/b`)
  expect(await tableRows(lake, 'people', sql`email`)).toEqual([{ email: 'bob@x' }])
})

test('a version in landing that was replaced goes, and the one that waits beside it stays until it is ingested', async () => {
  const lake = memoryLake()
  const uri = `${lake.zones.landing}/people/a`
  await land(lake, 'people/a', 'ada@x')
  await lake.storage.put(uri, Buffer.from('{"id": 2, "email": "bob@x"}\n'))
  const first = await erase(lake)
  expect(first.proof.landing.hits).toMatchObject([{ uri, waits: true, isCurrent: false }])
  expect(Buffer.from(await lake.storage.get(uri)).toString()).toContain('bob@x')
  await ingest(lake, [people], created(lake, 'people/a'))
  expect(leftOver((await erase(lake)).proof)).toBe(0)
  expect(await holding(lake, 'ada@x')).toEqual([])
  expect(Buffer.from(await lake.storage.get(uri)).toString()).toContain('bob@x')
})

test('an older version of a raw object, which a run that died has left', async () => {
  const lake = memoryLake()
  await land(lake, 'people/a', 'ada@x')
  await land(lake, 'people/b', 'bob@x')
  for await (const { uri } of lake.storage.list(`${lake.zones.raw}/`)) {
    const { metadata = {} } = (await lake.storage.head(uri)) ?? {}
    const isHers = Buffer.from(await lake.storage.get(uri)).includes('ada@x')
    if (isHers) await lake.storage.put(uri, Buffer.from('{                    }\n'), { metadata })
  }
  expect((await findSubject(lake, request)).raw).toMatchObject({ hits: [], old: [expect.any(String)] })
  expect(leftOver((await erase(lake)).proof)).toBe(0)
  expect(await holding(lake, 'ada@x')).toEqual([])
})
