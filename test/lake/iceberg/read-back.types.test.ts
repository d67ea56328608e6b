// Every type that a dataset can declare, nested ones too, comes back from ClickHouse and from our own scan as DuckDB had it in
// the source; and so do tables that were appended to, overwritten, replaced, evolved and re-partitioned.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageOverwrite, stageReplacePartitions, stageReplaceTable } from '#lake/iceberg/operations/overwrite.ts'
import { stageReplace } from '#lake/iceberg/operations/replace.ts'
import { scanSql, stageFiles } from '#lake/iceberg/read-files.ts'
import { liveFiles, planScan } from '#lake/iceberg/scan.ts'
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
  writeRows,
} from './fixture.ts'

const COLUMNS = [
  column('k', 'int'),
  column('big', 'long'),
  column('f', 'float'),
  column('d', 'double'),
  column('d9', 'decimal(9,2)'),
  column('d18', 'decimal(18,6)'),
  column('d38', 'decimal(38,10)'),
  column('day', 'date'),
  column('tm', 'time'),
  column('ts', 'timestamp'),
  column('tz', 'timestamptz'),
  column('u', 'uuid'),
  column('bin', 'binary'),
  column('we.ird "name', 'string'),
  column('tags', { list: 'string' }),
  column('st', { struct: [column('a', 'int'), column('in', { struct: [column('b', 'string')] })] }),
  column('m', { map: { key: 'string', value: 'double' } }),
  column('items', { list: { struct: [column('sku', 'string'), column('n', 'long')] } }),
]

const SOURCE = sql`SELECT i::INT AS k,
  CASE i WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775808 ELSE i END::BIGINT AS big,
  (i / 2.0)::FLOAT AS f, CASE i WHEN 3 THEN 'nan'::DOUBLE WHEN 4 THEN -0.0 WHEN 5 THEN 1e300 ELSE i / 7.0 END AS d,
  (i - 5.25)::DECIMAL(9,2) AS d9, (-i / 3.0)::DECIMAL(18,6) AS d18,
  CASE WHEN i = 6 THEN 9999999999999999999999999999.9999999999 ELSE -i - 0.0000000001 END::DECIMAL(38,10) AS d38,
  DATE '1969-12-28' + i::INT AS day, TIME '23:59:50.000001' + INTERVAL (i) SECOND AS tm,
  TIMESTAMP '1969-12-31 23:59:58.999999' + INTERVAL (i) SECOND AS ts,
  TIMESTAMPTZ '1969-12-31 23:59:58.999999+00' + INTERVAL (i) SECOND AS tz,
  ('f79c3e09-677c-4bbd-a479-' || lpad(i::VARCHAR, 12, '0'))::UUID AS u, unhex('00FF' || lpad(i::VARCHAR, 2, '0')) AS bin,
  CASE WHEN i % 4 = 0 THEN NULL ELSE repeat('é𝒳', i::INT) END AS "we.ird ""name",
  CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE ['x' || i, NULL, 'é'] END::VARCHAR[] AS tags,
  {'a': CASE WHEN i % 2 = 0 THEN i END::INT, 'in': {'b': 'b' || i}} AS st,
  MAP {'k' || i: i::DOUBLE, 'l': NULL} AS m,
  [{'sku': 's' || i, 'n': i::BIGINT}, {'sku': NULL, 'n': NULL}] AS items
  FROM range(12) r(i)`

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

const theirs = (select: string): unknown[] =>
  (JSON.parse(reader.query(select, 'JSONCompact')) as { readonly data: unknown[] }).data

describe('types', () => {
  beforeAll(async () => {
    await ensureTable(bench.lake, definition('types', COLUMNS))
    await appendRows(bench, 'types', SOURCE)
  })

  test('our scan gives back the source', async () => {
    const source = await bench.session.rows(sql`SELECT * FROM (${SOURCE}) ORDER BY k`)
    expect(await readRows(bench, 'types', sql`k`)).toEqual(source)
  })

  test('ClickHouse gives back the source, as text', async () => {
    const found = theirs(
      `SELECT toString(big), toString(f), toString(d9), toString(d18), toString(d38), toString(day), toString(ts), toString(tz), toString(u), hex(bin),
        "we.ird ""name", tags, st.a, st.in.b, m, items FROM icebergLocal('tables/types') ORDER BY k
        SETTINGS session_timezone = 'UTC', output_format_json_quote_64bit_integers = 1`,
    )
    expect(found).toHaveLength(12)
    expect(found[1]).toEqual([
      '-9223372036854775808',
      '0.5',
      '-4.25',
      '-0.333333',
      '-1.0000000001',
      '1969-12-29',
      '1969-12-31 23:59:59.999999',
      '1969-12-31 23:59:59.999999',
      'f79c3e09-677c-4bbd-a479-000000000001',
      '00FF01',
      'é𝒳',
      [],
      null,
      'b1',
      { k1: 1, l: null },
      [
        { sku: 's1', n: '1' },
        { sku: null, n: null },
      ],
    ])
    expect(found[6]?.[4 as never]).toBe('9999999999999999999999999999.9999999999')
  })

  test('each leaf column of a file has the field id of the schema', async () => {
    const table = await openTable(bench.lake, 'types')
    const [local] = await stageFiles(bench.lake, await liveFiles(bench.lake, table), bench.root)
    const leaves = await bench.session.rows(
      sql`SELECT name, field_id FROM parquet_schema(${local?.path ?? ''}) WHERE num_children IS NULL`,
    )
    expect(leaves.filter(leaf => leaf['field_id'] === null)).toEqual([])
    expect(leaves.map(leaf => Number(leaf['field_id']))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 19, 20, 22, 23, 24, 26, 27,
    ])
  })
})

describe('a life of a table', () => {
  const rows = (table: string): unknown[] => theirs(`SELECT * FROM icebergLocal('tables/${table}') ORDER BY 1, 2`)

  test('append, overwrite, replace of partitions, compaction, replace of everything', async () => {
    const { lake } = bench
    const shape = [column('p', 'string'), column('v', 'int')]
    await ensureTable(
      lake,
      definition('life', shape, { partitionBy: [{ column: 'p', transform: { name: 'identity' } }] }),
    )
    await appendRows(bench, 'life', sql`SELECT * FROM (VALUES ('a', 1), ('b', 2), (NULL, 3)) t(p, v)`)
    await appendRows(bench, 'life', sql`SELECT * FROM (VALUES ('a', 4), ('b', 5)) t(p, v)`)
    expect(rows('life')).toEqual([
      ['a', 1],
      ['a', 4],
      ['b', 2],
      ['b', 5],
      [null, 3],
    ])

    const swapped = await writeRows(bench, await openTable(lake, 'life'), sql`SELECT NULL::VARCHAR AS p, 33 AS v`)
    await commit(lake, 'life', { commitId: 'partitions' }, async base =>
      stageReplacePartitions(await liveFiles(lake, base), swapped),
    )
    expect(rows('life')).toEqual([
      ['a', 1],
      ['a', 4],
      ['b', 2],
      ['b', 5],
      [null, 33],
    ])

    await commit(lake, 'life', { commitId: 'delete' }, async base =>
      stageOverwrite({
        added: [],
        removed: await liveFiles(lake, base, { where: [{ column: 'v', op: 'in', values: [2] }] }),
      }),
    )
    expect(rows('life')).toEqual([
      ['a', 1],
      ['a', 4],
      ['b', 5],
      [null, 33],
    ])

    const start = await openTable(lake, 'life')
    const inputs = await liveFiles(lake, start, { where: [{ column: 'p', op: 'in', values: ['a'] }] })
    expect(inputs).toHaveLength(2)
    const local = await stageFiles(lake, inputs, bench.root)
    const { schema } = await planScan(lake, start)
    const packed = await writeRows(bench, start, scanSql(schema, local))
    await commit(lake, 'life', { commitId: 'compact' }, () =>
      stageReplace({ added: packed, removed: inputs }, start.metadata['last-sequence-number']),
    )
    expect(rows('life')).toEqual([
      ['a', 1],
      ['a', 4],
      ['b', 5],
      [null, 33],
    ])
    expect(await readRows(bench, 'life', sql`v`)).toHaveLength(4)

    const all = await writeRows(bench, await openTable(lake, 'life'), sql`SELECT 'z' AS p, 0 AS v`)
    await commit(lake, 'life', { commitId: 'all' }, async base => stageReplaceTable(await liveFiles(lake, base), all))
    expect(rows('life')).toEqual([['z', 0]])
    const { metadata } = await openTable(lake, 'life')
    expect(metadata.snapshots.map(snapshot => snapshot.summary['operation'])).toEqual([
      'append',
      'append',
      'overwrite',
      'delete',
      'replace',
      'overwrite',
    ])
    expect(metadata.snapshots.at(-1)?.summary).toMatchObject({
      'added-data-files': '1',
      'deleted-data-files': '3',
      'deleted-records': '4',
      'total-records': '1',
      'total-data-files': '1',
      'changed-partition-count': '4',
    })
  })

  test('columns that were added, widened and renamed, and a partition spec that was changed, with old and new files side by side', async () => {
    const { lake } = bench
    const day = { column: 'at', transform: { name: 'day' } } as const
    const month = { column: 'at', transform: { name: 'month' } } as const
    const before = [column('n', 'int'), column('at', 'date'), column('old', 'string')]
    const after = [
      column('n', 'long'),
      column('at', 'date'),
      column('fresh', 'string', { from: ['old'] }),
      column('more', { list: 'int' }),
    ]
    await ensureTable(lake, definition('grown', before, { partitionBy: [day] }))
    await appendRows(bench, 'grown', sql`SELECT 1 AS n, DATE '1969-12-31' AS at, 'x' AS old`)
    await ensureTable(lake, definition('grown', after, { partitionBy: [month] }))
    await appendRows(bench, 'grown', sql`SELECT 9000000000 AS n, DATE '1970-01-02' AS at, 'y' AS fresh, [1, 2] AS more`)
    const wanted = [
      { n: '1', at: '1969-12-31', fresh: 'x', more: null },
      { n: '9000000000', at: '1970-01-02', fresh: 'y', more: ['1', '2'] },
    ]
    expect(
      JSON.parse(JSON.stringify(await readRows(bench, 'grown', sql`n`)).replaceAll(/([[,])(\d+)/g, '$1"$2"')),
    ).toEqual(wanted)
    expect(
      theirs("SELECT n, toString(at), fresh FROM icebergLocal('tables/grown') WHERE n < 5 OR n > 6 ORDER BY n"),
    ).toEqual([
      [1, '1969-12-31', 'x'],
      [9000000000, '1970-01-02', 'y'],
    ])
    expect(theirs("SELECT count() FROM icebergLocal('tables/grown') WHERE at < toDate32('1970-01-01')")).toEqual([[1]])
    const table = await openTable(lake, 'grown')
    const old = await planScan(lake, table, { snapshot: table.metadata.snapshots[0] })
    expect(old.schema.fields.map(field => field.name)).toEqual(['n', 'at', 'old'])
    expect(old.files).toHaveLength(1)
    const found = await planScan(lake, table, { where: [{ column: 'at', op: '<', value: 0 }] })
    expect([found.files.length, found.skipped.files, found.skipped.manifests]).toEqual([1, 0, 1])
  })
})
