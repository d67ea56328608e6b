// Contract: with evolution `widen` the columns of a table of changes grow as far as values ask for and Iceberg lets them, and never shrink again, whatever
// is declared and whichever batch is first; what no growth makes fit is refused, and so is everything larger than declared under other policies.
import { afterEach, expect, test } from 'vitest'
import { cdcApply } from '#functions/cdc-apply/cdc-apply.ts'
import { quality } from '#functions/quality/quality.ts'
import { readDocument, type Verdict, verdictUri } from '#lake/batch.ts'
import { type Dataset, defineDataset, type Evolution, type TypeSpec } from '#lake/dataset.ts'
import { memoryLake } from '#lake/disk/disk-lake.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { landBatch, lines, tableRows } from './batches.ts'

let lake = memoryLake()
afterEach(() => {
  lake.dispose()
  lake = memoryLake()
})

const source = { system: 'shop', format: 'ndjson', match: '*' } as const
const accounts = (evolution: Evolution, n: TypeSpec = 'int'): Dataset =>
  defineDataset({
    name: 'accounts',
    source: { ...source, changes: { shape: 'debezium', connector: 'postgresql' } },
    columns: { id: 'int', n, ratio: 'float', amount: 'decimal(6,2)' },
    evolution,
    publish: { mode: 'merge', key: 'id' },
  })

let lsn = 0
/** The row as JSON text, so that every digit stays. */
const upsert = (row: string): string =>
  `{"op":"c","before":null,"after":{${row}},"source":{"connector":"postgresql","snapshot":"false","lsn":${++lsn}}}`

async function judged(dataset: Dataset, batch: string, ...rows: readonly string[]): Promise<Verdict> {
  await landBatch(lake, dataset, { id: batch, objects: [{ order: lsn, bytes: lines(...rows.map(upsert)) }] })
  await quality(lake, dataset, { batch })
  return (await readDocument<Verdict>(lake, verdictUri(lake, dataset.name, batch))) as Verdict
}

async function taken(
  dataset: Dataset,
  batch: string,
  ...rows: readonly string[]
): Promise<Readonly<Record<string, number>>> {
  const { objects } = await judged(dataset, batch, ...rows)
  await cdcApply(lake, dataset, { batch })
  return objects[0]?.reasons ?? {}
}

async function types(): Promise<Readonly<Record<string, unknown>>> {
  const { metadata } = await openTable(lake, 'accounts')
  const own = currentSchema(metadata).fields.filter(({ name }) => !name.startsWith('_'))
  return Object.fromEntries(own.map(({ name, type }) => [name, type]))
}

const held = async (): Promise<readonly string[]> => {
  const rows = await tableRows(lake, 'accounts', sql`concat_ws(' ', id, n, ratio, amount) AS text`)
  return rows.map(row => String(row['text'])).toSorted()
}

const widen = accounts('widen')
const DECLARED = { id: 'int', n: 'int', ratio: 'float', amount: 'decimal(6,2)' }

test('values that fit leave every column as it is declared', async () => {
  await taken(widen, 'b1', '"id":-2147483648,"n":2147483647,"ratio":3e38,"amount":"9999.99"')
  expect(await types()).toEqual(DECLARED)
})

test('a column grows when a value asks for it, and rows of before and after stand side by side', async () => {
  await taken(widen, 'b1', '"id":1,"n":1,"ratio":0.5,"amount":"1.00"')
  await taken(widen, 'b2', '"id":2,"n":2147483648,"ratio":0.5,"amount":"1.00"')
  expect(await types()).toEqual({ ...DECLARED, n: 'long' })
  await taken(widen, 'b3', '"id":3000000000,"n":3,"ratio":1e39,"amount":"-123456.78"')
  expect(await types()).toEqual({ id: 'long', n: 'long', ratio: 'double', amount: 'decimal(8,2)' })
  expect(await held()).toEqual(['1 1 0.5 1.00', '2 2147483648 0.5 1.00', '3000000000 3 1e+39 -123456.78'])
})

test('a grown table stays so under the declaration that it has outgrown, and under one that follows it', async () => {
  await taken(widen, 'b1', '"id":1,"n":5000000000')
  await taken(widen, 'b2', '"id":2,"n":2')
  expect(await types()).toMatchObject({ n: 'long' })
  await taken(accounts('widen', 'long'), 'b3', '"id":3,"n":6000000000')
  expect(await types()).toMatchObject({ n: 'long' })
  expect(await held()).toEqual(['1 5000000000', '2 2', '3 6000000000'])
})

test('a batch that was read before another one let the table grow is applied after it', async () => {
  await judged(widen, 'b1', '"id":1,"n":1,"amount":"1.00"')
  await taken(widen, 'b2', '"id":2,"n":5000000000,"amount":"12345678.00"')
  await cdcApply(lake, widen, { batch: 'b1' })
  expect(await held()).toEqual(['1 1 1.00', '2 5000000000 12345678.00'])
})

test('of two batches at once that let one column grow, the table holds both', async () => {
  const batches = ['b1', 'b2'].map(id => ({ id, amount: id === 'b1' ? '123456.00' : '12345678.00' }))
  for (const { id, amount } of batches)
    await landBatch(lake, widen, {
      id,
      objects: [{ order: Number(id.slice(1)), bytes: lines(upsert(`"id":${id.slice(1)},"amount":"${amount}"`)) }],
    })
  await Promise.all(batches.map(({ id }) => quality(lake, widen, { batch: id })))
  await Promise.all(batches.map(({ id }) => cdcApply(lake, widen, { batch: id })))
  expect(await types()).toMatchObject({ amount: 'decimal(10,2)' })
  expect(await held()).toEqual(['1 123456.00', '2 12345678.00'])
})

test('what no growth makes fit is refused: a finer fraction, more than 64 bits, more than 38 digits, another kind', async () => {
  const reasons = await taken(
    widen,
    'b1',
    '"id":1,"amount":"1.234"',
    '"id":2,"n":9223372036854775808',
    `"id":3,"amount":"${'9'.repeat(37)}.00"`,
    '"id":4,"n":"five"',
    '"id":5,"n":1.5',
    '"id":6,"n":6',
  )
  expect(reasons).toEqual({ bad_value: 2, bad_integer: 3 })
  expect(await types()).toEqual(DECLARED)
  expect(await held()).toEqual(['6 6'])
})

test('fields that nobody declared become columns', async () => {
  await taken(widen, 'b1', '"id":1,"n":5000000000,"note":"new"')
  expect(await types()).toMatchObject({ n: 'long', note: 'string' })
})

test.each(['add', 'discard', 'freeze'] as const)(
  'with %s a value that is larger than declared is refused',
  async policy => {
    expect(await taken(accounts(policy), 'b1', '"id":1,"n":5000000000', '"id":2,"n":2')).toEqual({ bad_integer: 1 })
    expect(await types()).toEqual(DECLARED)
  },
)

test('it is for tables of change events', () => {
  const declare = () => defineDataset({ name: 'orders', source, columns: { id: 'int' }, evolution: 'widen' })
  expect(declare).toThrow("'widen' is for tables of change events")
})
