// Contract: a log line holds only fields that are on the list, as short plain values that cannot forge another line.
import { expect, test } from 'vitest'
import { logFields, logText } from '#lake/aws/log-fields.ts'

test('fields that are not on the list are dropped and counted', () => {
  expect(logFields({ dataset: 'trips', rows: 3, email: 'a@b.c', payload: { a: 1 } })).toEqual({
    dataset: 'trips',
    rows: 3,
    fieldsDropped: 2,
  })
  expect(logFields({ dataset: 'trips', kind: undefined })).toEqual({ dataset: 'trips' })
})

test('an allowed field with a structure in it is dropped too', () => {
  expect(logFields({ rows: [{ name: 'x' }], table: { a: 1 } })).toEqual({ fieldsDropped: 2 })
})

test('texts are one short line', () => {
  expect(logText('a\nb\u001b[31m\u0085c')).toBe('a b [31m c')
  expect(logText('x'.repeat(5000))).toHaveLength(301)
  expect(logText('half \ud83d')).toBe('half \ufffd')
})
