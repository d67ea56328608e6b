// The Avro codec keeps every value and every attribute of the schema, agrees with another implementation, reads what others
// write, and refuses what it cannot read with an error instead of a guess.
import avsc from 'avsc'
import { describe, expect, test } from 'vitest'
import { decodeAvro } from '#lake/iceberg/avro-read.ts'
import type { AvroComplex, AvroRecord } from '#lake/iceberg/avro-schema.ts'
import { encodeAvro } from '#lake/iceberg/avro-write.ts'

const SCHEMA: AvroComplex = {
  type: 'record',
  name: 'r',
  fields: [
    { name: 'i', type: 'int', 'field-id': 1 },
    { name: 'l', type: 'long', 'field-id': 2 },
    { name: 'b', type: 'boolean' },
    { name: 'f', type: 'float' },
    { name: 'd', type: 'double' },
    { name: 's', type: ['null', 'string'], default: null, 'field-id': 3 },
    { name: 'y', type: 'bytes' },
    { name: 'x', type: { type: 'fixed', name: 'four', size: 4 } },
    { name: 'x2', type: 'four' },
    { name: 'a', type: { type: 'array', items: 'long', 'element-id': 9 } },
    {
      name: 'm',
      type: {
        type: 'array',
        logicalType: 'map',
        items: {
          type: 'record',
          name: 'k1_v2',
          fields: [
            { name: 'key', type: 'int', 'field-id': 5 },
            { name: 'value', type: 'bytes', 'field-id': 6 },
          ],
        },
      },
    },
  ],
}

const LONGS = [
  0n,
  -1n,
  1n,
  63n,
  -64n,
  64n,
  -65n,
  2n ** 29n,
  -(2n ** 29n) - 1n,
  2n ** 31n,
  2n ** 48n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
]

const record = (long: bigint): AvroRecord => ({
  i: Number(BigInt.asIntN(32, long)),
  l: long,
  b: long % 2n === 0n,
  f: 0.5,
  d: -1e300,
  s: long < 0n ? null : `é𝒳${long}`,
  y: Buffer.from([0, 255]),
  x: Buffer.from('abcd'),
  x2: Buffer.from('dcba'),
  a: LONGS,
  m: new Map([
    [7, Buffer.from('seven')],
    [2147483546, Buffer.alloc(0)],
  ]),
})

describe('our own files', () => {
  test('every value comes back', () => {
    const records = LONGS.map(record)
    const file = decodeAvro(encodeAvro(SCHEMA, records, { 'format-version': '2', odd: 'é' }))
    expect(file.records).toEqual(records)
    expect(file.metadata).toMatchObject({ 'format-version': '2', odd: 'é', 'avro.codec': 'deflate' })
    expect(file.schema).toEqual(SCHEMA)
  })

  test('no records make a file that reads as empty', () => {
    expect(decodeAvro(encodeAvro(SCHEMA, [])).records).toEqual([])
  })

  test('more records than a block holds', () => {
    const records = Array.from({ length: 9_001 }, (_, index) => ({ l: BigInt(index) }))
    const schema: AvroComplex = { type: 'record', name: 'n', fields: [{ name: 'l', type: 'long' }] }
    expect(decodeAvro(encodeAvro(schema, records)).records).toEqual(records)
  })

  test('a number of the wrong kind is a bug that fails', () => {
    expect(() => encodeAvro(SCHEMA, [{ ...record(0n), i: 2 ** 31 }])).toThrow('int expected')
    expect(() => encodeAvro(SCHEMA, [{ ...record(0n), l: 5 }])).toThrow('long expected')
  })
})

describe('avsc', () => {
  const schema: AvroComplex = {
    type: 'record',
    name: 'r',
    fields: [
      { name: 'l', type: 'long' },
      { name: 's', type: ['null', 'string'] },
      { name: 'm', type: { type: 'map', values: 'int' } },
      { name: 'e', type: { type: 'enum', name: 'e', symbols: ['A', 'B'] } },
    ],
  }
  const records = [
    { l: 5, s: 'x', m: { a: 1, b: 2 }, e: 'B' },
    { l: -(2 ** 40), s: null, m: {}, e: 'A' },
  ]

  test.for(['null', 'deflate'] as const)('reads its files (%s)', async codec => {
    const type = avsc.Type.forSchema(schema as never)
    const chunks: Buffer[] = []
    const encoder = new avsc.streams.BlockEncoder(type, { codec })
    encoder.on('data', chunk => chunks.push(chunk as Buffer))
    const ended = new Promise(resolve => encoder.on('end', resolve))
    for (const each of records) encoder.write(each)
    encoder.end()
    await ended
    const found = decodeAvro(Buffer.concat(chunks)).records
    expect(found).toEqual([
      {
        l: 5n,
        s: 'x',
        m: new Map([
          ['a', 1],
          ['b', 2],
        ]),
        e: 'B',
      },
      { l: -(2n ** 40n), s: null, m: new Map(), e: 'A' },
    ])
  })

  test('can read ours', async () => {
    const ours: AvroComplex = { type: 'record', name: 'r', fields: schema.fields?.slice(0, 2) ?? [] }
    const bytes = encodeAvro(ours, [
      { l: 5n, s: 'x' },
      { l: 2n ** 50n, s: null },
    ])
    const found: unknown[] = []
    await new Promise((resolve, reject) => {
      const decoder = new avsc.streams.BlockDecoder()
      decoder.on('data', each => found.push({ ...(each as object) }))
      decoder.on('end', resolve)
      decoder.on('error', reject)
      decoder.end(bytes)
    })
    expect(found).toEqual([
      { l: 5, s: 'x' },
      { l: 2 ** 50, s: null },
    ])
  })
})

describe('files that cannot be read', () => {
  const bytes = encodeAvro(SCHEMA, [record(1n)])

  test('another codec is named', () => {
    const zstd = Buffer.from(bytes.toString('latin1').replace('\x0edeflate', '\x0ezstanda'), 'latin1')
    expect(() => decodeAvro(zstd)).toThrow(expect.objectContaining({ kind: 'unsupported' }))
  })

  test('damage is an error of its own', () => {
    expect(() => decodeAvro(Buffer.from('PAR1'))).toThrow(expect.objectContaining({ kind: 'table-corrupt' }))
    expect(() => decodeAvro(bytes.subarray(0, bytes.length - 20))).toThrow(
      expect.objectContaining({ kind: 'table-corrupt' }),
    )
    const flipped = Buffer.from(bytes)
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1
    expect(() => decodeAvro(flipped)).toThrow(expect.objectContaining({ kind: 'table-corrupt' }))
  })
})
