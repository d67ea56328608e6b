// A ULID holds 48 bits of milliseconds and 80 bits that the caller gives; equal inputs give equal ids, and text order is time order.
import { Buffer } from 'node:buffer'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ulid, ulidMs } from '../../lake/ulid.ts'

const zeros = new Uint8Array(10)
const ones = new Uint8Array(10).fill(0xff)

test('the bounds of the specification', () => {
  expect(ulid(0, zeros)).toBe('00000000000000000000000000')
  expect(ulid(281_474_976_710_655, ones)).toBe('7ZZZZZZZZZZZZZZZZZZZZZZZZZ')
})

test('the example of the specification: 1469918176385 is 01ARYZ6S41', () => {
  expect(ulid(1_469_918_176_385, zeros).slice(0, 10)).toBe('01ARYZ6S41')
  expect(ulidMs('01ARYZ6S41TSV4RRFFQ69G5FAV')).toBe(1_469_918_176_385)
})

test('each bit of the entropy shows', () => {
  const ids = new Set<string>()
  for (let bit = 0; bit < 80; bit++) {
    const entropy = new Uint8Array(10)
    entropy[bit >> 3] = 1 << (bit & 7)
    ids.add(ulid(0, entropy))
  }
  expect(ids.size).toBe(80)
})

test('time comes back, and order of text is order of time and then of entropy', () => {
  const entropy = fc.uint8Array({ minLength: 10, maxLength: 10 })
  const ms = fc.integer({ min: 0, max: 2 ** 48 - 1 })
  fc.assert(
    fc.property(ms, entropy, ms, entropy, (a, x, b, y) => {
      expect(ulidMs(ulid(a, x))).toBe(a)
      const byValue = Math.sign(a - b) || Math.sign(Buffer.compare(x, y))
      const [one, other] = [ulid(a, x), ulid(b, y)]
      expect(one < other ? -1 : one > other ? 1 : 0).toBe(byValue)
    }),
  )
})

test('what is no time, no entropy or no ULID is a bug', () => {
  expect(() => ulid(-1, zeros)).toThrow('48 bits')
  expect(() => ulid(1.5, zeros)).toThrow('48 bits')
  expect(() => ulid(2 ** 48, zeros)).toThrow('48 bits')
  expect(() => ulid(0, new Uint8Array(9))).toThrow('80 bits')
  expect(() => ulidMs('01ARYZ6S41TSV4RRFFQ69G5FAU')).toThrow('not a ULID')
  expect(() => ulidMs('8ZZZZZZZZZZZZZZZZZZZZZZZZZ')).toThrow('not a ULID')
})
