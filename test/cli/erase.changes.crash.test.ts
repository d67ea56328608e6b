// An erasure from a stream of changes that dies at any call that writes and is run again ends as one that did not: no event, row or tombstone of
// the person is left, the others are there, once, and a key that only the dead run knew is not forgotten.
import { expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { eraseFound, findSubject, leftOver } from '#functions/quality/erase.ts'
import { quality } from '#functions/quality/quality.ts'
import { defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { created, drop } from '../functions/ingest/landing.ts'
import { countCalls, dieAt, READS, type Side } from '../functions/mortal.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { holding } from './every-byte.ts'

const people = defineDataset({
  name: 'people',
  source: {
    ...{ system: 'crm', format: 'ndjson', match: 'people/*' },
    changes: { shape: 'debezium', connector: 'postgresql' },
  },
  columns: { id: 'string', email: 'string' },
  publish: { mode: 'merge', key: 'id' },
})
const request = { dataset: people, datasets: [people], parts: [{ column: 'email', value: 'ada@x' }] }

const event = (lsn: number, op: string, images: object): string =>
  JSON.stringify({ before: null, after: null, ...images, source: { connector: 'postgresql', lsn, ts_ms: 1 }, op })
const LINES = [
  event(1, 'c', { after: { id: 'key-of-ada', email: 'ada@x' } }),
  event(2, 'c', { after: { id: 'key-of-bob', email: 'bob@x' } }),
  event(3, 'u', { before: { id: 'key-of-ada' }, after: { id: 'key-of-ada', email: 'later@x' } }),
  // Nothing but the key says whose tombstone this leaves.
  event(4, 'd', { before: { id: 'key-of-ada' } }),
]

async function scene(): Promise<MemoryLake> {
  const lake = memoryLake()
  await drop(lake, 'people/a', LINES.map(line => `${line}\n`).join(''))
  for (const { batch } of (await ingest(lake, [people], created(lake, 'people/a'))).batches) {
    await quality(lake, people, { batch })
    await cdcApply(lake, people, { batch })
    await publish(lake, people, { batch })
  }
  return lake
}

async function erase(lake: Lake): Promise<number> {
  const { proof } = await eraseFound(lake, request, await findSubject(lake, request), { quiesced: true })
  return leftOver(proof)
}

test('dying at any call that writes and running again', { timeout: 600_000 }, async () => {
  const calls = await countCalls(await scene(), erase, READS)
  expect(calls).toBeGreaterThan(30)
  // After one call that writes is before the next one.
  const deaths = [{ at: 0, side: 'before' }, ...Array.from({ length: calls }, (_, at) => ({ at, side: 'after' }))]
  for (const { at, side } of deaths as readonly { readonly at: number; readonly side: Side }[]) {
    const lake = await scene()
    expect(await dieAt(lake, { at, side, spared: READS }, erase), `${side} ${at}`).toBe('dead')
    expect(await erase(lake), `${side} ${at}`).toBe(0)
    expect(await holding(lake, 'ada@x', 'later@x', 'key-of-ada'), `${side} ${at}`).toEqual([])
    const rows = await tableRows(lake, 'people', sql`concat_ws(' ', id, email) AS text`)
    expect(rows, `${side} ${at}`).toEqual([{ text: 'key-of-bob bob@x' }])
    lake.dispose()
  }
})
