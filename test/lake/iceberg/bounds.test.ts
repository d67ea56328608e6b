// Bounds never exclude a value that is in the file: lower ones round down, upper ones up, and where that is impossible or
// readers disagree there is none. Values pass through their binary form unchanged (spec, appendix D).
import { describe, expect, test } from 'vitest'
import { boundsOf, truncateUpper } from '#lake/iceberg/bounds.ts'
import {
  compareValues,
  fromBinary,
  fromPartition,
  fromText,
  toBinary,
  toPartition,
  type Value,
} from '#lake/iceberg/value.ts'

const bounds = (
  type: string,
  min: string | undefined,
  max: string | undefined,
  full = false,
): readonly (string | undefined)[] => {
  const value = (text: string | undefined): Value | undefined => (text === undefined ? undefined : fromText(type, text))
  const { lower, upper } = boundsOf(type, { min: value(min), max: value(max) }, { length: full ? undefined : 16 })
  return [lower?.toString('hex'), upper?.toString('hex')]
}
const utf8 = (text: string): string => Buffer.from(text).toString('hex')

describe('text', () => {
  test('is cut to 16 code points, the upper bound rounded up', () => {
    expect(bounds('string', 'abcdefghijklmnopqrs', 'abcdefghijklmnopqrs')).toEqual([
      utf8('abcdefghijklmnop'),
      utf8('abcdefghijklmnoq'),
    ])
    expect(bounds('string', 'short', 'sixteen letters!')).toEqual([utf8('short'), utf8('sixteen letters!')])
    const faces = '😀'.repeat(17)
    expect(bounds('string', faces, faces)).toEqual([utf8('😀'.repeat(16)), utf8(`${'😀'.repeat(15)}😁`)])
  })

  test('skips surrogates and gives up after the last code point', () => {
    expect(truncateUpper(`${'a'.repeat(15)}\uD7FFz`, 16)).toBe(`${'a'.repeat(15)}\uE000`)
    expect(truncateUpper(`${'a'.repeat(15)}\u{10FFFF}z`, 16)).toBe(`${'a'.repeat(14)}b`)
    expect(truncateUpper('\u{10FFFF}'.repeat(17), 16)).toBeUndefined()
  })

  test('stays whole in full mode', () => {
    expect(bounds('string', 'abcdefghijklmnopqrs', 'abcdefghijklmnopqrs', true)).toEqual([
      utf8('abcdefghijklmnopqrs'),
      utf8('abcdefghijklmnopqrs'),
    ])
  })
})

test('bytes are cut to 16', () => {
  expect(bounds('binary', '00'.repeat(20), 'FF'.repeat(20))).toEqual(['00'.repeat(16), undefined])
  expect(bounds('binary', '01', `${'01'.repeat(15)}FF${'00'}`)).toEqual(['01', `${'01'.repeat(14)}02`])
})

test('zero takes the wider sign, NaN is no bound', () => {
  expect(bounds('double', '-0.0', '-0.0')).toEqual(['0000000000000080', '0000000000000000'])
  expect(bounds('float', '0.0', '0.0')).toEqual(['00000080', '00000000'])
  expect(bounds('double', 'nan', 'nan')).toEqual([undefined, undefined])
  expect(bounds('double', '-inf', 'inf')).toEqual(['000000000000f0ff', '000000000000f07f'])
})

test('uuid has none, and neither has what Iceberg cannot hold', () => {
  expect(bounds('uuid', '00000000-0000-0000-0000-000000000000', 'f79c3e09-677c-4bbd-a479-3f349cb785e7')).toEqual([
    undefined,
    undefined,
  ])
  expect(bounds('date', '-infinity', 'infinity')).toEqual([undefined, undefined])
  expect(bounds('timestamp', '2024-01-01 00:00:00', '294247-01-10 04:00:54.775806')[1]).toBeUndefined()
  expect(bounds('int', undefined, undefined)).toEqual([undefined, undefined])
})

test.for([
  ['boolean', '1', '01'],
  ['int', '34', '22000000'],
  ['long', '-1', 'ffffffffffffffff'],
  ['date', '1969-12-31', 'ffffffff'],
  ['date', '0050-01-01', 'af4cf5ff'],
  ['time', '22:31:08', '008307e012000000'],
  ['timestamp', '1970-01-01 00:00:00.000001', '0100000000000000'],
  ['timestamptz', '1969-12-31 23:59:59.999999+00', 'ffffffffffffffff'],
  ['decimal(9,2)', '14.20', '058c'],
  ['decimal(9,2)', '-0.01', 'ff'],
  ['decimal(38,0)', '99999999999999999999999999999999999999', '4b3b4ca85a86c47a098a223fffffffff'],
  ['string', 'é', 'c3a9'],
  ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 'f79c3e09677c4bbda4793f349cb785e7'],
] as const)('%s %s', ([type, text, hex]) => {
  const value = fromText(type, text) as Value
  expect(toBinary(type, value).toString('hex')).toBe(hex)
  expect(fromBinary(type, Buffer.from(hex, 'hex'))).toEqual(value)
  expect(fromPartition(type, toPartition(type, value))).toEqual(value)
})

test('bounds from before a promotion are read under the wider type', () => {
  expect(fromBinary('long', Buffer.from('ffffffff', 'hex'))).toBe(-1n)
  expect(fromBinary('double', toBinary('float', 0.5))).toBe(0.5)
})

test('a decimal partition has the bytes of its precision', () => {
  expect((toPartition('decimal(9,2)', -1n) as Buffer).toString('hex')).toBe('ffffffff')
  expect((toPartition('decimal(38,10)', 1n) as Buffer).length).toBe(16)
  expect(toPartition('decimal(9,2)', null)).toBeNull()
})

test('order', () => {
  expect(compareValues('é', 'z')).toBeGreaterThan(0)
  expect(compareValues('\uFFFD', '𝒳')).toBeLessThan(0)
  expect(compareValues(-0, 0)).toBeLessThan(0)
  expect(compareValues(5n, 5n)).toBe(0)
  expect(compareValues(Buffer.from([255]), Buffer.from([1]))).toBeGreaterThan(0)
})
