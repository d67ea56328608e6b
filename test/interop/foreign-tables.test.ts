// Contract: tables that PyIceberg created are read, appended to and kept whole through every change that it makes to their schema
// and partitioning, and it reads what we added; version 1 tables are read, and a write to one is refused.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { appendRows, deleteRows, readRows, type Workbench, workbench } from '../lake/iceberg/fixture.ts'
import { compactTable } from '../lake/iceberg/lives.ts'
import { type PyIcebergStep, workWithPyIceberg } from './pyiceberg.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

const theirs = (table: string, ...steps: readonly Omit<PyIcebergStep, 'table'>[]): Promise<readonly unknown[]> =>
  workWithPyIceberg(
    { lake: bench.root },
    steps.map(step => ({ ...step, table }) as PyIcebergStep),
  )

const field = (id: number, name: string, type: unknown, required = false) => ({ id, name, type, required })
const schema = (...fields: readonly unknown[]) => ({ type: 'struct', 'schema-id': 0, fields })

/** Both read the same rows, and they are these. */
async function bothRead(table: string, rows: readonly unknown[], filter?: string): Promise<void> {
  const [found] = await theirs(table, { do: 'rows', order: 'id', ...(filter === undefined ? {} : { filter }) })
  expect(found).toEqual(rows)
  if (filter === undefined) expect(await readRows(bench, table, sql`id`)).toEqual(rows)
}

describe('a table of PyIceberg with its defaults', () => {
  const inner = { type: 'struct', fields: [field(11, 'a', 'int'), field(12, 'b', 'string')] }
  const shape = schema(
    field(1, 'id', 'long', true),
    field(2, 'name', 'string'),
    field(3, 'n', 'int'),
    field(4, 'at', 'timestamptz'),
    field(5, 'st', inner),
  )
  const spec = { 'spec-id': 0, fields: [{ 'source-id': 4, 'field-id': 1000, transform: 'day', name: 'at_day' }] }
  const first = { id: '1', name: 'a', n: 1, at: '1969-12-31 23:59:59.5+00', st: { a: 1, b: 'x' } }
  const second = { id: '2', name: null, n: null, at: null, st: null }
  const third = { id: '3', name: 'é𝒳', n: -1, at: '1970-01-01 00:00:00+00', st: { a: null, b: 'y' } }

  test('is appended to by both in turn', async () => {
    await theirs('defaults', { do: 'create', schema: shape, spec }, { do: 'append', rows: [first, second] })
    await appendRows(
      bench,
      'defaults',
      sql`SELECT 3 AS id, 'é𝒳' AS name, -1 AS n, TIMESTAMPTZ '1970-01-01 00:00:00+00' AS at, {a: NULL::INTEGER, b: 'y'} AS st`,
    )
    await bothRead('defaults', [first, second, third])
    await bothRead('defaults', [first], "at < '1970-01-01T00:00:00+00:00'")
    await bothRead('defaults', [second], 'at is null')
  })

  test('evolves: renamed, renamed inside a struct, added, widened, moved and dropped', async () => {
    const changes = [
      ['rename_column', 'name', 'title'],
      ['rename_column', 'st.a', 'first'],
      ['update_column', 'n', { type: 'long' }],
      ['add_column', 'extra', { type: 'double' }],
      ['add_column', ['st', 'c'], { type: 'date' }],
      ['move_first', 'extra'],
    ]
    await theirs('defaults', { do: 'evolve', changes }, { do: 'evolve', changes: [['delete_column', 'st.b']] })
    const title = 'after'
    const fourth = { extra: 0.5, id: '4', title, n: '1099511627776', at: null, st: { first: 4, c: '1970-01-02' } }
    await appendRows(
      bench,
      'defaults',
      sql`SELECT 0.5::DOUBLE AS extra, 4 AS id, 'after' AS title, 1099511627776 AS n, NULL::TIMESTAMPTZ AS at,
        {'first': 4, c: DATE '1970-01-02'} AS st`,
    )
    const old = ({ id, name, n, at, st }: typeof first | typeof second | typeof third) => ({
      ...{ extra: null, id, title: name, n: n === null ? null : String(n), at },
      st: st === null ? null : { first: st.a, c: null },
    })
    await bothRead('defaults', [old(first), old(second), old(third), fourth])
    await bothRead('defaults', [fourth], 'n > 1000')
  })

  test('changes its partitioning, with files of both sides in every spec', async () => {
    const changes = [
      ['remove_field', 'at_day'],
      ['add_field', 'title', 'truncate[1]', 'title_trunc'],
    ]
    await theirs('defaults', { do: 'respecify', changes })
    const row = (id: string, title: string | null) => ({ extra: null, id, title, n: null, at: null, st: null })
    await theirs('defaults', { do: 'append', rows: [row('5', '𝒳𝒴')] })
    await appendRows(
      bench,
      'defaults',
      sql`SELECT NULL::DOUBLE AS extra, id, title, NULL::BIGINT AS n, NULL::TIMESTAMPTZ AS at,
        NULL::STRUCT("first" INTEGER, c DATE) AS st FROM (VALUES (6, '𝒳z'), (7, NULL)) t(id, title)`,
    )
    const { metadata } = await openTable(bench.lake, 'defaults')
    expect(metadata['partition-specs']).toHaveLength(2)
    await bothRead('defaults', [row('5', '𝒳𝒴'), row('6', '𝒳z')], "title >= '𝒳' and title < '𝒴'")
    expect((await readRows(bench, 'defaults', sql`id`)).map(each => each['id'])).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
    ])
  })
})

describe('row deltas and compaction of a table of PyIceberg', () => {
  const ids = async (table: string): Promise<readonly unknown[]> => {
    const [found] = await theirs(table, { do: 'rows', order: 'id' })
    const ours = await readRows(bench, table, sql`id`)
    expect(found).toEqual(ours)
    return ours.map(row => Number(row['id']))
  }

  test('files of two partition specs and an evolved schema', async () => {
    await deleteRows(bench, 'defaults', sql`id IN (1, 6)`)
    expect(await ids('defaults')).toEqual([2, 3, 4, 5, 7])
    await theirs('defaults', { do: 'delete', filter: 'id = 3' })
    expect(await ids('defaults')).toEqual([2, 4, 5, 7])
    for (const id of [8, 9, 10, 11, 12])
      await theirs('defaults', { do: 'append', rows: [{ id: String(id), title: '𝒳', n: '1' }] })
    await deleteRows(bench, 'defaults', sql`id = 9`)
    await compactTable(bench, 'defaults')
    expect(await ids('defaults')).toEqual([2, 4, 5, 7, 8, 10, 11, 12])
    const live = await liveFiles(bench.lake, await openTable(bench.lake, 'defaults'))
    expect(live.flatMap(each => each.deletes)).toEqual([])
    expect(new Set(live.map(each => each.file.spec_id))).toEqual(new Set([1]))
    await theirs('defaults', { do: 'delete', filter: 'id = 10' })
    expect(await ids('defaults')).toEqual([2, 4, 5, 7, 8, 11, 12])
  })

  test('files without field ids, below a name mapping', async () => {
    const inner = { type: 'struct', fields: [field(11, 'a', 'int'), field(12, 'b', 'string')] }
    const shape = schema(field(1, 'id', 'long'), field(2, 'name', 'string'), field(3, 'st', inner))
    const rows = [1, 2, 3].map(id => ({ id, name: `n${id}`, st: { a: id, b: null } }))
    await theirs('mapped', { do: 'create', schema: shape }, { do: 'add_files', rows })
    const changes = [
      ['rename_column', 'name', 'title'],
      ['rename_column', 'st.a', 'first'],
    ]
    await theirs('mapped', { do: 'evolve', changes })
    const row = (id: number) => ({ id: String(id), title: `n${id}`, st: { first: id, b: null } })
    await bothRead('mapped', [row(1), row(2), row(3)])
    await deleteRows(bench, 'mapped', sql`id = 2`)
    await bothRead('mapped', [row(1), row(3)])
    // A third of the rows of a file are deleted: that is worth rewriting it.
    await compactTable(bench, 'mapped')
    await bothRead('mapped', [row(1), row(3)])
  })
})

describe('a version 1 table', () => {
  const spec = { 'spec-id': 0, fields: [{ 'source-id': 2, 'field-id': 1000, transform: 'identity', name: 'region' }] }
  const rows = [
    { id: '1', region: 'north' },
    { id: '2', region: null },
  ]

  beforeAll(() =>
    theirs(
      'version1',
      {
        do: 'create',
        schema: schema(field(1, 'id', 'long'), field(2, 'region', 'string')),
        spec,
        properties: { 'format-version': '1' },
      },
      { do: 'append', rows },
    ),
  )

  test('is read', () => bothRead('version1', rows))

  test('is not written to', async () => {
    const before = (await openTable(bench.lake, 'version1')).entry
    const refused = await appendRows(bench, 'version1', sql`SELECT 3 AS id, 'x' AS region`).catch(error => error)
    expect(isLakeError(refused, 'unsupported')).toBe(true)
    expect((await openTable(bench.lake, 'version1')).entry).toEqual(before)
  })
})
