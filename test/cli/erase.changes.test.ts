// An erasure from a stream of changes takes every event of a person's rows, before and after images and keys, in every shape in which such events
// come; the table, its history and its tombstones forget the rows, no replay brings them back, and everyone else's rows are as they were.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import avro from 'avsc'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import type { ChangePublishSpec } from '#lake/dataset-change-publish.ts'
import type { ChangeSourceSpec } from '#lake/dataset-changes.ts'
import { join as joinSql, sql } from '#lake/duckdb/sql.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { openSession } from '../lake/iceberg/fixture.ts'
import { type CommandBench, commandBench } from './command-bench.ts'
import { holding } from './every-byte.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

interface Shape {
  readonly changes: ChangeSourceSpec
  readonly format?: Dataset['source']['format']
  readonly publish?: Partial<ChangePublishSpec>
  readonly csv?: Partial<Dataset['source']['csv']>
}

const people = ({ changes, format = 'ndjson', publish = {}, csv }: Shape): Dataset =>
  defineDataset({
    name: 'people',
    source: { system: 'crm', format, match: ['people/**', 'hr/people/**'], changes, ...(csv ? { csv } : {}) },
    columns: { id: 'long', email: 'string', name: 'string' },
    publish: { mode: 'merge', key: 'id', ...publish },
  })

// --- Ada is 1, then 9; Eve is 3 and was deleted; Bob and Zoe are to stay as they are ---------------------------------

interface Person {
  readonly id: number
  readonly email: string
  readonly name: string
}
interface Event {
  readonly op: 'c' | 'u' | 'd'
  readonly before?: Partial<Person>
  readonly after?: Person
}

const ADA = { id: 1, email: 'ada@example.org', name: 'Ada Lovelace' }
const COUNTESS = { ...ADA, email: 'countess@example.org' }
const BOB = { id: 2, email: 'bob@example.org', name: 'Bob' }
const ROBERT = { ...BOB, email: 'robert@example.org' }
const EVE = { id: 3, email: 'eve@example.org', name: 'Evelyn' }
const ZOE = { id: 4, email: 'zoe@example.org', name: 'Zoe' }

const FILES: readonly (readonly Event[])[] = [
  [
    { op: 'c', after: ADA },
    { op: 'c', after: BOB },
    { op: 'c', after: EVE },
  ],
  [
    { op: 'u', before: ADA, after: COUNTESS },
    { op: 'd', before: EVE },
    { op: 'u', before: BOB, after: ROBERT },
    { op: 'c', after: ZOE },
  ],
]
const SECRETS = ['ada@example', 'Lovelace', 'countess@example']
const EVES = ['eve@example', 'Evelyn']
const STAY = ['2 robert@example.org Bob', '4 zoe@example.org Zoe']

const lsn = (file: number, at: number): number => 1_000 * (file + 1) + at
const source = (file: number, at: number) => ({
  ...{ connector: 'postgresql', ts_ms: 1_700_000_000_000 + lsn(file, at), db: 'crm', schema: 'public' },
  ...{ table: 'people', lsn: lsn(file, at), snapshot: 'false' },
})
const payload = ({ op, before, after }: Event, file: number, at: number) => ({
  ...{ before: before ?? null, after: after ?? null, source: source(file, at), op },
})
const lines = (records: readonly object[]): string => records.map(each => `${JSON.stringify(each)}\n`).join('')
const debezium = (events: readonly Event[], file: number): string =>
  lines(events.map((event, at) => payload(event, file, at)))

const SCHEMA = { type: 'struct', fields: [{ field: 'op', type: 'string' }] }
const schemaful = (events: readonly Event[], file: number): string =>
  lines(events.map((event, at) => ({ schema: SCHEMA, payload: payload(event, file, at) })))

const flattened = (events: readonly Event[], file: number): string =>
  lines(
    events.map(({ op, before, after }, at) => ({
      ...(after ?? before),
      ...{ __op: op, __lsn: lsn(file, at), __deleted: String(op === 'd') },
    })),
  )

/** As `ingest` keeps records of a topic: each delete is followed by a record without a value. */
const kafka = (events: readonly Event[], file: number): string =>
  lines(
    events.flatMap((event, at) => {
      const key = JSON.stringify({ id: (event.after ?? event.before)?.id })
      const record = { topic: 'crm.public.people', partition: 0, timestamp: 1, key }
      const offset = file * 100 + at * 2
      const own = { ...record, offset, value: JSON.stringify(payload(event, file, at)) }
      return event.op === 'd' ? [own, { ...record, offset: offset + 1, value: null }] : [own]
    }),
  )

const DMS = { I: 'I', c: 'I', u: 'U', d: 'D' } as const
const dmsRows = (events: readonly Event[]) =>
  events.map(({ op, before, after }) => ({ op: DMS[op], row: (after ?? before) as Person, before }))
const dmsCsv = (events: readonly Event[]): string =>
  `Op,id,email,name,BI_id,BI_email\n${dmsRows(events)
    .map(({ op, row, before }) =>
      [op, row.id, row.email, row.name, before?.id ?? 'NULL', before?.email ?? 'NULL'].join(','),
    )
    .join('\n')}\n`

const dmsJson = (events: readonly Event[], file: number): string =>
  lines(
    dmsRows(events).map(({ op, row, before }, at) => ({
      data: row,
      ...(before === undefined ? {} : { 'before-image': before }),
      metadata: {
        ...{ 'record-type': 'data', operation: { I: 'insert', U: 'update', D: 'delete' }[op] },
        ...{
          'schema-name': 'crm',
          'table-name': 'people',
          'transaction-id': lsn(file, at),
          'transaction-record-id': 1,
        },
      },
    })),
  )

async function dmsParquet(events: readonly Event[]): Promise<Buffer> {
  const path = join(bench.folder, 'a.parquet')
  const session = await openSession(bench.folder)
  const rows = dmsRows(events).map(
    ({ op, row }) => sql`SELECT ${op} AS "Op", ${row.id}::BIGINT AS id, ${row.email} AS email, ${row.name} AS name`,
  )
  await session.run(sql`COPY (${joinSql(rows, ' UNION ALL ')}) TO ${path} (FORMAT parquet)`)
  await session.close()
  return readFileSync(path)
}

const AVRO_ROW = {
  ...{ type: 'record', name: 'Value' },
  fields: [
    { name: 'id', type: 'long' },
    { name: 'email', type: ['null', 'string'] },
    { name: 'name', type: ['null', 'string'] },
  ],
}
const AVRO_SOURCE = {
  ...{ type: 'record', name: 'Source' },
  fields: [
    { name: 'connector', type: 'string' },
    { name: 'lsn', type: 'long' },
    { name: 'ts_ms', type: 'long' },
  ],
}
const AVRO_ENVELOPE = {
  ...{ type: 'record', name: 'Envelope' },
  fields: [
    { name: 'before', type: ['null', AVRO_ROW] },
    { name: 'after', type: ['null', 'Value'] },
    { name: 'source', type: AVRO_SOURCE },
    { name: 'op', type: 'string' },
  ],
}
const AVRO_KEY = { type: 'record', name: 'Key', fields: [{ name: 'id', type: 'long' }] }
const types = { 1: AVRO_KEY, 2: AVRO_ENVELOPE } as const
const framed = (id: 1 | 2, value: unknown): string =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 0, id]),
    avro.Type.forSchema(types[id] as avro.Schema, { wrapUnions: false }).toBuffer(value),
  ]).toString('base64')
const frames = (events: readonly Event[], file: number): string =>
  lines(
    events.map((event, at) => {
      const { before, after, op } = payload(event, file, at)
      const value = { before, after, op, source: { connector: 'postgresql', lsn: lsn(file, at), ts_ms: 1 } }
      return {
        ...{ topic: 'crm.public.people', partition: 0, offset: file * 100 + at },
        ...{ keyBase64: framed(1, { id: (after ?? before)?.id }), valueBase64: framed(2, value) },
      }
    }),
  )

const extended = (person: Partial<Person> | null | undefined): string | null =>
  person ? JSON.stringify({ _id: { $numberLong: String(person.id) }, email: person.email, name: person.name }) : null
const mongodb = (events: readonly Event[]): string =>
  lines(
    events.map(({ op, before, after }, at) => ({
      ...{ before: extended(before), after: extended(after), op },
      source: { connector: 'mongodb', ts_ms: (before ? 2_000 : 1_000) + at, ord: 1, db: 'crm', collection: 'people' },
    })),
  )
const mongoKafka = (events: readonly Event[], file: number): string =>
  lines(
    events.map((event, at) => ({
      ...{ topic: 'people', partition: 0, offset: file * 100 + at },
      key: JSON.stringify({ id: JSON.stringify({ $numberLong: String((event.after ?? event.before)?.id) }) }),
      value: mongodb([event]).trim(),
    })),
  )

type Writer = (events: readonly Event[], file: number) => string | Buffer | Promise<Buffer>
const PG: ChangeSourceSpec = { shape: 'debezium', connector: 'postgresql' }
const BEFORE = { shape: 'dms', dms: { beforeImagePrefix: 'BI_' } } as const
const AVRO = { 1: JSON.stringify(AVRO_KEY), 2: JSON.stringify(AVRO_ENVELOPE) }

const SHAPES: readonly (readonly [string, Dataset, (file: number) => string, Writer])[] = [
  ['Debezium', people({ changes: PG }), file => `people/${file}.ndjson`, debezium],
  ['Debezium, gzip', people({ changes: PG }), file => `people/${file}.gz`, (...of) => gzipSync(debezium(...of))],
  ['Debezium with schemas', people({ changes: PG }), file => `people/${file}.ndjson`, schemaful],
  ['history', people({ changes: PG, publish: { mode: 'history' } }), file => `people/${file}.ndjson`, debezium],
  ['soft deletes', people({ changes: PG, publish: { deletes: 'soft' } }), file => `people/${file}.ndjson`, debezium],
  [
    'merged by Athena',
    people({ changes: PG, publish: { mergeBytesMax: 0 } }),
    file => `people/${file}.ndjson`,
    debezium,
  ],
  [
    'flattened',
    people({ changes: { shape: 'flattened', connector: 'postgresql' } }),
    file => `people/${file}.ndjson`,
    flattened,
  ],
  ['a topic of Kafka', people({ changes: { ...PG, wrapper: 'kafka' } }), file => `people/${file}.ndjson`, kafka],
  [
    'Avro frames',
    people({ changes: { ...PG, wrapper: 'kafka', avro: AVRO } }),
    file => `people/${file}.ndjson`,
    frames,
  ],
  [
    'DMS, CSV',
    people({ changes: BEFORE, format: 'csv', csv: { header: true } }),
    file => `hr/people/2026010${file + 1}-120000000.csv`,
    dmsCsv,
  ],
  [
    'DMS, Parquet',
    people({ changes: { shape: 'dms' }, format: 'parquet' }),
    file => `hr/people/2026010${file + 1}-120000000.parquet`,
    dmsParquet,
  ],
  ['DMS, JSON', people({ changes: { shape: 'dms' } }), file => `people/${file}.ndjson`, dmsJson],
  [
    'MongoDB',
    defineDataset({
      name: 'people',
      source: {
        ...{ system: 'crm', format: 'ndjson', match: 'people/**' },
        changes: { shape: 'debezium', connector: 'mongodb', wrapper: 'kafka' },
      },
      columns: { id: { type: 'long', from: '_id' }, email: 'string', name: 'string' },
      publish: { mode: 'merge', key: 'id' },
    }),
    file => `people/${file}.ndjson`,
    mongoKafka,
  ],
]

const run = (dataset: Dataset, argv: readonly string[]) => bench.run(argv, { datasets: [dataset] })
const replay = (dataset: Dataset, ...more: readonly string[]) =>
  bench.run(['replay', '--dataset', 'people', '--mode', 'all', '--yes', ...more], {
    datasets: [dataset],
    stop: new AbortController().signal,
  })

async function land(dataset: Dataset, key: string, bytes: string | Buffer): Promise<void> {
  await bench.lake.storage.put(`${bench.lake.zones.landing}/${key}`, Buffer.from(bytes))
  const ran = await run(dataset, ['local', '--once'])
  expect(ran.code, ran.out + ran.err).toBe(0)
}

const erased = (column: string, value: string): readonly string[] => [
  ...['erase', '--dataset', 'people', '--column', column, '--key', value, '--quiesced'],
]
const rows = async (dataset: Dataset, table = 'people'): Promise<readonly unknown[]> => {
  const { publish } = dataset
  const current =
    publish.mode === 'history' ? '_is_current' : publish.mode === 'merge' && publish.deletes === 'soft' ? 'live' : ''
  const flag = current === '' ? sql`TRUE` : current === 'live' ? sql`NOT COALESCE(_deleted, FALSE)` : sql`_is_current`
  const found = await tableRows(bench.lake, table, sql`concat_ws(' ', id, email, name) AS text, ${flag} AS is_live`)
  return found.filter(row => row['is_live'] === true).map(row => row['text'])
}
/** All that the table knows of those who are to stay, hidden columns too. */
async function whole(): Promise<readonly string[]> {
  const all = (await tableRows(bench.lake, 'people')).filter(row => ['2', '4'].includes(String(row['id'])))
  return all.map(row => Object.values(row).map(String).join(' ')).toSorted()
}

/** Ids that the side table remembers. */
async function graves(dataset: Dataset): Promise<string> {
  const ran = await run(dataset, ['sql', 'SELECT id FROM people__tombstones', '--json'])
  return ran.out
}

test.each(SHAPES)('%s', { timeout: 60_000 }, async (_name, dataset, keyOf, write) => {
  for (const [file, events] of FILES.entries()) await land(dataset, keyOf(file), await write(events, file))
  expect((await rows(dataset)).toSorted()).toEqual(['1 countess@example.org Ada Lovelace', ...STAY])
  expect(await holding(bench.lake, 'ada@example')).not.toEqual([])
  const before = await whole()

  // Her row has another address by now, and Eve's is gone: what there was of them goes as well.
  for (const value of [ADA.email, EVE.email]) {
    const { code, out, err } = await run(dataset, erased('email', value))
    expect(code, out + err).toBe(0)
  }
  expect(await holding(bench.lake, ...SECRETS, ...EVES)).toEqual([])
  expect((await rows(dataset)).toSorted()).toEqual(STAY)
  expect(await whole()).toEqual(before)
  expect(await graves(dataset)).toBe('')

  const replayed = await replay(dataset)
  expect(replayed.code, replayed.out + replayed.err).toBe(0)
  expect((await rows(dataset)).toSorted()).toEqual(STAY)
  expect(await tableRows(bench.lake, 'people__quarantine')).toEqual([])
  const beside = await replay(dataset, '--into', 'people_v2')
  expect(beside.code, beside.out + beside.err).toBe(0)
  expect((await rows(dataset, 'people_v2')).toSorted()).toEqual(STAY)
  expect((await run(dataset, ['reconcile'])).out).toContain('everything is accounted for')
  expect(await holding(bench.lake, ...SECRETS, ...EVES)).toEqual([])
})
