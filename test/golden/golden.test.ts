// Contract: our scan reads tables that PyIceberg and ClickHouse wrote as their makers do, row by row, in whole and by predicates
// that prune; the tables are checked in, so that this holds where neither is installed (test/golden/make.py says how they came to be).
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { MemoryLake } from '#lake/disk/disk-lake.ts'
import { duckdbEngine, type Row, type Session } from '#lake/duckdb/engine.ts'
import { literal, sql } from '#lake/duckdb/sql.ts'
import type { Predicate } from '#lake/iceberg/predicate.ts'
import { parsePrimitive } from '#lake/iceberg/primitive.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import type { Value } from '#lake/iceberg/value.ts'
import { goldenLake, goldenNames, goldenRows } from './golden-lake.ts'

let session: Session
const lakes = new Map<string, MemoryLake>()

beforeAll(async () => {
  for (const name of goldenNames()) lakes.set(name, await goldenLake(name))
  const scratch = [...lakes.values()][0]?.limits.scratch as string
  const folders = [...lakes.values()].map(lake => lake.limits.scratch)
  session = await duckdbEngine.open({ threads: 2, memoryBytes: 500_000_000, folders, scratch })
})
afterAll(async () => {
  await session.close()
  for (const lake of lakes.values()) lake.dispose()
})

test('the tables are there', () => {
  expect(goldenNames()).toEqual(
    expect.arrayContaining([
      'types',
      'evolved',
      'mapped',
      'version1',
      'position_deleted',
      'equality_deleted',
      'merge_on_read',
    ]),
  )
  expect(goldenNames().length).toBeGreaterThanOrEqual(25)
})

test.for(goldenNames())('%s: every row', async name => {
  expect(await read(name, [])).toEqual(goldenRows(name))
})

test.for(goldenNames())('%s: a predicate finds the rows that it is true of', async name => {
  const { schema } = await planScan(lakeOf(name), await openTable(lakeOf(name), name))
  const rows = goldenRows(name)
  for (const field of schema.fields.slice(0, 3).filter(each => typeof each.type === 'string'))
    for (const row of rows) {
      const cell = row[field.name] ?? null
      const where = cell === null ? [{ column: field.name, op: 'is-null' as const }] : await around(field, cell)
      const ids = (await read(name, where)).map(found => found['id'])
      expect(ids, `${field.name} = ${cell}`).toContain(row['id'])
    }
})

test('partitions are pruned by what other writers say of them', async () => {
  const pruned = async (name: string, predicate: Predicate): Promise<number> => {
    const { skipped } = await planScan(lakeOf(name), await openTable(lakeOf(name), name), { where: [predicate] })
    return skipped.manifests + skipped.files
  }
  expect(await pruned('identity_text', { column: 'v', op: 'in', values: ['null'] })).toBeGreaterThan(3)
  expect(await pruned('bucket_long', { column: 'v', op: 'in', values: [34n] })).toBeGreaterThan(3)
  expect(await pruned('hour', { column: 'v', op: '<', value: -3_600_000_000n })).toBeGreaterThan(1)
  expect(await pruned('version1', { column: 'day', op: 'in', values: [-1] })).toBe(1)
})

const lakeOf = (name: string): MemoryLake => lakes.get(name) as MemoryLake

async function read(name: string, where: readonly Predicate[]): Promise<readonly Row[]> {
  const lake = lakeOf(name)
  const plan = await planScan(lake, await openTable(lake, name), { where })
  const files = await stageFiles(lake, plan.files, join(lake.limits.scratch, name))
  return session.rows(sql`SELECT * FROM (${scanSql(plan.schema, files)}) ORDER BY id`)
}

/** Equal to the value, and at least and at most it: whatever a range of them leaves out would be lost. */
async function around(
  field: { readonly name: string; readonly type: unknown },
  cell: unknown,
): Promise<readonly Predicate[]> {
  const value = await parsedValue(field.type as string, String(cell))
  const column = field.name
  return [
    { column, op: 'in', values: [value] },
    { column, op: '>=', value },
    { column, op: '<=', value },
  ]
}

/** The text of a cell as the value that predicates take. */
async function parsedValue(type: string, text: string): Promise<Value> {
  const primitive = parsePrimitive(type)
  const number = async (expression: ReturnType<typeof sql>): Promise<bigint> =>
    BigInt(String((await session.rows(sql`SELECT (${expression})::VARCHAR AS n`))[0]?.['n']))
  switch (primitive.kind) {
    case 'long':
      return BigInt(text)
    case 'boolean':
      return text === 'true'
    case 'int':
    case 'float':
    case 'double':
      return Number(text)
    case 'decimal':
      return BigInt(text.replace('.', ''))
    case 'date':
      return Number(await number(sql`epoch_us(${literal(text)}::DATE) // 86400000000`))
    case 'timestamp':
    case 'timestamptz':
      return number(sql`epoch_us(${literal(text)}::TIMESTAMP)`)
    case 'string':
      return text
    default:
      // What golden tables hold of bytes in their first columns are uuids.
      return Buffer.from(text.replaceAll('-', ''), 'hex')
  }
}
