// Position delete files are what the spec asks for: sorted by file and position, one for each partition and spec, under the reserved field ids,
// with the whole path as bounds. Rows deleted by them are gone for our own scan and for ClickHouse.
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { join as joinSql, type Sql, sql } from '#lake/duckdb/sql.ts'
import { commit } from '#lake/iceberg/commit.ts'
import { stageRowDelta } from '#lake/iceberg/operations/row-delta.ts'
import { placeFiles } from '#lake/iceberg/place-files.ts'
import { stageFiles } from '#lake/iceberg/read-files.ts'
import { readSql } from '#lake/iceberg/read-sql.ts'
import { liveFiles } from '#lake/iceberg/scan.ts'
import { openTable } from '#lake/iceberg/table.ts'
import { ensureTable, type TableDefinition } from '#lake/iceberg/table-definition.ts'
import type { DataFile, ScanFile } from '#lake/iceberg/types.ts'
import { POSITION_DELETES, writePositionDeletes } from '#lake/iceberg/write-deletes.ts'
import {
  appendRows,
  clickHouse,
  column,
  definition,
  manifestOnly,
  readRows,
  type Workbench,
  workbench,
} from './fixture.ts'

let bench: Workbench
const columns = [column('n', 'long'), column('p', 'string')]
const BY_P: Partial<TableDefinition> = { partitionBy: [{ column: 'p', transform: { name: 'identity' } }] }

beforeEach(async () => {
  bench = await workbench()
})
afterEach(() => bench.close())

const folder = (): string => join(bench.root, 'work', bench.lake.ids.uuid())

/** (file_path, pos) as literal rows. */
const positions = (...rows: readonly (readonly [string, number])[]): Sql =>
  joinSql(
    rows.map(([path, pos]) => sql`SELECT ${path} AS file_path, ${pos} AS pos`),
    ' UNION ALL ',
  )

const uri = (name: string): string => `s3://b/data/${name}.parquet`
const file = (name: string, more: Partial<DataFile> = {}): DataFile => manifestOnly(uri(name), more)
const text = (bytes: Buffer | undefined): string | undefined => bytes?.toString('utf8')

describe('a written file', () => {
  test('is sorted, without repetitions, and says what it holds', async () => {
    const source = positions([uri('b'), 3], [uri('a'), 9], [uri('b'), 1], [uri('a'), 10], [uri('b'), 3])
    const [written, ...others] = await writePositionDeletes(bench.session, {
      source,
      files: [file('b'), file('a'), file('unused')],
      folder: folder(),
    })
    expect(others).toEqual([])
    const rows = await bench.session.rows(sql`SELECT file_path, pos FROM read_parquet(${written?.path ?? ''})`)
    expect(rows).toEqual([
      { file_path: uri('a'), pos: '9' },
      { file_path: uri('a'), pos: '10' },
      { file_path: uri('b'), pos: '1' },
      { file_path: uri('b'), pos: '3' },
    ])
    expect(written?.file).toMatchObject({
      content: 1,
      file_format: 'PARQUET',
      record_count: 4n,
      sort_order_id: null,
      equality_ids: null,
      referenced_data_file: null,
      spec_id: 0,
      partition: [],
    })
    const { lower_bounds: lower, upper_bounds: upper, null_value_counts: nulls } = written?.file ?? file('none')
    expect([text(lower.get(2147483546)), text(upper.get(2147483546))]).toEqual([uri('a'), uri('b')])
    expect([lower.get(2147483545)?.readBigInt64LE(), upper.get(2147483545)?.readBigInt64LE()]).toEqual([1n, 10n])
    expect(nulls).toEqual(
      new Map([
        [2147483546, 0n],
        [2147483545, 0n],
      ]),
    )
  })

  test('has the reserved field ids, and is compressed with zstd', async () => {
    const source = positions([uri('a'), 0])
    const [written] = await writePositionDeletes(bench.session, { source, files: [file('a')], folder: folder() })
    const path = written?.path ?? ''
    const schema = await bench.session.rows(
      sql`SELECT name, field_id, type FROM parquet_schema(${path}) WHERE field_id IS NOT NULL ORDER BY name`,
    )
    expect(schema).toEqual([
      { name: 'file_path', field_id: '2147483546', type: 'BYTE_ARRAY' },
      { name: 'pos', field_id: '2147483545', type: 'INT64' },
    ])
    const codecs = await bench.session.rows(sql`SELECT DISTINCT compression AS codec FROM parquet_metadata(${path})`)
    expect(codecs).toEqual([{ codec: 'ZSTD' }])
    expect(POSITION_DELETES.fields.every(field => field.required)).toBe(true)
  })

  test('names its data file when it is of only one, whatever the length of its path', async () => {
    const long = `s3://b/${'x'.repeat(700)}/é.parquet`
    const source = positions([long, 5])
    const [written] = await writePositionDeletes(bench.session, {
      source,
      files: [manifestOnly(long)],
      folder: folder(),
    })
    expect(written?.file.referenced_data_file).toBe(long)
    expect(text(written?.file.lower_bounds.get(2147483546))).toBe(long)
    expect(text(written?.file.upper_bounds.get(2147483546))).toBe(long)
  })

  test('is of one partition and one spec', async () => {
    const files = [
      file('x1', { partition: ['x'] }),
      file('y1', { partition: ['y'] }),
      file('x2', { partition: ['x'] }),
      file('null', { partition: [null] }),
      file('other', { partition: ['x'], spec_id: 1 }),
      file('untouched', { partition: ['z'] }),
    ]
    const source = positions(...files.slice(0, 5).map(each => [each.file_path, 1] as const))
    const written = await writePositionDeletes(bench.session, { source, files, folder: folder() })
    const found = written.map(each => [each.file.spec_id, each.file.partition[0], each.rows])
    expect(found.toSorted((left, right) => String(left).localeCompare(String(right)))).toEqual([
      [0, null, 1],
      [0, 'x', 2],
      [0, 'y', 1],
      [1, 'x', 1],
    ])
  })

  test('stays sorted when it has many row groups', async () => {
    const files = ['c', 'a', 'b'].map(name => file(name))
    const source = sql`SELECT list_extract([${uri('a')}, ${uri('b')}, ${uri('c')}], CAST(1 + i % 3 AS BIGINT)) AS file_path, (i * 7919) % 1000003 AS pos FROM range(1000000) r(i)`
    const [written] = await writePositionDeletes(bench.session, { source, files, folder: folder() })
    const [check] = await bench.session.rows(
      sql`SELECT count(*) AS n, count(*) FILTER (WHERE before IS NOT NULL AND before >= {'f': file_path, 'p': pos}) AS wrong FROM (SELECT file_path, pos, lag({'f': file_path, 'p': pos}) OVER (ORDER BY file_row_number) AS before FROM read_parquet(${written?.path ?? ''}, file_row_number = true))`,
    )
    expect(check).toEqual({ n: '1000000', wrong: '0' })
  })

  test('no positions, no file; a position of a file that nobody named is a bug', async () => {
    const task = { files: [file('a')], folder: folder() }
    const none = sql`SELECT '' AS file_path, 0 AS pos WHERE false`
    expect(await writePositionDeletes(bench.session, { ...task, source: none })).toEqual([])
    await expect(
      writePositionDeletes(bench.session, { ...task, source: positions([uri('stranger'), 0]) }),
    ).rejects.toThrow('every position is of a file that the caller named')
    const [left] = await bench.session.rows(sql`SELECT count(*) AS n FROM duckdb_tables()`)
    expect(left).toEqual({ n: '0' })
  })
})

/** Deletes the rows that match, by reading every file as a merge would. */
async function deleteWhere(name: string, condition: Sql): Promise<void> {
  const base = await openTable(bench.lake, name)
  const live = await liveFiles(bench.lake, base)
  const local = await stageFiles(bench.lake, live, folder())
  const schema = base.metadata.schemas.at(-1) as (typeof base.metadata.schemas)[number]
  const found = joinSql(
    local.map(each => {
      const rows = readSql(schema, [each.path], { places: true })
      return sql`SELECT ${each.live.file.file_path} AS file_path, _pos AS pos FROM (${rows}) WHERE ${condition}`
    }),
    ' UNION ALL ',
  )
  const files = live.map(each => each.file)
  const written = await writePositionDeletes(bench.session, { source: found, files, folder: folder() })
  const addedDeletes = await placeFiles(bench.lake, base, written, `${bench.lake.ids.uuid()}-deletes`)
  const since = base.metadata['current-snapshot-id'] ?? null
  const paths = new Set(await touched(found))
  const referenced: readonly ScanFile[] = live.filter(each => paths.has(each.file.file_path))
  await commit(bench.lake, name, { commitId: bench.lake.ids.uuid() }, () =>
    stageRowDelta({ addedDeletes }, { since, referenced }),
  )
}

const touched = async (found: Sql): Promise<readonly string[]> =>
  (await bench.session.rows(sql`SELECT DISTINCT file_path FROM (${found})`)).map(row => String(row['file_path']))

describe('rows that were deleted', () => {
  test.for([
    ['unpartitioned', {}],
    ['partitioned', BY_P],
  ] as const)('are gone for our scan and for ClickHouse: %s', async ([, more]) => {
    await ensureTable(bench.lake, definition('t', columns, more))
    await appendRows(bench, 't', sql`SELECT i AS n, 'p' || (i % 3) AS p FROM range(100) r(i)`)
    await appendRows(bench, 't', sql`SELECT i AS n, NULL AS p FROM range(100, 200) r(i)`)
    await deleteWhere('t', sql`n % 2 = 0`)
    await deleteWhere('t', sql`n % 3 = 0`)
    const expected = Array.from({ length: 200 }, (_, n) => n).filter(n => n % 2 !== 0 && n % 3 !== 0)
    expect((await readRows(bench, 't', sql`n`)).map(row => Number(row['n']))).toEqual(expected)
    const found = clickHouse(bench.root).query(
      `SELECT n FROM icebergLocal('${join(bench.root, 'tables', 't')}') ORDER BY n`,
      'TSV',
    )
    expect(found.split('\n').map(Number)).toEqual(expected)
    const { metadata } = await openTable(bench.lake, 't')
    const summary = metadata.snapshots.at(-1)?.summary
    expect(summary).toMatchObject({
      operation: 'delete',
      'total-position-deletes': String(100 + 67),
      'total-records': '200',
    })
  })
})
