// The partition transforms give the values of the spec's tables (appendix B, "Partition Transforms"), before 1970 too.
import { describe, expect, test } from 'vitest'
import { applyTransform, bucketHash, parseTransform, resultType, transformText } from '#lake/iceberg/transform.ts'
import { fromText, type Value } from '#lake/iceberg/value.ts'

const value = (type: string, text: string): Value => {
  const parsed = fromText(type, text)
  if (parsed === undefined) throw new Error(`${type} ${text}`)
  return parsed
}

test.for([
  ['int', '34', 2017239379],
  ['long', '34', 2017239379],
  ['decimal(9,2)', '14.20', -500754589],
  ['date', '2017-11-16', -653330422],
  ['time', '22:31:08', -662762989],
  ['timestamp', '2017-11-16 22:31:08', -2047944441],
  ['timestamp', '2017-11-16 22:31:08.000001', -1207196810],
  ['timestamptz', '2017-11-16 22:31:08+00', -2047944441],
  ['string', 'iceberg', 1210000089],
  ['uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', 1488055340],
  ['fixed[4]', '00010203', -188683207],
  ['binary', '00010203', -188683207],
] as const)('the hash of %s %s', ([type, text, hash]) => {
  expect(bucketHash(type, value(type, text))).toBe(hash)
})

describe('time', () => {
  test.for([
    ['date', '1970-01-01', 0, 0, 0],
    ['date', '1969-12-31', -1, -1, -1],
    ['date', '1968-02-29', -2, -23, -672],
    ['date', '0001-01-01', -1969, -23628, -719162],
    ['timestamp', '2017-11-16 22:31:08.000001', 47, 574, 17486],
    ['timestamptz', '1969-12-31 23:59:59.999999+00', -1, -1, -1],
    ['timestamptz', '1970-01-01 00:00:00+00', 0, 0, 0],
  ] as const)('%s %s', ([type, text, year, month, day]) => {
    const parts = (['year', 'month', 'day'] as const).map(name => applyTransform({ name }, type, value(type, text)))
    expect(parts).toEqual([year, month, day])
  })

  test('hours round down before 1970', () => {
    const hour = (text: string): unknown => applyTransform({ name: 'hour' }, 'timestamp', value('timestamp', text))
    expect([
      hour('1970-01-01 00:59:59.999999'),
      hour('1970-01-01 01:00:00'),
      hour('1969-12-31 23:59:59.999999'),
      hour('1969-12-31 22:59:59'),
    ]).toEqual([0, 1, -1, -2])
  })
})

describe('truncate', () => {
  const truncate = (width: number, type: string, of: Value): unknown =>
    applyTransform({ name: 'truncate', width }, type, of)

  test('numbers round down, also below zero', () => {
    expect([1, -1, -10, -11, 0].map(of => truncate(10, 'int', of))).toEqual([0, -10, -10, -20, 0])
    expect([1n, -1n].map(of => truncate(10, 'long', of))).toEqual([0n, -10n])
  })

  test('decimals by their unscaled value', () => {
    expect(truncate(50, 'decimal(9,2)', 1065n)).toBe(1050n)
    expect(truncate(50, 'decimal(9,2)', -1065n)).toBe(-1100n)
  })

  test('the lowest values stay the lowest', () => {
    expect(truncate(1000, 'long', -(2n ** 63n))).toBe(-(2n ** 63n))
    expect(truncate(1000, 'int', -(2 ** 31))).toBe(-(2 ** 31))
  })

  test('text by code points, bytes by bytes', () => {
    expect(truncate(3, 'string', 'iceberg')).toBe('ice')
    expect(truncate(2, 'string', '𝒳é𝒵')).toBe('𝒳é')
    expect(truncate(5, 'string', 'né')).toBe('né')
    expect(truncate(2, 'binary', Buffer.from('010203', 'hex'))).toEqual(Buffer.from('0102', 'hex'))
  })
})

test('the text of a transform is read and written', () => {
  for (const text of ['identity', 'year', 'month', 'day', 'hour', 'bucket[16]', 'truncate[4]']) {
    const transform = parseTransform(text)
    expect(transformText(transform as Parameters<typeof transformText>[0])).toBe(text)
  }
  expect(parseTransform('zorder[3]')).toEqual({ name: 'unknown', text: 'zorder[3]' })
  expect(resultType({ name: 'day' }, 'timestamptz')).toBe('date')
  expect(resultType({ name: 'bucket', width: 4 }, 'string')).toBe('int')
})
