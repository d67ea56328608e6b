// Rows that fail a rule about every row leave the table's part of the batch and stand in quarantine with the exact bytes they came in, their place
// and every rule they fail; all other rows are published. Whatever the format, and whichever way it was decoded.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import type { DatasetSpec, SourceFormat } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine } from '#lake/duckdb/engine.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { LAKES, lines, rawId, stagedRows, tableRows } from './batches.ts'
import { accounts, consequences, films, ids, putAside, through, verdictOf } from './gating.ts'

const RULE = 'IsComplete "title"'
const gate = `Rules = [ ${RULE} ]`

interface Sample {
  readonly format: SourceFormat
  readonly bytes: string | Uint8Array
  /** The raw form of the bad records, by ordinal. */
  readonly bad: Readonly<Record<number, string>>
  readonly good: readonly string[]
  readonly spec?: Partial<DatasetSpec<'id' | 'title' | 'year'>>
  readonly rules?: string
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  'NDJSON, clean': {
    format: 'ndjson',
    bytes: '{"id":1,"title":"ä"}\n{"id":2, "title" : null }\r\n\n  {"year":7,"id":3}\n{"id":4,"title":"d"}',
    bad: { 2: '{"id":2, "title" : null }', 3: '{"year":7,"id":3}' },
    good: ['1', '4'],
  },
  'NDJSON, with records that break the contract between': {
    format: 'ndjson',
    bytes: '{"id":"x","title":"t"}\n{"id":2}\nno json\n{"id":3,"title":"c"}\n{"id":4,"extra":[1]}\n',
    bad: { 2: '{"id":2}', 5: '{"id":4,"extra":[1]}' },
    good: ['3'],
  },
  'a JSON array': {
    format: 'json',
    bytes: '[ {"id":1,"title":"a"},\n  {"id":2,\n   "title":null} , {"id":3,"title":"c"},{"id":4}]',
    bad: { 2: '{"id":2,\n   "title":null}', 4: '{"id":4}' },
    good: ['1', '3'],
  },
  'records under a field of a JSON document': {
    format: 'json',
    bytes: '{"meta":{"n":2},"rows":[{"id":1},{"id":2,"title":"b"}],"more":1}',
    bad: { 1: '{"id":1}' },
    good: ['2'],
    spec: { source: { system: 's', format: 'json', match: '*', records: 'rows' } },
  },
  'CSV with line ends in quotes': {
    format: 'csv',
    bytes: 'id,title,year\n1,"a\nb",1\n2,,"2"\n\n"3",,3\r\n4,"d ""e""",4\n',
    bad: { 2: '2,,"2"', 3: '"3",,3' },
    good: ['1', '4'],
  },
  'CSV, bad values over two lines': {
    format: 'csv',
    bytes: 'id,year,title\n1,1,x\n2,2,"two\nlines"\n',
    bad: { 2: '2,2,"two\nlines"' },
    good: ['1'],
    rules: 'Rules = [ ColumnValues "title" = "x" ]',
  },
}

const datasetOf = ({ format, spec, rules = gate }: Pick<Sample, 'format' | 'spec' | 'rules'>) =>
  films(rules, { source: { system: 's', format, match: '*' }, ...spec })

describe.each(Object.entries(SAMPLES))('%s', (_name, sample) => {
  test.each(['plain', 'gzipped'])('%s', async packing => {
    const lake = memoryLake()
    const plain = Buffer.from(sample.bytes)
    const dataset = datasetOf(sample)
    await through(lake, dataset, 'b1', { 1: packing === 'plain' ? plain : gzipSync(plain) })
    expect(await ids(lake)).toEqual(sample.good)
    const { quarantine } = await verdictOf(lake, 'b1')
    const select = sql`record, _raw_row, byte_offset, byte_length, decode(raw) AS raw`
    const rows = (quarantine ? await stagedRows(lake, quarantine, select) : []).filter(
      row => sample.bad[Number(row['record'])] !== undefined,
    )
    expect(Object.fromEntries(rows.map(row => [row['record'], row['raw']]))).toEqual(sample.bad)
    for (const row of rows) {
      const start = Number(row['byte_offset'])
      expect(plain.subarray(start, start + Number(row['byte_length'])).toString()).toBe(row['raw'])
      expect(row['_raw_row']).toBe(row['record'])
    }
  })
})

/** What DuckDB writes as Parquet. */
async function parquet(select: Sql): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-parquet-'))
  const session = await duckdbEngine.open({ threads: 1, memoryBytes: 100_000_000, folders: [folder], scratch: folder })
  try {
    await session.run(sql`COPY (${select}) TO ${join(folder, 'x.parquet')} (FORMAT parquet)`)
    return readFileSync(join(folder, 'x.parquet'))
  } finally {
    await session.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

test.each([
  ['as the table has it', sql`SELECT 1::BIGINT AS id, 'a' AS title, 9::INTEGER AS year UNION ALL SELECT 2, NULL, 9`],
  ['with an unknown column', sql`SELECT 1 AS id, 'a' AS title, 9 AS year, 1 AS more UNION ALL SELECT 2, NULL, 9, 2`],
])('Parquet %s: the raw form of a row is JSON', async (_name, select) => {
  const lake = memoryLake()
  await through(lake, datasetOf({ format: 'parquet' }), 'b1', { 1: await parquet(select) })
  expect(await ids(lake)).toEqual(['1'])
  const [line] = await putAside(lake, 'b1')
  expect(line).toMatch(/^2: \{"id":2,.*"year":9.*\} \| rule:IsComplete "title"$/)
})

test('line and paragraph separators are no line ends, neither in records nor in what is said of them', async () => {
  const lake = memoryLake()
  const records = ['{"id":1,"title":"a\u2028b"}', '{"id":"\u2029","title":"c"}', '{"id":3,"title":"d"}']
  const dataset = films('Rules = [ ColumnValues "title" = "d" ]')
  await through(lake, dataset, 'b1', { 1: `${records.join('\n')}\n` })
  expect(await ids(lake)).toEqual(['3'])
  expect(await putAside(lake, 'b1')).toEqual([
    `1: ${records[0]} | rule:ColumnValues "title" = "d"`,
    `2: ${records[1]} | type:id`,
  ])
  const parquetLake = memoryLake()
  const bytes = await parquet(sql`SELECT range AS id, concat('x', chr(8232), range) AS title FROM range(3)`)
  await through(
    parquetLake,
    films('Rules = [ ColumnValues "id" > 0 ]', { source: { system: 's', format: 'parquet', match: '*' } }),
    'b1',
    { 1: bytes },
  )
  expect(await putAside(parquetLake, 'b1')).toEqual(['1: {"id":0,"title":"x\u20280"} | rule:ColumnValues "id" > 0'])
})

test('Avro: the raw form of a row is JSON', async () => {
  const type = avro.Type.forSchema({
    type: 'record',
    name: 'Film',
    fields: [
      { name: 'id', type: 'int' },
      { name: 'title', type: ['null', 'string'], default: null },
    ],
  })
  const encoder = new avro.streams.BlockEncoder(type)
  for (const film of [
    { id: 1, title: 'a' },
    { id: 2, title: null },
    { id: 3, title: 'c' },
  ])
    encoder.write(film)
  encoder.end()
  const lake = memoryLake()
  await through(lake, datasetOf({ format: 'avro' }), 'b1', { 1: await buffer(encoder) })
  expect(await ids(lake)).toEqual(['1', '3'])
  expect(await putAside(lake, 'b1')).toEqual(['2: {"id":2,"title":null} | rule:IsComplete "title"'])
})

describe.each(LAKES)('%s', (_name, use) => {
  test('a row that fails several rules stands there once, with all of them', () =>
    use(async lake => {
      const rules =
        'Rules = [ IsComplete "title", ColumnValues "year" between 1900 and 2100, (IsComplete "id") and (ColumnValues "year" > 0) ]'
      const bytes = lines({ id: 1, title: 'a', year: 2000 }, { id: 2, year: -1 }, { title: 'b\'"', year: 1850 })
      await through(lake, films(rules), 'b1', { 1: bytes, 2: lines({ id: 4, title: 'd', year: 1999 }) })
      expect(await ids(lake)).toEqual(['1', '4'])
      const { quarantine, objects } = await verdictOf(lake, 'b1')
      const select = sql`record, stage, reason, message, batch, contract_version, source_uri, _raw_object`
      expect(quarantine && (await stagedRows(lake, quarantine, select))).toMatchObject([
        {
          record: '2',
          stage: 'quality',
          reason:
            'rule:IsComplete "title"; ColumnValues "year" between 1900 and 2100; (IsComplete "id") AND (ColumnValues "year" > 0)',
          message:
            'IsComplete "title": title is null; ColumnValues "year" between 1900 and 2100: year is -1; (IsComplete "id") AND (ColumnValues "year" > 0): id is 2, year is -1',
          batch: 'b1',
          contract_version: 1,
          source_uri: `${lake.zones.landing}/films/1`,
          _raw_object: rawId(1),
        },
        { record: '3', reason: expect.stringMatching(/^rule:ColumnValues "year" between .*; \(IsComplete "id"\) AND/) },
      ])
      expect(await accounts(lake, 'b1')).toEqual(['3 = 1 + 2 + 0', '1 = 1 + 0 + 0'])
      expect(Object.values(objects[0]?.reasons ?? {})).toEqual([1, 1])
      expect((await tableRows(lake, 'films__quarantine')).length).toBe(2)
    }))
})

test('rules say what arrived; rows that are put aside change no outcome', async () => {
  const lake = memoryLake()
  const report = await through(lake, films('Rules = [ IsComplete "title", RowCount = 3 ]'), 'b1', {
    1: lines({ id: 1, title: 'a' }, { id: 2 }, { id: 3, title: 'c' }),
  })
  expect(report).toMatchObject({ status: 'pass', read: 3, quarantined: 1, rules: { passed: 1, failed: 1, score: 0.5 } })
  expect(await consequences(lake, 'b1')).toEqual([
    'IsComplete "title": Failed, quarantine',
    'RowCount = 3: Passed, none',
  ])
  const { quality } = await verdictOf(lake, 'b1')
  expect(quality?.rules[0]).toMatchObject({ rows: { passed: 2, failed: 1, skipped: 0 } })
  expect(quality?.metrics).toMatchObject({ 'Column.title.Completeness': 2 / 3, 'Dataset.*.RowCount': 3 })
})

test('rows that are kept are published, and the batch with them', async () => {
  const lake = memoryLake()
  await through(lake, films({ rules: gate, rows: 'keep' }), 'b1', { 1: lines({ id: 1 }, { id: 2, title: 'b' }) })
  expect(await ids(lake)).toEqual(['1', '2'])
  expect(await consequences(lake, 'b1')).toEqual(['IsComplete "title": Failed, none'])
})

test('rows that a where leaves out are none of the rule’s business', async () => {
  const lake = memoryLake()
  const rules = 'Rules = [ IsComplete "title" where "year > 2000" ]'
  await through(lake, films(rules), 'b1', { 1: lines({ id: 1, year: 2001 }, { id: 2, year: 1999 }, { id: 3 }) })
  expect(await ids(lake)).toEqual(['2', '3'])
})

test('all rows of a key that comes twice are put aside, across objects', async () => {
  const lake = memoryLake()
  await through(lake, films('Rules = [ IsUnique "id" ]'), 'b1', {
    1: lines({ id: 1 }, { id: 2 }, { title: 'no id' }),
    2: lines({ id: 2 }, { id: 3 }, { title: 'nor here' }),
  })
  expect(await ids(lake)).toEqual(['1', 'null', '3', 'null'])
  expect(await putAside(lake, 'b1')).toEqual(['2: {"id":2} | rule:IsUnique "id"', '1: {"id":2} | rule:IsUnique "id"'])
})

test('every row may fail', async () => {
  const lake = memoryLake()
  await through(lake, films(gate), 'b1', { 1: lines({ id: 1 }, { id: 2 }) })
  expect(await ids(lake)).toEqual([])
  expect(await accounts(lake, 'b1')).toEqual(['2 = 0 + 2 + 0'])
})

test('partitions, order, and columns that evolution adds', async () => {
  const lake = memoryLake()
  const dataset = films(gate, { evolution: 'add', partitionBy: ['year'], sortBy: ['id desc'] })
  await through(lake, dataset, 'b1', {
    1: lines({ id: 1, title: 'a', year: 1 }, { id: 2, year: 1 }),
    2: lines({ id: 3, title: 'c', year: 2, stars: 5 }, { id: 4, year: 2, stars: 4 }),
  })
  expect(await tableRows(lake, 'films', sql`id, year, stars`)).toEqual([
    { id: '1', year: 1, stars: null },
    { id: '3', year: 2, stars: '5' },
  ])
  expect(await putAside(lake, 'b1')).toHaveLength(2)
})

describe('full extracts', () => {
  const extracts = {
    1: lines({ id: 1, title: 'a', year: 1 }, { id: 2, title: 'b', year: 2 }),
    2: lines({ id: 1, title: 'a', year: 1 }, { id: 3, year: 1 }, 'junk'),
  }

  test('only the newest is judged: a key of both is no duplicate', async () => {
    const lake = memoryLake()
    const dataset = films('Rules = [ IsUnique "id", IsComplete "title", RowCount = 2 ]', { publish: 'replace' })
    expect((await through(lake, dataset, 'b1', extracts)).status).toBe('pass')
    expect(await ids(lake)).toEqual(['1'])
    expect(await accounts(lake, 'b1')).toEqual(['2 = 0 + 0 + 2', '3 = 1 + 2 + 0'])
  })

  test('by partition', async () => {
    const lake = memoryLake()
    const publish = { mode: 'replace', scope: 'partitions' } as const
    const dataset = films('Rules = [ IsUnique "id", IsComplete "title" ]', { publish, partitionBy: ['year'] })
    await through(lake, dataset, 'b1', extracts)
    expect(await ids(lake)).toEqual(['2', '1'])
    expect(await accounts(lake, 'b1')).toEqual(['2 = 1 + 0 + 1', '3 = 1 + 2 + 0'])
  })
})

test('thousands of rows, of which every third fails', async () => {
  const lake = memoryLake()
  const dataset = datasetOf({ format: 'csv' })
  const rows = Array.from({ length: 30_000 }, (_none, at) => `${at},${at % 3 === 0 ? '' : `t${at}`}`)
  await through(lake, dataset, 'b1', { 1: `id,title\n${rows.join('\n')}\n` })
  expect(await accounts(lake, 'b1')).toEqual(['30000 = 20000 + 10000 + 0'])
  const [found] = await tableRows(
    lake,
    'films__quarantine',
    sql`count(*)::INTEGER AS n, count_if(decode(raw) = concat(record - 1, ','))::INTEGER AS exact, 1 AS _raw_object, 1 AS _raw_row`,
  )
  expect(found).toMatchObject({ n: 10_000, exact: 10_000 })
})
