// Avro frames of Confluent and Glue: events are read by the schema that their frame names, digit by digit; what cannot be is put aside alone.
import { deflateSync } from 'node:zlib'
import avro from 'avsc'
import { expect, test } from 'vitest'
import { defineDataset } from '#lake/dataset.ts'
import { changesOf } from './changing.ts'

const ROW = {
  type: 'record',
  name: 'Value',
  fields: [
    { name: 'id', type: 'long' },
    {
      name: 'price',
      type: [
        'null',
        {
          type: 'bytes',
          logicalType: 'decimal',
          precision: 38,
          scale: 4,
          'connect.name': 'org.apache.kafka.connect.data.Decimal',
        },
      ],
    },
    { name: 'seen', type: ['null', { type: 'long', 'connect.name': 'io.debezium.time.MicroTimestamp' }] },
    { name: 'born', type: ['null', { type: 'int', 'connect.name': 'io.debezium.time.Date' }] },
  ],
}
const ENVELOPE = {
  type: 'record',
  name: 'Envelope',
  fields: [
    { name: 'before', type: ['null', ROW] },
    { name: 'after', type: ['null', 'Value'] },
    {
      name: 'source',
      type: {
        type: 'record',
        name: 'Source',
        fields: [
          { name: 'connector', type: 'string' },
          { name: 'lsn', type: ['null', 'long'] },
          { name: 'snapshot', type: ['null', 'string'] },
          { name: 'ts_ms', type: 'long' },
        ],
      },
    },
    { name: 'op', type: 'string' },
  ],
}
const KEY = { type: 'record', name: 'Key', fields: [{ name: 'id', type: 'long' }] }
const GLUE = '0b0e3c7a-1111-4222-8333-444455556666'

const dataset = defineDataset({
  name: 'items',
  source: {
    system: 's',
    format: 'ndjson',
    match: '*',
    changes: {
      shape: 'debezium',
      wrapper: 'kafka',
      avro: { 7: JSON.stringify(ENVELOPE), 8: JSON.stringify(KEY), [GLUE]: JSON.stringify(ENVELOPE) },
    },
  },
  columns: { id: 'long', price: 'decimal(38,4)', seen: 'timestamp', born: 'date' },
  publish: { mode: 'merge', key: 'id' },
})

const envelope = avro.Type.forSchema(ENVELOPE as avro.Schema)
const bigint = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(16)
  bytes.writeBigInt64BE(value >> 64n, 0)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 8)
  return bytes
}
const body = (op: string, lsn: number, row: object): Buffer =>
  envelope.toBuffer({
    before: null,
    after: row,
    source: { connector: 'postgresql', lsn, snapshot: 'false', ts_ms: 0 },
    op,
  })

const confluent = (id: number, bytes: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(id, 1)
  return Buffer.concat([head, bytes])
}
const glue = (compression: 0 | 5, bytes: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from([3, compression]),
    Buffer.from(GLUE.replaceAll('-', ''), 'hex'),
    compression === 5 ? deflateSync(bytes) : bytes,
  ])

let offset = 0
const record = (key: Buffer | null, value: Buffer | null): string =>
  JSON.stringify({
    topic: 't',
    partition: 0,
    offset: offset++,
    ...(key === null ? { key } : { keyBase64: key.toString('base64') }),
    ...(value === null ? { value } : { valueBase64: value.toString('base64') }),
  })

const key = (id: number): Buffer => confluent(8, avro.Type.forSchema(KEY as avro.Schema).toBuffer({ id }))

test('values keep every digit, and logical types are what Debezium named', async () => {
  const price = bigint(12345678901234567890123456789012345678n)
  const { rows, reasons } = await changesOf(dataset, [
    record(key(1), confluent(7, body('c', 100, { id: 1, price, seen: 1_700_000_000_123_456, born: -1 }))),
    record(key(2), glue(0, body('c', 101, { id: 2, price: bigint(-1n), seen: null, born: 0 }))),
    record(key(3), glue(5, body('c', 102, { id: 3, price: null, seen: 0, born: null }))),
    record(key(1), null),
  ])
  expect(reasons).toEqual({})
  expect(rows.map(({ _op, id, price, seen, born }) => [_op, id, price, seen, born])).toEqual([
    ['upsert', '1', '1234567890123456789012345678901234.5678', '2023-11-14 22:13:20.123456', '1969-12-31'],
    ['upsert', '2', '-0.0001', null, '1970-01-01'],
    ['upsert', '3', null, '1970-01-01 00:00:00', null],
    ['delete', '1', null, null, null],
  ])
})

test('a frame of an unknown schema, one that is cut off and bytes that are no frame are put aside', async () => {
  const whole = confluent(7, body('c', 100, { id: 1, price: null, seen: null, born: null }))
  const { rows, reasons, refused } = await changesOf(dataset, [
    record(null, confluent(9, Buffer.from('x'))),
    record(null, whole.subarray(0, -3)),
    record(null, Buffer.from([9, 9, 9])),
    record(null, Buffer.concat([whole, Buffer.from('more')])),
    record(null, whole),
  ])
  expect(rows.map(({ id }) => id)).toEqual(['1'])
  expect(reasons).toEqual({ bad_frame: 4 })
  expect(refused.map(({ ordinal }) => ordinal)).toEqual([1, 2, 3, 4])
  expect(refused[0]?.message).toBe('schema 9 is not among those of source.changes.avro')
})
