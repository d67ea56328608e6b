// Rows are right under every later schema, whatever schema their file was written under: fields at any depth are found by id, never
// by a name that another field bears now. ClickHouse reads the same tables to the same rows.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { updateTable } from '#lake/iceberg/commit.ts'
import { currentSchema } from '#lake/iceberg/metadata.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { planScan } from '#lake/iceberg/scan.ts'
import { type SchemaChange, updateSchema } from '#lake/iceberg/schema-change.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import {
  appendRows,
  type ClickHouse,
  clickHouse,
  column,
  definition,
  readRows,
  type Workbench,
  workbench,
} from './fixture.ts'

let bench: Workbench
let reader: ClickHouse

beforeAll(async () => {
  bench = await workbench()
  reader = clickHouse(bench.root)
})
afterAll(async () => {
  process.chdir('/')
  await bench.close()
})

async function change(name: string, ...changes: readonly SchemaChange[]): Promise<void> {
  // A change is described once, on the schema that it was meant for: what comes after finds it done.
  const { metadata } = await openTable(bench.lake, name)
  const schemaId = metadata['current-schema-id']
  await updateTable(bench.lake, name, base =>
    base['current-schema-id'] === schemaId ? updateSchema(base, changes) : base,
  )
}

const theirs = (name: string, columns: string): unknown =>
  (
    JSON.parse(reader.query(`SELECT ${columns} FROM icebergLocal('tables/${name}') ORDER BY k`, 'JSONCompact')) as {
      readonly data: unknown
    }
  ).data

describe('three generations of one table', () => {
  const first = sql`SELECT 1 AS k, {'x': 1, 'y': 10} AS s, [{'e': 'e1', 'n': 1}] AS l, MAP {'m1': {'v': 1}} AS m, 'gone' AS g`
  const second = sql`SELECT 2 AS k, {'y': 20, 'x': 2, 'z': 'z2'} AS s, [{'n': 2, 'e': 'e2'}, NULL] AS l, MAP {'m2': {'v': 2}} AS m, 3.5 AS g`
  const third = sql`SELECT 3 AS k, {'x': 3000000000, 't': 30} AS s, [] AS l, NULL AS m, 4.5 AS g`

  beforeAll(async () => {
    await ensureTable(
      bench.lake,
      definition('three', [
        column('k', 'int'),
        column('s', { struct: [column('x', 'int'), column('y', 'int')] }),
        column('l', { list: { struct: [column('e', 'string'), column('n', 'int')] } }),
        column('m', { map: { key: 'string', value: { struct: [column('v', 'int')] } } }),
        column('g', 'string'),
      ]),
    )
    await appendRows(bench, 'three', first)
    // x and y change names; e and n too, and places; v is dropped and another v comes; g becomes a number under a new id.
    await change(
      'three',
      { type: 'rename', path: 's.x', to: 't' },
      { type: 'rename', path: 's.y', to: 'x' },
      { type: 'rename', path: 's.t', to: 'y' },
      { type: 'add', path: 's.z', column: 'string' },
      { type: 'rename', path: 'l.element.e', to: 't' },
      { type: 'rename', path: 'l.element.n', to: 'e' },
      { type: 'rename', path: 'l.element.t', to: 'n' },
      { type: 'move', path: 'l.element.n', place: 'last' },
      { type: 'add', path: 'm.value.w', column: 'int' },
      { type: 'drop', path: 'm.value.v' },
      { type: 'rename', path: 'm.value.w', to: 'v' },
      { type: 'drop', path: 'g' },
      { type: 'add', path: 'g', column: 'double' },
    )
    await appendRows(bench, 'three', sql`SELECT * REPLACE ([{'e': 2, 'n': 'e2'}, NULL] AS l) FROM (${second})`)
    await change(
      'three',
      { type: 'promote', path: 's.x', to: 'long' },
      { type: 'drop', path: 's.z' },
      { type: 'rename', path: 's.y', to: 't' },
      { type: 'move', path: 'g', place: { after: 'k' } },
    )
    await appendRows(bench, 'three', third)
  })

  const rows = [
    { k: 1, g: null, s: { x: '10', t: 1 }, l: [{ e: 1, n: 'e1' }], m: [{ key: 'm1', value: { v: null } }] },
    { k: 2, g: 3.5, s: { x: '2', t: 20 }, l: [{ e: 2, n: 'e2' }, null], m: [{ key: 'm2', value: { v: 2 } }] },
    { k: 3, g: 4.5, s: { x: '3000000000', t: 30 }, l: [], m: null },
  ]

  test('our scan', async () => {
    const found = await readRows(bench, 'three', sql`k`)
    expect(found).toEqual(rows)
    expect(Object.keys(found[0] ?? {})).toEqual(['k', 'g', 's', 'l', 'm'])
  })

  test('our scan of the files that may match', async () => {
    expect(await readRows(bench, 'three', sql`k`, { where: [{ column: 'g', op: '>', value: 4 }] })).toEqual([
      rows[0],
      rows[2],
    ])
    expect(await readRows(bench, 'three', sql`k`, { where: [{ column: 'k', op: 'in', values: [1, 2] }] })).toEqual(
      rows.slice(0, 2),
    )
  })

  test('older snapshots, each under its own schema', async () => {
    const { metadata } = await openTable(bench.lake, 'three')
    expect(await readRows(bench, 'three', sql`k`, { snapshot: metadata.snapshots[0] })).toEqual([
      { k: 1, s: { x: 1, y: 10 }, l: [{ e: 'e1', n: 1 }], m: [{ key: 'm1', value: { v: 1 } }], g: 'gone' },
    ])
    expect(await readRows(bench, 'three', sql`k`, { snapshot: metadata.snapshots[1] })).toEqual([
      { k: 1, s: { y: 1, x: 10, z: null }, l: [{ e: 1, n: 'e1' }], m: [{ key: 'm1', value: { v: null } }], g: null },
      { k: 2, s: { y: 20, x: 2, z: 'z2' }, l: [{ e: 2, n: 'e2' }, null], m: [{ key: 'm2', value: { v: 2 } }], g: 3.5 },
    ])
  })

  test('ClickHouse', () => {
    // It knows no null structs: one in a list is a struct of nulls.
    const none = { e: null, n: null }
    expect(theirs('three', 'k, g, s, l, m')).toEqual([
      [1, null, { x: 10, t: 1 }, [{ e: 1, n: 'e1' }], { m1: { v: null } }],
      [2, 3.5, { x: 2, t: 20 }, [{ e: 2, n: 'e2' }, none], { m2: { v: 2 } }],
      [3, 4.5, { x: 3000000000, t: 30 }, [], {}],
    ])
  })
})

describe('nulls', () => {
  test('a null struct, list or map stays null, inside others too', async () => {
    const columns = [
      column('k', 'int'),
      column('s', { struct: [column('a', 'int'), column('in', { struct: [column('b', 'int')] })] }),
      column('l', { list: { list: { struct: [column('c', 'int')] } } }),
      column('m', { map: { key: 'string', value: { struct: [column('d', 'int')] } } }),
    ]
    await ensureTable(bench.lake, definition('nulls', columns))
    await appendRows(
      bench,
      'nulls',
      sql`SELECT * FROM (VALUES
        (1, NULL, NULL, NULL),
        (2, {'a': NULL, 'in': NULL}, [NULL, [], [NULL]], MAP {'x': NULL}),
        (3, {'a': 1, 'in': {'b': NULL}}, [[{'c': NULL}, {'c': 3}]], MAP {})) t(k, s, l, m)`,
    )
    await change(
      'nulls',
      { type: 'rename', path: 's.in.b', to: 'bb' },
      { type: 'rename', path: 'l.element.element.c', to: 'cc' },
      { type: 'rename', path: 'm.value.d', to: 'dd' },
    )
    expect(await readRows(bench, 'nulls', sql`k`)).toEqual([
      { k: 1, s: null, l: null, m: null },
      { k: 2, s: { a: null, in: null }, l: [null, [], [null]], m: [{ key: 'x', value: null }] },
      { k: 3, s: { a: 1, in: { bb: null } }, l: [[{ cc: null }, { cc: 3 }]], m: [] },
    ])
  })
})

test('a declaration renames inside a struct, and old rows follow', async () => {
  const declared = (name: string, from: readonly string[]): ReturnType<typeof definition> =>
    definition('declared', [column('k', 'int'), column('s', { struct: [column(name, 'string', { from })] })])
  await ensureTable(bench.lake, declared('old', []))
  await appendRows(bench, 'declared', sql`SELECT 1 AS k, {'old': 'a'} AS s`)
  await ensureTable(bench.lake, declared('new', ['old']))
  await appendRows(bench, 'declared', sql`SELECT 2 AS k, {'new': 'b'} AS s`)
  expect(await readRows(bench, 'declared', sql`k`)).toEqual([
    { k: 1, s: { new: 'a' } },
    { k: 2, s: { new: 'b' } },
  ])
  expect(theirs('declared', 'k, s')).toEqual([
    [1, { new: 'a' }],
    [2, { new: 'b' }],
  ])
})

test('a struct of which the file has nothing that is left', async () => {
  await ensureTable(
    bench.lake,
    definition('hollow', [column('k', 'int'), column('s', { struct: [column('a', 'int')] })]),
  )
  await appendRows(bench, 'hollow', sql`SELECT 1 AS k, {'a': 1} AS s`)
  await appendRows(bench, 'hollow', sql`SELECT 2 AS k, NULL AS s`)
  await change('hollow', { type: 'add', path: 's.b', column: 'int' }, { type: 'drop', path: 's.a' })
  expect(await readRows(bench, 'hollow', sql`k`)).toEqual([
    { k: 1, s: { b: null } },
    { k: 2, s: null },
  ])
})

test('places are those of the rows in their own files, in however many layouts', async () => {
  await ensureTable(
    bench.lake,
    definition('places', [column('k', 'int'), column('s', { struct: [column('a', 'int')] })]),
  )
  const rowsOf = (start: number): Sql => sql`SELECT ${start} + i AS k, {'a': i} AS s FROM range(3) r(i)`
  await appendRows(bench, 'places', rowsOf(0))
  await change('places', { type: 'rename', path: 's.a', to: 'b' })
  await appendRows(bench, 'places', sql`SELECT k, {'b': s.a} AS s FROM (${rowsOf(10)})`)
  const plan = await planScan(bench.lake, await openTable(bench.lake, 'places'))
  const local = await stageFiles(bench.lake, plan.files, join(bench.root, 'work'))
  const scan = scanSql(plan.schema, local, { places: true })
  const found = await bench.session.rows(sql`SELECT k, s.b AS b, _file, _pos FROM (${scan}) ORDER BY k`)
  expect(found.map(row => [row['k'], row['b'], String(row['_pos'])])).toEqual([
    [0, 0, '0'],
    [1, 1, '1'],
    [2, 2, '2'],
    [10, 0, '0'],
    [11, 1, '1'],
    [12, 2, '2'],
  ])
  expect(new Set(found.map(row => row['_file']))).toEqual(new Set(local.map(file => file.path)))
})

test('no files: the columns are there', async () => {
  const { metadata } = await openTable(bench.lake, 'three')
  const none = readSql(currentSchema(metadata), [], { places: true })
  expect(await bench.session.rows(none)).toEqual([])
})
