// What a manifest says of a file is right however its rows fall into row groups, and as much as the table's properties ask for: a
// row group without values takes no bound away, and NaN in any of them is not kept quiet about.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sql, sql } from '#lake/duckdb/sql.ts'
import { UNSORTED } from '#lake/iceberg/partition.ts'
import { evolveSchema } from '#lake/iceberg/schema.ts'
import type { DataFile, Schema } from '#lake/iceberg/types.ts'
import { fromBinary } from '#lake/iceberg/value.ts'
import { type WriteTask, writeDataFiles } from '#lake/iceberg/write-files.ts'
import { column, type Workbench, workbench } from './fixture.ts'

let bench: Workbench
beforeAll(async () => {
  bench = await workbench()
})
afterAll(() => bench.close())

async function write(
  schema: Schema,
  source: Sql,
  more: Partial<WriteTask> = {},
): Promise<DataFile & { readonly path: string }> {
  const spec = { 'spec-id': 0, fields: [] }
  const folder = join(bench.root, 'work', bench.lake.ids.uuid())
  // In the order of the rows, so that the tests decide what falls into one row group.
  const ordered = sql`SELECT * FROM (${source}) ORDER BY i`
  const [written] = await writeDataFiles(bench.session, {
    source: ordered,
    schema,
    spec,
    sortOrder: UNSORTED,
    folder,
    ...more,
  })
  if (!written) throw new Error('rows were expected')
  return { ...written.file, path: written.path }
}

describe('row groups', () => {
  const types = {
    i: 'int',
    b: 'boolean',
    big: 'long',
    f: 'float',
    d: 'double',
    d9: 'decimal(9,2)',
    d18: 'decimal(18,3)',
    d38: 'decimal(38,4)',
    day: 'date',
    tm: 'time',
    ts: 'timestamp',
    tz: 'timestamptz',
    t: 'string',
    long: 'string',
    bin: 'binary',
    u: 'uuid',
  } as const
  const { schema } = evolveSchema(undefined, [
    ...Object.entries(types).map(([name, type]) => column(name, type)),
    column('st', { struct: [column('in', 'long')] }),
    column('l', { list: 'long' }),
  ])

  const values = sql`SELECT i::INT AS i, i % 2 = 0 AS b, i - 5000 AS big, (5000 - i) / 3.0 AS f, -i / 7.0 AS d, (i - 5000) / 7.0 AS d9,
    (i - 5000) / 7.0 AS d18, (i - 5000)::DECIMAL(38,4) * 100000000000000000000000000000 AS d38, DATE '1969-12-20' + (i / 200)::INT AS day,
    TIME '00:00:00.5' + INTERVAL (i) MICROSECOND AS tm, TIMESTAMP '1969-12-31 23:59:59.998' + INTERVAL (i) MICROSECOND AS ts,
    TIMESTAMPTZ '1969-12-31 23:59:59.998+00' + INTERVAL (i) MICROSECOND AS tz, 'é𝒳\\x41' || i AS t, repeat('long', 100) || i AS long,
    unhex('005C27FF') || encode(i::VARCHAR) AS bin, uuid() AS u, {'in': i} AS st, [i] AS l FROM range(6144) r(i)`
  const withNulls = sql`SELECT * FROM (${values}) WHERE i >= 2048
    UNION ALL BY NAME SELECT i::INT AS i FROM range(2048) r(i)`

  test('one that is wholly null takes no bound away: they are those of the same rows in one group', async () => {
    const parts = await write(schema, withNulls, { rowGroupRows: 2048 })
    const whole = await write(schema, withNulls, { rowGroupRows: 10_000 })
    expect([parts.split_offsets?.length, whole.split_offsets?.length]).toEqual([3, 1])
    const bounded = schema.fields
      .filter(field => field.name !== 'u' && typeof field.type === 'string')
      .map(field => field.id)
    expect([...whole.lower_bounds.keys()]).toEqual(expect.arrayContaining(bounded))
    expect(parts.lower_bounds).toEqual(whole.lower_bounds)
    expect(parts.upper_bounds).toEqual(whole.upper_bounds)
    expect(parts.null_value_counts).toEqual(whole.null_value_counts)
    expect(parts.value_counts).toEqual(whole.value_counts)
    expect(parts.nan_value_counts).toEqual(whole.nan_value_counts)
  })

  test('whichever it is', async () => {
    const source = (start: number): Sql =>
      sql`SELECT i, CASE WHEN i // 2048 <> ${start} THEN i END AS big FROM range(6144) r(i)`
    const narrow = evolveSchema(undefined, [column('i', 'int'), column('big', 'long')]).schema
    const range = async (start: number): Promise<unknown> => {
      const { lower_bounds, upper_bounds } = await write(narrow, source(start), { rowGroupRows: 2048 })
      return [lower_bounds, upper_bounds].map(each => fromBinary('long', each.get(2) as Buffer))
    }
    expect(await range(0)).toEqual([2048n, 6143n])
    expect(await range(1)).toEqual([0n, 6143n])
    expect(await range(2)).toEqual([0n, 4095n])
  })

  test('all of them: there is no bound', async () => {
    const narrow = evolveSchema(undefined, [column('i', 'int'), column('n', 'long')]).schema
    const none = sql`SELECT i, NULL AS n FROM range(6144) r(i)`
    const { lower_bounds, upper_bounds, null_value_counts } = await write(narrow, none, { rowGroupRows: 2048 })
    expect([lower_bounds.has(2), upper_bounds.has(2), null_value_counts.get(2)]).toEqual([false, false, 6144n])
  })

  test.for([100, 3000, 5000])('NaN in row %i is not kept quiet about', async at => {
    const floats = evolveSchema(undefined, [column('i', 'int'), column('f', 'float'), column('d', 'double')]).schema
    const source = sql`SELECT i, i AS f, CASE WHEN i = ${at} THEN 'nan'::DOUBLE ELSE i END AS d FROM range(6144) r(i)`
    const file = await write(floats, source, { rowGroupRows: 2048 })
    expect([...file.nan_value_counts]).toEqual([[2, 0n]])
    expect(fromBinary('double', file.upper_bounds.get(3) as Buffer)).toBe(6143)
  })

  test('NaN beside a row group of nulls', async () => {
    const floats = evolveSchema(undefined, [column('i', 'int'), column('d', 'double')]).schema
    const source = sql`SELECT i, CASE WHEN i = 1 THEN 'nan'::DOUBLE WHEN i // 2048 <> 1 THEN i END AS d FROM range(6144) r(i)`
    const file = await write(floats, source, { rowGroupRows: 2048 })
    expect([file.nan_value_counts.has(2), file.lower_bounds.has(2), file.upper_bounds.has(2)]).toEqual([
      false,
      false,
      false,
    ])
  })
})

describe('properties', () => {
  const { schema } = evolveSchema(undefined, [
    column('i', 'int'),
    column('t', 'string'),
    column('st', { struct: [column('in', 'string'), column('out', 'string')] }),
    column('_raw_object', 'string'),
  ])
  const source = sql`SELECT i, repeat('abcdefghij', 4) AS t, {'in': repeat('abcdefghij', 4), 'out': 'x'} AS st, repeat('r', 30) AS _raw_object FROM range(3) r(i)`
  const id = { i: 1, t: 2, in: 5, out: 6, raw: 4 }
  const measured = (properties: Readonly<Record<string, string>>): Promise<DataFile> =>
    write(schema, source, { properties })
  const text = (bounds: ReadonlyMap<number, Buffer>, field: number): string | undefined => bounds.get(field)?.toString()

  test('none, counts, truncate and full, by default and by column', async () => {
    const file = await measured({
      'write.metadata.metrics.default': 'counts',
      'write.metadata.metrics.column.t': 'truncate(4)',
      'write.metadata.metrics.column.st.in': 'full',
      'write.metadata.metrics.column.st.out': 'none',
    })
    expect([...file.value_counts.keys()].sort()).toEqual([id.i, id.t, id.raw, id.in])
    expect([...file.lower_bounds.keys()].sort()).toEqual([id.t, id.in])
    expect([text(file.lower_bounds, id.t), text(file.upper_bounds, id.t)]).toEqual(['abcd', 'abce'])
    expect(text(file.upper_bounds, id.in)).toBe('abcdefghij'.repeat(4))
    expect(file.column_sizes.size).toBe(5)
  })

  test('without any: 16 letters, and the whole raw object', async () => {
    const plain = await write(schema, source)
    expect([text(plain.lower_bounds, id.t), text(plain.upper_bounds, id.raw)]).toEqual([
      'abcdefghijabcdef',
      'r'.repeat(30),
    ])
    const foreign = await measured({})
    expect(text(foreign.lower_bounds, id.raw)).toBe('r'.repeat(16))
  })

  test('a mode that cannot be read is the default', async () => {
    const file = await measured({
      'write.metadata.metrics.default': 'truncate(0)',
      'write.metadata.metrics.column.t': 'all',
    })
    expect(text(file.upper_bounds, id.t)).toBe('abcdefghijabcdeg')
  })

  test('beyond a hundred columns there are none but lineage, unless a default was asked for', async () => {
    const names = Array.from({ length: 120 }, (_each, index) => `c${index}`)
    const wide = evolveSchema(
      undefined,
      [...names, '_raw_object'].map(name => column(name, 'string')),
    ).schema
    const pivoted = sql`SELECT 1 AS i, * FROM (PIVOT (SELECT unnest(${[...names, '_raw_object']}) AS name, 'v' AS value) ON name USING any_value(value))`
    const limited = await write(wide, pivoted)
    expect([limited.lower_bounds.size, limited.value_counts.size, limited.column_sizes.size]).toEqual([101, 101, 121])
    expect(limited.lower_bounds.has(121)).toBe(true)
    const all = await write(wide, pivoted, { properties: { 'write.metadata.metrics.default': 'full' } })
    expect(all.lower_bounds.size).toBe(121)
    const three = await write(wide, pivoted, {
      properties: { 'write.metadata.metrics.max-inferred-column-defaults': '3' },
    })
    expect([...three.lower_bounds.keys()]).toEqual([1, 2, 3, 121])
  })

  test.for([
    [{}, undefined, 'ZSTD'],
    [{ 'write.parquet.compression-codec': 'snappy' }, undefined, 'SNAPPY'],
    [{ 'write.parquet.compression-codec': 'GZIP' }, undefined, 'GZIP'],
    [{ 'write.parquet.compression-codec': 'uncompressed' }, undefined, 'UNCOMPRESSED'],
    [{ 'write.parquet.compression-codec': 'zstd', 'write.parquet.compression-level': '9' }, undefined, 'ZSTD'],
    [{ 'write.parquet.compression-codec': 'gzip', 'write.parquet.compression-level': '9' }, 'zstd', 'ZSTD'],
    [{ 'write.parquet.compression-codec': 'gzip' }, 'snappy', 'SNAPPY'],
  ] as const)('the codec: %j and %s make %s', async ([properties, codec, found]) => {
    const { path } = await write(schema, source, { properties, codec })
    const rows = await bench.session.rows(sql`SELECT DISTINCT compression FROM parquet_metadata(${path})`)
    expect(rows).toEqual([{ compression: found }])
  })

  test('a codec that DuckDB has not is refused', async () => {
    await expect(measured({ 'write.parquet.compression-codec': 'lzo' })).rejects.toMatchObject({
      kind: 'unsupported',
      message: expect.stringContaining('set it to one of zstd, snappy'),
    })
  })
})
