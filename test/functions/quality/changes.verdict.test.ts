// Change events become change rows that a verdict points to; what is no change is counted or put aside with its bytes, and stops nothing.
import { expect, test } from 'vitest'
import { quality } from '#functions/quality/quality.ts'
import { readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import type { Lake } from '#lake/lake.ts'
import { landBatch, lines, stagedRows, withFiles } from './batches.ts'

const customers = (spec: Partial<DatasetSpec<'id' | 'name' | 'bio'>> = {}) =>
  defineDataset({
    name: 'customers',
    source: { system: 'shop', format: 'ndjson', match: '*', changes: { shape: 'debezium', wrapper: 'kafka' } },
    columns: { id: 'long', name: 'string', bio: 'string' },
    publish: { mode: 'merge', key: 'id' },
    ...spec,
  })

let offset = 0

/** A record of Kafka, as ingest keeps it. */
function record(key: unknown, value: unknown): string {
  const text = typeof value === 'string' || value === null ? value : JSON.stringify(value)
  return JSON.stringify({
    topic: 't',
    partition: 0,
    offset: offset++,
    key: key === null ? null : JSON.stringify(key),
    value: text,
  })
}

const change = (op: string, lsn: number, row: object | null): object => ({
  before: op === 'd' ? row : null,
  after: op === 'd' ? null : row,
  source: {
    connector: 'postgresql',
    snapshot: 'false',
    schema: 'public',
    table: 'customers',
    lsn,
    ts_ms: 1_700_000_000_000,
  },
  op,
})

async function judged(lake: Lake, dataset = customers(), ...records: readonly string[]): Promise<Verdict> {
  await landBatch(lake, dataset, { id: 'B1', objects: [{ order: 1, bytes: lines(...records) }] })
  await quality(lake, dataset, { batch: 'B1' })
  return (await readDocument<Verdict>(lake, verdictUri(lake, dataset.name, 'B1'))) as Verdict
}

async function rowsOf(lake: Lake, verdict: Verdict): Promise<readonly string[]> {
  return withFiles(lake, verdict.changes?.files ?? [], async (session, paths) => {
    const rows = await session.rows(
      sql`SELECT concat_ws(' ', _op, _position, id, name, bio, _kept) AS text FROM read_parquet(${paths}) ORDER BY _raw_row`,
    )
    return rows.map(row => String(row['text']))
  })
}

test('each record is a change row, skipped, or in quarantine with its bytes', async () => {
  const lake = memoryLake()
  const good = record({ id: 1 }, change('c', 100, { id: 1, name: 'Ada', bio: null }))
  const placeholder = record({ id: 1 }, change('u', 101, { id: 1, name: 'Ada', bio: '__debezium_unavailable_value' }))
  const broken = record({ id: 2 }, '{"after":')
  const heartbeat = record({ serverName: 'pg' }, { ts_ms: 1 })
  const wrong = record({ id: 3 }, change('c', 102, { id: 'three', name: 'x' }))
  const deleted = record({ id: 1 }, change('d', 103, { id: 1 }))
  const verdict = await judged(
    lake,
    undefined,
    good,
    placeholder,
    broken,
    heartbeat,
    wrong,
    deleted,
    record({ id: 1 }, null),
  )
  expect(await rowsOf(lake, verdict)).toEqual([
    'upsert 00.0000000000000064 1 Ada []',
    'upsert 00.0000000000000065 1 Ada [bio]',
    'delete 00.0000000000000067 1 []',
    'delete 1 []',
  ])
  expect(verdict.objects).toMatchObject([
    { read: 7, applied: 4, quarantined: 2, skipped: 1, reasons: { malformed_json: 1, bad_integer: 1 } },
  ])
  const put = await stagedRows(
    lake,
    verdict.quarantine as NonNullable<Verdict['quarantine']>,
    sql`reason, record, decode(raw) AS raw`,
  )
  expect(put).toEqual([
    { reason: 'malformed_json', record: '3', raw: broken },
    { reason: 'bad_integer', record: '5', raw: wrong },
  ])
})

test('rules judge the rows that changes leave, and those that fail are put aside', async () => {
  const lake = memoryLake()
  const gated = customers({ quality: 'Rules = [ IsComplete "name", ColumnValues "id" > 0 ]' })
  const nameless = record({ id: 2 }, change('c', 101, { id: 2, name: null }))
  const kept = record({ id: 3 }, change('u', 102, { id: 3, name: '__debezium_unavailable_value' }))
  const verdict = await judged(
    lake,
    gated,
    record({ id: 1 }, change('c', 100, { id: 1, name: 'Ada' })),
    nameless,
    kept,
    record({ id: -5 }, change('d', 103, { id: -5 })),
  )
  expect(verdict.status).toBe('pass')
  expect(await rowsOf(lake, verdict)).toEqual([
    'upsert 00.0000000000000064 1 Ada []',
    'upsert 00.0000000000000066 3 [name]',
    'delete 00.0000000000000067 -5 []',
  ])
  expect(verdict.objects).toMatchObject([{ read: 4, applied: 3, quarantined: 1 }])
  const put = await stagedRows(
    lake,
    verdict.quarantine as NonNullable<Verdict['quarantine']>,
    sql`record, decode(raw) AS raw`,
  )
  expect(put).toEqual([{ record: '2', raw: nameless }])
})

test('rules have nothing to say of a batch of deletes and of updates that leave values out', async () => {
  const gated = customers({ quality: 'Rules = [ RowCount > 0, ColumnValues "id" > 0, Completeness "name" > 0.5 ]' })
  const kept = record({ id: 3 }, change('u', 102, { id: 3, name: '__debezium_unavailable_value' }))
  const deleted = record({ id: 4 }, change('d', 103, { id: 4 }))
  const verdict = await judged(memoryLake(), gated, kept, deleted)
  expect(verdict).toMatchObject({ status: 'pass', objects: [{ read: 2, applied: 2, quarantined: 0 }] })
  expect(verdict.quality).toBeUndefined()
  expect(verdict.changes?.files).toMatchObject([{ rows: 2 }])
})

test('a halted batch stages nothing', async () => {
  const lake = memoryLake()
  const gated = customers({ quality: 'Rules = [ RowCount > 10 ]' })
  const verdict = await judged(lake, gated, record({ id: 1 }, change('c', 100, { id: 1, name: 'Ada' })))
  expect(verdict).toMatchObject({ status: 'halt', target: { files: [] } })
  expect(verdict.changes).toBeUndefined()
})

test('a field that the contract does not know becomes a column, is put aside, or is rescued', async () => {
  const events = [
    record({ id: 1 }, change('c', 100, { id: 1, name: 'Ada' })),
    record({ id: 2 }, change('c', 101, { id: 2, name: 'Bob', phone: 555 })),
  ]
  const staged = async (evolution: 'add' | 'freeze' | 'discard', columns: ReturnType<typeof sql>) => {
    const lake = memoryLake()
    const verdict = await judged(lake, customers({ evolution }), ...events)
    const rows = await withFiles(lake, verdict.changes?.files ?? [], (session, paths) =>
      session.rows(sql`SELECT id, ${columns} FROM read_parquet(${paths}) ORDER BY id`),
    )
    return { rows, reasons: verdict.objects[0]?.reasons }
  }
  expect(await staged('add', sql`phone`)).toEqual({
    rows: [
      { id: '1', phone: null },
      { id: '2', phone: '555' },
    ],
    reasons: {},
  })
  expect(await staged('freeze', sql`name`)).toEqual({
    rows: [{ id: '1', name: 'Ada' }],
    reasons: { unknown_column: 1 },
  })
  expect((await staged('discard', sql`_rescued`)).rows).toEqual([
    { id: '1', _rescued: null },
    { id: '2', _rescued: '{"phone":555}' },
  ])
})

test('a batch of control records alone has no change rows', async () => {
  const lake = memoryLake()
  const verdict = await judged(lake, undefined, record(null, { ts_ms: 1 }))
  expect(verdict).toMatchObject({
    status: 'pass',
    changes: { files: [] },
    objects: [{ read: 1, skipped: 1, applied: 0 }],
  })
})
