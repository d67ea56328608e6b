// What a stream could not process is a person's event by event: their events go from raw, quarantine and landing, and those of others stay, in the same
// record or not, under the numbers that they had. One that fits the contract is told by its columns; one that nobody can read, by its text.
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Dataset, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { type CommandBench, commandBench } from './command-bench.ts'
import { holding } from './every-byte.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const columns = { id: { type: 'long', required: true }, email: 'string', note: 'string', at: 'timestamptz' } as const
const people: Dataset = defineDataset({
  name: 'people',
  source: { system: 'crm', format: 'ndjson', stream: { eventTime: 'at', route: { kind: 'person' } } },
  columns: { ...columns, kind: 'string' },
})
const guests: Dataset = defineDataset({
  name: 'guests',
  source: { system: 'crm', format: 'ndjson', stream: { eventTime: 'at', route: { kind: 'guest' } } },
  columns: { ...columns, kind: 'string' },
})
const wrapped: Dataset = defineDataset({
  name: 'wrapped',
  source: {
    system: 'crm',
    format: 'ndjson',
    stream: { eventTime: 'at', route: { logGroup: '/crm/*' }, unwrap: 'message' },
  },
  columns,
})
const datasets = [people, guests, wrapped]

const ADA = 'ada@example.org'
const run = (argv: readonly string[]) => bench.run(argv, { datasets, stop: new AbortController().signal })
const once = async () => {
  const ran = await bench.run(['local', '--once'], { datasets })
  expect(ran.code, ran.out + ran.err).toBe(0)
}
const failure = (raw: string | Uint8Array, errorMessage = 'ProcessingFailed status set for record'): string =>
  `${JSON.stringify({ errorCode: 'Lambda.FunctionError', errorMessage, rawData: Buffer.from(raw).toString('base64') })}\n`
const headed = (dataset: string, ...lines: readonly string[]): string =>
  [`{"_dataset":"${dataset}"}`, ...lines].join('\n')

async function deliver(...records: readonly string[]): Promise<void> {
  const key = 'stream-errors/processing-failed/2026/05/04/12/events-1'
  await bench.lake.storage.put(`${bench.lake.zones.landing}/${key}`, Buffer.from(records.join('')))
  await once()
}
const erase = async (dataset: string, ...more: readonly string[]) => {
  const ran = await run(['erase', '--dataset', dataset, '--column', 'email', '--key', ADA, '--quiesced', ...more])
  expect(ran.code, ran.out + ran.err).toBe(0)
  return ran.out
}
const quarantined = async (dataset: string) =>
  (
    await tableRows(
      bench.lake,
      `${dataset}__quarantine`,
      sql`concat(record, ' @', byte_offset, ' ', coalesce(try(decode(raw)), hex(raw))) AS text`,
    )
  )
    .map(row => String(row['text']))
    .toSorted()

test('only the events of the person go, from quarantine, raw and landing, and a replay has the others where they were', async () => {
  await deliver(
    failure(headed('people', '{"id":1,"email":"bob@example.org"}', `{"id":2,"email":"${ADA}"}`, '{"id":"?"}')),
    failure(headed('people', `{"id":3,"email":"${ADA}" oops`, '[1,2]', '[[3],{"id":"!"}]')),
    failure(headed('people', '{"id":4,\n"email":"eve@example.org"}')),
    failure(headed('people', `{"id":5,"email":"${ADA}"}`), `cannot make a long of ${ADA}`),
  )
  const before = await quarantined('people')
  expect(before).toHaveLength(10)
  const left = before.filter(text => !text.includes(ADA))
  expect(left).toHaveLength(7)
  expect(await erase('people')).toMatch(/^raw +1 object +3 records in 1 /m)
  expect(await holding(bench.lake, ADA)).toEqual([])
  expect(await quarantined('people')).toEqual(left)
  expect((await run(['reconcile'])).out).toContain('everything is accounted for')
  const replayed = await run(['replay', '--dataset', 'people', '--mode', 'all', '--into', 'people_v2', '--yes'])
  expect(replayed.code, replayed.out + replayed.err).toBe(0)
  expect(await quarantined('people_v2')).toEqual(left)
  expect(await erase('people')).toContain('nothing is there, and nothing was changed')
})

test('an event that fits is told by its columns, and one that was released is a row like any other', async () => {
  const quoting = `{"id":1,"email":"bob@example.org","note":"knows ${ADA}"}`
  const own = JSON.stringify({ id: 2, email: ADA })
  await deliver(failure(headed('people', quoting, own, '{"id":3,"email":"eve@example.org"}')))
  const released = await run(['quarantine', 'release', '--dataset', 'people', '--yes'])
  expect(released.code, released.out + released.err).toBe(0)
  const ids = async (name: string) => (await tableRows(bench.lake, name, sql`id::INTEGER AS id`)).map(row => row['id'])
  expect(await ids('people')).toEqual([1, 2, 3])
  await erase('people')
  expect(await ids('people')).toEqual([1, 3])
  expect((await run(['reconcile'])).out).toContain('everything is accounted for')
  const replayed = await run(['replay', '--dataset', 'people', '--mode', 'all', '--into', 'people_v2', '--yes'])
  expect(replayed.code, replayed.out + replayed.err).toBe(0)
  expect(await ids('people_v2')).toEqual([1, 3])
})

test('a record that is compressed, in an envelope, of several datasets or no text at all', async () => {
  const log = (id: string, email: string) => ({ id: 'e', timestamp: 1, message: JSON.stringify({ id, email }) })
  const envelope = {
    ...{ messageType: 'DATA_MESSAGE', owner: '1', logGroup: '/crm/a', logStream: 's' },
    logEvents: [log('x', 'bob@example.org'), log('y', ADA), log('z', 'eve@example.org')],
  }
  const both = `{"kind":"person","id":"p","email":"${ADA}"}\n{"kind":"guest","id":"g","email":"bob@example.org"}`
  const latin = Buffer.from(`{"id":1,"note":"caf\u00e9","email":"${ADA}"}`, 'latin1')
  await deliver(
    failure(gzipSync(JSON.stringify(envelope))),
    failure(both),
    failure(Buffer.concat([Buffer.from('{"_dataset":"people"}\n'), latin])),
    failure(headed('people', '{"id":"q","email":"bob@example.org"}')),
  )
  const before = await quarantined('wrapped')
  await erase('wrapped')
  expect(await quarantined('wrapped')).toEqual(before.filter(text => !text.includes(ADA)))
  expect(await quarantined('people')).toHaveLength(3)
  await erase('people')
  expect(await quarantined('people')).toEqual([expect.stringContaining('{"id":"q","email":"bob@example.org"}')])
  expect(await quarantined('guests')).toEqual([expect.stringContaining('"id":"g"')])
  expect(await holding(bench.lake, ADA)).toEqual([])
  const replayed = await run(['replay', '--dataset', 'wrapped', '--mode', 'all', '--into', 'wrapped_v2', '--yes'])
  expect(replayed.code, replayed.out + replayed.err).toBe(0)
  expect(await quarantined('wrapped_v2')).toEqual(before.filter(text => !text.includes(ADA)))
})

test('a dataset whose stream is not declared any more is refused: its events cannot be told apart', async () => {
  await deliver(failure(headed('people', `{"id":"?","email":"${ADA}"}`)))
  const files = defineDataset({
    name: 'people',
    source: { system: 'crm', format: 'ndjson', match: 'people/*' },
    columns,
  })
  const argv = ['erase', '--dataset', 'people', '--column', 'email', '--key', ADA]
  const { code, err } = await bench.run(argv, { datasets: [files] })
  expect(code).not.toBe(0)
  expect(err).toContain('people takes no single events any more, but has records of its stream')
  expect(err).toContain('declare source.stream again for as long as the erasure takes')
})
