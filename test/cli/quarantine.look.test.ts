// `sluice quarantine list` counts refused records by reason, and `show` prints them with their place and their bytes; every filter
// narrows both alike. What cannot be meant is refused with what could be.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

let bench: CommandBench
beforeAll(async () => {
  bench = commandBench()
  writeFileSync(
    join(bench.folder, 'a.ndjson'),
    '{"id":1}\n{"note":"no id"}\n{"id":"x","note":"\\u001b[31m"}\n{"id":"y"}\n',
  )
  writeFileSync(join(bench.folder, 'b.ndjson'), Buffer.from('{"id":2}\n{"id":\xff}\n', 'latin1'))
  writeFileSync(join(bench.folder, 'c.ndjson.gz'), Buffer.from([0x1f, 0x8b, 8, 0]))
  for (const file of ['a.ndjson', 'b.ndjson', 'c.ndjson.gz']) await bench.run(['put', file, '--dataset', 'orders'])
}, 60_000)
afterAll(() => bench.remove())

const quarantine = (...argv: readonly string[]) => bench.run(['quarantine', ...argv])

test('list: by reason, the most frequent first, aligned', async () => {
  const { code, out } = await quarantine('list')
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^dataset {2}records {2}stage {5}reason +landed +example$/)
  expect(lines[2]).toMatch(/^orders +2 {2}contract {2}type:id +\d{4}-.* id: "[xy]" is not long$/)
  expect(
    lines
      .slice(3, -1)
      .map(line => line.split(/ +/)[3])
      .toSorted(),
  ).toEqual(['json', 'required:id', 'truncated'])
  expect(lines.at(-1)).toBe('5 records in quarantine')
})

test('list as JSON', async () => {
  const document = JSON.parse((await quarantine('list', 'orders', '--limit', '1', '--json')).out)
  expect(document).toEqual({
    records: 5,
    groups: [
      {
        dataset: 'orders',
        stage: 'contract',
        reason: 'type:id',
        records: 2,
        objects: 1,
        example: 'id: "x" is not long',
        firstLanded: expect.stringMatching(/Z$/),
        lastLanded: expect.stringMatching(/Z$/),
      },
    ],
    more: 3,
  })
})

test('show: the place, the reason and the bytes, without power over the terminal', async () => {
  const { out } = await quarantine('show', 'orders', '--record', '3')
  expect(out).toMatch(
    /^orders\/a\.ndjson {2}record 3, byte 26, 30 B, batch \w{26}\n {2}type:id {2}id: "x" is not long\n/,
  )
  expect(out).toContain('\n  {"id":"x","note":"\\u001b[31m"}\n')
  expect(out).toMatch(/\n1 record\n$/)
})

test('show: bytes that are no text, and a whole file', async () => {
  expect((await quarantine('show', '--reason', 'jso*')).out).toContain('\n  0x7b226964223aff7d\n')
  const { out } = await quarantine('show', '--record', '0')
  expect(out).toMatch(/^orders\/c\.ndjson\.gz {2}the whole file, 4 B, batch/)
})

test('show as JSON', async () => {
  const { total, records } = JSON.parse((await quarantine('show', '--limit', '4', '--json')).out)
  expect(total).toBe(5)
  expect(
    records.map((each: { readonly raw: string; readonly rawBase64: string }) => each.raw ?? each.rawBase64),
  ).toEqual([
    '{"note":"no id"}',
    '{"id":"x","note":"\\u001b[31m"}',
    '{"id":"y"}',
    Buffer.from('{"id":\xff}', 'latin1').toString('base64'),
  ])
  expect(records[0]).toMatchObject({
    dataset: 'orders',
    source: 'orders/a.ndjson',
    record: 2,
    byteOffset: 9,
    byteLength: 16,
    stage: 'contract',
    reason: 'required:id',
    message: 'id: required, but missing or null',
    contractVersion: 1,
  })
})

test.each([
  [['--reason', 'type:*'], 2],
  [['--reason', 'type:id'], 2],
  [['--reason', 'type:'], 0],
  [['--reason', '.*'], 0],
  [['--stage', 'decode'], 2],
  [['--source', 'orders/a'], 3],
  [['--source', 'orders/*.ndjson'], 4],
  [['--source', '*.ndjson'], 0],
  [['--source', '**.ndjson'], 4],
  [['--record', '2'], 2],
  [['--since', '1h'], 5],
  [['--since', '2100-01-01'], 0],
  [['--since', '2020-01-01T10:00:00'], 5],
  [['--stage', 'contract', '--source', 'orders/b'], 0],
  [['--batch', "'; DROP TABLE orders"], 0],
])('%j leaves %i', async (options, records) => {
  expect(JSON.parse((await quarantine('list', ...options, '--json')).out).records).toBe(records)
  expect(JSON.parse((await quarantine('show', ...options, '--json')).out).total).toBe(records)
})

test('a batch', async () => {
  const { records } = JSON.parse((await quarantine('show', '--reason', 'required:*', '--json')).out)
  const { batch } = records[0]
  expect(JSON.parse((await quarantine('list', '--batch', batch, '--json')).out).records).toBe(3)
})

test('nothing, and nothing of that kind', async () => {
  expect((await quarantine('list', '--reason', 'csv')).out).toBe('Nothing in quarantine is like that.\n')
  const empty = commandBench()
  writeFileSync(join(empty.folder, 'a.ndjson'), '{"id":1}\n')
  await empty.run(['put', 'a.ndjson', '--dataset', 'orders'])
  expect((await empty.run(['quarantine', 'list', 'orders'])).out).toBe('Nothing is in quarantine.\n')
  expect((await empty.run(['quarantine', 'show'])).out).toBe('Nothing is in quarantine.\n')
  empty.remove()
})

test.each([
  [['shw'], 2, 'error: sluice quarantine cannot shw\nnext:  did you mean show?\n'],
  [['constructor'], 2, 'error: sluice quarantine cannot constructor\nnext:  say what to do: list, show'],
  [['list', 'ordres'], 1, 'error: there is no dataset ordres in the lake\nnext:  did you mean orders?\n'],
  [['list', 'zebra'], 1, 'next:  the lake has orders\n'],
  [['list', 'orders', '--dataset', 'others'], 2, 'error: orders and --dataset others are two datasets\n'],
  [['list', '--stage', 'quarantine'], 2, 'next:  give one of decode, contract, quality, stream\n'],
  [['list', '--since', 'yesterday'], 2, 'error: --since yesterday is no time\n'],
  [['list', '--since', '2026-13-01'], 2, 'error: --since 2026-13-01 is no time\n'],
  [['show', '--limit', '0'], 2, 'error: --limit 0 leaves nothing\n'],
  [['show', '--record', '-1'], 2, 'error: '],
  [['show', '--record', 'x'], 2, 'error: --record x is not a whole number\n'],
  [['show', '--source', ''], 2, 'error: --source is empty\n'],
])('%j is refused', async (argv, code, text) => {
  const ran = await quarantine(...argv)
  expect(ran).toMatchObject({ code, out: '' })
  expect(ran.err).toContain(text)
})

test('the quarantine table names its dataset', async () => {
  expect((await bench.run(['quarantine', 'list', 'ORDERS__quarantine'], { datasets: [orders] })).code).toBe(0)
})
