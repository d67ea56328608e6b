// `sluice quarantine release` takes refused records through the pipeline again and says what became of them, `drop` takes them out after a
// yes; both tell beforehand with --dry-run, and `explain` knows of both. The exit code of a release is 1 as long as some are refused.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineDataset } from '../../lake/dataset.ts'
import { type CommandBench, commandBench } from './command-bench.ts'

const loose = defineDataset({
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: 'long', note: 'string' },
})
const NOW = { datasets: [loose] }

let bench: CommandBench
beforeEach(async () => {
  bench = commandBench()
  writeFileSync(join(bench.folder, 'a.ndjson'), '{"id":1}\n{"note":"b"}\n{"id":"x"}\n{"note":"d"}\n')
  await bench.run(['put', 'a.ndjson', '--dataset', 'orders'])
})
afterEach(() => bench.remove())

const quarantine = (...argv: readonly string[]) => bench.run(['quarantine', ...argv], NOW)
const rows = async () => JSON.parse((await bench.run(['sql', 'select count(*) as n from orders', '--json'])).out).n
const quarantined = async () => JSON.parse((await quarantine('list', '--json')).out).records

test('release: what passes and what does not', async () => {
  const { code, out, err } = await quarantine('release', 'orders')
  expect({ code, err }).toEqual({ code: 1, err: '' })
  expect(out).toBe('! orders: 2 records released, 1 still refused\n  type:id  1\n')
  expect([await rows(), await quarantined()]).toEqual([3, 1])
  const explained = (await bench.run(['explain', 'orders/a.ndjson'])).out
  expect(explained).toContain('\n  rows        4 rows read: 3 applied, 1 quarantined\n')
  expect(explained).toContain('\n  at first    required:id 2, type:id 1\n')
  expect(explained).toMatch(/\n {2}since {7}\S+ \S+Z {2}3 records judged again: 2 applied, 1 refused again\n/)
})

test('release: all of them, and then none is left', async () => {
  const first = await quarantine('release', '--dataset', 'orders', '--reason', 'required:*')
  expect(first).toMatchObject({ code: 0, out: '✓ orders: 2 records released\n' })
  const again = await quarantine('release', 'orders', '--reason', 'required:*')
  expect(again).toMatchObject({ code: 0, out: 'Nothing in the quarantine of orders is like that.\n' })
  expect([await rows(), await quarantined()]).toEqual([3, 1])
})

test('release as JSON', async () => {
  const { code, out } = await quarantine('release', 'orders', '--json')
  expect(code).toBe(1)
  expect(JSON.parse(out)).toEqual({
    dataset: 'orders',
    action: 'release',
    dryRun: false,
    records: 3,
    objects: 1,
    busy: 0,
    applied: 2,
    refused: 1,
    superseded: 0,
    suppressed: 0,
    gone: 0,
    halted: [],
    failed: [],
    reasons: { 'type:id': 1 },
    batches: [expect.stringMatching(/^\w{26}$/)],
  })
})

test('a dry run changes nothing', async () => {
  const ran = await quarantine('release', 'orders', '--limit', '2', '--dry-run')
  expect(ran).toMatchObject({ code: 0, out: '2 records of 1 object would be judged again.\n' })
  expect((await quarantine('drop', 'orders', '--dry-run')).out).toBe('3 records of 1 object would be dropped.\n')
  expect(JSON.parse((await quarantine('drop', 'orders', '--dry-run', '--json')).out)).toMatchObject({
    records: 3,
    batches: [],
  })
  expect([await rows(), await quarantined()]).toEqual([1, 3])
})

test('drop with a yes', async () => {
  const { code, out } = await quarantine('drop', 'orders', '--record', '2', '--because', 'a test order', '--yes')
  expect(code).toBe(0)
  expect(out).toBe('✓ orders: 1 record dropped; the raw files stay, and a replay leaves them out\n')
  expect([await rows(), await quarantined()]).toEqual([1, 2])
  const explained = (await bench.run(['explain', 'orders/a.ndjson'])).out
  expect(explained).toContain('4 rows read: 1 applied, 2 quarantined, 1 suppressed\n')
  expect(explained).toMatch(/since .* 1 record dropped: a test order\n/)
  const { since } = JSON.parse((await bench.run(['explain', 'orders/a.ndjson', '--json'])).out).versions[0]
  expect(since).toMatchObject([{ action: 'drop', reason: 'a test order', taken: 1, rows: { read: 1, suppressed: 1 } }])
})

test.each([
  ['y', 0, 0],
  ['yes', 0, 0],
  ['', 2, 3],
  ['n', 2, 3],
])('drop asks: %j', async (answer, code, left) => {
  const asked: string[] = []
  const ask = async (question: string) => {
    asked.push(question)
    return answer
  }
  const ran = await bench.run(['quarantine', 'drop', 'orders'], { ...NOW, ask })
  expect(asked).toEqual(['Drop 3 records of orders from quarantine for good? The raw files stay. [y/N] '])
  expect(ran.code).toBe(code)
  expect(await quarantined()).toBe(left)
})

test('a rule that halts leaves the records where they are, and says so', async () => {
  const halting = defineDataset({
    name: 'orders',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
    columns: { id: 'long', note: 'string' },
    quality: 'Rules = [ ColumnValues "note" matches "(?=b)" ]',
  })
  const ran = await bench.run(['quarantine', 'release', 'orders'], { datasets: [halting] })
  expect(ran.code).toBe(1)
  expect(ran.out).toContain('  halted: 1 of 1 rules: ColumnValues "note" matches "(?=b)"')
  expect(ran.out).toContain('its records stay in quarantine\n')
  expect([await rows(), await quarantined()]).toEqual([1, 3])
})

test('a release whose batch fails is not well, in words and in JSON', async () => {
  const impossible = defineDataset({
    name: 'orders',
    source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
    columns: { id: 'string', note: 'string' },
  })
  const ran = await bench.run(['quarantine', 'release', 'orders'], { datasets: [impossible] })
  expect(ran).toMatchObject({ code: 1, err: '' })
  expect(ran.out).toMatch(
    /^! orders: 0 records released\n {2}failed: batch \w{26}: id: the table holds long, which cannot become string.*; its records stay in quarantine\n$/,
  )
  const json = await bench.run(['quarantine', 'release', 'orders', '--json'], { datasets: [impossible] })
  expect(json.code).toBe(1)
  expect(JSON.parse(json.out).failed).toEqual([
    { batch: expect.any(String), reason: expect.stringMatching(/cannot become string/) },
  ])
  expect([await rows(), await quarantined()]).toEqual([1, 3])
})

test.each([
  [
    ['release'],
    2,
    'error: sluice quarantine release needs a dataset\nnext:  name one: sluice quarantine release orders\n',
  ],
  [['release', 'ordres'], 1, 'error: there is no dataset ordres in the lake\nnext:  did you mean orders?\n'],
  [['release', 'orders', '--because', 'x'], 2, 'error: --because is said of records that are dropped\n'],
  [['release', 'orders', '--stage', 'gate'], 2, 'error: --stage gate: there is no such stage\n'],
  [['drop', 'orders', '--because', ''], 2, 'error: --because takes 1 to 1,000 characters\n'],
  [['drop', 'orders'], 2, 'next:  look with --dry-run, then say --yes\n'],
])('%j is refused', async (argv, code, text) => {
  const ran = await quarantine(...argv)
  expect(ran).toMatchObject({ code, out: '' })
  expect(ran.err).toContain(text)
  expect(await quarantined()).toBe(3)
})

test('a dataset that nobody declares any more', async () => {
  const other = defineDataset({
    name: 'other',
    source: { system: 'shop', format: 'ndjson', match: 'other/**' },
    columns: { id: 'long' },
  })
  const ran = await bench.run(['quarantine', 'release', 'orders'], { datasets: [other] })
  expect(ran).toMatchObject({ code: 1, out: '' })
  expect(ran.err).toContain('error: there is no declared dataset orders\n')
})
