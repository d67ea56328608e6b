// An erasure that dies at any call and is run again ends as one that did not: nothing is left, all others are there, once, and no
// older version of a raw object or of a table's file can be read any more.
import { expect, test } from 'vitest'
import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { eraseFound, findSubject, leftOver } from '#functions/quality/erase.ts'
import { quality } from '#functions/quality/quality.ts'
import { readDocument } from '#lake/batch.ts'
import { defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type LedgerEntry, ledgerUri } from '#lake/erasure.ts'
import type { Lake } from '#lake/lake.ts'
import { created, drop } from '../functions/ingest/landing.ts'
import { countCalls, dieAt, READS, type Side } from '../functions/mortal.ts'
import { tableRows } from '../functions/quality/batches.ts'

const people = defineDataset({
  name: 'people',
  source: { system: 'crm', format: 'ndjson', match: 'people/*' },
  columns: { id: { type: 'long', required: true }, email: 'string' },
})
const request = { dataset: people, datasets: [people], parts: [{ column: 'email', value: 'ada@x' }] }

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  const text = '{"id":1,"email":"ada@x"}\n{"id":2,"email":"bob@x"}\n{"id":"?","email":"ada@x"}\n'
  await drop(lake, 'people/a', text)
  for (const { batch } of (await ingest(lake, [people], created(lake, 'people/a'))).batches) {
    await quality(lake, people, { batch })
    await publish(lake, people, { batch })
  }
  return lake
}

async function erase(lake: Lake): Promise<number> {
  const { proof } = await eraseFound(lake, request, await findSubject(lake, request), { quiesced: true })
  return leftOver(proof)
}

/** What was written to raw and to tables, each version of it: the memory of a bucket. */
async function readable(lake: MemoryLake, versions: ReadonlyMap<string, ReadonlySet<string>>): Promise<number> {
  let found = 0
  for (const [uri, all] of versions)
    for (const version of all)
      if ((await lake.storage.head(uri, { version })) !== undefined) {
        const bytes = Buffer.from(await lake.storage.get(uri, { version }))
        if (bytes.includes('ada@x')) found++
      }
  return found
}

async function versionsOf(lake: MemoryLake): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>()
  for (const zone of [lake.zones.raw, lake.zones.tables, lake.zones.landing, lake.zones.staging])
    for await (const { uri, version } of lake.storage.list(`${zone}/`)) found.set(uri, new Set([version]))
  return found
}

async function expectErased(lake: MemoryLake, where: string): Promise<void> {
  expect(
    (await tableRows(lake, 'people', sql`id::INTEGER AS id`)).map(row => row['id']),
    where,
  ).toEqual([2])
  expect(await tableRows(lake, 'people__quarantine'), where).toEqual([])
}

test('once: nothing is left, and older versions are destroyed', async () => {
  const lake = await scene()
  const before = await versionsOf(lake)
  expect(await readable(lake, before)).toBeGreaterThan(0)
  expect(await erase(lake)).toBe(0)
  await expectErased(lake, 'once')
  expect(await readable(lake, before)).toBe(0)
})

test('dying at any call that writes and running again', { timeout: 400_000 }, async () => {
  const calls = await countCalls(await scene(), erase, READS)
  expect(calls).toBeGreaterThan(25)
  // After one call that writes is before the next one.
  const deaths = [{ at: 0, side: 'before' }, ...Array.from({ length: calls }, (_, at) => ({ at, side: 'after' }))]
  for (const { at, side } of deaths as readonly { readonly at: number; readonly side: Side }[]) {
    const lake = await scene()
    const before = await versionsOf(lake)
    expect(await dieAt(lake, { at, side, spared: READS }, erase), `${side} ${at}`).toBe('dead')
    expect(await erase(lake), `${side} ${at}`).toBe(0)
    await expectErased(lake, `${side} ${at}`)
    expect(await readable(lake, before), `${side} ${at}`).toBe(0)
  }
})

test('a run that died has left its line in the ledger', async () => {
  const lake = await scene()
  const calls = await countCalls(await scene(), erase)
  await dieAt(lake, { at: Math.floor(calls / 2), side: 'after' }, erase)
  const { erasure } = await eraseFound(lake, request, await findSubject(lake, request), { quiesced: true })
  const entry = await readDocument<LedgerEntry>(lake, ledgerUri(lake, erasure))
  expect(entry?.runs.map(run => run.finishedMs === undefined)).toEqual([true, false])
})
