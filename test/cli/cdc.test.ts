// `sluice cdc` tells batch by batch what became of change events, and `sluice cdc verify` applies recorded ones in many orders and says whether
// the table is always the same. What cannot be told says what to do next.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineDataset } from '../../lake/dataset.ts'
import { applied, people } from '../functions/cdc-apply/applying.ts'
import { play } from '../functions/cdc-apply/source.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

const changes = people()
const stream = defineDataset({
  name: 'customers',
  source: {
    system: 'shop',
    format: 'ndjson',
    match: 'customers/*',
    changes: { shape: 'debezium', wrapper: 'kafka', connector: 'postgresql' },
  },
  columns: { id: 'long', name: 'string' },
  publish: { mode: 'merge', key: 'id' },
})
const datasets = [changes, stream, orders]

let bench: CommandBench
beforeAll(async () => {
  bench = commandBench()
  const { records } = play([
    { do: 'upsert', key: '1', bio: 'new' },
    { do: 'upsert', key: '2', bio: 'new' },
    { do: 'delete', key: '2', end: 'both' },
  ])
  await applied(bench.lake, changes, 'b1', records)
  await applied(bench.lake, changes, 'b2', records.slice(0, 2))
})
afterAll(() => bench.remove())

const run = (...argv: readonly string[]) => bench.run(['cdc', ...argv], { datasets })

test('the outcomes of the last batches, the newest first', async () => {
  const { code, out } = await run('people')
  expect(code).toBe(0)
  const [title, header, , newest, oldest] = out.split('\n')
  expect(title).toBe('people  1 tombstone')
  expect(header).toMatch(
    /^committed +lag +received +applied +superseded +stale +duplicate +skipped +refused +patched +unresolved +kept dead +batch$/,
  )
  expect(newest).toMatch(/Z +\S.* +2 +0 +0 +1 +1 +0 +0 +0 +0 +1 +b2$/)
  expect(oldest).toMatch(/ +4 +2 +1 +0 +0 +1 +0 +0 +0 +0 +b1$/)
})

test('as JSON, with counts that add up', async () => {
  const { out } = await run('people', '--json', '--batches', '1')
  const { batches, tombstones } = JSON.parse(out)
  expect(tombstones).toBe(1)
  expect(batches).toHaveLength(1)
  const { received, applied: made, superseded, stale, duplicate, skipped, deadLetters } = batches[0]
  expect(received).toBe(made + superseded + stale + duplicate + skipped + deadLetters)
  expect(batches[0].newestEvent).toMatch(/^1970-01-01T/)
})

test('what cannot be told says what to do next', async () => {
  expect(await run('peopel')).toMatchObject({ code: 1, err: expect.stringContaining('did you mean people?') })
  expect(await run('customers')).toMatchObject({
    code: 1,
    err: expect.stringContaining('sluice put FILE --dataset customers'),
  })
  expect(await run('people', '--batches', 'x')).toMatchObject({ code: 2 })
  expect(await run('verify', 'x.ndjson')).toMatchObject({ code: 2, err: expect.stringContaining('--dataset NAME') })
  expect(await run('verify', 'x.ndjson', '--dataset', 'orders')).toMatchObject({
    code: 2,
    err: expect.stringContaining('takes no change events'),
  })
  expect(await run('verify', 'x.ndjson', '--dataset', 'customers')).toMatchObject({
    code: 1,
    err: expect.stringContaining('x.ndjson cannot be read'),
  })
})

function recorded(offset: number, op: string, row: { readonly id: number; readonly name: string }): string {
  const value = {
    op,
    before: op === 'd' ? row : null,
    after: op === 'd' ? null : row,
    source: {
      connector: 'postgresql',
      schema: 'public',
      table: 'customers',
      lsn: 100 + offset,
      snapshot: 'false',
      ts_ms: 1,
    },
  }
  return JSON.stringify({
    topic: 't',
    partition: 0,
    offset,
    key: JSON.stringify({ id: row.id }),
    value: JSON.stringify(value),
  })
}

test('a recorded stream gives one table in all orders', async () => {
  const lines = [
    recorded(0, 'c', { id: 1, name: 'a' }),
    recorded(1, 'c', { id: 2, name: 'b' }),
    recorded(2, 'u', { id: 1, name: 'c' }),
    recorded(3, 'd', { id: 2, name: 'b' }),
  ]
  writeFileSync(join(bench.folder, 'recorded.ndjson'), `${lines.join('\n')}\n`)
  const { code, out, err } = await run('verify', 'recorded.ndjson', '--dataset', 'customers', '--seeds', '3')
  expect([code, err, out]).toEqual([0, '', '4 records or files, 1 row: the same table in all of 3 orders\n'])
  const json = JSON.parse(
    (await run('verify', 'recorded.ndjson', '--dataset', 'customers', '--seeds', '1', '--json')).out,
  )
  expect(json).toEqual({ dataset: 'customers', pieces: 4, refused: {}, rows: 1, orders: 1, differing: [] })
}, 60_000)

test('a compressed recording is read, and what is no change is told', async () => {
  const lines = [recorded(0, 'c', { id: 1, name: 'a' }), '{"after":{"id":1}}', recorded(1, 'u', { id: 1, name: 'b' })]
  writeFileSync(join(bench.folder, 'recorded.gz'), gzipSync(`${lines.join('\n')}\n`))
  const { code, out } = await run('verify', 'recorded.gz', '--dataset', 'customers', '--seeds', '1')
  expect([code, out]).toEqual([
    0,
    '3 records or files (refused: 1 not_an_envelope), 1 row: the same table in all of 1 order\n',
  ])
}, 60_000)

test.each([
  ['', 'is empty'],
  ['\n\n', 'hold no change of the dataset'],
  ['{"after":{"id":1}}\nno json\n', 'no record is a change of the dataset; refused: 1 '],
  ['\u001f\u008b', 'cannot be decompressed'],
])(
  'a recording of nothing is no proof: %j',
  async (content, message) => {
    writeFileSync(join(bench.folder, 'nothing.ndjson'), Buffer.from(content, 'latin1'))
    const { code, err } = await run('verify', 'nothing.ndjson', '--dataset', 'customers', '--seeds', '1')
    expect([code, err]).toEqual([1, expect.stringContaining(message)])
  },
  60_000,
)

test('a stream whose records contradict each other does not, and the difference is shown', async () => {
  // Two changes of one position and no place to tell them apart by: whoever comes first stays.
  const [one, other] = [recorded(0, 'c', { id: 1, name: 'a' }), recorded(0, 'c', { id: 1, name: 'b' })]
  writeFileSync(join(bench.folder, 'broken.ndjson'), `${one}\n${other}\n`)
  const { code, out } = await run('verify', 'broken.ndjson', '--dataset', 'customers', '--seeds', '8')
  expect(code).toBe(1)
  expect(out).toMatch(/^seed \d: rows that are missing \(-\) and rows that should not be there \(\+\)\n- \{"id":"1"/)
  expect(out).toMatch(/another table in [1-8] of 8 orders, with the seeds/)
}, 60_000)
