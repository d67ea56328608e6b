// On a laptop the same state machine hands merges over, with DuckDB in the place of Athena: columns of every kind, rows that move between
// partitions, required values and values that were left out end as they do when the function merges.
import { expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { diskLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { type LocalStep, startLocal } from '#local/run.ts'
import { inFolder, query } from './lake-state.ts'

const columns = {
  id: { type: 'long', required: true },
  region: { type: 'string', required: true },
  price: 'decimal(38,9)',
  seen_at: 'timestamptz',
  made_at: 'timestamp',
  day: 'date',
  ok: 'boolean',
  note: 'string',
  tags: { list: 'string' },
  box: { struct: { w: 'int', h: 'double' } },
} as const satisfies DatasetSpec<string>['columns']

const dataset = (mergeBytesMax: number) =>
  defineDataset({
    name: 'goods',
    source: {
      ...{ system: 'shop', format: 'ndjson', match: 'goods/*' },
      changes: { shape: 'debezium', connector: 'postgresql', decimals: 'text' },
    },
    columns,
    partitionBy: ['region', 'bucket(2, id)'],
    sortBy: ['id'],
    publish: { mode: 'merge', key: 'id', mergeBytesMax },
  })

const row = (id: number, more: object = {}) => ({
  ...{ id, region: 'north', price: '12345678901234567890.123456789', seen_at: '2026-01-02T03:04:05.678901Z' },
  ...{ made_at: 1_767_322_999_123_457, day: 20_455, ok: id % 2 === 0, note: `note ${id}`, tags: ['a', null, `t${id}`] },
  ...{ box: { w: id, h: id / 3 } },
  ...more,
})
const change = (lsn: number, op: string, after: object | null, before: object | null = null): string =>
  `${JSON.stringify({ before, after, op, source: { connector: 'postgresql', lsn, snapshot: 'false', schema: 'public', table: 'goods' } })}\n`

const FILES = [
  [1, 2, 3, 4].map(id => change(100 + id, 'c', row(id))).join(''),
  change(200, 'u', row(1, { region: 'south', note: '__debezium_unavailable_value' })) +
    change(201, 'd', null, { id: 2 }) +
    change(202, 'u', row(3, { price: null, tags: [], box: null })),
  change(150, 'u', row(1, { note: 'late' })) + change(160, 'u', row(2, { note: 'late' })) + change(300, 'c', row(5)),
]

async function landed(mergeBytesMax: number) {
  return inFolder(async folder => {
    const lake = diskLake(folder)
    const steps: LocalStep[] = []
    const runner = startLocal(lake, [dataset(mergeBytesMax)], { windowMs: 5, onStep: step => steps.push(step) })
    for (const [at, text] of FILES.entries()) {
      runner.landed([await lake.storage.put(`${lake.zones.landing}/goods/${at}.json`, Buffer.from(text))])
      await runner.idle()
    }
    await runner.close()
    const rows = await query(
      lake,
      'goods',
      table => sql`SELECT * EXCLUDE (_ingested_at, _raw_object, _place, _authors) FROM ${table} ORDER BY id`,
    )
    const states = steps.flatMap(step => (step.kind === 'state' ? step.state : []))
    const ends = steps.flatMap(step => (step.kind === 'finished' ? step.status : []))
    return { rows, states, ends }
  })
}

test('rows are the same as when the function merges, partition by partition', async () => {
  const [here, there] = [await landed(2 ** 32), await landed(0)]
  expect(there.ends).toEqual(['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED'])
  expect(here.states).not.toContain('Run Statement')
  expect(there.states.filter(state => state === 'Run Statement')).toHaveLength(9)
  expect(there.rows).toEqual(here.rows)
  expect(there.rows.map(each => [each['id'], each['region'], each['note'], each['price']])).toEqual([
    ['1', 'south', 'late', '12345678901234567890.123456789'],
    ['3', 'north', 'note 3', null],
    ['4', 'north', 'note 4', '12345678901234567890.123456789'],
    ['5', 'north', 'note 5', '12345678901234567890.123456789'],
  ])
}, 120_000)
