// `sluice cdc sweep` names the snapshots that rows of a table come from, shows what one of them did not read, and deletes it, unless rows of the
// snapshot may be on their way. What cannot be done says what to do next.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineDataset } from '../../lake/dataset.ts'
import { type CommandBench, commandBench, orders } from './command-bench.ts'

const customers = defineDataset({
  name: 'customers',
  source: {
    system: 'shop',
    format: 'ndjson',
    match: 'customers/*',
    changes: { shape: 'debezium', connector: 'postgresql' },
  },
  columns: { id: 'long', name: 'string' },
  publish: { mode: 'merge', key: 'id' },
})
const datasets = [customers, orders]

const event = (op: 'c' | 'r' | 'u', lsn: number, id: number, name: string): string =>
  JSON.stringify({
    op,
    before: null,
    after: { id, name },
    source: { connector: 'postgresql', snapshot: op === 'r' ? 'true' : 'false', lsn, ts_ms: 1_700_000_000_000 },
  })

let bench: CommandBench
const run = (...argv: readonly string[]) => bench.run(argv, { datasets })
async function put(name: string, ...lines: readonly string[]): Promise<void> {
  const file = join(bench.folder, name)
  writeFileSync(file, `${lines.join('\n')}\n`)
  const { code, err } = await run('put', file, '--dataset', 'customers')
  expect([code, err]).toEqual([0, ''])
}

beforeAll(async () => {
  bench = commandBench()
  await put('first.ndjson', event('c', 100, 1, 'Ada'), event('c', 101, 2, 'Bob'), event('c', 102, 3, 'Cy'))
})
afterAll(() => bench.remove())

const BEFORE = '00.00000000000000c8'

test('without a snapshot there is nothing to sweep by', async () => {
  const { code, out } = await run('cdc', 'sweep', 'customers')
  expect([code, out]).toEqual([0, 'no row of customers is as a snapshot read it\n'])
})

test('rows of the snapshot may be on their way: it names why, and deletes nothing', async () => {
  await put('snapshot.ndjson', event('r', 200, 1, 'Ada'), event('r', 200, 3, 'Cy'), '{"op":"r","after":{"id":2')
  const { out } = await run('cdc', 'sweep', 'customers')
  expect(out).toMatch(/^snapshot +rows +ingested from +to\n.*\n00\.00000000000000c8 +2 +20/)
  expect(out).toContain(`sluice cdc sweep customers --before ${BEFORE} --dry-run  shows the rows that it did not read`)
  const { code, err } = await run('cdc', 'sweep', 'customers', '--before', BEFORE)
  expect(code).toBe(1)
  expect(err).toContain(
    'rows of the snapshot may be on their way: records in quarantine since it began: 1; no row has changed since, so it may be running',
  )
  expect(err).toContain('if you know that the snapshot is whole, say --complete')
  const planned = await run('cdc', 'sweep', 'customers', '--before', BEFORE, '--dry-run')
  expect(planned.out).toBe(
    [
      '1 row older than the snapshot and not read by it',
      '  2',
      '2 rows as the snapshot read them, 0 changed since',
      'against it: records in quarantine since it began: 1',
      'against it: no row has changed since, so it may be running',
      '',
    ].join('\n'),
  )
})

test('once the snapshot is known to be whole, they go', async () => {
  await put('later.ndjson', event('u', 300, 1, 'Ada L.'))
  const { code, out } = await run('cdc', 'sweep', 'customers', '--before', BEFORE, '--complete', '--json')
  expect(code).toBe(0)
  expect(JSON.parse(out)).toMatchObject({ dataset: 'customers', absent: 1, changed: 1, examples: ['2'], deleted: 1 })
  const rows = await run('sql', 'SELECT id, name FROM customers ORDER BY id', '--csv')
  expect(rows.out.trim().split(/\r?\n/)).toEqual(['id,name', '1,Ada L.', '3,Cy'])
  expect((await run('cdc', 'customers', '--batches', '1')).out).toMatch(/ 1 +1 +0 +0 +0 +0 +0 +0 +0 +0 +\w+$/m)
  const again = await run('cdc', 'sweep', 'customers', '--before', BEFORE)
  expect([again.code, again.out]).toEqual([0, expect.stringMatching(/^0 rows older than the snapshot/)])
  expect((await run('status', 'customers')).code).toBe(0)
})

test('what cannot be swept says so', async () => {
  expect((await run('cdc', 'sweep')).err).toContain('sweep takes one table')
  expect((await run('cdc', 'sweep', 'customer')).err).toContain('did you mean customers?')
  expect((await run('cdc', 'sweep', 'orders')).err).toContain('orders cannot be swept: it takes no changes')
  expect((await run('cdc', 'sweep', 'customers', '--before', '00.ff')).err).toContain(
    'no row of customers was read by a snapshot at 00.ff',
  )
})
