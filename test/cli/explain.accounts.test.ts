// The account that `sluice explain` shows is that of the batch which brought the rows last, a replay included, with all that was released
// and dropped since. What it calls applied is in the table at that moment: not what a newer extract replaced, nor what a rule halted.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Dataset, defineDataset } from '../../lake/dataset.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

const SPEC = {
  name: 'orders',
  source: { system: 'shop', format: 'ndjson', match: 'orders/**' },
  columns: { id: { type: 'long', required: true }, note: 'string' },
} as const
const wide = defineDataset({ ...SPEC, columns: { id: 'long', note: 'string' } })
const strictExtract = defineDataset({ ...SPEC, publish: 'replace' })
const extract = defineDataset({ ...SPEC, columns: { id: 'long', note: 'string' }, publish: 'replace' })
const DAYS = { ...SPEC, columns: { ...SPEC.columns, day: 'date' }, partitionBy: ['day'] } as const
const daily = defineDataset({ ...DAYS, publish: { mode: 'replace', scope: 'partitions' } })
const once = defineDataset({ ...SPEC, publish: { mode: 'append', dedupe: { key: 'id', within: '1 day' } } })
const onceStrict = defineDataset({
  ...SPEC,
  columns: { id: { type: 'long', required: true }, note: { type: 'string', required: true } },
  publish: { mode: 'append', dedupe: { key: 'id', within: '1 day' } },
})
const halting = defineDataset({ ...SPEC, quality: { rules: 'Rules = [ RowCount > 5 ]', onFailure: 'halt' } })

const BYTES = '{"id":1}\n{"note":"b"}\n{"id":"x"}\n{"note":"d"}\n'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

/** Nobody presses Ctrl-C. */
const stop = new AbortController().signal
const sluice = (dataset: Dataset, ...argv: readonly string[]) => bench.run(argv, { datasets: [dataset], stop })

async function put(dataset: Dataset, name: string, text: string): Promise<void> {
  writeFileSync(join(bench.folder, name), text)
  await sluice(dataset, 'put', name, '--dataset', 'orders')
}

async function rowsOf(dataset: Dataset, name: string): Promise<unknown> {
  const { versions } = JSON.parse((await sluice(dataset, 'explain', `orders/${name}`, '--json')).out)
  const { read, applied, quarantined, superseded, suppressed = 0 } = versions[0].rows
  return `${read} = ${applied} + ${quarantined} + ${superseded} + ${suppressed}`
}

async function inTable(): Promise<number> {
  return JSON.parse((await bench.run(['sql', 'select count(*) as n from orders', '--json'])).out).n
}

test('one batch is told of as before: no replay, no list', async () => {
  await put(orders, 'a.ndjson', BYTES)
  const { out } = await sluice(orders, 'explain', 'orders/a.ndjson')
  expect(out).toMatch(/\n {2}batch {7}\w{26}\n/)
  expect(out).not.toContain('batches')
})

test('a replay, and what was dropped and released since: the account is that of the replay', async () => {
  await put(orders, 'a.ndjson', BYTES)
  await put(orders, 'other.ndjson', '{"id":9}\n')
  await sluice(orders, 'quarantine', 'drop', 'orders', '--record', '2', '--yes')
  expect(await rowsOf(orders, 'a.ndjson')).toBe('4 = 1 + 2 + 0 + 1')
  expect((await sluice(wide, 'replay', '--dataset', 'orders', '--mode', 'all')).code).toBe(0)
  expect(await rowsOf(wide, 'a.ndjson')).toBe('4 = 2 + 1 + 0 + 1')
  expect(await rowsOf(wide, 'other.ndjson')).toBe('1 = 1 + 0 + 0 + 0')
  await sluice(wide, 'quarantine', 'drop', 'orders', '--because', 'junk', '--yes')
  expect(await rowsOf(wide, 'a.ndjson')).toBe('4 = 2 + 0 + 0 + 2')
  expect(await inTable()).toBe(3)
  const { out } = await sluice(wide, 'explain', 'orders/a.ndjson')
  expect(out).toMatch(
    /\n {2}batches {5}(\w{26}) {2}first, committed \S+ \S+Z\n {14}(?!\1)\w{26} {2}replay \d{8}-orders-[0-9a-f]{6}, committed \S+ \S+Z\n {2}rows /,
  )
  expect(out).toMatch(/\n {2}since {7}\S+ \S+Z {2}1 record dropped: junk\n/)
})

test('a replay into a table beside is named, and counts only when that table takes the place', async () => {
  await put(orders, 'a.ndjson', BYTES)
  await sluice(wide, 'replay', '--dataset', 'orders', '--mode', 'all', '--into', 'orders_v2')
  expect(await rowsOf(wide, 'a.ndjson')).toBe('4 = 1 + 3 + 0 + 0')
  expect((await sluice(wide, 'explain', 'orders/a.ndjson')).out).toMatch(/replay \S+ into orders_v2, committed /)
  expect((await sluice(wide, 'replay', 'swap', 'orders_v2', '--yes')).code).toBe(0)
  expect(await rowsOf(wide, 'a.ndjson')).toBe('4 = 3 + 1 + 0 + 0')
  expect(await inTable()).toBe(3)
})

test('what a rule halted is not applied, until a replay brings it', async () => {
  await put(halting, 'a.ndjson', BYTES)
  expect((await sluice(halting, 'explain', 'orders/a.ndjson')).out).toContain(
    '\n  rows        4 rows read: 0 applied; but for the halt 1 would have been applied, 3 quarantined\n',
  )
  expect((await sluice(orders, 'replay', '--dataset', 'orders', '--mode', 'failed')).code).toBe(0)
  const { out } = await sluice(orders, 'explain', 'orders/a.ndjson')
  expect(out).toContain('\n  state       committed ')
  expect(out).toContain('  first, halted\n')
  expect(await rowsOf(orders, 'a.ndjson')).toBe('4 = 1 + 3 + 0 + 0')
})

test('rows that a newer extract replaced are superseded, also those that are released afterwards', async () => {
  await put(strictExtract, 'a.ndjson', '{"id":1}\n{"note":"b"}\n')
  expect(await rowsOf(strictExtract, 'a.ndjson')).toBe('2 = 1 + 1 + 0 + 0')
  await put(strictExtract, 'b.ndjson', '{"id":2}\n{"note":"c"}\n')
  expect(await rowsOf(strictExtract, 'a.ndjson')).toBe('2 = 0 + 1 + 1 + 0')
  expect(await rowsOf(strictExtract, 'b.ndjson')).toBe('2 = 1 + 1 + 0 + 0')
  const { out } = await sluice(extract, 'quarantine', 'release', 'orders')
  expect(out).toBe('✓ orders: 1 record released, 1 superseded by a newer extract\n')
  expect(await rowsOf(extract, 'a.ndjson')).toBe('2 = 0 + 0 + 2 + 0')
  expect(await rowsOf(extract, 'b.ndjson')).toBe('2 = 2 + 0 + 0 + 0')
  expect(await inTable()).toBe(2)
})

test('extracts that are released at once: only the newest is released, the others are superseded', async () => {
  await put(strictExtract, 'a.ndjson', '{"note":"a"}\n{"note":"b"}\n')
  await put(strictExtract, 'b.ndjson', '{"note":"c"}\n')
  const { out } = await sluice(extract, 'quarantine', 'release', 'orders')
  expect(out).toBe('✓ orders: 1 record released, 2 superseded by a newer extract\n')
  expect(await rowsOf(extract, 'a.ndjson')).toBe('2 = 0 + 0 + 2 + 0')
  expect(await inTable()).toBe(1)
})

test('extracts that replace partitions: what a newer one replaced of an object is superseded, the rest stays applied', async () => {
  await put(daily, 'a.ndjson', '{"id":1,"day":"2026-01-01"}\n{"id":2,"day":"2026-01-02"}\n{"id":"x"}\n')
  expect(await rowsOf(daily, 'a.ndjson')).toBe('3 = 2 + 1 + 0 + 0')
  await put(daily, 'b.ndjson', '{"id":3,"day":"2026-01-02"}\n{"id":4,"day":"2026-01-03"}\n')
  expect(await rowsOf(daily, 'a.ndjson')).toBe('3 = 1 + 1 + 1 + 0')
  expect((await sluice(daily, 'explain', 'orders/a.ndjson')).out).toContain(
    '\n  rows        3 rows read: 1 applied, 1 quarantined, 1 superseded\n',
  )
  expect(await rowsOf(daily, 'b.ndjson')).toBe('2 = 2 + 0 + 0 + 0')
  // Applied again, it is late for the partition that the newer one has, and not for its own.
  expect((await sluice(daily, 'replay', '--dataset', 'orders', '--mode', 'all')).code).toBe(0)
  expect(await rowsOf(daily, 'a.ndjson')).toBe('3 = 1 + 1 + 1 + 0')
  expect(await rowsOf(daily, 'b.ndjson')).toBe('2 = 2 + 0 + 0 + 0')
  expect(await inTable()).toBe(3)
})

test('rows that repeat others are superseded, in a batch and in a replay', async () => {
  await put(once, 'a.ndjson', '{"id":1}\n{"id":2}\n{"id":2}\n')
  await put(once, 'b.ndjson', '{"id":2}\n{"id":3}\n{"id":"3x"}\n')
  expect(await rowsOf(once, 'a.ndjson')).toBe('3 = 2 + 0 + 1 + 0')
  expect(await rowsOf(once, 'b.ndjson')).toBe('3 = 1 + 1 + 1 + 0')
  expect((await sluice(once, 'replay', '--dataset', 'orders', '--mode', 'all')).code).toBe(0)
  expect(await rowsOf(once, 'a.ndjson')).toBe('3 = 2 + 0 + 1 + 0')
  expect(await rowsOf(once, 'b.ndjson')).toBe('3 = 1 + 1 + 1 + 0')
  expect(await inTable()).toBe(3)
  const [dataset] = JSON.parse((await sluice(once, 'status', '--json')).out).datasets
  expect(dataset.records).toMatchObject({ put: 6, queryable: 3, quarantined: 1, superseded: 2, missing: 0 })
})

test('a released row that has come meanwhile is told of as superseded by it', async () => {
  await put(onceStrict, 'a.ndjson', '{"id":1}\n{"id":2}\n')
  await put(onceStrict, 'b.ndjson', '{"id":2,"note":"b"}\n')
  const { out } = await sluice(once, 'quarantine', 'release', 'orders')
  expect(out).toBe('✓ orders: 1 record released, 1 superseded by a row with the same key\n')
  expect(await rowsOf(once, 'a.ndjson')).toBe('2 = 1 + 0 + 1 + 0')
  expect(await inTable()).toBe(2)
})
