// Where else a person may be: keys under which files landed, records that wait in a stream, what rules said of a batch, tables that a replay has
// built. All are searched, and only what is about the person goes.
import { createHash } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Dataset, defineDataset, LINEAGE } from '#lake/dataset.ts'
import { ident, join as joinSql, sql } from '#lake/duckdb/sql.ts'
import { ensureTable, TABLE_PROPERTIES } from '#lake/iceberg/table-definition.ts'
import { QUALITY_RESULTS, RESULT_COLUMNS } from '#lake/quality-results.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { appendRows, openSession } from '../lake/iceberg/fixture.ts'
import { type CommandBench, commandBench } from './command-bench.ts'
import { holding } from './every-byte.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const people: Dataset = defineDataset({
  name: 'people',
  source: { system: 'crm', format: 'ndjson', match: 'people/**' },
  columns: { id: { type: 'long', required: true }, email: 'string' },
})

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const ADA = 'ada@example.org'
const run = (argv: readonly string[]) => bench.run(argv, { datasets: [people], stop: new AbortController().signal })
const once = async () => {
  const ran = await bench.run(['local', '--once'], { datasets: [people] })
  expect(ran.code, ran.out + ran.err).toBe(0)
}
const land = async (key: string, ...lines: readonly string[]) => {
  await bench.lake.storage.put(
    `${bench.lake.zones.landing}/${key}`,
    Buffer.from(lines.map(line => `${line}\n`).join('')),
  )
  await once()
}
const erase = () => run(['erase', '--dataset', 'people', '--column', 'email', '--key', ADA, '--quiesced'])
const emails = async (name: string) =>
  (await tableRows(bench.lake, name, sql`concat_ws(' ', id, email) AS text`)).map(row => row['text'])

test('a key that quotes the value is another one in everything that tells of it, and the records of others stay', async () => {
  await land(`people/of-${ADA}.ndjson`, '{"id":1,"email":"bob@example.org"}', '{"id":"?"}', `{"id":2,"email":"${ADA}"}`)
  await land(`people/${ADA}/empty-of-her.ndjson`, '{"id":3,"email":"eve@example.org"}')
  const quarantined = () =>
    tableRows(bench.lake, 'people__quarantine', sql`decode(raw) AS raw, source_uri, record::INTEGER AS record`)
  const { code, out, err } = await erase()
  expect(code, out + err).toBe(0)
  expect(out).toMatch(/^landing keys +2 objects, \d+ documents +the value taken out of their names$/m)
  expect(await holding(bench.lake, ADA)).toEqual([])
  expect(await emails('people')).toEqual(['1 bob@example.org', '3 eve@example.org'])
  const source = `${bench.lake.zones.landing}/people/of-erased.ndjson`
  expect(await quarantined()).toEqual([{ raw: '{"id":"?"}', source_uri: source, record: 2 }])
  expect((await run(['reconcile'])).out).toContain('everything is accounted for')
  const replayed = await run(['replay', '--dataset', 'people', '--mode', 'all', '--into', 'people_v2', '--yes'])
  expect(replayed.code, replayed.out + replayed.err).toBe(0)
  expect(await emails('people_v2')).toEqual(['1 bob@example.org', '3 eve@example.org'])
})

test.each([
  ['as a file is named', 'o’neil & søn/ada', 'people/of-o%E2%80%99neil%20%26%20s%c3%b8n%2Fada/a.ndjson'],
  ['as a stream names a folder', "(o'n) søn", 'people/key=%28o%27n%29%20s%C3%B8n/a.ndjson'],
])('a key that has the value percent-encoded: %s', async (_, email, key) => {
  const bob = 'bob@example.org'
  const lines = [{ id: 1, email: bob }, { id: '?' }, { id: 2, email }].map(each => JSON.stringify(each))
  await land(key, ...lines)
  const argv = ['erase', '--dataset', 'people', '--column', 'email', '--key', email, '--quiesced']
  const { code, out, err } = await run(argv)
  expect(code, out + err).toBe(0)
  expect(out).toMatch(/^landing keys +1 object, \d+ documents /m)
  expect(await holding(bench.lake, email, key.split('/')[1] as string)).toEqual([])
  expect(await emails('people')).toEqual([`1 ${bob}`])
  expect((await run(['reconcile'])).out).toContain('everything is accounted for')
})

test('a key that a stream has made of the value, however long it is', async () => {
  const clicks = defineDataset({
    name: 'clicks',
    source: { system: 'web', format: 'ndjson', stream: { eventTime: 'at', key: 'email' } },
    columns: { id: { type: 'long', required: true }, email: 'string', at: 'timestamptz' },
  })
  const long = `ada@${'sub.'.repeat(20)}example.org`
  const options = { datasets: [clicks], stop: new AbortController().signal }
  for (const email of [long, ADA]) {
    const events = [
      { id: 1, email, at: '2026-05-04T12:00:00Z' },
      { id: 'none', email: 'bob@example.org' },
    ]
    const put = events.map(event => Buffer.from(`{"_dataset":"clicks"}\n${JSON.stringify(event)}`))
    await bench.lake.stream.put(put)
    const ran = await bench.run(['local', '--once'], { datasets: [clicks] })
    expect(ran.code, ran.out + ran.err).toBe(0)
    const argv = ['erase', '--dataset', 'clicks', '--column', 'email', '--key', email, '--quiesced']
    const { code, out, err } = await bench.run(argv, options)
    expect(code, out + err).toBe(0)
    const segment = email === ADA ? 'ada%40example.org' : `sha256-${sha256(long).slice(0, 32)}`
    expect(out).toMatch(/^landing keys +1 object, \d+ documents /m)
    expect(await holding(bench.lake, email, segment)).toEqual([])
  }
})

test('a folder that had nothing else goes with the object: its name says as much. Those of producers stay', async () => {
  const landing = join(bench.folder, '.sluice/landing/people')
  await land(`people/2026/of=${ADA}/a.ndjson`, `{"id":1,"email":"${ADA}"}`)
  await land('people/2027/b.ndjson', '{"id":2,"email":"bob@example.org"}')
  expect(existsSync(join(landing, `2026/of=${ADA}`))).toBe(true)
  expect((await erase()).code).toBe(0)
  expect([existsSync(landing), existsSync(join(landing, '2026')), existsSync(join(landing, '2027/b.ndjson'))]).toEqual([
    ...[true, false, true],
  ])
  rmSync(join(landing, '2027/b.ndjson'))
  await land(`people/a.ndjson`, `{"id":1,"email":"${ADA}"}`)
  expect((await erase()).code).toBe(0)
  expect([existsSync(landing), existsSync(join(landing, '2027'))]).toEqual([true, true])
})

test('a table that a replay has built forgets the rows as well', async () => {
  await land('people/a.ndjson', `{"id":1,"email":"${ADA}"}`, '{"id":2,"email":"bob@example.org"}', '{"id":"?"}')
  const replayed = await run(['replay', '--dataset', 'people', '--mode', 'all', '--into', 'people_v2', '--yes'])
  expect(replayed.code, replayed.out + replayed.err).toBe(0)
  expect((await erase()).code).toBe(0)
  expect([await emails('people'), await emails('people_v2')]).toEqual([['2 bob@example.org'], ['2 bob@example.org']])
  expect(await holding(bench.lake, ADA)).toEqual([])
})

test('what waits in the stream is named, and goes once it is delivered', async () => {
  await land('people/a.ndjson', '{"id":2,"email":"bob@example.org"}')
  await bench.lake.stream.put([Buffer.from(`{"dataset":"people","id":1,"email":"${ADA}"}`)])
  const { code, out } = await erase()
  expect(code).toBe(1)
  expect(out).toMatch(/stream\/put\/.*\.json\n {4}not delivered yet: run it again once it is/)
})

/** As `publish` commits them. */
async function writeResults(rows: readonly (readonly [string, string])[]): Promise<void> {
  const { lake, folder: root } = bench
  await ensureTable(lake, {
    ...{ name: QUALITY_RESULTS, columns: [...RESULT_COLUMNS, ...LINEAGE], partitionBy: [], sortBy: [] },
    ...{ description: 'results', properties: TABLE_PROPERTIES },
  })
  const session = await openSession(root)
  const nulls = [...RESULT_COLUMNS, ...LINEAGE].filter(({ name }) => !['dataset', 'reason', '_raw_row'].includes(name))
  const selects = rows.map(
    ([dataset, reason], at) =>
      sql`SELECT ${dataset} AS dataset, ${reason} AS reason, ${at}::BIGINT AS _raw_row, ${joinSql(
        nulls.map(({ name }) => sql`NULL AS ${ident(name)}`),
        ', ',
      )}`,
  )
  await appendRows(
    { lake, session, root, close: () => session.close() },
    QUALITY_RESULTS,
    joinSql(selects, ' UNION ALL '),
  )
  await session.close()
}

test('what a rule said of a batch goes where it quotes the value, and nowhere else', async () => {
  await land('people/a.ndjson', `{"id":1,"email":"${ADA}"}`)
  const results = () => tableRows(bench.lake, QUALITY_RESULTS, sql`dataset, reason`)
  await writeResults([
    ['people', `Value: ${ADA} does not meet the constraint`],
    ['people', '7 rows do not satisfy the rule'],
    ['others', `Value: ${ADA} does not meet the constraint`],
  ])
  expect((await erase()).code).toBe(0)
  expect(await results()).toEqual([
    { dataset: 'people', reason: '7 rows do not satisfy the rule' },
    { dataset: 'others', reason: `Value: ${ADA} does not meet the constraint` },
  ])
})
