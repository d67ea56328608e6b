// An equality delete takes away the rows that equal one of its rows in all of its columns, null with null, and that are older than it:
// in its partition, or everywhere when it has none. Columns are found by field id, whatever became of them since.
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Column } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { openTable, type Table } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile } from '#lake/iceberg/types.ts'
import { column, definition, readRows, type Workbench, workbench, writeRows } from './fixture.ts'
import { commitForeign, equalityDeletes, install, placesOf, positionDeletes } from './foreign-commit.ts'

let bench: Workbench

beforeEach(async () => {
  bench = await workbench()
})

afterEach(async () => bench.close())

const K = column('k', 'int')
const V = column('v', 'string')

async function create(columns: readonly Column[], partitionBy: readonly string[] = []): Promise<void> {
  const fields = partitionBy.map(name => ({ column: name, transform: { name: 'identity' } as const }))
  await ensureTable(bench.lake, definition('t', columns, { partitionBy: fields }))
}

const write = async (source: Sql): Promise<readonly DataFile[]> => writeRows(bench, await open(), source)
const open = (): Promise<Table> => openTable(bench.lake, 't')

async function remove(source: Sql, ids: Readonly<Record<string, number>>, file?: Partial<DataFile>): Promise<DataFile> {
  return equalityDeletes(bench, await open(), { source, ids }, { file: file ?? {} })
}

async function rows(options = {}): Promise<readonly string[]> {
  const found = await readRows(bench, 't', sql`ALL`, options)
  return found.map(row => Object.values(row).join(' '))
}

const pairs = (...values: readonly (readonly [key: number | null, value: string])[]): Sql =>
  values.map(([k, v]) => sql`SELECT ${k}::INTEGER AS k, ${v} AS v`).reduce((all, each) => sql`${all} UNION ALL ${each}`)

test('upserts: a row that comes with the delete of its key is kept, at every step', async () => {
  await create([K, V])
  await commitForeign(bench.lake, 't', { data: await write(pairs([1, 'a'], [2, 'a'], [3, 'a'])) })
  const upsert = async (keys: readonly number[], value: string): Promise<void> => {
    const data = await write(pairs(...keys.map(key => [key, value] as const)))
    const deletes = [await remove(sql`SELECT unnest(${keys})::INTEGER AS k`, { k: 1 })]
    await commitForeign(bench.lake, 't', { data, deletes })
  }
  await upsert([1, 2, 3], 'b')
  // Now the file of the first upsert has a delete of its own, and that of the row 3 must not count for it.
  await upsert([1, 2], 'c')
  expect(await rows()).toEqual(['1 c', '2 c', '3 b'])
  await commitForeign(bench.lake, 't', { deletes: [await remove(sql`SELECT 2 AS k`, { k: 1 })] })
  expect(await rows()).toEqual(['1 c', '3 b'])
  const { metadata } = await open()
  const then: (readonly string[])[] = []
  for (const snapshot of metadata.snapshots) then.push(await rows({ snapshot }))
  expect(then).toEqual([
    ['1 a', '2 a', '3 a'],
    ['1 b', '2 b', '3 b'],
    ['1 c', '2 c', '3 b'],
    ['1 c', '3 b'],
  ])
})

test('several columns, each delete by its own, and null equal to null alone', async () => {
  await create([K, V])
  await commitForeign(bench.lake, 't', {
    data: await write(
      sql`SELECT * FROM (VALUES (1, 'a'), (1, NULL), (NULL, 'a'), (NULL, NULL), (2, 'b'), (3, 'b')) t(k, v)`,
    ),
  })
  await commitForeign(bench.lake, 't', {
    deletes: [
      await remove(sql`SELECT * FROM (VALUES (1, NULL::VARCHAR), (NULL, NULL)) t(k, v)`, { k: 1, v: 2 }),
      await remove(sql`SELECT 'b' AS v`, { v: 2 }),
    ],
  })
  expect(await rows()).toEqual(['1 a', ' a'])
  await commitForeign(bench.lake, 't', { deletes: [await remove(sql`SELECT NULL::INTEGER AS k`, { k: 1 })] })
  expect(await rows()).toEqual(['1 a'])
})

test('together with position deletes, both on the same rows', async () => {
  await create([K, V])
  const [a] = await write(sql`SELECT i::INTEGER AS k, 'v' || i AS v FROM range(6) t(i) ORDER BY i`)
  await commitForeign(bench.lake, 't', { data: [a as DataFile] })
  const places = placesOf([[a as DataFile, 0, 1]])
  await commitForeign(bench.lake, 't', {
    deletes: [
      await positionDeletes(bench, await open(), places),
      await remove(sql`SELECT 1 AS k UNION ALL SELECT 4`, { k: 1 }),
    ],
  })
  expect(await rows()).toEqual(['2 v2', '3 v3', '5 v5'])
})

test('in its own partition only, and everywhere when its spec has none', async () => {
  await create([K, V])
  const everywhere = (await open()).metadata['default-spec-id']
  await commitForeign(bench.lake, 't', { data: await write(pairs([1, 'old'], [2, 'old'], [9, 'old'])) })
  await create([K, V], ['v'])
  await commitForeign(bench.lake, 't', { data: await write(pairs([1, 'a'], [2, 'a'], [1, 'b'], [2, 'b'])) })
  const { metadata } = await open()
  const inA = { spec_id: metadata['default-spec-id'], partition: ['a'] }
  await commitForeign(bench.lake, 't', { deletes: [await remove(sql`SELECT 1 AS k`, { k: 1 }, inA)] })
  expect(await rows()).toEqual(['1 b', '1 old', '2 a', '2 b', '2 old', '9 old'])
  await commitForeign(bench.lake, 't', {
    deletes: [await remove(sql`SELECT 2 AS k`, { k: 1 }, { spec_id: everywhere })],
  })
  expect(await rows()).toEqual(['1 b', '1 old', '9 old'])
  expect(await rows({ where: [{ column: 'v', op: 'in', values: ['b'] }] })).toEqual(['1 b'])
})

test('a column that was widened between the rows, the delete and the reading', async () => {
  await create([K, V])
  await commitForeign(bench.lake, 't', { data: await write(pairs([1, 'a'], [2, 'a'], [3, 'a'])) })
  await commitForeign(bench.lake, 't', { deletes: [await remove(sql`SELECT 1::INTEGER AS k`, { k: 1 })] })
  await create([column('k', 'long'), V])
  await commitForeign(bench.lake, 't', {
    data: await write(sql`SELECT 3000000000 AS k, 'a' AS v UNION ALL SELECT 4, 'a'`),
  })
  await commitForeign(bench.lake, 't', {
    deletes: [await remove(sql`SELECT 2::BIGINT AS k UNION ALL SELECT 3000000000`, { k: 1 })],
  })
  expect(await rows()).toEqual(['3 a', '4 a'])
  const { metadata } = await open()
  expect(await rows({ snapshot: metadata.snapshots[1] })).toEqual(['2 a', '3 a'])
})

test('a column that was renamed, and one that was dropped', async () => {
  await create([K, V])
  await commitForeign(bench.lake, 't', { data: await write(pairs([1, 'a'], [2, 'b'], [3, 'c'])) })
  await commitForeign(bench.lake, 't', {
    deletes: [await remove(sql`SELECT 1 AS k`, { k: 1 }), await remove(sql`SELECT 'b' AS v`, { v: 2 })],
  })
  await create([column('key', 'int', { from: ['k'] }), V])
  expect(await rows()).toEqual(['3 c'])
  const { metadata } = await open()
  const schema = {
    type: 'struct',
    'schema-id': 7,
    fields: [{ id: 2, name: 'v', required: false, type: 'string' }],
  } as const
  await install(bench.lake, 't', { ...metadata, schemas: [...metadata.schemas, schema], 'current-schema-id': 7 })
  await commitForeign(bench.lake, 't', { deletes: [await remove(sql`SELECT 99 AS x`, { x: 1 })] })
  expect(await rows()).toEqual(['c'])
  expect(await readRows(bench, 't', sql`v`)).toEqual([{ v: 'c' }])
})

test('a scan that asks for other columns alone, of files whose nested fields were renamed since', async () => {
  const pair = (name: string, from: readonly string[] = []): Column =>
    column('s', { struct: [column(name, 'int', { from })] })
  await create([K, pair('a')])
  await commitForeign(bench.lake, 't', {
    data: await write(sql`SELECT i::INTEGER AS k, {'a': (i * 10)::INTEGER} AS s FROM range(3) t(i)`),
  })
  await create([K, pair('b', ['a'])])
  await commitForeign(bench.lake, 't', { deletes: [await remove(sql`SELECT 1 AS k`, { k: 1 })] })
  const { schema, files } = await planScan(bench.lake, await open())
  const fields = schema.fields.filter(field => field.name === 's')
  const scan = scanSql({ ...schema, fields }, await stageFiles(bench.lake, files, bench.root))
  expect(await bench.session.rows(sql`SELECT * FROM (${scan}) ORDER BY s`)).toEqual([{ s: { b: 0 } }, { s: { b: 20 } }])
})

test('rows from before a column was added have null in it', async () => {
  await create([K])
  await commitForeign(bench.lake, 't', { data: await write(sql`SELECT 1 AS k UNION ALL SELECT 2`) })
  await create([K, V])
  await commitForeign(bench.lake, 't', { data: await write(pairs([3, 'x'])) })
  await commitForeign(bench.lake, 't', {
    deletes: [await remove(sql`SELECT 2 AS k, NULL::VARCHAR AS v`, { k: 1, v: 2 })],
  })
  expect(await rows()).toEqual(['1 ', '3 x'])
})

test('a delete without field ids is refused rather than taken for one of nulls', async () => {
  await create([K, V])
  await commitForeign(bench.lake, 't', { data: await write(sql`SELECT NULL::INTEGER AS k, 'kept' AS v`) })
  const bare = await positionDeletes(bench, await open(), sql`SELECT 1 AS k`, {
    ids: null,
    file: { content: 2, equality_ids: [1] },
  })
  await commitForeign(bench.lake, 't', { deletes: [bare] })
  await expect(rows()).rejects.toMatchObject({ kind: 'unsupported' })
})

test('every type as a key', async () => {
  const types = [
    'boolean',
    'long',
    'float',
    'double',
    'decimal(38,2)',
    'date',
    'timestamp',
    'timestamptz',
    'string',
    'uuid',
    'binary',
  ] as const
  await create(types.map((type, index) => column(`c${index}`, type)))
  const values = sql`SELECT i % 2 = 0 AS c0, i AS c1, (i / 4)::FLOAT AS c2, CASE WHEN i = 3 THEN 'nan'::DOUBLE ELSE i / 3 END AS c3,
    (i * 1000000000000000000)::DECIMAL(38,2) AS c4, DATE '1969-12-30' + i::INTEGER AS c5, TIMESTAMP '1969-12-31 23:59:59' + to_microseconds(i) AS c6,
    TIMESTAMPTZ '1970-01-01 00:00:00+00' + to_days(i::INTEGER) AS c7, 'é𝒳' || i AS c8, md5(i::VARCHAR)::UUID AS c9, unhex('00FF0' || i) AS c10 FROM range(6) t(i)`
  await commitForeign(bench.lake, 't', { data: await write(values) })
  const ids = Object.fromEntries(types.map((_, index) => [`c${index}`, index + 1]))
  await commitForeign(bench.lake, 't', {
    deletes: [await remove(sql`SELECT * FROM (${values}) WHERE c1 IN (1, 3)`, ids)],
  })
  expect((await readRows(bench, 't', sql`c1`)).map(row => row['c1'])).toEqual(['0', '2', '4', '5'])
})
