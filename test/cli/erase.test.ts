// `sluice erase` takes a person's records out of everything a lake has of them, in every format, proves it by searching again, and
// leaves all other records where they were; a replay does not bring them back.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import avro from 'avsc'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publish } from '#functions/publish/publish.ts'
import { quality } from '#functions/quality/quality.ts'
import { type BatchManifest, manifestUri, readDocument, writeDocumentOnce } from '#lake/batch.ts'
import { type Dataset, type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { join as joinSql, sql } from '#lake/duckdb/sql.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { openSession } from '../lake/iceberg/fixture.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const people = (format: Dataset['source']['format'], more: Partial<DatasetSpec<'id' | 'email' | 'n'>> = {}) =>
  defineDataset({
    name: 'people',
    source: { system: 'crm', format, match: 'people/**' },
    columns: { id: { type: 'long', required: true }, email: 'string', n: 'int' },
    ...more,
  })

const ADA = 'ada@example.org'
const RECORDS = [
  { id: 1, email: 'bob@example.org', n: 1 },
  { id: 2, email: ADA, n: 2 },
  { id: 3, email: 'eve@example.org', n: 3 },
  { id: 4, email: ADA, n: 4 },
  { id: 5, email: `not${ADA}`, n: 5 },
]
const ERASE = ['erase', '--dataset', 'people', '--column', 'email', '--key', ADA, '--quiesced']

async function putBytes(dataset: Dataset, name: string, bytes: Uint8Array): Promise<void> {
  const { lake } = bench
  await lake.storage.put(`${lake.zones.landing}/people/${name}`, bytes)
  const ran = await bench.run(['local', '--once'], { datasets: [dataset] })
  expect(ran.code, ran.out + ran.err).toBe(0)
}

const run = (dataset: Dataset, argv: readonly string[] = ERASE) => bench.run(argv, { datasets: [dataset] })
const emails = async () =>
  (await tableRows(bench.lake, 'people', sql`concat_ws(' ', _raw_row, id, email) AS text`)).map(row => row['text'])

async function raws(): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { uri } of bench.lake.storage.list(`${bench.lake.zones.raw}/people/`)) found.push(uri)
  return found
}

/** Every byte that the lake keeps, below all its zones. */
async function everything(): Promise<Buffer> {
  const parts: Buffer[] = []
  for (const zone of Object.values(bench.lake.zones))
    for await (const { uri } of bench.lake.storage.list(`${zone}/`)) {
      const bytes = Buffer.from(await bench.lake.storage.get(uri))
      const hex = bytes.subarray(0, 4).toString('hex')
      parts.push(hex.startsWith('1f8b') ? gunzipSync(bytes) : hex === '28b52ffd' ? zstdDecompressSync(bytes) : bytes)
    }
  return Buffer.concat(parts)
}

/** Refines the same raw objects once more, as a batch of its own. */
async function replay(dataset: Dataset): Promise<void> {
  const { lake } = bench
  for await (const { uri } of lake.storage.list(`${lake.zones.ops}/batches/people/`)) {
    if (!uri.endsWith('/manifest.json')) continue
    const manifest = (await readDocument<BatchManifest>(lake, uri)) as BatchManifest
    const id = `01KDYTS2W0${manifest.id.slice(10)}`
    await writeDocumentOnce(lake, manifestUri(lake, 'people', id), { ...manifest, id })
    await quality(lake, dataset, { batch: id })
    await publish(lake, dataset, { batch: id })
  }
}

const OTHERS = ['1 1 bob@example.org', '3 3 eve@example.org', `5 5 not${ADA}`]
const ndjson = RECORDS.map(record => `${JSON.stringify(record)}\n`).join('')
const csv = `id,email,n\n${RECORDS.map(({ id, email, n }) => `${id},${email},${n}\n`).join('')}`
const avroType = avro.Type.forSchema({
  type: 'record',
  name: 'person',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'email', type: ['null', 'string'] },
    { name: 'n', type: 'int' },
  ],
})

async function avroFile(codec: 'null' | 'deflate'): Promise<Buffer> {
  const encoder = new avro.streams.BlockEncoder(avroType, { codec, blockSize: 64 })
  const chunks: Buffer[] = []
  encoder.on('data', chunk => chunks.push(chunk))
  for (const { id, email, n } of RECORDS) encoder.write({ id, email, n })
  encoder.end()
  await new Promise(resolve => encoder.on('end', resolve))
  return Buffer.concat(chunks)
}

async function parquetFile(codec: 'zstd' | 'snappy'): Promise<Buffer> {
  const path = join(bench.folder, 'a.parquet')
  const session = await openSession(bench.folder)
  const rows = RECORDS.map(({ id, email, n }) => sql`SELECT ${id}::BIGINT AS id, ${email} AS email, ${n}::INTEGER AS n`)
  await session.run(sql`COPY (${joinSql(rows, ' UNION ALL ')}) TO ${path} (FORMAT parquet, COMPRESSION ${codec})`)
  await session.close()
  return readFile(path)
}

const FILES: readonly (readonly [string, Dataset, string, () => Promise<Uint8Array> | Uint8Array])[] = [
  ['ndjson', people('ndjson'), 'a.ndjson', () => Buffer.from(ndjson)],
  ['ndjson, gzip', people('ndjson'), 'a.ndjson.gz', () => gzipSync(ndjson)],
  ['a JSON array, zstd', people('json'), 'a.json.zst', () => zstdCompressSync(JSON.stringify(RECORDS))],
  ['csv', people('csv'), 'a.csv', () => Buffer.from(csv)],
  ['csv, gzip', people('csv'), 'a.csv.gz', () => gzipSync(csv)],
  ['parquet, snappy', people('parquet'), 'a.parquet', () => parquetFile('snappy')],
  ['parquet, zstd', people('parquet'), 'a.parquet', () => parquetFile('zstd')],
  ['avro', people('avro'), 'a.avro', () => avroFile('null')],
  ['avro, deflate', people('avro'), 'a.avro', () => avroFile('deflate')],
]

test.each(FILES)('%s', async (_name, dataset, file, bytes) => {
  await putBytes(dataset, file, await bytes())
  expect(await emails()).toHaveLength(5)
  const before = await raws()
  const { code, out } = await run(dataset)
  expect(code, out).toBe(0)
  expect(out).toContain('nothing is left')
  expect(await emails()).toEqual(OTHERS)
  expect(await raws()).toEqual(before)
  const whole = (await everything()).toString('latin1').replaceAll(`not${ADA}`, '')
  expect(whole.includes(ADA), whole.slice(Math.max(0, whole.indexOf(ADA) - 200), whole.indexOf(ADA) + 50)).toBe(false)

  const status = async () => JSON.parse((await run(dataset, ['status', '--json'])).out).datasets[0].records
  expect(await status()).toMatchObject({ put: 3, queryable: 3, quarantined: 0, superseded: 0, missing: 0 })
  await replay(dataset)
  expect(await emails()).toEqual(OTHERS)
  expect(await tableRows(bench.lake, 'people__quarantine')).toEqual([])
  expect(await status()).toMatchObject({ queryable: 3, missing: 0 })
  expect((await run(dataset, ['reconcile'])).out).toContain('everything is accounted for')
})

describe('what is not in the table', () => {
  const lines = [
    JSON.stringify(RECORDS[0]),
    `{"id": "no number", "email": "${ADA}"}`,
    '{"id": "nor this", "email": "bob@example.org"}',
    `{"email": "${ADA}", "id": 9`,
    JSON.stringify(RECORDS[2]),
  ]
  const quarantined = () =>
    tableRows(
      bench.lake,
      'people__quarantine',
      sql`record::INTEGER AS record, byte_offset::INTEGER AS byte_offset, decode(raw) AS raw`,
    )

  test('records in quarantine go, with their bytes in raw; the others keep their place', async () => {
    await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(lines.map(line => `${line}\n`).join('')))
    const before = await quarantined()
    expect(before.map(row => row['record'])).toEqual([2, 3, 4])
    expect((await run(people('ndjson'))).code).toBe(0)
    expect(await quarantined()).toEqual([before[1]])
    const [uri] = await raws()
    const raw = Buffer.from(await bench.lake.storage.get(uri!)).toString()
    const { byte_offset: offset, raw: bytes } = before[1] as { readonly byte_offset: number; readonly raw: string }
    expect(raw.slice(offset, offset + bytes.length)).toBe(bytes)
    expect(raw.split('\n').map(line => line.length)).toEqual([...lines.map(line => line.length), 0])
    await replay(people('ndjson'))
    expect(await quarantined()).toEqual([before[1]])
    expect(await emails()).toHaveLength(2)
  })

  test('staged files are read as what they are: a number as key beside staged records of quarantine', async () => {
    await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(lines.map(line => `${line}\n`).join('')))
    const argv = (column: string, key: string) => [...ERASE.slice(0, 4), column, '--key', key, '--dry-run']
    const found = await run(people('ndjson'), argv('id', '3'))
    expect(found.code, found.err).toBe(0)
    expect(found.out).toMatch(/^people +1 file, \d snapshots? +1 row in 1/m)
    expect(found.out).toMatch(/^staging +\d+ files +1 file +deleted with their batch$/m)
    // As the ordinal of a record in quarantine it would be found in every file there.
    expect((await run(people('ndjson'), argv('n', '2'))).out).toMatch(/^staging +\d+ files +–/m)
  })

  test('a file that nobody can read goes whole when it quotes the value, and stays when it does not', async () => {
    const cut = gzipSync(`${ndjson}${JSON.stringify({ id: 9, email: 'x', n: 1 })}`).subarray(0, -12)
    await putBytes(people('ndjson'), 'cut.ndjson.gz', cut)
    expect(await quarantined()).toHaveLength(1)
    expect((await run(people('ndjson'), [...ERASE.slice(0, 6), 'nobody@example.org', '--quiesced'])).code).toBe(0)
    expect(await quarantined()).toHaveLength(1)
    expect((await run(people('ndjson'))).code).toBe(0)
    expect(await quarantined()).toHaveLength(0)
    await replay(people('ndjson'))
    expect(await quarantined()).toHaveLength(0)
    expect((await run(people('ndjson'))).out).toContain('nothing is there, and nothing was changed')
  })

  test('dead letters and documents that quote the value go, the others stay', async () => {
    await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(ndjson))
    const { lake } = bench
    const letter = { queue: 'ingest', cause: 'c', message: 'm', sentMs: 0 }
    await lake.deadLetters.keep({ ...letter, id: '1', body: `{"detail":{"object":{"key":"people/${ADA}.json"}}}` })
    await lake.deadLetters.keep({ ...letter, id: '2', body: '{}' })
    const document = `${lake.zones.ops}/compactions/people/run/plan.json`
    await lake.storage.put(document, Buffer.from(`{"$bytes":"${Buffer.from(ADA).toString('base64')}"}`))
    expect((await run(people('ndjson'))).code).toBe(0)
    expect(await lake.storage.head(document)).toBeUndefined()
    expect(await lake.deadLetters.queues()).toEqual([{ name: 'ingest', letters: 1 }])
  })
})

test('a dry run tells what would go and changes nothing', async () => {
  await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(ndjson))
  const before = await everything()
  const { code, out } = await run(people('ndjson'), [...ERASE, '--dry-run'])
  expect(code).toBe(0)
  expect(out).toMatch(/^raw +1 object +2 records in 1 +objects written anew without them$/m)
  expect(out).toMatch(
    /^people +1 file, 1 snapshot +2 rows in 1 +rows deleted, older snapshots expired, files destroyed$/m,
  )
  expect(out).toMatch(/^landing +1 object +1 object +deleted: raw has the rest$/m)
  expect(out).toContain('dry run: nothing is changed')
  expect((await everything()).equals(before)).toBe(true)
})

test('again there is nothing to do, and the ledger says what was done and never of whom', async () => {
  await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(ndjson))
  const first = JSON.parse((await run(people('ndjson'), [...ERASE, '--json'])).out)
  const second = JSON.parse((await run(people('ndjson'), [...ERASE, '--json'])).out)
  const [uri] = await raws()
  expect(first.run.objects).toMatchObject([{ uri, ordinals: [2, 4] }])
  expect(first.run.objects[0].sha256).not.toBe(first.run.objects[0].sha256Before)
  expect(first).toMatchObject({ left: 0, run: { rows: { people: 2, people__quarantine: 0 }, left: 0 } })
  expect(second).toMatchObject({ erasure: first.erasure, left: 0, isUntouched: true, run: { objects: [], rows: {} } })
  const ledger = Buffer.from(await bench.lake.storage.get(first.ledger)).toString()
  expect(JSON.parse(ledger)).toMatchObject({ dataset: 'people', columns: ['email'], runs: [{ left: 0 }, { left: 0 }] })
  for (const text of [ADA, 'ada']) expect(ledger).not.toContain(text)
})

test('what waits in landing is left, and said so; once it is ingested it goes', async () => {
  await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(ndjson))
  await bench.lake.storage.put(
    `${bench.lake.zones.landing}/people/b.ndjson`,
    Buffer.from(`{"id":7,"email":"${ADA}"}\n`),
  )
  const { code, out } = await run(people('ndjson'))
  expect(code).toBe(1)
  expect(out).toMatch(/people\/b\.ndjson\n {4}not ingested yet: run it again once it is/)
  await bench.run(['local', '--once'], { datasets: [people('ndjson')] })
  expect((await run(people('ndjson'))).code).toBe(0)
  expect(await emails()).toEqual(OTHERS)
})

test('partitions, sort order and numbers as keys', async () => {
  const dataset = people('ndjson', { partitionBy: ['bucket(4, email)'], sortBy: ['n'] })
  await putBytes(dataset, 'a.ndjson', Buffer.from(ndjson))
  const { code, out } = await run(dataset, [
    'erase',
    '--dataset',
    'people',
    '--column',
    'id',
    '--key',
    '3',
    '--quiesced',
  ])
  expect(code, out).toBe(0)
  expect((await emails()).map(text => String(text).slice(0, 3))).toEqual(['1 1', '2 2', '4 4', '5 5'])
})

test.each([
  [['erase'], 'error: sluice erase: of which dataset?\nnext:  name it: --dataset NAME\n'],
  [['erase', '--dataset', 'peple', '--key', 'x'], 'error: there is no dataset peple\nnext:  did you mean people?\n'],
  [['erase', '--dataset', 'people'], 'error: sluice erase: whose records?\nnext:  give the value: --key VALUE\n'],
  [
    ['erase', '--dataset', 'people', '--key', 'x'],
    'error: sluice erase: which column names the person?\nnext:  give one of id, email, n: --column NAME\n',
  ],
  [
    ['erase', '--dataset', 'people', '--key', 'x', '--column', 'mail'],
    'error: sluice erase: people has no column mail that could name a person\nnext:  give one of id, email, n\n',
  ],
])('%j is refused, and nothing is touched', async (argv, err) => {
  await putBytes(people('ndjson'), 'a.ndjson', Buffer.from(ndjson))
  const ran = await run(people('ndjson'), argv)
  expect(ran.err).toBe(err)
  expect(ran.code).toBeGreaterThan(0)
  expect(await emails()).toHaveLength(5)
})
