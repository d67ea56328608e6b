// `sluice status` fits one screen, says what needs attention first, and ends with 1 only when something is alarming.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { applied, land } from '../functions/publish/refining.ts'
import { lines } from '../functions/quality/batches.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

const A = '01KDYTS2W0AAAAAAAAAAAAAAAA'
const B = '01KDYTS2W0BBBBBBBBBBBBBBBB'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const late = defineDataset({
  name: 'late',
  source: { system: 's', format: 'ndjson', match: 'late/*' },
  columns: { id: 'long', at: 'timestamptz' },
  freshness: { maxLagMinutes: 60, eventTime: 'at' },
})

test('what is well ends with 0', async () => {
  await applied(bench.lake, orders, A, { 1: lines({ id: 1 }, { note: 'no id' }) })
  const { code, out } = await bench.run(['status'])
  expect(out.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ +\d+ s/g, 'TIME LAG')).toBe(
    [
      'dataset     last commit           lag  promise  put  queryable  quarantine  missing  waiting  small files',
      '───────  ─  ────────────────────  ───  ───────  ───  ─────────  ──────────  ───────  ───────  ───────────',
      'orders   ✓  TIME LAG        –    2          1           1        0        –       1 of 1',
      '',
      'All is well: 1 dataset.',
      '',
    ].join('\n'),
  )
  expect(code).toBe(0)
})

test('what is alarming comes first and ends with 1; what to do stands beside it', async () => {
  await applied(bench.lake, late, A, { 1: lines({ id: 1, at: '2020-01-01T00:00:00Z' }) })
  await land(bench.lake, orders, B, { 2: lines({ id: 1 }) })
  const { code, out } = await bench.run(['status'], { datasets: [orders, late] })
  expect(code).toBe(1)
  expect(out).toMatch(
    /Needs attention\n✗ orders: a batch has waited for \d+ d.*\n {2}next: .*\n✗ late: the newest event is \d+ d/,
  )
  expect(out).toContain('2 datasets alarming, 0 well.')
})

test('dead letters in a queue are alarming, whatever the datasets are', async () => {
  await applied(bench.lake, orders, A, { 1: lines({ id: 1 }) })
  const letter = { id: '1', body: '{}', cause: 'c', message: 'm', sentMs: 0 }
  await bench.lake.deadLetters.keep({ ...letter, queue: 'ingest' })
  const { code, out } = await bench.run(['status'])
  expect(code).toBe(1)
  expect(out).toContain('Needs attention\n✗ dead letters: 1 ingest\n  next: sluice dlq list\n\n1 well.\n')
  expect(JSON.parse((await bench.run(['status', '--json'])).out).deadLetters).toEqual({ ingest: 1 })
})

test('objects that ingest rejected are a warning, as the help says', async () => {
  await applied(bench.lake, orders, A, { 1: lines({ id: 1 }) })
  await bench.lake.storage.put(`${bench.lake.zones.landing}/strange.json`, Buffer.from('{}\n'))
  await bench.run(['local', '--once'])
  const { code, out } = await bench.run(['status'])
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('! dead letters: 1 rejected\n') })
  const { out: help } = await bench.run(['status', '--help'])
  expect(help.replaceAll(/\s+/g, ' ')).toContain('Warnings do not count, and objects that ingest rejected are one')
})

test('JSON says the same', async () => {
  await applied(bench.lake, late, A, { 1: lines({ id: 1, at: '2020-01-01T00:00:00Z' }) })
  const { code, out } = await bench.run(['status', 'late', '--json'], { datasets: [orders, late] })
  const report = JSON.parse(out)
  expect(code).toBe(1)
  expect(report).toMatchObject({
    status: 'alarm',
    datasets: [
      {
        dataset: 'late',
        newestEvent: '2020-01-01T00:00:00.000Z',
        maxLagMinutes: 60,
        records: { put: 1, queryable: 1, quarantined: 0, superseded: 0, missing: 0 },
        findings: [{ level: 'alarm', code: 'late-events' }],
      },
    ],
  })
  expect(report.datasets[0].eventLagMinutes).toBeGreaterThan(1_000_000)
})

test('--hours counts what landed since', async () => {
  await applied(bench.lake, orders, A, { 1: lines({ id: 1 }) })
  const recent = JSON.parse((await bench.run(['status', '--hours', '1', '--json'])).out)
  expect(recent.datasets[0]).toMatchObject({ records: { put: 0 }, table: { rows: 1 } })
})

test('--watch looks until it is stopped', async () => {
  await applied(bench.lake, orders, A, { 1: lines({ id: 1 }) })
  const controller = new AbortController()
  const looked = bench.run(['status', '--watch'], { stop: controller.signal, onOut: () => controller.abort() })
  expect((await looked).code).toBe(0)
})

test.each([
  [['status', 'order'], 'error: there is no dataset order\nnext:  did you mean orders?\n'],
  [
    ['status', '--hours', '0'],
    'error: --hours 0: not a number of hours\nnext:  give whole hours, 1 at the least: --hours 24\n',
  ],
])('%j is refused', async (argv, err) => {
  await bench.lake.storage.put(`${bench.lake.zones.ops}/x`, Buffer.from('x'))
  const ran = await bench.run(argv)
  expect(ran.err).toBe(err)
  expect(ran.code).toBe(2)
})
