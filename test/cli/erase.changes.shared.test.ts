// Tables of one stream of changes share raw objects: erasing a row of one leaves the rows of the others, their accounts and their replays as they
// were, and takes along what nobody could read and what a moved key left.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { quality } from '#functions/quality/quality.ts'
import { type BatchManifest, manifestUri, readDocument, writeDocumentOnce } from '#lake/batch.ts'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { erasedObjects } from '#lake/erasure.ts'
import { createTable, tableDefinition } from '#lake/iceberg/table-definition.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { type CommandBench, commandBench } from './command-bench.ts'
import { holding } from './every-byte.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const table = (name: string): Dataset =>
  defineDataset({
    name,
    source: {
      ...{ system: 'crm', format: 'ndjson', match: 'crm/**' },
      changes: { shape: 'debezium', connector: 'postgresql', wrapper: 'kafka', tables: `public.${name}` },
    },
    columns: { id: 'long', email: 'string', note: 'string' },
    publish: { mode: 'merge', key: 'id' },
  })
const [customers, invoices] = [table('customers'), table('invoices')]
const datasets = [customers, invoices]

let offset = 0
const record = (of: string, op: string, images: object, more: object = {}) => {
  offset++
  const source = { connector: 'postgresql', lsn: 100 + offset, ts_ms: 1, db: 'crm', schema: 'public', table: of }
  const value = JSON.stringify({ before: null, after: null, source, op, ...images })
  return JSON.stringify({ topic: 'crm', partition: 0, offset, key: null, value, ...more })
}

const ADA = { id: 1, email: 'ada@example.org', note: 'first' }
const LINES = [
  record('customers', 'c', { after: ADA }, { key: '{"id":1}' }),
  record('invoices', 'c', { after: { id: 1, email: 'billing@other.org', note: 'of nobody' } }, { key: '{"id":1}' }),
  record('customers', 'c', { after: { id: 2, email: 'bob@example.org', note: 'second' } }),
  // The key moves, and the address changes after that.
  record('customers', 'u', { before: { id: 1 }, after: { ...ADA, id: 9 } }),
  record('customers', 'u', { before: { id: 9 }, after: { id: 9, email: 'new@example.org', note: 'wandered' } }),
  record('customers', 'd', { before: { id: 9 } }, { key: '{"id":9}' }),
  // A record without a value is of no table that could be told; what is no JSON is in the quarantine of both.
  JSON.stringify({ topic: 'crm', partition: 0, offset: 90, key: '{"id":9}', value: null }),
  JSON.stringify({ topic: 'crm', partition: 0, offset: 91, key: null, value: '{"email": "ada@example.org"' }),
  JSON.stringify({ topic: 'crm', partition: 0, offset: 92, key: null, value: 'nonsense' }),
  // Refused, and its key tells whose it is.
  record('customers', 'u', {
    after: { id: 9, email: 'late@example.org', note: 'x' },
    source: { connector: 'postgresql' },
  }),
]

const run = (argv: readonly string[]) => bench.run(argv, { datasets, stop: new AbortController().signal })
const text = async (name: string) =>
  (await tableRows(bench.lake, name, sql`concat_ws(' ', id, email, note) AS text`)).map(row => row['text'])
const refused = async (name: string) =>
  (await tableRows(bench.lake, `${name}__quarantine`, sql`record::INTEGER AS record`)).map(row => row['record'])

/** The raw objects of the dataset once more, as its manifests name them, into a table beside it. */
async function refinedBeside(dataset: Dataset): Promise<void> {
  const { lake } = bench
  const into = `${dataset.name}_v2`
  await createTable(lake, tableDefinition({ ...dataset, name: into }))
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/batches/${dataset.name}/`)) {
    if (!uri.endsWith('/manifest.json')) continue
    const manifest = (await readDocument<BatchManifest>(lake, uri)) as BatchManifest
    const id = `01KDYTS2W0${manifest.id.slice(10)}`
    await writeDocumentOnce(lake, manifestUri(lake, dataset.name, id), { ...manifest, id, into })
    await quality(lake, dataset, { batch: id })
    const { counts } = await cdcApply(lake, dataset, { batch: id })
    const { received, ...outcomes } = counts
    const { applied, superseded, stale, duplicate, skipped, deadLetters } = outcomes
    expect(received).toBe(applied + superseded + stale + duplicate + skipped + deadLetters)
  }
}

test('one of two tables', async () => {
  await bench.lake.storage.put(`${bench.lake.zones.landing}/crm/0.ndjson`, Buffer.from(`${LINES.join('\n')}\n`))
  const ran = await bench.run(['local', '--once'], { datasets })
  expect(ran.code, ran.out + ran.err).toBe(0)
  expect(await text('customers')).toEqual(['2 bob@example.org second'])
  expect([await refused('customers'), await refused('invoices')]).toEqual([
    [8, 9, 10],
    [8, 9, 10],
  ])

  const erased = await run(['erase', '--dataset', 'customers', '--column', 'email', '--key', ADA.email, '--quiesced'])
  expect(erased.code, erased.out + erased.err).toBe(0)
  expect(await holding(bench.lake, 'ada@', 'new@', 'late@', 'wandered')).toEqual([])
  expect(await text('customers')).toEqual(['2 bob@example.org second'])
  expect(await text('invoices')).toEqual(['1 billing@other.org of nobody'])
  expect([await refused('customers'), await refused('invoices')]).toEqual([[9], [9]])

  for (const dataset of datasets) {
    await refinedBeside(dataset)
    expect(await text(`${dataset.name}_v2`), dataset.name).toEqual(await text(dataset.name))
  }
  const accounts = await Promise.all(datasets.map(({ name }) => erasedObjects(bench.lake, name)))
  const [own, other] = accounts.map(objects => [...objects.values()][0]?.erasures)
  const ordinals = [1, 4, 5, 6, 7, 8, 10]
  expect(own).toMatchObject([{ ordinals, quarantined: 2, skipped: 1 }])
  expect(other).toMatchObject([{ ordinals, quarantined: 2, skipped: 1, elsewhere: 4 }])
})
