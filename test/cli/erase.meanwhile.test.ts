// Others go on while an erasure runs: another person's erasure from the same objects, and a batch that is committed in its middle. What an erasure
// says is left is left, and running it again ends with nothing left; nobody else's row is lost or doubled.
import { expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { ingest } from '#functions/ingest/ingest.ts'
import { publish } from '#functions/publish/publish.ts'
import { type EraseRequest, eraseFound, findSubject, leftOver } from '#functions/quality/erase.ts'
import { quality } from '#functions/quality/quality.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { type MemoryLake, memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import type { Lake } from '#lake/lake.ts'
import { created, drop } from '../functions/ingest/landing.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { holding } from './every-byte.ts'

const people = defineDataset({
  name: 'people',
  source: { system: 'crm', format: 'ndjson', match: 'people/*' },
  columns: { id: { type: 'long', required: true }, email: 'string' },
})
const changing = defineDataset({
  name: 'people',
  source: {
    ...{ system: 'crm', format: 'ndjson', match: 'people/*' },
    changes: { shape: 'debezium', connector: 'postgresql' },
  },
  columns: { id: 'long', email: 'string' },
  publish: { mode: 'merge', key: 'id' },
})
const event = (lsn: number, op: string, row: object): string =>
  JSON.stringify({ before: null, after: row, source: { connector: 'postgresql', lsn, ts_ms: 1 }, op })

const KINDS: readonly (readonly [string, Dataset, (lsn: number, id: number, email: string) => string])[] = [
  ['append', people, (_lsn, id, email) => JSON.stringify({ id, email })],
  ['merge', changing, (lsn, id, email) => event(lsn, 'c', { id, email })],
]

async function land(lake: Lake, dataset: Dataset, key: string, lines: readonly string[]): Promise<readonly string[]> {
  await drop(lake as MemoryLake, key, lines.map(line => `${line}\n`).join(''))
  return (await ingest(lake, [dataset], created(lake as MemoryLake, key))).batches.map(({ batch }) => batch)
}
async function refine(lake: Lake, dataset: Dataset, batch: string): Promise<void> {
  await quality(lake, dataset, { batch })
  if (dataset === changing) await cdcApply(lake, dataset, { batch })
  await publish(lake, dataset, { batch })
}
const requestOf = (dataset: Dataset, value: string): EraseRequest => ({
  ...{ dataset, datasets: [dataset], parts: [{ column: 'email', value }] },
})

/** As people do who are told to run it again: of a conflict, or of what is left. */
async function untilNothingIsLeft(lake: Lake, request: EraseRequest): Promise<void> {
  for (let run = 1; run <= 6; run++)
    try {
      const { proof } = await eraseFound(lake, request, await findSubject(lake, request), { quiesced: true })
      if (leftOver(proof) === 0) return
    } catch (error) {
      if (!isLakeError(error)) throw error
    }
  throw new Error('something is left after six runs')
}
const rowsOf = async (lake: Lake) =>
  (await tableRows(lake, 'people', sql`concat_ws(' ', id, email) AS text`)).map(row => row['text']).toSorted()

test.each(KINDS)(
  '%s: two erasures at once, from the same objects',
  { timeout: 120_000 },
  async (_kind, dataset, line) => {
    const lake = memoryLake()
    const lines = [
      line(1, 1, 'ada@x'),
      line(2, 2, 'bob@x'),
      line(3, 3, 'eve@x'),
      '{"email": "ada@x',
      '{"email": "eve@x',
    ]
    for (const batch of await land(lake, dataset, 'people/a', lines)) await refine(lake, dataset, batch)
    for (const batch of await land(lake, dataset, 'people/b', [line(9, 4, 'zoe@x')])) await refine(lake, dataset, batch)
    const [ada, eve] = [requestOf(dataset, 'ada@x'), requestOf(dataset, 'eve@x')]
    const once = async (request: EraseRequest) =>
      eraseFound(lake, request, await findSubject(lake, request), { quiesced: false })
    const ran = await Promise.allSettled([once(ada), once(eve)])
    for (const each of ran)
      if (each.status === 'rejected') expect(isLakeError(each.reason), String(each.reason)).toBe(true)
    for (const request of [ada, eve]) await untilNothingIsLeft(lake, request)
    expect([leftOver(await findSubject(lake, ada)), leftOver(await findSubject(lake, eve))]).toEqual([0, 0])
    expect(await holding(lake, 'ada@x', 'eve@x')).toEqual([])
    expect(await rowsOf(lake)).toEqual(['2 bob@x', '4 zoe@x'])
    expect(await tableRows(lake, 'people__quarantine')).toEqual([])
  },
)

test.each(KINDS)('%s: a batch is committed in the middle', { timeout: 120_000 }, async (_kind, dataset, line) => {
  const lake = memoryLake()
  for (const batch of await land(lake, dataset, 'people/a', [line(1, 1, 'ada@x'), line(2, 2, 'bob@x')]))
    await refine(lake, dataset, batch)
  const [late] = await land(lake, dataset, 'people/b', [line(3, 5, 'ada@x'), line(4, 4, 'zoe@x')])
  // Staged from the bytes of before, and committed once the table's rows are gone.
  await quality(lake, dataset, { batch: late as string })
  const request = requestOf(dataset, 'ada@x')
  let told = false
  const onProgress = (text: string): void => {
    if (text.startsWith('expiring')) told = true
  }
  const [erased] = await Promise.allSettled([
    eraseFound(lake, request, await findSubject(lake, request), { quiesced: false, onProgress }),
    refine(lake, dataset, late as string),
  ])
  expect(told, String(erased.status === 'rejected' ? erased.reason : '')).toBe(true)
  // A batch whose staged files went is staged again from raw as it is now, as the state machine and replays do.
  await refine(lake, dataset, late as string)
  await untilNothingIsLeft(lake, request)
  expect(await holding(lake, 'ada@x')).toEqual([])
  expect(await rowsOf(lake)).toEqual(['2 bob@x', '4 zoe@x'])
})
