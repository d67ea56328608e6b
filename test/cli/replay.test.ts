// `sluice replay` says what it takes and what that costs before it begins, runs with its own batches, and can be asked about, paused,
// gone on with and stopped; each refusal says what to do, and nothing that is repeated does harm.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { control, planReplay, replayRequest } from '#functions/replay/replay.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

let bench: CommandBench
beforeEach(async () => {
  bench = commandBench()
  for (const [name, text] of [
    ['a.json', '{"id": 1}\n{"id": 2}\n'],
    ['b.json', '{"id": 3}\njunk\n'],
  ] as const) {
    writeFileSync(join(bench.folder, name), text)
    expect((await bench.run(['put', name, '--dataset', 'orders'])).code).toBe(0)
  }
})
afterEach(() => bench.remove())

/** Nobody presses Ctrl-C. */
const stop = new AbortController().signal
const replay = (...argv: readonly string[]) => bench.run(['replay', ...argv], { stop })
const rows = async (table: string) => {
  const { out } = await bench.run(['sql', `select count(*) as n from ${table}`, '--csv'])
  return Number(out.trim().split(/\s+/)[1])
}

/** A replay that is planned and started, as if its process had been killed before its first batch. */
async function killed(id = 'r1'): Promise<void> {
  const request = replayRequest([orders], { dataset: 'orders', mode: 'all', grace: 0 })
  await planReplay(bench.lake, id, request)
  await control(bench.lake, id, 'start')
}

test('a dry run tells what it would take and cost, and writes nothing', async () => {
  const { out, code } = await replay('--dataset', 'orders', '--mode', 'all', '--dry-run')
  expect(code).toBe(0)
  expect(out).toBe('orders  2 objects, 35 B, 1 batch (all)\n  on AWS about 24 GB-seconds, less than $0.01\n')
  const plan = JSON.parse((await replay('--dataset', 'orders', '--mode', 'all', '--dry-run', '--json')).out)
  expect(plan).toMatchObject({ objects: 2, bytes: 35, items: 1, estimate: { gbSeconds: 24 } })
  expect((await replay('status')).out).toBe('No replay has been planned in this lake.\n')
})

test('nothing is missing: it says so, and why', async () => {
  const { out, code } = await replay('--dataset', 'orders')
  expect(code).toBe(0)
  expect(out).toBe('orders: nothing to replay (missing)\n  not taken: 2 objects already accounted for\n')
})

test.each([
  [['--key', 'none/'], 'missing, keys from none/', 'not taken: 2 objects already accounted for, whatever their keys'],
  [['--key', 'none/', '--mode', 'all'], 'all, keys from none/', 'no raw object of orders is there under such a key'],
  [['--to', '2000-01-01'], 'missing, the beginning to 2000-01-01', 'no raw object of orders came on these days'],
  [
    ['--to', '2000-01-01', '--key', 'none/'],
    'missing, the beginning to 2000-01-01, keys from none/',
    'no raw object of orders came on these days under such a key',
  ],
])('%j selects nothing, and that is why there is nothing to replay', async (filter, selection, why) => {
  const { out, code } = await replay('--dataset', 'orders', ...filter)
  expect(code).toBe(0)
  expect(out).toBe(`orders: nothing to replay (${selection})\n  ${why}\n`)
})

test('a table beside; the other stays as it is; then the list', async () => {
  const { out, code } = await replay('--dataset', 'orders', '--mode', 'all', '--into', 'orders_v2')
  expect(code).toBe(0)
  expect(out).toMatch(/^orders {2}\d{8}-orders-[0-9a-f]{6} {2}2 objects, 35 B, 1 batch into orders_v2 \(all\)\n/)
  expect(out).toMatch(/✓ \d{8}-orders-[0-9a-f]{6} {2}finished: 1 of 1 batch done, 35 B of 35 B\n/)
  expect(out).toContain('orders_v2: 3 rows, 1 quarantined, 0 superseded\n')
  expect([await rows('orders'), await rows('orders_v2'), await rows('orders_v2__quarantine')]).toEqual([3, 3, 1])
  const [header, , line] = (await replay('status')).out.split('\n')
  expect(header).toMatch(/^replay +table +state +batches +planned$/)
  expect(line).toMatch(/orders_v2 +finished +1 of 1 /)
})

test('of a replay that was killed a second one is refused, and resume ends it', async () => {
  await killed()
  const refused = await replay('--dataset', 'orders', '--mode', 'all')
  expect(refused.code).toBe(1)
  expect(refused.err).toBe(
    'error: replay r1 of orders is running\nnext:  go on with it: sluice replay resume r1; or end it first: sluice replay stop r1\n',
  )
  expect((await replay('status', 'r1')).out).toContain('when its process is gone: sluice replay resume r1')
  const resumed = await replay('resume', 'r1')
  expect(resumed.code).toBe(0)
  expect(resumed.out).toContain('r1  finished: 1 of 1 batch done')
  expect(await rows('orders')).toBe(3)
})

test('pause and stop, each twice, and what comes after', async () => {
  await killed()
  for (const _time of [1, 2]) {
    const { out, code } = await replay('pause', 'r1')
    expect([code, out]).toEqual([
      0,
      '! r1  paused: 0 of 1 batch done, 0 B of 35 B\n  sluice replay resume r1 goes on with it\n',
    ])
  }
  for (const _time of [1, 2]) expect((await replay('stop', 'r1')).out).toContain('r1  stopped: 0 of 1 batch done')
  const { err, code } = await replay('resume', 'r1')
  expect(code).toBe(2)
  expect(err).toBe(
    'error: replay r1 was stopped\nnext:  what it has committed stays; begin another: sluice replay --dataset orders --mode all\n',
  )
  expect((await replay('--dataset', 'orders', '--mode', 'all')).code).toBe(0)
})

test('Ctrl-C pauses', async () => {
  const { code } = await bench.run(['replay', '--dataset', 'orders', '--mode', 'all'], { stop: AbortSignal.abort() })
  const { out } = await replay('status')
  // The batch may have been under way already, and is then finished.
  expect(out).toMatch(/ (paused|finished) /)
  expect(code).toBe(/ finished /.test(out) ? 0 : 1)
})

test('--into a table that no replay has made, or that was made for another dataset', async () => {
  const { code, err } = await replay('--dataset', 'orders', '--into', 'orders_v2', '--mode', 'all')
  expect([code, err]).toEqual([0, ''])
  const other = { ...orders, name: 'returns' }
  const refused = await bench.run(['replay', '--dataset', 'returns', '--into', 'orders_v2', '--mode', 'all'], {
    datasets: [orders, other],
  })
  expect(refused.err).toContain('orders_v2 was built for orders, not for returns')
})

test('swap: the counts first, then with --yes, and a name that was never built is refused', async () => {
  await replay('--dataset', 'orders', '--mode', 'all', '--into', 'orders_v2')
  const looked = await replay('swap', 'orders_v2')
  expect(looked.out).toBe(
    [
      'table      rows  quarantined  objects  files',
      '─────────  ────  ───────────  ───────  ─────',
      'orders        3            1        2      2',
      'orders_v2     3            1        2      1',
      '  sluice replay swap orders_v2 --yes exchanges their names',
      '',
    ].join('\n'),
  )
  expect((await replay('swap', 'orders_v2', '--yes')).out).toContain(
    '✓ swapped: orders is what orders_v2 was, and the other way round\n',
  )
  const { err, code } = await replay('swap', 'orders_v3')
  expect([code, err]).toEqual([
    1,
    'error: orders_v3 is no table that a replay has built\nnext:  build one first: sluice replay --dataset NAME --mode all --into orders_v3\n',
  ])
})

test.each([
  [{ mode: 'all', from: '2000-01-01', to: '2999-12-31' }, '--mode all --from 2000-01-01 --to 2999-12-31'],
  [{ mode: 'all', key: "orders/it's" }, `--mode all --key 'orders/it'\\''s'`],
  [{ mode: 'all', into: 'orders_v2' }, '--mode missing --into orders_v2'],
])('after a stop, what begins another: %j', async (given, options) => {
  writeFileSync(join(bench.folder, "it's.json"), '{"id": 4}\n')
  expect((await bench.run(['put', "it's.json", '--dataset', 'orders'])).code).toBe(0)
  const request = replayRequest([orders], { dataset: 'orders', grace: 0, ...given })
  expect((await planReplay(bench.lake, 'r1', request)).objects).toBeGreaterThan(0)
  await control(bench.lake, 'r1', 'start')
  await control(bench.lake, 'r1', 'stop')
  expect((await replay('resume', 'r1')).err).toContain(`begin another: sluice replay --dataset orders ${options}\n`)
})
