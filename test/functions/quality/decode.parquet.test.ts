// Parquet in, rows out: columns by name, copied as they are where their type is the contract's or narrower; everything else goes
// the way of JSON and meets the same rules. A damaged file is refused as a file, with its reason, and never takes the process along.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { Sql, sql } from '#lake/duckdb/sql.ts'
import { isLakeError } from '#lake/errors.ts'
import { type Decoded, type DecodingOptions, decoded, inSession } from './decoding.ts'

const dataset = (columns: DatasetSpec<string>['columns'], spec: Partial<DatasetSpec<string>> = {}) =>
  defineDataset({ name: 'd', source: { system: 's', format: 'parquet', match: '*' }, columns, ...spec })

/** The bytes of a Parquet file that holds what a SELECT gives. */
function parquet(select: string, options = ''): Promise<Buffer> {
  return inSession(async (session, folder) => {
    const path = join(folder, 'made.parquet')
    await session.run(Sql.trusted(`COPY (${select}) TO '${path}' (FORMAT parquet ${options})`))
    return readFile(path)
  })
}

async function from(
  select: string,
  columns: DatasetSpec<string>['columns'],
  options: { readonly spec?: Partial<DatasetSpec<string>>; readonly select?: Sql } = {},
): Promise<Decoded> {
  const decoding: DecodingOptions = options.select === undefined ? {} : { select: options.select }
  return decoded(dataset(columns, options.spec), await parquet(select), decoding)
}

const values = ({ table }: Decoded, name = 'a') => table.map(row => row[name])
/** The direct way leaves no file of refused records. */
const direct = ({ refused }: Decoded) => refused.length === 0

describe('as it is, or narrower', () => {
  test.each<[string, string, string, unknown]>([
    ['boolean', 'TRUE', 'boolean', true],
    ['tinyint', '7::TINYINT', 'int', 7],
    ['unsigned', '4294967295::UINTEGER', 'long', '4294967295'],
    ['int to long', '7::INTEGER', 'long', '7'],
    ['int to double', '7::INTEGER', 'double', 7],
    ['float to double', '1.5::FLOAT', 'double', 1.5],
    ['decimal to a wider one', '12.34::DECIMAL(6,2)', 'decimal(12,4)', '12.3400'],
    ['int to decimal', '7::INTEGER', 'decimal(12,2)', '7.00'],
    [
      'wide decimal',
      '12345678901234567890.123456789::DECIMAL(38,9)',
      'decimal(38,9)',
      '12345678901234567890.123456789',
    ],
    ['date', "DATE '0001-01-01'", 'date', '0001-01-01'],
    ['time', "TIME '23:59:59.999999'", 'time', '23:59:59.999999'],
    ['microseconds', "TIMESTAMP '1969-12-31 23:59:59.999999'", 'timestamp', '1969-12-31 23:59:59.999999'],
    ['milliseconds', "TIMESTAMP_MS '2024-01-01 00:00:00.123'", 'timestamp', '2024-01-01 00:00:00.123'],
    ['seconds', "TIMESTAMP_S '2024-01-01 00:00:00'", 'timestamp', '2024-01-01 00:00:00'],
    ['with a zone', "TIMESTAMPTZ '2024-01-01 00:00:00+02'", 'timestamptz', '2023-12-31 22:00:00+00'],
    ['without a zone is UTC', "TIMESTAMP '2024-01-01 00:00:00'", 'timestamptz', '2024-01-01 00:00:00+00'],
    ['text', "'é'", 'string', 'é'],
    ['uuid', "'00000000-0000-4000-8000-000000000001'::UUID", 'uuid', '00000000-0000-4000-8000-000000000001'],
  ])('%s', async (_name, value, type, expected) => {
    const result = await from(`SELECT ${value} AS a UNION ALL SELECT NULL`, { a: type as 'long' })
    expect(direct(result)).toBe(true)
    expect(values(result)).toEqual([expected, null])
  })

  test('binary', async () => {
    const result = await from("SELECT '\\x00\\xFF'::BLOB AS a", { a: 'binary' }, { select: sql`hex(a) AS a` })
    expect([direct(result), values(result)]).toEqual([true, ['00FF']])
  })

  test('nested columns of exactly the declared form', async () => {
    const result = await from("SELECT {x: 1::INTEGER, y: ['p', NULL]} AS a, MAP {'k': 1.5::DOUBLE} AS m", {
      a: { struct: { x: 'int', y: { list: 'string' } } },
      m: { map: { key: 'string', value: 'double' } },
    })
    expect(direct(result)).toBe(true)
    expect(result.table[0]).toMatchObject({ a: { x: 1, y: ['p', null] }, m: [{ key: 'k', value: 1.5 }] })
  })

  test('columns in any order, some missing, ordinals from 1', async () => {
    const result = await from('SELECT i::VARCHAR AS b, i AS a FROM range(3) r(i)', {
      a: 'long',
      b: 'string',
      c: 'date',
    })
    expect(direct(result)).toBe(true)
    expect(result.table.map(row => [row['a'], row['b'], row['c'], row['_raw_row']])).toEqual([
      ['0', '0', null, '1'],
      ['1', '1', null, '2'],
      ['2', '2', null, '3'],
    ])
  })

  test.each(['snappy', 'gzip', 'zstd', 'brotli', 'lz4_raw', 'uncompressed'])('%s', async codec => {
    const bytes = await parquet('SELECT i AS a FROM range(1000) r(i)', `, COMPRESSION ${codec}`)
    expect((await decoded(dataset({ a: 'long' }), bytes)).applied).toBe(1_000)
  })

  test('a file without rows', async () => {
    expect(await from('SELECT 1::BIGINT AS a LIMIT 0', { a: 'long' })).toMatchObject({ applied: 0, reasons: {} })
  })

  test('is recognised under any declaration', async () => {
    const source = { system: 's', format: 'ndjson', match: '*' } as const
    expect((await from('SELECT 1::BIGINT AS a', { a: 'long' }, { spec: { source } })).applied).toBe(1)
  })
})

describe('each value checked', () => {
  test.each<[string, string, string, unknown]>([
    ['int64 that fits an int', '7::BIGINT', 'int', 7],
    ['a whole double', '7.0::DOUBLE', 'long', '7'],
    ['int64 that a double holds', '9007199254740992::BIGINT', 'double', 9007199254740992],
    ['a decimal without fraction', '7.00::DECIMAL(9,2)', 'int', 7],
    ['a decimal that needs fewer digits', '1.50::DECIMAL(18,6)', 'decimal(9,2)', '1.50'],
    ['a double that is a decimal', '1.5::DOUBLE', 'decimal(9,2)', '1.50'],
    ['hugeint', '7::HUGEINT', 'long', '7'],
  ])('%s', async (_name, value, type, expected) => {
    const result = await from(`SELECT ${value} AS a`, { a: type as 'long' })
    expect(direct(result)).toBe(true)
    expect(values(result)).toEqual([expected])
  })

  test.each<[string, string, string]>([
    ['int64 beyond int', '3000000000::BIGINT', 'int'],
    ['uint64 beyond long', '18446744073709551615::UBIGINT', 'long'],
    ['a fraction for a long', '1.5::DOUBLE', 'long'],
    ['a decimal that would be rounded', '1.555::DECIMAL(9,3)', 'decimal(9,2)'],
    ['a decimal that is too large', '12345678::DECIMAL(9,0)', 'decimal(9,2)'],
    ['NaN', "'NaN'::DOUBLE", 'long'],
    ['text for a date', "'yesterday'", 'date'],
    ['a number for a date', '7::INTEGER', 'date'],
    ['a list for a number', '[1]', 'long'],
  ])('%s is refused, the other row stays', async (_name, value, type) => {
    const result = await from(`SELECT 1 AS id, ${value} AS a UNION ALL SELECT 2, NULL`, {
      id: 'int',
      a: type as 'long',
    })
    expect(values(result, 'id')).toEqual([2])
    expect(result.refusals).toMatchObject([{ ordinal: 1, reason: 'type:a' }])
    expect(JSON.parse(result.refusals[0]?.raw ?? '')).toHaveProperty('id', 1)
  })

  test('NaN and infinities of a double are refused, as everywhere', async () => {
    const result = await from(
      "SELECT unnest(['NaN', 'Infinity', '-Infinity', '1.5'])::DOUBLE AS a, 1 AS _order",
      { a: 'double' },
      { spec: { evolution: 'discard' } },
    )
    expect(values(result)).toEqual([1.5])
    expect(result.reasons).toEqual({ 'type:a': 3 })
  })
})

describe('by the long way', () => {
  test.each<[string, string, string, unknown]>([
    ['text that is a number', "'12'", 'long', '12'],
    ['text that is a decimal', "'1.50'", 'decimal(9,2)', '1.50'],
    ['text that is a date', "'2024-02-29'", 'date', '2024-02-29'],
    ['text that is an instant', "'2024-01-01T00:00:00Z'", 'timestamptz', '2024-01-01 00:00:00+00'],
    ['text that is a uuid', "'00000000-0000-4000-8000-000000000001'", 'uuid', '00000000-0000-4000-8000-000000000001'],
    ['nanoseconds, cut', "TIMESTAMP_NS '2024-01-01 00:00:00.123456789'", 'timestamp', '2024-01-01 00:00:00.123456'],
    ['an instant as text', "TIMESTAMP '2024-01-01 00:00:00'", 'string', '2024-01-01 00:00:00'],
    ['a date as an instant', "DATE '2024-01-01'", 'timestamp', '2024-01-01 00:00:00'],
    ['a number as text', '7::BIGINT', 'string', '7'],
    ['a wide decimal as text', '12345678901234567890.12::DECIMAL(38,2)', 'string', '12345678901234567890.12'],
    [
      'wide decimals that need fewer digits',
      '12345678901234567890.1200::DECIMAL(38,4)',
      'decimal(38,2)',
      '12345678901234567890.12',
    ],
  ])('%s', async (_name, value, type, expected) => {
    const result = await from(`SELECT ${value} AS a`, { a: type as 'long' })
    expect([result.reasons, values(result)]).toEqual([{}, [expected]])
  })

  test('nested columns of another form', async () => {
    const result = await from(
      "SELECT {y: 'p', x: 1::BIGINT, z: 1.5} AS a, [1::BIGINT] AS l UNION ALL SELECT {y: 'q', x: 3000000000, z: 2}, NULL",
      { a: { struct: { x: 'int', y: 'string' } }, l: { list: 'int' } },
    )
    expect(result.table).toMatchObject([{ a: { x: 1, y: 'p' }, l: [1], _rescued: '{"a.z":1.5}' }])
    expect(result.refusals).toMatchObject([{ ordinal: 2, reason: 'type:a' }])
  })

  test('binary inside a struct of another form has no JSON, so the row is refused', async () => {
    const result = await from("SELECT {x: '\\x00\\xFF'::BLOB, y: 1::BIGINT} AS a", {
      a: { struct: { x: 'binary', y: 'int' } },
    })
    expect(result.reasons).toEqual({ 'type:a': 1 })
  })

  test('a map', async () => {
    const result = await from("SELECT MAP {'k': 1::BIGINT} AS a", { a: { map: { key: 'string', value: 'int' } } })
    expect(values(result)).toEqual([[{ key: 'k', value: 1 }]])
  })

  test('64-bit and wide decimals keep every digit', async () => {
    const result = await from(
      "SELECT 9223372036854775807 AS a, 12345678901234567890.123456789::DECIMAL(38,9) AS d, 'x' AS extra",
      { a: 'long', d: 'decimal(38,9)' },
    )
    expect(result.table).toMatchObject([
      { a: '9223372036854775807', d: '12345678901234567890.123456789', _rescued: '{"extra":"x"}' },
    ])
  })

  test('required columns', async () => {
    const columns = { a: { type: 'long', required: true }, b: 'string' } as const
    const some = await from("SELECT 1::BIGINT AS a, 'x' AS b UNION ALL SELECT NULL, 'y'", columns)
    expect([values(some), some.reasons]).toEqual([['1'], { 'required:a': 1 }])
    expect((await from("SELECT 'x' AS b", columns)).reasons).toEqual({ 'required:a': 1 })
  })

  test('former names, defaults and formats', async () => {
    const result = await from("SELECT 7::BIGINT AS old_a, '12/31/2023' AS d, 1704067200000 AS ms", {
      a: { type: 'long', from: 'old_a' },
      b: { type: 'string', default: 'none' },
      d: { type: 'date', format: '%m/%d/%Y' },
      ms: { type: 'timestamptz', format: 'epoch-millis' },
    })
    expect(result.table).toMatchObject([{ a: '7', b: 'none', d: '2023-12-31', ms: '2024-01-01 00:00:00+00' }])
  })
})

describe('columns that the contract does not know', () => {
  const select = "SELECT 1::BIGINT AS a, 7 AS n, 'x' AS t, NULL::INTEGER AS nothing"
  test('discard', async () => {
    expect(values(await from(select, { a: 'long' }), '_rescued')).toEqual(['{"n":7,"t":"x"}'])
  })
  test('add', async () => {
    const { unknown } = await from(select, { a: 'long' }, { spec: { evolution: 'add' } })
    expect([...(unknown ?? [])]).toEqual([
      ['n', 'long'],
      ['t', 'string'],
    ])
  })
  test('freeze', async () => {
    const result = await from(select, { a: 'long' }, { spec: { evolution: 'freeze' } })
    expect(result.refusals).toMatchObject([{ reason: 'unknown_column', message: 'not in the contract: n, t' }])
  })
  test('names that differ only in case', async () => {
    const file = await parquet('SELECT 1 AS column_a, 2 AS other__b')
    const patched = Buffer.from(file.toString('latin1').replaceAll('other__b', 'COLUMN_A'), 'latin1')
    await expect(decoded(dataset({ column_a: 'long' }), patched)).rejects.toMatchObject({
      context: { reason: 'ambiguous_column' },
    })
  })
  test('hostile names', async () => {
    const name = `a" FROM x; DROP TABLE t; --`
    const result = await from(`SELECT 1::BIGINT AS "${name.replaceAll('"', '""')}"`, { [name]: 'long' })
    expect(values(result, name)).toEqual(['1'])
  })
})

describe('whole files', () => {
  const good = parquet("SELECT i AS a, 'text ' || i AS b FROM range(5000) r(i)")
  const reasonOf = async (bytes: Uint8Array): Promise<unknown> => {
    try {
      return (await decoded(dataset({ a: 'long', b: 'string' }), bytes)).applied
    } catch (error) {
      if (isLakeError(error, 'file-unreadable')) return error.context['reason']
      throw error
    }
  }

  test.each<[string, string, (file: Buffer) => Buffer]>([
    ['nothing', 'format_mismatch', () => Buffer.alloc(0)],
    ['three bytes', 'format_mismatch', file => file.subarray(0, 3)],
    ['eleven bytes', 'corrupt', file => file.subarray(0, 11)],
    ['the first half', 'corrupt', file => file.subarray(0, file.length / 2)],
    ['no end', 'corrupt', file => file.subarray(0, file.length - 4)],
    ['zeros', 'format_mismatch', () => Buffer.alloc(1_000)],
    [
      'a footer of no length',
      'corrupt',
      file => Buffer.concat([file.subarray(0, -8), Buffer.from('00000000', 'hex'), Buffer.from('PAR1')]),
    ],
    [
      'a footer that is too long',
      'corrupt',
      file => Buffer.concat([file.subarray(0, -8), Buffer.from('ffffffff', 'hex'), Buffer.from('PAR1')]),
    ],
    ['something else', 'format_mismatch', () => Buffer.from('{"a":1}\n')],
    [
      'an encrypted footer',
      'format_mismatch',
      file => Buffer.concat([Buffer.from('PARE'), file.subarray(4, -4), Buffer.from('PARE')]),
    ],
  ])('%s: %s', async (_name, reason, damage) => {
    expect(await reasonOf(damage(await good))).toBe(reason)
  })

  test('more values than its bytes can be believed to hold', async () => {
    expect(await reasonOf(await parquet('SELECT 1 AS a FROM range(101_000_000)'))).toBe('ratio')
  })

  test('flipped bits are refused or read, and never take the process along', async () => {
    const file = await good
    const outcomes = new Set<unknown>()
    for (let round = 0; round < 60; round++) {
      const copy = Buffer.from(file)
      const at = (round * 7_919 * 104_729) % copy.length
      copy[at] = (copy[at] as number) ^ (1 << (round % 8))
      outcomes.add(await reasonOf(copy))
    }
    for (const outcome of outcomes)
      expect([5_000, 'corrupt', 'codec', 'ambiguous_column', 'format_mismatch', 'format']).toContain(outcome)
  })
})
