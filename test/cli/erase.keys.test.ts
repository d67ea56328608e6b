// A person is named by one column, by several that must all hold, or by the declared key; what cannot name anybody is refused with the reason, and
// nothing is touched.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { tableRows } from '../functions/quality/batches.ts'
import { type CommandBench, commandBench } from './command-bench.ts'
import { holding } from './every-byte.ts'

let bench: CommandBench
beforeEach(() => {
  bench = commandBench()
})
afterEach(() => bench.remove())

const columns = { tenant: 'string', id: 'long', note: 'string', address: { struct: { street: 'string' } } } as const
const visits = defineDataset({
  name: 'visits',
  source: { system: 'crm', format: 'ndjson', match: 'visits/**' },
  columns,
})
const members = defineDataset({
  name: 'members',
  source: {
    ...{ system: 'crm', format: 'ndjson', match: 'members/**' },
    changes: { shape: 'debezium', connector: 'postgresql' },
  },
  columns: { tenant: 'string', id: 'long', note: 'string' },
  publish: { mode: 'merge', key: ['tenant', 'id'] },
})
const datasets = [visits, members]
const ROWS = [
  { tenant: 'acme', id: 4711, note: 'first-of-acme' },
  { tenant: 'acme', id: 4712, note: 'second-of-acme' },
  { tenant: 'other', id: 4711, note: 'first-of-other' },
]
const event = (after: object, lsn: number) => ({
  before: null,
  after,
  source: { connector: 'postgresql', lsn, ts_ms: 1 },
  op: 'c',
})

async function land(): Promise<void> {
  const lines = (records: readonly object[]) => Buffer.from(records.map(each => `${JSON.stringify(each)}\n`).join(''))
  await bench.lake.storage.put(`${bench.lake.zones.landing}/visits/a.ndjson`, lines(ROWS))
  await bench.lake.storage.put(`${bench.lake.zones.landing}/members/a.ndjson`, lines(ROWS.map(event)))
  const ran = await bench.run(['local', '--once'], { datasets })
  expect(ran.code, ran.out + ran.err).toBe(0)
}
const notes = async (name: string) => (await tableRows(bench.lake, name, sql`note`)).map(row => row['note']).toSorted()
const LEFT = ['first-of-other', 'second-of-acme']

test.each([
  ['visits', ['--column', 'tenant', '--key', 'acme', '--column', 'id', '--key', '4711']],
  ['members', ['--column', 'id', '--key', '4711', '--column', 'tenant', '--key', 'acme']],
  ['members', ['--key', 'acme', '--key', '4711']],
])('%s: %j', async (dataset, argv) => {
  await land()
  const ran = await bench.run(['erase', '--dataset', dataset, ...argv, '--quiesced'], { datasets })
  expect(ran.code, ran.out + ran.err).toBe(0)
  expect(await notes(dataset)).toEqual(LEFT)
  const found = await holding(bench.lake, 'first-of-acme')
  expect(found.filter(each => each.includes(`/${dataset}/`))).toEqual([])
  expect(await notes(dataset === 'visits' ? 'members' : 'visits')).toHaveLength(3)
})

test.each([
  [
    ['--dataset', 'members', '--key', 'acme'],
    'error: sluice erase: 1 value for 2 columns: tenant, id\nnext:  give one --key VALUE for each, in this order\n',
  ],
  [
    ['--dataset', 'visits', '--column', 'address.street', '--key', 'x'],
    'error: sluice erase: visits has no column address.street that could name a person: what is inside of another column has no type in change events, so that values cannot be compared\nnext:  give one of tenant, id, note\n',
  ],
  [
    ['--dataset', 'visits', '--column', 'id', '--key', '4711.4'],
    'error: sluice erase: "4711.4" is no value that visits.id could have, which is long\nnext:  give the value as the table shows it\n',
  ],
  [
    ['--dataset', 'visits', '--column', 'id', '--column', 'id', '--key', '1', '--key', '2'],
    'error: sluice erase: a column is named twice\nnext:  name each column once\n',
  ],
  [
    ['--dataset', 'visits', '--key', '1'],
    'error: sluice erase: which column names the person?\nnext:  give one of tenant, id, note: --column NAME\n',
  ],
])('%j is refused', async (argv, err) => {
  await land()
  const ran = await bench.run(['erase', ...argv], { datasets })
  expect([ran.code > 0, ran.err]).toEqual([true, err])
  expect([await notes('visits'), await notes('members')].map(each => each.length)).toEqual([3, 3])
})

test('a column that names more rows than a person has is refused', async () => {
  const many = Array.from({ length: 1_001 }, (_, at) => event({ tenant: 'acme', id: at, note: 'same' }, at + 1))
  const lines = many.map(each => `${JSON.stringify(each)}\n`).join('')
  await bench.lake.storage.put(`${bench.lake.zones.landing}/members/a.ndjson`, Buffer.from(lines))
  expect((await bench.run(['local', '--once'], { datasets })).code).toBe(0)
  const ran = await bench.run(['erase', '--dataset', 'members', '--column', 'note', '--key', 'same'], { datasets })
  expect(ran.err).toContain('note: more than 1000 rows of members have or had this value')
  expect(await notes('members')).toHaveLength(1_001)
})
