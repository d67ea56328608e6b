// Fields that are not wanted are passed over, whatever their type and however their blocks are written, and everything after them is read
// as if they were not there; of maps by number only the wanted keys stay.
import { expect, test } from 'vitest'
import { openAvro } from '#lake/iceberg/avro-read.ts'
import type { AvroComplex, AvroRecord, AvroSchema, AvroValue } from '#lake/iceberg/avro-schema.ts'
import { encodeAvro } from '#lake/iceberg/avro-write.ts'

const idMap = (value: AvroSchema): AvroComplex => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name: 'k_v',
    fields: [
      { name: 'key', type: 'int' },
      { name: 'value', type: value },
    ],
  },
})

test.for<readonly [what: string, type: AvroSchema, value: AvroValue]>([
  ['boolean', 'boolean', true],
  ['int', 'int', -5],
  ['long', 'long', -(2n ** 63n)],
  ['float', 'float', 0.5],
  ['double', 'double', -1e300],
  ['string', 'string', 'é𝒳'.repeat(100)],
  ['bytes', 'bytes', Buffer.alloc(300, 255)],
  ['fixed', { type: 'fixed', name: 'four', size: 4 }, Buffer.from('abcd')],
  ['absent optional', ['null', 'string'], null],
  ['optional', ['null', 'string'], 'x'],
  ['array', { type: 'array', items: 'long' }, [1n, 2n ** 40n]],
  ['empty array', { type: 'array', items: 'string' }, []],
  ['record', { type: 'record', name: 'r', fields: [{ name: 'a', type: ['null', 'long'] }] }, { a: 7n }],
  ['map by number', idMap('bytes'), new Map([[3, Buffer.from('three')]])],
  ['date', { type: 'int', logicalType: 'date' }, 19_000],
])('%s', ([_what, type, value]) => {
  const schema: AvroComplex = {
    type: 'record',
    name: 'top',
    fields: [
      { name: 'before', type: 'string' },
      { name: 'unwanted', type },
      { name: 'after', type: 'string' },
    ],
  }
  const records: AvroRecord[] = ['a', 'b'].map(text => ({ before: text, unwanted: value, after: `${text}!` }))
  const bytes = encodeAvro(schema, records)
  const { records: read } = openAvro(bytes, { isWanted: field => field.name !== 'unwanted' })
  expect([...read]).toEqual([
    { before: 'a', after: 'a!' },
    { before: 'b', after: 'b!' },
  ])
  expect([...openAvro(bytes).records]).toEqual(records)
})

/** An object container of one record, by hand, because our own writer never gives the sizes of blocks. */
function container(schema: AvroSchema, record: readonly number[]): Buffer {
  const zigzag = (value: number): number[] => {
    const bytes: number[] = []
    for (let rest = value * 2; ; rest = Math.floor(rest / 128)) {
      if (rest < 128) return [...bytes, rest]
      bytes.push((rest % 128) + 128)
    }
  }
  const text = JSON.stringify(schema)
  const header = [
    ...zigzag(1),
    ...zigzag(11),
    ...Buffer.from('avro.schema'),
    ...zigzag(text.length),
    ...Buffer.from(text),
    0,
  ]
  const sync = Buffer.alloc(16, 7)
  return Buffer.concat([
    Buffer.from('Obj\x01'),
    Buffer.from(header),
    sync,
    Buffer.from([...zigzag(1), ...zigzag(record.length), ...record]),
    sync,
  ])
}

test('blocks whose writer gave their size in bytes', () => {
  const schema: AvroComplex = {
    type: 'record',
    name: 'top',
    fields: [
      { name: 'numbers', type: { type: 'array', items: 'int' } },
      { name: 'byName', type: { type: 'map', values: 'int' } },
      { name: 'letter', type: { type: 'enum', name: 'e', symbols: ['A', 'B'] } },
      { name: 'after', type: 'int' },
    ],
  }
  // Counts −2 and −1 (zigzag 3 and 1), each followed by a size: 2 bytes of items, 3 of one entry "x" → 5.
  const record = [3, 4, 2, 4, 0, 1, 6, 2, 0x78, 10, 0, 2, 84]
  const bytes = container(schema, record)
  expect([...openAvro(bytes).records]).toEqual([
    { numbers: [1, 2], byName: new Map([['x', 5]]), letter: 'B', after: 42 },
  ])
  expect([...openAvro(bytes, { isWanted: field => field.name === 'after' }).records]).toEqual([{ after: 42 }])
})

test('only the wanted keys of a map', () => {
  const schema: AvroComplex = {
    type: 'record',
    name: 'top',
    fields: [
      { name: 'bounds', type: ['null', idMap('bytes')] },
      { name: 'after', type: 'int' },
    ],
  }
  const bounds = new Map([1, 2, 3].map(id => [id, Buffer.alloc(id, id)]))
  const bytes = encodeAvro(schema, [
    { bounds, after: 1 },
    { bounds: null, after: 2 },
  ])
  expect([...openAvro(bytes, { mapKeys: new Set([2, 9]) }).records]).toEqual([
    { bounds: new Map([[2, Buffer.from([2, 2])]]), after: 1 },
    { bounds: null, after: 2 },
  ])
})

test('a type that is defined where nobody looks is known where it is used again', () => {
  const schema: AvroComplex = {
    type: 'record',
    name: 'top',
    fields: [
      { name: 'unwanted', type: { type: 'fixed', name: 'two', size: 2 } },
      { name: 'wanted', type: 'two' },
    ],
  }
  const bytes = encodeAvro(schema, [{ unwanted: Buffer.from('ab'), wanted: Buffer.from('cd') }])
  const { records } = openAvro(bytes, { isWanted: field => field.name === 'wanted' })
  expect([...records]).toEqual([{ wanted: Buffer.from('cd') }])
})

test('damage inside what is passed over is still damage', () => {
  const schema: AvroComplex = { type: 'record', name: 'top', fields: [{ name: 'text', type: 'string' }] }
  for (const record of [[40, 1], [3, 127], []]) {
    const { records } = openAvro(container(schema, record), { isWanted: () => false })
    expect(() => [...records]).toThrow(expect.objectContaining({ kind: 'table-corrupt' }))
  }
})
