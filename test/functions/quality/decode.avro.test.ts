// Avro in, rows out: every logical type, 64-bit numbers and decimals with all their digits, unions, enums, maps and records; a
// damaged file is refused as a file, with its reason.
import avro, { type Schema, type Type } from 'avsc'
import { describe, expect, test } from 'vitest'
import { type DatasetSpec, defineDataset } from '#lake/dataset.ts'
import { sql } from '#lake/duckdb/sql.ts'
import { decoded } from './decoding.ts'

const dataset = (columns: DatasetSpec<string>['columns'], spec: Partial<DatasetSpec<string>> = {}) =>
  defineDataset({ name: 'd', source: { system: 's', format: 'avro', match: '*' }, columns, ...spec })

/** A long that takes and gives bigints, with or without a logical type. */
const LONG = avro.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const buffer = Buffer.alloc(8)
    buffer.writeBigInt64LE(value)
    return buffer
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (left: bigint, right: bigint) => (left < right ? -1 : left > right ? 1 : 0),
})

type Fields = readonly { readonly name: string; readonly type: unknown }[]

/** The bytes of an object container file. */
async function container(
  fields: Fields,
  records: readonly unknown[],
  codec: 'null' | 'deflate' = 'null',
): Promise<Buffer> {
  const schema = { type: 'record', name: 'R', fields } as unknown as Schema
  const type: Type = avro.Type.forSchema(schema, {
    wrapUnions: true,
    typeHook: node =>
      node === 'long' || (typeof node === 'object' && 'type' in node && node.type === 'long') ? LONG : undefined,
  })
  // The header is to have the schema as it is written here, with logical types, which the library leaves out.
  const metadata = { 'avro.schema': Buffer.from(JSON.stringify(schema)) }
  const encoder = new avro.streams.BlockEncoder(type, { codec, metadata, writeHeader: true } as object)
  for (const record of records) encoder.write(record)
  encoder.end()
  const chunks: Buffer[] = []
  for await (const chunk of encoder) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

async function value(type: unknown, written: unknown, column: string): Promise<unknown> {
  const bytes = await container([{ name: 'a', type }], [{ a: written }])
  const { table, reasons } = await decoded(dataset({ a: column as 'long' }), bytes)
  expect(reasons).toEqual({})
  return table[0]?.['a']
}

const logical = (type: string, logicalType: string, more: object = {}) => ({ type, logicalType, ...more })

describe('values', () => {
  test.each<[string, unknown, unknown, string, unknown]>([
    ['boolean', 'boolean', true, 'boolean', true],
    ['int', 'int', -7, 'int', -7],
    ['long beyond 2^53', 'long', 9223372036854775807n, 'long', '9223372036854775807'],
    ['smallest long', 'long', -9223372036854775808n, 'long', '-9223372036854775808'],
    ['float', 'float', 1.5, 'double', 1.5],
    ['double', 'double', 0.1, 'double', 0.1],
    ['large double', 'double', 1e300, 'double', 1e300],
    ['string', 'string', 'é "x"\n', 'string', 'é "x"\n'],
    ['enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, 'B', 'string', 'B'],
    [
      'decimal in bytes',
      logical('bytes', 'decimal', { precision: 9, scale: 2 }),
      Buffer.from('04d2', 'hex'),
      'decimal(9,2)',
      '12.34',
    ],
    [
      'negative decimal',
      logical('bytes', 'decimal', { precision: 9, scale: 2 }),
      Buffer.from('ff', 'hex'),
      'decimal(9,2)',
      '-0.01',
    ],
    [
      'decimal without scale',
      logical('bytes', 'decimal', { precision: 9 }),
      Buffer.from('0100', 'hex'),
      'decimal(9,0)',
      '256',
    ],
    [
      'decimal in fixed',
      { type: 'fixed', name: 'F', size: 16, logicalType: 'decimal', precision: 38, scale: 9 },
      Buffer.from('00000000001027e72f1f12813088000a'.padStart(32, '0'), 'hex'),
      'decimal(38,9)',
      BigInt('0x00000000001027e72f1f12813088000a')
        .toString()
        .replace(/(\d{9})$/, '.$1'),
    ],
  ])('%s', async (_name, type, written, column, expected) => {
    expect(await value(type, written, column)).toEqual(expected)
  })

  test.each<[string, unknown, unknown, string, unknown]>([
    ['date', logical('int', 'date'), 19_782, 'date', '2024-02-29'],
    ['date before 1970', logical('int', 'date'), -1, 'date', '1969-12-31'],
    ['time in milliseconds', logical('int', 'time-millis'), 86_399_999, 'time', '23:59:59.999'],
    ['time in microseconds', logical('long', 'time-micros'), 86_399_999_999n, 'time', '23:59:59.999999'],
    [
      'timestamp in milliseconds',
      logical('long', 'timestamp-millis'),
      1_704_067_200_123n,
      'timestamptz',
      '2024-01-01 00:00:00.123+00',
    ],
    [
      'timestamp in microseconds',
      logical('long', 'timestamp-micros'),
      -1n,
      'timestamptz',
      '1969-12-31 23:59:59.999999+00',
    ],
    [
      'local timestamp in milliseconds',
      logical('long', 'local-timestamp-millis'),
      1_704_067_200_123n,
      'timestamp',
      '2024-01-01 00:00:00.123',
    ],
    [
      'local timestamp in microseconds',
      logical('long', 'local-timestamp-micros'),
      1_704_067_200_000_001n,
      'timestamp',
      '2024-01-01 00:00:00.000001',
    ],
    [
      'uuid',
      logical('string', 'uuid'),
      '00000000-0000-4000-8000-000000000001',
      'uuid',
      '00000000-0000-4000-8000-000000000001',
    ],
    ['a logical type that nobody knows', logical('int', 'my-own'), 7, 'int', 7],
    ['union with null', ['null', 'long'], { long: 7n }, 'long', '7'],
    ['null of a union', ['null', 'long'], null, 'long', null],
    ['union of several', ['null', 'int', 'string'], { string: '7' }, 'int', 7],
    ['int as text', 'int', 7, 'string', '7'],
  ])('%s', async (_name, type, written, column, expected) => {
    expect(await value(type, written, column)).toEqual(expected)
  })

  test('bytes and fixed', async () => {
    const bytes = await container(
      [
        { name: 'a', type: 'bytes' },
        { name: 'b', type: { type: 'fixed', name: 'F', size: 2 } },
      ],
      [{ a: Buffer.from('00ff', 'hex'), b: Buffer.from('0102', 'hex') }],
    )
    const columns = dataset({ a: 'binary', b: 'binary' })
    const { table } = await decoded(columns, bytes, { select: sql`hex(a) AS a, hex(b) AS b` })
    expect(table).toEqual([{ a: '00FF', b: '0102' }])
  })

  test('records, arrays and maps in each other', async () => {
    const fields = [
      {
        name: 'r',
        type: {
          type: 'record',
          name: 'Inner',
          fields: [
            { name: 'x', type: 'long' },
            { name: 'tags', type: { type: 'array', items: ['null', 'string'] } },
          ],
        },
      },
      { name: 'm', type: { type: 'map', values: 'int' } },
      { name: 'again', type: ['null', 'Inner'] },
    ]
    const bytes = await container(fields, [
      { r: { x: 1n, tags: [{ string: 'p' }, null] }, m: { k: 1, 'é"': 2 }, again: { Inner: { x: 2n, tags: [] } } },
    ])
    const inner = { struct: { x: 'long', tags: { list: 'string' } } } as const
    const columns = dataset({ r: inner, m: { map: { key: 'string', value: 'int' } }, again: inner })
    expect((await decoded(columns, bytes)).table).toMatchObject([
      {
        r: { x: '1', tags: ['p', null] },
        m: [
          { key: 'k', value: 1 },
          { key: 'é"', value: 2 },
        ],
        again: { x: '2', tags: [] },
      },
    ])
  })
})

describe('rows', () => {
  const fields = [
    { name: 'a', type: 'long' },
    { name: 'b', type: ['null', 'double'] },
  ]
  const records = Array.from({ length: 3_000 }, (_, at) => ({ a: BigInt(at), b: at % 2 ? { double: at / 2 } : null }))

  test.each(['null', 'deflate'] as const)('codec %s, many blocks', async codec => {
    const { applied, refused, table } = await decoded(
      dataset({ a: 'long', b: 'double' }),
      await container(fields, records, codec),
    )
    expect([applied, refused]).toEqual([3_000, []])
    expect(table[2_999]).toMatchObject({ a: '2999', b: 1_499.5, _raw_row: '3000' })
  })

  test('a value that the contract refuses costs its row', async () => {
    const bytes = await container(fields, [
      { a: 1n, b: { double: Number.NaN } },
      { a: 2n, b: null },
    ])
    const { table, refusals } = await decoded(dataset({ a: 'long', b: 'double' }), bytes)
    expect(table).toMatchObject([{ a: '2', _raw_row: '2' }])
    expect(refusals).toMatchObject([{ ordinal: 1, reason: 'type:b', raw: '{"a":1,"b":"NaN"}' }])
  })

  test('what the contract does not know is rescued unless it is null', async () => {
    const bytes = await container(fields, records.slice(0, 2))
    const { table } = await decoded(dataset({ a: 'long' }), bytes)
    expect(table.map(row => row['_rescued'])).toEqual([null, '{"b":0.5}'])
  })

  test('no rows', async () =>
    expect((await decoded(dataset({ a: 'long' }), await container(fields, []))).applied).toBe(0))

  test('is recognised under any declaration', async () => {
    const json = dataset(
      { a: 'long', b: 'double' },
      { source: { system: 's', format: 'json', records: 'x', match: '*' } },
    )
    expect((await decoded(json, await container(fields, records.slice(0, 5)))).applied).toBe(5)
  })
})

describe('whole files', () => {
  const file = container(
    [{ name: 'a', type: 'string' }],
    Array.from({ length: 500 }, (_, at) => ({ a: `text ${at}` })),
  )
  const patched = (bytes: Buffer, from: string, to: string) =>
    Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1')

  test.each<[string, string, (bytes: Buffer) => Buffer]>([
    ['half of it', 'truncated', bytes => bytes.subarray(0, bytes.length / 2)],
    ['no last byte', 'truncated', bytes => bytes.subarray(0, bytes.length - 1)],
    ['the header alone, cut', 'truncated', bytes => bytes.subarray(0, 30)],
    ['four bytes', 'truncated', bytes => bytes.subarray(0, 4)],
    ['three bytes', 'format_mismatch', bytes => bytes.subarray(0, 3)],
    ['a wrong sync marker', 'corrupt', bytes => Buffer.concat([bytes.subarray(0, -16), Buffer.alloc(16, 7)])],
    ['a schema that is none', 'corrupt', bytes => patched(bytes, '"record"', '"rekord"')],
    ['snappy', 'codec', bytes => patched(bytes, '\x08null', '\x0csnappy')],
    ['something else', 'format_mismatch', () => Buffer.from('{"a":1}')],
  ])('%s: %s', async (_name, reason, damage) => {
    await expect(decoded(dataset({ a: 'string' }), damage(await file))).rejects.toMatchObject({
      kind: 'file-unreadable',
      context: { reason },
    })
  })

  test('flipped bits never take the process along', async () => {
    const bytes = await file
    for (let round = 0; round < 100; round++) {
      const copy = Buffer.from(bytes)
      const at = (round * 7_919) % copy.length
      copy[at] = (copy[at] as number) ^ (1 << (round % 8))
      const outcome = await decoded(dataset({ a: 'string' }), copy).then(
        () => 'read',
        error => error.kind,
      )
      expect(['read', 'file-unreadable']).toContain(outcome)
    }
  })
})
