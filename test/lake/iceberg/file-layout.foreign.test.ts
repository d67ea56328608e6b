// Files that others brought into a table are read by the spec's rules of column projection: by the table's name mapping when they have
// no field ids, a missing partition column from the manifest; and a file that cannot be understood is refused by its name.
import { copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { SchemaElement } from 'hyparquet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Column } from '#lake/dataset.ts'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit, updateTable } from '#lake/iceberg/commit.ts'
import { type FileField, fileFields, layoutOf } from '#lake/iceberg/file-layout.ts'
import { layoutColumns } from '#lake/iceberg/layout-sql.ts'
import { setProperties } from '#lake/iceberg/metadata.ts'
import { parseNameMapping } from '#lake/iceberg/name-mapping.ts'
import { stageAppend } from '#lake/iceberg/operations/append.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import { updateSchema } from '#lake/iceberg/schema-change.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable } from '#lake/iceberg/table-definition.ts'
import type { DataFile, PartitionValue } from '#lake/iceberg/types.ts'
import { appendRows, column, definition, manifestOnly, readRows, type Workbench, workbench } from './fixture.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

/** A file as another writer leaves it: no field ids, unless `ids` says so. */
async function foreignFile(
  source: Sql,
  options: Sql = sql``,
  partition: readonly PartitionValue[] = [],
): Promise<DataFile> {
  const path = join(bench.root, 'tables', `${bench.lake.ids.uuid()}.parquet`)
  await bench.session.run(sql`COPY (${source}) TO ${path} (FORMAT parquet${options})`)
  return manifestOnly(`file://${path}`, { partition, record_count: 1n })
}

async function bring(name: string, file: DataFile): Promise<void> {
  await commit(bench.lake, name, { commitId: bench.lake.ids.uuid() }, () => stageAppend([file]))
}

const columns: readonly Column[] = [
  column('k', 'long'),
  column('s', { struct: [column('a', 'string')] }),
  column('l', { list: { struct: [column('b', 'int')] } }),
  column('m', { map: { key: 'string', value: 'int' } }),
  column('late', 'int'),
]

const MAPPING = JSON.stringify([
  { 'field-id': 1, names: ['k', 'id'] },
  { 'field-id': 2, names: ['s'], fields: [{ 'field-id': 6, names: ['a', 'alpha'] }] },
  {
    'field-id': 3,
    names: ['l'],
    fields: [{ 'field-id': 7, names: ['element'], fields: [{ 'field-id': 8, names: ['b'] }] }],
  },
  {
    'field-id': 4,
    names: ['m'],
    fields: [
      { 'field-id': 9, names: ['key'] },
      { 'field-id': 10, names: ['value'] },
    ],
  },
  { names: ['ignored'] },
])

const mapped = (name: string): Promise<unknown> =>
  updateTable(bench.lake, name, base => setProperties(base, { 'schema.name-mapping.default': MAPPING }))

describe('files without field ids', () => {
  const foreign = sql`SELECT 7::INT AS id, {'alpha': 'x', 'other': 1} AS s, [{'b': 2}] AS l, MAP {'q': 3} AS m, 5 AS late, 6 AS ignored`

  test('are read by the name mapping, under any later name, beside files of ours', async () => {
    await ensureTable(bench.lake, definition('mapped', columns))
    await mapped('mapped')
    await appendRows(
      bench,
      'mapped',
      sql`SELECT 1 AS k, {'a': 'y'} AS s, [{'b': 4}] AS l, MAP {'r': 5} AS m, 6 AS late`,
    )
    await bring('mapped', await foreignFile(foreign))
    // `late` is in the file and not in the mapping: it is another column, and the table's has no value there.
    expect(await readRows(bench, 'mapped', sql`k`)).toEqual([
      { k: '1', s: { a: 'y' }, l: [{ b: 4 }], m: [{ key: 'r', value: 5 }], late: 6 },
      { k: '7', s: { a: 'x' }, l: [{ b: 2 }], m: [{ key: 'q', value: 3 }], late: null },
    ])
    await updateTable(bench.lake, 'mapped', base =>
      base['current-schema-id'] === 0 ? updateSchema(base, [{ type: 'rename', path: 's.a', to: 'z' }]) : base,
    )
    expect((await readRows(bench, 'mapped', sql`k`)).map(row => row['s'])).toEqual([{ z: 'y' }, { z: 'x' }])
  })

  test('are refused by name without one', async () => {
    await ensureTable(bench.lake, definition('unmapped', columns))
    const file = await foreignFile(foreign)
    await bring('unmapped', file)
    await expect(readRows(bench, 'unmapped', sql`k`)).rejects.toMatchObject({
      kind: 'unsupported',
      context: { file: file.file_path.slice('file://'.length) },
      message: expect.stringContaining('schema.name-mapping.default'),
    })
  })

  test.for(['{', '{}', '[{"names": 1}]', '[{"names": ["a"], "fields": [1]}]'])(
    'a mapping that is %s is corrupt',
    text => {
      expect(() => parseNameMapping(text)).toThrow(expect.objectContaining({ kind: 'table-corrupt' }))
    },
  )
})

describe('partition columns that the files leave out, as Hive’s do', () => {
  test.for([
    ['string', "ö/'", "ö/'"],
    ['int', -3, -3],
    ['long', 9007199254740993n, '9007199254740993'],
    ['date', -1, '1969-12-31'],
    ['timestamp', -1n, '1969-12-31 23:59:59.999999'],
    ['timestamptz', 1n, '1970-01-01 00:00:00.000001+00'],
    ['time', 1_000_001n, '00:00:01.000001'],
    ['boolean', true, true],
    ['double', Number.NaN, 'NaN'],
    ['decimal(9,2)', Buffer.from('ffffff85', 'hex'), '-1.23'],
    ['uuid', Buffer.from('f79c3e09677c4bbda4793f349cb785e7', 'hex'), 'f79c3e09-677c-4bbd-a479-3f349cb785e7'],
    ['string', null, null],
  ] as const)('%s %s', async ([type, value, text]) => {
    const name = `hive_${bench.lake.ids.uuid().slice(0, 8)}`
    const partitionBy = [{ column: 'p', transform: { name: 'identity' } }] as const
    await ensureTable(bench.lake, definition(name, [column('p', type), column('k', 'int')], { partitionBy }))
    await bring(name, await foreignFile(sql`SELECT 5 AS k`, sql`, FIELD_IDS {k: 2}`, [value]))
    expect(await readRows(bench, name, sql`k`)).toEqual([{ p: text, k: 5 }])
  })
})

test('text without its mark, as Hive and Impala write it, is text; uuids without theirs are uuids', async () => {
  await ensureTable(
    bench.lake,
    definition('unmarked', [column('t', 'string'), column('u', 'uuid'), column('b', 'binary')]),
  )
  const source = sql`SELECT encode('\\x41é') AS t, unhex('f79c3e09677c4bbda4793f349cb785e7') AS u, 'é' AS b`
  await bring('unmarked', await foreignFile(source, sql`, FIELD_IDS {t: 1, u: 2, b: 3}`))
  const [row] = await readRows(bench, 'unmarked', sql`t`)
  expect(row).toMatchObject({ t: '\\x41é', u: 'f79c3e09-677c-4bbd-a479-3f349cb785e7' })
  expect(row?.['b']).toBe('\\xC3\\xA9')
})

test('NaN in a file whose bounds pass over it, as those of Arrow do, is found', async () => {
  const folder = join(import.meta.dirname, '../../golden/types/data')
  const [name] = readdirSync(folder).filter(each => each.endsWith('.parquet'))
  const path = join(bench.root, 'arrow.parquet')
  copyFileSync(join(folder, String(name)), path)
  const fields = [{ id: 5, name: 'f', required: false, type: 'float' }]
  const layout = layoutOf(path, { file: manifestOnly('') })
  const select = readSql({ type: 'struct', 'schema-id': 0, fields }, [path], { layouts: new Map([[path, layout]]) })
  const rows = await bench.session.rows(sql`SELECT DISTINCT f FROM (${select}) WHERE f > 2`)
  expect(rows).toEqual([{ f: 'NaN' }])
})

test('a column of another shape than the table’s is refused', async () => {
  await ensureTable(bench.lake, definition('shapes', [column('s', { struct: [column('a', 'int')] })]))
  await bring('shapes', await foreignFile(sql`SELECT 1 AS s`, sql`, FIELD_IDS {s: 1}`))
  await expect(readRows(bench, 'shapes', sql`s`)).rejects.toMatchObject({ kind: 'table-corrupt' })
})

test('names that differ by case only are refused, because DuckDB would give one of them another name', () => {
  const of = (name: string, id: number): FileField => ({ name, id, type: { kind: 'primitive', stored: 'INT32' } })
  const layout = { fields: [of('a', 1), of('A', 2)], identified: true, constants: new Map(), hidesNaN: false }
  const { schema } = evolveSchema(undefined, [column('a', 'int')])
  expect(() => layoutColumns(schema, layout)).toThrow(expect.objectContaining({ kind: 'unsupported' }))
})

test('a file that is no Parquet is unreadable by its name', async () => {
  const { entry } = await openTable(bench.lake, 'shapes')
  const path = entry.metadataLocation.slice('file://'.length)
  expect(() => layoutOf(path, { file: manifestOnly('x') })).toThrow(
    expect.objectContaining({ kind: 'file-unreadable', context: { file: path } }),
  )
})

describe('the shapes of older writers', () => {
  const leaf = (name: string, id: number, more: Partial<SchemaElement> = {}): SchemaElement => ({
    name,
    type: 'INT32',
    repetition_type: 'OPTIONAL',
    field_id: id,
    ...more,
  })
  const group = (name: string, children: number, more: Partial<SchemaElement> = {}): SchemaElement => ({
    name,
    repetition_type: 'OPTIONAL',
    num_children: children,
    ...more,
  })
  const shape = (...elements: readonly SchemaElement[]): unknown =>
    fileFields([{ name: 'root', num_children: 1 }, ...elements])[0]
  const number = { kind: 'primitive', stored: 'INT32' }
  const element = (id: number, type: unknown = number): unknown => ({
    kind: 'list',
    element: { name: 'element', id, type },
  })

  test('a list of three levels, under any names', () => {
    const bag = [
      group('l', 1, { converted_type: 'LIST', field_id: 1 }),
      group('bag', 1, { repetition_type: 'REPEATED' }),
      leaf('array_element', 2),
    ]
    expect(shape(...bag)).toEqual({ name: 'l', id: 1, type: element(2) })
  })

  test('a list of two levels', () => {
    const array = [
      group('l', 1, { converted_type: 'LIST', field_id: 1 }),
      leaf('array', 2, { repetition_type: 'REPEATED' }),
    ]
    expect(shape(...array)).toEqual({ name: 'l', id: 1, type: element(2) })
  })

  test('a repeated field without a list around it', () => {
    expect(shape(leaf('l', 1, { repetition_type: 'REPEATED' }))).toEqual({ name: 'l', id: 1, type: element(1) })
  })

  test('a list of structs of two levels', () => {
    const array = [
      group('l', 1, { converted_type: 'LIST', field_id: 1 }),
      group('array', 2, { repetition_type: 'REPEATED', field_id: 2 }),
      leaf('a', 3),
      leaf('b', 4),
    ]
    const fields = [
      { name: 'a', id: 3, type: number },
      { name: 'b', id: 4, type: number },
    ]
    expect(shape(...array)).toEqual({ name: 'l', id: 1, type: element(2, { kind: 'struct', fields }) })
  })

  test.for(['MAP', 'MAP_KEY_VALUE'] as const)('a map whose pairs are marked by its %s', mark => {
    const inner = mark === 'MAP' ? {} : ({ converted_type: mark } as const)
    const map = [
      group('m', 1, { converted_type: 'MAP', field_id: 1 }),
      group('map', 2, { ...inner, repetition_type: 'REPEATED' }),
      leaf('k', 2, { type: 'BYTE_ARRAY', converted_type: 'UTF8' }),
      leaf('v', 3),
    ]
    expect(shape(...map)).toEqual({
      name: 'm',
      id: 1,
      type: {
        kind: 'map',
        key: { name: 'key', id: 2, type: { kind: 'primitive', stored: 'BYTE_ARRAY UTF8' } },
        value: { name: 'value', id: 3, type: number },
      },
    })
  })
})
