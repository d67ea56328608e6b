// A key in a log line is one short line, whatever its bytes.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printable } from '../../../functions/ingest/printable.ts'

test('control characters, line breaks, overrides of direction and letters beyond ASCII are escaped', () => {
  expect(printable('a/b c.json')).toBe('a/b c.json')
  expect(printable('a\r\n\u001b[31m\u202eb\0')).toBe('a\\u{d}\\u{a}\\u{1b}[31m\\u{202e}b\\u{0}')
  expect(printable('🦀')).toBe('\\u{1f980}')
})

test('every key is one line of at most 200 characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1_024 }), key => {
      expect(printable(key)).toMatch(/^[\x20-\x7e]{0,199}[\x20-\x7e…]?$/)
    }),
  )
  expect(printable('x'.repeat(200))).toBe('x'.repeat(200))
  expect(printable('x'.repeat(201))).toHaveLength(200)
})
